//! `fetch_token_file`: a Bearer token for metadata and keys that are not public.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use requires_auth::discovery::FetchFailure;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::guard::Builder;
use requires_auth::introspect::{
    Introspect, Introspection, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::verify::Tokens;
use requires_auth::{Policy, Reason, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::json;

const ISSUER: &str = "https://cluster.example";
const AUDIENCE: &str = "https://api.example";

/// A URL, and the token that it was fetched with.
type Shown = (String, Option<String>);

/// A provider that answers whoever shows the token of its origin, and notes what it was shown.
#[derive(Clone)]
struct Cluster {
    key: SigningKey,
    key_set_at: &'static str,
    token: Arc<Mutex<String>>,
    shown: Arc<Mutex<Vec<Shown>>>,
    debugged: Arc<Mutex<String>>,
}

impl Cluster {
    fn new(key_set_at: &'static str) -> Self {
        Self {
            key: SigningKey::generate(Algorithm::Es256),
            key_set_at,
            token: Arc::new(Mutex::new("first.secret".to_owned())),
            shown: Arc::default(),
            debugged: Arc::default(),
        }
    }

    fn shown(&self) -> Vec<Shown> {
        std::mem::take(&mut *self.shown.lock().expect("no panic"))
    }
}

impl Fetch for Cluster {
    fn fetch(&self, request: FetchRequest) -> FetchFuture {
        let token = request.bearer_token().map(ToOwned::to_owned);
        let is_ours = token.as_deref() == Some(&**self.token.lock().expect("no panic"));
        self.shown.lock().expect("no panic").push((request.url().to_string(), token));
        write!(self.debugged.lock().expect("no panic"), "{request:?}").expect("a string takes it");
        let answer = if !is_ours && request.url().as_str().starts_with(ISSUER) {
            FetchResponse::new(401, "")
        } else if request.url().path().contains("openid-configuration") {
            let document = json!({
                "issuer": ISSUER, "jwks_uri": self.key_set_at, "introspection_endpoint": "https://cluster.example/i",
            });
            FetchResponse::new(200, document.to_string())
        } else {
            FetchResponse::new(200, jwk_set([&self.key]).to_string())
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// A file of this test alone.
struct TokenFile(PathBuf);

impl TokenFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("requires-auth-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("a file");
        Self(path)
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn builder(cluster: &Cluster, file: &TokenFile) -> Builder {
    RequiresAuth::builder(ISSUER, AUDIENCE).with_fetch(cluster.clone()).with_fetch_token_file(&file.0)
}

async fn failure(builder: Builder) -> FetchFailure {
    let error = builder.build().expect("a guard").warm().await.expect_err("no keys");
    error.failures().next().expect("one issuer").1.clone()
}

#[tokio::test]
async fn the_token_is_shown_to_the_issuer_and_read_at_each_fetch() {
    let cluster = Cluster::new("https://cluster.example/keys");
    let file = TokenFile::new("each", "first.secret\n");
    let auth = builder(&cluster, &file).build().expect("a guard");
    auth.warm().await.expect("keys");
    let token = Forge::new(ISSUER, AUDIENCE, cluster.key.clone()).token().mint();
    assert!(auth.verify(&token, &Policy::default()).await.is_ok());
    let tokens: Vec<_> = cluster.shown().into_iter().map(|(_, token)| token).collect();
    assert_eq!(tokens, [Some("first.secret".to_owned()), Some("first.secret".to_owned())]);

    fs::write(&file.0, "second.secret").expect("a file");
    *cluster.token.lock().expect("no panic") = "second.secret".to_owned();
    assert_eq!(auth.examine().await[0].keys().len(), 1);
    assert!(cluster.shown().iter().all(|(_, token)| token.as_deref() == Some("second.secret")));
    assert!(!cluster.debugged.lock().expect("no panic").contains("secret"), "`Debug` does not show it");
}

/// Asks nobody, and says of every token that it is not active.
struct Inactive;

impl Introspect for Inactive {
    fn introspect(&self, _: IntrospectionRequest) -> IntrospectionFuture {
        Box::pin(std::future::ready(Ok(IntrospectionResponse::new(200, r#"{"active":false}"#))))
    }
}

#[tokio::test]
async fn the_introspection_endpoint_is_found_in_metadata_that_are_not_public() {
    let cluster = Cluster::new("https://cluster.example/keys");
    let file = TokenFile::new("endpoint", "first.secret");
    let reason = async |builder: Builder| {
        let introspection = Introspection::discovered().with_client_secret("api", "secret");
        let builder = builder.with_introspect(Inactive).with_introspection(introspection);
        let auth = builder.with_accepted_tokens(Tokens::Opaque).build().expect("a guard");
        let denial = auth.verify("opaque-token", &Policy::default()).await.expect_err("not active");
        denial.reason()
    };
    assert_eq!(reason(builder(&cluster, &file)).await, Some(Reason::Inactive));
    let shown = cluster.shown();
    assert!(!shown.is_empty() && shown.iter().all(|(_, token)| token.as_deref() == Some("first.secret")));
    let elsewhere = "https://elsewhere.example/openid-configuration";
    assert_eq!(reason(builder(&cluster, &file).with_discovery_url(elsewhere)).await, Some(Reason::Inactive));
    assert_eq!(cluster.shown(), [(elsewhere.to_owned(), None)]);
    let without = RequiresAuth::builder(ISSUER, AUDIENCE).with_fetch(cluster.clone());
    assert_eq!(reason(without).await, None, "nobody could be asked");
}

#[tokio::test]
async fn the_token_is_shown_to_nobody_else() {
    let cluster = Cluster::new("https://elsewhere.example/keys");
    let file = TokenFile::new("else", "first.secret");
    builder(&cluster, &file).build().expect("a guard").warm().await.expect("keys");
    let shown = cluster.shown();
    assert_eq!(shown[0].1.as_deref(), Some("first.secret"));
    assert_eq!(shown[1], ("https://elsewhere.example/keys".to_owned(), None));

    let pinned = builder(&cluster, &file).with_jwks_uri("https://pinned.example/keys");
    pinned.build().expect("a guard").warm().await.expect("keys");
    assert_eq!(
        cluster.shown(),
        [("https://pinned.example/keys".to_owned(), Some("first.secret".to_owned()))]
    );
    let without = RequiresAuth::builder(ISSUER, AUDIENCE).with_fetch(cluster.clone());
    assert_eq!(failure(without).await, FetchFailure::NoMetadata(401));
}

#[tokio::test]
async fn a_file_without_a_token_is_told_and_nothing_of_it() {
    let cluster = Cluster::new("https://cluster.example/keys");
    for text in ["", "\n", "two tokens", "line\nbreak", "secret\u{e9}", "header: secret"] {
        let file = TokenFile::new("bad", text);
        let failure = failure(builder(&cluster, &file)).await;
        assert_eq!(failure, FetchFailure::TokenFile("what is in it is not a token".to_owned()), "{text}");
    }
    let file = TokenFile::new("gone", "");
    fs::remove_file(&file.0).expect("a file");
    assert_eq!(failure(builder(&cluster, &file)).await.as_str(), "token_file");
    assert_eq!(cluster.shown(), []);
}
