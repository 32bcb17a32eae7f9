//! The shared vectors through the reverse proxy, over loopback: what may pass reaches the application, and nothing else does.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use requires_auth::RequiresAuth;
use requires_auth_testkit::vectors::{Outcome, RequestCase, request_cases, token_cases};
use tokio::net::TcpListener;

use crate::gateway::config::{Config, Listen};
use crate::gateway::connection_limit::ConnectionLimit;
use crate::gateway::connections::Connections;
use crate::gateway::listen::Listener;
use crate::gateway::service::Service;
use crate::gateway::vector_gateway::{self, Told};

/// What a request whose type says so has in its body: a token that nobody reads.
const FORM: (&str, &str) = ("application/x-www-form-urlencoded", "access_token=other");

/// Requests that are not answered as the case says, with the reason.
struct NotAlike {
    applies: fn(&RequestCase) -> bool,
    why: &'static str,
}

/// All of them. Each is refused.
const NOT_ALIKE: [NotAlike; 1] = [NotAlike {
    applies: |case| case.outcome == Outcome::Anonymous,
    why: "a route of the gateway wants a token, or looks at none",
}];

/// One server in front of one application, which answers with the body that it got. Each case gives it another configuration.
pub(super) struct Stage {
    address: String,
    /// The sections that lead to the application.
    pub(super) sections: String,
    current: Arc<Mutex<Option<Arc<Service>>>>,
    /// How many requests have reached the application.
    passed: Arc<AtomicUsize>,
    /// Whether proofs reach the application.
    pub(super) leaves_proofs: Arc<AtomicBool>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let application = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let upstream = application.local_addr().expect("an address");
        let passed = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&passed);
        let leaving: Arc<AtomicBool> = Arc::default();
        let leaves_proofs = Arc::clone(&leaving);
        let application_of_all = Router::new().fallback(move |request: axum::extract::Request| async move {
            counted.fetch_add(1, Ordering::Relaxed);
            assert!(!request.headers().contains_key(AUTHORIZATION));
            let has_proof = request.headers().contains_key("dpop");
            assert!(!has_proof || leaves_proofs.load(Ordering::Relaxed), "a proof");
            request.into_body()
        });
        tokio::spawn(async { axum::serve(application, application_of_all).await });

        let current: Arc<Mutex<Option<Arc<Service>>>> = Arc::default();
        let own = Arc::clone(&current);
        let handler = move |request, caller| {
            let service = own.lock().expect("no panic").clone().expect("a configuration");
            async move { service.answer(request, caller).await }
        };
        let any_port = Listen::parse("127.0.0.1:0").expect("an address");
        let listener = Listener::bind(&any_port).await.expect("a port");
        let address = listener.name("http");
        let limit = ConnectionLimit::new(64, None);
        let connections = Connections { listener, tls: None, limit, is_exempt: Box::new(|_| true) };
        tokio::spawn(async {
            connections.serve(handler, std::future::pending::<()>()).await.shutdown().await;
        });
        Self {
            address,
            sections: format!("\n[reverse_proxy]\nupstream = \"http://{upstream}\"\n"),
            current,
            passed,
            leaves_proofs: leaving,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Asks under this configuration. `None` if no client can send such a request; else what is told, the headers of the
    /// answer, and whether the request has reached the application.
    async fn ask<V: AsRef<[u8]>>(
        &self,
        of_case: (Config, RequiresAuth),
        target: (&str, &str),
        headers: &[(&str, V)],
    ) -> Option<(Told, HeaderMap, bool)> {
        let is_form = |(name, value): &(&str, V)| {
            CONTENT_TYPE.as_str().eq_ignore_ascii_case(name) && value.as_ref() == FORM.0.as_bytes()
        };
        let body = if headers.iter().any(is_form) { FORM.1 } else { "" };
        let (parts, body, passed) = self.send(of_case, target, headers, body.into()).await?;
        Some((Told::over_http(parts.status, &parts.headers, &body), parts.headers, passed))
    }

    /// Sends a request under this configuration. `None` if no client can; else the head of the answer, its body, and whether
    /// the request has reached the application.
    pub(super) async fn send<V: AsRef<[u8]>>(
        &self,
        of_case: (Config, RequiresAuth),
        target: (&str, &str),
        headers: &[(&str, V)],
        body: Bytes,
    ) -> Option<(Parts, Bytes, bool)> {
        self.serve(of_case);
        self.send_again(target, headers, body).await
    }

    /// Serves this configuration from now on.
    pub(super) fn serve(&self, (config, auth): (Config, RequiresAuth)) {
        let service = Service::new(&config, auth).expect("a service");
        *self.current.lock().expect("no panic") = Some(Arc::new(service));
    }

    /// Sends a request under the configuration that is served.
    pub(super) async fn send_again<V: AsRef<[u8]>>(
        &self,
        (method, target): (&str, &str),
        headers: &[(&str, V)],
        body: Bytes,
    ) -> Option<(Parts, Bytes, bool)> {
        self.passed.store(0, Ordering::Relaxed);

        let mut request = Request::builder().method(method).uri(format!("{}{target}", self.address));
        for (name, value) in headers {
            request = request.header(*name, value.as_ref());
        }
        let answer = self.client.request(request.body(Full::from(body)).ok()?).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let passed = self.passed.load(Ordering::Relaxed);
        assert!(passed <= 1, "{passed}");
        Some((parts, body, passed == 1))
    }

    async fn ask_case(&self, case: &RequestCase) -> (Told, HeaderMap, bool) {
        let headers: Vec<_> = case.headers.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let of_case = vector_gateway::of_request(case, &self.sections);
        let asked = self.ask(of_case, (&case.method, &case.url), &headers).await;
        asked.unwrap_or_else(|| panic!("{}: no client sends this", case.id))
    }
}

