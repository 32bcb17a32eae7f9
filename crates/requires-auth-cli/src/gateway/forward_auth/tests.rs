//! Forward-auth from the proxy's question to the answer, without a network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use envoy_types::ext_authz::v3::pb::{CheckRequest, HttpResponse};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use http::header::AUTHORIZATION;
use http_body_util::BodyExt as _;
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse};
use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
use serde_json::Value;

use super::vectors::{check_over_grpc, grpc_question};
use super::*;
use crate::gateway::config::Config;
use crate::gateway::grpc::unary::{Code, Status};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example.com";
const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

const CONFIG: &str = r#"
[forward_auth]
dialects = ["nginx", "caddy", "envoy", "envoy-grpc"]
[issuers.main]
issuer = "https://issuer.example"
audience = "https://api.example.com"
jwks_uri = "https://issuer.example/keys"
[headers]
"X-Auth-Subject" = "sub"
"X-Auth-Scope" = "scope"
"X-Auth-Issuer" = "@issuer"
"X-Auth-Plan" = "org.plan"
[[routes]]
match = ["GET /orders", "GET /orders/{id}"]
scopes = "read:orders"
[[routes]]
match = "POST /orders"
scopes = "write:orders"
preflight = "deny"
[[routes]]
match = "GET /open/*"
public = true
[[routes]]
match = "GET /shadow"
scopes = "nobody:has"
enforce = "shadow"
"#;

/// A gateway whose issuer can be cut off before its keys were fetched.
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    pub(super) forge: Forge,
    is_down: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Keys {
    set: Arc<str>,
    is_down: Arc<AtomicBool>,
}

impl Fetch for Keys {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture {
        let answer = if self.is_down.load(Ordering::Relaxed) {
            Err(FetchError::Connect("refused".to_owned()))
        } else {
            Ok(FetchResponse::new(200, self.set.as_bytes()))
        };
        Box::pin(std::future::ready(answer))
    }
}

impl Stage {
    fn new() -> Self {
        Self::with(CONFIG)
    }

    pub(super) fn with(text: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Es256);
        let is_down = Arc::default();
        let keys = Keys { set: jwk_set([&key]).to_string().into(), is_down: Arc::clone(&is_down) };
        let config = Config::parse(text, "gateway.toml").expect("a configuration");
        let auth = config.build_with(|builder| builder.with_fetch(keys.clone())).expect("a guard");
        Self {
            gateway: Gateway::new(&config, auth).expect("a gateway"),
            forge: Forge::new(ISSUER, AUDIENCE, key),
            is_down,
        }
    }

    pub(super) fn bearer(&self, scope: &str) -> String {
        format!("Bearer {}", self.forge.token().subject("alice").scope(scope).mint())
    }

    pub(super) async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Told {
        self.ask_as(LOOPBACK, method, target, headers).await
    }

    async fn ask_as(&self, peer: Peer, method: &str, target: &str, headers: &[(&str, &str)]) -> Told {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = answer(&self.gateway, &request.body(()).expect("a request"), peer).await;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Told {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).ok(),
        }
    }

    /// As Envoy asks over gRPC.
    async fn grpc(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Checked, Status> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = HttpRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            headers,
            ..HttpRequest::default()
        };
        let response = check_over_grpc(&self.gateway, &grpc_question(request), LOOPBACK).await?;
        Ok((response.status.expect("a status").code, response.http_response.expect("an answer")))
    }

    /// As nginx asks.
    async fn nginx(&self, method: &str, uri: &str, more: &[(&str, &str)]) -> Told {
        let own = [("x-original-method", method), ("x-original-uri", uri)];
        self.ask("GET", "/forward-auth/nginx", &[&own, more].concat()).await
    }
}

/// The code of the answer, and the answer itself.
type Checked = (i32, HttpResponse);

/// An answer to the proxy.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    headers: HeaderMap,
    body: Option<Value>,
}

