//! The guard: rules, keys and clock in one value that a server clones freely.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwapOption;

use crate::challenge::{Challenge, Style};
use crate::clock::Clock;
use crate::error::{ConfigError, Denial};
use crate::introspect::Asker;
use crate::jose::key_set::KeySet;
use crate::keys::{Refreshed, RemoteKeys, Want, shown};
use crate::policy::{Policy, Presence, Requirement};
use crate::request::Request;
use crate::revocations::Revocations;
use crate::telemetry;
use crate::token_cache::TokenCache;
use crate::verify::{AccessToken, Audience, KnownHeader, Rules};

mod admission;
mod log;
mod bare;
mod resolver;
mod sharing;
mod tenancy;
mod tenants;
mod examine;
mod explained;
mod builder;
mod asking;
mod providers;
mod flow;
mod health;
#[cfg(feature = "mcp")]
mod mcp;
mod unavailable;
mod places;
mod proving;
mod resource;
mod revoking;
mod token_end;

pub use crate::jose::examined::ExaminedKey;
pub use crate::keys::{Examination, ExaminedDocument};
pub use admission::{Admission, Passed};
pub use builder::Builder;
pub use health::{Health, IssuerHealth, KeySource, KeyState, RevocationsHealth};
use proving::{Authorized, Proving};
pub use resolver::{Issuer, ResolveError, ResolveFuture, ResolveIssuer};
use sharing::Sharing;
pub use token_end::TokenEnd;
pub use unavailable::KeysUnavailable;
use unavailable::Unreached;

/// Guards an API: lets a request through only with an access token that is good for it.
///
/// A clone is cheap and shares keys and cache, so that a server makes one guard and clones it freely. Making one does no
/// IO: keys are fetched on first need.
///
/// # Which method
///
/// In axum and tower the layers call these methods; see [`layer`](Self#method.layer), [`require`](Self#method.require) and
/// their neighbours. Elsewhere begin with [`authorize`](Self::authorize):
///
/// | to | call |
/// | --- | --- |
/// | let a request through with a valid token that may do something | [`authorize`](Self::authorize) |
/// | let a request through with any valid token | [`authenticate`](Self::authenticate) |
/// | decide over a route as a whole: CORS preflights, and requests that may be anonymous | [`admit`](Self::admit) |
/// | verify a token that does not come in a header | [`verify`](Self::verify) |
/// | check a second policy for a request that has passed | [`check`](Self::check) |
/// | answer a refused request | [`challenge`](Self::challenge) |
/// | find out why a request is refused | [`explain`](Self::explain) |
/// | fetch the keys at start, or look at them | [`warm`](Self::warm), [`health`](Self::health) |
///
/// The first four have a sibling with `_now` in its name. It never waits and needs no runtime: it answers `None` where keys
/// have to be fetched first, and the other one is to be asked then. It is for frameworks that are not asynchronous, for
/// tests with a static key set, and to save a task where nearly every request needs no fetch.
///
/// # Example
///
/// ```
/// use requires_auth::{Policy, Request, RequiresAuth};
///
/// # async fn handler() -> Result<(), Box<dyn std::error::Error>> {
/// let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
///
/// let headers = [("authorization", "Bearer eyJhbGciOi...")];
/// let request = Request::new("GET", "/orders", &headers);
/// match auth.authorize(&request, &Policy::all_of(["read:orders"])).await {
///     Ok(token) => println!("hello {}", token.subject().unwrap_or("nobody")),
///     Err(denial) => println!("{} {}", denial.status(), denial.code()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RequiresAuth {
    inner: Arc<Inner>,
}

struct Inner {
    rules: Rules,
    keys: Vec<Keys>,
    /// Who asks each issuer about tokens, in the order of the rules.
    askers: Vec<Option<Arc<Asker>>>,
    clock: Arc<dyn Clock>,
    style: Style,
    cache: Option<TokenCache>,
    /// The parsed header of the last accepted token.
    known_header: ArcSwapOption<KnownHeader>,
    allowed: telemetry::Allowed,
    /// Headers that are read for a token or a certificate beside `authorization`.
    token_headers: Box<[Box<str>]>,
    closes_on_expiry: bool,
    /// Whether tokens of any issuer may be bound to a certificate.
    takes_certificates: bool,
    /// The protected resource that the guard stands before, if it has one.
    resource: Option<resource::Guarded>,
    /// The resources that share its keys.
    siblings: resource::Siblings,
    /// The settings that it was made of.
    recipe: Builder,
    /// Issuers that are not configured by name, if there may be any.
    tenants: Option<Box<tenants::Tenants>>,
    /// The server that instances share, if there is one.
    sharing: Sharing,
    /// What proofs of keys need beside the rules, where they are taken.
    proving: Option<Box<Proving>>,
    /// Which tokens are refused before they expire, if it is told of any.
    revocations: Option<Revocations>,
}

