//! `doctor --mcp` at servers of another make: each mistake is found and no other, and a right server has none.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "../support/mod.rs"]
mod support;

#[allow(unreachable_pub, reason = "it is a module of one test")]
mod server;
#[allow(unreachable_pub, reason = "it is a module of one test")]
mod mistakes;
#[allow(unreachable_pub, reason = "it is a module of one test")]
mod ours;

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::Value;

use self::mistakes::Row;
use self::server::{Answer, McpServer};
use self::support::gateway::Stage;
use self::support::{Run, Server, run};

fn look_at(url: &str, more: &[&str]) -> Run {
    run(&[&["doctor", "--mcp", url, "--output", "json"], more].concat(), "")
}

/// What is not as it should be: level and code, each once.
fn wrong(run: &Run) -> BTreeSet<(String, String)> {
    let json = run.json();
    let text = |finding: &Value, name: &str| finding[name].as_str().expect(name).to_owned();
    let findings = json["findings"].as_array().expect("findings").iter();
    let told = findings.map(|finding| (text(finding, "level"), text(finding, "code")));
    told.filter(|(level, _)| ["warn", "fail"].contains(&&**level)).collect()
}

/// Each mistake is found, and nothing else is.
fn all_are_found(rows: &[Row], more: impl Fn(&McpServer) -> Vec<String>) {
    for (name, expected, mistake) in rows {
        let server = McpServer::start(*mistake);
        let more = more(&server);
        let found = look_at(&server.url(), &more.iter().map(String::as_str).collect::<Vec<_>>());
        let expected: BTreeSet<_> =
            expected.iter().map(|(level, code)| ((*level).to_owned(), (*code).to_owned())).collect();
        assert_eq!(wrong(&found), expected, "{name}: {found:?}");
        let is_failed = expected.iter().any(|(level, _)| level == "fail");
        assert_eq!(found.code(), i32::from(is_failed), "{name}");
        let json = found.json();
        for finding in json["findings"].as_array().expect("findings") {
            assert!(finding["rule"].is_string(), "{name}: {finding}");
            assert!(finding["level"] == "ok" || finding["hint"].is_string(), "{name}: {finding}");
        }
    }
}

fn no_token(_: &McpServer) -> Vec<String> {
    Vec::new()
}

/// A good token, and leave to call tools.
fn good_token(server: &McpServer) -> Vec<String> {
    let token = McpServer::token(&server.url());
    ["--token", &token, "--call-tools"].map(str::to_owned).to_vec()
}

#[test]
fn mistakes_of_the_endpoint_are_found() {
    all_are_found(mistakes::endpoint::ENDPOINT, no_token);
}

#[test]
fn mistakes_of_the_challenge_are_found() {
    all_are_found(mistakes::endpoint::CHALLENGE, no_token);
}

#[test]
fn mistakes_of_the_document_are_found() {
    all_are_found(mistakes::metadata::DOCUMENTS, no_token);
}

#[test]
fn mistakes_of_the_issuer_are_found() {
    all_are_found(mistakes::metadata::ISSUER, no_token);
}

#[test]
fn mistakes_of_cors_are_found() {
    all_are_found(mistakes::endpoint::CORS, no_token);
}

#[test]
fn mistakes_with_bad_tokens_are_found() {
    all_are_found(mistakes::tokens::CREDENTIALS, no_token);
}

#[test]
fn mistakes_with_a_good_token_are_found() {
    all_are_found(mistakes::tokens::TOKEN, good_token);
}