impl Told {
    pub(super) const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    pub(super) fn code(&self) -> &str {
        self.body.as_ref().and_then(|body| body["code"].as_str()).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }
}

#[tokio::test]
async fn each_dialect_gets_the_same_verdict() {
    let stage = Stage::new();
    let (good, weak) = (stage.bearer("read:orders"), stage.bearer("other"));
    let expired = format!("Bearer {}", stage.forge.token().defect(Defect::Expired).mint());
    for (bearer, status, code) in [
        (Some(&good), 200, ""),
        (None, 401, "auth.authorization_header_missing"),
        (Some(&expired), 401, "invalid_token"),
        (Some(&weak), 403, "insufficient_scope"),
    ] {
        let bearer: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
        let forwarded = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders/7?page=2")];
        for told in [
            stage.nginx("GET", "/orders/7?page=2", &bearer).await,
            stage.ask("GET", "/forward-auth/caddy", &[&forwarded, &bearer[..]].concat()).await,
            // What a client adds to the endpoint's query changes nothing.
            stage.ask("GET", "/forward-auth/caddy?scope=none", &[&forwarded, &bearer[..]].concat()).await,
            stage.ask("GET", "/forward-auth/envoy/orders/7?page=2", &bearer).await,
        ] {
            assert_eq!((told.status, told.code()), (status, code), "{told:?}");
            assert_eq!(told.headers.contains_key("www-authenticate"), status != 200, "{told:?}");
        }
    }
    let told = stage.nginx("GET", "/orders", &[("authorization", &weak)]).await;
    let challenge = told.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("scope=\"read:orders\""), "{challenge}");
}

/// On its first use and on each later one, where it is remembered.
#[tokio::test]
async fn a_bound_token_is_refused_at_every_use() {
    let stage = Stage::new();
    let bound = stage.forge.token().scope("read:orders").defect(Defect::BindingMismatch).mint();
    let bearer = [("authorization", format!("Bearer {bound}"))];
    let bearer: Vec<_> = bearer.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for _ in 0..3 {
        for told in [
            stage.nginx("GET", "/orders", &bearer).await,
            stage.ask("GET", "/forward-auth/envoy/orders", &bearer).await,
        ] {
            assert_eq!((told.status, told.code()), (401, "invalid_token"), "{told:?}");
            let reason = told.body.as_ref().map(|body| body["reason"].clone());
            assert_eq!(reason, Some("binding_mismatch".into()), "{told:?}");
        }
    }
}

#[tokio::test]
async fn identity_headers_are_always_there() {
    let stage = Stage::new();
    let token = stage.forge.token().subject("alice").scope("read:orders").mint();
    let told = stage.nginx("GET", "/orders", &[("authorization", &format!("Bearer {token}"))]).await;
    let names = ["x-auth-subject", "x-auth-scope", "x-auth-issuer", "x-auth-plan"];
    assert_eq!(names.map(|name| told.header(name)), ["alice", "read:orders", "main", ""].map(Some));
    let told = stage
        .nginx("GET", "/open/a", &[("authorization", "Bearer nonsense"), ("x-auth-subject", "root")])
        .await;
    assert_eq!(told.status, 200);
    assert_eq!(names.map(|name| told.header(name)), [Some(""); 4]);
}

#[tokio::test]
async fn the_application_is_told_the_tenant() {
    let config = CONFIG
        .replace(
            "issuer = \"https://issuer.example\"",
            "issuer = \"https://issuer.example/{tenant}\"\ntenants = [\"contoso\"]",
        )
        .replace("\"X-Auth-Plan\" = \"org.plan\"", "\"X-Auth-Tenant\" = \"@tenant\"");
    let stage = Stage::with(&config);
    let ask = async |issuer: &str| {
        let token = stage.forge.token().claim("iss", issuer).subject("alice").scope("read:orders").mint();
        stage.nginx("GET", "/orders", &[("authorization", &format!("Bearer {token}"))]).await
    };
    let told = ask("https://issuer.example/contoso").await;
    let names = ["x-auth-subject", "x-auth-issuer", "x-auth-tenant"];
    assert_eq!(names.map(|name| told.header(name)), ["alice", "main", "contoso"].map(Some));
    for other in
        ["https://issuer.example/fabrikam", "https://issuer.example/{tenant}", "https://issuer.example"]
    {
        assert_eq!(ask(other).await.status, 401, "{other}");
    }
}

