//! How long good tokens take while someone throws tokens with random key ids at the same guard.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth::{Request, RequiresAuth};
use requires_auth_testkit::Algorithm;
use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint};
use serde::Serialize;
use tokio::runtime::Handle;

use super::Effort;
use crate::fixture::{AUDIENCE, Keys, Token, mint_for};
use crate::timing::percentile;

/// Tokens that are thrown in one round.
const FLOOD: usize = 10_000;

/// A round in which a second thread that only hashes makes good tokens slower by more than this says nothing: the
/// machine had no core to spare.
pub(crate) const CONTROL: f64 = 1.25;

/// One kind of good token.
#[derive(Serialize)]
pub(crate) struct Flooded {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) rounds: usize,
    pub(crate) rounds_that_count: usize,
    /// Nothing if no round counts.
    pub(crate) latency: Option<Latency>,
    /// Fetches of the key set that the flood of one round has caused, at most.
    pub(crate) fetches: u64,
}

/// The 99th percentiles over all rounds that count, in microseconds.
#[derive(Serialize)]
pub(crate) struct Latency {
    /// Nothing else happens.
    pub(crate) quiet: f64,
    /// A second thread hashes.
    pub(crate) control: f64,
    /// A second thread throws.
    pub(crate) flood: f64,
    /// How many good tokens the last figure is of.
    pub(crate) judged: usize,
}

/// Measures with ES384 and an issuer on loopback; each round has a fresh guard.
pub(crate) fn measure(effort: Effort, runtime: &Handle) -> Vec<Flooded> {
    let kinds = [("warm", "seen before", 10_000), ("cold", "cache off", 0)];
    kinds.map(|(id, name, entries)| measure_one(id, name, entries, effort, runtime)).into()
}

fn measure_one(
    id: &'static str,
    name: &'static str,
    entries: usize,
    effort: Effort,
    runtime: &Handle,
) -> Flooded {
    eprintln!("a flood of unknown keys, good tokens {name}");
    let keys = Keys::generate(Algorithm::Es384);
    let start = DevelopmentIssuer::builder().key(keys.signing.clone()).start();
    let issuer = runtime.block_on(start).expect("a free port on loopback");
    let good = mint_for(issuer.issuer(), &keys.signing, 16);
    let mut fetches = 0;
    let rounds: Vec<_> = (0..effort.choose(61, 5))
        .map(|round| {
            let flood = flood(issuer.issuer(), &keys, round);
            let guard = RequiresAuth::builder(issuer.issuer(), AUDIENCE).with_cache(entries);
            let guard = guard.build().expect("a configuration");
            runtime.block_on(guard.warm()).expect("keys");
            issuer.reset_requests();
            let round = Round::run(&guard, &good, &flood, runtime);
            fetches = fetches.max(issuer.requests(Endpoint::Jwks));
            round
        })
        .collect();
    let counting: Vec<_> = rounds.iter().filter(|round| round.counts()).collect();
    let p99 =
        |of: fn(&Round) -> &Vec<f64>| percentile(counting.iter().flat_map(|round| of(round)).copied(), 99);
    let latency = || Latency {
        quiet: p99(|round| &round.quiet),
        control: p99(|round| &round.control),
        flood: p99(|round| &round.flood),
        judged: counting.iter().map(|round| round.flood.len()).sum(),
    };
    Flooded {
        id,
        name,
        rounds: rounds.len(),
        rounds_that_count: counting.len(),
        latency: (!counting.is_empty()).then(latency),
        fetches,
    }
}

/// Tokens of the issuer whose key ids no key has. Their signatures are nonsense, as nobody gets to look at them.
fn flood(issuer: &str, keys: &Keys, round: usize) -> Vec<String> {
    let sample = mint_for(issuer, &keys.signing, 1).remove(0);
    let (_, rest) = sample.text().split_once('.').expect("three parts");
    let token = |number: usize| {
        let kid = URL_SAFE_NO_PAD.encode(format!("{round:08}-{number:08}-of-an-unknown-key"));
        let header = format!(r#"{{"alg":"ES384","typ":"at+jwt","kid":"{kid}"}}"#);
        format!("Bearer {}.{rest}", URL_SAFE_NO_PAD.encode(header))
    };
    (0..FLOOD).map(token).collect()
}

/// The latencies of the good tokens in one round.
struct Round {
    quiet: Vec<f64>,
    control: Vec<f64>,
    flood: Vec<f64>,
}

impl Round {
    fn run(guard: &RequiresAuth, good: &[Token], flood: &[String], runtime: &Handle) -> Self {
        drop(latencies(guard, good, runtime, || false));
        let mut lasted = Duration::ZERO;
        let flood = beside(guard, good, runtime, || {
            let started = Instant::now();
            runtime.block_on(throw(guard, flood));
            lasted = started.elapsed();
        });
        let pause = || {
            let started = Instant::now();
            move || started.elapsed() < lasted
        };
        let control = beside(guard, good, runtime, || {
            let more = pause();
            while more() {
                black_box(digest(&SHA256, black_box(good[0].value().as_bytes())));
            }
        });
        let quiet = latencies(guard, good, runtime, pause());
        Self { quiet, control, flood }
    }

    fn counts(&self) -> bool {
        let p99 = |latencies: &Vec<f64>| percentile(latencies.iter().copied(), 99);
        p99(&self.control) <= CONTROL * p99(&self.quiet)
    }
}

/// The latencies for as long as another thread is at its work.
fn beside(guard: &RequiresAuth, good: &[Token], runtime: &Handle, work: impl FnOnce() + Send) -> Vec<f64> {
    let at_work = AtomicBool::new(true);
    thread::scope(|scope| {
        scope.spawn(|| {
            work();
            at_work.store(false, Ordering::Relaxed);
        });
        latencies(guard, good, runtime, || at_work.load(Ordering::Relaxed))
    })
}

/// Judges each good token, and again for as long as it is wanted; microseconds of each.
fn latencies(guard: &RequiresAuth, good: &[Token], runtime: &Handle, more: impl Fn() -> bool) -> Vec<f64> {
    let mut latencies = Vec::with_capacity(1 << 18);
    loop {
        latencies.extend(good.iter().map(|token| judge(guard, token, runtime)));
        if !more() {
            return latencies;
        }
    }
}

fn judge(guard: &RequiresAuth, token: &Token, runtime: &Handle) -> f64 {
    let request = Request::new("GET", "/orders", token.headers());
    let started = Instant::now();
    let judged = guard.authenticate_now(&request);
    // A fetch is part of what a good token would have to wait for.
    black_box(
        judged.unwrap_or_else(|| runtime.block_on(guard.authenticate(&request))).expect("a good token"),
    );
    started.elapsed().as_secs_f64() * 1e6
}

async fn throw(guard: &RequiresAuth, flood: &[String]) {
    for authorization in flood {
        let headers = [("authorization", authorization)];
        let request = Request::new("GET", "/orders", &headers);
        black_box(guard.authenticate(&request).await.expect_err("an unknown key"));
    }
}
