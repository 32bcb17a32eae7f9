//! A guard around a server of tonic, and its client over HTTP/2 on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use requires_auth::dpop::Dpop;
use requires_auth::policy::ClaimTest;
use requires_auth::tonic::GrpcLayer;
use requires_auth::{AccessToken, Policy, RequiresAuth};
use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tonic::metadata::MetadataMap;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

mod fixture;

use fixture::{AUDIENCE, ISSUER, builder, cold_guard, expired_token, guard, jwks, now, token};

const SERVICE: &str = "grpc.health.v1.Health";

/// The service of health checks in another role: `Check` says whom it was called by, `Watch` streams.
#[derive(Clone, Default)]
struct Whoami {
    /// Told once a call that never ends is given up.
    given_up: Arc<Notify>,
}

type Watched = Pin<Box<dyn tokio_stream::Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Health for Whoami {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let token = request.extensions().get::<AccessToken>();
        let subject = token.map_or("nobody", |token| token.subject().unwrap_or_default()).to_owned();
        if request.get_ref().service == "forever" {
            assert!(request.metadata().contains_key("grpc-timeout"));
            let _given_up = Told(Arc::clone(&self.given_up));
            std::future::pending::<()>().await;
        }
        if request.get_ref().service == "unknown" {
            return Err(Status::not_found("of the application"));
        }
        let mut response = Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() });
        response.metadata_mut().insert("x-subject", subject.parse().unwrap());
        Ok(response)
    }

    type WatchStream = Watched;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Watched>, Status> {
        let all = [ServingStatus::NotServing, ServingStatus::Serving, ServingStatus::Unknown];
        let all = all.map(|status| Ok(HealthCheckResponse { status: status.into() }));
        Ok(Response::new(Box::pin(tokio_stream::iter(all))))
    }
}

/// Tells that it was dropped.
struct Told(Arc<Notify>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

async fn serve(layer: GrpcLayer, service: Whoami) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().layer(layer).add_service(HealthServer::new(service));
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn client(layer: GrpcLayer) -> HealthClient<Channel> {
    let address = serve(layer, Whoami::default()).await;
    connected(address).await
}

async fn connected(address: SocketAddr) -> HealthClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn request(token: Option<&str>) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

/// What a client sees of a refusal: status, message, `auth-code`, `auth-reason`.
fn seen(status: &Status) -> (Code, &str, &str, Option<&str>) {
    let metadata = |name| status.metadata().get(name).map(|value| value.to_str().unwrap());
    (status.code(), status.message(), metadata("auth-code").unwrap(), metadata("auth-reason"))
}

fn challenges(metadata: &MetadataMap) -> Vec<&str> {
    metadata.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_call_with_a_valid_token_reaches_the_method() {
    let mut client = client(guard().grpc().layer()).await;
    let response = client.check(request(Some(&token().mint()))).await.unwrap();
    assert_eq!(response.metadata().get("x-subject").unwrap(), "alice");
    assert_eq!(response.get_ref().status(), ServingStatus::Serving);
    // What the application refuses is its own affair.
    let mut unknown = request(Some(&token().mint()));
    unknown.get_mut().service = "unknown".to_owned();
    let status = client.check(unknown).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "of the application"));
    assert!(status.metadata().get("auth-code").is_none());
}

