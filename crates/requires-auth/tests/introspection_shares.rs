//! The questions about opaque tokens that there may be are shared between clients: one that floods does not take what the
//! others need.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use requires_auth::introspect::{
    Introspect, Introspection, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::verify::Tokens;
use requires_auth::{Request, RequiresAuth};
use tokio::sync::Semaphore;

const NOW: u64 = 1_800_000_000_000;
const FLOODING: &str = "192.0.2.1";

/// A provider that knows every token which begins with `good`. It answers while its gate is open.
#[derive(Clone)]
struct Provider {
    calls: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl Introspect for Provider {
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let answer = if request.body().contains("token=good") {
            r#"{"active":true,"token_type":"Bearer","aud":"https://api.example","sub":"alice"}"#
        } else {
            r#"{"active":false}"#
        };
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            drop(gate.acquire().await.expect("open"));
            Ok(IntrospectionResponse::new(200, answer))
        })
    }
}

#[derive(Clone)]
struct Api {
    auth: RequiresAuth,
    provider: Provider,
    /// In milliseconds.
    clock: Arc<AtomicU64>,
}

impl Api {
    fn new(introspection: Introspection, is_open: bool) -> Self {
        let gate = Arc::new(Semaphore::new(usize::from(is_open)));
        let (provider, clock) = (Provider { calls: Arc::default(), gate }, Arc::new(AtomicU64::new(NOW)));
        let time = Arc::clone(&clock);
        let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
            .with_introspection(introspection.with_client_secret("api", "secret"))
            .with_introspect(provider.clone())
            .with_accepted_tokens(Tokens::Opaque)
            .with_clock(move || UNIX_EPOCH + Duration::from_millis(time.load(Ordering::SeqCst)))
            .build()
            .expect("a guard");
        Self { auth, provider, clock }
    }

    fn of_a_second(calls: usize) -> Self {
        let at = Introspection::at("https://issuer.example/introspect");
        Self::new(at.with_calls_per_second(calls), true)
    }

    /// What a client at this address is answered; 200 stands for a token that is good.
    async fn status(&self, client: &str, token: &str) -> u16 {
        let headers = [("authorization", format!("Bearer {token}"))];
        let request = Request::new("GET", "/", &headers).from_client(client.parse().expect("an address"));
        self.auth.authenticate(&request).await.map_or_else(|denial| denial.status(), |_| 200)
    }

    /// How often each status is answered to made-up tokens: 401 where the provider was asked, 503 where it was not.
    async fn flood(&self, client: &str, requests: usize, part: &str) -> (usize, usize) {
        let mut asked = 0;
        for number in 0..requests {
            let token = format!("made-up-{client}-{part}-{number}").replace(':', ".");
            let status = self.status(client, &token).await;
            assert!(matches!(status, 401 | 503), "{status}");
            asked += usize::from(status == 401);
        }
        (asked, requests - asked)
    }
}

#[tokio::test]
async fn who_floods_is_held_back_while_the_first_token_of_another_one_is_asked_about() {
    let api = Api::of_a_second(100);
    assert_eq!(api.flood(FLOODING, 500, "a").await, (50, 450));
    assert_eq!(api.status("192.0.2.2", "good-token-of-bob").await, 200);
    assert_eq!(api.status("2001:db8::1", "good-token-of-carol").await, 200);
    assert_eq!(api.status(FLOODING, "good-token-of-mallory").await, 503);
    // While it goes on: each 10 milliseconds bring one call, which the flood takes.
    for step in 0..300 {
        api.clock.fetch_add(10, Ordering::SeqCst);
        api.flood(FLOODING, 5, &format!("b{step}")).await;
    }
    assert_eq!(api.status("192.0.2.3", "good-token-of-dave").await, 200);
    assert!(api.provider.calls.load(Ordering::SeqCst) <= 100 + 300, "no more than 100 a second in all");
}

#[tokio::test]
async fn an_unknown_sender_and_one_who_is_alone_get_what_there_is() {
    let api = Api::of_a_second(20);
    let mut asked = 0;
    for number in 0..100 {
        let told = api.auth.verify(&format!("made-up-{number}"), &requires_auth::Policy::default()).await;
        asked += usize::from(told.expect_err("made up").status() == 401);
    }
    assert_eq!(asked, 20, "nobody's share");
    let (mut asked, api) = (0, Api::of_a_second(20));
    for step in 0..100 {
        api.clock.fetch_add(50, Ordering::SeqCst);
        asked += api.flood(FLOODING, 1, &format!("{step}")).await.0;
    }
    assert_eq!(asked, 100, "20 a second for five seconds");
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_client() {
    let api = Api::of_a_second(100);
    let mut asked = 0;
    for number in 0..200 {
        asked += api.flood(&format!("2001:db8:0:1{:02x}::{number:x}", number % 256), 1, "a").await.0;
    }
    assert_eq!(asked, 50);
    assert_eq!(api.status("2001:db8:0:200::1", "good-token").await, 200);
}

#[tokio::test]
async fn calls_on_their_way_to_a_slow_provider_are_shared_too() {
    let at = Introspection::at("https://issuer.example/introspect");
    let api = Api::new(at.with_in_flight(16), false);
    let start = |client: &'static str, token: String| {
        let api = api.clone();
        tokio::spawn(async move { api.status(client, &token).await })
    };
    // Of 16 calls at a time, 12 are for unknown tokens, and of these one client gets half.
    let flood: Vec<_> = (0..50).map(|number| start(FLOODING, format!("made-up-{number}"))).collect();
    while api.provider.calls.load(Ordering::SeqCst) < 6 {
        tokio::task::yield_now().await;
    }
    let other = start("192.0.2.2", "good-token".to_owned());
    while api.provider.calls.load(Ordering::SeqCst) < 7 {
        tokio::task::yield_now().await;
    }
    api.provider.gate.add_permits(1);
    assert_eq!(other.await.expect("no panic"), 200);
    let mut held_back = 0;
    for request in flood {
        held_back += usize::from(request.await.expect("no panic") == 503);
    }
    assert_eq!(held_back, 44);
    assert_eq!(api.status(FLOODING, "good-token-of-mallory").await, 200, "it has none on their way any more");
}
