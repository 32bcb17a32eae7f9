//! `verify`, `explain`, `issuer` and `token` together, as child processes.

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};

use self::support::{Server, run};

const AUDIENCE: &str = "https://api.example.com";

struct Issuer(Server);

impl Issuer {
    fn start(args: &[&str]) -> Self {
        Self(Server::start(&[&["issuer", "--port", "0"], args].concat()))
    }

    fn url(&self) -> &str {
        self.0.address("issuer")
    }

    fn token(&self, args: &[&str]) -> String {
        let minted = run(&[&["token", "--issuer", self.url()][..], args].concat(), "");
        assert_eq!(minted.code(), 0, "{minted:?}");
        minted.stdout().strip_suffix('\n').expect("one line").to_owned()
    }
}

#[test]
fn every_defect_is_refused_for_its_reason() {
    let issuer = Issuer::start(&[]);
    for defect in Defect::ALL {
        let token = issuer.token(&["--defect", defect.name()]);
        let flags = ["--issuer", issuer.url(), "--audience", AUDIENCE, "--output", "json", "-"];
        let verified = run(&[&["verify"], &flags[..]].concat(), format!("{token}\n"));
        assert_eq!(verified.code(), 1, "{defect}: {verified:?}");
        assert_eq!(verified.json()["error"]["reason"], defect.name());
        assert!(verified.json()["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{defect}");
        // Three lines for one guard, which may remember the token.
        let line = json!({ "token": token, "issuer": issuer.url(), "audience": AUDIENCE }).to_string();
        let lines = run(&["verify", "--batch", "-"], [line.as_str(); 3].join("\n"));
        let lines = lines.json_lines();
        assert_eq!(lines.len(), 3);
        for line in lines {
            assert_eq!(line["error"]["reason"], defect.name());
            assert_eq!(line.get("hint"), None, "a line of a batch has what it had");
        }
        let explained = run(&[&["explain"], &flags[..]].concat(), format!("{token}\n"));
        assert_eq!(explained.code(), 1, "{defect}: {explained:?}");
        let explained = explained.json();
        assert_eq!(explained["error"], verified.json()["error"], "{defect}");
        assert!(explained["hint"].is_string(), "{defect}");
    }
}

#[test]
fn a_token_where_none_is_expected_is_not_told_back() {
    let forge = Forge::new("https://issuer.example", AUDIENCE, SigningKey::generate(Algorithm::Es256));
    let token = forge.token().mint();
    let told = format!("--leeway={token}");
    for words in
        [["explain", "gateway.toml", &*token], ["verify", "--audience=a", &*told], ["check", "a", &*token]]
    {
        let refused = run(&words, "");
        assert_eq!(refused.code(), 2, "{refused:?}");
        assert!(!refused.stderr().contains(&token[..40]), "{refused:?}");
        assert!(refused.stderr().contains("(not shown)"), "{refused:?}");
        assert!(refused.stderr().contains("--help"), "{refused:?}");
    }
    let short = run(&["check", "a", "b"], "");
    assert!(short.stderr().contains("'b'"), "{short:?}");
}

#[test]
fn tenants_are_taken_by_name() {
    let issuer = Issuer::start(&[]);
    let pattern = issuer.url().replace("/oidc", "/{tenant}");
    let token = issuer.token(&[]);
    let ask = |command: &str, more: &[&str]| {
        let flags = [command, "--issuer", &pattern, "--audience", AUDIENCE];
        run(&[&flags[..], more, &["-"]].concat(), format!("{token}\n"))
    };
    for command in ["verify", "explain"] {
        for tenants in
            [&["--tenant", "oidc"][..], &["--tenant", "a,oidc"], &["--tenant", "a", "--tenant", "oidc"]]
        {
            let allowed = ask(command, tenants);
            assert_eq!(allowed.code(), 0, "{tenants:?}: {allowed:?}");
        }
        let other = ask(command, &["--tenant", "a,b", "--output", "json"]);
        assert_eq!(
            (other.code(), &other.json()["error"]["reason"]),
            (1, &json!("issuer_mismatch")),
            "{other:?}"
        );
        let none = ask(command, &[]);
        assert!(none.code() == 2 && none.stderr().contains("--tenant TENANT"), "{none:?}");
    }
    assert!(ask("verify", &["--tenant", "oidc"]).stdout().contains("tenant    oidc"));
    // A line of a batch has one issuer.
    assert_eq!(run(&["verify", "--tenant", "oidc", "--batch", "-"], "").code(), 2);
}

#[test]
fn tenants_may_share_keys_in_a_file() {
    let key = SigningKey::generate(Algorithm::Es256);
    let keys = std::env::temp_dir().join(format!("requires-auth-tenants-{}.json", std::process::id()));
    std::fs::write(&keys, jwk_set([&key]).to_string()).expect("a file");
    let token = Forge::new("https://issuer.example/contoso", AUDIENCE, key).token().mint();
    let verdict = |tenant: &str| {
        let file = keys.to_str().expect("UTF-8");
        let flags =
            ["verify", "--jwks", file, "--issuer", "https://issuer.example/{tenant}", "--tenant", tenant];
        run(&[&flags[..], &["--audience", AUDIENCE, &token]].concat(), "").code()
    };
    let found = (verdict("contoso"), verdict("fabrikam"));
    std::fs::remove_file(&keys).ok();
    assert_eq!(found, (0, 1));
}

#[test]
fn a_good_token_is_what_was_asked_for() {
    let issuer =
        Issuer::start(&["--alg", "ES256", "--lifetime", "60", "--audience", "https://orders.example"]);
    let args = ["--scope", "a b", "--scope", "c", "--sub", "bob", "--client-id", "app"];
    let token = issuer.token(&args);
    let flags =
        ["verify", "--issuer", issuer.url(), "--audience", "https://orders.example", "--output", "json"];
    let verified = run(&[&flags[..], &["--scope", "a", "--scope", "b c", &token]].concat(), "");
    assert_eq!(verified.code(), 0, "{verified:?}");
    let claims = &verified.json()["claims"];
    assert_eq!(
        (&claims["scope"], &claims["sub"], &claims["client_id"]),
        (&json!("a b c"), &json!("bob"), &json!("app"))
    );
    let lifetime = |claims: &Value| Some(claims["exp"].as_i64()? - claims["iat"].as_i64()?);
    assert_eq!(lifetime(claims), Some(60));

    let token = issuer.token(&["--audience", "x", "--audience", "y", "--lifetime", "-100"]);
    let flags = ["verify", "--issuer", issuer.url(), "--audience", "y", "--output", "json"];
    let verified = run(&[&flags[..], &[&token]].concat(), "");
    assert_eq!(verified.json()["error"]["reason"], "expired");
    assert_eq!(run(&[&flags[..], &["--leeway", "300", &token]].concat(), "").code(), 0);
}

#[test]
fn explain_tells_of_every_check_in_order() {
    let issuer = Issuer::start(&[]);
    let token = issuer.token(&["--scope", "a"]);
    let flags =
        ["explain", "--issuer", issuer.url(), "--audience", "https://x.example", "--output", "json", &token];
    let explained = run(&flags, "");
    assert_eq!(explained.code(), 1);
    let explained = explained.json();
    let checks = explained["checks"].as_array().expect("an array");
    let outcomes: Vec<_> = checks
        .iter()
        .map(|check| (check["check"].as_str().expect("a name"), check["outcome"].as_str().expect("one")))
        .collect();
    let failed = outcomes.iter().position(|(_, outcome)| *outcome == "failed").expect("one failed");
    assert_eq!(outcomes[failed].0, "aud");
    assert!(outcomes[..failed].iter().all(|(_, outcome)| *outcome == "passed"), "{outcomes:?}");
    assert!(outcomes[failed + 1..].iter().all(|(_, outcome)| *outcome == "not reached"), "{outcomes:?}");
    assert_eq!(checks[failed]["found"], json!(format!("\"{AUDIENCE}\"")));
    assert_eq!(checks[failed]["expected"], "https://x.example");
    assert_eq!((&checks[failed + 1]["found"], &checks[failed + 1]["expected"]), (&Value::Null, &Value::Null));
    assert_eq!(outcomes.len(), 21);

    let flags = ["explain", "--issuer", issuer.url(), "--audience", AUDIENCE, "--output", "json", &token];
    let explained = run(&flags, "");
    assert_eq!(explained.code(), 0);
    let explained = explained.json();
    assert_eq!(
        (&explained["ok"], &explained["error"], &explained["hint"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
}

#[test]
fn an_issuer_out_of_reach_is_no_refusal() {
    let issuer = Issuer::start(&[]);
    let token = issuer.token(&[]);
    let url = issuer.url().to_owned();
    drop(issuer);
    for command in ["verify", "explain"] {
        let judged =
            run(&[command, "--issuer", &url, "--audience", AUDIENCE, "--output", "json", &token], "");
        assert_eq!(judged.code(), 2, "{judged:?}");
        assert_eq!(judged.json()["error"]["code"], "auth.issuer_unavailable");
        let told = format!("error: the keys of {url} could not be fetched: no connection: ");
        assert!(judged.stderr().starts_with(&told), "{}", judged.stderr());
        assert!(judged.stderr().contains("\nhint: "), "{}", judged.stderr());
    }
}

#[test]
fn a_token_cannot_drive_the_terminal() {
    let issuer = Issuer::start(&[]);
    let token =
        issuer.token(&["--sub", "\u{1b}]0;owned\u{7}", "--client-id", "a\nallowed: the token is valid"]);
    for command in ["verify", "explain"] {
        let judged = run(&[command, "--issuer", issuer.url(), "--audience", AUDIENCE, &token], "");
        assert_eq!(judged.code(), 0, "{judged:?}");
        assert!(!judged.stdout().contains(['\u{1b}', '\u{7}']), "{}", judged.stdout());
        assert!(!judged.stdout().lines().any(|line| line.starts_with("allowed: the token is valid\n")));
    }
}

#[test]
fn nothing_is_logged_that_was_not_asked_for() {
    let issuer = Issuer::start(&[]);
    let token = issuer.token(&["--defect", "signature_mismatch"]);
    let flags = ["verify", "--issuer", issuer.url(), "--audience", AUDIENCE, "--output", "json", &token];
    let quiet = run(&flags, "");
    assert_eq!(quiet.stderr(), "");
    let verbose = run(&[&flags[..], &["-vv"]].concat(), "");
    let explained = run(&[&["explain"], &flags[1..]].concat(), "").json();
    let name = explained["token_hash"].as_str().expect("what the log calls the token");
    assert!(verbose.stderr().contains(&format!("token=\"{name}\"")), "{name}: {}", verbose.stderr());
    assert!(verbose.stderr().contains("signature_mismatch"), "{}", verbose.stderr());
    assert!(!verbose.stderr().contains(&token), "a token is never logged");
}

#[test]
fn a_token_comes_as_json_too() {
    let issuer = Issuer::start(&[]);
    let minted = run(&["token", "--issuer", issuer.url(), "--output", "json"], "");
    assert_eq!(minted.json()["token_type"], "Bearer");
    assert_eq!(minted.json()["access_token"].as_str().map(|token| token.split('.').count()), Some(3));
    let listed = run(&["token", "--defect", "list", "--output", "json"], "");
    assert_eq!(listed.json().as_array().map(Vec::len), Some(Defect::ALL.len()));
}

/// With keys in a file, and with a guard that fetches them.
#[test]
fn explain_tells_of_every_check_of_a_proof() {
    let issuer = Issuer::start(&[]);
    let key_file = std::env::temp_dir().join(format!("requires-auth-explain-{}.jwk", std::process::id()));
    let key = key_file.to_str().expect("UTF-8");
    let token = issuer.token(&["--dpop", key, "--new-key"]);
    let url = "https://api.example.com/orders?page=2";
    let proof = run(&["proof", "--key", key, "GET", url, "--token", "-"], format!("{token}\n"));
    let proof = proof.stdout().trim_end().to_owned();
    let explain = |more: &[&str]| {
        let flags = ["explain", "--issuer", issuer.url(), "--audience", AUDIENCE, "--output", "json"];
        run(&[&flags[..], more, &["-"]].concat(), format!("{token}\n"))
    };
    for _ in 0..2 {
        let allowed = explain(&["--proof", &proof, "--url", url]);
        assert_eq!(allowed.code(), 0, "nothing is recorded: {allowed:?}");
    }
    let checks = explain(&["--proof", &proof, "--url", url]).json();
    let steps = checks["checks"].as_array().expect("checks").iter();
    let proven = steps.filter(|check| check["check"].as_str().is_some_and(|step| step.starts_with("dpop")));
    assert_eq!(proven.count(), 11, "without a nonce");
    for (more, reason) in [
        (&["--proof", &proof, "--url", "https://api.example.com/stock"][..], "proof_url"),
        (&["--proof", &proof, "--url", url, "--method", "POST"], "proof_method"),
        (&["--proof", "a.b", "--url", url], "proof_malformed"),
        (&[], "binding_mismatch"),
    ] {
        let refused = explain(more);
        assert_eq!((refused.code(), &refused.json()["error"]["reason"]), (1, &json!(reason)), "{refused:?}");
        let hint = refused.json()["hint"].as_str().unwrap_or_default().to_owned();
        assert_eq!(
            hint.contains("by --proof, and the request by --method and --url"),
            more.is_empty(),
            "{hint}"
        );
    }
    let verify = |more: &[&str]| {
        let flags = ["verify", "--issuer", issuer.url(), "--audience", AUDIENCE];
        run(&[&flags[..], more, &["-"]].concat(), format!("{token}\n"))
    };
    assert_eq!(verify(&["--proof", &proof, "--url", url]).code(), 0);
    assert_eq!(verify(&["--proof", &proof, "--url", "https://api.example.com/stock"]).code(), 1);
    assert!(verify(&[]).stdout().contains("by --proof, and the request by --method and --url"));
    assert_eq!(explain(&["--proof", &proof]).code(), 2, "a proof is for a URL");
    assert_eq!(explain(&["--proof", &proof, "--url", "orders"]).code(), 2);
    std::fs::remove_file(key_file).expect("the file of the key");
}

#[test]
fn a_token_is_taken_as_it_stands_in_a_header() {
    let issuer = Issuer::start(&[]);
    let token = issuer.token(&[]);
    let flags = ["--issuer", issuer.url(), "--audience", AUDIENCE];
    for command in ["verify", "explain"] {
        for before in ["Bearer", "Authorization: Bearer", "authorization:bearer"] {
            let copied = format!("{before} {token}");
            for (argument, stdin) in [(&*copied, ""), ("-", &*copied)] {
                let judged = run(&[&[command], &flags[..], &[argument]].concat(), stdin);
                assert_eq!(judged.code(), 0, "{before}: {judged:?}");
                let note = format!("note: `{before}` is not part of the token, and is left out");
                assert!(judged.stderr().contains(&note), "{judged:?}");
            }
        }
        let other = run(&[&[command], &flags[..], &[&format!("Basic {token}")]].concat(), "");
        assert_eq!(other.code(), 1, "{other:?}");
    }
}

#[test]
fn no_token_is_a_mistake_that_is_named() {
    let flags = ["--issuer", "https://issuer.example", "--audience", AUDIENCE];
    for command in ["verify", "explain"] {
        for (argument, stdin, place) in [
            ("-", "", "stdin"),
            ("-", "\n", "stdin"),
            ("", "", "the argument"),
            ("Authorization: Bearer ", "", "the argument"),
        ] {
            let judged = run(&[&[command], &flags[..], &[argument]].concat(), stdin);
            assert!(judged.code() == 2 && judged.stdout().is_empty(), "{judged:?}");
            let told = format!("error: there is no token: {place} is empty\n");
            assert!(judged.stderr().starts_with(&told), "{judged:?}");
        }
    }
}

#[test]
fn explain_shows_programs_what_the_token_says() {
    let issuer = Issuer::start(&[]);
    let token = issuer.token(&["--sub", "bob", "--claim", "roles=[\"a\",1]"]);
    let flags = ["explain", "--issuer", issuer.url(), "--audience", AUDIENCE, "--output", "json"];
    let told = run(&[&flags[..], &[&token]].concat(), "").json();
    assert_eq!((&told["header"]["typ"], &told["claims"]["sub"]), (&json!("at+jwt"), &json!("bob")));
    assert_eq!(told["claims"]["roles"], json!(["a", 1]));
    // Whether it is allowed or not, and also where nothing is judged.
    let (head, rest) = token.split_once('.').expect("parts");
    let forged = format!("{head}.{}", rest.replace('.', ".A"));
    let told = run(&[&flags[..], &[&forged]].concat(), "").json();
    assert_eq!((&told["ok"], &told["claims"]["sub"]), (&json!(false), &json!("bob")));
    let shown = run(&["explain", "--output", "json", &token], "");
    assert_eq!((shown.code(), &shown.json()["claims"]["sub"]), (2, &json!("bob")));
    let opaque = run(&[&flags[..], &["q1VlUGmLrWsb8Ce3ig4W9gq7Kp0t"]].concat(), "").json();
    assert_eq!((&opaque["header"], &opaque["claims"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_token_without_a_judge_names_its_own() {
    let issuer = Issuer::start(&[]);
    let token = issuer.token(&[]);
    let shown = run(&["explain", &token], "");
    let flags = format!("--issuer '{}' --audience '{AUDIENCE}': check that they are yours", issuer.url());
    assert!(shown.code() == 2 && shown.stderr().contains(&flags), "{shown:?}");
    let opaque = run(&["explain", "q1VlUGmLrWsb8Ce3ig4W9gq7Kp0t"], "");
    assert!(opaque.code() == 2 && !opaque.stderr().contains("the token itself says"), "{opaque:?}");
}
