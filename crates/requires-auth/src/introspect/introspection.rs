//! The settings of introspection, as code writes them.
//!
//! Each method chooses one member of the setting `introspection`, which a file, the environment and Python have alike under
//! the names in [`settings::introspection`](crate::settings::introspection). Nothing is checked here: what is missing, too
//! large or contradictory is a [`ConfigError`](crate::ConfigError) of
//! [`Builder::build`](crate::guard::Builder::build), which names every mistake at once.

use std::path::PathBuf;
use std::time::Duration;

use crate::settings::introspection as members;
use crate::settings::{Secret, Table};

/// How an issuer is asked about tokens; given to a guard with
/// [`Builder::with_introspection`](crate::guard::Builder::with_introspection).
///
/// ```
/// use std::time::Duration;
///
/// use requires_auth::RequiresAuth;
/// use requires_auth::introspect::Introspection;
/// use requires_auth::verify::Tokens;
///
/// // Logto gives opaque tokens to whoever names no resource. Its endpoint stands in its metadata.
/// let introspection = Introspection::discovered()
///     .with_client_secret("orders-api", std::env::var("LOGTO_APP_SECRET").unwrap_or_default())
///     .with_ttl(Duration::from_secs(30));
/// # let introspection = introspection.with_client_secret("orders-api", "secret");
/// let auth = RequiresAuth::builder("https://tenant-id.logto.app/oidc", "https://api.example.com")
///     .with_introspection(introspection)
///     .with_accepted_tokens(Tokens::Both)
///     .build()?;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
/// # What is needed
///
/// The API is a client at the issuer: it has an id, and either a secret or a private key. Without an id, without
/// credentials, or with both kinds of them, the guard is not built:
///
/// ```
/// use requires_auth::RequiresAuth;
/// use requires_auth::introspect::Introspection;
///
/// let guard = |introspection| {
///     RequiresAuth::builder("https://issuer.example", "https://api.example").with_introspection(introspection).build()
/// };
/// let endpoint = || Introspection::at("https://issuer.example/introspect");
/// assert!(guard(endpoint().with_client_secret("orders-api", "secret")).is_ok());
///
/// let error = guard(endpoint()).unwrap_err();
/// assert_eq!(error.problems()[0].field(), "introspection");
/// // Token and secret would cross the network in the clear.
/// let plain = Introspection::at("http://issuer.example/introspect").with_client_secret("orders-api", "secret");
/// assert!(guard(plain).is_err());
/// ```
///
/// # What happens to a token
///
/// | the issuer answers | the request gets |
/// | --- | --- |
/// | `active` is `true`, and the claims pass the same checks as those of a JWT | the handler |
/// | `active` is `false` | 401 `invalid_token`, remembered for [`with_negative_ttl`](Self::with_negative_ttl) |
/// | nothing, another status than 200, or something that cannot be read | 503: nobody knows whether the token is good |
///
/// `Debug` shows neither the secret nor the key.
#[derive(Clone, Debug)]
#[must_use]
pub struct Introspection {
    table: Table,
}

impl Introspection {
    /// At the endpoint that the metadata of the issuer name (RFC 8414 §2).
    /// The member is `introspection_endpoint`. The metadata are read when the first token has to be asked about, and again
    /// after one hour, or sooner when a call to the endpoint fails. Metadata that name no endpoint are answered with 503 and
    /// logged.
    pub fn discovered() -> Self {
        Self { table: Table::default() }
    }

    /// At this URL: https, or http on loopback.
    /// A URL with a user, a password or a fragment is refused when the guard is built. The metadata of the issuer are not read for the sake of introspection then.
    ///
    /// ```
    /// use requires_auth::introspect::Introspection;
    ///
    /// let introspection = Introspection::at("https://login.example.com/introspect")
    ///     .with_client_secret("orders-api", "secret-of-the-api");
    /// assert!(!format!("{introspection:?}").contains("secret-of-the-api"));
    /// ```
    pub fn at(endpoint: &str) -> Self {
        let mut table = Table::default();
        table.set(members::ENDPOINT, endpoint.to_owned());
        Self { table }
    }

    /// As this client, by its secret in the header (`client_secret_basic`), form-encoded as RFC 6749 §2.3.1 says.
    /// An empty secret, and one with white space in it, is refused when the guard is built: a secret that was copied with a
    /// line break would otherwise be refused by the issuer, one request at a time.
    pub fn with_client_secret(mut self, client_id: &str, secret: impl Into<String>) -> Self {
        self.table.set(members::CLIENT_ID, client_id.to_owned());
        self.table.set(members::CLIENT_SECRET, Secret::new(secret));
        self
    }

    /// As this client, by the secret in a file, which is read when the guard is built. A line break at its end is left out.
    /// A file that is missing, empty or not UTF-8 is refused when the guard is built; the message names the path and never
    /// what is in the file. A new secret needs a new guard.
    pub fn with_client_secret_file(mut self, client_id: &str, path: impl Into<PathBuf>) -> Self {
        self.table.set(members::CLIENT_ID, client_id.to_owned());
        self.table.set(members::CLIENT_SECRET_FILE, path.into());
        self
    }

