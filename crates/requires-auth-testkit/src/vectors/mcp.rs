use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::RequestCase;

/// A message meets the guard of an MCP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "File")]
#[non_exhaustive]
pub struct McpCase {
    /// The request without its body, and what becomes of it.
    pub request: RequestCase,
    /// The body; `None` where whoever decides sees the headers alone.
    pub body: Option<Vec<u8>>,
    /// What the operations need.
    pub scopes: McpScopes,
    /// The number of the JSON-RPC error that the answer is, if it is one.
    pub json_rpc: Option<i32>,
}

/// What the operations of a server need: lists of scopes, separated by spaces, by name. `*` is all others.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct McpScopes {
    /// By the name of a tool.
    #[serde(default)]
    pub tools: BTreeMap<String, String>,
    /// By the name of a prompt.
    #[serde(default)]
    pub prompts: BTreeMap<String, String>,
    /// By a pattern of URIs of resources.
    #[serde(default)]
    pub reads: BTreeMap<String, String>,
    /// How many bytes a body may have; 4 MiB when absent.
    #[serde(default)]
    pub max_body: Option<usize>,
}

/// A case as the file has it.
#[derive(Deserialize)]
struct File {
    #[serde(flatten)]
    members: Value,
    body: Option<Body>,
    scopes: McpScopes,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    Text(String),
    Bytes { base64: String },
    Padded { text: String, length: usize },
}

impl TryFrom<File> for McpCase {
    type Error = String;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        let File { members, body, scopes } = file;
        let json_rpc = members["expect"]["json_rpc"].as_i64().and_then(|number| i32::try_from(number).ok());
        let body = match body {
            None => None,
            Some(Body::Text(text)) => Some(text.into_bytes()),
            Some(Body::Bytes { base64 }) => Some(STANDARD.decode(base64).map_err(|error| error.to_string())?),
            Some(Body::Padded { text, length }) => {
                let mut bytes = text.into_bytes();
                bytes.resize(length, b' ');
                Some(bytes)
            }
        };
        let request = serde_json::from_value(members).map_err(|error| error.to_string())?;
        Ok(Self { request, body, scopes, json_rpc })
    }
}
