//! `explain` and `verify` by a configuration: what they say is what its gateway says.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::time::{Duration, SystemTime};

use requires_auth_testkit::{Algorithm, Defect, ProofBuilder, SigningKey};
use serde_json::{Value, json};

use self::support::gateway::{AUDIENCE, ISSUER, Stage, exchange};
use self::support::{Run, Server, run};

/// A configuration with these settings for all issuers.
fn configure(stage: &Stage, settings: &str) -> String {
    stage.write(&format!(
        "{settings}\npublic_url = \"https://api.example.com\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = [\"GET /orders\", \"GET /orders/{{id}}\"]\nscopes = [\"read:orders\"]\n\
         [[routes]]\nmatch = \"POST /orders\"\nscopes = [\"write:orders\"]\n\
         [[routes]]\nmatch = \"GET /health\"\npublic = true\n\
         [[routes]]\nmatch = \"GET /new\"\nenforce = \"shadow\"\nscopes = [\"new\"]\n"
    ));
    stage.file().to_str().expect("UTF-8").to_owned()
}

/// Both commands with these flags, and the token on stdin; what they say of it is the same.
fn ask(flags: &[&str], token: &str) -> (Run, Value) {
    let both = ["verify", "explain"].map(|command| {
        let words = [&[command, "--output", "json"], flags].concat();
        run(&words, format!("{token}\n"))
    });
    let [verified, explained] = both;
    assert_eq!(verified.code(), explained.code(), "{verified:?}\n{explained:?}");
    let (short, long) = (verified.json(), explained.json());
    assert_eq!((&short["ok"], &short["error"]), (&long["ok"], &long["error"]), "{short}\n{long}");
    (explained, long)
}

/// Code and reason of a refusal.
fn refusal(told: &Value) -> (&str, &str) {
    (told["error"]["code"].as_str().unwrap_or("-"), told["error"]["reason"].as_str().unwrap_or("-"))
}

