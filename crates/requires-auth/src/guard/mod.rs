//! The guard: rules, keys and clock in one value that a server clones freely.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::challenge::{BodyFormat, Challenge};
use crate::clock::Clock;
use crate::credential::{Bearer, Presented, shows_no_token};
use crate::error::{ConfigError, Denial, Reason};
use crate::explain::Report;
use crate::jose::key_set::KeySet;
use crate::keys::{Doubt, Refreshed, RemoteKeys, Want};
use crate::policy::Policy;
use crate::request::Request;
use crate::telemetry;
use crate::token_cache::{CacheKey, TokenCache};
use crate::verify::{AccessToken, Audience, KnownHeader, Rules, Silent, Tried, Verdict, VerifiedBy, judge};

mod log;
mod bare;
mod examine;
mod builder;
mod health;
mod unavailable;

pub use crate::jose::examined::ExaminedKey;
pub use crate::keys::{Examination, ExaminedDocument};
pub use builder::Builder;
pub use health::{Health, IssuerHealth, KeySource, KeyState};
pub use unavailable::KeysUnavailable;

/// How long a request waits for keys at most.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Guards an API: judges requests by their access tokens.
///
/// A clone is cheap and shares keys. Making one does no IO: keys are fetched on first need.
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
    clock: Arc<dyn Clock>,
    body_format: BodyFormat,
    cache: Option<TokenCache>,
    /// That of the last good token.
    known_header: ArcSwapOption<KnownHeader>,
    allowed: telemetry::Allowed,
}

/// Where the keys of one issuer come from; in the order of the rules.
enum Keys {
    Remote(RemoteKeys),
    Static(Arc<KeySet>),
}

impl RequiresAuth {
    /// Guards an API that takes tokens of `issuer` for `audience`, with the defaults.
    ///
    /// Both are compared byte for byte with the token: a trailing slash counts.
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration at once: see [`Builder::build`].
    pub fn new(issuer: &str, audience: impl Into<Audience>) -> Result<Self, ConfigError> {
        Self::builder(issuer, audience).build()
    }

    /// As [`new`](Self::new), with more to choose.
    pub fn builder(issuer: &str, audience: impl Into<Audience>) -> Builder {
        Builder::new(issuer, audience)
    }

    /// Reads `REQUIRES_AUTH_ISSUER`, `REQUIRES_AUTH_AUDIENCE` (several separated by spaces) and, if set,
    /// `REQUIRES_AUTH_JWKS` (a file) and `REQUIRES_AUTH_ALGORITHMS` (separated by spaces or commas).
    /// With more to choose: [`Builder::from_env`].
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration at once.
    pub fn from_env() -> Result<Self, ConfigError> {
        Builder::from_env().build()
    }

    /// Fetches the keys of every issuer that has none yet.
    ///
    /// A server that calls this before it listens finds a wrong issuer at start instead of at the first
    /// request. It is not needed: keys are fetched on first need.
    ///
    /// # Errors
    ///
    /// Every issuer whose keys could not be fetched, with the cause and what to do about it.
    pub async fn warm(&self) -> Result<(), KeysUnavailable> {
        let mut failures = Vec::new();
        let now = self.inner.clock.now();
        for keys in &self.inner.keys {
            let Keys::Remote(remote) = keys else { continue };
            if remote.current(now).is_none()
                && let Refreshed::No { .. } = remote.refresh(Want::Keys).await
            {
                failures.extend(
                    remote.status().last_failure.map(|failure| (Arc::clone(remote.issuer()), failure)),
                );
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(KeysUnavailable { failures }) }
    }

    /// Judges the token of a request.
    ///
    /// Waits only when keys have to be fetched, and then on tokio.
    ///
    /// # Errors
    ///
    /// The request has no valid token, or the issuer's keys are out of reach.
    pub async fn authenticate(&self, request: &Request<'_>) -> Result<AccessToken, Denial> {
        self.authorize(request, &Policy::default()).await
    }

    /// Judges the token of a request if that needs no fetch; never waits, and needs no runtime.
    ///
    /// `None` means that keys have to be fetched: ask [`authenticate`](Self::authenticate).
    pub fn authenticate_now(&self, request: &Request<'_>) -> Option<Result<AccessToken, Denial>> {
        self.authorize_now(request, &Policy::default())
    }

    /// Judges the token of a request, then whether it may do what `policy` guards.
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate), or the policy refuses.
    pub async fn authorize(&self, request: &Request<'_>, policy: &Policy) -> Result<AccessToken, Denial> {
        let judged = match self.attempt(request) {
            Attempt::Settled(judged) => judged,
            Attempt::NeedsKeys(need) => self.settle(need).await,
        };
        self.decide(request, judged, policy)
    }

