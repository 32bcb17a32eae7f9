//! An MCP server of another make and its authorization server: both right, until a mistake is planted.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// Changes the right answer to a request.
pub type Mistake = fn(&Request, Answer) -> Answer;

/// A request, of which the body is read only if somebody wants it.
pub struct Request {
    /// The server's own address.
    pub own: String,
    pub method: String,
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    stream: RefCell<BufReader<TcpStream>>,
    /// Those of the messages that have come so far.
    ids: Arc<Mutex<HashSet<String>>>,
}

impl Request {
    pub fn all<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }

    pub fn has_token(&self) -> bool {
        self.all("authorization").next().is_some()
    }

    /// Waits for the body, and reads it.
    pub fn body(&self) -> String {
        let length = self.all("content-length").next().and_then(|value| value.parse().ok()).unwrap_or(0);
        let mut body = Vec::new();
        let mut stream = self.stream.borrow_mut();
        stream.by_ref().take(length).read_to_end(&mut body).ok();
        String::from_utf8(body).expect("UTF-8")
    }

    fn read(own: &str, stream: TcpStream, ids: &Arc<Mutex<HashSet<String>>>) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut start = lines.first()?.split(' ');
        let (method, target) = (start.next()?.to_owned(), start.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |line: &String| {
            line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        };
        Some(Self {
            own: own.to_owned(),
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: lines.iter().skip(1).filter_map(header).collect(),
            stream: RefCell::new(stream),
            ids: Arc::clone(ids),
        })
    }
}

/// An answer, easy to change.
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn json(value: &Value) -> Self {
        let answer = Self { body: value.to_string(), ..Self::new(200) };
        answer.with("Content-Type", "application/json")
    }

    pub fn html(status: u16) -> Self {
        let answer = Self { body: "<!doctype html><title>app</title>".to_owned(), ..Self::new(status) };
        answer.with("Content-Type", "text/html; charset=utf-8")
    }

    /// With this header beside what is there.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self
    }

    /// With this header in place of what is there.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    /// With another text in a header.
    pub fn replace(mut self, name: &str, from: &str, to: &str) -> Self {
        for (_, value) in self.headers.iter_mut().filter(|(own, _)| own.eq_ignore_ascii_case(name)) {
            assert!(value.contains(from), "{value} has no {from}");
            *value = value.replace(from, to);
        }
        self
    }

    /// With a member of its JSON changed; null takes it out.
    pub fn member(mut self, name: &str, value: Value) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).expect("JSON");
        let members = body.as_object_mut().expect("an object");
        if value.is_null() {
            members.remove(name).expect("it was there");
        } else {
            members.insert(name.to_owned(), value);
        }
        self.body = body.to_string();
        self
    }

    fn write(&self, stream: &mut TcpStream) {
        let mut text = format!("HTTP/1.1 {} X\r\nConnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            write!(text, "{name}: {value}\r\n").expect("memory");
        }
        write!(text, "Content-Length: {}\r\n\r\n{}", self.body.len(), self.body).expect("memory");
        // Who hangs up early has seen enough.
        stream.write_all(text.as_bytes()).ok();
        // Closing with a part of the request unread would take the answer back.
        stream.shutdown(Shutdown::Write).ok();
        std::io::copy(stream, &mut std::io::sink()).ok();
    }
}

/// A server that runs to the end of the test's process.
pub struct McpServer {
    pub own: String,
    paths_with_token: Arc<Mutex<Vec<String>>>,
}

impl McpServer {
    pub fn start(mistake: Mistake) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = format!("http://{}", listener.local_addr().expect("an address"));
        let paths_with_token = Arc::default();
        let server = Self { own: own.clone(), paths_with_token: Arc::clone(&paths_with_token) };
        thread::spawn(move || {
            let ids = Arc::default();
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let Some(request) = Request::read(&own, stream.try_clone().expect("a handle"), &ids) else {
                    continue;
                };
                if request.has_token() {
                    paths_with_token.lock().expect("no panic").push(request.path.clone());
                }
                mistake(&request, right(&request)).write(&mut stream);
            }
        });
        server
    }

    /// The URL that clients are given.
    pub fn url(&self) -> String {
        format!("{}/mcp", self.own)
    }

    /// A token that this server takes, with this audience.
    pub fn token(audience: &str) -> String {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;

        format!("e30.{}.Z29vZA", URL_SAFE_NO_PAD.encode(json!({ "aud": audience }).to_string()))
    }

    /// Where an `Authorization` has come.
    pub fn paths_with_token(&self) -> Vec<String> {
        self.paths_with_token.lock().expect("no panic").clone()
    }
}

