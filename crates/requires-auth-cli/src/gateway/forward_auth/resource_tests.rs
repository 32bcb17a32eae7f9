//! Resources with an audience of their own, through every dialect and at the gateway itself.

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http_body_util::BodyExt as _;
use requires_auth::mcp::Body;
use serde_json::{Value, json};

use super::tests::Stage;
use super::vectors::{over_http, sections};
use super::*;
use crate::gateway::decide::Decided;

const HEAD: &str =
    "[issuers.main]\nissuer = \"https://issuer.example\"\njwks_uri = \"https://issuer.example/keys\"\n";

const TWO: &str = r#"
[[resources]]
resource = "https://api.example.com/a/mcp"
issuers = ["main"]
scopes = ["read:orders"]
name = "Orders"
mcp = true
[[resources]]
resource = "https://api.example.com/b/mcp"
audience = ["api://b", "api://c"]
issuers = ["main"]
mcp = true
[[resources]]
resource = "https://api.example.com/api"
issuers = ["main"]
scopes = ["read:orders"]
[[routes]]
match = "GET /api/orders"
scopes = ["list:orders"]
[[routes]]
match = "GET /api/open"
public = true
[[routes]]
match = ["GET /health", "GET /*"]
public = true
"#;

fn stage(more: &str) -> Stage {
    Stage::with(&format!("{}{HEAD}{more}", sections()))
}

fn bearer(stage: &Stage, audience: Value, scope: &str) -> String {
    format!("Bearer {}", stage.forge.token().scope(scope).claim("aud", audience).mint())
}

/// What a request is answered: status, code and challenge.
type Answered = (u16, String, Option<String>);

async fn decide(stage: &Stage, method: &str, target: &str, bearer: Option<&str>) -> Answered {
    let mut headers = HeaderMap::new();
    headers.extend(bearer.map(|bearer| (AUTHORIZATION, bearer.parse().expect("a value"))));
    let asked = Asked {
        method,
        target,
        host: None,
        client: None,
        certificate: None,
        headers: &headers,
        has_body: false,
        is_trial: false,
    };
    match stage.gateway.decide(asked).await {
        Decided::Now(Decision::Allow { .. }) => (200, String::new(), None),
        Decided::Now(Decision::Refuse(refused)) => {
            let challenge = refused.headers.get(WWW_AUTHENTICATE);
            let challenge = challenge.map(|value| value.to_str().expect("ASCII").to_owned());
            (refused.status.as_u16(), refused.code.as_str().to_owned(), challenge)
        }
        Decided::AfterBody(_) => (0, "unread".to_owned(), None),
    }
}

/// Status and code alone.
async fn told(stage: &Stage, method: &str, target: &str, bearer: &str) -> (u16, String) {
    let (status, code, _) = decide(stage, method, target, Some(bearer)).await;
    (status, code)
}

#[tokio::test]
async fn each_resource_takes_tokens_for_itself_alone() {
    let stage = stage(TWO);
    let (a, api) = (json!("https://api.example.com/a/mcp"), json!("https://api.example.com/api"));
    for (audience, at_a, at_b, at_api) in [
        (a, 200, 401, 401),
        (json!("api://b"), 401, 200, 401),
        (json!(["api://c", "urn:x"]), 401, 200, 401),
        (json!("https://api.example.com/b/mcp"), 401, 401, 401),
        (api, 401, 401, 200),
        (json!("https://api.example.com/a/mcp/"), 401, 401, 401),
        (json!("https://api.example.com"), 401, 401, 401),
        (json!([]), 401, 401, 401),
    ] {
        let bearer = bearer(&stage, audience.clone(), "read:orders list:orders");
        // The second time it is remembered.
        for (target, status) in [("/a/mcp", at_a), ("/b/mcp", at_b), ("/api/orders", at_api)].repeat(2) {
            let (found, code, _) = decide(&stage, "GET", target, Some(&bearer)).await;
            assert_eq!(found, status, "{audience} at {target}: {code}");
        }
    }
}

