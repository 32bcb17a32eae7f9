//! Revocations as an operator makes them: on the command line into a file, and by a request to a gateway that runs.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::path::PathBuf;

use requires_auth_testkit::TokenBuilder;
use serde_json::{Value, json};

use self::support::gateway::{AUDIENCE, ISSUER, Stage, ask, exchange, get, wait_until};
use self::support::{Run, Server, requires_auth, run};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A gateway with revocations, and with these lines in `[server]`.
fn configure(stage: &Stage, of_server: &str) -> PathBuf {
    let revoked = stage.folder.join("revoked.jsonl");
    if !revoked.exists() {
        fs::write(&revoked, "").expect("a file");
    }
    stage.write(&format!(
        "revocations = \"revoked.jsonl\"\nmax_revocations = 4\n\
         [server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{of_server}\n[forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"GET /orders\"\n\
         [[tests]]\nrequest = \"GET /orders\"\nclaims = {{ iss = \"main\", sub = \"alice\" }}\nexpect = {{ status = 200 }}\n"
    ));
    revoked
}

fn secret_file(stage: &Stage) -> &'static str {
    fs::write(stage.folder.join("admin-token"), format!("{SECRET}\n")).expect("a file");
    "admin_token = { file = \"admin-token\" }"
}

fn token(stage: &Stage) -> TokenBuilder {
    stage.forge.token().subject("alice").client_id("app").claim("jti", "t-1").claim("sid", "s-1")
}

/// Whether the gateway lets a request with this token through.
fn passes(server: &Server, token: &str) -> bool {
    let question = format!(
        "GET /forward-auth/caddy HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /orders\r\n\
         Authorization: Bearer {token}\r\n"
    );
    let (status, answer) = ask(server.address("listen"), &question);
    assert!(status == 200 || status == 401 && answer.contains("\"revoked\""), "{answer}");
    status == 200
}

/// Sends an entry to the admin listener, with further lines of the head.
fn post(server: &Server, lines: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let head = format!(
        "POST /revocations HTTP/1.1\r\nHost: gateway\r\nContent-Length: {length}\r\n{lines}Connection: close\r\n\r\n{body}"
    );
    exchange(server.address("admin"), &head)
}

fn with_secret() -> String {
    format!("Authorization: Bearer {SECRET}\r\nContent-Type: application/json\r\n")
}

fn in_an_hour() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    now.as_secs() + 3600
}

#[test]
fn an_operator_revokes_and_it_holds_over_a_restart() {
    let stage = Stage::new("revoke-post");
    let revoked = configure(&stage, secret_file(&stage));
    let server = stage.start();
    let (own, other) = (token(&stage).mint(), token(&stage).claim("jti", "t-2").mint());
    assert!(passes(&server, &own) && passes(&server, &own));

    let entry = json!({ "jti": "t-1", "iss": ISSUER, "until": in_an_hour() }).to_string();
    let (status, answer) = post(&server, &with_secret(), &entry);
    assert!(status == 200 && answer.ends_with("{\"entries\":1}"), "{answer}");
    assert!(!passes(&server, &own) && passes(&server, &other));
    assert_eq!(fs::read_to_string(&revoked).expect("a file"), format!("{entry}\n"));
    let list =
        format!("GET /revocations HTTP/1.1\r\nHost: gateway\r\n{}Connection: close\r\n\r\n", with_secret());
    let (status, answer) = exchange(server.address("admin"), &list);
    assert!(status == 200 && answer.ends_with(&format!("\r\n\r\n{entry}\n")), "{answer}");
    assert!(get(server.address("admin"), "/metrics").1.contains("\nrequires_auth_revocations 1\n"));
    drop(server);

    // The tests of the configuration are about routes, so that they hold although their subject is revoked.
    fs::write(&revoked, json!({ "sub": "alice", "until": in_an_hour() }).to_string()).expect("a file");
    let server = stage.start();
    assert!(!passes(&server, &other));
}

