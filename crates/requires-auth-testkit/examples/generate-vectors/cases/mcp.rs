//! Requests to an MCP server, whose messages need scopes of their own.

mod headers;
mod messages;
mod scopes;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::Theme;
use super::requests::Request;
use super::requests::resource::{POINTER, RESOURCE};
use crate::answers;
use crate::case::Finished;
use crate::tokens::{es384, good};

/// What the messages in a body need; then headers beside a body, and headers alone.
pub fn themes() -> Vec<Theme> {
    let mut messages = scopes::cases();
    messages.extend(messages::cases());
    vec![
        Theme::new(
            "mcp-messages",
            "messages to an MCP server: what they need, and how they are read",
            messages,
        ),
        Theme::new(
            "mcp-headers",
            "messages to an MCP server: headers beside their body, and headers alone",
            headers::cases(),
        ),
    ]
}

/// A POST in the making, with a good token that has the base scope, to a server whose tools are named.
#[must_use]
struct Post {
    request: Request,
    body: Value,
    is_hidden: bool,
    scopes: Map<String, Value>,
}

impl Post {
    fn new(id: &'static str, row: &'static str, about: impl Into<String>) -> Self {
        let request = Request::new(id, row, about)
            .method("POST")
            .url("/mcp")
            .bearer()
            .header("Content-Type", "application/json")
            .setting("resource", RESOURCE)
            .setting("base_scopes", json!(["read"]));
        let post = Self { request, body: json!(""), is_hidden: false, scopes: Map::new() };
        let named = json!({ "list": "", "create": "write", "caf\u{e9}": "coffee" });
        post.scope("read").names("tools", named)
    }

    /// Requests of clients that are not named here must not be allowed by an alias.
    fn open(self) -> Self {
        self.names("tools", json!({ "create": "write", "*": "" }))
    }

    fn with(self, change: impl FnOnce(Request) -> Request) -> Self {
        Self { request: change(self.request), ..self }
    }

    fn method(self, method: &'static str) -> Self {
        self.with(|request| request.method(method))
    }

    /// A token with these scopes.
    fn scope(self, scope: &str) -> Self {
        self.token(good(es384()).scope(scope).mint())
    }

    fn token(self, token: impl Into<String>) -> Self {
        self.with(|request| request.token(token))
    }

    fn without_token(self) -> Self {
        self.with(|mut request| {
            request.headers.remove(0);
            request
        })
    }

    fn header(self, name: &str, value: &str) -> Self {
        self.with(|request| request.header(name, value))
    }

    /// A header whose value is not ASCII.
    fn raw_header(self, name: &str, value: &[u8]) -> Self {
        self.with(|request| request.raw_header(name, value))
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

    fn setting(self, key: &str, value: impl Into<Value>) -> Self {
        self.with(|request| request.setting(key, value))
    }

    fn out_of_reach(self) -> Self {
        self.with(Request::out_of_reach)
    }

    fn allow(self) -> Finished {
        self.finish(Request::allow)
    }

    /// 403 `insufficient_scope`, whose challenge lists these.
    fn lacks(self, scope: &str) -> Finished {
        self.finish(|request| request.lacks(&[], scope))
    }

    /// A refusal whose challenge names the base.
    fn unauthorized(self, answer: Value) -> Finished {
        self.finish(|request| request.pointing(answer, Some("read"), POINTER))
    }

    fn unknown(self) -> Finished {
        self.refuse(403, "auth.mcp_operation_unknown")
    }

    fn insufficient_headers(self) -> Finished {
        self.refuse(403, "auth.mcp_headers_insufficient")
    }

    fn not_json(self) -> Finished {
        self.error(400, "auth.mcp_body_not_json", -32_700)
    }

    fn invalid(self) -> Finished {
        self.error(400, "auth.mcp_message_invalid", -32_600)
    }

    fn mismatch(self) -> Finished {
        self.error(400, "auth.mcp_header_mismatch", -32_020)
    }

    fn encoded(self) -> Finished {
        self.error(415, "auth.mcp_body_encoded", -32_600)
    }

    fn too_large(self) -> Finished {
        self.error(413, "auth.mcp_body_too_large", -32_600)
    }

    fn unavailable(self) -> Finished {
        self.finish(|request| request.deny(&answers::issuer_unavailable()))
    }

    /// A refusal without a challenge.
    fn refuse(self, status: u16, code: &str) -> Finished {
        let answer = json!({ "status": status, "code": code });
        self.finish(|request| request.deny(&answer))
    }

    /// A refusal whose body is an error of JSON-RPC.
    fn error(self, status: u16, code: &str, number: i32) -> Finished {
        let mut finished = self.refuse(status, code);
        finished.json["expect"]["json_rpc"] = number.into();
        finished
    }

    /// The case of the request, with what a message has besides.
    fn finish(self, expect: impl FnOnce(Request) -> Finished) -> Finished {
        let mut finished = expect(self.request);
        let members = finished.json.as_object_mut().expect("a case is an object");
        let body = if self.is_hidden { Value::Null } else { self.body };
        for (before, name, value) in [("config", "body", body), ("jwks", "scopes", self.scopes.into())] {
            let index = members.keys().position(|member| member == before).expect("a member of each case");
            members.shift_insert(index, name.to_owned(), value);
        }
        finished
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
