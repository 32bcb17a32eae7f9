//! What a route says about paths and hosts, through every dialect.

use envoy_types::ext_authz::v3::pb::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;

use super::tests::Stage;
use super::vectors::{check_over_grpc, grpc_question};
use super::*;

const LOOPBACK: Peer = Peer::Address(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

fn config(more: &str) -> String {
    let dialects = format!("{:?}", dialect::ALL.map(Dialect::name));
    format!(
        "[forward_auth]\ndialects = {dialects}\n[issuers.main]\nissuer = \"https://issuer.example\"\n\
         audience = \"https://api.example.com\"\njwks_uri = \"https://issuer.example/keys\"\n{more}"
    )
}

/// A request as a client sends it.
#[derive(Clone, Copy)]
struct Sent<'a> {
    target: &'a str,
    host: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
}

/// Status and code through every dialect, each by its name.
async fn through_all(stage: &Stage, sent: Sent<'_>) -> Vec<(&'static str, u16, String)> {
    let mut told = Vec::new();
    for dialect in dialect::ALL {
        if dialect.transport() == Transport::Grpc {
            let (status, code) = over_grpc(stage, sent).await;
            told.push((dialect.name(), status, code));
            continue;
        }
        let (target, mut headers) = dialect.ask("GET", sent.target, sent.host);
        headers.extend(sent.headers);
        let answer = stage.ask("GET", &target, &headers).await;
        told.push((dialect.name(), answer.status, answer.code().to_owned()));
    }
    told
}

async fn over_grpc(stage: &Stage, sent: Sent<'_>) -> (u16, String) {
    let pairs = sent.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = HttpRequest {
        method: "GET".to_owned(),
        path: sent.target.to_owned(),
        host: sent.host.unwrap_or_default().to_owned(),
        headers: pairs.collect(),
        ..HttpRequest::default()
    };
    let question = grpc_question(request);
    let checked = check_over_grpc(&stage.gateway, &question, LOOPBACK).await.expect("an answer");
    match checked.http_response.expect("an answer") {
        HttpResponse::OkResponse(_) => (200, String::new()),
        HttpResponse::DeniedResponse(denied) => {
            let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap_or_default();
            let status = denied.status.expect("a status").code;
            (status.try_into().expect("a status"), body["code"].as_str().unwrap_or_default().to_owned())
        }
        other @ HttpResponse::ErrorResponse(_) => panic!("{other:?}"),
    }
}