#[test]
fn whoever_is_not_an_operator_changes_nothing() {
    let stage = Stage::new("revoke-operators");
    let revoked = configure(&stage, &format!("{}\nadmin_scopes = [\"revoke:tokens\"]", secret_file(&stage)));
    let server = stage.start();
    let entry = json!({ "sid": "s-9", "until": in_an_hour() }).to_string();
    let scoped = |scope: &str| stage.forge.token().scope(scope).mint();
    let json = "Content-Type: application/json\r\n";
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n{json}");
    for (lines, expected) in [
        (json.to_owned(), 401),
        (bearer("0123456789abcdef0123456789abcdeg"), 401),
        (bearer(SECRET).repeat(2), 400),
        (format!("Authorization: Basic {SECRET}\r\n{json}"), 401),
        (bearer(&scoped("read:orders")), 403),
    ] {
        let (status, answer) = post(&server, &lines, &entry);
        assert!(status == expected && !answer.contains(SECRET), "{lines}: {answer}");
    }
    assert_eq!(get(server.address("admin"), "/revocations").0, 401);
    assert_eq!(get(server.address("listen"), "/revocations").0, 404);
    assert_eq!(fs::read_to_string(&revoked).expect("a file"), "");
    assert_eq!(post(&server, &bearer(&scoped("revoke:tokens")), &entry).0, 200);
    assert_eq!(fs::read_to_string(&revoked).expect("a file"), entry + "\n");
}

#[test]
fn what_is_not_an_entry_is_refused_and_what_there_is_no_room_for() {
    let stage = Stage::new("revoke-strict");
    let revoked = configure(&stage, secret_file(&stage));
    let server = stage.start();
    let until = in_an_hour();
    for (body, expected) in [
        (String::new(), 400),
        ("[]".to_owned(), 400),
        (json!({ "jti": "a" }).to_string(), 400),
        (json!({ "jti": "a", "sub": "b", "until": until }).to_string(), 400),
        (json!({ "jti": "a", "until": until, "note": "x" }).to_string(), 400),
        (format!("{{\"jti\":\"a\",\"until\":{until}}}\n{{\"jti\":\"b\",\"until\":{until}}}"), 400),
        (json!({ "jti": "a", "until": until, "iss": "x".repeat(17_000) }).to_string(), 413),
    ] {
        let (status, answer) = post(&server, &with_secret(), &body);
        assert!(status == expected && answer.contains("{\"error\":"), "{body}: {answer}");
    }
    let entry = |name: &str| json!({ "jti": name, "until": until }).to_string();
    let plain = format!("Authorization: Bearer {SECRET}\r\nContent-Type: text/plain\r\n");
    assert_eq!(post(&server, &plain, &entry("a")).0, 415);
    assert_eq!(fs::read_to_string(&revoked).expect("a file"), "");
    for name in ["a", "b", "c", "d"] {
        assert_eq!(post(&server, &with_secret(), &entry(name)).0, 200);
    }
    let (status, answer) = post(&server, &with_secret(), &entry("e"));
    assert!(status == 503 && answer.contains("max_revocations"), "{answer}");
    assert_eq!(fs::read_to_string(&revoked).expect("a file").lines().count(), 4);
    fs::remove_file(&revoked).expect("a file");
    let (status, answer) = post(&server, &with_secret(), &entry("a"));
    assert!(status == 503 && answer.contains("nothing was revoked"), "{answer}");
}

