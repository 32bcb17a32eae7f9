//! What the handle and the endpoints share, and the one place that mints.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::clients::Clients;
use super::grants::Grants;
use super::knobs::Knobs;
use super::minted::Minted;
use super::oauth_error::OAuthError;
use super::random::random_name;
use super::ring::KeyRing;
use super::used::Used;
use crate::{Defect, Forge, TokenBuilder};

/// The state behind all clones and requests.
pub(super) type Shared = Arc<State>;

/// The seconds since 1970, as the issuer sees them.
pub(super) type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The addresses and settings of an issuer, its keys, its switches and its memory.
pub(super) struct State {
    pub(super) urls: Urls,
    pub(super) settings: Settings,
    pub(super) knobs: Knobs,
    ring: Mutex<KeyRing>,
    minted: Mutex<Minted>,
    grants: Mutex<Grants>,
    used_proofs: Mutex<Used>,
    /// What the nonces for proofs are made of.
    pub(super) nonce_secret: String,
}

/// What the builder chooses for as long as the issuer runs.
pub(super) struct Settings {
    /// `aud` of the tokens that are asked for without one.
    pub(super) audience: String,
    /// The life of a token, in seconds.
    pub(super) lifetime: i64,
    /// Whether tokens are opaque unless an order says otherwise.
    pub(super) is_opaque: bool,
    pub(super) clock: Clock,
    pub(super) clients: Clients,
    /// The scopes that there are; every scope if empty.
    pub(super) scopes: Vec<String>,
    /// Whether a proof at the token endpoint needs a nonce.
    pub(super) demands_nonce: bool,
    /// Whether logins are granted: where nobody but this machine reaches the issuer.
    pub(super) consents: bool,
}

/// The addresses of an issuer.
#[derive(Clone, Debug)]
pub(super) struct Urls {
    pub(super) issuer: String,
    pub(super) discovery: String,
    pub(super) oauth_metadata: String,
    pub(super) jwks: String,
    pub(super) authorization: String,
    pub(super) token: String,
    pub(super) introspection: String,
    pub(super) revocation: String,
    pub(super) registration: String,
    pub(super) rotate: String,
}

impl Urls {
    /// The addresses under an origin such as `http://127.0.0.1:9100` and a path such as `/oidc`.
    pub(super) fn new(origin: &str, path: &str) -> Self {
        let issuer = format!("{origin}{path}");
        Self {
            discovery: format!("{issuer}/.well-known/openid-configuration"),
            oauth_metadata: format!("{origin}/.well-known/oauth-authorization-server{path}"),
            jwks: format!("{issuer}/jwks"),
            authorization: format!("{issuer}/authorize"),
            token: format!("{issuer}/token"),
            introspection: format!("{issuer}/token/introspection"),
            revocation: format!("{issuer}/token/revocation"),
            registration: format!("{issuer}/register"),
            rotate: format!("{issuer}/rotate"),
            issuer,
        }
    }
}

/// What a token is to say.
#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    /// `sub`; that of the [`Forge`] without one.
    pub(super) subject: Option<String>,
    /// `client_id`; that of the [`Forge`] without one.
    pub(super) client_id: Option<String>,
    /// `aud`; the audience of the issuer when empty.
    pub(super) audience: Vec<String>,
    /// `scope`; absent without one.
    pub(super) scope: Option<String>,
    /// Other claims.
    pub(super) claims: Vec<(String, Value)>,
    /// Seconds from now to `exp`; the lifetime of the issuer without one.
    pub(super) lifetime: Option<i64>,
    /// Whether it is opaque; as the issuer's without one.
    pub(super) opaque: Option<bool>,
    /// The thumbprint of the key that it is bound to.
    pub(super) bound_key: Option<String>,
    /// The thumbprint of the certificate that it is bound to.
    pub(super) bound_certificate: Option<String>,
    /// The grant that it is of.
    pub(super) grant: Option<String>,
    /// What is to be wrong.
    pub(super) defect: Option<Defect>,
}