    /// As [`authorize`](Self::authorize) if that needs no fetch; never waits, and needs no runtime.
    pub fn authorize_now(
        &self,
        request: &Request<'_>,
        policy: &Policy,
    ) -> Option<Result<AccessToken, Denial>> {
        match self.attempt(request) {
            Attempt::Settled(judged) => Some(self.decide(request, judged, policy)),
            Attempt::NeedsKeys(_) => None,
        }
    }

    /// Whether a token that this guard has judged for this request may do what `policy` guards.
    ///
    /// # Errors
    ///
    /// As [`Policy::check`].
    pub fn check(&self, request: &Request<'_>, token: &AccessToken, policy: &Policy) -> Result<(), Denial> {
        policy.check(token).inspect_err(|denial| refused(request, denial, self.issuer_of(token)))
    }

    /// Decides over a request as a whole: preflights pass unjudged, and with [`Presence::Optional`] a
    /// request without an access token passes as anonymous: one without `Authorization` header, or with another scheme
    /// in it than Bearer and DPoP. A bad token is refused either way, and so is a header that is not a scheme and
    /// credentials.
    ///
    /// # Errors
    ///
    /// As [`authorize`](Self::authorize).
    pub async fn admit(
        &self,
        request: &Request<'_>,
        policy: &Policy,
        presence: Presence,
    ) -> Result<Admission, Denial> {
        match self.admit_now(request, policy, presence) {
            Some(admitted) => admitted,
            None => self.authorize(request, policy).await.map(Admission::Token),
        }
    }

    /// As [`admit`](Self::admit) if that needs no fetch; never waits, and needs no runtime.
    pub fn admit_now(
        &self,
        request: &Request<'_>,
        policy: &Policy,
        presence: Presence,
    ) -> Option<Result<Admission, Denial>> {
        if request.is_preflight() {
            return Some(Ok(Admission::Preflight));
        }
        if presence == Presence::Optional && shows_no_token(request) {
            return Some(Ok(Admission::Anonymous));
        }
        Some(self.authorize_now(request, policy)?.map(Admission::Token))
    }

    /// The answer to a refused request, in this guard's body format.
    pub fn challenge(&self, request: &Request<'_>, denial: &Denial) -> Challenge {
        Challenge::new(denial, request, &self.inner.body_format)
    }

    /// Judges a token and a policy, and tells what every check found. Fetches keys if that is needed.
    pub async fn explain(&self, bearer: Bearer<'_>, policy: &Policy) -> Report {
        // A request with an expired token fetches no keys; here somebody wants to see every check.
        if let Verdict::NeedKeys { issuer, tried: None, is_expired: true } =
            self.judge(bearer, None, self.inner.clock.now())
            && let Keys::Remote(remote) = &self.inner.keys[issuer]
        {
            let _ = tokio::time::timeout(LONGEST_WAIT, remote.refresh(Want::Keys)).await;
        }
        // The token is judged first as on a request, so that the keys are those that a request would use.
        let key = self.cache_key(bearer.token().as_bytes());
        let judged = match self.attempt_bearer(bearer, key, self.inner.clock.now()) {
            Attempt::Settled(judged) => judged,
            Attempt::NeedsKeys(need) => self.settle(need).await,
        };
        let now = self.inner.clock.now();
        let keys: Vec<_> = self.inner.keys.iter().map(|keys| keys.current(now)).collect();
        self.inner.rules.explain_settled(bearer, &keys, policy, now, judged.err())
    }

    /// Refuses a request that has passed without a token where one is needed after all.
    #[cfg(feature = "axum")]
    pub(crate) fn refuse_anonymous(&self, request: &Request<'_>) -> Denial {
        let none = || Denial::new(crate::error::ErrorCode::AuthorizationHeaderMissing);
        let denial = Presented::from_request(request).err().unwrap_or_else(none);
        refused(request, &denial, self.inner.rules.issuers.only());
        denial
    }

    /// Whether a token was made by this guard or a clone of it.
    pub(crate) fn made(&self, token: &AccessToken) -> bool {
        token.guard() == self.inner.rules.guard
    }

