//! Hostile input costs its size and no more, never panics, and leaves nothing behind.

mod support;

use proptest::prelude::*;
use requires_auth::verify::KeySet;
use requires_auth::{Policy, Reason, Request, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use support::{AUDIENCE, ManualClock};

const ISSUER: &str = "https://issuer.example";

struct World {
    key: SigningKey,
    clock: ManualClock,
    guard: RequiresAuth,
}

impl World {
    fn new() -> Self {
        let (key, clock) = (SigningKey::generate(Algorithm::Ed25519), ManualClock::new());
        let guard = RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_jwks(jwk_set([&key]).to_string())
            .with_clock(clock.clone())
            .build()
            .expect("a configuration");
        Self { key, clock, guard }
    }

    fn reason(&self, token: &str) -> Option<Reason> {
        let headers = [("authorization", format!("Bearer {token}"))];
        let judged = self.guard.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys");
        judged.expect_err("a hostile token").reason()
    }
}

#[test]
fn sizes_beyond_the_limit_are_refused_before_anything_is_decoded() {
    let world = World::new();
    assert_eq!(world.reason(&"a".repeat(16 * 1024 + 1)), Some(Reason::TooLarge));
    assert_eq!(world.reason(&"a".repeat(16 * 1024)), Some(Reason::Opaque));
    assert_eq!(world.reason(&"a".repeat(1 << 20)), Some(Reason::TooLarge));
    assert_eq!(world.reason(&".".repeat(100_000)), Some(Reason::TooLarge));
    assert_eq!(world.reason(&".".repeat(10_000)), Some(Reason::Malformed));
}

#[test]
fn deep_json_is_malformed() {
    let world = World::new();
    let forge = Forge::new(ISSUER, AUDIENCE, world.key.clone());
    let deep = |open: &str, close: &str| format!("{{\"a\":{}{}}}", open.repeat(1200), close.repeat(1200));
    for json in [deep("[", "]"), deep("{\"a\":", "}"), "[".repeat(5000)] {
        assert_eq!(world.reason(&forge.token().raw_claims(json.clone()).mint()), Some(Reason::Malformed));
        assert_eq!(world.reason(&forge.token().raw_header(json).mint()), Some(Reason::Malformed));
    }
    assert!(KeySet::parse("[".repeat(10_000)).is_err());
    assert!(KeySet::parse(format!("{{\"keys\":{}", "[".repeat(10_000))).is_err());
    assert!(KeySet::parse("{\"a\":".repeat(10_000)).is_err());
}

#[test]
fn many_members_are_no_quadratic_work() {
    let world = World::new();
    let forge = Forge::new(ISSUER, AUDIENCE, world.key.clone());
    let members: Vec<_> = (0..1200).map(|i| format!("\"{i}\":0")).collect();
    let unique = format!("{{{}}}", members.join(","));
    let twice = format!("{{{},\"7\":0}}", members.join(","));
    assert_eq!(world.reason(&forge.token().raw_claims(unique).mint()), Some(Reason::ClaimMissing));
    assert_eq!(world.reason(&forge.token().raw_claims(twice).mint()), Some(Reason::Malformed));
}

#[test]
fn a_refusal_keeps_no_memory() {
    let world = World::new();
    let stranger = SigningKey::generate(Algorithm::Ed25519);
    let forge = Forge::new(ISSUER, AUDIENCE, world.key.clone());
    let refuse = |i: usize| {
        let token = forge
            .token()
            .issued_at(world.clock.unix())
            .key(&stranger.clone().with_kid(format!("kid-{i}")))
            .mint();
        assert_eq!(world.reason(&token), Some(Reason::KeyUnknown));
    };
    refuse(0);
    let growth = allocation_counter::measure(|| (0..500).for_each(refuse));
    assert_eq!(growth.bytes_current, 0, "refused tokens left {} bytes behind", growth.bytes_current);
}

#[test]
fn memory_for_a_huge_header_is_bounded_by_the_limit() {
    let world = World::new();
    let headers =
        [("authorization", format!("Bearer {}.{}.{}", "a".repeat(1 << 19), "a".repeat(1 << 19), "a"))];
    let request = Request::new("GET", "/", &headers);
    let used = allocation_counter::measure(|| drop(world.guard.authenticate_now(&request)));
    assert!(used.bytes_max < 1024, "{} bytes for a token that is too large", used.bytes_max);
}

/// Pieces that make tokens which get past the first checks more often than random bytes would.
fn token_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[A-Za-z0-9_-]{0,12}",
        Just(".".to_owned()),
        Just("eyJhbGciOiJFZERTQSJ9".to_owned()),
        Just("eyJhbGciOiJub25lIn0".to_owned()),
        Just("e30".to_owned()),
        Just("W10".to_owned()),
        Just("=".to_owned()),
    ];
    proptest::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_token_panics_or_passes(token in token_like()) {
        let world = World::new();
        let headers = [("authorization", format!("Bearer {token}"))];
        prop_assert!(world.guard.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys").is_err());
    }

    #[test]
    fn no_header_panics_or_passes(value in proptest::collection::vec(any::<u8>(), 0..64), url in ".{0,40}") {
        let world = World::new();
        let headers = [("authorization", value)];
        prop_assert!(world.guard.authenticate_now(&Request::new("GET", &url, &headers)).expect("keys").is_err());
    }

    #[test]
    fn no_key_set_panics(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        drop(KeySet::parse(bytes));
    }

    /// A token with one byte changed never passes; explaining it gives the same verdict.
    #[test]
    fn a_changed_token_never_passes(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let world = World::new();
        let forge = Forge::new(ISSUER, AUDIENCE, world.key.clone());
        let good = forge.token().issued_at(world.clock.unix()).mint();
        let mut changed = good.clone().into_bytes();
        let position = position.index(changed.len());
        changed[position] = byte;
        prop_assume!(changed != good.as_bytes());
        let headers = [("authorization", [b"Bearer ", &changed[..]].concat())];
        let judged = world.guard.authenticate_now(&Request::new("GET", "/", &headers)).expect("keys");
        let denial = judged.expect_err("a changed token");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let request = Request::new("GET", "/", &headers);
        let report = runtime.block_on(world.guard.explain(&request, &Policy::default()));
        prop_assert_eq!(report.verdict().expect_err("the same verdict"), &denial);
    }
}