#[tokio::test]
async fn each_refusal_is_a_status_with_its_challenge() {
    let layer = guard().grpc().require(SERVICE, "read:orders").layer();
    let mut client = client(layer).await;
    let mut refused = async |token: Option<&str>| client.check(request(token)).await.unwrap_err();

    let status = refused(None).await;
    let missing = "the request has no Authorization header";
    let expected = (Code::Unauthenticated, missing, "auth.authorization_header_missing", None);
    assert_eq!(seen(&status), expected);
    assert_eq!(challenges(status.metadata()), ["Bearer"]);
    assert_eq!(status.metadata().get("cache-control").unwrap(), "no-store");

    let status = refused(Some(&expired_token())).await;
    let expected = (Code::Unauthenticated, "the token has expired", "invalid_token", Some("expired"));
    assert_eq!(seen(&status), expected);
    let challenge = r#"Bearer error="invalid_token", error_description="the token has expired""#;
    assert_eq!(challenges(status.metadata()), [challenge]);

    let status = refused(Some(&token().scope("read:stock").mint())).await;
    assert_eq!((status.code(), seen(&status).2), (Code::PermissionDenied, "insufficient_scope"));
    assert!(challenges(status.metadata())[0].ends_with(r#"scope="read:orders""#));

    let mut twice = request(Some(&token().scope("read:orders").mint()));
    twice.metadata_mut().append("authorization", "Bearer abc".parse().unwrap());
    let status = client.check(twice).await.unwrap_err();
    assert_eq!((status.code(), seen(&status).2), (Code::InvalidArgument, "invalid_request"));
}

#[tokio::test]
async fn an_issuer_out_of_reach_is_unavailable() {
    let mut client = client(cold_guard(false).grpc().layer()).await;
    let status = client.check(request(Some(&token().mint()))).await.unwrap_err();
    assert_eq!((status.code(), seen(&status).2), (Code::Unavailable, "auth.issuer_unavailable"));
    assert!(status.metadata().get("retry-after").unwrap().to_str().unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(challenges(status.metadata()), [""; 0]);
}

#[tokio::test]
async fn keys_are_fetched_while_the_call_waits() {
    let mut client = client(cold_guard(true).grpc().layer()).await;
    for _ in 0..2 {
        assert!(client.check(request(Some(&token().mint()))).await.is_ok());
    }
}

#[tokio::test]
async fn a_stream_passes_whole_and_is_refused_before_it_begins() {
    let mut client = client(guard().grpc().layer()).await;
    let mut stream = client.watch(request(Some(&token().mint()))).await.unwrap().into_inner();
    let mut found = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        found.push(message.status());
    }
    assert_eq!(found, [ServingStatus::NotServing, ServingStatus::Serving, ServingStatus::Unknown]);
    let status = client.watch(request(None)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_narrowest_rule_counts() {
    let own = Policy::default().with_claim("tenant", ClaimTest::equals("acme"));
    let layer = guard()
        .grpc()
        .require_policy(SERVICE, own)
        .require(&format!("/{SERVICE}/Watch"), "watch")
        .others(Policy::all_of(["never"]))
        .layer();
    let mut client = client(layer).await;
    let (of_acme, watching) = (token().claim("tenant", "acme").mint(), token().scope("watch").mint());
    assert!(client.check(request(Some(&of_acme))).await.is_ok());
    assert_eq!(client.check(request(Some(&watching))).await.unwrap_err().code(), Code::PermissionDenied);
    assert!(client.watch(request(Some(&watching))).await.is_ok());
    assert_eq!(client.watch(request(Some(&of_acme))).await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn what_is_open_by_name_needs_nothing_and_nothing_else_is_open() {
    let mut open = client(guard().grpc().open(SERVICE).layer()).await;
    for token in [None, Some("opaque"), Some(expired_token().as_str())] {
        let response = open.check(request(token)).await.unwrap();
        assert_eq!(response.metadata().get("x-subject").unwrap(), "nobody");
    }
    let mut one_method = client(guard().grpc().open(&format!("{SERVICE}/Watch")).layer()).await;
    assert!(one_method.watch(request(None)).await.is_ok());
    assert_eq!(one_method.check(request(None)).await.unwrap_err().code(), Code::Unauthenticated);
    for near in
        ["grpc.health.v1.Healt", "grpc.health.v1.Healthy", "grpc.health.v1", "grpc.health.v1.Health/Chec"]
    {
        let mut client = client(guard().grpc().open(near).layer()).await;
        assert_eq!(client.check(request(None)).await.unwrap_err().code(), Code::Unauthenticated, "{near}");
    }
}

#[tokio::test]
async fn an_optional_service_takes_no_token_and_no_bad_one() {
    let mut client = client(guard().grpc().optional(SERVICE).layer()).await;
    let response = client.check(request(None)).await.unwrap();
    assert_eq!(response.metadata().get("x-subject").unwrap(), "nobody");
    let response = client.check(request(Some(&token().mint()))).await.unwrap();
    assert_eq!(response.metadata().get("x-subject").unwrap(), "alice");
    assert_eq!(client.check(request(Some("opaque"))).await.unwrap_err().code(), Code::Unauthenticated);
}

/// `grpc-timeout` reaches tonic as it was sent: the call ends by it, and its handler is given up.
#[tokio::test]
async fn a_timeout_of_the_client_is_kept() {
    let service = Whoami::default();
    let address = serve(guard().grpc().layer(), service.clone()).await;
    let mut client = connected(address).await;
    let mut forever = request(Some(&token().mint()));
    forever.get_mut().service = "forever".to_owned();
    forever.set_timeout(Duration::from_millis(200));
    let status = client.check(forever).await.unwrap_err();
    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{status:?}");
    service.given_up.notified().await;
}

/// RFC 9449 §4.2: a proof is for the method of HTTP and the URL, which are `POST` and that of the method of the service.
#[tokio::test]
async fn a_proof_is_for_the_url_of_the_method() {
    let auth = builder().with_public_url(AUDIENCE).with_dpop(Dpop::allowed()).build().unwrap();
    let mut client = client(auth.grpc().layer()).await;
    let key = SigningKey::generate(Algorithm::Es256);
    let token = token().bound_to(&key).mint();
    let unix = now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let proof = |method: &str, called: &str| {
        let proof = ProofBuilder::new(&key, method, format!("{AUDIENCE}/{SERVICE}/{called}"));
        proof.token(&token).issued_at(unix.try_into().unwrap()).mint()
    };
    let mut answer = async |proof: &str| {
        let mut request = request(None);
        request.metadata_mut().insert("authorization", format!("DPoP {token}").parse().unwrap());
        request.metadata_mut().insert("dpop", proof.parse().unwrap());
        match client.check(request).await {
            Ok(_) => "passed".to_owned(),
            Err(status) => {
                let challenges = challenges(status.metadata());
                assert!(
                    challenges.iter().any(|value| value.starts_with("DPoP error=\"invalid_dpop_proof\""))
                );
                seen(&status).3.unwrap().to_owned()
            }
        }
    };
    let good = proof("POST", "Check");
    assert_eq!(answer(&good).await, "passed");
    assert_eq!(answer(&good).await, "proof_reused");
    assert_eq!(answer(&proof("GET", "Check")).await, "proof_method");
    assert_eq!(answer(&proof("POST", "Watch")).await, "proof_url");
}

mod bare {
    //! Requests that no client of gRPC sends.

    use axum::body::Bytes;
    use http_body_util::Full;
    use tower::{Layer, ServiceExt};

    use super::*;

    type Answer = http::Response<Vec<u8>>;

    /// Sends a request through the layer to the services of tonic, with an empty message.
    async fn through(auth: &RequiresAuth, request: http::request::Builder) -> Answer {
        use http_body_util::BodyExt;

        let routes = tonic::service::Routes::new(HealthServer::new(Whoami::default()));
        let message = Full::new(Bytes::from_static(&[0; 5]));
        let request = request.uri(format!("/{SERVICE}/Check")).body(tonic::body::Body::new(message)).unwrap();
        let response = auth.grpc().layer().layer(routes.prepare()).oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        http::Response::from_parts(parts, body.collect().await.unwrap().to_bytes().to_vec())
    }

    fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
        answer.headers().get(name).map(|value| value.to_str().unwrap())
    }

    /// tonic looks at no method: without a guard that refuses it, this would be a call without a token.
    #[tokio::test]
    async fn what_looks_like_a_preflight_runs_no_method() {
        let preflight = || {
            let request = http::Request::options("/").header("content-type", "application/grpc");
            request.header("origin", "https://app.example").header("access-control-request-method", "POST")
        };
        let bearer = |token: String| format!("Bearer {token}");
        let answer = through(&guard(), preflight()).await;
        assert_eq!((header(&answer, "grpc-status"), header(&answer, "x-subject")), (Some("16"), None));
        // With a token it is a call like any other, whatever one thinks of that.
        let answer = through(&guard(), preflight().header("authorization", bearer(token().mint()))).await;
        assert_eq!(header(&answer, "x-subject"), Some("alice"));
    }

    #[tokio::test]
    async fn a_call_of_grpc_web_is_answered_in_its_own_media_type() {
        for (sent, answered) in [
            ("application/grpc-web+proto", "application/grpc-web"),
            ("application/grpc-web-text", "application/grpc-web-text"),
        ] {
            let request = http::Request::post("/").header("content-type", sent);
            let answer = through(&guard(), request.header("origin", "https://app.example")).await;
            assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, Some(answered)));
            assert_eq!((header(&answer, "grpc-status"), answer.body().len()), (Some("16"), 0));
            let exposed: Vec<_> = answer.headers().get_all("access-control-expose-headers").iter().collect();
            assert_eq!(exposed, ["WWW-Authenticate", "grpc-status, grpc-message, auth-code, auth-reason"]);
        }
    }

    #[tokio::test]
    async fn what_is_not_a_call_is_refused_as_http_has_it() {
        for other in [None, Some("application/json"), Some("application/grpcs")] {
            let request = http::Request::post("/");
            let request =
                other.map_or(request, |other| http::Request::post("/").header("content-type", other));
            let answer = through(&guard(), request).await;
            assert_eq!(
                (answer.status().as_u16(), header(&answer, "www-authenticate")),
                (401, Some("Bearer"))
            );
            assert!(answer.body().starts_with(b"{\"code\":") && header(&answer, "grpc-status").is_none());
        }
    }

    #[tokio::test]
    async fn the_document_of_a_resource_is_served() {
        let auth = RequiresAuth::resource_builder(ISSUER, AUDIENCE).with_jwks(jwks()).build().unwrap();
        let request =
            http::Request::get("/.well-known/oauth-protected-resource").body(tonic::body::Body::empty());
        let routes = tonic::service::Routes::new(HealthServer::new(Whoami::default()));
        let response = auth.grpc().layer().layer(routes.prepare()).oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/json");
    }
}