    /// The fetched keys of an issuer.
    fn remote_keys(&self, issuer: &str) -> Option<&RemoteKeys> {
        self.inner.keys.iter().find_map(|keys| match keys {
            Keys::Remote(remote) if **remote.issuer() == *issuer => Some(remote),
            _ => None,
        })
    }

    fn attempt<'r>(&self, request: &Request<'r>) -> Attempt<'r> {
        let presented = match Presented::from_request(request) {
            Ok(presented) => presented,
            Err(denial) => return Attempt::Settled(Err(denial)),
        };
        // One look at the clock for the whole token.
        let now = self.inner.clock.now();
        let key = self.cache_key(presented.bytes());
        if let Some(token) = key.as_ref().and_then(|key| self.cached(key, now)) {
            return Attempt::Settled(Ok(token));
        }
        match presented.bearer() {
            Ok(bearer) => self.attempt_bearer(bearer, key, now),
            Err(denial) => Attempt::Settled(Err(denial)),
        }
    }

    /// Where a token stands in the cache; `None` if it can never stand there.
    fn cache_key(&self, token: &[u8]) -> Option<CacheKey> {
        let may_be_cached = self.inner.cache.is_some() && token.len() <= self.inner.rules.max_token_bytes;
        may_be_cached.then(|| CacheKey::of(token))
    }

    /// A token that was accepted before, if everything that can have changed since still holds.
    fn cached(&self, key: &CacheKey, now: SystemTime) -> Option<AccessToken> {
        let Some(token) = self.inner.cache.as_ref()?.get(key) else {
            telemetry::cache_miss();
            return None;
        };
        let VerifiedBy { issuer, keys } = token.verified_by();
        let is_current = match &self.inner.keys[*issuer] {
            Keys::Remote(remote) => remote.is_current(keys, now),
            // A static set is never replaced.
            Keys::Static(_) => true,
        };
        let token = if is_current { token.checked_again(now.into(), self.inner.rules.leeway) } else { None };
        if token.is_some() {
            telemetry::cache_hit();
        } else {
            telemetry::cache_miss();
        }
        token
    }

    fn attempt_bearer<'r>(&self, bearer: Bearer<'r>, key: Option<CacheKey>, now: SystemTime) -> Attempt<'r> {
        Attempt::Settled(match self.judge(bearer, key.as_ref(), now) {
            Verdict::Allow(token) => Ok(token),
            Verdict::Deny(reason) => Err(Denial::invalid_token(reason)),
            Verdict::NeedKeys { issuer, tried, is_expired } => match &self.inner.keys[issuer] {
                // No key can make it good, so none is fetched.
                Keys::Remote(_) if is_expired => Err(Denial::invalid_token(Reason::Expired)),
                Keys::Remote(remote) => {
                    return Attempt::NeedsKeys(Need { bearer, key, remote: remote.clone(), tried });
                }
                Keys::Static(_) => {
                    Err(Denial::invalid_token(tried.map_or(Reason::KeyUnknown, |tried| tried.reason)))
                }
            },
        })
    }

    /// Gets fresh keys and judges the token once more; and again, if these had been on their way before the token came.
    ///
    /// Waits for five seconds at most; the fetch goes on.
    async fn settle(&self, need: Need<'_>) -> Result<AccessToken, Denial> {
        let Need { bearer, key, remote, mut tried } = need;
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            let doubt = tried.as_ref().map(|tried| (&tried.keys, doubt_about(tried, bearer)));
            let want = doubt.map_or(Want::Keys, |(seen, doubt)| Want::OtherThan { seen, doubt });
            let refreshed = refreshed_by(deadline, remote.refresh(want)).await;
            match (refreshed, tried) {
                (Refreshed::No { retry_after }, Some(_)) => return Err(Denial::undecided(retry_after)),
                (Refreshed::No { retry_after }, None) => return Err(Denial::issuer_unavailable(retry_after)),
                (Refreshed::Settled, Some(tried)) => return Err(Denial::invalid_token(tried.reason)),
                _ => {}
            }
            match self.judge(bearer, key.as_ref(), self.inner.clock.now()) {
                Verdict::Allow(token) => return Ok(token),
                Verdict::Deny(reason) => return Err(Denial::invalid_token(reason)),
                Verdict::NeedKeys { is_expired: true, .. } => {
                    return Err(Denial::invalid_token(Reason::Expired));
                }
                Verdict::NeedKeys { tried: None, .. } => return Err(Denial::issuer_unavailable(1)),
                // A set that was fetched for this token is the last; each round before sees a newer one.
                Verdict::NeedKeys { tried: Some(again), .. } if refreshed == Refreshed::Yes => {
                    remote.remember(&again.keys, doubt_about(&again, bearer));
                    return Err(Denial::invalid_token(again.reason));
                }
                Verdict::NeedKeys { tried: again, .. } => tried = again,
            }
        }
    }

    fn judge(&self, bearer: Bearer<'_>, key: Option<&CacheKey>, now: SystemTime) -> Verdict {
        let _timed = telemetry::verification();
        let keys = |issuer: usize| self.inner.keys[issuer].current(now);
        let known = self.inner.known_header.load();
        let known = known.as_deref();
        let verdict = judge(&self.inner.rules, bearer, known, keys, now.into(), &mut Silent);
        if let (Verdict::Allow(token), Some(cache), Some(key)) = (&verdict, &self.inner.cache, key) {
            cache.insert(key, token);
        }
        if matches!(verdict, Verdict::Allow(_)) && !known.is_some_and(|known| known.heads(bearer)) {
            // The tokens of several issuers would take the place from each other.
            if known.is_none() || self.inner.keys.len() == 1 {
                self.inner.known_header.store(KnownHeader::of(bearer).map(Arc::new));
            }
        }
        verdict
    }

    /// The last word on a request, which is counted and logged once.
    fn decide(
        &self,
        request: &Request<'_>,
        judged: Result<AccessToken, Denial>,
        policy: &Policy,
    ) -> Result<AccessToken, Denial> {
        match judged {
            Ok(token) => {
                self.check(request, &token, policy)?;
                self.inner.allowed.count(token.verified_by().issuer);
                log::allowed(request, self.issuer_of(&token));
                Ok(token)
            }
            Err(denial) => {
                // The issuer of a refused token is not known, unless there is only one.
                refused(request, &denial, self.inner.rules.issuers.only());
                Err(denial)
            }
        }
    }

    /// The issuer as configured, so that nothing of a token reaches a log.
    fn issuer_of(&self, token: &AccessToken) -> Option<&str> {
        let issuer = self.made(token).then(|| token.verified_by().issuer)?;
        self.inner.rules.issuers[issuer].issuer.as_deref()
    }
}

