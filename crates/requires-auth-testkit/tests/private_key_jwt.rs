//! Clients that authenticate by the signature of a key (RFC 7523): what counts as an assertion, and where.

mod support;

use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use support::{get_json, post};

const NOW: i64 = 1_800_000_000;
const TYPE: (&str, &str) =
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// An issuer that knows the client `api` by its key, and the client `web` by its secret.
async fn start(key: &SigningKey) -> DevelopmentIssuer {
    let builder = DevelopmentIssuer::builder().now(|| NOW).client("web", "secret");
    builder.client_key("api", &key.public_jwk()).start().await.expect("loopback has a free port")
}

/// A good assertion of the client `api`.
fn assertion(issuer: &DevelopmentIssuer, key: &SigningKey) -> TokenBuilder {
    let forge = Forge::new("api", issuer.issuer(), key.clone());
    forge.token().subject("api").issued_at(NOW).lifetime(60).header("typ", "JWT")
}

async fn ask(issuer: &DevelopmentIssuer, assertion: &str) -> Response {
    post(issuer.token_endpoint(), None, &[GRANT, TYPE, ("client_assertion", assertion)]).await
}

#[tokio::test]
async fn an_assertion_of_the_registered_key_counts_once_at_each_endpoint() {
    for algorithm in
        [Algorithm::Es256, Algorithm::Es384, Algorithm::Ed25519, Algorithm::Rs256, Algorithm::Ps256]
    {
        let key = SigningKey::generate(algorithm);
        let issuer = start(&key).await;
        let shown = assertion(&issuer, &key).mint();
        let answer = ask(&issuer, &shown).await;
        assert_eq!(answer.status(), StatusCode::OK, "{algorithm}");
        let answer: Value = answer.json().await.expect("JSON");
        let token = answer["access_token"].as_str().expect("a token");

        assert_eq!(ask(&issuer, &shown).await.status(), StatusCode::UNAUTHORIZED, "{algorithm}");
        for (url, own) in [
            (issuer.introspection_endpoint(), json!([issuer.introspection_endpoint()])),
            (issuer.revocation_endpoint(), json!(issuer.token_endpoint())),
        ] {
            let shown = assertion(&issuer, &key).claim("aud", own).mint();
            let form = [TYPE, ("client_assertion", &shown), ("client_id", "api"), ("token", token)];
            let answer = post(url, None, &form).await;
            assert_eq!(answer.status(), StatusCode::OK, "{algorithm} {url}");
            if url == issuer.introspection_endpoint() {
                let answer: Value = answer.json().await.expect("JSON");
                assert_eq!((&answer["active"], &answer["sub"]), (&json!(true), &json!("api")));
            }
            assert_eq!(post(url, None, &form).await.status(), StatusCode::UNAUTHORIZED, "{algorithm} {url}");
        }
    }
}

#[tokio::test]
async fn every_other_assertion_is_refused() {
    let key = SigningKey::generate(Algorithm::Es256);
    let issuer = start(&key).await;
    let good = || assertion(&issuer, &key);
    let stranger = SigningKey::generate(Algorithm::Es256).with_kid(key.kid());
    let of_web = Forge::new("web", issuer.issuer(), key.clone());
    let cases = [
        ("another key", good().key(&stranger)),
        ("another name of the key", good().header("kid", "other")),
        ("another algorithm", good().header("alg", "ES384")),
        ("no signature", good().header("alg", "none")),
        ("an access token", good().header("typ", "at+jwt")),
        ("a type that is not a text", good().header("typ", json!(1))),
        ("a critical extension", good().header("crit", json!(["b64"]))),
        ("another audience", good().claim("aud", "https://other.example")),
        ("two audiences", good().claim("aud", json!([issuer.issuer(), "https://other.example"]))),
        ("no audience", good().claim("aud", json!([]))),
        ("an audience that is not a text", good().claim("aud", json!(null))),
        ("another issuer", good().claim("iss", "web")),
        ("another subject", good().subject("web")),
        ("an empty subject", good().claim("iss", "").subject("")),
        (
            "a client with a secret",
            of_web.token().subject("web").issued_at(NOW).lifetime(60).header("typ", "JWT"),
        ),
        ("expired", good().lifetime(0)),
        ("far ahead", good().lifetime(3601)),
        ("an end that is not a number", good().claim("exp", "soon")),
        ("of the future", good().claim("nbf", NOW + 31)),
        ("made in the future", good().claim("iat", NOW + 31)),
        ("no jti", good().claim("jti", "")),
        ("a jti that is not a text", good().claim("jti", 1)),
    ];
    for (what, assertion) in cases {
        let answer = ask(&issuer, &assertion.mint()).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!(answer["error"], "invalid_client", "{what}");
    }
    for text in ["", "a", "a.b", "a.b.c", "e30.e30.", "e30.W10.", "..", &"e30.".repeat(10_000)] {
        let status = ask(&issuer, text).await.status();
        assert!(status == StatusCode::UNAUTHORIZED || text.is_empty(), "{text}");
    }
    assert_eq!(ask(&issuer, &good().mint()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_request_authenticates_in_one_way() {
    let key = SigningKey::generate(Algorithm::Es256);
    let issuer = start(&key).await;
    let shown = || assertion(&issuer, &key).mint();
    let url = issuer.token_endpoint();
    let with = async |credentials, more: &[(&str, &str)]| {
        let shown = shown();
        let form = [&[GRANT, ("client_assertion", shown.as_str())], more].concat();
        let answer = post(url, credentials, &form).await;
        let status = answer.status().as_u16();
        (status, answer.json::<Value>().await.expect("JSON")["error"].clone())
    };
    let refused = (400, json!("invalid_request"));
    assert_eq!(with(Some(("web", "secret")), &[TYPE]).await, refused);
    assert_eq!(with(None, &[TYPE, ("client_secret", "secret")]).await, refused);
    assert_eq!(with(None, &[TYPE, ("client_id", "web")]).await, refused);
    assert_eq!(with(None, &[]).await, refused);
    assert_eq!(
        with(None, &[(TYPE.0, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")]).await,
        refused
    );
    assert_eq!(with(None, &[TYPE, ("client_id", "api")]).await, (200, Value::Null));
    assert_eq!(post(url, None, &[GRANT, TYPE]).await.status(), StatusCode::BAD_REQUEST);
    // The client has a key, so that no secret stands for it.
    assert_eq!(post(url, Some(("api", "")), &[GRANT]).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(post(url, None, &[GRANT, ("client_id", "api")]).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_metadata_say_so_and_a_private_key_is_not_taken_for_a_public_one() {
    let key = SigningKey::generate(Algorithm::Es256);
    let issuer = start(&key).await;
    for url in [issuer.discovery_url(), issuer.oauth_metadata_url()] {
        let document = get_json(url).await;
        for endpoint in ["token", "introspection", "revocation"] {
            let list = |what: &str| document[format!("{endpoint}_endpoint_auth_{what}_supported")].clone();
            assert!(
                list("methods").as_array().expect("a list").contains(&json!("private_key_jwt")),
                "{endpoint}"
            );
            assert!(
                list("signing_alg_values").as_array().expect("a list").contains(&json!("ES256")),
                "{endpoint}"
            );
        }
    }
    let mut jwk = key.public_jwk();
    jwk["d"] = json!("AA");
    let error =
        DevelopmentIssuer::builder().client_key("api", &jwk).start().await.expect_err("a private key");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
