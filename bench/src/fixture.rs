//! What every measurement starts from: keys, tokens like Logto's, guards.

use std::sync::Arc;
use std::thread;

use requires_auth::RequiresAuth;
use requires_auth::fetch::{Fetch, FetchFuture, FetchRequest, FetchResponse};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

/// The issuer of all tokens.
pub const ISSUER: &str = "https://tenant-id.logto.app/oidc";

/// The API that all tokens are for.
pub const AUDIENCE: &str = "https://api.example.com";

/// How long tokens live, in seconds: longer than any run.
const LIFETIME: i64 = 86_400;

/// The header of one request, as a server has it.
pub type Headers = [(&'static str, String); 1];

/// A token in the header that carries it.
#[derive(Clone)]
pub struct Token {
    headers: Headers,
}

impl Token {
    fn new(token: &str) -> Self {
        Self { headers: [("authorization", format!("Bearer {token}"))] }
    }

    /// The token alone.
    pub fn text(&self) -> &str {
        self.value().trim_start_matches("Bearer ")
    }

    /// The value of the `Authorization` header.
    pub fn value(&self) -> &str {
        &self.headers[0].1
    }

    /// The headers of a request with this token.
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }
}

/// Mints `count` different tokens of about 560 bytes (with ES384), as Logto shapes them, on all cores.
///
/// # Panics
///
/// When the operating system has no randomness.
pub fn mint(key: &SigningKey, count: usize) -> Vec<Token> {
    mint_for(ISSUER, key, count)
}

/// As [`mint`], for another issuer.
///
/// # Panics
///
/// When the operating system has no randomness.
pub fn mint_for(issuer: &str, key: &SigningKey, count: usize) -> Vec<Token> {
    let forge = Forge::new(issuer, AUDIENCE, key.clone());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let part = |size: usize| {
        let token = || {
            let token = forge.token().subject("rjd9xfxdl6gh").client_id("m7qzwu6yvpd3k9x1n5bt");
            Token::new(&token.scope("read:orders write:orders").lifetime(LIFETIME).mint())
        };
        (0..size).map(|_| token()).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let part = &part;
        let sizes = (0..cores).map(|core| (count + core) / cores);
        let parts: Vec<_> = sizes.map(|size| scope.spawn(move || part(size))).collect();
        parts.into_iter().flat_map(|part| part.join().expect("the minting thread")).collect()
    })
}

/// The keys of one issuer: one that signs what is measured, and one that signs what fills caches.
pub struct Keys {
    /// Signs the tokens that are measured.
    pub signing: SigningKey,
    /// Signs tokens quickly.
    pub filling: SigningKey,
}

impl Keys {
    /// Fresh keys; the first is for `algorithm`.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness.
    pub fn generate(algorithm: Algorithm) -> Self {
        Self { signing: SigningKey::generate(algorithm), filling: SigningKey::generate(Algorithm::Ed25519) }
    }

    /// The JWK Set that publishes both.
    pub fn jwks(&self) -> String {
        jwk_set([&self.signing, &self.filling]).to_string()
    }
}

/// A guard that fetches its keys, as most do, and has them. It must be called within a tokio runtime.
///
/// # Panics
///
/// When the keys cannot be loaded.
pub async fn guard(jwks: &str, cache_entries: usize) -> RequiresAuth {
    let guard = RequiresAuth::builder(ISSUER, AUDIENCE)
        .with_jwks_uri("https://tenant-id.logto.app/oidc/jwks")
        .with_fetch(InMemory { jwks: jwks.into() })
        .with_cache(cache_entries)
        .build()
        .expect("a configuration");
    guard.warm().await.expect("keys");
    guard
}

/// Answers every fetch with one key set.
struct InMemory {
    jwks: Arc<str>,
}

impl Fetch for InMemory {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        let response = FetchResponse::new(200, self.jwks.as_bytes());
        Box::pin(async { Ok(response) })
    }
}
