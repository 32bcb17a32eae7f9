//! The header with the certificate of a client: who else could be taken for it, and that it goes no further.

use http_body_util::BodyExt as _;
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::Value;

use super::vectors::LOOPBACK;
use super::*;
use crate::gateway::config::Config;

const TEXT: &str = r#"
client_certificates = true
[forward_auth]
dialects = ["nginx"]
client_certificate = { header = "X-SSL-Client-Cert", format = "escaped-pem" }
[issuers.main]
issuer = "https://issuer.example"
audience = "https://api.example.com"
[[routes]]
match = "* /*"
"#;

fn gateway(text: &str, key: &SigningKey) -> Gateway {
    let config = Config::parse(text, "gateway.toml").expect("a configuration");
    let keys = jwk_set([key]).to_string();
    let auth = config.build_with(|builder| builder.with_jwks(keys.clone())).expect("a guard");
    Gateway::new(&config, auth).expect("a gateway")
}

#[tokio::test]
async fn a_header_that_an_application_could_take_for_it_is_refused() {
    let key = SigningKey::generate(Algorithm::Es256);
    let token = Forge::new("https://issuer.example", "https://api.example.com", key.clone()).token().mint();
    let passing = TEXT.replace("dialects", "aliases = \"pass\"\ndialects");
    for (text, name, expected) in [
        (TEXT, "x-other", 200),
        (TEXT, "x_ssl_client_cert", 400),
        (TEXT, "x-ssl_client-cert", 400),
        (&*passing, "x_ssl_client_cert", 200),
    ] {
        let request = Request::builder()
            .uri("/forward-auth/nginx")
            .header("x-original-method", "GET")
            .header("x-original-uri", "/orders")
            .header("authorization", format!("Bearer {token}"))
            .header(name, "a");
        let request = request.body(()).expect("a request");
        let (parts, body) = answer(&gateway(text, &key), &request, LOOPBACK).await.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(parts.status, expected, "{name}: {told}");
    }
}

#[test]
fn it_is_taken_away_with_all_that_looks_like_it() {
    let gateway = gateway(TEXT, &SigningKey::generate(Algorithm::Es256));
    let mut headers = HeaderMap::new();
    for name in ["x-ssl-client-cert", "x_ssl_client_cert", "x-ssl-client-certs", "accept"] {
        headers.insert(http::HeaderName::from_static(name), http::HeaderValue::from_static("a"));
    }
    let mut removed: Vec<_> = gateway.take(&headers).removed.iter().map(ToString::to_string).collect();
    removed.sort_unstable();
    assert_eq!(removed, ["x-ssl-client-cert", "x_ssl_client_cert"]);
}