/// Where no secret is set, a token with the scopes is needed, and nothing else lets anybody in.
#[test]
fn scopes_alone_say_who_is_an_operator() {
    let stage = Stage::new("revoke-scopes");
    let revoked = configure(&stage, "admin_scopes = [\"revoke:tokens\"]");
    let server = stage.start();
    let entry = json!({ "sid": "s-9", "until": in_an_hour() }).to_string();
    let json = "Content-Type: application/json\r\n";
    let bearer =
        |scope: &str| format!("Authorization: Bearer {}\r\n{json}", stage.forge.token().scope(scope).mint());
    for (lines, expected) in [(json.to_owned(), 401), (with_secret(), 401), (bearer("read:orders"), 403)] {
        assert_eq!(post(&server, &lines, &entry).0, expected, "{lines}");
    }
    assert_eq!(fs::read_to_string(&revoked).expect("a file"), "");
    assert_eq!(post(&server, &bearer("revoke:tokens"), &entry).0, 200);
    assert_eq!(fs::read_to_string(&revoked).expect("a file"), entry + "\n");
}

#[test]
fn without_a_secret_and_without_scopes_nobody_may_revoke() {
    let stage = Stage::new("revoke-nobody");
    configure(&stage, "");
    let server = stage.start();
    assert_eq!(post(&server, &with_secret(), "{}").0, 404);
    drop(server);

    configure(&stage, "admin_token = { env = \"REQUIRES_AUTH_TEST_NOT_SET\" }");
    let refused = run(&["serve", stage.file().to_str().expect("UTF-8")], "");
    assert!(
        refused.code() == 2 && refused.stderr().contains("REQUIRES_AUTH_TEST_NOT_SET"),
        "{}",
        refused.stderr()
    );
    for mistake in [
        "admin_token = \"secret\"",
        "admin_token = {}",
        "admin_token = { env = \"A\", file = \"b\" }",
        "admin_token = { value = \"secret\" }",
        "admin_scopes = []",
        "admin_scopes = [\"a b\"]",
    ] {
        configure(&stage, mistake);
        let refused = run(&["check", stage.file().to_str().expect("UTF-8")], "");
        assert!(
            refused.code() == 2 && refused.stderr().contains("server.admin_"),
            "{mistake}: {}",
            refused.stderr()
        );
        let is_text = mistake.ends_with("\"secret\"");
        let names_places = refused.stderr().contains("admin_token = { env = \"ADMIN_TOKEN\" }");
        assert!(
            !is_text || names_places && !refused.stderr().contains("[server.admin_token]"),
            "{refused:?}"
        );
    }
    fs::remove_file(stage.folder.join("revoked.jsonl")).expect("a file");
    stage.write(
        "revocations = \"revoked.jsonl\"\n[issuers.main]\nissuer = \"https://i.example\"\naudience = \"a\"\n",
    );
    let refused = run(&["check", stage.file().to_str().expect("UTF-8")], "");
    assert!(refused.code() == 2 && refused.stderr().contains("revocations"), "{}", refused.stderr());
}

