//! Proofs of possession at the development issuer (RFC 9449 §5 to §8 and §10), good and bad.

mod support;

use std::sync::atomic::Ordering;

use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, ProofBuilder, ProofDefect, SigningKey};
use reqwest::Response;
use serde_json::{Value, json};
use support::server::{CALLBACK, NOW, Server, VERIFIER, answer_of, text};
use support::{client, get, header, part, post};

const KEY: Algorithm = Algorithm::Es256;

/// A proof for the token endpoint, made at the time of the issuer.
fn proof(server: &Server, key: &SigningKey) -> ProofBuilder {
    ProofBuilder::new(key, "POST", server.endpoint("token")).issued_at(NOW)
}

/// Sends a token request with these lines of the header `DPoP`.
async fn ask(server: &Server, form: &[(&str, &str)], lines: &[String]) -> (Response, bool) {
    let mut request = client().post(server.endpoint("token")).form(form);
    if !form.iter().any(|(name, _)| *name == "client_id") {
        request = request.basic_auth("backend", Some("any"));
    }
    let request = lines.iter().fold(request, |request, line| request.header("DPoP", line));
    let answer = request.send().await.expect("an answer");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let is_good = answer.status() == 200;
    (answer, is_good)
}

async fn machine(server: &Server, lines: &[String]) -> (u16, Value) {
    let (answer, _) = ask(server, &[("grant_type", "client_credentials")], lines).await;
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn introspected(server: &Server, token: &str) -> Value {
    let answer = post(server.endpoint("introspection"), Some(("api", "any")), &[("token", token)]).await;
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_of_the_proof() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let algorithms = server.metadata["dpop_signing_alg_values_supported"].as_array().expect("a list");
    for algorithm in [KEY, Algorithm::Es384, Algorithm::Ed25519, Algorithm::Rs256, Algorithm::Ps256] {
        assert!(algorithms.contains(&json!(algorithm.name())), "{algorithm}");
        let key = SigningKey::fixed(algorithm);
        let (status, answer) = machine(&server, &proof(&server, key).lines()).await;
        assert_eq!((status, &answer["token_type"]), (200, &json!("DPoP")), "{algorithm}: {answer}");
        let token = text(&answer["access_token"]);
        let bound = json!({ "jkt": key.thumbprint() });
        assert_eq!(part(token, 1)["cnf"], bound, "{algorithm}");
        let known = introspected(&server, token).await;
        assert_eq!((&known["cnf"], &known["token_type"]), (&bound, &json!("DPoP")));
    }
    let (_, answer) = machine(&server, &[]).await;
    assert_eq!(
        (&answer["token_type"], part(text(&answer["access_token"]), 1).get("cnf")),
        (&json!("Bearer"), None)
    );
    let token = server.issuer.bound_token("a", "bob", SigningKey::fixed(KEY));
    assert_eq!(
        introspected(&server, &token).await["cnf"],
        json!({ "jkt": SigningKey::fixed(KEY).thumbprint() })
    );
}

#[tokio::test]
async fn every_defect_of_a_proof_is_refused() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let key = SigningKey::fixed(KEY);
    for defect in ProofDefect::ALL {
        let lines = proof(&server, key).defect(defect).lines();
        // A token request may come without a proof, with any key, and without a token to hash.
        let is_good = [ProofDefect::AnotherKey, ProofDefect::Missing, ProofDefect::Token].contains(&defect);
        for time in 1..=defect.times() {
            let (status, answer) = machine(&server, &lines).await;
            if is_good || time < defect.times() {
                assert_eq!(status, 200, "{defect}: {answer}");
            } else {
                assert_eq!(
                    (status, &answer["error"]),
                    (400, &json!("invalid_dpop_proof")),
                    "{defect}: {answer}"
                );
            }
        }
    }
    for spoiled in [
        proof(&server, key).claim("jti", ""),
        proof(&server, key).claim("jti", "x".repeat(257)),
        proof(&server, key).claim("jti", 1),
        proof(&server, key).issued_at(NOW - 61),
        proof(&server, key).issued_at(NOW + 31),
        proof(&server, key).header("alg", "ES384"),
        proof(&server, key).header("crit", json!(["b64"])),
        proof(&server, key).without_header("jwk"),
        proof(&server, key).raw_claims("[]"),
        proof(&server, key).claim("pad", "x".repeat(8192)),
        proof(&server, key).signed_by(SigningKey::second(KEY)),
    ] {
        let (status, answer) = machine(&server, &spoiled.lines()).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_dpop_proof")), "{answer}");
    }
    for good in [proof(&server, key).issued_at(NOW - 60), proof(&server, key).issued_at(NOW + 30)] {
        assert_eq!(machine(&server, &good.lines()).await.0, 200);
    }
}

