//! How a verification grows with the number of keys in a set, and with the number of issuers of a guard.

use std::hint::black_box;

use requires_auth::{Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, SigningKey};
use serde::Serialize;

use super::Effort;
use crate::fixture::{self, Token};
use crate::guards;
use crate::timing::{Draws, median, micros, time};

/// Keys or issuers that sign tokens, of all that there are.
const SIGNERS: usize = 16;

/// Verifications of one turn.
const TURN: usize = 32;

/// One number of keys or issuers.
#[derive(Serialize)]
pub(crate) struct Point {
    pub(crate) count: usize,
    /// Microseconds for one verification with the cache off.
    pub(crate) cold_micros: f64,
    /// Times the time with one; the median of the ratios of the rounds.
    pub(crate) cold_to_one: f64,
    /// Microseconds for a token that is remembered.
    pub(crate) warm_micros: f64,
}

struct Grown {
    count: usize,
    cold: RequiresAuth,
    warm: RequiresAuth,
    tokens: Vec<Token>,
}

/// 1 to 1,000 keys of one issuer.
pub(crate) fn keys(effort: Effort) -> Vec<Point> {
    eprintln!("growth: keys");
    let keys: Vec<_> = (0..1_000).map(|_| SigningKey::generate(Algorithm::Es384)).collect();
    let grown = |exponent: u32| {
        let count = 10_usize.pow(exponent);
        let keys = &keys[..count];
        let guard = |entries| guards::of_keys(keys).with_cache(entries).build().expect("a configuration");
        let tokens = some_of(count).flat_map(|place| fixture::mint(&keys[place], TURN / SIGNERS));
        Grown { count, cold: guard(0), warm: guard(1_000), tokens: tokens.collect() }
    };
    points(&(0..=3).map(grown).collect::<Vec<_>>(), effort)
}

/// 1 to 10,000 issuers of one guard, each with its key.
pub(crate) fn issuers(effort: Effort) -> Vec<Point> {
    eprintln!("growth: issuers");
    let key = SigningKey::generate(Algorithm::Es384);
    let grown = |exponent: u32| {
        let count = 10_usize.pow(exponent);
        let guard =
            |entries| guards::of_issuers(&key, count).with_cache(entries).build().expect("a configuration");
        let tokens =
            some_of(count).flat_map(|place| fixture::mint_for(&guards::issuer(place), &key, TURN / SIGNERS));
        Grown { count, cold: guard(0), warm: guard(1_000), tokens: tokens.collect() }
    };
    points(&(0..=4).map(grown).collect::<Vec<_>>(), effort)
}

/// The last one, and others at random.
fn some_of(count: usize) -> impl Iterator<Item = usize> {
    let mut draws = Draws::new();
    (0..SIGNERS).map(move |signer| if signer == 0 { count - 1 } else { draws.below(count) })
}

fn points(grown: &[Grown], effort: Effort) -> Vec<Point> {
    let rounds: Vec<Vec<(f64, f64)>> = (0..effort.choose(61, 9))
        .map(|_| grown.iter().map(|one| (one.cold_turn(), one.warm_turn())).collect())
        .collect();
    let point = |(place, one): (usize, &Grown)| Point {
        count: one.count,
        cold_micros: median(rounds.iter().map(|round| round[place].0)),
        cold_to_one: median(rounds.iter().map(|round| round[place].0 / round[0].0)),
        warm_micros: median(rounds.iter().map(|round| round[place].1)),
    };
    grown.iter().enumerate().map(point).collect()
}

impl Grown {
    fn cold_turn(&self) -> f64 {
        micros(time(|| authenticate(&self.cold, &self.tokens)), self.tokens.len())
    }

    fn warm_turn(&self) -> f64 {
        /// A call is so quick that one pass would be within the noise.
        const REPEATS: usize = 16;
        authenticate(&self.warm, &self.tokens);
        let all = || (0..REPEATS).for_each(|_| authenticate(&self.warm, &self.tokens));
        micros(time(all), self.tokens.len() * REPEATS)
    }
}

fn authenticate(guard: &RequiresAuth, tokens: &[Token]) {
    for token in tokens {
        let request = Request::new("GET", "/orders", token.headers());
        black_box(guard.authenticate_now(&request).expect("keys").expect("a good token"));
    }
}
