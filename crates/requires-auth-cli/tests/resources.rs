//! `serve` in front of an MCP server: the token first, then the body, and answers as they come.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::io::{Read as _, Write as _};

use self::support::gateway::{AUDIENCE, ISSUER, Proxy, Stage, ask, connect, get, read_until, wait_until};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

impl Proxy {
    /// In front of an MCP server.
    fn new(name: &str) -> Self {
        Self::start(name, |stage, upstream| {
            stage.write(&format!(
                "[server]\nlisten = \"127.0.0.1:0\"\n[reverse_proxy]\nupstream = \"{upstream}\"\n\
                 [issuers.main]\nissuer = \"{ISSUER}\"\njwks = \"keys.json\"\n\
                 [[resources]]\nresource = \"https://api.example.com/orders\"\naudience = \"{AUDIENCE}\"\nissuers = \"main\"\n\
                 scopes = \"read:orders\"\nmcp = true\ntools = {{ create = \"write:orders\", list = [] }}\nmax_body = 200\n"
            ));
        })
    }

    fn head(&self, target: &str, scope: &str, headers: &str) -> String {
        let token = self.stage.token(scope);
        format!(
            "POST {target} HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{headers}\r\n"
        )
    }

    /// Sends a request as it stands, and reads the answer to its end.
    fn send(&self, request: &str) -> String {
        let mut stream = connect(self.address());
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok();
        answer
    }
}

fn call(tool: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\"}}}}")
}

fn chunked(body: &str) -> String {
    let (first, last) = body.split_at(10);
    format!("{:x}\r\n{first}\r\n{:x}\r\n{last}\r\n0\r\n\r\n", first.len(), last.len())
}

#[test]
fn what_is_judged_is_what_is_passed_on_however_it_is_framed() {
    let proxy = Proxy::new("resources-bodies");
    for (tool, scope, status) in [
        ("list", "read:orders", "200"),
        ("create", "read:orders", "403"),
        ("create", "read:orders write:orders", "200"),
        ("drop", "read:orders write:orders", "403"),
        ("list", "write:orders", "403"),
    ] {
        let body = call(tool);
        let length = format!("Content-Length: {}\r\n", body.len());
        for (headers, framed) in
            [(&*length, body.clone()), ("Transfer-Encoding: chunked\r\n", chunked(&body))]
        {
            let answer = proxy.send(&(proxy.head("/orders", scope, headers) + &framed));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{tool}, {scope}: {answer}");
            let received = proxy.application.received();
            assert_eq!(received.len(), usize::from(status == "200"), "{tool}, {scope}");
            if let Some(received) = received.first() {
                assert_eq!(received.body, body.as_bytes());
                assert_eq!(received.all("content-length"), [body.len().to_string()]);
                assert!(
                    received.all("authorization").is_empty() && received.all("transfer-encoding").is_empty()
                );
            }
        }
    }
}

#[test]
fn a_body_that_is_too_long_or_broken_reaches_nobody() {
    let proxy = Proxy::new("resources-limits");
    let long = call(&"a".repeat(200));
    for (headers, framed, status) in [
        (format!("Content-Length: {}\r\n", long.len()), long.clone(), "413"),
        ("Transfer-Encoding: chunked\r\n".to_owned(), chunked(&long), "413"),
        ("Content-Length: 12\r\n".to_owned(), "{\"method\":1,".to_owned(), "400"),
        ("Content-Length: 2\r\nContent-Encoding: gzip\r\n".to_owned(), "{}".to_owned(), "415"),
        ("Transfer-Encoding: chunked\r\n".to_owned(), "zz\r\n".to_owned(), "400"),
    ] {
        let answer = proxy.send(&(proxy.head("/orders", "read:orders", &headers) + &framed));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}{framed}: {answer}");
        assert!(proxy.application.received().is_empty(), "{headers}{framed}");
    }
}

#[test]
fn no_body_is_asked_for_without_a_good_token() {
    let proxy = Proxy::new("resources-expect");
    let body = call("list");
    let expect = format!("Content-Length: {}\r\nExpect: 100-continue\r\n", body.len());
    let mut stream = connect(proxy.address());
    let without = format!("POST /orders HTTP/1.1\r\nHost: a\r\n{expect}\r\n");
    stream.write_all(without.as_bytes()).expect("it reads");
    let answer = read_until(&mut stream, "\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("resource_metadata="), "{answer}");

    let mut stream = connect(proxy.address());
    stream.write_all(proxy.head("/orders", "read:orders", &expect).as_bytes()).expect("it reads");
    read_until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).expect("it reads");
    read_until(&mut stream, "\r\n\r\none");
}