#[test]
fn a_right_server_has_no_mistake() {
    let server = McpServer::start(|_, answer| answer);
    let found = look_at(&server.url(), &[]);
    assert_eq!((found.code(), wrong(&found)), (0, BTreeSet::new()), "{}", found.stdout());
    let with_token: Vec<_> = good_token(&server);
    let found = look_at(&server.url(), &with_token.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((found.code(), wrong(&found)), (0, BTreeSet::new()), "{}", found.stdout());
    for said in ["2 tools", "`create_order`: 403, asks for read:orders write:orders", "`list_orders`: 200"] {
        assert!(found.stdout().contains(said), "{said}: {}", found.stdout());
    }
}

/// Neither the guard nor the development issuer.
#[test]
fn a_server_behind_our_guard_has_no_mistake() {
    let process = Server::start(&["issuer", "--port", "0"]);
    let issuer = process.address("issuer");
    let plain = ours::Server { path: "/mcp", serves_pages: false, has_scopes: false };
    for server in [
        plain,
        ours::Server { path: "/a/mcp", ..plain },
        ours::Server { path: "", ..plain },
        ours::Server { serves_pages: true, ..plain },
        ours::Server { has_scopes: true, ..plain },
        ours::Server { path: "", serves_pages: true, has_scopes: true },
    ] {
        let url = ours::start(server, issuer);
        let token = run(&["token", "--issuer", issuer, "--audience", &url, "--scope", "read:orders"], "");
        let found = look_at(&url, &["--token", token.stdout().trim(), "--call-tools"]);
        let text = found.stdout();
        assert_eq!((found.code(), wrong(&found)), (0, BTreeSet::new()), "{url}: {text}");
        assert!(text.contains("`list_orders`: 202"), "{text}");
        let steps_up = text.contains("`create_order`: 403, asks for read:orders write:orders");
        assert_eq!(steps_up, server.has_scopes, "{text}");
        let is_said = text.contains("clients in browsers are not served");
        assert_eq!(is_said, !server.serves_pages, "{text}");
        assert!(text.contains("dynamic registration"), "{text}");
    }
}

#[test]
fn a_bare_server_behind_our_gateway_has_no_mistake() {
    let process = Server::start(&["issuer", "--port", "0"]);
    let issuer = process.address("issuer");
    let upstream = ours::start_bare();
    let stage = Stage::new("doctor-mcp");
    // Its own URL stands in its configuration, so that the port has to be known before.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let url = format!("http://127.0.0.1:{port}/mcp");
    let configure = |tools: &str| {
        stage.write(&format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[reverse_proxy]\nupstream = \"{upstream}\"\n\
             [issuers.main]\nissuer = \"{issuer}\"\n[[resources]]\nresource = \"{url}\"\nissuers = [\"main\"]\n\
             scopes = [\"read:orders\"]\nmcp = true\n{tools}"
        ));
    };
    let token = run(&["token", "--issuer", issuer, "--audience", &url, "--scope", "read:orders"], "");
    let tools = "tools = { create_order = \"write:orders\", \"*\" = [] }\n";
    for (tools, steps_up) in [(tools, true), ("", false)] {
        configure(tools);
        let gateway = stage.start();
        let found = look_at(&url, &["--token", token.stdout().trim(), "--call-tools"]);
        let text = found.stdout();
        assert_eq!((found.code(), wrong(&found)), (0, BTreeSet::new()), "{text}");
        assert!(text.contains("`list_orders`: 202"), "{text}");
        assert_eq!(
            text.contains("`create_order`: 403, asks for read:orders write:orders"),
            steps_up,
            "{text}"
        );
        assert_eq!(gateway.terminate(), Some(0));
    }
}

#[test]
fn a_token_goes_to_the_server_alone_and_is_not_told() {
    let server = McpServer::start(
        |request, answer| {
            if request.path == "/mcp" { answer } else { answer.with("X-Seen", "1") }
        },
    );
    let token = McpServer::token(&server.url());
    let found = look_at(&server.url(), &["--token", &token]);
    assert_eq!(found.code(), 0, "{}", found.stdout());
    assert!(found.stdout().contains("2 tools, none of them called"), "{}", found.stdout());
    let paths = server.paths_with_token();
    assert!(!paths.is_empty() && paths.iter().all(|path| path == "/mcp"), "{paths:?}");
    for part in token.split('.') {
        assert!(!found.stdout().contains(part) && !found.stderr().contains(part), "{found:?}");
    }
}

#[test]
fn a_token_for_another_server_is_told() {
    let server = McpServer::start(|_, answer| answer);
    let other = McpServer::token("https://other.example/mcp");
    let found = look_at(&server.url(), &["--token", &other]);
    let failed = |codes: &[&str]| codes.iter().map(|code| ("fail".to_owned(), (*code).to_owned())).collect();
    let expected = failed(&["mcp.token", "mcp.token.audience"]);
    assert_eq!((found.code(), wrong(&found)), (1, expected), "{}", found.stdout());
    // One that looks at the audience is right.
    let strict = McpServer::start(|request, answer| {
        let is_good = request.all("authorization").any(|value| value.ends_with(".Z29vZA"));
        if is_good { Answer::new(401) } else { answer }
    });
    let found = look_at(&strict.url(), &["--token", &other]);
    assert_eq!(wrong(&found), failed(&["mcp.token.audience"]), "{}", found.stdout());
    let bad = look_at(&server.url(), &["--token", "Bearer a"]);
    assert_eq!(wrong(&bad), failed(&["mcp.token"]));
}