/// Some providers write no `aud`: another claim says whom their tokens are for.
#[tokio::test]
async fn a_resource_takes_tokens_without_aud_where_another_claim_tells() {
    let stage = Stage::with(&format!(
        "{}{HEAD}audience = {{ claim = \"client_id\", one_of = [\"ours\"] }}\n[[resources]]\n\
         resource = \"https://api.example.com/mcp\"\nissuers = [\"main\"]\nmcp = true\n",
        sections()
    ));
    let mint = |client: &str| stage.forge.token().client_id(client);
    for (token, expected) in [
        (mint("ours").without_claim("aud").mint(), 200),
        (mint("another").without_claim("aud").mint(), 401),
        (mint("ours").claim("aud", "https://api.example.com/mcp").mint(), 401),
    ] {
        let (status, code) = told(&stage, "GET", "/mcp", &format!("Bearer {token}")).await;
        assert_eq!(status, expected, "{code}");
    }
}

#[tokio::test]
async fn whatever_is_below_a_resource_is_401_with_the_place_of_its_document() {
    let stage = stage(TWO);
    let place = |path: &str| {
        format!("resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource{path}\"")
    };
    for (target, path, scope) in [
        ("/a/mcp", "/a/mcp", "scope=\"read:orders\", "),
        ("/a/mcp/x/y?z", "/a/mcp", "scope=\"read:orders\", "),
        ("/b/mcp/", "/b/mcp", ""),
        ("/api/orders", "/api", "scope=\"read:orders\", "),
        ("/api/nothing", "/api", "scope=\"read:orders\", "),
    ] {
        for method in ["GET", "POST", "DELETE", "PUT", "PROPFIND"] {
            let (status, code, challenge) = decide(&stage, method, target, None).await;
            let expected = format!("Bearer {scope}{}", place(path));
            assert_eq!((status, code.as_str()), (401, "auth.authorization_header_missing"), "{target}");
            assert_eq!(challenge, Some(expected), "{method} {target}");
        }
    }
    // A bad token is one, whatever the path is for.
    let (status, code, challenge) = decide(&stage, "POST", "/api/nothing", Some("Bearer a.b.c")).await;
    assert_eq!((status, code.as_str()), (401, "invalid_token"));
    assert!(challenge.is_some_and(|challenge| challenge.ends_with(&place("/api"))));
}

#[tokio::test]
async fn a_good_token_opens_routes_below_a_resource_and_all_of_an_mcp_server() {
    let stage = stage(TWO);
    let api = |scope| bearer(&stage, json!("https://api.example.com/api"), scope);
    let (both, base, other) = (api("read:orders list:orders"), api("read:orders"), api("list:orders"));
    let refused = |status, code: &str| (status, code.to_owned());
    assert_eq!(told(&stage, "GET", "/api/orders", &both).await, refused(200, ""));
    assert_eq!(told(&stage, "GET", "/api/orders", &base).await, refused(403, "insufficient_scope"));
    assert_eq!(told(&stage, "GET", "/api/orders", &other).await, refused(403, "insufficient_scope"));
    // It is no MCP server: what no route is for is refused, with a good token too.
    assert_eq!(told(&stage, "POST", "/api/orders", &both).await, refused(403, "auth.no_route"));
    assert_eq!(told(&stage, "GET", "/api/x", &both).await, refused(403, "auth.no_route"));
    // The route for all paths is outside, so that it opens nothing below a resource.
    assert_eq!(decide(&stage, "GET", "/elsewhere", None).await.0, 200);
    assert_eq!(decide(&stage, "GET", "/api/x", None).await.0, 401);
    assert_eq!(decide(&stage, "GET", "/api/open", None).await.0, 200);
    let a = |scope| bearer(&stage, json!("https://api.example.com/a/mcp"), scope);
    for (method, target) in [("POST", "/a/mcp"), ("GET", "/a/mcp/"), ("DELETE", "/a/mcp/x")] {
        assert_eq!(told(&stage, method, target, &a("read:orders")).await, refused(200, ""), "{target}");
        assert_eq!(told(&stage, method, target, &a("x")).await, refused(403, "insufficient_scope"));
    }
}

