//! `serve` as a reverse proxy: what reaches the application, and what comes back.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use requires_auth_testkit::Defect;

use self::support::application::{Application, Received};
use self::support::gateway::{
    AUDIENCE, ISSUER, PATIENCE, Proxy, Stage, ask, connect, get, read_until, status, wait_until,
};

const ROUTES: &str = r#"
[headers]
"X-Auth-Subject" = "sub"
"X-Auth-Scope" = "scope"
[[routes]]
match = "GET /orders/*"
scopes = "read:orders"
[[routes]]
match = "POST /orders"
scopes = "write:orders"
[[routes]]
match = "GET /socket"
[[routes]]
match = "GET /public/*"
public = true
[[routes]]
match = "GET /shadow"
scopes = "nobody:has"
enforce = "shadow"
"#;

impl Proxy {
    fn new(name: &str) -> Self {
        Self::with(name, "")
    }

    /// With more settings of `[reverse_proxy]`.
    fn with(name: &str, settings: &str) -> Self {
        Self::start(name, |stage, upstream| configure(stage, upstream, settings, "jwks = \"keys.json\""))
    }

    /// Asks with a token of this scope; what the application got is the second, if it got anything.
    fn ask(&self, request: &str, scope: &str, headers: &str) -> (u16, String, Option<Received>) {
        let token = self.stage.token(scope);
        let head = format!(
            "{request} HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer {token}\r\n{headers}"
        );
        let (status, answer) = ask(self.address(), &head);
        let mut received = self.application.received();
        assert!(received.len() <= 1, "{received:?}");
        (status, answer, received.pop())
    }
}

fn configure(stage: &Stage, upstream: &str, settings: &str, keys: &str) {
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
         [reverse_proxy]\nupstream = \"{upstream}\"\n{settings}\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n{keys}\n{ROUTES}"
    ));
}

#[test]
fn only_what_may_pass_reaches_the_application() {
    let proxy = Proxy::new("verdicts");
    let token = proxy.stage.token("read:orders");
    let forged = proxy.stage.forge.token().defect(Defect::SignatureMismatch).mint();
    for (request, authorization, expected, challenge) in [
        ("GET /orders/1", Some(&token), 200, None),
        ("GET /public/1", None, 200, None),
        ("GET /shadow", None, 200, None),
        ("GET /orders/1", None, 401, Some("Bearer")),
        ("GET /orders/1", Some(&forged), 401, Some("error=\"invalid_token\"")),
        ("POST /orders", Some(&token), 403, Some("error=\"insufficient_scope\"")),
        ("GET /elsewhere", Some(&token), 403, None),
        ("GET /forward-auth/nginx", Some(&token), 403, None),
        ("GET /readyz", Some(&token), 403, None),
    ] {
        let authorization =
            authorization.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        let (status, answer) =
            ask(proxy.address(), &format!("{request} HTTP/1.1\r\nHost: a\r\n{authorization}"));
        assert_eq!(status, expected, "{request}: {answer}");
        assert_eq!(proxy.application.received().len(), usize::from(expected == 200), "{request}");
        let said = answer.lines().find(|line| line.starts_with("www-authenticate:")).unwrap_or_default();
        assert!(said.contains(challenge.unwrap_or_default()), "{request}: {answer}");
        assert_eq!(said.is_empty(), challenge.is_none(), "{request}: {answer}");
    }
}