    /// As this client, by a JWT that this private key signs for each call (`private_key_jwt`, RFC 7523): PEM or a JWK, with
    /// an RSA key, one of P-256, P-384 or P-521, or Ed25519.
    /// Each assertion names the client as `iss` and `sub`, the issuer as `aud`, has a random `jti` and counts for 60 seconds
    /// (RFC 7523 §3). The key has to be unencrypted, and an RSA key has to have 2048 bits at least. A public key, or a text
    /// that is not a key, is refused when the guard is built.
    pub fn with_private_key(mut self, client_id: &str, key: impl Into<String>) -> Self {
        self.table.set(members::CLIENT_ID, client_id.to_owned());
        self.table.set(members::PRIVATE_KEY, Secret::new(key));
        self
    }

    /// Sends the secret in the body (`client_secret_post`). Default: in the header.
    /// RFC 6749 §2.3.1 recommends the header, and demands that servers support it; choose the body for servers that do not.
    /// Beside a private key it is a mistake that [`Builder::build`](crate::guard::Builder::build) reports: an assertion is
    /// always in the body.
    pub fn posted(mut self) -> Self {
        self.table.set(members::AUTH_METHOD, "client_secret_post");
        self
    }

    /// For how long the answer about a good token is remembered, never past its `exp`. Default 60 s, at most 1 h. A token
    /// that is revoked works on for so long; zero asks about each request.
    /// An answer without `exp` (RFC 7662 §2.2 makes it optional) counts for this time as well. A longer time saves calls; a
    /// shorter one lets a revocation count sooner.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.table.set(members::TTL, ttl);
        self
    }

    /// For how long it is remembered that a token was refused. Default 10 s, at most 300 s.
    /// A client that repeats a refused token costs no call in this time. It is short, since an issuer may call a token
    /// inactive while its own storage is down. Zero asks again each time.
    pub fn with_negative_ttl(mut self, ttl: Duration) -> Self {
        self.table.set(members::NEGATIVE_TTL, ttl);
        self
    }

    /// How many refused tokens are remembered. Default 10,000. Good ones stand in the cache of the guard.
    /// The limit bounds the memory that made-up tokens can take: a refused token is kept as its SHA-256, never as its text. Zero remembers none.
    pub fn with_max_entries(mut self, entries: usize) -> Self {
        self.table.set(members::MAX_ENTRIES, entries);
        self
    }

    /// How many calls there may be at a time. Default 64. Requests beyond are answered with 503.
    /// At least 1, at most 10,000. A quarter is kept for tokens that were good before, so that a flood of unknown tokens does
    /// not keep known users out. Requests with one and the same token share one call, and count once.
    pub fn with_in_flight(mut self, calls: usize) -> Self {
        self.table.set(members::IN_FLIGHT, calls);
        self
    }

    /// How many calls a second there may be about tokens that are not known. Default 100. Requests beyond are answered with
    /// 503, so that a flood of made-up tokens does not reach the issuer.
    /// At least 1, at most 1,000,000. Tokens that were good before are not counted.
    pub fn with_calls_per_second(mut self, calls: usize) -> Self {
        self.table.set(members::CALLS_PER_SECOND, calls);
        self
    }

    /// Whether answers have to be signed by a key of the issuer (RFC 9701). Default: no.
    /// The guard then asks for `application/token-introspection+jwt`, and believes an answer only if its type is
    /// `token-introspection+jwt`, a key of the issuer has signed it, `iss` is the issuer and `aud` names this client
    /// (RFC 9701 §5). The keys are those of the issuer's key set. Anything else is answered with 503.
    pub fn with_signed_answers(mut self, signed: bool) -> Self {
        self.table.set(members::SIGNED, signed);
        self
    }

    /// Also asks about JWTs, once they are good by their signature and claims, so that a revoked one is refused. Default: no.
    /// The issuer has to know its JWTs at this endpoint: Logto and oidc-provider do not.
    /// Every JWT that is not remembered costs a call then, and an outage of the endpoint is a 503 for JWTs too. A JWT whose
    /// signature or claims are wrong is refused without a call. See [`Tokens`](crate::verify::Tokens) for which kinds of tokens
    /// are taken: with this alone, JWTs are.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::introspect::Introspection;
    ///
    /// let introspection = Introspection::discovered().with_client_secret("orders-api", "secret").always();
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_introspection(introspection)
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn always(mut self) -> Self {
        self.table.set(members::ALWAYS, true);
        self
    }

    /// Takes an answer without `token_type`. Default: no, as some servers call a refresh token active too and leave the type
    /// out there alone. For servers that never send it, and tell nothing of refresh tokens.
    /// A `token_type` that is there has to be `Bearer` or `DPoP` in any case.
    pub fn with_optional_token_type(mut self) -> Self {
        self.table.set(members::TOKEN_TYPE, "optional");
        self
    }

    pub(crate) fn into_table(self) -> Table {
        self.table
    }
}