/// Where the document stands.
pub const DOCUMENT: &str = "/.well-known/oauth-protected-resource/mcp";
/// Where it stands as well.
pub const ROOT: &str = "/.well-known/oauth-protected-resource";
/// Where the metadata of the issuer are.
pub const METADATA: &str = "/.well-known/oauth-authorization-server/tenant";
/// Where they are not, and could be.
pub const OIDC: &str = "/tenant/.well-known/openid-configuration";

fn right(request: &Request) -> Answer {
    let own = &request.own;
    match (&*request.method, &*request.path) {
        ("OPTIONS", "/mcp" | DOCUMENT | ROOT) => Answer::new(204)
            .with("Access-Control-Allow-Origin", "*")
            .with("Access-Control-Allow-Headers", "authorization, content-type, mcp-protocol-version"),
        (_, "/mcp") => at_endpoint(request)
            .with("Access-Control-Allow-Origin", "*")
            .with("Access-Control-Expose-Headers", "WWW-Authenticate, Mcp-Session-Id"),
        ("GET", DOCUMENT | ROOT) => Answer::json(&json!({
            "resource": format!("{own}/mcp"),
            "authorization_servers": [format!("{own}/tenant")],
            "scopes_supported": ["read:orders"],
            "bearer_methods_supported": ["header"],
        }))
        .with("Access-Control-Allow-Origin", "*"),
        ("GET", METADATA) => Answer::json(&metadata(own)),
        _ => Answer::new(404),
    }
}

/// What the issuer says of itself.
pub fn metadata(own: &str) -> Value {
    json!({
        "issuer": format!("{own}/tenant"),
        "authorization_endpoint": format!("{own}/tenant/auth"),
        "token_endpoint": format!("{own}/tenant/token"),
        "registration_endpoint": format!("{own}/tenant/register"),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
        "scopes_supported": ["openid", "read:orders"],
        "protected_resources": [format!("{own}/mcp")],
    })
}

fn at_endpoint(request: &Request) -> Answer {
    let rest = format!("scope=\"read:orders\", resource_metadata=\"{}{DOCUMENT}\"", request.own);
    let denied =
        |status, error: &str| Answer::new(status).with("WWW-Authenticate", &format!("Bearer {error}{rest}"));
    match &*request.all("authorization").collect::<Vec<_>>() {
        [] => denied(401, ""),
        [one] if one.ends_with(".Z29vZA") => conversation(request),
        [_] => denied(401, "error=\"invalid_token\", "),
        _ => denied(400, "error=\"invalid_request\", "),
    }
}

/// Two tools, one of which needs a scope that the token lacks.
fn conversation(request: &Request) -> Answer {
    match &*request.method {
        "DELETE" => return Answer::new(204),
        "POST" => {}
        _ => return Answer::new(405),
    }
    let message: Value = serde_json::from_str(&request.body()).expect("JSON");
    let result =
        |result: Value| Answer::json(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
    match message["method"].as_str().expect("a method") {
        "initialize" => {
            request.ids.lock().expect("no panic").clear();
            result(json!({ "protocolVersion": "2025-06-18" })).with("Mcp-Session-Id", "1")
        }
        _ if request.all("mcp-session-id").next() != Some("1") => Answer::new(400),
        "tools/list" => {
            let tools = json!([{ "name": "list_orders" }, { "name": "create_order" }]);
            let event = result(json!({ "tools": tools })).body;
            let answer = Answer { body: format!("event: message\ndata: {event}\n\n"), ..Answer::new(200) };
            answer.with("Content-Type", "text/event-stream")
        }
        "tools/call" if message["params"]["name"] == "create_order" => {
            assert!(message["params"]["arguments"].is_string(), "no tool takes this");
            Answer::new(403).with(
                "WWW-Authenticate",
                &format!(
                    "Bearer error=\"insufficient_scope\", scope=\"read:orders write:orders\", \
                     resource_metadata=\"{}{DOCUMENT}\"",
                    request.own
                ),
            )
        }
        "tools/call" => Answer::json(&json!({
            "jsonrpc": "2.0", "id": message["id"], "error": { "code": -32602, "message": "invalid arguments" }
        })),
        _ => Answer::new(202),
    }
}