#[test]
fn without_keys_nothing_passes() {
    let (stage, application) = (Stage::new("no-keys"), Application::start("one"));
    configure(&stage, &application.url, "", "jwks_uri = \"http://127.0.0.1:1/keys\"");
    let server = stage.start();
    let token = stage.token("read:orders");
    let request = format!("GET /orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    let (status, answer) = ask(server.address("listen"), &request);
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert_eq!(application.received().len(), 0);
}

/// Headers by which a client claims to be somebody, or from somewhere, and one that is its own.
const SPOOFS: [&str; 33] = [
    "X-Auth-Subject: mallory",
    "x-auth-subject:",
    "X_Auth_Subject: mallory",
    "X.Auth.Subject: mallory",
    "x-AUTH_subject: mallory",
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-User: mallory",
    "X_Forwarded_Proto: https",
    "X-Original-URL: /admin",
    "X-Rewrite-URL: /admin",
    "X-Envoy-Original-Path: /admin",
    "Forwarded: for=192.0.2.1",
    "X-Real-IP: 192.0.2.1",
    "X-HTTP-Method-Override: DELETE",
    "X_HTTP_Method: DELETE",
    "Proxy: http://192.0.2.1",
    "Remote-User: root",
    "Remote_User: root",
    "X-Remote-User: root",
    "X-Client-IP: 192.0.2.1",
    "Client-IP: 192.0.2.1",
    "CF-Connecting-IP: 192.0.2.1",
    "X-Host: other.example",
    "X-Scheme: https",
    "X-Forwarded: for=192.0.2.1",
    "X-Middleware-Subrequest: middleware",
    "Via: 1.1 other",
    "Connection: X-Auth-Subject, X-Auth-Scope, Via, X-Forwarded-For, Host, Authorization",
    "Keep-Alive: timeout=1",
    "TE: trailers",
    "Proxy-Authorization: Basic eDp5",
    "Upgrade: h2c",
    "X-Own: stays",
];

#[test]
fn the_application_learns_who_it_is_from_the_gateway_alone() {
    let proxy = Proxy::new("identity");
    for spoof in
        SPOOFS.iter().map(|spoof| format!("{spoof}\r\n")).chain([format!("{}\r\n", SPOOFS.join("\r\n"))])
    {
        let (status, answer, received) = proxy.ask("GET /orders/1?a=b", "read:orders", &spoof);
        let received = received.unwrap_or_else(|| panic!("{spoof:?} got {status}: {answer}"));
        let mut names: Vec<_> =
            received.head.lines().skip(1).filter_map(|line| line.split_once(':')).collect();
        names.sort_unstable();
        let mut expected = vec![
            ("host", " api.example.com"),
            ("via", " 1.1 requires-auth"),
            ("x-auth-scope", " read:orders"),
            ("x-auth-subject", " alice"),
            ("x-forwarded-for", " 127.0.0.1"),
            ("x-forwarded-host", " api.example.com"),
            ("x-forwarded-proto", " http"),
        ];
        if spoof.contains("X-Own") {
            expected.push(("x-own", " stays"));
        }
        assert_eq!(names, expected, "{spoof:?}");
        assert_eq!(received.target(), "/orders/1?a=b");
    }
    // Nobody's names are empty, and not the client's.
    for request in ["GET /public/1", "GET /shadow"] {
        let (_, _, received) = proxy.ask(request, "x", "X-Auth-Subject: mallory\r\n");
        let received = received.expect("it may pass");
        assert_eq!(
            (received.all("x-auth-subject"), received.all("authorization")),
            (vec![""], vec![]),
            "{request}"
        );
    }
}

#[test]
fn what_a_client_must_not_say_the_gateway_may() {
    let (stage, application) = (Stage::new("remote-user"), Application::start("one"));
    configure(&stage, &application.url, "", "jwks = \"keys.json\"");
    let text = fs::read_to_string(stage.file()).expect("written above");
    stage.write(&text.replace("\"X-Auth-Subject\" = ", "\"Remote-User\" = "));
    let (server, token) = (stage.start(), stage.token("read:orders"));
    let head = format!("GET /orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    let (status, answer) =
        ask(server.address("listen"), &format!("{head}Remote-User: root\r\nRemote_User: root\r\n"));
    assert_eq!(status, 200, "{answer}");
    let received = application.received();
    assert_eq!((received[0].all("remote-user"), received[0].all("remote_user")), (vec!["alice"], vec![]));
}

#[test]
fn the_token_goes_on_only_where_that_is_asked_for() {
    let proxy = Proxy::with("token", "pass_token = true\npreserve_host = false");
    let (_, _, received) = proxy.ask("GET /orders/1", "read:orders", "Connection: authorization\r\n");
    let received = received.expect("it may pass");
    let token = received.all("authorization");
    assert_eq!(token.len(), 1);
    assert!(token[0].starts_with("Bearer ey"));
    assert_eq!(received.all("host"), [proxy.application.url.trim_start_matches("http://")]);
    assert_eq!(received.all("x-forwarded-host"), ["api.example.com"]);
}

#[test]
fn a_path_reaches_the_application_as_it_came_or_not_at_all() {
    let proxy = Proxy::new("paths");
    for (target, passes) in [
        ("/orders/b?x=1", true),
        ("/orders/caf%c3%a9?q=%2e%2e//", true),
        ("/orders/ADMIN", true),
        ("/orders/a%20b", true),
        ("/orders/1?a=/../admin", true),
        ("http://api.example.com/orders/1", true),
        ("//orders/1", false),
        ("/public/../orders/1", false),
        ("/public/%2e%2e/admin", false),
        ("/public/%2E%2E%2fadmin", false),
        ("/public/..;/admin", false),
        ("/public;x/admin", false),
        ("/orders%2f1", false),
        ("/%6frders/1", false),
        ("/public/..%5cadmin", false),
        ("/public\\..\\admin", false),
        ("/public/1#/../admin", false),
        ("/public/1?a=#/../admin", false),
        ("/admin%23/public", false),
        ("/admin%3f/public", false),
        ("/orders/a%00b", false),
        ("/orders/%0d%0aX:1", false),
        ("/orders/.", false),
        ("/./orders/1", false),
        ("/orders//", false),
        ("/ORDERS/1", false),
        ("/%256frders/1", false),
        ("/orders/café", false),
        ("http://other.example/orders/1", false),
        ("/orders/%", false),
        ("/orders/a b", false),
        ("*", false),
        ("?x=/public", false),
        ("/orders/%c0%af", false),
    ] {
        let (status, answer, received) = proxy.ask(&format!("GET {target}"), "read:orders", "");
        if passes {
            let sent = target.trim_start_matches("http://api.example.com");
            assert_eq!(received.as_ref().map(Received::target), Some(sent), "{target}: {answer}");
        } else {
            assert!(matches!(status, 400 | 403) && received.is_none(), "{target} got {status}: {received:?}");
        }
    }
}

#[test]
fn what_two_programs_may_read_in_two_ways_reaches_nobody() {
    let proxy = Proxy::new("smuggling");
    let hidden = "GET /orders/hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let (length, size) = (hidden.len(), format!("{:x}", hidden.len()));
    for (framing, body) in [
        ("Content-Length: 0\r\nTransfer-Encoding: chunked".to_owned(), format!("0\r\n\r\n{hidden}")),
        (format!("Content-Length: {length}\r\nContent-Length: 0"), hidden.to_owned()),
        (format!("Content-Length: {length}, 0"), hidden.to_owned()),
        (
            format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nX-L: {length}"),
            hidden.to_owned(),
        ),
        ("Transfer-Encoding: xchunked".to_owned(), hidden.to_owned()),
        (format!("X: y\nContent-Length: {length}"), hidden.to_owned()),
        (format!("X: y\r\n Content-Length: {length}"), hidden.to_owned()),
        (format!("Content-Length : {length}"), hidden.to_owned()),
        ("Host: b".to_owned(), String::new()),
    ] {
        let token = proxy.stage.token("write:orders");
        let mut stream = connect(proxy.address());
        let request = format!(
            "POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{framing}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        assert_eq!(status(&answer), 400, "{framing}: {answer}");
        assert_eq!(proxy.application.received().len(), 0, "{framing}");
    }
    // The head may pass, and the body is none: what there is of it ends nowhere that counts.
    for chunk in [format!("{size};x=y\r\n{hidden}\r\n0\r\n\r\n"), format!("{size}\n{hidden}\r\n0\r\n\r\n")] {
        let token = proxy.stage.token("write:orders");
        let request = format!(
            "POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
        );
        let mut stream = connect(proxy.address());
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        assert_eq!(status(&answer), 400, "{chunk}: {answer}");
        assert_eq!(proxy.application.received().len(), 0, "{chunk}");
    }
}

#[test]
fn trailers_stay_behind_in_both_directions() {
    let proxy = Proxy::new("trailers");
    let token = proxy.stage.token("write:orders read:orders");
    let mut stream = connect(proxy.address());
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nTrailer: X-Auth-Subject\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Auth-Subject: mallory\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert_eq!(status(&answer), 200, "{answer}");
    let received = proxy.application.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].body.as_slice(), received[0].all("trailer")), (&b"abc"[..], vec![]));
    let (_, answer, _) = proxy.ask("GET /orders/chunks", "read:orders", "");
    assert!(answer.contains("\r\nabc\r\n") && !answer.contains("mallory"), "{answer}");
}