#[track_caller]
fn all_are(told: &[(&'static str, u16, String)], status: u16, code: &str, what: &str) {
    assert_eq!(told.len(), dialect::ALL.len());
    for (name, found, found_code) in told {
        assert_eq!((*found, found_code.as_str()), (status, code), "{what} in {name}");
    }
}

#[tokio::test]
async fn an_encoded_slash_passes_where_its_route_says_so() {
    let stage = Stage::with(&config(
        "[[routes]]\nmatch = \"GET /api/admin/*\"\nscopes = \"admin\"\n\
         [[routes]]\nmatch = \"GET /api/*\"\nencoded_slash = \"allow\"\n[[routes]]\nmatch = \"GET /*\"\n",
    ));
    let bearer = stage.bearer("read:orders");
    let headers = [("authorization", bearer.as_str())];
    let ask = async |target| through_all(&stage, Sent { target, host: None, headers: &headers }).await;
    for target in ["/api/v4/projects/group%2Fproject", "/api/@acme%2fpkg", "/api/a%2Fb?c=%2F"] {
        all_are(&ask(target).await, 200, "", target);
    }
    for target in [
        "/@acme%2fpkg",
        "/api%2Fx",
        "/api/%2e%2e%2fadmin",
        "/api/..%2fadmin",
        "/api/x%2F%2Fy",
        "/api/x%5cy",
        "/api/100%25",
        "/api/x%252Fy",
        "/api/%23main",
        "/api/%7Euser",
        // An application that decodes first would see the path of the first route.
        "/api/admin%2Fusers",
    ] {
        all_are(&ask(target).await, 400, "auth.ambiguous_path", target);
    }
}

const HOSTS: &str = "[[routes]]\nmatch = \"GET /*\"\nhost = [\"admin.example.com\", \"*.root.example\"]\nscopes = \"admin\"\n\
                     [[routes]]\nmatch = \"GET /*\"\nscopes = \"read:orders\"\n";

#[tokio::test]
async fn a_route_is_for_its_hosts_alone() {
    let stage = Stage::with(&config(HOSTS));
    let (weak, strong) = (stage.bearer("read:orders"), stage.bearer("admin"));
    let ask = async |host, bearer: &str| {
        let headers = [("authorization", bearer)];
        through_all(&stage, Sent { target: "/a", host, headers: &headers }).await
    };
    for host in [
        "admin.example.com",
        "ADMIN.Example.com",
        "admin.example.com:8443",
        "admin.example.com.",
        "x.root.example",
    ] {
        all_are(&ask(Some(host), &weak).await, 403, "insufficient_scope", host);
        all_are(&ask(Some(host), &strong).await, 200, "", host);
    }
    for host in ["api.example.com", "root.example", "a.b.root.example", "127.0.0.1:80"] {
        all_are(&ask(Some(host), &weak).await, 200, "", host);
        all_are(&ask(Some(host), &strong).await, 403, "insufficient_scope", host);
    }
    // What does not name one host could be for the first route.
    for host in [None, Some("a,b"), Some("admin.example.com, api.example.com"), Some("user@a"), Some("a/b")] {
        for bearer in [&weak, &strong] {
            let what = format!("{host:?}");
            all_are(&ask(host, bearer).await, 400, "auth.ambiguous_request", &what);
        }
    }
}

#[tokio::test]
async fn a_client_does_not_choose_the_host() {
    let stage = Stage::with(&config(HOSTS));
    let bearer = stage.bearer("read:orders");
    let authorization = ("authorization", bearer.as_str());
    for name in ["x-forwarded-host", "x-original-host", "x_forwarded_host", "x.original.host"] {
        let headers = [authorization, (name, "api.example.com")];
        let sent = Sent { target: "/a", host: Some("admin.example.com"), headers: &headers };
        for (dialect, status, _) in through_all(&stage, sent).await {
            assert!([400, 403].contains(&status), "{name} in {dialect}: {status}");
        }
        let headers = [authorization, (name, "admin.example.com")];
        let sent = Sent { target: "/a", host: Some("api.example.com"), headers: &headers };
        for (dialect, status, code) in through_all(&stage, sent).await {
            assert_eq!((status, code.as_str()), (400, "auth.ambiguous_request"), "{name} in {dialect}");
        }
    }
    // No route names a host: nobody looks at it.
    let stage = Stage::with(&config("[[routes]]\nmatch = \"GET /*\"\n"));
    let bearer = stage.bearer("read:orders");
    let headers =
        [("authorization", bearer.as_str()), ("x-forwarded-host", "b.test"), ("x_original_host", "c.test")];
    all_are(
        &through_all(&stage, Sent { target: "/a", host: None, headers: &headers }).await,
        200,
        "",
        "no host",
    );
}

#[tokio::test]
async fn a_route_with_an_audience_of_its_own_takes_tokens_for_that_alone() {
    let stage = Stage::with(&config(
        "[[routes]]\nmatch = \"GET /billing\"\naudience = [\"urn:billing\", \"urn:invoices\"]\nscopes = \"read:orders\"\n\
         [[routes]]\nmatch = \"GET /stock\"\naudience = \"urn:stock\"\n[[routes]]\nmatch = \"GET /*\"\n",
    ));
    let token = |audience: serde_json::Value, scope| {
        let token = stage.forge.token().scope(scope).claim("aud", audience);
        format!("Bearer {}", token.mint())
    };
    let api = "https://api.example.com";
    for (audience, scope, billing, stock, other) in [
        (serde_json::json!("urn:billing"), "read:orders", 200, 401, 401),
        (serde_json::json!(["urn:other", "urn:invoices"]), "read:orders", 200, 401, 401),
        (serde_json::json!("urn:billing"), "x", 403, 401, 401),
        (serde_json::json!("urn:stock"), "read:orders", 401, 200, 401),
        (serde_json::json!(api), "read:orders", 401, 401, 200),
        (serde_json::json!([api, "urn:stock"]), "read:orders", 401, 200, 200),
        (serde_json::json!("urn:other"), "read:orders", 401, 401, 401),
        (serde_json::json!("urn:billing/"), "read:orders", 401, 401, 401),
        (serde_json::json!([]), "read:orders", 401, 401, 401),
    ] {
        let bearer = token(audience.clone(), scope);
        let headers = [("authorization", bearer.as_str())];
        // The second time it is remembered.
        for (target, status) in [("/billing", billing), ("/stock", stock), ("/other", other)].repeat(2) {
            let code = match status {
                200 => "",
                401 => "invalid_token",
                _ => "insufficient_scope",
            };
            let what = format!("{audience} at {target}");
            all_are(
                &through_all(&stage, Sent { target, host: None, headers: &headers }).await,
                status,
                code,
                &what,
            );
        }
    }
    let bearer = token(serde_json::json!("urn:stock"), "x");
    let told = stage.ask("GET", "/forward-auth/envoy/billing", &[("authorization", &bearer)]).await;
    assert_eq!(
        told.header("www-authenticate").map(|value| value.contains("error=\"invalid_token\"")),
        Some(true)
    );
    assert_eq!(told.body().map(|body| body["reason"].clone()), Some("audience_mismatch".into()));
}
