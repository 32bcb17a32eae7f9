//! This library in its states: the cache is off, has not seen the token yet, or has seen it.

#![expect(clippy::unnecessary_wraps, reason = "the same signature as that of the peers")]

use std::hint::black_box;
use std::time::Duration;

use requires_auth::{Request, RequiresAuth};

use super::{Made, Setup, Subject, ready};
use crate::fixture::{self, Token};
use crate::timing::time;

/// As many as a guard remembers by default.
const DEFAULT_CACHE: usize = 10_000;

/// More than any run passes, so that no token has to make room for another.
const ROOMY_CACHE: usize = 30_000;

pub(super) fn cold(setup: &Setup<'_>) -> Made {
    Ok(Box::new(Cold { guard: ready(fixture::guard(setup.jwks, 0)) }))
}

pub(super) fn first_sight(setup: &Setup<'_>) -> Made {
    Ok(Box::new(FirstSight { guard: ready(fixture::guard(setup.jwks, ROOMY_CACHE)) }))
}

pub(super) fn first_sight_full(setup: &Setup<'_>) -> Made {
    let guard = remembering(setup.jwks);
    authenticate(&guard, setup.filling);
    Ok(Box::new(FirstSight { guard }))
}

pub(super) fn warm(setup: &Setup<'_>) -> Made {
    Ok(Box::new(Warm { guard: remembering(setup.jwks) }))
}

/// A guard with its default cache. It must be called within a tokio runtime.
pub(crate) fn remembering(jwks: &str) -> RequiresAuth {
    ready(fixture::guard(jwks, DEFAULT_CACHE))
}

fn authenticate(guard: &RequiresAuth, tokens: &[Token]) {
    for token in tokens {
        let request = Request::new("GET", "/orders", token.headers());
        black_box(guard.authenticate_now(&request).expect("keys").expect("a good token"));
    }
}

struct Cold {
    guard: RequiresAuth,
}

impl Subject for Cold {
    fn pass(&self, tokens: &[Token]) -> Duration {
        time(|| authenticate(&self.guard, tokens))
    }
}

/// A guard that remembers each token that it is passed, which may be only once.
struct FirstSight {
    guard: RequiresAuth,
}

impl Subject for FirstSight {
    fn pass(&self, tokens: &[Token]) -> Duration {
        time(|| authenticate(&self.guard, tokens))
    }
}

struct Warm {
    guard: RequiresAuth,
}

/// A call is so quick that one pass would be within the noise.
const REPEATS: usize = 16;

impl Subject for Warm {
    fn pass(&self, tokens: &[Token]) -> Duration {
        authenticate(&self.guard, tokens);
        let all = time(|| (0..REPEATS).for_each(|_| authenticate(&self.guard, tokens)));
        all.div_f64(REPEATS as f64)
    }

    fn repeats(&self) -> usize {
        REPEATS + 1
    }
}