#[test]
fn check_tells_where_tokens_cannot_be_revoked() {
    let stage = Stage::new("revoke-check");
    let checked = |of_guard: &str, of_issuer: &str| {
        fs::write(stage.folder.join("revoked.jsonl"), "").expect("a file");
        stage.write(&format!(
            "{of_guard}\n[issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n{of_issuer}\n"
        ));
        let run = run(&["check", stage.file().to_str().expect("UTF-8")], "");
        (run.code(), format!("{}{}", run.stdout(), run.stderr()))
    };
    let revocations = "revocations = \"revoked.jsonl\"\n";
    let told = |(code, text): (i32, String), word: &str| {
        assert_eq!(code, 0, "{text}");
        text.contains(word)
    };
    assert!(told(checked(revocations, ""), "may have no `jti`"));
    assert!(!told(checked(revocations, "profile = \"at+jwt\""), "may have no `jti`"));
    assert!(!told(checked("", ""), "may have no `jti`"));
    let fapi = "profile = \"fapi2\"\npublic_url = \"https://api.example\"\nclient_certificates = true\n";
    assert!(told(checked(fapi, ""), "good until it expires"));
    assert!(!told(checked(&format!("{fapi}{revocations}"), ""), "good until it expires"));
    // What the profile demands is told at once.
    let (code, text) = checked("profile = \"fapi2\"\nleeway = \"30s\"\n", "algorithms = [\"RS256\"]");
    assert_eq!(code, 2);
    for wanted in ["https", "dpop", "at most 10 s", "PS256"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

/// Runs `revoke` with the secret in the environment.
fn revoke(args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = requires_auth(&[&["revoke"], args].concat());
    let output = command.env("REQUIRES_AUTH_ADMIN_TOKEN", SECRET).output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_command_writes_a_file_that_a_gateway_watches() {
    let stage = Stage::new("revoke-file");
    let revoked = configure(&stage, "");
    let server = stage.start();
    let file = revoked.to_str().expect("UTF-8");
    let own = token(&stage).mint();
    assert!(passes(&server, &own));
    let refused: Run = run(&["revoke", "--file", file], own.clone());
    assert!(
        refused.code() == 0 && refused.stdout().starts_with("revoked {\"jti\":\"t-1\","),
        "{}",
        refused.stdout()
    );
    assert!(refused.stdout().contains(&format!("\"iss\":\"{ISSUER}\"")));
    wait_until("the file is read", || !passes(&server, &own));
    let other = token(&stage).claim("jti", "t-2").mint();
    assert!(passes(&server, &other));
    assert_eq!(revoke(&["--session", "s-1", "--issuer", ISSUER, "--file", file]).0, Some(0));
    wait_until("the file is read", || !passes(&server, &other));
}

#[test]
fn the_command_asks_a_gateway() {
    let stage = Stage::new("revoke-admin");
    configure(&stage, secret_file(&stage));
    let server = stage.start();
    let admin = server.address("admin").to_owned();
    let own = token(&stage).mint();
    let (code, stdout, stderr) =
        revoke(&["--client", "app", "--and-later", "--admin", &admin, "--output", "json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let told: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(told["revoked"]["client_id"], "app");
    assert!(told["revoked"].get("before").is_none());
    assert!(!passes(&server, &own), "at once");
    let (code, _, stderr) = revoke(&["--jti", "x", "--admin", &admin, "--admin-token-env", "PATH"]);
    assert!(code == Some(2) && stderr.contains("401"), "{stderr}");
    let (code, _, stderr) = revoke(&["--jti", "x", "--admin", server.address("listen")]);
    assert!(code == Some(2) && stderr.contains("404"), "{stderr}");
    assert!(!stderr.contains(SECRET));
}

#[test]
fn what_cannot_be_revoked_is_told() {
    let stage = Stage::new("revoke-mistakes");
    let file = stage.folder.join("list.jsonl");
    fs::write(&file, "").expect("a file");
    let file = file.to_str().expect("UTF-8");
    let without = stage.forge.token().without_claim("jti").mint();
    for (args, told) in [
        (vec!["--subject", "a"], "--file"),
        (vec!["--subject", "a", "--jti", "b", "--file", file], "cannot be used with"),
        (vec!["--jti", "b", "--before", "now", "--file", file], "cannot be used with"),
        (vec!["--subject", "", "--file", file], "empty"),
        (vec!["--subject", "a", "--until", "tomorrow", "--file", file], "seconds since 1970"),
        (vec!["--subject", "a", "--file", "nowhere/list.jsonl"], "nothing was revoked"),
        (vec!["opaque", "--file", file], "not a JWT"),
        (vec![&without, "--file", file], "no `jti`"),
    ] {
        let (code, _, stderr) = revoke(&args);
        assert!(code == Some(2) && stderr.contains(told), "{args:?}: {stderr}");
    }
    assert_eq!(fs::read_to_string(file).expect("a file"), "");
    let (_, stdout, _) = revoke(&[
        "--subject",
        "a",
        "--before",
        "1970-01-01T00:01:00Z",
        "--until",
        "4000000000",
        "--file",
        file,
    ]);
    assert_eq!(stdout, "revoked {\"sub\":\"a\",\"before\":60,\"until\":4000000000}\n");
}
