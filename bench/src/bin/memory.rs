//! What tokens, keys and issuers take in memory, as one line of JSON. Started by the benchmark, in a process of its
//! own: here every allocation is counted, and nothing was freed before that what is measured could take.

use std::hint::black_box;
use std::slice::from_ref;

use requires_auth::{Request, RequiresAuth};
use requires_auth_bench::fixture::{AUDIENCE, ISSUER, Keys, Token, mint};
use requires_auth_bench::guards;
use requires_auth_bench::resident::resident_bytes;
use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Value, json};

/// Keys or issuers that are made at least for one number, so that their pages can be told from chance.
const ENOUGH: usize = 4_000;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    // First, while no freed memory lies about.
    let issuers = [1, 10, 100, 1_000, 10_000].map(of_issuers);
    let keys = [1, 10, 100, 1_000].map(of_keys);
    let largest = if quick { 10_000 } else { 100_000 };
    let tokens: Vec<_> = [1, 10, 100, 1_000, 10_000, 100_000]
        .into_iter()
        .filter(|count| *count <= largest)
        .map(|count| of_tokens(count, Algorithm::Ed25519))
        .collect();
    let logto = of_tokens(10_000, Algorithm::Es384);
    let report = json!({
        "warm_allocations": warm_allocations(),
        "tokens": tokens,
        "logto": logto,
        "keys": keys,
        "issuers": issuers,
    });
    println!("{report}");
}

fn authenticate(guard: &RequiresAuth, token: &Token) {
    let request = Request::new("GET", "/orders?page=2", token.headers());
    black_box(guard.authenticate_now(&request).expect("keys").expect("a good token"));
}

/// Allocations of 1,000 calls of `authenticate_now` for tokens that are remembered.
fn warm_allocations() -> u64 {
    let keys = Keys::generate(Algorithm::Es384);
    let guard = guards::of_keys(from_ref(&keys.signing)).build().expect("a configuration");
    let tokens = mint(&keys.signing, 100);
    let all = || {
        for token in &tokens {
            authenticate(&guard, token);
        }
    };
    all();
    allocation_counter::measure(|| (0..10).for_each(|_| all())).count_total
}

/// What the library allocates for `count` remembered tokens, the tables of the cache included.
fn of_tokens(count: usize, algorithm: Algorithm) -> Value {
    let keys = Keys::generate(algorithm);
    let guard = |entries: usize| {
        let builder = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(keys.jwks());
        builder.with_cache(entries).build().expect("a configuration")
    };
    let tokens = mint(&keys.signing, count);
    let (mut remembering, mut forgetting) = (None, None);
    let with = allocation_counter::measure(|| {
        let guard = remembering.insert(guard(count));
        for token in &tokens {
            authenticate(guard, token);
        }
    });
    let without = allocation_counter::measure(|| forgetting = Some(guard(0)));
    let remembered = remembering.as_ref().map_or(0, |guard| guard.health().remembered_tokens());
    let bytes = with.bytes_current - without.bytes_current;
    json!({
        "count": count,
        "token_bytes": tokens[0].text().len(),
        "remembered": remembered,
        "bytes": bytes as f64 / remembered.max(1) as f64,
    })
}

/// What the process grows by for one key, in a set of `count`; with the guard around it.
fn of_keys(count: usize) -> Value {
    let keys: Vec<_> = (0..count).map(|_| SigningKey::generate(Algorithm::Es384)).collect();
    let bytes = grown(count, || guards::of_keys(&keys).build().expect("a configuration"));
    json!({ "count": count, "bytes": bytes })
}

/// What the process grows by for one issuer, of `count`, with one key each.
fn of_issuers(count: usize) -> Value {
    let key = SigningKey::generate(Algorithm::Es384);
    let bytes = grown(count, || guards::of_issuers(&key, count).build().expect("a configuration"));
    json!({ "count": count, "bytes": bytes })
}

fn grown(count: usize, guard: impl Fn() -> RequiresAuth) -> f64 {
    // The first one takes what all share; it stays, so that its memory is not used again.
    let mut guards = vec![guard()];
    let copies = ENOUGH.div_ceil(count);
    let before = resident_bytes();
    guards.extend((0..copies).map(|_| guard()));
    let grown = resident_bytes() - before;
    // Nothing is freed before the next is measured.
    std::mem::forget(guards);
    grown / (copies * count) as f64
}
