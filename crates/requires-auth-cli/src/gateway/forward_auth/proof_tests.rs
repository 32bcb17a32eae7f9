//! Proofs of possession in a gateway: which routes need one, what a proxy is told, and what uses one up.

use http_body_util::BodyExt as _;
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};

use super::*;
use crate::gateway::config::Config;
use crate::gateway::dialect::{Part, Wanted};
use crate::gateway::emit::emit;
use crate::gateway::self_test::run_tests;

const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example.com";
const URL: &str = "https://api.example.com";

const SECTIONS: &str = r#"
[server]
listen = "127.0.0.1:9180"
public_url = "https://api.example.com"
[forward_auth]
dialects = ["caddy", "envoy", "envoy-grpc", "haproxy", "nginx", "traefik"]
[issuers.main]
issuer = "https://issuer.example"
audience = "https://api.example.com"
[[routes]]
match = "* /payments"
dpop = "required"
scopes = "pay"
[[routes]]
match = "* /shadow"
dpop = "required"
enforce = "shadow"
[[routes]]
match = "* /*"
"#;

struct Stage {
    gateway: Gateway,
    forge: Forge,
    client: SigningKey,
}

impl Stage {
    fn new(dpop: &str) -> Self {
        let config =
            Config::parse(&format!("dpop = {dpop}\n{SECTIONS}"), "gateway.toml").expect("a configuration");
        let key = SigningKey::generate(Algorithm::Es256);
        let keys = jwk_set([&key]).to_string();
        let auth = config.build_with(|builder| builder.with_jwks(keys.clone())).expect("a guard");
        let gateway = Gateway::new(&config, auth).expect("a gateway");
        let client = SigningKey::generate(Algorithm::Es256);
        Self { gateway, forge: Forge::new(ISSUER, AUDIENCE, key), client }
    }

    /// The headers of a request for this path, by a client that holds the key of its token.
    fn proven(&self, path: &str, scope: &str) -> Vec<(&'static str, String)> {
        let token = self.forge.token().bound_to(&self.client).scope(scope).mint();
        let proof = self.forge.proof(&self.client).method("GET").url(format!("{URL}{path}")).token(&token);
        vec![("authorization", format!("DPoP {token}")), ("dpop", proof.mint())]
    }

    fn bearer(&self) -> Vec<(&'static str, String)> {
        vec![("authorization", format!("Bearer {}", self.forge.token().scope("pay").mint()))]
    }