#[tokio::test]
async fn a_path_that_a_server_may_take_for_one_of_a_resource_is_refused() {
    let stage = stage(TWO);
    for target in ["/A/mcp", "/a/MCP/x", "/a%2Fmcp", "/a//mcp", "/a/./mcp", "/a/mcp;v=1"] {
        let (status, code, _) = decide(&stage, "GET", target, None).await;
        assert_eq!((status, code.as_str()), (400, "auth.ambiguous_path"), "{target}");
    }
    // This one is below it in every reading; which path it is there, is not clear.
    assert_eq!(decide(&stage, "GET", "/a/mcp/x%2Fy", None).await.0, 401);
    let bearer = bearer(&stage, json!("https://api.example.com/a/mcp"), "read:orders");
    let expected = (400, "auth.ambiguous_path".to_owned());
    assert_eq!(told(&stage, "GET", "/a/mcp/x%2Fy", &bearer).await, expected);
    assert_eq!(decide(&stage, "GET", "/a/mcp2", None).await.0, 200);
}

async fn document(stage: &Stage, method: &str, target: &str) -> Option<(u16, Value)> {
    let request = Request::builder().method(method).uri(target).body(()).expect("a request");
    let (parts, body) = stage.gateway.metadata(&request)?.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Some((parts.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default()))
}