#[test]
fn a_preflight_passes_without_token_and_other_options_do_not() {
    let proxy = Proxy::new("preflight");
    let preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
    for (headers, expected) in [
        (preflight.to_owned(), 200),
        ("Origin: https://app.example\r\n".to_owned(), 403),
        (format!("{preflight}Content-Length: 1\r\n"), 403),
        (format!("{preflight}Transfer-Encoding: chunked\r\n"), 403),
    ] {
        let mut stream = connect(proxy.address());
        let request = format!("OPTIONS /orders HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert_eq!(status(&answer), expected, "{headers}");
        assert_eq!(proxy.application.received().len(), usize::from(expected == 200), "{headers}");
    }
}

#[test]
fn some_methods_are_not_passed_on_as_they_are() {
    let proxy = Proxy::new("methods");
    for method in ["TRACE /public/1", "TRACE /orders/1", "CONNECT api.example.com:443"] {
        let (status, answer, received) = proxy.ask(method, "read:orders", "");
        assert_eq!((status, received.is_none()), (501, true), "{method}: {answer}");
    }
    // Frameworks write a method in capitals before they look at it.
    for method in ["get /orders/1", "Get /orders/1", "post /orders", "trace /public/1", "get /public/1"] {
        let (status, answer, received) = proxy.ask(method, "read:orders", "");
        assert_eq!((status, received.is_none()), (400, true), "{method}: {answer}");
        assert!(answer.contains("auth.ambiguous_request"), "{method}: {answer}");
    }
    let preflight = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
    for (max, expected, passed) in [("0", 204, None), ("7", 200, Some("6")), ("x", 200, Some("x"))] {
        let headers = format!("{preflight}Max-Forwards: {max}\r\n");
        let (status, answer, received) = proxy.ask("OPTIONS /orders", "x", &headers);
        let left = received.as_ref().and_then(|received| received.all("max-forwards").first().copied());
        assert_eq!((status, left), (expected, passed), "{max}: {answer}");
    }
}

#[test]
fn answers_come_back_without_what_is_between_gateway_and_application() {
    let proxy = Proxy::new("answers");
    let (status, answer, _) = proxy.ask("GET /orders/1", "read:orders", "");
    assert_eq!(status, 200);
    assert!(answer.ends_with("\r\n\r\none") && answer.contains("x-public: yes"), "{answer}");
    for gone in ["x-private", "keep-alive:", "x-auth-subject", "X-Private"] {
        assert!(!answer.contains(gone), "{gone}: {answer}");
    }
    let (status, answer, _) = proxy.ask("HEAD /orders/1", "read:orders", "");
    assert_eq!(status, 200);
    assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

/// Reads until this has come.
#[track_caller]
#[test]
fn bodies_are_passed_on_as_they_come() {
    let proxy = Proxy::new("streams");
    let token = proxy.stage.token("read:orders write:orders");
    let mut stream = connect(proxy.address());
    let head = format!("HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    stream.write_all(format!("GET /orders/stream {head}\r\n").as_bytes()).expect("it reads");
    read_until(&mut stream, "first\r\n");
    proxy.application.go_on.send(()).expect("it waits");
    read_until(&mut stream, "last\r\n0\r\n\r\n");

    // The same connection, the other way.
    let post = format!("POST /orders {head}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(post.as_bytes()).expect("it reads");
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"5\r\nfirst\r\n").expect("it reads");
    let piece = proxy.application.pieces.recv_timeout(PATIENCE);
    assert_eq!(piece.as_deref(), Ok(&b"first"[..]));
    stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").expect("it reads");
    read_until(&mut stream, "\r\n\r\none");
}

#[test]
fn a_body_is_passed_on_whatever_the_method() {
    let proxy = Proxy::new("bodies");
    let token = proxy.stage.token("read:orders");
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (headers, body, expected) in [
        (chunked, "6\r\nsearch\r\n0\r\n\r\n", "search"),
        ("Content-Length: 6\r\n", "search", "search"),
        ("Content-Length: 0\r\n", "", ""),
        (chunked, "0\r\n\r\n", ""),
        ("", "", ""),
    ] {
        let mut stream = connect(proxy.address());
        let head = format!("GET /orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n{headers}");
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("it reads");
        read_until(&mut stream, "\r\n\r\none");
        let received = proxy.application.received();
        assert_eq!(received[0].body, expected.as_bytes(), "{headers:?}: {}", received[0].head);
        let is_framed = ["content-length", "transfer-encoding"].map(|name| !received[0].all(name).is_empty());
        assert_eq!(is_framed.contains(&true), !headers.is_empty(), "{}", received[0].head);
    }
}

#[test]
fn a_websocket_begins_after_an_allow_and_not_before() {
    let proxy = Proxy::new("websocket");
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n";
    let head = format!("GET /socket HTTP/1.1\r\nHost: a\r\n{upgrade}");
    let token = format!("Authorization: Bearer {}\r\n", proxy.stage.token("x"));

    // Refused, and the connection is as it was.
    let mut stream = connect(proxy.address());
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("it reads");
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert_eq!(status(&answer), 401);
    assert_eq!(proxy.application.received().len(), 0);
    let length: usize = answer
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().expect("a length"));
    stream.read_exact(&mut vec![0; length]).expect("the body");

    // Allowed.
    stream.write_all(format!("{head}{token}\r\n").as_bytes()).expect("it reads");
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert_eq!(status(&answer), 101, "{answer}");
    assert!(answer.contains("upgrade: websocket") && answer.contains("sec-websocket-accept: x"), "{answer}");
    stream.write_all(b"\x01no HTTP\n").expect("it reads");
    read_until(&mut stream, "\x01no HTTP\n");
    let received = proxy.application.received();
    assert_eq!(received[0].all("x-auth-subject"), ["alice"]);
    assert_eq!(received[0].all("upgrade"), ["websocket"]);

    // What comes before the answer is a request to nobody.
    for early in ["GET /orders/hidden HTTP/1.1\r\nHost: a\r\n\r\n", "\x01"] {
        let mut stream = connect(proxy.address());
        stream.write_all(format!("{head}{token}\r\n{early}").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        assert_eq!(status(&answer), 400, "{answer}");
        assert_eq!(proxy.application.received().len(), 0);
    }

    // Where the application does not agree, its answer comes back.
    let (status, answer, received) = proxy.ask("GET /orders/1", "read:orders", upgrade);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(received.expect("it may pass").all("upgrade"), ["websocket"]);
    // And what nobody has asked for is not an answer.
    let (status, answer, _) = proxy.ask("GET /orders/switch", "read:orders", "");
    assert_eq!(status, 502, "{answer}");
}

#[test]
fn an_application_that_does_not_answer_is_told_from_one_that_refuses() {
    let proxy = Proxy::with("troubles", "timeout = 1");
    for (path, expected, code) in [
        ("/orders/late", 504, "gateway.upstream_timeout"),
        ("/orders/gone", 502, "gateway.upstream_bad_answer"),
        ("/orders/garbage", 502, "gateway.upstream_bad_answer"),
    ] {
        let (status, answer, _) = proxy.ask(&format!("GET {path}"), "read:orders", "");
        assert_eq!(status, expected, "{answer}");
        assert!(answer.contains(code), "{answer}");
    }
    let token = proxy.stage.token("write:orders");
    let slow = format!(
        "POST /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\nslow"
    );
    let mut stream = connect(proxy.address());
    stream.write_all(slow.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok();
    assert_eq!(status(&answer), 408, "{answer}");

    let (stage, address) = (&proxy.stage, proxy.address());
    configure(stage, "http://127.0.0.1:1", "", "jwks = \"keys.json\"");
    proxy.server.signal("HUP");
    let request = format!(
        "GET /orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n",
        stage.token("read:orders")
    );
    wait_until("the other application", || ask(address, &request).1.contains("gateway.upstream_unreachable"));
    assert_eq!(ask(address, &request).0, 502);
}

#[test]
fn an_application_may_listen_on_a_unix_socket() {
    let stage = Stage::new("unix-upstream");
    let listener = UnixListener::bind(stage.folder.join("app.sock")).expect("a socket");
    configure(&stage, "unix:app.sock", "preserve_host = false", "jwks = \"keys.json\"");
    let server = stage.start();
    let application = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a request");
            head.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix").expect("it reads");
        String::from_utf8(head).expect("ASCII")
    });
    let (status, answer) = get(server.address("listen"), "/public/1");
    assert_eq!(status, 200);
    assert!(answer.ends_with("\r\n\r\nunix"), "{answer}");
    let head = application.join().expect("it has answered");
    assert!(head.contains("host: localhost\r\n") && head.contains("x-forwarded-host: gateway\r\n"), "{head}");
}

#[test]
fn another_application_takes_over_under_load() {
    let proxy = Proxy::new("take-over");
    let other = Application::start("two");
    let request = format!(
        "GET /orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n",
        proxy.stage.token("read:orders")
    );
    let stop = Arc::new(AtomicBool::new(false));
    let load = {
        let (stop, address) = (Arc::clone(&stop), proxy.address().to_owned());
        thread::spawn(move || {
            let mut stream = connect(&address);
            let mut seen = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                stream.write_all(request.as_bytes()).expect("the connection stays");
                let head = read_until(&mut stream, "\r\n\r\n");
                assert_eq!(status(&head), 200);
                let mut body = [0; 3];
                stream.read_exact(&mut body).expect("a body");
                seen.push(body);
            }
            seen
        })
    };
    configure(&proxy.stage, &other.url, "", "jwks = \"keys.json\"");
    let admin = proxy.server.address("admin");
    wait_until("the reload", || get(admin, "/metrics").1.contains("requires_auth_config_generation 2"));
    wait_until("a request to the other", || !other.received().is_empty());
    stop.store(true, Ordering::Relaxed);
    let seen = load.join().expect("no request is lost");
    let flip = seen.iter().position(|name| name == b"two").expect("the other has answered");
    assert!(seen[..flip].iter().all(|name| name == b"one") && seen[flip..].iter().all(|name| name == b"two"));
}

#[tokio::test]
async fn a_client_may_speak_http_2() {
    use http_body_util::{BodyExt as _, Full};
    use hyper::body::Bytes;
    use hyper_util::rt::{TokioExecutor, TokioIo};

    let proxy = Proxy::new("http-2");
    let stream = tokio::net::TcpStream::connect(proxy.address().trim_start_matches("http://")).await;
    let io = TokioIo::new(stream.expect("it listens"));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let token = proxy.stage.token("write:orders");
    for (authority, host, expected) in [
        ("api.example.com", None, 200),
        ("api.example.com", Some("API.example.com"), 200),
        ("api.example.com", Some("other.example.com"), 400),
    ] {
        let mut request = http::Request::post(format!("http://{authority}/orders?a=b"))
            .header("authorization", format!("Bearer {token}"))
            .header("x_auth_subject", "mallory")
            .header("content-length", "4")
            .header("content-length", "4")
            .header("cookie", "a=1")
            .header("cookie", "b=2");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Full::new(Bytes::from("body"))).expect("a request");
        let response = sender.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), expected, "{authority} {host:?}");
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let received = proxy.application.received();
        assert_eq!(received.len(), usize::from(expected == 200));
        if let Some(received) = received.first() {
            assert_eq!(body, "one");
            assert_eq!((received.target(), received.body.as_slice()), ("/orders?a=b", &b"body"[..]));
            assert_eq!(
                (received.all("x_auth_subject"), received.all("x-auth-subject")),
                (vec![], vec!["alice"])
            );
            assert_eq!(
                (received.all("host"), received.all("via")),
                (vec![authority], vec!["2 requires-auth"])
            );
            assert_eq!(received.all("cookie"), ["a=1; b=2"]);
            assert_eq!(received.all("content-length"), ["4"]);
        }
    }
}

#[test]
fn a_request_that_is_under_way_ends_before_the_process_does() {
    let proxy = Proxy::new("drain");
    let mut stream = connect(proxy.address());
    let token = proxy.stage.token("read:orders");
    let request = format!("GET /orders/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    read_until(&mut stream, "first\r\n");
    let Proxy { application, server, stage } = proxy;
    server.signal("TERM");
    wait_until("the listener to close", || {
        TcpStream::connect(server.address("listen").trim_start_matches("http://")).is_err()
    });
    application.go_on.send(()).expect("it waits");
    read_until(&mut stream, "last\r\n0\r\n\r\n");
    assert_eq!(server.terminate(), Some(0));
    drop(stage);
}
