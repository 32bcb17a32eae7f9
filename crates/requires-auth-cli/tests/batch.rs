//! `verify --batch`: every vector gets its verdict, and every line its answer.

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use requires_auth_testkit::vectors::{TokenCase, Verdict, token_cases};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};

use self::support::{Run, Server, run};

fn batch(lines: &[Value]) -> Run {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    run(&["verify", "--batch", "-"], lines.join("\n"))
}

fn expected(case: &TokenCase) -> Value {
    match &case.expect {
        Verdict::Accept { claims } => json!({ "id": case.id, "ok": true, "error": null, "claims": claims }),
        Verdict::Refuse(refusal) => json!({ "id": case.id, "ok": false, "error": {
            "code": refusal.code, "status": refusal.status, "reason": refusal.reason, "challenge": refusal.challenge,
        } }),
        _ => panic!("an unknown verdict"),
    }
}

#[test]
fn every_vector_gets_its_verdict() {
    let (cases, not_asked): (Vec<_>, Vec<_>) =
        token_cases().into_iter().partition(|case| case.config.is_for_batch());
    println!("{} vectors have settings or claim rules, which no line can carry", not_asked.len());
    let lines: Vec<_> = cases.iter().map(TokenCase::batch_line).collect();
    let answers = batch(&lines);
    assert_eq!(answers.code(), 1, "some vectors are refused");
    let answers = answers.json_lines();
    assert_eq!(answers.len(), cases.len());
    let wrong: Vec<_> =
        cases.iter().zip(&answers).filter(|(case, answer)| expected(case) != **answer).collect();
    for (case, answer) in &wrong {
        eprintln!(
            "{} ({}): {}\n  expected {}\n  answered {answer}",
            case.id,
            case.row,
            case.about,
            expected(case)
        );
    }
    assert!(wrong.is_empty(), "{} of {} vectors are answered wrong", wrong.len(), cases.len());
}

struct Fixture {
    jwks: Value,
    token: String,
}

impl Fixture {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Es256);
        let jwks = jwk_set([&key]);
        let forge = Forge::new("https://issuer.example", "https://api.example", key);
        Self { jwks, token: forge.token().scope("a b").issued_at(1_000_000).mint() }
    }

    /// A line that is answered with ok.
    fn line(&self) -> Value {
        json!({
            "id": 1, "token": self.token, "jwks": self.jwks, "issuer": "https://issuer.example",
            "audience": "https://api.example", "now": 1_000_000.5,
        })
    }

    /// The line with other members; `null` takes one out.
    fn with(&self, members: &Value) -> Value {
        let mut line = self.line();
        for (name, value) in members.as_object().expect("members") {
            line[name] = value.clone();
        }
        line
    }
}

/// The code and the reason of each answer; the code is `ok` where it is.
fn outcomes(run: &Run) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let lines = run.json_lines();
    let outcome = |answer: &Value| match answer["ok"].as_bool() {
        Some(true) => ("ok".to_owned(), None),
        _ => (text(&answer["error"]["code"]).expect("a code"), text(&answer["error"]["reason"])),
    };
    lines.iter().map(outcome).collect()
}

