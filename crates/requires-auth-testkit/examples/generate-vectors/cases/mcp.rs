//! Requests to an MCP server, whose messages need scopes of their own.

mod headers;
mod messages;
mod scopes;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::Theme;
use crate::case::{Finished, base_config, put_below};
use crate::key_sets::KeySet;
use crate::tokens::{AUDIENCE, es384, good};

/// What the messages in a body need; then headers beside a body, and headers alone.
pub fn themes() -> Vec<Theme> {
    let mut messages = scopes::cases();
    messages.extend(messages::cases());
    let theme =
        |name: &str, about: &str, cases| Theme { name: name.to_owned(), about: about.to_owned(), cases };
    vec![
        theme("mcp-messages", "messages to an MCP server: what they need, and how they are read", messages),
        theme(
            "mcp-headers",
            "messages to an MCP server: headers beside their body, and headers alone",
            headers::cases(),
        ),
    ]
}

/// A POST in the making, with a good token that has the base scope, to a server whose tools are named.
#[must_use]
struct Post {
    id: &'static str,
    row: &'static str,
    about: String,
    method: &'static str,
    headers: Vec<Value>,
    body: Value,
    is_hidden: bool,
    scopes: Map<String, Value>,
    config: Map<String, Value>,
    key_set: Option<KeySet>,
    token: String,
}

impl Post {
    fn new(id: &'static str, row: &'static str, about: impl Into<String>) -> Self {
        let mut config = base_config();
        put_below(&mut config, "settings", "resource", json!(format!("{AUDIENCE}/mcp")));
        put_below(&mut config, "settings", "base_scopes", json!(["read"]));
        let post = Self {
            id,
            row,
            about: about.into(),
            method: "POST",
            headers: vec![
                json!(["Authorization", "Bearer {token}"]),
                json!(["Content-Type", "application/json"]),
            ],
            body: json!(""),
            is_hidden: false,
            scopes: Map::new(),
            config,
            key_set: Some(KeySet::es384()),
            token: String::new(),
        };
        let named = json!({ "list": "", "create": "write", "caf\u{e9}": "coffee" });
        post.scope("read").names("tools", named)
    }

    /// Requests of clients that are not named here must not be allowed by an alias.
    fn open(self) -> Self {
        self.names("tools", json!({ "create": "write", "*": "" }))
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// A token with these scopes.
    fn scope(mut self, scope: &str) -> Self {
        self.token = good(es384()).scope(scope).mint();
        self
    }

    fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    fn without_token(mut self) -> Self {
        self.headers.remove(0);
        self
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(json!([name, value]));
        self
    }

    /// A header whose value is not ASCII.
    fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push(json!([name, { "base64": STANDARD.encode(value) }]));
        self
    }

    fn text(mut self, body: impl Into<String>) -> Self {
        self.body = body.into().into();
        self
    }

    fn bytes(mut self, body: &[u8]) -> Self {
        self.body = json!({ "base64": STANDARD.encode(body) });
        self
    }

    /// A text with spaces behind it, up to this length.
    fn padded(mut self, body: impl Into<String>, length: usize) -> Self {
        self.body = json!({ "text": body.into(), "length": length });
        self
    }

    /// Whoever decides sees the headers alone.
    fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    fn call(self, tool: &str) -> Self {
        self.text(call(tool))
    }

    /// What the tools (`tools`), prompts (`prompts`) or resources (`reads`) need that are named.
    fn names(mut self, kind: &str, needs: Value) -> Self {
        self.scopes.insert(kind.to_owned(), needs);
        self
    }

    fn max_body(mut self, bytes: usize) -> Self {
        self.scopes.insert("max_body".to_owned(), bytes.into());
        self
    }

    fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        put_below(&mut self.config, "settings", key, value.into());
        self
    }

    fn out_of_reach(mut self) -> Self {
        self.key_set = None;
        self
    }

    fn allow(self) -> Finished {
        self.finish(&json!({ "outcome": "allow" }))
    }

    /// 403 `insufficient_scope`, whose challenge lists these.
    fn lacks(self, scope: &str) -> Finished {
        let text = "the token lacks a scope that this route needs";
        let parameters =
            format!("error=\"insufficient_scope\", error_description=\"{text}\", scope=\"{scope}\"");
        self.deny(403, "insufficient_scope", None, Some(&parameters), None)
    }

    /// 401, whose challenge names the base.
    fn unauthorized(self, code: &str, reason: Option<&str>, error: &str) -> Finished {
        let parameters = format!("{error}scope=\"read\"");
        self.deny(401, code, reason, Some(&parameters), None)
    }

    fn unknown(self) -> Finished {
        self.deny(403, "auth.mcp_operation_unknown", None, None, None)
    }

    fn insufficient_headers(self) -> Finished {
        self.deny(403, "auth.mcp_headers_insufficient", None, None, None)
    }

    fn not_json(self) -> Finished {
        self.deny(400, "auth.mcp_body_not_json", None, None, Some(-32_700))
    }

    fn invalid(self) -> Finished {
        self.deny(400, "auth.mcp_message_invalid", None, None, Some(-32_600))
    }

    fn mismatch(self) -> Finished {
        self.deny(400, "auth.mcp_header_mismatch", None, None, Some(-32_020))
    }

    fn encoded(self) -> Finished {
        self.deny(415, "auth.mcp_body_encoded", None, None, Some(-32_600))
    }

    fn too_large(self) -> Finished {
        self.deny(413, "auth.mcp_body_too_large", None, None, Some(-32_600))
    }

    fn unavailable(self) -> Finished {
        self.deny(503, "auth.issuer_unavailable", None, None, None)
    }

    fn deny(
        self,
        status: u16,
        code: &str,
        reason: Option<&str>,
        parameters: Option<&str>,
        json_rpc: Option<i32>,
    ) -> Finished {
        let pointer = format!("resource_metadata=\"{AUDIENCE}/.well-known/oauth-protected-resource/mcp\"");
        let challenge = parameters.map(|parameters| format!("Bearer {parameters}, {pointer}"));
        let headers = if status < 500 { json!({ "Cache-Control": "no-store" }) } else { json!({}) };
        let mut expect = json!({
            "outcome": "deny",
            "status": status,
            "code": code,
            "reason": reason,
            "challenge": challenge,
            "headers": headers,
        });
        if let Some(json_rpc) = json_rpc {
            expect["json_rpc"] = json_rpc.into();
        }
        self.finish(&expect)
    }

    fn finish(self, expect: &Value) -> Finished {
        let mut json = json!({
            "id": self.id,
            "row": self.row,
            "about": self.about,
            "request": { "method": self.method, "url": "/mcp", "headers": self.headers },
            "body": self.body,
            "config": self.config,
            "scopes": self.scopes,
            "jwks": self.key_set.as_ref().map(|key_set| &key_set.name),
            "expect": expect,
        });
        if self.is_hidden {
            json["body"] = Value::Null;
        }
        if json["request"].to_string().contains("{token}") {
            json["token"] = json!(self.token);
        }
        Finished { json, key_set: self.key_set }
    }
}

fn message(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

fn call(tool: &str) -> String {
    message("tools/call", &json!({ "name": tool, "arguments": { "a": [1, { "b": null }] } }))
}

fn read(uri: &str) -> String {
    message("resources/read", &json!({ "uri": uri }))
}