impl Order {
    /// A good token; an empty scope is left out.
    pub(super) fn new(scope: &str, subject: &str) -> Self {
        let scope = (!scope.is_empty()).then(|| scope.to_owned());
        Self { scope, subject: Some(subject.to_owned()), ..Self::default() }
    }
}

impl State {
    pub(super) fn new(urls: Urls, settings: Settings, ring: KeyRing) -> Self {
        Self {
            urls,
            settings,
            knobs: Knobs::default(),
            ring: Mutex::new(ring),
            minted: Mutex::default(),
            grants: Mutex::default(),
            used_proofs: Mutex::default(),
            nonce_secret: random_name(),
        }
    }

    /// The time, in seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        (self.settings.clock)()
    }

    /// The keys. Nothing that holds the lock panics or waits, so poison is ignored.
    pub(super) fn ring(&self) -> MutexGuard<'_, KeyRing> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A forge with the key that signs at the moment.
    pub(super) fn forge(&self) -> Forge {
        Forge::new(&self.urls.issuer, &self.settings.audience, self.ring().current().clone())
    }

    /// Mints a token and, when nothing is wrong with it, remembers it for introspection.
    pub(super) fn mint(&self, order: Order) -> String {
        let lifetime = order.lifetime.unwrap_or(self.settings.lifetime);
        let mut token = self.forge().token().issued_at(self.now()).lifetime(lifetime);
        if let Some(subject) = order.subject {
            token = token.subject(subject);
        }
        if let Some(client_id) = &order.client_id {
            token = token.client_id(client_id);
        }
        token = match order.audience.as_slice() {
            [] => token,
            [one] => token.claim("aud", one.as_str()),
            several => token.claim("aud", json!(several)),
        };
        if let Some(scope) = order.scope {
            token = token.scope(scope);
        }
        for (name, bound) in [("jkt", &order.bound_key), ("x5t#S256", &order.bound_certificate)] {
            if let Some(thumbprint) = bound {
                token = token.confirmation(name, thumbprint);
            }
        }
        for (name, value) in order.claims {
            token = token.claim(name, value);
        }
        let is_good = order.defect.is_none();
        let token = order.defect.into_iter().fold(token, TokenBuilder::defect).mint();
        if order.opaque.unwrap_or(self.settings.is_opaque) {
            return self.minted().name(&token, order.client_id, order.grant);
        }
        if is_good {
            self.minted().remember(&token, order.client_id, order.grant);
        }
        token
    }

    /// Forgets a token, which is not active from then on (RFC 7009).
    pub(super) fn revoke(&self, token: &str) {
        self.minted().forget(token);
    }

    /// Ends a token for a client: an access token, or a refresh token with its grant. A token that is not known is
    /// no mistake (RFC 7009 §2.2).
    ///
    /// # Errors
    ///
    /// `invalid_grant` if the token was issued to another client (§2.1).
    pub(super) fn revoke_of(&self, token: &str, client_id: &str) -> Result<(), OAuthError> {
        self.minted().revoke(token, client_id)?;
        self.grants().revoke(token, client_id)
    }

    /// The claims of a token that this issuer minted, as long as neither it nor its grant has come to its end.
    pub(super) fn active_claims(&self, token: &str) -> Option<Value> {
        let now = self.now();
        let known = self.minted().known(token).cloned()?;
        if known.grant.is_some_and(|grant| !self.grants().lives(&grant)) {
            return None;
        }
        (known.claims.get("exp").and_then(Value::as_i64)? > now).then_some(known.claims)
    }

    /// What users have granted. Nothing that holds the lock panics or waits, so poison is ignored.
    pub(super) fn grants(&self) -> MutexGuard<'_, Grants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The proofs that the token endpoint has taken.
    pub(super) fn used_proofs(&self) -> MutexGuard<'_, Used> {
        self.used_proofs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn minted(&self) -> MutexGuard<'_, Minted> {
        self.minted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("issuer", &self.urls.issuer).finish_non_exhaustive()
    }
}