#[test]
fn an_answer_comes_piece_by_piece() {
    let proxy = Proxy::new("resources-stream");
    let body = call("list");
    let length = format!("Content-Length: {}\r\n", body.len());
    let mut stream = connect(proxy.address());
    stream
        .write_all((proxy.head("/orders/stream", "read:orders", &length) + &body).as_bytes())
        .expect("it reads");
    read_until(&mut stream, "first\r\n");
    proxy.application.go_on.send(()).expect("it waits");
    read_until(&mut stream, "last\r\n0\r\n\r\n");
}

/// Tools, scopes and resources are those of the file that is in use, and their keys are kept.
#[test]
fn another_configuration_has_other_resources() {
    let configure = |stage: &Stage, upstream: &str, resources: &str| {
        stage.write(&format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[reverse_proxy]\nupstream = \"{upstream}\"\n\
             [issuers.main]\nissuer = \"{ISSUER}\"\njwks = \"keys.json\"\n{resources}"
        ));
    };
    let resource = |path: &str, tools: &str| {
        format!(
            "[[resources]]\nresource = \"https://api.example.com{path}\"\naudience = \"{AUDIENCE}\"\nissuers = \"main\"\n\
             scopes = \"read:orders\"\nmcp = true\ntools = {{ {tools} }}\n"
        )
    };
    let first = resource("/orders", "list = []");
    let proxy = Proxy::start("resources-reload", |stage, upstream| configure(stage, upstream, &first));
    let metrics = || get(proxy.server.address("admin"), "/metrics").1;
    let status = |path: &str, tool: &str| {
        let body = call(tool);
        let length = format!("Content-Length: {}\r\n", body.len());
        let answer = proxy.send(&(proxy.head(path, "read:orders", &length) + &body));
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let document = |path: &str| get(proxy.address(), &format!("{WELL_KNOWN}{path}")).0;
    assert_eq!((&*status("/orders", "list"), &*status("/orders", "create")), ("200", "403"));
    assert_eq!((document("/orders"), document("/stock"), document("")), (200, 403, 200));

    let both = resource("/orders", "list = \"audit\", create = []") + &resource("/stock", "\"*\" = []");
    configure(&proxy.stage, &proxy.application.url, &both);
    wait_until("the reload", || metrics().contains("requires_auth_config_generation 2"));
    assert_eq!((&*status("/orders", "list"), &*status("/orders", "create")), ("403", "200"));
    assert_eq!(&*status("/stock", "any"), "200");
    // Of two, none has the root.
    assert_eq!((document("/orders"), document("/stock"), document("")), (200, 200, 403));

    // One that cannot be meant changes nothing.
    configure(&proxy.stage, &proxy.application.url, &resource("/orders", "\"list*\" = []"));
    wait_until("the failed reload", || metrics().contains("requires_auth_config_reload_failed 1"));
    assert_eq!((&*status("/orders", "create"), &*status("/stock", "any")), ("200", "200"));
}

#[test]
fn the_document_is_there_and_nothing_else_is_without_a_token() {
    let proxy = Proxy::new("resources-document");
    for place in [format!("{WELL_KNOWN}/orders"), WELL_KNOWN.to_owned(), format!("/orders{WELL_KNOWN}")] {
        let (status, answer) = get(proxy.address(), &place);
        assert_eq!(status, 200, "{place}: {answer}");
        assert!(answer.contains("\"resource\":\"https://api.example.com/orders\""), "{answer}");
    }
    for (request, expected) in [
        (format!("DELETE {WELL_KNOWN}/orders"), 405),
        ("GET /orders".to_owned(), 401),
        ("DELETE /orders/x".to_owned(), 401),
        ("GET /elsewhere".to_owned(), 403),
        (format!("GET {WELL_KNOWN}/other"), 403),
        (format!("GET /elsewhere{WELL_KNOWN}"), 403),
    ] {
        let (status, answer) = ask(proxy.address(), &format!("{request} HTTP/1.1\r\nHost: a\r\n"));
        assert_eq!(status, expected, "{request}: {answer}");
    }
    assert!(proxy.application.received().is_empty());
}