#[tokio::test]
async fn no_claim_begins_another_header_or_locks_its_user_out() {
    let stage = Stage::new();
    for (subject, expected) in [
        ("alice\r\nX-Admin: 1", "alice%0D%0AX-Admin: 1"),
        (" alice", "%20alice"),
        ("alice ", "alice%20"),
        ("alice\u{0}", "alice%00"),
        ("Zo\u{eb}", "Zo%C3%AB"),
        ("[\"root\"]", "%5B\"root\"]"),
    ] {
        let token = stage.forge.token().subject(subject).scope("read:orders").mint();
        let told = stage.nginx("GET", "/orders", &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!((told.status, told.header("x-auth-subject")), (200, Some(expected)), "{subject:?}");
        assert_eq!(told.header("x-admin"), None);
    }
}

#[tokio::test]
async fn the_application_is_told_of_no_scope_that_was_not_granted() {
    let stage = Stage::new();
    for (scope, expected) in [
        (serde_json::json!(["read:orders", "x write:orders"]), "read:orders"),
        (serde_json::json!(["read:orders", "write:orders\n", "a\tb", "c\u{a0}d", "e\u{85}f"]), "read:orders"),
        (serde_json::json!("read:orders x\twrite:orders"), "read:orders"),
        (serde_json::json!(["read:orders", "caf\u{e9}"]), "read:orders caf%C3%A9"),
    ] {
        let token = stage.forge.token().claim("scope", scope.clone()).mint();
        let told = stage.nginx("GET", "/orders", &[("authorization", &format!("Bearer {token}"))]).await;
        assert_eq!((told.status, told.header("x-auth-scope")), (200, Some(expected)), "{scope}");
    }
}

#[tokio::test]
async fn what_no_route_is_for_is_refused_whatever_the_token() {
    let stage = Stage::new();
    let bearer = stage.bearer("read:orders write:orders");
    for (method, uri, status, code) in [
        ("GET", "/", 403, "auth.no_route"),
        ("DELETE", "/orders", 403, "auth.no_route"),
        ("get", "/orders", 400, "auth.ambiguous_request"),
        ("Get", "/orders", 400, "auth.ambiguous_request"),
        ("pATCH", "/open/a", 400, "auth.ambiguous_request"),
        ("GET", "/orders/", 403, "auth.no_route"),
        ("GET", "/open/../orders", 400, "auth.ambiguous_path"),
        ("GET", "//orders", 400, "auth.ambiguous_path"),
        ("GET", "/open/%2e%2e/orders", 400, "auth.ambiguous_path"),
        ("GET", "http://other.test/orders", 400, "auth.ambiguous_path"),
        ("GET", "*", 400, "auth.ambiguous_path"),
    ] {
        let told = stage.nginx(method, uri, &[("authorization", &bearer)]).await;
        assert_eq!((told.status, told.code()), (status, code), "{method} {uri}");
    }
}

#[tokio::test]
async fn two_stories_are_refused() {
    let stage = Stage::new();
    let bearer = stage.bearer("read:orders");
    let good = ("authorization", bearer.as_str());
    for more in [
        ("x-forwarded-uri", "/open/a"),
        ("x-forwarded-method", "HEAD"),
        ("x-original-uri", "/orders"),
        ("x-envoy-original-path", "/open/a"),
        ("x-http-method-override", "DELETE"),
        ("x_auth_subject", "root"),
        ("x.auth.subject", "root"),
    ] {
        let told = stage.nginx("GET", "/orders", &[good, more]).await;
        assert_eq!((told.status, told.code()), (400, "auth.ambiguous_request"), "{more:?}");
    }
    let told = stage.nginx("GET", "/orders", &[good, good]).await;
    assert_eq!((told.status, told.code()), (400, "invalid_request"));
    // In its own spelling the proxy replaces it.
    assert_eq!(stage.nginx("GET", "/orders", &[good, ("x-auth-subject", "root")]).await.status, 200);
    let lax = Stage::with(&CONFIG.replace("[issuers.main]", "aliases = \"pass\"\n[issuers.main]"));
    let bearer = lax.bearer("read:orders");
    assert_eq!(
        lax.nginx("GET", "/orders", &[("authorization", &bearer), ("x_auth_subject", "root")]).await.status,
        200
    );
}

#[tokio::test]
async fn only_what_is_configured_is_there_and_only_for_trusted_peers() {
    let stage = Stage::new();
    let bearer = stage.bearer("read:orders");
    let forwarded =
        [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders"), ("authorization", &*bearer)];
    for target in
        ["/forward-auth/traefik", "/forward-auth/envoy-grpc", "/forward-auth/caddyx", "/forward-auth/"]
    {
        assert_eq!(stage.ask("GET", target, &forwarded).await.status, 404, "{target}");
    }
    let stranger = Peer::Address([192, 0, 2, 1].into());
    assert_eq!(stage.ask_as(stranger, "GET", "/forward-auth/caddy", &forwarded).await.status, 403);
    assert_eq!(stage.ask_as(Peer::UnixSocket, "GET", "/forward-auth/caddy", &forwarded).await.status, 200);
    // Another dialect's headers are not a question.
    let told = stage.ask("GET", "/forward-auth/nginx", &forwarded).await;
    assert_eq!((told.status, told.code()), (400, "auth.ambiguous_request"));
}

#[tokio::test]
async fn nginx_learns_the_true_answer_at_its_second_question_and_never_an_allow() {
    let stage = Stage::new();
    let bearer = stage.bearer("read:orders");
    for (uri, status) in [("/orders", 401), ("/orders//", 400), ("/nowhere", 403)] {
        let own = [("x-original-method", "GET"), ("x-original-uri", uri)];
        let first = stage.ask("GET", "/forward-auth/nginx?deny=403", &own).await;
        let second = stage.ask("GET", "/forward-auth/nginx/deny", &own).await;
        assert_eq!((first.status, second.status), (403, status), "{uri}");
        assert_eq!(first.body, second.body);
    }
    let own = [("x-original-method", "GET"), ("x-original-uri", "/orders"), ("authorization", &*bearer)];
    assert_eq!(stage.ask("GET", "/forward-auth/nginx?deny=403", &own).await.status, 200);
    let second = stage.ask("GET", "/forward-auth/nginx/deny", &own).await;
    assert_eq!((second.status, second.header("retry-after")), (503, Some("1")));
    assert!(!second.headers.contains_key("x-auth-subject"));
}

#[tokio::test]
async fn a_preflight_passes_unless_its_route_says_otherwise() {
    let stage = Stage::new();
    let origin = ("origin", "https://app.example");
    let preflight = |method| [origin, ("access-control-request-method", method)];
    assert_eq!(stage.nginx("OPTIONS", "/orders", &preflight("GET")).await.status, 200);
    assert_eq!(stage.nginx("OPTIONS", "/orders", &preflight("POST")).await.status, 401);
    assert_eq!(stage.nginx("OPTIONS", "/orders", &preflight("DELETE")).await.code(), "auth.no_route");
    assert_eq!(stage.nginx("OPTIONS", "/nowhere", &preflight("GET")).await.code(), "auth.no_route");
    // Without these headers, or with a body, it is a request as any other.
    assert_eq!(stage.nginx("OPTIONS", "/orders", &[origin]).await.code(), "auth.no_route");
    let with_body = [&preflight("GET")[..], &[("content-length", "3")]].concat();
    assert_eq!(stage.nginx("OPTIONS", "/orders", &with_body).await.code(), "auth.no_route");
}

#[tokio::test]
async fn without_keys_it_is_an_outage_and_no_refusal() {
    let stage = Stage::new();
    stage.is_down.store(true, Ordering::Relaxed);
    let told = stage.nginx("GET", "/orders", &[("authorization", &stage.bearer("read:orders"))]).await;
    assert_eq!((told.status, told.code()), (503, "auth.issuer_unavailable"));
    assert!(told.header("retry-after").is_some());
    assert_eq!(stage.nginx("GET", "/open/a", &[]).await.status, 200);
}

/// Envoy with `failure_mode_allow: true` lets pass what is answered with a 5xx.
#[tokio::test]
async fn a_stranger_cannot_cause_a_5xx_in_envoys_dialect_while_there_are_keys() {
    let stage = Stage::new();
    let good = stage.bearer("read:orders");
    let envoy = async |bearer: &str| {
        stage.ask("GET", "/forward-auth/envoy/orders", &[("authorization", bearer)]).await
    };
    assert_eq!(envoy(&good).await.status, 200);
    let stranger = |kid: String| {
        let key = SigningKey::generate(Algorithm::Es256).with_kid(kid);
        format!("Bearer {}", stage.forge.token().key(&key).mint())
    };
    for is_down in [false, true] {
        stage.is_down.store(is_down, Ordering::Relaxed);
        for number in 0..20 {
            let told = envoy(&stranger(format!("random-{is_down}-{number}"))).await;
            assert!([401, 403].contains(&told.status), "{}", told.status);
        }
    }
    assert_eq!(envoy(&good).await.status, 200, "its keys are at hand");
}

#[tokio::test]
async fn what_nobody_can_tell_is_403_in_envoys_dialect_and_503_in_the_others() {
    let stage = Stage::new();
    assert_eq!(
        stage.nginx("GET", "/orders", &[("authorization", &stage.bearer("read:orders"))]).await.status,
        200
    );
    stage.is_down.store(true, Ordering::Relaxed);
    let key = SigningKey::generate(Algorithm::Es256);
    let new = format!("Bearer {}", stage.forge.token().key(&key).scope("read:orders").mint());
    for (target, status) in [("/forward-auth/envoy/orders", 403), ("/forward-auth/nginx", 503)] {
        let nginx = [("x-original-method", "GET"), ("x-original-uri", "/orders")];
        let more = if status == 503 { &nginx[..] } else { &[] };
        let told = stage.ask("GET", target, &[&[("authorization", &*new)], more].concat()).await;
        assert_eq!((told.status, told.code()), (status, "auth.issuer_unavailable"), "{target}");
        assert!(told.header("retry-after").is_some(), "{target}");
    }
    // Without any keys it is an outage, which no stranger has caused.
    let stage = Stage::new();
    stage.is_down.store(true, Ordering::Relaxed);
    let told = stage.ask("GET", "/forward-auth/envoy/orders", &[("authorization", &*new)]).await;
    assert_eq!((told.status, told.code()), (503, "auth.issuer_unavailable"));
}

#[tokio::test]
async fn in_the_shadow_a_refusal_lets_through_as_nobody() {
    let stage = Stage::new();
    let told = stage.nginx("GET", "/shadow", &[(AUTHORIZATION.as_str(), &stage.bearer("read:orders"))]).await;
    assert_eq!((told.status, told.header("x-auth-subject")), (200, Some("")));
    assert_eq!(stage.nginx("GET", "/shadow/..", &[]).await.status, 400);
}

#[tokio::test]
async fn envoy_is_told_over_grpc_what_to_set_and_what_to_remove() {
    let stage = Stage::with(&CONFIG.replace("[issuers.main]", "aliases = \"pass\"\n[issuers.main]"));
    let bearer = stage.bearer("read:orders");
    let headers = [
        ("authorization", &*bearer),
        (":authority", "api.example.com"),
        ("x-auth-subject", "root"),
        ("x_auth_subject", "root"),
        ("x.auth.plan", "pro"),
        ("x-own", "stays"),
    ];
    let (code, answer) = stage.grpc("GET", "/orders?page=2", &headers).await.expect("an answer");
    let HttpResponse::OkResponse(ok) = answer else { panic!("{answer:?}") };
    assert_eq!(code, 0);
    let mut removed = ok.headers_to_remove;
    removed.sort_unstable();
    assert_eq!(removed, ["x.auth.plan", "x_auth_subject"]);
    let set: Vec<_> =
        ok.headers.iter().filter_map(|option| Some((option.header.as_ref()?, option))).collect();
    let values: Vec<_> = set.iter().map(|(pair, _)| (pair.key.as_str(), pair.value.as_str())).collect();
    assert_eq!(
        values,
        [
            ("x-auth-subject", "alice"),
            ("x-auth-scope", "read:orders"),
            ("x-auth-issuer", "main"),
            ("x-auth-plan", "")
        ]
    );
    // An empty one has to take the place of the client's, too.
    assert!(set.iter().all(|(_, option)| option.keep_empty_value && option.append_action == 2));
}

#[tokio::test]
async fn over_grpc_two_stories_are_refused_and_what_is_no_question_is_an_error() {
    let stage = Stage::new();
    let bearer = stage.bearer("read:orders");
    let twice = format!("{bearer},{bearer}");
    for (path, more, status, grpc_code) in [
        ("/orders", ("authorization", bearer.as_str()), 200, 0),
        ("/orders", ("authorization", twice.as_str()), 401, 16),
        ("/orders", ("x-forwarded-uri", "/open/a"), 400, 7),
        ("/orders", ("x_auth_subject", "root"), 400, 7),
        ("/orders", ("x-http-method-override", "DELETE"), 400, 7),
        ("/orders", ("not a name", "x"), 400, 7),
        ("/orders", ("x", "a\r\nb"), 400, 7),
        ("/open/../orders", ("x", "y"), 400, 7),
        ("/nowhere", ("x", "y"), 403, 7),
        ("/orders", ("x", "y"), 401, 16),
        ("", ("x", "y"), 400, 7),
    ] {
        let (code, answer) = stage.grpc("GET", path, &[more]).await.expect("an answer");
        let found = match answer {
            HttpResponse::OkResponse(_) => 200,
            HttpResponse::DeniedResponse(denied) => denied.status.expect("a status").code,
            other @ HttpResponse::ErrorResponse(_) => panic!("{other:?}"),
        };
        assert_eq!((found, code), (status, grpc_code), "{path} {more:?}");
    }
    let fresh = Stage::new();
    fresh.is_down.store(true, Ordering::Relaxed);
    let (code, _) = fresh.grpc("GET", "/orders", &[("authorization", &bearer)]).await.expect("an answer");
    assert_eq!(code, 14, "an outage is none of the client's");

    let nothing = check_over_grpc(&stage.gateway, &CheckRequest::default(), LOOPBACK).await;
    assert_eq!(nothing.expect_err("an error").code(), Code::InvalidArgument);
    let garbage = grpc::check(&stage.gateway, b"\x0a\x7f", LOOPBACK).await;
    assert_eq!(garbage.expect_err("an error").code(), Code::Internal);
    let stranger = Peer::Address([192, 0, 2, 1].into());
    let refused = check_over_grpc(&stage.gateway, &grpc_question(HttpRequest::default()), stranger).await;
    assert_eq!(refused.expect_err("an error").code(), Code::PermissionDenied);
}
