//! What a client gets that calls a tool.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use requires_auth::RequiresAuth;
use requires_auth_example_mcp_rmcp::app;
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::{Value, json};
use tower::ServiceExt;

const ISSUER: &str = "https://issuer.example";
const RESOURCE: &str = "https://api.example/mcp";

struct Server {
    app: axum::Router,
    forge: Forge,
}

impl Server {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Es256);
        let auth = RequiresAuth::resource_builder(ISSUER, RESOURCE).with_jwks(jwk_set([&key]).to_string());
        let app = app(&auth.build().unwrap(), &["api.example"]);
        Self { app, forge: Forge::new(ISSUER, RESOURCE, key) }
    }

    async fn call(&self, scope: Option<&str>, tool: &str) -> Response<Body> {
        let params = json!({ "name": tool, "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let mut request = Request::post("/mcp")
            .header("host", "api.example")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-06-18");
        if let Some(scope) = scope {
            let token = self.forge.token().subject("alice").scope(scope).mint();
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.app.clone().oneshot(request).await.unwrap()
    }
}

async fn text(response: Response<Body>) -> String {
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    body["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

fn challenge(response: &Response<Body>) -> String {
    response.headers()["www-authenticate"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_steps_up_for_a_tool() {
    let server = Server::new();
    let refused = server.call(None, "list_orders").await;
    assert_eq!(refused.status(), 401);
    assert!(challenge(&refused).starts_with("Bearer scope=\"read:orders\", resource_metadata="));

    let listed = server.call(Some("read:orders"), "list_orders").await;
    assert_eq!(listed.status(), 200);
    assert_eq!(text(listed).await, "orders: 1, 2");

    let refused = server.call(Some("read:orders"), "create_order").await;
    assert_eq!(refused.status(), 403);
    assert!(challenge(&refused).contains("scope=\"read:orders write:orders\""));

    // The tool knows who calls.
    let created = server.call(Some("read:orders write:orders"), "create_order").await;
    assert_eq!(created.status(), 200);
    assert_eq!(text(created).await, "created: 3 for alice");
}

#[tokio::test]
async fn a_tool_that_is_not_named_is_refused() {
    assert_eq!(Server::new().call(Some("read:orders write:orders"), "drop_orders").await.status(), 403);
}