#[tokio::test]
async fn each_resource_has_its_document() {
    let stage = stage(TWO);
    let well_known = "/.well-known/oauth-protected-resource";
    let (status, found) = document(&stage, "GET", &format!("{well_known}/a/mcp")).await.expect("a document");
    let expected = json!({
        "resource": "https://api.example.com/a/mcp",
        "authorization_servers": ["https://issuer.example"],
        "scopes_supported": ["read:orders"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Orders",
    });
    assert_eq!((status, found), (200, expected));
    let (_, found) = document(&stage, "GET", &format!("/b/mcp{well_known}")).await.expect("a document");
    assert_eq!(found["resource"], "https://api.example.com/b/mcp");
    assert_eq!(document(&stage, "POST", &format!("{well_known}/a/mcp")).await.map(|told| told.0), Some(405));
    assert_eq!(document(&stage, "OPTIONS", &format!("{well_known}/api")).await.map(|told| told.0), Some(204));
    // There are several, so that none has the root.
    for target in [well_known, "/a/mcp", "/.well-known/oauth-protected-resource/c"] {
        assert_eq!(document(&stage, "GET", target).await, None, "{target}");
    }
}

#[tokio::test]
async fn the_only_resource_has_its_document_at_the_root_and_where_it_says() {
    let url = "https://public.example/team/metadata";
    let stage = stage(&format!(
        "[[resources]]\nresource = \"https://api.example.com\"\nissuers = \"main\"\nmcp = true\nmetadata_url = \"{url}\"\n"
    ));
    for target in ["/.well-known/oauth-protected-resource", "/team/metadata"] {
        let (status, found) = document(&stage, "GET", target).await.expect("a document");
        assert_eq!((status, found["resource"].as_str()), (200, Some("https://api.example.com")), "{target}");
    }
    let (status, _, challenge) = decide(&stage, "GET", "/mcp", None).await;
    assert_eq!((status, challenge), (401, Some(format!("Bearer resource_metadata=\"{url}\""))));
    // Both spellings of a bare host are its audience.
    for audience in ["https://api.example.com", "https://api.example.com/"] {
        let bearer = bearer(&stage, json!(audience), "x");
        assert_eq!(decide(&stage, "POST", "/mcp", Some(&bearer)).await.0, 200, "{audience}");
    }
}

/// Caddy looks for the documents in the path without its dot segments, and passes it on with them, and with the client's headers.
#[tokio::test]
async fn dot_segments_behind_an_endpoint_ask_nothing() {
    let stage = stage(TWO);
    for dialect in over_http() {
        let (target, own) = dialect.ask("GET", "/health", None);
        assert_eq!(stage.ask("GET", &target, &own).await.status, 200, "{target}");
        let endpoint = format!("/forward-auth/{}", dialect.name());
        for behind in ["/../../.well-known/oauth-protected-resource", "/deny/../../../.well-known/x", "/"] {
            let told = stage.ask("GET", &format!("{endpoint}{behind}"), &own).await;
            let is_refused = if dialect.name() == "envoy" { [400, 200] } else { [404; 2] };
            let expected = is_refused[usize::from(behind == "/")];
            assert_eq!(told.status, expected, "{endpoint}{behind}");
        }
    }
}

const TOOLS: &str = r#"
[[resources]]
resource = "https://api.example.com/mcp"
issuers = ["main"]
scopes = ["read:orders"]
mcp = true
tools = { create_order = ["write:orders"], list_orders = [] }
mcp_headers = "server-validates"
"#;

#[tokio::test]
async fn a_proxy_that_shows_no_body_is_told_by_the_headers_of_new_versions_alone() {
    let stage = stage(TOOLS);
    let audience = json!("https://api.example.com/mcp");
    let (weak, strong) = (
        bearer(&stage, audience.clone(), "read:orders"),
        bearer(&stage, audience, "read:orders write:orders"),
    );
    let call =
        |version, tool| [("mcp-protocol-version", version), ("mcp-method", "tools/call"), ("mcp-name", tool)];
    for (bearer, headers, status, code) in [
        (&weak, &call("2026-07-28", "list_orders")[..], 200, ""),
        (&weak, &call("2026-07-28", "create_order"), 403, "insufficient_scope"),
        (&strong, &call("2026-07-28", "create_order"), 200, ""),
        (&strong, &call("2026-07-28", "drop_all"), 403, "auth.mcp_operation_unknown"),
        (&strong, &call("2025-11-25", "list_orders"), 403, "auth.mcp_headers_insufficient"),
        (&strong, &[], 403, "auth.mcp_headers_insufficient"),
    ] {
        let own =
            [("x-original-method", "POST"), ("x-original-uri", "/mcp"), ("authorization", bearer.as_str())];
        let told = stage.ask("GET", "/forward-auth/nginx", &[&own, headers].concat()).await;
        assert_eq!((told.status, told.code()), (status, code), "{headers:?}");
    }
    let own = [("x-original-method", "GET"), ("x-original-uri", "/mcp"), ("authorization", weak.as_str())];
    assert_eq!(stage.ask("GET", "/forward-auth/nginx", &own).await.status, 200);
}

#[tokio::test]
async fn a_step_up_names_the_base_the_tool_and_what_the_token_has() {
    let text = TOOLS.replace("list_orders = []", "list_orders = [\"list:orders\"]");
    let stage = stage(&text);
    let bearer = bearer(&stage, json!("https://api.example.com/mcp"), "read:orders list:orders other");
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer.parse().expect("a value"));
    let asked = Asked {
        method: "POST",
        target: "/mcp",
        host: None,
        client: None,
        certificate: None,
        headers: &headers,
        has_body: true,
        is_trial: false,
    };
    let Decided::AfterBody(unread) = stage.gateway.decide(asked).await else { panic!("its body is needed") };
    let call = |tool: &str| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}});
        call.to_string()
    };
    let decide = |body: Body<'_>| match stage.gateway.after_body(&unread, asked, body) {
        Decision::Refuse(refused) => {
            let challenge = refused.headers.get(WWW_AUTHENTICATE).map(|value| value.to_str().expect("ASCII"));
            (refused.status.as_u16(), challenge.unwrap_or_default().to_owned())
        }
        Decision::Allow { .. } => (200, String::new()),
    };
    assert_eq!(decide(Body::Bytes(call("list_orders").as_bytes())), (200, String::new()));
    let (status, challenge) = decide(Body::Bytes(call("create_order").as_bytes()));
    assert_eq!(status, 403);
    assert!(challenge.contains("scope=\"read:orders write:orders list:orders\""), "{challenge}");
    assert_eq!(decide(Body::TooLarge).0, 413);
    assert_eq!(decide(Body::Broken).0, 400);
}