#[tokio::test]
async fn a_proof_counts_once_for_as_long_as_its_time_counts() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let lines = |key| proof(&server, SigningKey::fixed(key)).issued_at(NOW + 30).claim("jti", "one").lines();
    assert_eq!(machine(&server, &lines(KEY)).await.0, 200);
    // The same name is another one with another key.
    assert_eq!(machine(&server, &lines(Algorithm::Ed25519)).await.0, 200);
    server.clock.store(NOW + 90, Ordering::Relaxed);
    assert_eq!(machine(&server, &lines(KEY)).await.0, 400);
}

#[tokio::test]
async fn a_nonce_is_asked_for_and_counts_for_two_steps() {
    let server = Server::start(DevelopmentIssuer::builder().dpop_nonce(true)).await;
    let key = SigningKey::fixed(KEY);
    let form = [("grant_type", "client_credentials")];
    let ask = async |nonce: Option<&str>, now: i64| {
        server.clock.store(now, Ordering::Relaxed);
        let proof = proof(&server, key).issued_at(now);
        let proof = nonce.map_or_else(|| proof.clone(), |nonce| proof.clone().nonce(nonce));
        let (answer, is_good) = ask(&server, &form, &proof.lines()).await;
        let nonce = header(&answer, "dpop-nonce").to_owned();
        (is_good, nonce, answer.json::<Value>().await.expect("JSON"))
    };
    let (is_good, first, answer) = ask(None, NOW).await;
    assert_eq!((is_good, &answer["error"]), (false, &json!("use_dpop_nonce")));
    assert_eq!(first.len(), 43);
    assert!(!ask(Some("another"), NOW).await.0);
    let (is_good, same, _) = ask(Some(&first), NOW + 59).await;
    assert!(is_good && same == first);
    // NOW is the start of a minute.
    let (is_good, second, _) = ask(Some(&first), NOW + 119).await;
    assert!(is_good && second != first);
    let (is_good, _, answer) = ask(Some(&first), NOW + 120).await;
    assert_eq!((is_good, &answer["error"]), (false, &json!("use_dpop_nonce")));
    // Without a proof there is no nonce to demand, and no key to bind to.
    let (answer, is_good) = self::ask(&server, &form, &[]).await;
    assert!(is_good && !header(&answer, "dpop-nonce").is_empty());
}

