//! What the gateway says of itself: its lines at start, its log as text, and the list of its pages.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;

use serde_json::Value;

use self::support::gateway::{AUDIENCE, ISSUER, Stage, ask, get, wait_until};
use self::support::{Server, run};

fn configure(stage: &Stage, above: &str, server: &str) {
    stage.write(&format!(
        "{above}[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{server}[forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"GET /orders\"\n"
    ));
}

/// The text of a field in a line.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Asks about a path in the words of Caddy.
fn question(stage: &Stage, path: &str) -> String {
    format!(
        "GET /forward-auth/caddy HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: {path}\r\n\
         Authorization: Bearer {}\r\n",
        stage.token("read")
    )
}

#[test]
fn every_refusal_has_its_texts_in_quotes() {
    let stage = Stage::new("log-quotes");
    configure(&stage, "", "");
    let mut server = stage.start();
    let listen = server.address("listen").to_owned();
    assert_eq!(ask(&listen, &question(&stage, "/elsewhere")).0, 403);
    assert_eq!(ask(&listen, &question(&stage, "/orders").replace("Bearer ", "Bearer x")).0, 401);
    server.signal("TERM");
    let log = server.stderr();
    let line = |code: &str| {
        let found = log.lines().find(|line| field(line, "code") == Some(code));
        found.unwrap_or_else(|| panic!("no {code} in {log}"))
    };
    assert_eq!(field(line("auth.no_route"), "cause"), Some("no route is for it"));
    assert_eq!(field(line("invalid_token"), "path"), Some("/orders"));
    assert_eq!(field(line("invalid_token"), "token").map(str::len), Some(8));
}

/// A mistake in a file that is read again has its hint in a field of its own, as text and as JSON.
#[test]
fn a_file_that_is_not_taken_is_told_in_fields() {
    let stage = Stage::new("log-reload");
    for format in ["text", "json"] {
        configure(&stage, "", "");
        let mut server = Server::start(&["serve", "--log", format, stage.file().to_str().expect("UTF-8")]);
        let admin = server.address("admin").to_owned();
        configure(&stage, "leewai = 3\n", "admin_token = \"secret\"\n");
        server.signal("HUP");
        let is_refused =
            || get(&admin, "/metrics").1.lines().any(|line| line == "requires_auth_config_reload_failed 1");
        wait_until("the file is refused", is_refused);
        server.signal("TERM");
        let log = server.stderr();
        let told: Vec<_> =
            log.lines().filter(|line| line.contains("the configuration is not taken")).collect();
        assert_eq!(told.len(), 2, "{log}");
        for (line, (wrong, hint)) in
            told.iter().zip([("leewai", "did you mean"), ("server.admin_token", "a secret stands in")])
        {
            let json: Option<Value> = serde_json::from_str(line).ok();
            let (problem, own) = match &json {
                Some(event) => (event["problem"].as_str(), event["hint"].as_str()),
                None => (field(line, "problem"), field(line, "hint")),
            };
            assert_eq!(json.is_some(), format == "json", "{line}");
            assert!(problem.is_some_and(|text| text.contains(wrong) && !text.contains("hint:")), "{line}");
            assert!(own.is_some_and(|text| text.starts_with(hint)), "{line}");
            assert!(!line.contains("\\n"), "{line}");
        }
    }
}

#[test]
fn what_keeps_it_from_starting_is_an_object_for_each_mistake_where_the_log_is_json() {
    let stage = Stage::new("log-start");
    configure(&stage, "leewai = 3\n", "admni = 3\n");
    let told = run(&["serve", "--log", "json", stage.file().to_str().expect("UTF-8")], "");
    let event = |line: &str| {
        serde_json::from_str::<Value>(line).expect("JSON")["message"].as_str().map(str::to_owned)
    };
    let messages: Vec<_> = told.stderr().lines().filter_map(event).collect();
    assert_eq!((told.code(), messages.len()), (2, 4), "{messages:?}");
    assert!(messages.iter().all(|message| !message.contains('\n')), "{messages:?}");
    assert!(
        messages[0].contains("leewai") && messages[1].starts_with("hint: did you mean `leeway`?"),
        "{messages:?}"
    );
}

#[test]
fn the_live_view_is_named_where_it_is() {
    let stage = Stage::new("log-live");
    fs::write(stage.folder.join("admin-token"), "0123456789abcdef\n").expect("a file");
    fs::write(stage.folder.join("revoked.jsonl"), "").expect("a file");
    let with_secret = "admin_token = { file = \"admin-token\" }\n";
    for (above, server, pages) in [
        ("", "", "/healthz, /readyz and /metrics"),
        ("", with_secret, "/healthz, /readyz, /metrics and /live"),
        (
            "revocations = \"revoked.jsonl\"\n",
            with_secret,
            "/healthz, /readyz, /metrics, /live and /revocations",
        ),
        ("", "admin_scopes = [\"revoke:tokens\"]\n", "/healthz, /readyz and /metrics"),
    ] {
        configure(&stage, above, server);
        let mut running = stage.start();
        let admin = running.address("admin").to_owned();
        let (status, answer) = get(&admin, "/livez");
        assert!(status == 404 && answer.ends_with(&format!("the pages are {pages}\n")), "{answer}");
        let is_there = server == with_secret;
        assert_eq!(get(&admin, "/live").0, if is_there { 200 } else { 404 });
        running.signal("TERM");
        let said = running.stderr().contains(&format!("the live view is {admin}/live"));
        assert_eq!(said, is_there, "{server}");
    }
}