/// What comes of a refresh until the deadline. Outside a runtime there is no timer, and nothing to wait for.
async fn refreshed_by(deadline: Instant, refresh: impl Future<Output = Refreshed>) -> Refreshed {
    if Handle::try_current().is_err() {
        return refresh.await;
    }
    tokio::time::timeout_at(deadline, refresh).await.unwrap_or(Refreshed::No { retry_after: 1 })
}

/// What the keys that were tried leave in doubt about a token.
fn doubt_about<'a>(tried: &'a Tried, bearer: Bearer<'a>) -> Doubt<'a> {
    tried.unknown_kid.as_deref().map_or(Doubt::Signature(bearer.token()), Doubt::Kid)
}

fn refused(request: &Request<'_>, denial: &Denial, issuer: Option<&str>) {
    telemetry::refused(issuer, denial);
    log::refused(denial, request, issuer);
}

impl Keys {
    fn current(&self, now: SystemTime) -> Option<Arc<KeySet>> {
        match self {
            Self::Remote(remote) => remote.current(now),
            Self::Static(keys) => Some(Arc::clone(keys)),
        }
    }
}

impl fmt::Debug for RequiresAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequiresAuth").field("rules", &self.inner.rules).finish_non_exhaustive()
    }
}

/// What came of a token with the keys at hand.
enum Attempt<'r> {
    Settled(Result<AccessToken, Denial>),
    NeedsKeys(Need<'r>),
}

/// A token that the keys at hand do not settle.
struct Need<'r> {
    bearer: Bearer<'r>,
    key: Option<CacheKey>,
    remote: RemoteKeys,
    tried: Option<Tried>,
}

/// Whether a request must have a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// A request without an access token passes as anonymous, whatever other scheme is in its `Authorization` header.
    /// One with a bad token is refused.
    Optional,
    /// A request without a token is refused.
    #[default]
    Required,
}

/// A request that may pass.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Admission {
    /// It has no token, and needs none.
    Anonymous,
    /// It is a CORS preflight, which never has a token.
    Preflight,
    /// It has a valid token.
    Token(AccessToken),
}