/// Where the keys of one issuer come from; in the order of the rules.
#[derive(Clone)]
enum Keys {
    Remote(RemoteKeys),
    Static(Arc<KeySet>),
    /// Nothing is signed: the issuer is asked about each token.
    Unneeded,
}

impl RequiresAuth {
    /// Guards an API that takes tokens of `issuer` for `audience`, with the defaults.
    ///
    /// Both are compared byte for byte with the token: a trailing slash counts. The issuer is the `issuer` of its metadata,
    /// and the audience is what the API is called there, which need not be its URL.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// // Nothing is fetched here, so that a server starts while its issuer is down.
    /// let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
    ///
    /// // A mistake that can be seen without the network shows here, with what to do about it.
    /// let error = RequiresAuth::new("https://tenant-id.logto.app/oidc\n", "https://api.example.com").unwrap_err();
    /// assert!(error.to_string().contains("a mounted secret or a copied line often has a line break there"));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration at once: see [`Builder::build`].
    pub fn new(issuer: &str, audience: impl Into<Audience>) -> Result<Self, ConfigError> {
        Self::builder(issuer, audience).build()
    }

    /// As [`new`](Self::new), with more to choose.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::builder("https://example.eu.auth0.com/", "https://api.example.com")
    ///     .with_scope_claims(["scope", "permissions"])
    ///     .with_leeway(Duration::from_secs(10))
    ///     .build()?;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn builder(issuer: &str, audience: impl Into<Audience>) -> Builder {
        Builder::new(issuer, audience)
    }

    /// Reads the settings from the environment: `REQUIRES_AUTH_ISSUER`, `REQUIRES_AUTH_AUDIENCE` and, where a default
    /// does not suit, a variable for each further setting, as [`Builder::from_env`] describes. That one also leaves more to
    /// choose in code.
    ///
    /// ```no_run
    /// use requires_auth::RequiresAuth;
    ///
    /// // REQUIRES_AUTH_ISSUER=https://tenant-id.logto.app/oidc
    /// // REQUIRES_AUTH_AUDIENCE=https://api.example.com
    /// let auth = match RequiresAuth::from_env() {
    ///     Ok(auth) => auth,
    ///     Err(error) => {
    ///         // Every variable that is missing or wrong, each with what to set it to.
    ///         eprintln!("{error}");
    ///         std::process::exit(2);
    ///     }
    /// };
    /// # let _ = auth;
    /// ```
    /// # Errors
    ///
    /// All mistakes of the configuration at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        Builder::from_env().build()
    }

    /// Fetches the keys of every issuer that has none yet, and finds the introspection endpoint of each that is asked about
    /// tokens. Connects to the server that instances share, if there is one; that it cannot is logged, and not an error here.
    ///
    /// A server that calls this before it listens finds a wrong issuer at start instead of at the first
    /// request. It is not needed: keys are fetched on first need. Whether a failure stops the server is its own choice:
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// async fn start(auth: &RequiresAuth) {
    ///     if let Err(error) = auth.warm().await {
    ///         // The issuer may come up later; until then requests with a token get a 503.
    ///         eprintln!("serving without keys: {error}");
    ///     }
    /// }
    /// # let _ = start;
    /// ```
    /// # Errors
    ///
    /// Every issuer whose keys could not be fetched, with the cause and what to do about it. Each is logged already, as
    /// one that a request comes upon is.
    pub async fn warm(&self) -> Result<(), KeysUnavailable> {
        let mut failures = Vec::new();
        let now = self.inner.clock.now();
        for remote in self.fixed_keys().filter_map(Keys::remote) {
            if remote.current(now).is_none()
                && let Refreshed::No { .. } = remote.refresh(Want::Keys).await
            {
                failures.extend(remote.status().last_failure.map(|last| Unreached {
                    issuer: Arc::clone(remote.issuer()),
                    failure: last.failure,
                    url: last.url.as_ref().map(shown),
                }));
            }
        }
        for asker in self.inner.askers.iter().flatten() {
            if let Err(failure) = asker.warm().await {
                failures.push(Unreached { issuer: asker.issuer().into(), failure, url: None });
            }
        }
        self.inner.sharing.warm().await;
        self.wait_for_revocations().await;
        if failures.is_empty() { Ok(()) } else { Err(KeysUnavailable { failures }) }
    }

    /// Judges the token of a request: [`authorize`](Self::authorize) where any valid token will do.
    ///
    /// Waits only when keys have to be fetched, and then on tokio, for five seconds at most. Whoever is authenticated may
    /// not yet do everything; a route that changes something should name the scopes that it needs.
    ///
    /// # Errors
    ///
    /// The request has no valid token, or the issuer's keys are out of reach.
    pub async fn authenticate(&self, request: &Request<'_>) -> Result<AccessToken, Denial> {
        self.authorize(request, Policy::NOTHING).await
    }

    /// Judges the token of a request if that needs no fetch; never waits, and needs no runtime.
    ///
    /// `None` means that keys have to be fetched: ask [`authenticate`](Self::authenticate). It is not a refusal, and never
    /// a pass.
    ///
    /// ```
    /// use requires_auth::{AccessToken, Denial, Request, RequiresAuth};
    ///
    /// /// A framework without async: nearly always at once, else on a runtime of its own.
    /// fn token(
    ///     auth: &RequiresAuth,
    ///     runtime: &tokio::runtime::Runtime,
    ///     request: &Request<'_>,
    /// ) -> Result<AccessToken, Denial> {
    ///     auth.authenticate_now(request).unwrap_or_else(|| runtime.block_on(auth.authenticate(request)))
    /// }
    /// # let _ = token;
    /// ```
    pub fn authenticate_now(&self, request: &Request<'_>) -> Option<Result<AccessToken, Denial>> {
        self.authorize_now(request, Policy::NOTHING)
    }

    /// Judges the token of a request, then whether it may do what `policy` guards.
    ///
    /// The outcome is counted and, if it is a refusal, logged. The error is for [`challenge`](Self::challenge), which makes
    /// the answer of it:
    ///
    /// ```
    /// use requires_auth::challenge::Challenge;
    /// use requires_auth::{AccessToken, Policy, Request, RequiresAuth};
    ///
    /// /// What a handler of any framework begins with.
    /// async fn allowed(auth: &RequiresAuth, request: &Request<'_>) -> Result<AccessToken, Challenge> {
    ///     let policy = Policy::all_of(["read:orders"]);
    ///     auth.authorize(request, &policy).await.map_err(|denial| auth.challenge(request, &denial))
    /// }
    ///
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let headers = [("authorization", format!("Bearer {}", forge.token().scope("read:orders").mint()))];
    /// assert!(allowed(&auth, &Request::new("GET", "/orders", &headers)).await.is_ok());
    ///
    /// let headers = [("authorization", format!("Bearer {}", forge.token().scope("read:stock").mint()))];
    /// let challenge = allowed(&auth, &Request::new("GET", "/orders", &headers)).await.unwrap_err();
    /// assert_eq!(challenge.status(), 403);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Where proofs of possession need nonces ([`Dpop::with_nonce_secret`](crate::dpop::Dpop::with_nonce_secret)), the answer to a
    /// request that passes may have to carry one: [`admit`](Self::admit) says so.
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate), or the policy refuses.
    pub async fn authorize(&self, request: &Request<'_>, policy: &Policy) -> Result<AccessToken, Denial> {
        self.authorized(request, policy).await.map(|authorized| authorized.token)
    }

    /// As [`authorize`](Self::authorize) if that needs no fetch; never waits, and needs no runtime. `None` means that keys
    /// have to be fetched: ask [`authorize`](Self::authorize).
    pub fn authorize_now(
        &self,
        request: &Request<'_>,
        policy: &Policy,
    ) -> Option<Result<AccessToken, Denial>> {
        self.authorized_now(request, policy).map(|judged| judged.map(|authorized| authorized.token))
    }

    /// Whether a token that this guard has judged for this request may do what `policy` guards.
    ///
    /// For a second policy that depends on the request, without verifying the token again. A refusal is logged and counted
    /// as that of the route; [`Policy::check`] is the same without a request at hand.
    ///
    /// ```
    /// use requires_auth::{AccessToken, Denial, Policy, Request, RequiresAuth};
    ///
    /// /// One route, two kinds of requests: to publish an article needs more than to save it.
    /// fn may_save(auth: &RequiresAuth, request: &Request<'_>, token: &AccessToken, publish: bool) -> Result<(), Denial> {
    ///     if publish { auth.check(request, token, &Policy::all_of(["publish:articles"])) } else { Ok(()) }
    /// }
    /// # let _ = may_save;
    /// ```
    /// # Errors
    ///
    /// As [`Policy::check`], or the token was revoked since it was judged.
    pub fn check(&self, request: &Request<'_>, token: &AccessToken, policy: &Policy) -> Result<(), Denial> {
        // A connection may have lasted since the token was judged.
        let checked = self.check_revoked(token).and_then(|()| policy.check_for(token, request));
        checked.map_err(|denial| self.refuse_later(request, token, denial))
    }

    /// Decides over a request as a whole: what a route asks of it, and whether it has that.
    ///
    /// Preflights pass unjudged, and with [`Presence::Optional`] a request without an access token passes as
    /// anonymous: one without `Authorization` header, or with another scheme in it than Bearer and DPoP. A bad token is
    /// refused either way, and so is a header that is not a scheme and credentials.
    ///
    /// This is what the layers call, and what an adapter for another framework calls for each request of a route:
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::guard::Passed;
    /// use requires_auth::policy::Requirement;
    /// use requires_auth::{Policy, Request, RequiresAuth};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// // Everybody may read; who shows a token must have the scope in it.
    /// let route = Requirement::optional(Policy::all_of(["read:orders"]));
    ///
    /// let admission = auth.admit(&Request::new("GET", "/orders", &[("accept", "*/*")]), &route).await?;
    /// assert!(matches!(admission.passed(), Passed::Anonymous));
    ///
    /// // A preflight never shows a token. The framework has to answer it, and must not run the handler for it.
    /// let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    /// let admission = auth.admit(&Request::new("OPTIONS", "/orders", &preflight), &route).await?;
    /// assert!(matches!(admission.passed(), Passed::Preflight));
    ///
    /// // A bad token is refused also where none is needed: its client believes that it is logged in.
    /// let opaque = [("authorization", "Bearer opaque")];
    /// assert_eq!(auth.admit(&Request::new("GET", "/orders", &opaque), &route).await.unwrap_err().status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    /// # Errors
    ///
    /// As [`authorize`](Self::authorize).
    pub async fn admit(&self, request: &Request<'_>, requirement: &Requirement) -> Result<Admission, Denial> {
        match admit_without_token(&self.inner.rules, request, requirement) {
            Some(passed) => Ok(passed.into()),
            None => Ok(self.admitted(request, self.authorized(request, requirement.policy()).await?)),
        }
    }

    /// As [`admit`](Self::admit) if that needs no fetch; never waits, and needs no runtime.
    pub fn admit_now(
        &self,
        request: &Request<'_>,
        requirement: &Requirement,
    ) -> Option<Result<Admission, Denial>> {
        if let Some(passed) = admit_without_token(&self.inner.rules, request, requirement) {
            return Some(Ok(passed.into()));
        }
        let judged = self.authorized_now(request, requirement.policy())?;
        Some(judged.map(|authorized| self.admitted(request, authorized)))
    }

    /// The answer to a refused request, in this guard's body format. Send its status, all of its headers and its body; see
    /// [`Challenge`] for an example.
    ///
    /// The request is the one that was refused: its headers decide what a script of another origin may read.
    pub fn challenge(&self, request: &Request<'_>, denial: &Denial) -> Challenge {
        self.inner.style.challenge(denial, request)
    }

    /// Refuses a request that has passed without a token where one is needed after all.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn refuse_anonymous(&self, request: &Request<'_>) -> Denial {
        let none = || Denial::new(crate::error::ErrorCode::AuthorizationHeaderMissing);
        let denial = self.inner.rules.credential(request).err().unwrap_or_else(none);
        self.refuse(request, None, denial)
    }

    /// Whether a token was made by this guard or a clone of it.
    pub(crate) fn made(&self, token: &AccessToken) -> bool {
        token.guard() == self.inner.rules.guard
    }
}

/// How a request passes that is not asked for a token.
fn admit_without_token(rules: &Rules, request: &Request<'_>, requirement: &Requirement) -> Option<Passed> {
    match requirement.presence() {
        Presence::Ignored => Some(Passed::Anonymous),
        _ if request.is_preflight() => Some(Passed::Preflight),
        Presence::Optional if rules.shows_no_token(request) => Some(Passed::Anonymous),
        Presence::Optional | Presence::Required => None,
    }
}

impl Keys {
    const fn remote(&self) -> Option<&RemoteKeys> {
        match self {
            Self::Remote(remote) => Some(remote),
            Self::Static(_) | Self::Unneeded => None,
        }
    }

    fn current(&self, now: SystemTime) -> Option<Arc<KeySet>> {
        match self {
            Self::Remote(remote) => remote.current(now),
            Self::Static(keys) => Some(Arc::clone(keys)),
            Self::Unneeded => None,
        }
    }
}

impl fmt::Debug for RequiresAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequiresAuth").field("rules", &self.inner.rules).finish_non_exhaustive()
    }
}