#[test]
fn members_of_a_line_decide() {
    let fixture = Fixture::new();
    let invalid = |reason: &str| ("invalid_token".to_owned(), Some(reason.to_owned()));
    let code = |code: &str| (code.to_owned(), None);
    let cases = [
        (json!({}), code("ok")),
        (json!({ "issuer": null }), code("ok")),
        (json!({ "audience": ["https://x.example", "https://api.example"] }), code("ok")),
        (json!({ "audience": null }), invalid("audience_mismatch")),
        (json!({ "issuer": "https://issuer.example/" }), invalid("issuer_mismatch")),
        (json!({ "scope": "a b" }), code("ok")),
        (json!({ "scope": ["a", "b"] }), code("ok")),
        (json!({ "scope": ["a", "c"] }), code("insufficient_scope")),
        (json!({ "alg": ["HS256", "ES256"] }), code("ok")),
        (json!({ "alg": ["HS256", "none"] }), invalid("algorithm_not_allowed")),
        (json!({ "alg": [] }), invalid("algorithm_not_allowed")),
        (json!({ "now": 1_003_629.9 }), code("ok")),
        (json!({ "now": 1_003_630 }), invalid("expired")),
        (json!({ "now": 1_003_630, "leeway": 31 }), code("ok")),
        (json!({ "now": 1_003_600, "leeway": 0 }), invalid("expired")),
        (json!({ "profile": "at+jwt" }), code("ok")),
        (json!({ "jwks": { "keys": [] } }), invalid("key_unknown")),
        (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] } }), invalid("key_unknown")),
        (json!({ "jwks": {} }), invalid("key_unknown")),
        (json!({ "jwks": [] }), invalid("key_unknown")),
        (json!({ "jwks": {}, "token": "opaque" }), invalid("opaque")),
        (json!({ "jwks": {}, "issuer": "https://x.example" }), invalid("issuer_mismatch")),
        (json!({ "token": "a b" }), code("auth.authorization_token_invalid_format")),
        (json!({ "token": "" }), code("auth.authorization_token_invalid_format")),
        (json!({ "leeway": 301 }), code("invalid_input")),
        (json!({ "now": -1 }), code("invalid_input")),
        (json!({ "scope": "a\"b" }), code("invalid_input")),
        (json!({ "audience": "" }), code("invalid_input")),
        (json!({ "profile": "id" }), code("invalid_input")),
        (json!({ "jwks": null, "issuer": null }), code("invalid_input")),
        (json!({ "jwks": null, "issuer": "no URL" }), code("invalid_input")),
    ];
    let lines: Vec<_> = cases.iter().map(|(members, _)| fixture.with(members)).collect();
    let answers = batch(&lines);
    for ((members, expected), outcome) in cases.iter().zip(outcomes(&answers)) {
        assert_eq!(outcome, *expected, "{members}");
    }
    assert_eq!(answers.code(), 1);
}

#[test]
fn a_good_batch_exits_with_0() {
    let fixture = Fixture::new();
    let answers = batch(&[fixture.line(), fixture.line()]);
    assert_eq!(answers.code(), 0, "{answers:?}");
    assert!(
        answers.stderr().starts_with("2 lines: 2 ok, 0 refused, 0 unreadable, in "),
        "{}",
        answers.stderr()
    );
    assert_eq!(batch(&[]).code(), 0);
}

#[test]
fn no_line_ends_the_run() {
    let good = Fixture::new().line().to_string();
    let long = format!(r#"{{"id":2,"token":"{}"}}"#, "a".repeat(18 << 20));
    let lines = [
        "not JSON",
        r#""a string""#,
        "[]",
        "null",
        r#"{"id":{"a":[1]},"token":5}"#,
        r#"{"id":"x"}"#,
        &long,
        "\u{0}",
        r#"{"id":3,"tokens":"a"}"#,
        r#"{"id":4,"token":"a","id":5}"#,
        &"[".repeat(100_000),
        "",
        "  ",
        &good,
    ];
    let mut text = lines.join("\n").into_bytes();
    text.extend_from_slice(b"\n{\"id\":\"\xFF\",\"token\":\"a\"}");
    let answers = run(&["verify", "--batch", "-"], text);
    assert_eq!(answers.code(), 1);
    let answers = answers.json_lines();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    let null = Value::Null;
    let expected = [
        null.clone(),
        null.clone(),
        null.clone(),
        null.clone(),
        json!({ "a": [1] }),
        json!("x"),
        null.clone(),
        null.clone(),
        json!(3),
        json!(4),
        null.clone(),
        json!(1),
        null,
    ];
    assert_eq!(ids, expected);
    let messages: Vec<_> = answers.iter().map(|answer| answer["error"]["message"].as_str()).collect();
    assert_eq!(messages[0], Some("line 1: not JSON, at column 2"));
    assert_eq!(messages[1], Some("line 2: expected a JSON object"));
    assert_eq!(messages[4], Some("line 5: `token` must be a string"));
    assert_eq!(messages[6], Some("line 7: the line is longer than 17 MiB"));
    assert_eq!(messages[8], Some("line 9: unknown member \"tokens\", did you mean `token`?"));
    assert_eq!((&answers[11]["ok"], messages[11]), (&json!(true), None));
    let error = json!({
        "code": "invalid_input", "status": 400, "reason": null, "challenge": null,
        "message": "line 6: `token` is missing",
    });
    assert_eq!(answers[5], json!({ "id": "x", "ok": false, "error": error }));
}

#[test]
fn answers_come_in_the_order_of_the_lines() {
    let fixture = Fixture::new();
    let lines: Vec<_> =
        (0..2000)
            .map(|id| {
                if id % 3 == 0 {
                    fixture.with(&json!({ "id": id }))
                } else {
                    json!({ "id": id, "token": "x" })
                }
            })
            .collect();
    let answers = batch(&lines).json_lines();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].as_u64().expect("a number")).collect();
    assert_eq!(ids, (0..2000).collect::<Vec<_>>());
}