    /// What a proxy is told at this endpoint about a request.
    async fn told(&self, endpoint: &str, path: &str, headers: &[(&str, String)]) -> (u16, HeaderMap, Value) {
        let target = if endpoint == "envoy" { path } else { "" };
        let uri = format!("/forward-auth/{endpoint}{target}");
        let mut request = Request::builder().uri(uri);
        let is_forwarded = ["caddy", "traefik"].contains(&endpoint);
        let family = if is_forwarded { "x-forwarded" } else { "x-original" };
        if endpoint != "envoy" {
            request = request.header(format!("{family}-method"), "GET").header(format!("{family}-uri"), path);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answered = answer(&self.gateway, &request.body(()).expect("a request"), LOOPBACK).await;
        let (parts, body) = answered.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn status(&self, endpoint: &str, path: &str, headers: &[(&str, String)]) -> u16 {
        self.told(endpoint, path, headers).await.0
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect()
}

#[tokio::test]
async fn a_route_may_need_a_proof_where_others_do_not() {
    for endpoint in ["caddy", "envoy", "haproxy", "nginx", "traefik"] {
        let stage = Stage::new("\"allowed\"");
        assert_eq!(stage.status(endpoint, "/orders", &stage.bearer()).await, 200, "{endpoint}");
        let (status, headers, body) = stage.told(endpoint, "/payments", &stage.bearer()).await;
        assert_eq!((status, &body["reason"]), (401, &json!("binding_mismatch")), "{endpoint}");
        assert_eq!(text(&headers, "www-authenticate").len(), 2, "{endpoint}");
        let headers = stage.proven("/payments", "pay");
        assert_eq!(stage.status(endpoint, "/payments?x=1", &headers).await, 200, "{endpoint}");
        let (status, _, body) = stage.told(endpoint, "/payments?x=2", &headers).await;
        assert_eq!((status, &body["reason"]), (401, &json!("proof_reused")), "{endpoint}");
        // A proof for one path is none for another.
        let other = stage.proven("/orders", "pay");
        assert_eq!(stage.told(endpoint, "/payments", &other).await.2["reason"], "proof_url", "{endpoint}");
    }
}

#[tokio::test]
async fn two_headers_are_several_proofs() {
    let stage = Stage::new("\"allowed\"");
    let mut headers = stage.proven("/orders", "");
    headers.push(("dpop", stage.proven("/orders", "")[1].1.clone()));
    let (status, _, body) = stage.told("caddy", "/orders", &headers).await;
    assert_eq!((status, &body["reason"]), (401, &json!("proof_malformed")));
}

#[tokio::test]
async fn refusals_shadow_and_second_questions_use_up_nothing() {
    let stage = Stage::new("\"allowed\"");
    let lacking = stage.proven("/payments", "");
    for _ in 0..2 {
        assert_eq!(stage.status("caddy", "/payments", &lacking).await, 403);
    }
    let headers = stage.proven("/shadow", "");
    for _ in 0..3 {
        assert_eq!(stage.status("caddy", "/shadow", &headers).await, 200);
    }
    let headers = stage.proven("/orders", "");
    for _ in 0..2 {
        assert_eq!(stage.status("nginx/deny", "/orders", &headers).await, 503);
    }
    assert_eq!(stage.status("nginx?deny=403", "/orders", &headers).await, 200);
    assert_eq!(stage.status("nginx?deny=403", "/orders", &headers).await, 403);
    let (status, challenges, body) = stage.told("nginx/deny", "/orders", &headers).await;
    assert_eq!((status, &body["reason"]), (401, &json!("proof_reused")));
    assert!(text(&challenges, "www-authenticate")[0].starts_with("DPoP error=\"invalid_dpop_proof\""));
}

#[tokio::test]
async fn a_proxy_is_told_the_nonce_and_what_to_take_away() {
    let nonces = "{ mode = \"required\", nonce_secret = { env = \"PATH\" } }";
    let stage = Stage::new(nonces);
    let headers = stage.proven("/orders", "");
    for endpoint in ["caddy", "envoy", "haproxy", "nginx/deny", "traefik"] {
        let (status, answer, body) = stage.told(endpoint, "/orders", &headers).await;
        assert_eq!((status, &body["code"]), (401, &json!("use_dpop_nonce")), "{endpoint}");
        assert_eq!(text(&answer, "dpop-nonce").len(), 1, "{endpoint}");
        assert!(text(&answer, "www-authenticate")[0].starts_with("DPoP error=\"use_dpop_nonce\""));
    }
    for (mode, removed) in [("\"allowed\"", vec!["dpop"]), ("\"pass\"", vec![])] {
        let stage = Stage::new(mode);
        let (_, answer, _) = stage.told("envoy", "/orders", &stage.proven("/orders", "")).await;
        assert_eq!(text(&answer, "x-envoy-auth-headers-to-remove"), removed, "{mode}");
    }
    // With that mode the application looks for used proofs.
    let stage = Stage::new("\"pass\"");
    let headers = stage.proven("/orders", "");
    for _ in 0..2 {
        assert_eq!(stage.status("caddy", "/orders", &headers).await, 200);
    }
}

#[test]
fn the_proxys_side_passes_nonces_and_takes_proofs_away() {
    let print = |dpop: &str, name, part| {
        let config = Config::parse(&format!("{dpop}{SECTIONS}"), "gateway.toml").expect("a configuration");
        let wanted = Wanted { part, ..Wanted::default() };
        emit(dialect::named(name).expect(name), &config, std::path::Path::new("gateway.toml"), &wanted)
            .expect("a text")
    };
    let (judged, passed) = ("dpop = \"allowed\"\n", "dpop = \"pass\"\n");
    let nonces = "dpop = { mode = \"allowed\", nonce_secret = { env = \"SECRET\" } }\n";
    for (name, part, taken, nonce) in [
        ("nginx", None, "proxy_set_header DPoP \"\";", "add_header DPoP-Nonce $requires_auth_nonce always;"),
        (
            "nginx",
            Some(Part::Location),
            "proxy_set_header DPoP \"\";",
            "auth_request_set $requires_auth_nonce",
        ),
        ("caddy", None, "header_up -DPoP\n", "header @nonce {"),
        ("haproxy", None, "http-request del-header DPoP\n", "http-response set-header DPoP-Nonce "),
        ("traefik", None, "          DPoP: \"\"\n", ""),
        ("envoy", None, "- exact: dpop\n", "- exact: dpop-nonce\n"),
    ] {
        // Envoy takes it away at the word of the gateway, whom it has to show it.
        let is_told = name == "envoy";
        assert!(print(judged, name, part).contains(taken), "{name}");
        assert_eq!(print(passed, name, part).contains(taken), is_told, "{name}");
        if !nonce.is_empty() {
            assert!(print(nonces, name, part).contains(nonce), "{name}");
            assert!(!print(judged, name, part).contains(nonce), "{name}");
        }
    }
}

#[tokio::test]
async fn tests_of_a_configuration_prove_their_tokens_where_that_is_needed() {
    let nonces = "dpop = { mode = \"allowed\", algorithms = [\"Ed25519\"], nonce_secret = { env = \"NO_SUCH_VARIABLE\" } }\n";
    let tests = r#"
[[tests]]
request = "GET /payments"
claims = { scope = "pay" }
expect = { status = 200 }
[[tests]]
request = "POST /payments?x=1"
claims = { scope = "other" }
expect = { status = 403, error = "insufficient_scope" }
[[tests]]
request = "GET /payments"
claims = { scope = "pay" }
headers = { Authorization = "Bearer {token}" }
expect = { status = 401, error = "invalid_token" }
[[tests]]
request = "GET /orders"
claims = {}
expect = { status = 200 }
"#;
    for dpop in [nonces, "dpop = \"allowed\"\n", "dpop = \"required\"\n"] {
        let config =
            Config::parse(&format!("{dpop}{SECTIONS}{tests}"), "gateway.toml").expect("a configuration");
        let results = run_tests(&config).await.expect("tests");
        let failed: Vec<_> =
            results.iter().filter(|result| !result.holds).map(|result| &result.found).collect();
        assert!(failed.is_empty() && results.len() == 4, "{dpop}: {failed:?}");
    }
}

#[test]
fn a_proof_that_nothing_judges_cannot_be_needed() {
    let problems = |text: &str| {
        let error = Config::parse(text, "gateway.toml").expect_err("a mistake");
        error.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let told = problems(SECTIONS);
    assert!(told.contains("routes.1.dpop") && told.contains("dpop = \"allowed\""), "{told}");
    let both = SECTIONS.replace("scopes = \"pay\"", "public = true");
    assert!(problems(&format!("dpop = \"allowed\"\n{both}")).contains("routes.1.dpop"));
    let other = SECTIONS.replace("dpop = \"required\"", "dpop = \"off\"");
    assert!(problems(&format!("dpop = \"allowed\"\n{other}")).contains("required"));
}

#[tokio::test]
async fn a_resource_may_need_proofs() {
    let text = r#"
dpop = "allowed"
[server]
listen = "127.0.0.1:9180"
public_url = "https://api.example.com"
[forward_auth]
dialects = ["caddy"]
[issuers.main]
issuer = "https://issuer.example"
[[resources]]
resource = "https://api.example.com/mcp"
issuers = "main"
dpop = "required"
mcp = true
[[resources]]
resource = "https://api.example.com/files"
issuers = "main"
mcp = true
[[routes]]
match = "* /mcp/open"
"#;
    // The tests of a configuration come with proofs where a resource needs them, and there alone.
    let expect = |path: &str, scheme: &str, status: u16| {
        let headers =
            if scheme.is_empty() { "" } else { "headers = { Authorization = \"Bearer {token}\" }\n" };
        format!(
            "[[tests]]\nrequest = \"GET {path}\"\nclaims = {{}}\n{headers}expect = {{ status = {status} }}\n"
        )
    };
    let tests = [("/mcp", "", 200), ("/mcp", "Bearer", 401), ("/files", "", 200), ("/files", "Bearer", 200)]
        .map(|(path, scheme, status)| expect(path, scheme, status));
    let text = format!("{text}{}", tests.concat());
    let config = Config::parse(&text, "gateway.toml").expect("a configuration");
    let results = run_tests(&config).await.expect("tests");
    let failed: Vec<_> = results.iter().filter(|result| !result.holds).map(|result| &result.found).collect();
    assert!(failed.is_empty() && results.len() == tests.len(), "{failed:?}");
    let key = SigningKey::generate(Algorithm::Es256);
    let keys = jwk_set([&key]).to_string();
    let auth = config.build_with(|builder| builder.with_jwks(keys.clone())).expect("a guard");
    let mut client = SigningKey::generate(Algorithm::Es256);
    let mut gateway = Gateway::new(&config, auth).expect("a gateway");
    for (path, is_needed) in [("/mcp", true), ("/mcp/open", true), ("/files", false)] {
        let audience = format!("{URL}{}", path.trim_end_matches("/open"));
        let forge = Forge::new(ISSUER, audience, key.clone());
        let stage = Stage { gateway, forge, client };
        let status = stage.status("caddy", path, &stage.bearer()).await;
        assert_eq!(status, if is_needed { 401 } else { 200 }, "{path}");
        assert_eq!(stage.status("caddy", path, &stage.proven(path, "")).await, 200, "{path}");
        (gateway, client) = (stage.gateway, stage.client);
    }
}