/// Since 2026-07-28 a request stands alone, and says in its headers what it asks for.
#[test]
fn a_server_without_sessions_is_asked_as_it_wants() {
    let server = McpServer::start(|request, answer| {
        let is_good = request.all("authorization").any(|value| value.ends_with(".Z29vZA"));
        if request.method != "POST" || !is_good || request.all("authorization").count() > 1 {
            return answer;
        }
        let header = |name| request.all(name).next().unwrap_or_default().to_owned();
        match (&*header("mcp-protocol-version"), &*header("mcp-method"), &*header("mcp-name")) {
            ("2026-07-28", "tools/list", "") => Answer::json(&serde_json::json!({
                "jsonrpc": "2.0", "id": 2, "result": { "tools": [{ "name": "one" }] }
            })),
            ("2026-07-28", "tools/call", "one") => Answer::new(200),
            _ => Answer::new(400),
        }
    });
    let token = good_token(&server);
    let found = look_at(&server.url(), &token.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((found.code(), wrong(&found)), (0, BTreeSet::new()), "{}", found.stdout());
    assert!(found.stdout().contains("`one`: 200"), "{}", found.stdout());
}

#[test]
fn a_server_that_serves_no_browser_is_not_wrong_and_it_is_said() {
    let server = McpServer::start(|request, answer| {
        if request.is("OPTIONS", "/mcp") {
            return Answer::new(401);
        }
        let is_endpoint = request.path == "/mcp";
        if !is_endpoint {
            return answer;
        }
        answer.without("Access-Control-Allow-Origin").without("Access-Control-Expose-Headers")
    });
    let found = look_at(&server.url(), &[]);
    assert_eq!((found.code(), wrong(&found)), (0, BTreeSet::new()), "{}", found.stdout());
    assert!(found.stdout().contains("clients in browsers are not served"), "{}", found.stdout());
    let choosy = McpServer::start(|request, answer| {
        let is_foreign = request.all("origin").any(|origin| origin != "https://app.example");
        if request.path == "/mcp" && is_foreign { Answer::new(403) } else { answer }
    });
    let found = look_at(&choosy.url(), &[]);
    assert!(found.stdout().contains("is refused: 403") && wrong(&found).is_empty(), "{}", found.stdout());
    let found = look_at(&choosy.url(), &["--origin", "https://app.example"]);
    assert!(!found.stdout().contains("is refused: 403") && wrong(&found).is_empty(), "{}", found.stdout());
}

#[test]
fn text_has_the_hint_and_the_rule() {
    let server =
        McpServer::start(
            |request, answer| {
                if request.path == "/mcp" { answer.without("WWW-Authenticate") } else { answer }
            },
        );
    let found = run(&["doctor", "--mcp", &server.url()], "");
    assert_eq!(found.code(), 1);
    assert!(found.stdout().contains("FAIL  mcp.challenge "), "{}", found.stdout());
    assert!(found.stdout().contains("(RFC 6750 §3, MCP authorization"), "{}", found.stdout());
}

#[test]
fn what_cannot_be_asked_is_told() {
    let gone = look_at("http://127.0.0.1:1/mcp", &[]);
    let reached = BTreeSet::from([("fail".to_owned(), "mcp.reached".to_owned())]);
    assert_eq!((gone.code(), wrong(&gone)), (1, reached));
    let plain = look_at("http://api.example.com/mcp", &[]);
    let url = BTreeSet::from([("fail".to_owned(), "mcp.url".to_owned())]);
    assert_eq!((plain.code(), wrong(&plain)), (1, url), "nothing is sent");
    for args in [
        &["--mcp", "/mcp"][..],
        &["--mcp", "https://user@api.example.com/mcp"],
        &["--mcp", "https://api.example.com/mcp#a"],
        &["--mcp", "https://api.example.com/mcp", "--call-tools"],
        &["--mcp", "https://api.example.com/mcp", "--origin", "*"],
        &["--call-tools", "--token", "a"],
    ] {
        assert_eq!(run(&[&["doctor"], args].concat(), "").code(), 2, "{args:?}");
    }
}