fn why_not(case: &RequestCase) -> Option<&'static str> {
    NOT_ALIKE.iter().find(|line| (line.applies)(case)).map(|line| line.why)
}

/// What is to be answered: that to HEAD has no body.
fn expected(case: &RequestCase) -> Told {
    let told = Told::expected_of_request(case);
    if case.method == Method::HEAD.as_str() { Told { code: None, reason: None, ..told } } else { told }
}

#[tokio::test]
async fn every_request_gets_one_verdict_and_only_what_may_pass_reaches_the_application() {
    let stage = Stage::new().await;
    let mut asked = 0;
    for case in request_cases().iter().filter(|case| why_not(case).is_none()) {
        let (told, headers, passed) = stage.ask_case(case).await;
        assert_eq!(told, expected(case), "{}", case.id);
        assert_eq!(passed, told.status == 200, "{}", case.id);
        for (name, value) in &case.response_headers {
            let found = headers.get(name).and_then(|own| own.to_str().ok());
            assert_eq!(found, Some(&**value), "{}: {name}", case.id);
        }
        asked += 1;
    }
    assert!(asked > 200, "{asked}");
}

/// A line that is not needed would hide a difference.
#[tokio::test]
async fn what_is_not_answered_alike_is_refused_and_each_line_is_needed() {
    let stage = Stage::new().await;
    let mut found: Vec<&str> = Vec::new();
    for case in &request_cases() {
        let Some(why) = why_not(case) else { continue };
        found.push(why);
        let (told, _, passed) = stage.ask_case(case).await;
        assert!(told != expected(case) && told.status >= 400 && !passed, "{}: {told:?}: {why}", case.id);
    }
    for NotAlike { why, .. } in NOT_ALIKE {
        assert!(found.contains(&why), "no case needs this: {why}");
    }
}

#[tokio::test]
async fn every_token_gets_one_verdict_and_only_good_ones_reach_the_application() {
    let stage = Stage::new().await;
    let (mut asked, mut not_asked) = (0, 0);
    for case in token_cases() {
        let asked_now = match vector_gateway::of_token(&case, &stage.sections) {
            Some(of_case) => {
                let authorization = format!("Bearer {}", case.token);
                stage.ask(of_case, ("GET", "/"), &[(AUTHORIZATION.as_str(), authorization)]).await
            }
            None => None,
        };
        let Some((told, _, passed)) = asked_now else {
            not_asked += 1;
            continue;
        };
        assert_eq!(told, Told::expected_of_token(&case), "{}", case.id);
        assert_eq!(passed, told.status == 200, "{}", case.id);
        asked += 1;
    }
    println!("{asked} tokens; {not_asked} cannot be asked about");
    assert!(asked > 1_000, "{asked}");
}