fn in_an_hour() -> u64 {
    let now = SystemTime::now() + Duration::from_secs(3600);
    now.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn the_route_of_the_file_decides() {
    let stage = Stage::new("configured-route");
    let file = configure(&stage, "");
    let token = stage.token("read:orders");
    let on = |method: &str, url: &str| ask(&["--config", &file, "--method", method, "--url", url], &token);

    for url in ["/orders", "/orders/7?a=b", "https://api.example.com/orders/7"] {
        let (run, told) = on("GET", url);
        assert_eq!((run.code(), &told["route"]), (0, &json!("GET /orders")), "{url}: {run:?}");
        assert_eq!(told.get("notes"), None, "{told}");
    }
    let (run, told) = on("POST", "/orders");
    assert_eq!((run.code(), refusal(&told)), (1, ("insufficient_scope", "-")), "{run:?}");
    let (run, told) = on("GET", "/nothing");
    assert_eq!((run.code(), refusal(&told)), (1, ("auth.no_route", "-")), "{run:?}");
    let (run, told) = on("GET", "/health");
    assert_eq!((run.code(), &told["notes"][0]), (0, &json!("The route is public: no token is looked at.")));
    let (run, told) = on("GET", "/new");
    assert_eq!(run.code(), 1);
    assert!(told["notes"][0].as_str().is_some_and(|note| note.contains("in shadow")), "{told}");
    // A token alone, and one that is no good.
    let (run, told) = ask(&["--config", &file], &token);
    assert!(told["notes"][0].as_str().is_some_and(|note| note.starts_with("No route is asked")), "{told}");
    assert_eq!(run.code(), 0);
    let expired = stage.forge.token().defect(Defect::Expired).mint();
    let (run, told) = ask(&["--config", &file, "--url", "/orders"], &expired);
    assert_eq!((run.code(), refusal(&told)), (1, ("invalid_token", "expired")), "{run:?}");
    for (method, url) in [("GET", "orders"), ("GET", "/a b"), ("G T", "/orders")] {
        let refused = run_explain(&["--config", &file, "--method", method, "--url", url, &token]);
        assert_eq!(refused.code(), 2, "{refused:?}");
    }
}

fn run_explain(flags: &[&str]) -> Run {
    run(&[&["explain"], flags].concat(), "")
}

#[test]
fn the_text_names_the_route_and_the_verdict() {
    let stage = Stage::new("configured-text");
    let file = configure(&stage, "");
    let token = stage.token("read:orders");
    let text =
        |command: &str, url: &str| run(&[command, "--config", &file, "--url", url, "-"], token.clone());
    let explained = text("explain", "/orders");
    let end = "\nverdict\nallowed: every check has passed\n";
    assert!(explained.stdout().contains("\nroute\n  GET /orders\n"), "{explained:?}");
    assert!(explained.stdout().ends_with(end), "{explained:?}");
    assert!(text("verify", "/orders").stdout().starts_with("allowed: the token is valid\n"));
    let public = text("explain", "/health");
    assert!(public.stdout().contains("\nallowed: the route is public\n  note  The route"), "{public:?}");
    assert_eq!(text("verify", "/health").stdout(), "allowed: the route is public\n");
    let shadow = text("verify", "/new");
    assert!(shadow.stdout().starts_with("refused: 403 insufficient_scope\n"), "{shadow:?}");
    assert!(shadow.stderr().contains("note: The route is in shadow"), "{shadow:?}");
}

#[test]
fn the_file_takes_the_place_of_flags() {
    let stage = Stage::new("configured-flags");
    let file = configure(&stage, "");
    let token = stage.token("read:orders");
    for flags in [
        &["--issuer", ISSUER][..],
        &["--audience", AUDIENCE],
        &["--scope", "a"],
        &["--leeway", "3"],
        &["--profile", "jwt"],
        &["--alg", "ES256"],
        &["--revocations", "revoked.jsonl", "--issuer", ISSUER],
    ] {
        for command in ["explain", "verify"] {
            let refused = run(&[&[command, "--config", &file], flags, &[&token]].concat(), "");
            assert_eq!(refused.code(), 2, "{refused:?}");
            assert!(refused.stderr().contains("'--config <FILE>' cannot be used with"), "{refused:?}");
        }
    }
    let batch = run(&["verify", "--config", &file, "--batch", "-"], "");
    assert!(batch.code() == 2 && batch.stderr().contains("--batch <FILE>"), "{batch:?}");
    for flags in [&["--url", "/orders"][..], &["--method", "GET", "--config", &file]] {
        assert_eq!(run_explain(&[flags, &[&token]].concat()).code(), 2, "{flags:?}");
    }
    let slip = run_explain(&[&file]);
    assert!(
        slip.code() == 2 && slip.stderr().contains(&format!("explain --config {file} TOKEN")),
        "{slip:?}"
    );
    let gone = run_explain(&["--config", "/nowhere.toml", &token]);
    assert!(gone.code() == 2 && gone.stderr().contains("/nowhere.toml"), "{gone:?}");
}

#[test]
fn a_refusal_of_the_past_is_judged_at_its_time() {
    let stage = Stage::new("configured-now");
    let file = configure(&stage, "");
    // From 2026-11-29T20:00:00Z on, for an hour.
    let (from, to) = (1_795_982_400, 1_795_986_000);
    let token = stage.forge.token().scope("read:orders").claim("iat", from).claim("exp", to).mint();
    for (now, expected) in [
        ("2026-11-29T20:59:59Z", (0, "-")),
        ("2026-11-29T20:59:59.123456Z", (0, "-")),
        ("2026-11-29T21:01:00Z", (1, "expired")),
        ("1795985999", (0, "-")),
        ("1795986060", (1, "expired")),
        ("2026-11-29T18:00:00Z", (1, "not_yet_valid")),
    ] {
        let (run, told) = ask(&["--config", &file, "--url", "/orders", "--now", now], &token);
        assert_eq!((run.code(), refusal(&told).1), expected, "{now}: {run:?}");
        let keys = stage.folder.join("keys.json");
        let keys = keys.to_str().expect("UTF-8");
        let (run, told) =
            ask(&["--jwks", keys, "--issuer", ISSUER, "--audience", AUDIENCE, "--now", now], &token);
        assert_eq!((run.code(), refusal(&told).1), expected, "{now}: {run:?}");
        let verdict = inspected(&["inspect", &file, "--now", now], &token);
        assert_eq!(verdict["error"]["reason"].as_str().unwrap_or("-"), expected.1, "{now}: {verdict}");
    }
    for wrong in ["2026-11-29", "yesterday", "2026-11-29T21:00:00+01:00"] {
        let refused = run_explain(&["--config", &file, "--now", wrong, &token]);
        assert!(refused.code() == 2 && refused.stderr().contains("2026-12-01T10:00:00Z"), "{refused:?}");
    }
}

/// What the page of the inspector is told.
fn inspected(flags: &[&str], token: &str) -> Value {
    let server = Server::start(flags);
    let url = server.address("url").trim_start_matches("http://").to_owned();
    let (host, path) = url.split_once('/').expect("a path");
    let body = json!({ "token": token, "url": "/orders" }).to_string();
    let request = format!(
        "POST /{path}explain HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let (_, answer) = exchange(&format!("http://{host}"), &request);
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn a_token_that_is_revoked_is_refused() {
    let stage = Stage::new("configured-revoked");
    let revoked = stage.folder.join("revoked.jsonl");
    let entry = json!({ "sub": "mallory", "until": in_an_hour() }).to_string();
    fs::write(&revoked, format!("{entry}\n")).expect("a file");
    let file = configure(&stage, "revocations = \"revoked.jsonl\"");
    let keys = stage.folder.join("keys.json");
    let by_flags = ["--jwks", keys.to_str().expect("UTF-8"), "--issuer", ISSUER, "--audience", AUDIENCE];
    let with_file = [&by_flags[..], &["--revocations", revoked.to_str().expect("UTF-8")]].concat();
    let own = |subject: &str| stage.forge.token().subject(subject).scope("read:orders").mint();

    for flags in [&["--config", &file, "--url", "/orders"][..], &["--config", &file], &with_file] {
        let (run, told) = ask(flags, &own("mallory"));
        assert_eq!((run.code(), refusal(&told)), (1, ("invalid_token", "revoked")), "{run:?}");
        let (run, told) = ask(flags, &own("alice"));
        assert_eq!(run.code(), 0, "{run:?}");
        let mut checks = told["checks"].as_array().expect("checks").iter();
        assert!(checks.any(|check| check["check"] == "revocation" && check["outcome"] == "passed"), "{told}");
    }
    // Nobody has looked, and that is said.
    let (run, told) = ask(&by_flags, &own("mallory"));
    assert_eq!((run.code(), &told["notes"]), (0, &json!(["Revocations are not looked at."])), "{run:?}");
    let text = run_explain(&[&by_flags[..], &[&own("mallory")]].concat());
    let end = "allowed: every check has passed; revocations are not looked at\n";
    assert!(text.stdout().ends_with(end), "{text:?}");
    let text = run_explain(&[&with_file[..], &[&own("alice")]].concat());
    assert!(text.stdout().ends_with("allowed: every check has passed\n"), "{text:?}");
}

#[test]
fn a_file_of_revocations_that_cannot_be_read_is_an_error() {
    let stage = Stage::new("configured-unread");
    let keys = stage.folder.join("keys.json");
    let keys = keys.to_str().expect("UTF-8");
    let broken = stage.folder.join("broken.jsonl");
    fs::write(&broken, "{\"sub\":\n").expect("a file");
    let token = stage.token("read:orders");
    for file in [broken.to_str().expect("UTF-8"), "/nowhere.jsonl"] {
        let flags = ["--jwks", keys, "--issuer", ISSUER, "--audience", AUDIENCE, "--revocations", file];
        for command in ["explain", "verify"] {
            let refused = run(&[&[command], &flags[..], &[&token]].concat(), "");
            assert!(refused.code() == 2 && refused.stdout().is_empty(), "{refused:?}");
            assert!(refused.stderr().contains("a file with a revocation in each line"), "{refused:?}");
        }
    }
    let lines = ["verify", "--jwks", keys, "--issuer", ISSUER, "--revocations", "a.jsonl", "--batch", "-"];
    assert_eq!(run(&lines, "").code(), 2, "a line of a batch would be judged without it");
    assert_eq!(run_explain(&["--jwks", keys, "--revocations", "a.jsonl", &token]).code(), 2);
}

#[test]
fn a_proof_is_for_the_request() {
    let stage = Stage::new("configured-proof");
    let file = configure(&stage, "dpop = \"allowed\"");
    let key = SigningKey::generate(Algorithm::Es256);
    let token = stage.forge.token().scope("read:orders").bound_to(&key).mint();
    let url = "https://api.example.com/orders/7";
    let proof = ProofBuilder::new(&key, "GET", url).token(&token).lines().join("");
    let flags = ["--config", &file, "--proof", &proof, "--url"];
    for good in [url, "/orders/7"] {
        let (run, told) = ask(&[&flags[..], &[good]].concat(), &token);
        assert_eq!((run.code(), &told["route"]), (0, &json!("GET /orders")), "{run:?}");
    }
    let (run, told) = ask(&[&flags[..], &["/orders/8"]].concat(), &token);
    assert_eq!((run.code(), refusal(&told)), (1, ("invalid_dpop_proof", "proof_url")), "{run:?}");
    let (run, told) = ask(&["--config", &file, "--url", url], &token);
    assert_eq!((run.code(), refusal(&told).1), (1, "binding_mismatch"), "{run:?}");
    assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("by --proof")), "{told}");
    // Where the gateway takes no proofs, none would help.
    let file = configure(&stage, "");
    let (_, told) = ask(&["--config", &file, "--url", url], &token);
    assert_eq!(refusal(&told).1, "binding_mismatch");
    assert!(told["hint"].as_str().is_some_and(|hint| hint.contains("switch on `dpop`")), "{told}");
}

#[test]
fn what_nobody_knows_is_not_told_as_a_verdict() {
    let stage = Stage::new("configured-shared");
    // Nobody listens there.
    let file = configure(&stage, "shared_state = { url = \"redis://127.0.0.1:1\", revocations = true }");
    let token = stage.token("read:orders");
    let judged = run_explain(&["--config", &file, "--url", "/orders", "--output", "json", &token]);
    assert_eq!(judged.code(), 2, "{judged:?}");
    assert_eq!(refusal(&judged.json()).0, "auth.state_unavailable");
    assert!(judged.stderr().contains("what other instances have revoked is not known"), "{judged:?}");
}