#[tokio::test]
async fn a_missing_nonce_does_not_use_up_a_code_and_refresh_tokens_are_bound() {
    let server = Server::start(DevelopmentIssuer::builder().dpop_nonce(true)).await;
    let (key, thief) = (SigningKey::fixed(KEY), SigningKey::second(KEY));
    let id = server.public_client().await;
    let answer = server.authorize(&id, &[("dpop_jkt", key.thumbprint())]).await;
    let code = answer_of(&answer)["code"].clone();
    let redeem = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", CALLBACK),
    ];
    let (refused, _) = ask(&server, &redeem, &proof(&server, key).lines()).await;
    let nonce = header(&refused, "dpop-nonce").to_owned();
    let lines = |key| proof(&server, key).nonce(&nonce).lines();
    let (answer, is_good) = ask(&server, &redeem, &lines(key)).await;
    assert!(is_good);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(part(text(&answer["access_token"]), 1)["cnf"]["jkt"], key.thumbprint());

    let token = text(&answer["refresh_token"]);
    let refresh = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", token)];
    for lines in [Vec::new(), lines(thief)] {
        let (answer, _) = ask(&server, &refresh, &lines).await;
        assert_eq!(answer.json::<Value>().await.expect("JSON")["error"], "invalid_grant");
    }
    let (answer, is_good) = ask(&server, &refresh, &lines(key)).await;
    let answer: Value = answer.json().await.expect("JSON");
    assert!(is_good, "{answer}");
    assert_eq!(part(text(&answer["access_token"]), 1)["cnf"]["jkt"], key.thumbprint());
}

#[tokio::test]
async fn a_code_of_dpop_jkt_is_for_that_key_alone() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let id = server.public_client().await;
    let code = answer_of(&server.authorize(&id, &[("dpop_jkt", SigningKey::fixed(KEY).thumbprint())]).await);
    let (status, answer) = server.redeem(&id, &code["code"]).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_grant")));
    let answer = answer_of(&server.authorize(&id, &[("dpop_jkt", "short")]).await);
    assert_eq!(answer["error"], "invalid_request");
}

#[tokio::test]
async fn a_client_that_registers_for_bound_tokens_gets_no_others() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let metadata = json!({ "grant_types": ["client_credentials"], "dpop_bound_access_tokens": true });
    let registered: Value = server.register(metadata).await.json().await.expect("JSON");
    assert_eq!(registered["dpop_bound_access_tokens"], true);
    let ask = async |lines: Vec<String>| {
        let (id, secret) = (text(&registered["client_id"]), text(&registered["client_secret"]));
        let request = client().post(server.endpoint("token")).form(&[("grant_type", "client_credentials")]);
        let request = lines
            .iter()
            .fold(request.basic_auth(id, Some(secret)), |request, line| request.header("DPoP", line));
        let answer = request.send().await.expect("an answer");
        answer.json::<Value>().await.expect("JSON")
    };
    assert_eq!(ask(Vec::new()).await["error"], "invalid_dpop_proof");
    assert_eq!(ask(proof(&server, SigningKey::fixed(KEY)).lines()).await["token_type"], "DPoP");
}

#[tokio::test]
async fn a_line_of_the_developer_binds_to_a_key_and_a_certificate() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let url = |query: &str| format!("{}?{query}", server.issuer.token_endpoint());
    let thumbprint = SigningKey::fixed(KEY).thumbprint();
    let token = get(&url(&format!("jkt={thumbprint}&x5t={thumbprint}"))).await.text().await.expect("a token");
    assert_eq!(part(&token, 1)["cnf"], json!({ "jkt": thumbprint, "x5t#S256": thumbprint }));
    assert_eq!(introspected(&server, &token).await["token_type"], "DPoP");
    let token = get(&url(&format!("x5t={thumbprint}"))).await.text().await.expect("a token");
    let known = introspected(&server, &token).await;
    assert_eq!((&known["token_type"], &known["cnf"]["x5t#S256"]), (&json!("Bearer"), &json!(thumbprint)));
    for bad in ["jkt=x", "x5t=x", "jkt=a&jkt=b"] {
        let answer = get(&url(bad)).await;
        assert_eq!(answer.status(), 400, "{bad}");
    }
}

#[tokio::test]
async fn pages_may_send_proofs_and_read_nonces() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let answer =
        client().request(reqwest::Method::OPTIONS, server.endpoint("token")).send().await.expect("an answer");
    assert!(header(&answer, "access-control-allow-headers").split(", ").any(|name| name == "DPoP"));
    assert!(header(&answer, "access-control-expose-headers").split(", ").any(|name| name == "DPoP-Nonce"));
}
