//! Requests to an MCP server and to what it names: no redirect is followed, and time and size are bounded.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response, Url};
use serde_json::Value;

use super::super::connection::Connector;
use super::target::McpUrl;
use crate::http::cause;

/// How long one answer may take, with as much of its body as is read.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a body is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// A question that every MCP server knows and that changes nothing.
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// What is asked of a server.
pub(super) struct Question {
    method: Method,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Question {
    /// A request without a body.
    pub(super) fn new(method: Method) -> Self {
        Self { method, headers: Vec::new(), body: None }
    }

    /// A POST with this body, as clients of MCP send it.
    pub(super) fn post(body: impl Into<String>) -> Self {
        let question = Self { method: Method::POST, headers: Vec::new(), body: Some(body.into()) };
        question
            .with("content-type", "application/json")
            .with("accept", "application/json, text/event-stream")
    }

    /// A POST that changes nothing.
    pub(super) fn ping() -> Self {
        Self::post(PING)
    }

    /// With this header; the same name may stand twice.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An answer, of which the body is still to come.
pub(super) struct Answer {
    pub(super) status: u16,
    response: Response,
}

impl Answer {
    /// The first value of a header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The values of `WWW-Authenticate`.
    pub(super) fn challenges(&self) -> Vec<String> {
        let values = self.headers().get_all("www-authenticate").iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// Whether it claims to be of this media type, whatever its parameters.
    pub(super) fn is(&self, media_type: &str) -> bool {
        let own = self.header("content-type").unwrap_or_default();
        own.split(';').next().unwrap_or_default().trim_ascii().eq_ignore_ascii_case(media_type)
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The whole body. An error is what went wrong, in a few words.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        while let Some(chunk) = self.response.chunk().await.map_err(|error| cause(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(format!("the answer is longer than {} KiB", MAX_BODY / 1024));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The JSON-RPC answer: the body, or the first event of a stream that has a result or an error. A stream may stay open.
    pub(super) async fn message(mut self) -> Option<Value> {
        if !self.is("text/event-stream") {
            return serde_json::from_slice(&self.whole().await.ok()?).ok();
        }
        let (mut events, mut read) = (Events::default(), 0);
        while let Some(chunk) = self.response.chunk().await.ok()? {
            read += chunk.len();
            if read > MAX_BODY {
                return None;
            }
            if let Some(answer) = events.push(&chunk) {
                return Some(answer);
            }
        }
        None
    }
}

/// A stream of events, as it comes.
#[derive(Default)]
struct Events {
    /// The line whose end has not come.
    line: Vec<u8>,
}

impl Events {
    /// The first answer that ends in this chunk.
    fn push(&mut self, chunk: &[u8]) -> Option<Value> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if !piece.ends_with(b"\n") {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let value =
                line.strip_prefix(b"data:").and_then(|data| serde_json::from_slice::<Value>(data).ok());
            if let Some(answer) =
                value.filter(|own| own.get("result").is_some() || own.get("error").is_some())
            {
                return Some(answer);
            }
        }
        None
    }
}

/// Asks one MCP server, and fetches what it names.
pub(super) struct Client<'c> {
    connector: &'c Connector,
    server: &'c McpUrl,
}

impl<'c> Client<'c> {
    pub(super) fn new(connector: &'c Connector, server: &'c McpUrl) -> Self {
        Self { connector, server }
    }

    pub(super) fn server(&self) -> &'c McpUrl {
        self.server
    }

    /// What findings are about, if they are not about a document.
    pub(super) fn subject(&self) -> &'c str {
        self.server.typed()
    }

    /// Asks the server itself, with an `Authorization` for each token. No other place is ever sent a token.
    pub(super) async fn ask(&self, question: Question, tokens: &[&str]) -> Result<Answer, String> {
        let credentials = tokens.iter().map(|token| ("authorization", format!("Bearer {token}")));
        self.send(self.server.url(), question, credentials.collect()).await
    }

    /// Asks another place, without credentials.
    pub(super) async fn fetch(&self, url: &Url, question: Question) -> Result<Answer, String> {
        self.send(url, question, Vec::new()).await
    }

    async fn send(
        &self,
        url: &Url,
        question: Question,
        credentials: Vec<(&'static str, String)>,
    ) -> Result<Answer, String> {
        let client = self.connector.client(url);
        let mut request = client.request(question.method, url.clone()).timeout(TIMEOUT);
        for (name, value) in question.headers.into_iter().chain(credentials) {
            request = request.header(name, value);
        }
        if let Some(body) = question.body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|error| cause(&error))?;
        Ok(Answer { status: response.status().as_u16(), response })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_in_a_stream_however_it_comes() {
        let notice = "event: message\ndata: {\"method\":\"notifications/message\"}\n\n";
        assert_eq!(Events::default().push(notice.as_bytes()), None);
        let answered = format!("{notice}: comment\r\ndata: {{\"result\":{{\"a\":1}}}}\r\n\r\n");
        for size in [1, 7, 1000] {
            let mut events = Events::default();
            let found = answered.as_bytes().chunks(size).find_map(|chunk| events.push(chunk));
            assert_eq!(found.expect("an answer")["result"]["a"], 1, "{size}");
        }
        assert_eq!(Events::default().push(answered.trim_end().as_bytes()), None, "a line that may go on");
        assert_eq!(Events::default().push(b""), None);
    }
}
