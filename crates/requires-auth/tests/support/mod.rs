//! A clock that tests set, and an issuer that lives in memory and counts what is fetched.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use requires_auth::clock::Clock;
use requires_auth::explain::Report;
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::guard::Builder;
use requires_auth::{AccessToken, Denial, Policy, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use tokio::sync::Notify;

pub const AUDIENCE: &str = "https://api.example.com";
pub const START: u64 = 1_800_000_000;

/// A clock that stands still until it is told to go on.
#[derive(Clone)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START)))
    }

    pub fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn back(&self, seconds: u64) {
        self.0.fetch_sub(seconds, Ordering::SeqCst);
    }

    pub fn unix(&self) -> i64 {
        i64::try_from(self.0.load(Ordering::SeqCst)).expect("a date")
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A clock that follows tokio's, which a paused runtime moves on whenever all tasks wait.
#[derive(Clone)]
pub struct TokioClock(tokio::time::Instant);

impl TokioClock {
    pub fn new() -> Self {
        Self(tokio::time::Instant::now())
    }

    pub fn elapsed(&self) -> u64 {
        self.0.elapsed().as_secs()
    }

    pub fn unix(&self) -> i64 {
        i64::try_from(START + self.elapsed()).expect("a date")
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(START) + self.0.elapsed()
    }
}

/// What the issuer in memory answers next instead of its key set.
#[derive(Clone, Debug)]
pub enum Answer {
    Fail(FetchError),
    Status(u16),
    Body(String),
    Hang,
}

/// An issuer without a network.
#[derive(Clone)]
pub struct MemoryIssuer {
    pub issuer: String,
    state: Arc<State>,
}

struct State {
    keys: Mutex<Vec<SigningKey>>,
    cache_control: Mutex<Option<String>>,
    etag: Mutex<Option<String>>,
    key_set_path: Mutex<String>,
    not_modified: AtomicUsize,
    key_set: Mutex<VecDeque<Answer>>,
    discovery: Mutex<VecDeque<Answer>>,
    always: Mutex<Option<Answer>>,
    key_set_requests: AtomicUsize,
    discovery_requests: AtomicUsize,
    gate: Mutex<Option<Arc<Notify>>>,
    delay: Mutex<Duration>,
}

impl MemoryIssuer {
    pub fn new(issuer: &str) -> Self {
        let state = State {
            keys: Mutex::new(vec![SigningKey::generate(Algorithm::Es256)]),
            cache_control: Mutex::default(),
            etag: Mutex::default(),
            key_set_path: Mutex::new("/jwks".to_owned()),
            not_modified: AtomicUsize::default(),
            key_set: Mutex::default(),
            discovery: Mutex::default(),
            always: Mutex::default(),
            key_set_requests: AtomicUsize::default(),
            discovery_requests: AtomicUsize::default(),
            gate: Mutex::default(),
            delay: Mutex::default(),
        };
        Self { issuer: issuer.to_owned(), state: Arc::new(state) }
    }

    pub fn guard(&self, clock: &ManualClock) -> RequiresAuth {
        self.builder(clock).build().expect("a configuration")
    }

    pub fn builder(&self, clock: &ManualClock) -> Builder {
        RequiresAuth::builder(&self.issuer, AUDIENCE).with_fetch(self.clone()).with_clock(clock.clone())
    }

    pub fn current_key(&self) -> SigningKey {
        self.state.keys.lock().expect("keys")[0].clone()
    }

    /// A new key signs; the old ones stay published, as most providers do.
    pub fn rotate(&self) {
        self.state.keys.lock().expect("keys").insert(0, SigningKey::generate(Algorithm::Es256));
    }

    pub fn set_keys(&self, keys: Vec<SigningKey>) {
        *self.state.keys.lock().expect("keys") = keys;
    }

    pub fn cache_control(&self, value: &str) {
        *self.state.cache_control.lock().expect("header") = Some(value.to_owned());
    }

    /// From now on key sets carry this `ETag`, and who shows it gets a 304.
    pub fn etag(&self, value: &str) {
        *self.state.etag.lock().expect("etag") = Some(value.to_owned());
    }

    pub fn not_modified_answers(&self) -> usize {
        self.state.not_modified.load(Ordering::SeqCst)
    }

    /// The key set moves: the old place answers 404, the metadata name the new one.
    pub fn move_key_set(&self, path: &str) {
        path.clone_into(&mut self.state.key_set_path.lock().expect("path"));
    }

    pub fn answer_key_set(&self, answer: Answer) {
        self.state.key_set.lock().expect("answers").push_back(answer);
    }

    pub fn answer_discovery(&self, answer: Answer) {
        self.state.discovery.lock().expect("answers").push_back(answer);
    }

    /// Every fetch fails until `None`.
    pub fn always(&self, answer: Option<Answer>) {
        *self.state.always.lock().expect("answer") = answer;
    }

    /// Every answer takes this long.
    pub fn slow(&self, delay: Duration) {
        *self.state.delay.lock().expect("delay") = delay;
    }

    /// Key sets are held back until the gate is notified.
    pub fn hold(&self) -> Arc<Notify> {
        let gate = Arc::new(Notify::new());
        *self.state.gate.lock().expect("gate") = Some(Arc::clone(&gate));
        gate
    }

    pub fn key_set_requests(&self) -> usize {
        self.state.key_set_requests.load(Ordering::SeqCst)
    }

    pub fn discovery_requests(&self) -> usize {
        self.state.discovery_requests.load(Ordering::SeqCst)
    }

    pub fn token(&self, clock: &ManualClock) -> String {
        self.token_by(&self.current_key(), clock)
    }

    /// A token that lives for `lifetime` seconds.
    pub fn token_at(&self, unix: i64, lifetime: i64) -> String {
        let forge = Forge::new(&self.issuer, AUDIENCE, self.current_key());
        forge.token().issued_at(unix).lifetime(lifetime).subject("alice").mint()
    }

    pub fn token_by(&self, key: &SigningKey, clock: &ManualClock) -> String {
        let forge = Forge::new(&self.issuer, AUDIENCE, key.clone());
        forge.token().issued_at(clock.unix()).lifetime(100_000).subject("alice").mint()
    }
}

impl MemoryIssuer {
    fn is_known(&self, if_none_match: Option<&str>) -> bool {
        let etag = self.state.etag.lock().expect("etag");
        etag.is_some() && etag.as_deref() == if_none_match
    }
}

impl Fetch for MemoryIssuer {
    fn fetch(&self, request: FetchRequest) -> FetchFuture {
        let this = self.clone();
        Box::pin(async move {
            let is_key_set = !request.url().path().contains("/.well-known/");
            let key_set_path = this.state.key_set_path.lock().expect("path").clone();
            let (count, queue) = if is_key_set {
                (&this.state.key_set_requests, &this.state.key_set)
            } else {
                (&this.state.discovery_requests, &this.state.discovery)
            };
            count.fetch_add(1, Ordering::SeqCst);
            let delay = *this.state.delay.lock().expect("delay");
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let gate = this.state.gate.lock().expect("gate").clone();
            if let (true, Some(gate)) = (is_key_set, gate) {
                gate.notified().await;
            }
            let always = this.state.always.lock().expect("answer").clone();
            let queued = queue.lock().expect("answers").pop_front();
            match always.or(queued) {
                Some(Answer::Fail(error)) => Err(error),
                Some(Answer::Status(status)) => Ok(FetchResponse::new(status, "")),
                Some(Answer::Body(body)) if body.len() > request.max_bytes() => Err(FetchError::TooLarge),
                Some(Answer::Body(body)) => Ok(FetchResponse::new(200, body)),
                Some(Answer::Hang) => std::future::pending().await,
                None if is_key_set && !request.url().path().ends_with(&key_set_path) => {
                    Ok(FetchResponse::new(404, ""))
                }
                None if is_key_set && this.is_known(request.if_none_match()) => {
                    this.state.not_modified.fetch_add(1, Ordering::SeqCst);
                    Ok(FetchResponse::new(304, ""))
                }
                None if is_key_set => {
                    let set = jwk_set(this.state.keys.lock().expect("keys").iter()).to_string();
                    let mut response = FetchResponse::new(200, set);
                    if let Some(etag) = &*this.state.etag.lock().expect("etag") {
                        response = response.with_etag(etag);
                    }
                    Ok(match &*this.state.cache_control.lock().expect("header") {
                        Some(value) => response.with_cache_control(value),
                        None => response,
                    })
                }
                None => {
                    let issuer = &this.issuer;
                    Ok(FetchResponse::new(
                        200,
                        format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}{key_set_path}"}}"#),
                    ))
                }
            }
        })
    }
}

pub async fn authenticate(guard: &RequiresAuth, token: &str) -> Result<AccessToken, Denial> {
    let headers = [("authorization", format!("Bearer {token}"))];
    guard.authenticate(&Request::new("GET", "/", &headers)).await
}

/// `ok`, or the reason, or the code where there is no reason.
pub async fn verdict(guard: &RequiresAuth, token: &str) -> String {
    match authenticate(guard, token).await {
        Ok(_) => "ok".to_owned(),
        Err(denial) => denial.reason().map_or(denial.code().as_str(), |reason| reason.as_str()).to_owned(),
    }
}

/// Explains a request with a token.
pub async fn explain(guard: &RequiresAuth, token: &str, policy: &Policy) -> Report {
    let headers = [("authorization", format!("Bearer {token}"))];
    guard.explain(&Request::new("GET", "/", &headers), policy).await
}
