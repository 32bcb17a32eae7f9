//! The settings of introspection, as code writes them.

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
#[derive(Clone, Debug)]
#[must_use]
pub struct Introspection {
    table: Table,
}

impl Introspection {
    /// At the endpoint that the metadata of the issuer name (RFC 8414 §2).
    pub fn discovered() -> Self {
        Self { table: Table::default() }
    }

    /// At this URL: https, or http on loopback.
    pub fn at(endpoint: &str) -> Self {
        let mut table = Table::default();
        table.set(members::ENDPOINT, endpoint.to_owned());
        Self { table }
    }

    /// As this client, by its secret in the header (`client_secret_basic`), form-encoded as RFC 6749 §2.3.1 says.
    pub fn with_client_secret(mut self, client_id: &str, secret: impl Into<String>) -> Self {
        self.table.set(members::CLIENT_ID, client_id.to_owned());
        self.table.set(members::CLIENT_SECRET, Secret::new(secret));
        self
    }

    /// As this client, by the secret in a file, which is read when the guard is built. A line break at its end is left out.
    pub fn with_client_secret_file(mut self, client_id: &str, path: impl Into<PathBuf>) -> Self {
        self.table.set(members::CLIENT_ID, client_id.to_owned());
        self.table.set(members::CLIENT_SECRET_FILE, path.into());
        self
    }

    /// As this client, by a JWT that this private key signs for each call (`private_key_jwt`, RFC 7523): PEM or a JWK, with
    /// an RSA key, one of P-256, P-384 or P-521, or Ed25519.
    pub fn with_private_key(mut self, client_id: &str, key: impl Into<String>) -> Self {
        self.table.set(members::CLIENT_ID, client_id.to_owned());
        self.table.set(members::PRIVATE_KEY, Secret::new(key));
        self
    }

    /// Sends the secret in the body (`client_secret_post`). Default: in the header.
    pub fn posted(mut self) -> Self {
        self.table.set(members::AUTH_METHOD, "client_secret_post");
        self
    }

    /// For how long the answer about a good token is remembered, never past its `exp`. Default 60 s, at most 1 h. A token
    /// that is revoked works on for so long; zero asks about each request.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.table.set(members::TTL, ttl);
        self
    }

    /// For how long it is remembered that a token was refused. Default 10 s, at most 300 s.
    pub fn with_negative_ttl(mut self, ttl: Duration) -> Self {
        self.table.set(members::NEGATIVE_TTL, ttl);
        self
    }

    /// How many refused tokens are remembered. Default 10,000. Good ones stand in the cache of the guard.
    pub fn with_max_entries(mut self, entries: usize) -> Self {
        self.table.set(members::MAX_ENTRIES, entries);
        self
    }

    /// How many calls there may be at a time. Default 64. Requests beyond are answered with 503.
    pub fn with_in_flight(mut self, calls: usize) -> Self {
        self.table.set(members::IN_FLIGHT, calls);
        self
    }

    /// How many calls a second there may be about tokens that are not known. Default 100. Requests beyond are answered with
    /// 503, so that a flood of made-up tokens does not reach the issuer.
    pub fn with_calls_per_second(mut self, calls: usize) -> Self {
        self.table.set(members::CALLS_PER_SECOND, calls);
        self
    }

    /// Whether answers have to be signed by a key of the issuer (RFC 9701). Default: no.
    pub fn with_signed_answers(mut self, signed: bool) -> Self {
        self.table.set(members::SIGNED, signed);
        self
    }

    /// Also asks about JWTs, once they are good by their signature and claims, so that a revoked one is refused. Default: no.
    /// The issuer has to know its JWTs at this endpoint: Logto and oidc-provider do not.
    pub fn always(mut self) -> Self {
        self.table.set(members::ALWAYS, true);
        self
    }

    /// Takes an answer without `token_type`. Default: no, as some servers call a refresh token active too and leave the type
    /// out there alone. For servers that never send it, and tell nothing of refresh tokens.
    pub fn with_optional_token_type(mut self) -> Self {
        self.table.set(members::TOKEN_TYPE, "optional");
        self
    }

    pub(crate) fn into_table(self) -> Table {
        self.table
    }
}
