//! A conversation with an MCP server with a valid token. Only what changes nothing is asked, and a session is ended.

use std::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, Client, Question};

/// The version that is offered where a conversation begins with `initialize`.
const OFFERED: &str = "2025-11-25";

/// Since this version each request stands alone.
const WITHOUT_SESSIONS: &str = "2026-07-28";

/// How requests of a conversation are sent.
pub(super) struct Session<'s> {
    client: &'s Client<'s>,
    token: &'s str,
    version: String,
    id: Option<String>,
    /// How many messages were sent: no two have the same number in a session.
    sent: Cell<u64>,
}

impl<'s> Session<'s> {
    /// Begins one. The answer to `initialize` comes with it; where that is not a success, requests stand alone.
    pub(super) async fn open(client: &'s Client<'s>, token: &'s str) -> Result<(Self, u16), String> {
        let params = json!({ "protocolVersion": OFFERED, "capabilities": {}, "clientInfo": client_info() });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let answer = client.ask(Question::post(message.to_string()), &[token]).await?;
        let (status, is_success) = (answer.status, answer.is_success());
        let id = answer.header("mcp-session-id").map(str::to_owned);
        let message = if is_success { answer.message().await } else { None };
        let version = message.as_ref().and_then(|own| own.pointer("/result/protocolVersion")?.as_str());
        let session = Self {
            client,
            token,
            version: version.unwrap_or(WITHOUT_SESSIONS).to_owned(),
            id,
            sent: Cell::new(1),
        };
        if version.is_some() {
            let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
            client.ask(session.dressed(Question::post(ready.to_string())), &[token]).await?;
        }
        Ok((session, status))
    }

    /// Asks for something, with the token, or with other credentials.
    pub(super) async fn ask(
        &self,
        method: &str,
        params: Value,
        tokens: Option<&[&str]>,
    ) -> Result<Answer, String> {
        let mut params = params;
        let name = params.get("name").and_then(Value::as_str).map(in_header);
        let is_alone = self.version.as_str() >= WITHOUT_SESSIONS;
        if let (true, Some(params)) = (is_alone, params.as_object_mut()) {
            params.insert("_meta".to_owned(), meta());
        }
        self.sent.set(self.sent.get() + 1);
        let message = json!({ "jsonrpc": "2.0", "id": self.sent.get(), "method": method, "params": params });
        let mut question = self.dressed(Question::post(message.to_string()));
        if is_alone {
            question = question.with("mcp-method", method);
            if let Some(name) = name {
                question = question.with("mcp-name", name);
            }
        }
        self.client.ask(question, tokens.unwrap_or(&[self.token])).await
    }

    /// Ends the session, if there is one. A server may refuse that, and forgets it by itself.
    pub(super) async fn close(self) {
        if self.id.is_some() {
            let question = self.dressed(Question::new(Method::DELETE));
            self.client.ask(question, &[self.token]).await.ok();
        }
    }

    fn dressed(&self, question: Question) -> Question {
        let question = question.with("mcp-protocol-version", &*self.version);
        match &self.id {
            Some(id) => question.with("mcp-session-id", &**id),
            None => question,
        }
    }
}

fn client_info() -> Value {
    json!({ "name": "requires-auth-doctor", "version": env!("CARGO_PKG_VERSION") })
}

/// What each request says that stands alone.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": WITHOUT_SESSIONS,
        "io.modelcontextprotocol/clientInfo": client_info(),
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A name as a header has it: other characters than visible ASCII are in Base64.
fn in_header(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.starts_with("=?");
    if is_plain { name.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_a_header() {
        assert_eq!(in_header("create_order"), "create_order");
        assert_eq!(in_header("café"), "=?base64?Y2Fmw6k=?=");
        assert_eq!(in_header("=?base64?"), format!("=?base64?{}?=", STANDARD.encode("=?base64?")));
        assert_eq!(in_header("a\r\nb"), format!("=?base64?{}?=", STANDARD.encode("a\r\nb")));
    }
}
