//! An issuer with a clock that a test moves, and the requests of a client that logs in.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use requires_auth_testkit::issuer::{Builder, DevelopmentIssuer};
use reqwest::{Response, StatusCode, Url};
use serde_json::{Value, json};

use super::{client, get_json, header, post};

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const RESOURCE: &str = "https://api.example.com/mcp";
pub(crate) const CALLBACK: &str = "http://127.0.0.1:4711/callback?app=1";
/// The example of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A running issuer with a clock that a test moves, and the endpoints that its metadata name.
pub(crate) struct Server {
    pub(crate) issuer: DevelopmentIssuer,
    pub(crate) metadata: Value,
    pub(crate) clock: Arc<AtomicI64>,
}

impl Server {
    pub(crate) async fn start(builder: Builder) -> Self {
        let clock = Arc::new(AtomicI64::new(NOW));
        let seconds = Arc::clone(&clock);
        let builder = builder.now(move || seconds.load(Ordering::Relaxed));
        let issuer = builder.start().await.expect("loopback has a free port");
        let metadata = get_json(issuer.oauth_metadata_url()).await;
        Self { issuer, metadata, clock }
    }

    pub(crate) fn endpoint(&self, name: &str) -> &str {
        self.metadata[format!("{name}_endpoint")].as_str().expect("a URL")
    }

    pub(crate) async fn register(&self, metadata: Value) -> Response {
        client().post(self.endpoint("registration")).json(&metadata).send().await.expect("an answer")
    }

    /// The id of a public client that refreshes, as MCP clients register.
    pub(crate) async fn public_client(&self) -> String {
        let metadata = json!({
            "redirect_uris": ["http://127.0.0.1:3000/callback?app=1"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "application_type": "native",
            "client_name": "a test",
            "scope": "read:items",
        });
        let answer = self.register(metadata).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        assert_eq!(header(&answer, "cache-control"), "no-store");
        let answer: Value = answer.json().await.expect("JSON");
        assert_eq!((answer.get("client_secret"), answer.get("scope")), (None, None));
        assert_eq!(answer["client_name"], "a test");
        assert_eq!(answer["grant_types"], json!(["authorization_code", "refresh_token"]));
        answer["client_id"].as_str().expect("an id").to_owned()
    }

    /// Sends an authorization request: a good one in which some parameters are replaced, or left out if empty.
    pub(crate) async fn authorize(&self, client_id: &str, changes: &[(&str, &str)]) -> Response {
        let good = [
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "a state & more"),
            ("resource", RESOURCE),
            ("scope", "read:items  openid offline_access"),
            ("login_hint", "bob"),
            ("nonce", "n"),
        ];
        let is_replaced = |name: &str| changes.iter().any(|(other, _)| *other == name);
        let kept = good.into_iter().filter(|(name, _)| !is_replaced(name));
        let query: Vec<_> =
            kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
        let url = Url::parse_with_params(self.endpoint("authorization"), query).expect("a URL");
        client().get(url).send().await.expect("an answer")
    }

    pub(crate) async fn code(&self, client_id: &str) -> String {
        answer_of(&self.authorize(client_id, &[]).await)["code"].clone()
    }

    /// Sends a token request of a public client; the answer with its status.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = post(self.endpoint("token"), None, form).await;
        assert_eq!(header(&answer, "cache-control"), "no-store");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    pub(crate) async fn redeem(&self, client_id: &str, code: &str) -> (u16, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", CALLBACK),
        ])
        .await
    }

    pub(crate) async fn refresh(&self, client_id: &str, token: &str, more: &[(&str, &str)]) -> (u16, Value) {
        let form = [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)];
        self.token(&[&form, more].concat()).await
    }

    pub(crate) async fn is_active(&self, token: &str) -> bool {
        let url = self.endpoint("introspection");
        let answer = post(url, Some(("api", "any")), &[("token", token)]).await;
        answer.json::<Value>().await.expect("JSON")["active"] == true
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The parameters that a redirect brings to the client.
pub(crate) fn answer_of(response: &Response) -> HashMap<String, String> {
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(header(response, "cache-control"), "no-store");
    let location = header(response, "location");
    assert!(location.starts_with(&format!("{CALLBACK}&")), "{location}");
    let query = Url::parse(location).expect("a URL");
    query.query_pairs().into_owned().collect()
}