#[test]
fn flags_hold_where_a_line_says_nothing() {
    let fixture = Fixture::new();
    let line = json!({ "id": 1, "token": fixture.token, "jwks": fixture.jwks }).to_string();
    let flags =
        ["verify", "--batch", "-", "--audience", "https://api.example", "--now", "1000000", "--scope", "a"];
    assert_eq!(run(&flags, line.clone()).code(), 0);
    assert_eq!(run(&[&flags[..], &["--scope", "c"]].concat(), line.clone()).code(), 1);
    assert_eq!(run(&[&flags[..], &["--issuer", "https://other.example"]].concat(), line).code(), 1);
}

#[test]
fn the_answer_to_one_token_is_that_of_a_batch_without_id() {
    let fixture = Fixture::new();
    let keys = std::env::temp_dir().join(format!("requires-auth-{}.json", std::process::id()));
    std::fs::write(&keys, fixture.jwks.to_string()).expect("a file");
    for now in ["1000000", "1004000"] {
        let keys = keys.to_str().expect("UTF-8");
        let flags =
            ["verify", "--jwks", keys, "--audience", "https://api.example", "--now", now, "--output", "json"];
        let one = run(&[&flags[..], &["-"]].concat(), fixture.token.clone());
        let batch =
            run(&[&flags[..], &["--batch", "-"]].concat(), json!({ "token": fixture.token }).to_string());
        assert_eq!(one.code(), batch.code());
        // A person looks at one token, so its answer says what to do, too.
        let (one, hint) = without_hint(one.stdout());
        assert_eq!(hint, one.contains("\"ok\":false"), "{one}");
        assert_eq!(one.replacen('{', "{\"id\":null,", 1), batch.stdout());
    }
    std::fs::remove_file(&keys).expect("the file is there");
}

/// An answer without the hint at its end, and whether it has one.
fn without_hint(answer: &str) -> (String, bool) {
    match answer.split_once(",\"hint\":\"") {
        Some((rest, hint)) => {
            assert!(hint.len() > 5 && hint.ends_with("\"}\n"), "{hint}");
            (format!("{rest}}}\n"), true)
        }
        None => (answer.to_owned(), false),
    }
}

#[test]
fn claims_are_those_of_the_token() {
    let key = SigningKey::generate(Algorithm::Es256);
    // Numbers that a double cannot hold, a line break, an order of its own.
    let claims = "{\"iss\":\"i\",\n\"exp\":2000000000,\"big\":123456789012345678901234567890,\"tiny\":1.10}";
    let token = Forge::new("i", "a", key.clone()).token().raw_claims(claims).mint();
    let answers = batch(&[json!({ "token": token, "jwks": jwk_set([&key]), "now": 1_900_000_000 })]);
    assert_eq!(answers.code(), 0, "{answers:?}");
    let expected =
        format!("{{\"id\":null,\"ok\":true,\"error\":null,\"claims\":{}}}\n", claims.replace('\n', " "));
    assert_eq!(answers.stdout(), expected);
}

#[test]
fn keys_are_fetched_where_a_line_has_none() {
    let issuer = Server::start(&["issuer", "--port", "0"]);
    let minted = run(&["token", "--issuer", issuer.address("issuer"), "--scope", "a"], "");
    let token = minted.stdout().trim_end();
    let line = |members: Value| {
        let mut line = json!({ "token": token, "issuer": issuer.address("issuer"), "audience": "https://api.example.com" });
        line.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
        line
    };
    let answers = batch(&[
        line(json!({})),
        line(json!({ "scope": "a" })),
        line(json!({ "scope": "b" })),
        line(json!({ "alg": ["RS256"] })),
        line(json!({ "alg": [] })),
        line(json!({ "audience": "https://x.example" })),
        line(json!({ "issuer": "http://127.0.0.1:1/oidc" })),
    ]);
    let outcomes = outcomes(&answers);
    let codes: Vec<_> = outcomes.iter().map(|(code, reason)| reason.as_deref().unwrap_or(code)).collect();
    let expected = [
        "ok",
        "ok",
        "insufficient_scope",
        "algorithm_not_allowed",
        "algorithm_not_allowed",
        "audience_mismatch",
        "issuer_mismatch",
    ];
    assert_eq!(codes, expected);
}
