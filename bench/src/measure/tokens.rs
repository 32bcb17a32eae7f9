//! How the time of a remembered token grows with the number of tokens that are remembered.

use std::hint::black_box;
use std::thread;

use requires_auth::{Request, RequiresAuth};
use requires_auth_testkit::Algorithm;
use serde::Serialize;

use super::Effort;
use crate::fixture::{self, AUDIENCE, ISSUER, Keys, Token};
use crate::resident::resident_bytes;
use crate::timing::{Draws, median, micros, time};

/// Tokens of one batch. They are copied before the clock runs, as a server has just read them from a socket: what is
/// not at hand is the entry of the cache.
const BATCH: usize = 64;

/// Batches of one turn that count.
const BATCHES: usize = 20;

/// Each turn begins with at most this many batches that do not count: they bring the caches of the processor into the
/// state of a guard at work, after the turn of another one.
const MOST_WARMING: usize = 1_000;

/// One number of tokens.
#[derive(Serialize)]
pub(crate) struct Remembered {
    pub(crate) tokens: usize,
    /// Microseconds for one of them; the median of the rounds.
    pub(crate) micros: f64,
    /// Times the time with 1,000 tokens; the median of the ratios of the rounds.
    pub(crate) to_thousand: f64,
    /// What the process has grown by for each token. Too coarse a measure for few tokens.
    pub(crate) resident_bytes: Option<f64>,
}

struct Crowd {
    guard: RequiresAuth,
    tokens: Vec<Token>,
    resident_bytes: Option<f64>,
}

/// Measures with Ed25519, whose tokens are quickly made; how a token was signed plays no part once it is remembered.
pub(crate) fn measure(effort: Effort) -> Vec<Remembered> {
    let counts = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].into_iter().take(effort.choose(7, 6));
    let keys = Keys::generate(Algorithm::Ed25519);
    let crowds: Vec<_> = counts.map(|count| Crowd::new(&keys, count)).collect();
    eprintln!("remembered tokens: turns");
    let mut draws = Draws::new();
    let rounds: Vec<Vec<f64>> = (0..effort.choose(41, 9))
        .map(|_| crowds.iter().map(|crowd| crowd.turn(&mut draws)).collect())
        .collect();
    let thousand = crowds.iter().position(|crowd| crowd.tokens.len() == 1_000).expect("a power of ten");
    let remembered = |(place, crowd): (usize, &Crowd)| Remembered {
        tokens: crowd.tokens.len(),
        micros: median(rounds.iter().map(|round| round[place])),
        to_thousand: median(rounds.iter().map(|round| round[place] / round[thousand])),
        resident_bytes: crowd.resident_bytes,
    };
    crowds.iter().enumerate().map(remembered).collect()
}

impl Crowd {
    fn new(keys: &Keys, count: usize) -> Self {
        eprintln!("remembered tokens: {count}");
        let tokens = fixture::mint(&keys.signing, count);
        let before = resident_bytes();
        // Shards fill unevenly, so there is some room to spare: all tokens are to be remembered.
        let guard = RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_jwks(keys.jwks())
            .with_cache(count + count / 4 + 8_192)
            .build()
            .expect("a configuration");
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for part in tokens.chunks(count.div_ceil(cores)) {
                scope.spawn(|| part.iter().for_each(|token| authenticate(&guard, token.value())));
            }
        });
        assert_eq!(guard.health().remembered_tokens(), count);
        let resident_bytes = (count >= 100_000).then(|| (resident_bytes() - before) / count as f64);
        Self { guard, tokens, resident_bytes }
    }

    /// Microseconds for one token.
    fn turn(&self, draws: &mut Draws) -> f64 {
        let mut batch = vec![[("authorization", String::with_capacity(1_024))]; BATCH];
        // Enough to meet nearly every token, if it can be done.
        let warming = (self.tokens.len() * 3 / BATCH).clamp(BATCHES, MOST_WARMING);
        let mut times = Vec::with_capacity(warming + BATCHES);
        for _ in 0..warming + BATCHES {
            for [(_, value)] in &mut batch {
                value.clear();
                value.push_str(self.tokens[draws.below(self.tokens.len())].value());
            }
            let elapsed = time(|| {
                for headers in &batch {
                    let request = Request::new("GET", "/orders", headers);
                    black_box(self.guard.authenticate_now(&request).expect("keys").expect("a good token"));
                }
            });
            times.push(micros(elapsed, BATCH));
        }
        median(times.split_off(warming))
    }
}

fn authenticate(guard: &RequiresAuth, authorization: &str) {
    let headers = [("authorization", authorization)];
    black_box(
        guard
            .authenticate_now(&Request::new("GET", "/orders", &headers))
            .expect("keys")
            .expect("a good token"),
    );
}
