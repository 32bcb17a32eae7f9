use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::{Config, Refusal};

/// What `{token}` in a URL or header is replaced by is `token` of the case.
const PLACEHOLDER: &str = "{token}";

/// A whole request meets a guard.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "File")]
#[non_exhaustive]
pub struct RequestCase {
    /// The name of the case, unique among all cases.
    pub id: String,
    /// The row of the requirements in `vectors/README.md`, such as `A05`.
    pub row: String,
    /// What the case shows.
    pub about: String,
    /// The method of the request.
    pub method: String,
    /// Path and query of the request.
    pub url: String,
    /// The path of its route, with places such as `{org}`, where claim rules look at one.
    pub route: Option<String>,
    /// The header lines in their order; values need not be UTF-8.
    pub headers: Vec<(String, Vec<u8>)>,
    /// How the guard is configured.
    pub config: Config,
    /// The JWK Set of the issuer; without one, the issuer is out of reach and no key was ever fetched.
    pub jwks: Option<Value>,
    /// What the guard has to do.
    pub outcome: Outcome,
    /// Header lines that the answer must have, beside the challenge.
    pub response_headers: BTreeMap<String, String>,
}

impl RequestCase {
    /// What the URL has in the places of the route, percent-decoded once.
    pub fn path_parameters(&self) -> Vec<(String, String)> {
        let path = self.url.split('?').next().unwrap_or_default();
        let places = self.route.iter().flat_map(|route| route.split('/')).zip(path.split('/'));
        let parameter = |(place, segment): (&str, &str)| {
            let name = place.strip_prefix('{')?.strip_suffix('}')?;
            // No case has another encoded letter.
            Some((name.to_owned(), segment.replace("%20", " ")))
        };
        places.filter_map(parameter).collect()
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It goes through with an access token.
    Allow,
    /// It goes through without an access token, because authentication is optional.
    Anonymous,
    /// It is answered here.
    Deny(Refusal),
    /// It goes through unchallenged, because it is a preflight.
    Preflight,
}

/// A case as the file has it.
#[derive(Deserialize)]
struct File {
    id: String,
    row: String,
    about: String,
    request: Parts,
    config: Config,
    jwks: Option<Value>,
    #[serde(default)]
    token: Option<String>,
    expect: Expected,
}

#[derive(Deserialize)]
struct Parts {
    method: String,
    url: String,
    #[serde(default)]
    route: Option<String>,
    headers: Vec<(String, HeaderValue)>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderValue {
    Text(String),
    Bytes { base64: String },
}

#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
enum Expected {
    Allow,
    Anonymous,
    Deny {
        #[serde(flatten)]
        refusal: Refusal,
        headers: BTreeMap<String, String>,
    },
    Preflight,
}

impl TryFrom<File> for RequestCase {
    type Error = base64::DecodeError;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        let File { id, row, about, request, config, jwks, token, expect } = file;
        let filled = |text: String| match &token {
            Some(token) => text.replace(PLACEHOLDER, token),
            None => text,
        };
        let mut headers = Vec::new();
        for (name, value) in request.headers {
            let value = match value {
                HeaderValue::Text(text) => filled(text).into_bytes(),
                HeaderValue::Bytes { base64 } => STANDARD.decode(base64)?,
            };
            headers.push((name, value));
        }
        let (outcome, response_headers) = match expect {
            Expected::Allow => (Outcome::Allow, BTreeMap::new()),
            Expected::Anonymous => (Outcome::Anonymous, BTreeMap::new()),
            Expected::Deny { refusal, headers } => (Outcome::Deny(refusal), headers),
            Expected::Preflight => (Outcome::Preflight, BTreeMap::new()),
        };
        let (method, url) = (request.method, filled(request.url));
        let route = request.route;
        Ok(Self { id, row, about, method, url, route, headers, config, jwks, outcome, response_headers })
    }
}
