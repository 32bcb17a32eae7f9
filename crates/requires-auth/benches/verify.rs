//! Whole verification beside the signature alone, in one run: `cargo bench -p requires-auth`.
//!
//! For each algorithm a group has four lines: `raw` is the aws-lc-rs call on a parsed key, `verify` is
//! everything from the token to the access token, `guard` is the same through `RequiresAuth` with its memory off, and
//! `remembered` is a token that the guard has accepted before.
//! The samples of one group follow each other, so compare within a group and never across machines. The table
//! that is printed at the end interleaves the two, which is what to trust on a shared machine.

mod bound;

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::ParsedPublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use criterion::Criterion;
use requires_auth::dpop::Dpop;
use requires_auth::introspect::{
    Introspect, Introspection, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::replay::MemoryReplay;
use requires_auth::revocation::{Revocation, RevocationKind};
use requires_auth::revocations::Revocations;
use requires_auth::verify::{KeySet, Rules};
use requires_auth::{Bearer, Policy, Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

use self::bound::{AUDIENCE, Bound, ISSUER, parse};

const NOW: u64 = 1_800_000_000;

struct Case {
    algorithm: Algorithm,
    token: String,
    raw: ParsedPublicKey,
    signature: Vec<u8>,
    rules: Rules,
    keys: Arc<KeySet>,
    guard: RequiresAuth,
    remembering: RequiresAuth,
    authorization: [(&'static str, String); 1],
    now: SystemTime,
}

impl Case {
    fn new(algorithm: Algorithm) -> Self {
        let key = SigningKey::fixed(algorithm);
        let forge = Forge::new(ISSUER, AUDIENCE, key.clone());
        let issued_at = i64::try_from(NOW).expect("a date");
        let token =
            forge.token().issued_at(issued_at).subject("user-1").scope("read:orders write:orders").mint();
        let jwks = jwk_set([key]).to_string();
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        let guard = |entries: usize| {
            let builder =
                RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks.clone()).with_clock(move || now);
            danger::allow_public_test_keys(builder).with_cache(entries).build().expect("a configuration")
        };
        let signature = token.rsplit('.').next().expect("three parts");
        Self {
            algorithm,
            raw: parse(&key.public_jwk(), algorithm),
            signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
            rules: Rules::new(Some(ISSUER), AUDIENCE),
            keys: Arc::new(KeySet::parse(&jwks).expect("a key set")),
            guard: guard(0),
            remembering: guard(10_000),
            authorization: [("authorization", format!("Bearer {token}"))],
            token,
            now,
        }
    }

    fn raw(&self) {
        let (signing_input, _) = self.token.rsplit_once('.').expect("three parts");
        self.raw.verify_sig(signing_input.as_bytes(), &self.signature).expect("a valid signature");
    }

    fn verify(&self) {
        let bearer = Bearer::parse(&self.token).expect("a token");
        black_box(self.rules.verify(bearer, &self.keys, self.now).expect("a valid token"));
    }

    fn remembered(&self) {
        let request = Request::new("GET", "/orders", &self.authorization);
        black_box(self.remembering.authenticate_now(&request).expect("keys").expect("a valid token"));
    }

    fn sha256(&self) {
        black_box(digest(&SHA256, black_box(self.token.as_bytes())));
    }

    fn guard(&self) {
        let request = Request::new("GET", "/orders", &self.authorization);
        black_box(self.guard.authenticate_now(&request).expect("keys").expect("a valid token"));
    }
}

/// An issuer that calls every token active.
struct Says(String);

impl Introspect for Says {
    fn introspect(&self, _: IntrospectionRequest) -> IntrospectionFuture {
        Box::pin(std::future::ready(Ok(IntrospectionResponse::new(200, self.0.clone()))))
    }
}

/// An opaque token that is remembered, with the claims of the JWT of a case.
struct Opaque {
    guard: RequiresAuth,
    authorization: [(&'static str, String); 1],
}

impl Opaque {
    fn new(case: &Case) -> Self {
        let payload = case.token.split('.').nth(1).expect("three parts");
        let mut claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON");
        claims["active"] = true.into();
        claims["token_type"] = "Bearer".into();
        let now = case.now;
        let asked =
            Introspection::at("https://tenant-id.logto.app/introspect").with_client_secret("api", "secret");
        let guard = RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_introspection(asked)
            .with_introspect(Says(claims.to_string()))
            .with_clock(move || now)
            .build()
            .expect("a configuration");
        // As long as the JWT, so that the hash costs the same.
        let token = case.token.replace('.', "-");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(guard.verify(&token, &Policy::default())).expect("an active token");
        Self { guard, authorization: [("authorization", format!("Bearer {token}"))] }
    }

    fn remembered(&self) {
        let request = Request::new("GET", "/orders", &self.authorization);
        black_box(self.guard.authenticate_now(&request).expect("remembered").expect("an active token"));
    }
}

/// Remembered tokens, in a guard that is told of no revocations and in one that is told of many.
struct Revocable {
    without: RequiresAuth,
    with: RequiresAuth,
    authorizations: Vec<[(&'static str, String); 1]>,
    next: Cell<usize>,
}

impl Revocable {
    const REVOCATIONS: usize = 100_000;

    fn new(tokens: usize) -> Self {
        let key = SigningKey::fixed(Algorithm::Ed25519);
        let forge = Forge::new(ISSUER, AUDIENCE, key.clone());
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        let revocations = Revocations::in_memory(Self::REVOCATIONS);
        for number in 0..Self::REVOCATIONS {
            let until = now + Duration::from_secs(3600);
            let kind = RevocationKind::ALL[number % 4];
            revocations.add(&Revocation::of(kind, &format!("revoked-{number}"), until), now).expect("room");
        }
        let guard = |revocations: Option<&Revocations>| {
            let jwks = jwk_set([key]).to_string();
            let builder = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(jwks).with_clock(move || now);
            let builder = match revocations {
                Some(revocations) => builder.with_revocations_in(revocations),
                None => builder,
            };
            danger::allow_public_test_keys(builder).with_cache(4 * tokens).build().expect("a configuration")
        };
        let issued_at = i64::try_from(NOW).expect("a date");
        let token = |number| {
            let token = forge
                .token()
                .issued_at(issued_at)
                .subject(format!("user-{number}"))
                .claim("sid", format!("session-{number}"));
            [("authorization", format!("Bearer {}", token.client_id("app").mint()))]
        };
        let authorizations = (0..tokens).map(token).collect();
        let own = Self {
            without: guard(None),
            with: guard(Some(&revocations)),
            authorizations,
            next: Cell::new(0),
        };
        (0..2 * tokens).for_each(|_| own.remembered(&own.without));
        (0..2 * tokens).for_each(|_| own.remembered(&own.with));
        own
    }

    fn remembered(&self, guard: &RequiresAuth) {
        // A step that is prime to the number of tokens, so that no token has its neighbour's memory at hand.
        let next = (self.next.get() + 7919) % self.authorizations.len();
        self.next.set(next);
        let request = Request::new("GET", "/orders", &self.authorizations[next]);
        black_box(guard.authenticate_now(&request).expect("keys").expect("a valid token"));
    }
}

/// The median time of one call, both measured in turns of a few milliseconds.
fn interleaved(first: impl Fn(), second: impl Fn()) -> (f64, f64) {
    const ROUNDS: usize = 61;
    let calls = |call: &dyn Fn()| {
        let started = Instant::now();
        let mut count = 0_u32;
        while started.elapsed() < Duration::from_millis(5) {
            call();
            count += 1;
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(count)
    };
    let mut rounds: Vec<_> = (0..ROUNDS).map(|_| (calls(&first), calls(&second))).collect();
    let mut median = |of: fn(&(f64, f64)) -> f64| {
        rounds.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&rounds[ROUNDS / 2])
    };
    (median(|round| round.0), median(|round| round.1))
}

fn main() {
    let cases = [Algorithm::Es384, Algorithm::Es256, Algorithm::Rs256, Algorithm::Ed25519].map(Case::new);
    let mut criterion = Criterion::default().configure_from_args();
    for case in &cases {
        let mut group = criterion.benchmark_group(case.algorithm.name());
        group.bench_function("raw", |bencher| bencher.iter(|| case.raw()));
        group.bench_function("verify", |bencher| bencher.iter(|| case.verify()));
        group.bench_function("guard", |bencher| bencher.iter(|| case.guard()));
        group.bench_function("remembered", |bencher| bencher.iter(|| case.remembered()));
        group.finish();
    }
    criterion.final_summary();

    println!("\nproofs of a remembered token's key, each used once; limit 1.10 for ES256");
    println!("{:<9} {:>9} {:>9} {:>7}", "algorithm", "raw", "request", "ratio");
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        let store = MemoryReplay::new(1_000_000).with_entries_of_a_share(u32::MAX);
        // More proofs than are used in one comparison.
        let bound = Bound::new(algorithm, 30_000, NOW, |builder| {
            builder.with_dpop(Dpop::allowed().with_replay(store)).with_clock(move || now)
        });
        let request = || {
            let answer = bound.guard.authenticate_now(&bound.request());
            black_box(answer.expect("at once").expect("a valid proof"));
        };
        request();
        let (raw, request) = interleaved(|| bound.raw(), request);
        println!("{:<9} {raw:>9.2} {request:>9.2} {:>7.3}", algorithm.name(), request / raw);
    }

    println!("\nmedian of 61 interleaved rounds, microseconds; limit: raw + max(2, 2 %)");
    println!("{:<9} {:>9} {:>9} {:>11} {:>7}", "algorithm", "raw", "verify", "difference", "limit");
    for case in &cases {
        let (raw, verify) = interleaved(|| case.raw(), || case.verify());
        let limit = f64::max(2.0, raw * 0.02);
        println!("{:<9} {raw:>9.2} {verify:>9.2} {:>11.2} {limit:>7.2}", case.algorithm.name(), verify - raw);
    }

    println!("\na remembered token beside the SHA-256 of the same token, microseconds");
    println!("{:<9} {:>6} {:>9} {:>11} {:>6}", "algorithm", "bytes", "SHA-256", "remembered", "ratio");
    for case in &cases {
        let (sha256, remembered) = interleaved(|| case.sha256(), || case.remembered());
        let (name, bytes, ratio) = (case.algorithm.name(), case.token.len(), remembered / sha256);
        println!("{name:<9} {bytes:>6} {sha256:>9.3} {remembered:>11.3} {ratio:>6.2}");
    }

    println!(
        "\na remembered opaque token beside a remembered JWT of the same length, microseconds; limit: 1.1"
    );
    println!("{:<9} {:>6} {:>9} {:>11} {:>6}", "algorithm", "bytes", "JWT", "opaque", "ratio");
    for case in &cases {
        let opaque = Opaque::new(case);
        case.remembered();
        let (jwt, opaque) = interleaved(|| case.remembered(), || opaque.remembered());
        let (name, bytes, ratio) = (case.algorithm.name(), case.token.len(), opaque / jwt);
        println!("{name:<9} {bytes:>6} {jwt:>9.3} {opaque:>11.3} {ratio:>6.2}");
    }

    println!("\na remembered token without and with 100,000 revocations, microseconds; limit: 1.15");
    println!("{:<9} {:>9} {:>9} {:>6}", "tokens", "without", "with", "ratio");
    for tokens in [1, 1000, 10_000] {
        let guards = Revocable::new(tokens);
        let (without, with) =
            interleaved(|| guards.remembered(&guards.without), || guards.remembered(&guards.with));
        println!("{tokens:<9} {without:>9.3} {with:>9.3} {:>6.2}", with / without);
    }
}
