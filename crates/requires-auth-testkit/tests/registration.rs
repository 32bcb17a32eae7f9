//! Clients that register themselves (RFC 7591): what they may say, and how they authenticate afterwards.

mod support;

use requires_auth_testkit::issuer::DevelopmentIssuer;
use requires_auth_testkit::{Algorithm, Forge, SigningKey};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use support::server::{NOW, Server, VERIFIER, text};
use support::{header, post};

#[tokio::test]
async fn a_registered_client_authenticates_as_it_is_registered() {
    let server = Server::start(DevelopmentIssuer::builder().client("api", "any")).await;
    let key = SigningKey::generate(Algorithm::Es256);
    let callback = "https://app.example/callback";
    for method in ["client_secret_basic", "client_secret_post", "private_key_jwt"] {
        let metadata = json!({
            "redirect_uris": [callback],
            "token_endpoint_auth_method": method,
            "grant_types": ["authorization_code", "client_credentials", "urn:of:another"],
            "jwks": { "keys": [key.public_jwk()] },
        });
        let answer = server.register(metadata).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let answer: Value = answer.json().await.expect("JSON");
        let (id, secret) = (text(&answer["client_id"]), answer["client_secret"].as_str().unwrap_or_default());
        assert_eq!(secret.is_empty(), method == "private_key_jwt");
        assert_eq!(answer["grant_types"], json!(["authorization_code", "client_credentials"]));

        let redirected = server.authorize(id, &[("redirect_uri", callback)]).await;
        let location = Url::parse(header(&redirected, "location")).expect("a URL");
        let code = location.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let grant =
            [("grant_type", "authorization_code"), ("code", code.as_str()), ("code_verifier", VERIFIER)];
        let forge = Forge::new(id, server.issuer.issuer(), key.clone());
        let assertion = forge.token().subject(id).issued_at(NOW).lifetime(60).header("typ", "JWT").mint();
        let post_of = |secret| [("client_id", id), ("client_secret", secret)];
        let by_key = [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        let url = server.endpoint("token");
        for (credentials, form, is_good) in [
            (None, [("client_id", id), ("a", "")], false),
            (Some((id, "wrong")), [("a", ""), ("b", "")], false),
            (Some((id, secret)), [("a", ""), ("b", "")], method == "client_secret_basic"),
            (None, post_of("wrong"), false),
            (None, post_of(secret), method == "client_secret_post"),
            (None, by_key, method == "private_key_jwt"),
        ] {
            let answer = post(url, credentials, &[&grant[..], &form].concat()).await;
            let expected = if is_good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
            assert_eq!(answer.status(), expected, "{method} {credentials:?} {form:?}");
            if is_good {
                // The client has not registered for refresh tokens.
                assert_eq!(answer.json::<Value>().await.expect("JSON").get("refresh_token"), None);
            }
        }
    }
}

#[tokio::test]
async fn a_registration_that_cannot_be_is_refused() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let uris = json!(["https://app.example/callback"]);
    let with = |name: &str, value: Value| {
        let mut metadata = json!({ "redirect_uris": uris });
        metadata[name] = value;
        metadata
    };
    let private = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" }] });
    let mut with_private_key = with("jwks", private);
    with_private_key["token_endpoint_auth_method"] = json!("private_key_jwt");
    let mut machine = with("grant_types", json!(["client_credentials"]));
    machine["token_endpoint_auth_method"] = json!("none");
    for (metadata, error) in [
        (json!([]), "invalid_client_metadata"),
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": "https://app.example" }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [1] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://app.example"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://app.example/#x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": vec!["https://app.example"; 21] }), "invalid_redirect_uri"),
        (with("token_endpoint_auth_method", json!("tls_client_auth")), "invalid_client_metadata"),
        (with("token_endpoint_auth_method", json!(1)), "invalid_client_metadata"),
        (with("token_endpoint_auth_method", json!("private_key_jwt")), "invalid_client_metadata"),
        (with_private_key, "invalid_client_metadata"),
        (with("grant_types", json!(["implicit"])), "invalid_client_metadata"),
        (with("grant_types", json!("authorization_code")), "invalid_client_metadata"),
        (with("response_types", json!(["token"])), "invalid_client_metadata"),
        (with("application_type", json!("mobile")), "invalid_client_metadata"),
        (machine, "invalid_client_metadata"),
    ] {
        let answer = server.register(metadata.clone()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{metadata}");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["error"], error, "{metadata}");
    }
    let form = post(server.endpoint("registration"), None, &[("redirect_uris", "https://app.example")]).await;
    assert_eq!(form.status(), StatusCode::BAD_REQUEST);
    let answer = server.register(with("software_version", json!({ "what": "ever" }))).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(
        answer.json::<Value>().await.expect("JSON")["token_endpoint_auth_method"],
        "client_secret_basic"
    );

    let error = DevelopmentIssuer::builder().redirect_uri("a", "http://app.example").start().await;
    assert_eq!(error.expect_err("not loopback").kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_port_of_an_application_on_the_web_is_not_free() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    for (kind, expected) in [("native", 302), ("web", 400)] {
        let metadata = json!({
            "redirect_uris": ["http://127.0.0.1:3000/callback?app=1"],
            "token_endpoint_auth_method": "none",
            "application_type": kind,
        });
        let answer: Value = server.register(metadata).await.json().await.expect("JSON");
        let id = text(&answer["client_id"]);
        assert_eq!(server.authorize(id, &[]).await.status(), expected, "{kind}");
        let exact = [("redirect_uri", "http://127.0.0.1:3000/callback?app=1")];
        assert_eq!(server.authorize(id, &exact).await.status(), 302, "{kind}");
    }
}
