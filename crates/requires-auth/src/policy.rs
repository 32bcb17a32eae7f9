//! What a valid token must be allowed to do: scopes, claim rules, strength of login.
//!
//! A [`Policy`] is checked last, so a 403 means that everything else has passed. Scopes are checked first, then claim
//! rules, then the login (RFC 9470).
//!
//! | the route needs | rule | refusal |
//! | --- | --- | --- |
//! | any valid token | [`Policy::default()`] | none |
//! | every scope of a list | [`Policy::all_of`] | 403 `insufficient_scope` |
//! | one scope of a list | [`Policy::any_of`] | 403 `insufficient_scope` |
//! | scopes from a configuration file | [`Policy::parse`] | 403 `insufficient_scope` |
//! | a claim, such as a tenant or a role | [`Policy::with_claim`] | 403 `access_denied` |
//! | a token for another audience than the rest | [`Policy::with_audience`] | 401 `invalid_token` |
//! | a proof of the key that the token is bound to | [`Policy::with_dpop_required`] | 401 `invalid_token` |
//! | a strong login, such as a second factor | [`Policy::with_acr_values`] | 401 `insufficient_user_authentication` |
//! | a recent login | [`Policy::with_max_age`] | 401 `insufficient_user_authentication` |
//!
//! Prefer a scope where the issuer can grant one: the challenge tells the client which scopes to ask for, and for the
//! login which login. `access_denied` tells it nothing, as no other token of the same user would help.
//!
//! A policy compares the token with fixed values. What depends on the request, such as "the order belongs to this
//! subject", is decided in the handler: read the token with [`AccessToken::subject`] and [`AccessToken::claim`].
//!
//! # Example
//!
//! ```
//! # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
//! use requires_auth::policy::ClaimTest;
//! use requires_auth::{ErrorCode, Policy, RequiresAuth};
//!
//! # let key = SigningKey::generate(Algorithm::Es256);
//! # let jwks = jwk_set([&key]).to_string();
//! # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
//! # let forge = Forge::new("https://issuer.example", "https://api.example", key);
//! let policy = Policy::all_of(["read:orders"]).with_claim("tenant", ClaimTest::equals("acme"));
//! let refusal = |token: &str| auth.verify_now(token, &policy).expect("the keys are there").err();
//!
//! // The scope is missing, so the claim rule is not reached.
//! let token = forge.token().scope("profile").mint();
//! assert_eq!(refusal(&token).map(|denial| denial.code()), Some(ErrorCode::InsufficientScope));
//!
//! // The scope is there. A claim that is absent passes no test.
//! let token = forge.token().scope("read:orders profile").mint();
//! assert_eq!(refusal(&token).map(|denial| denial.code()), Some(ErrorCode::AccessDenied));
//!
//! let token = forge.token().scope("read:orders").claim("tenant", "acme").mint();
//! assert_eq!(refusal(&token), None);
//! # Ok::<(), requires_auth::ConfigError>(())
//! ```

use std::sync::Arc;
use std::time::Duration;

use crate::binding::Proofs;
use crate::binding::proof::Proven;
use crate::claims::NumericDate;
use crate::credential::Credential;
use crate::error::{ConfigError, Denial, ErrorCode, Reason};
use crate::request::{PathParameters, Request};
use crate::verify::{AccessToken, Finding, NoTrace, Step, Trace, check_binding};

mod audience;
mod claim_test;
mod requirement;
mod scopes;
#[cfg(feature = "mcp")]
mod union;

pub use claim_test::{ClaimTest, ClaimValue};
pub use requirement::{Presence, Requirement};
use scopes::{Needs, Scopes, list};
pub(crate) use scopes::{is_scope, union};

/// What a request needs beyond a valid token. `Policy::default()` needs nothing more.
///
/// Build a policy once, where the route is built, and not in the handler: a text that cannot be a scope then stops the
/// program at start. Rules are added with the `with_` methods, and all of them must hold.
///
/// ```
/// use std::time::Duration;
///
/// use requires_auth::Policy;
/// use requires_auth::policy::ClaimTest;
///
/// // Payments: one scope, one tenant, and a login of the last five minutes.
/// let policy = Policy::all_of(["write:payments"])
///     .with_claim("organization_id", ClaimTest::equals("acme"))
///     .with_max_age(Duration::from_secs(300));
/// assert_eq!(policy.scope(), Some("write:payments"));
///
/// // A policy of claim rules alone begins with the one that needs nothing.
/// let policy = Policy::default().with_claim("roles", ClaimTest::contains("auditor"));
/// assert_eq!(policy.scope(), None);
/// ```
///
/// In axum and tower a policy is given to [`RequiresAuth::require_policy`](crate::RequiresAuth#method.require_policy),
/// elsewhere to [`RequiresAuth::authorize`](crate::RequiresAuth::authorize).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    audience: Option<Arc<[Box<str>]>>,
    scopes: Option<Scopes>,
    claims: Vec<(Box<str>, ClaimTest)>,
    acr_values: Option<Arc<str>>,
    max_age: Option<Duration>,
    /// Whether the base scopes of the guard are asked for later, together with others.
    leaves_base: bool,
    /// Whether a token needs a proof of the key that it is bound to.
    needs_dpop: bool,
}

impl Policy {
    /// Needs nothing more than a valid token.
    pub(crate) const NOTHING: &'static Self = &Self {
        audience: None,
        scopes: None,
        claims: Vec::new(),
        acr_values: None,
        max_age: None,
        leaves_base: false,
        needs_dpop: false,
    };

    /// Needs every one of these scopes. Scopes are compared exactly: case counts, and `read` does not cover
    /// `read:orders` (see [`Builder::with_implied_scopes`](crate::guard::Builder::with_implied_scopes) for an
    /// `admin` that includes others).
    ///
    /// Each element is one scope. A list in one text, as a configuration file has it, is for [`Policy::parse`].
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let policy = Policy::all_of(["read:orders", "write:orders"]);
    ///
    /// let token = forge.token().scope("read:orders").mint();
    /// let denial = auth.verify_now(&token, &policy).expect("the keys are there").unwrap_err();
    /// // The client learns everything that the route needs, not only what is missing (RFC 6750 §3.1).
    /// assert_eq!((denial.status(), denial.scope()), (403, Some("read:orders write:orders")));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no scope, or one is not a scope token (RFC 6749 §3.3): a mistake in a route shows when the
    /// route is built. For scopes that come from elsewhere, see [`Policy::parse`].
    pub fn all_of<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Self {
        Self::of(scopes, Needs::All)
    }

    /// Needs at least one of these scopes. The challenge lists all of them.
    ///
    /// For a route with several kinds of callers. To check afterwards which of them called, use
    /// [`AccessToken::has_scope`].
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let policy = Policy::any_of(["read:orders", "support"]);
    ///
    /// let token = forge.token().scope("support").mint();
    /// let token = auth.verify_now(&token, &policy).expect("the keys are there")?;
    /// let may_see_every_order = token.has_scope("support");
    /// assert!(may_see_every_order);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`Policy::all_of`].
    pub fn any_of<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Self {
        Self::of(scopes, Needs::Any)
    }

    fn of<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>, needs: Needs) -> Self {
        match Scopes::new(scopes, needs) {
            Ok(scopes) => Self { scopes: Some(scopes), ..Self::default() },
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Needs every scope of a space-separated list. As [`Policy::all_of`], for scopes that are read at run time: a
    /// mistake is an error that can be reported, not a panic.
    ///
    /// ```
    /// use requires_auth::Policy;
    ///
    /// let policy = Policy::parse("read:orders write:orders")?;
    /// assert_eq!(policy, Policy::all_of(["read:orders", "write:orders"]));
    ///
    /// // An empty setting does not silently allow every token. Where any valid token will do, say so.
    /// assert!(Policy::parse("").is_err());
    /// assert_eq!(Policy::default().scope(), None);
    ///
    /// // Commas do not separate scopes: this is one scope that no token has.
    /// assert_eq!(Policy::parse("read,write")?, Policy::all_of(["read,write"]));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// There is no scope, or one is not a scope token (RFC 6749 §3.3).
    pub fn parse(scopes: &str) -> Result<Self, ConfigError> {
        let scopes = Scopes::new(scopes.split_ascii_whitespace(), Needs::All)?;
        Ok(Self { scopes: Some(scopes), ..Self::default() })
    }

    /// Also needs the claim at a dotted path to pass a test; otherwise 403 `access_denied`.
    ///
    /// Repeatable; all rules must hold, also several on the same path. A claim that is absent passes no test. The
    /// path is read as by [`AccessToken::claim`]: `realm_access.roles` is the member `roles` of the claim
    /// `realm_access`, and a claim whose name holds dots is found by its whole name.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// use requires_auth::policy::ClaimTest;
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let policy = Policy::default()
    ///     .with_claim("realm_access.roles", ClaimTest::contains("buyer"))
    ///     .with_claim("https://example.com/plan", ClaimTest::one_of(["team", "business"]));
    ///
    /// let token = forge
    ///     .token()
    ///     .claim("realm_access", serde_json::json!({ "roles": ["buyer", "viewer"] }))
    ///     .claim("https://example.com/plan", "team")
    ///     .mint();
    /// assert!(auth.verify_now(&token, &policy).expect("the keys are there").is_ok());
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_claim(mut self, path: impl Into<String>, test: ClaimTest) -> Self {
        self.claims.push((path.into().into_boxed_str(), test));
        self
    }

    /// Also needs a login of one of these strengths (`acr`, RFC 9470 §3), best first.
    ///
    /// The values are the issuer's own names, compared exactly. A token without `acr` is refused. The answer is a 401
    /// with the values in the challenge, so that a client can send the user through a stronger login and come back.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// use requires_auth::challenge::www_authenticate;
    ///
    /// let policy = Policy::all_of(["write:payments"]).with_acr_values(["phr", "mfa"]);
    ///
    /// let token = forge.token().scope("write:payments").claim("acr", "pwd").mint();
    /// let denial = auth.verify_now(&token, &policy).expect("the keys are there").unwrap_err();
    /// assert_eq!((denial.status(), denial.acr_values()), (401, Some("phr mfa")));
    /// assert!(www_authenticate(&denial)[0].ends_with("acr_values=\"phr mfa\""));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is none, or one has a space, a quote or a backslash.
    pub fn with_acr_values<T: AsRef<str>>(mut self, acr_values: impl IntoIterator<Item = T>) -> Self {
        match list("acr_values", acr_values) {
            Ok(acr_values) => self.acr_values = Some(acr_values),
            Err(problem) => panic!("{problem}"),
        }
        self
    }

    /// Also needs a login at most this long ago (`auth_time`, RFC 9470 §3); whole seconds count.
    ///
    /// This is the age of the login, not of the token: a refresh token yields a new access token from an old login. A
    /// token without `auth_time` counts as too old. The leeway of the clocks is not added.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// use std::time::{Duration, UNIX_EPOCH};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
    /// # let builder = builder.with_jwks(jwk_set([&key]).to_string());
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// // A clock that stands still makes the test exact.
    /// let auth = builder.with_clock(|| UNIX_EPOCH + Duration::from_secs(1_800_000_000)).build()?;
    /// let policy = Policy::default().with_max_age(Duration::from_secs(300));
    ///
    /// let token = |login: i64| forge.token().issued_at(1_800_000_000).claim("auth_time", login).mint();
    /// assert!(auth.verify_now(&token(1_799_999_700), &policy).expect("the keys are there").is_ok());
    /// let denial = auth.verify_now(&token(1_799_999_699), &policy).expect("the keys are there").unwrap_err();
    /// assert_eq!((denial.status(), denial.max_age()), (401, Some(300)));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Also needs a proof of the key that the token is bound to (DPoP, RFC 9449): otherwise 401 `invalid_token` for
    /// `binding_mismatch`, with the challenge of that scheme.
    ///
    /// For single routes of a guard that takes Bearer tokens elsewhere: see [`Dpop`](crate::dpop::Dpop). Where DPoP is not
    /// switched on, such a route refuses every token.
    ///
    /// ```
    /// use requires_auth::Policy;
    ///
    /// let policy = Policy::all_of(["write:payments"]).with_dpop_required();
    /// assert!(policy.needs_dpop());
    /// ```
    pub fn with_dpop_required(mut self) -> Self {
        self.needs_dpop = true;
        self
    }

    /// Whether a token needs a proof of the key that it is bound to.
    pub const fn needs_dpop(&self) -> bool {
        self.needs_dpop
    }

    /// The scopes that the policy names, space-separated: what a challenge lists, and what API documentation may show.
    /// `None` if it needs no scope.
    pub fn scope(&self) -> Option<&str> {
        self.scopes.as_ref().map(|scopes| &*scopes.listed)
    }

    /// Whether a valid token may do what this policy guards.
    ///
    /// This is for decisions inside a handler, after the guard of the route has passed: the outcome is neither logged
    /// nor counted. With the request at hand, [`RequiresAuth::check`](crate::RequiresAuth::check) logs a refusal like
    /// that of a route.
    ///
    /// ```
    /// use requires_auth::{AccessToken, Denial, Policy};
    ///
    /// /// Small refunds are everybody's business; large ones need a scope of their own.
    /// fn refund(token: &AccessToken, cents: u64) -> Result<(), Denial> {
    ///     if cents > 10_000 {
    ///         Policy::all_of(["refund:large"]).check(token)?;
    ///     }
    ///     Ok(())
    /// }
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let builder = requires_auth::RequiresAuth::builder("https://issuer.example", "https://api.example");
    /// # let auth = builder.with_jwks(jwks).build()?;
    /// # let token = Forge::new("https://issuer.example", "https://api.example", key).token().mint();
    /// # let token = auth.verify_now(&token, &Policy::default()).expect("the keys are there")?;
    /// assert!(refund(&token, 500).is_ok());
    /// assert_eq!(refund(&token, 50_000).unwrap_err().status(), 403);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// 401 `invalid_token` for the audience, 403 `insufficient_scope`, 403 `access_denied`, or 401
    /// `insufficient_user_authentication`, in this order.
    pub fn check(&self, token: &AccessToken) -> Result<(), Denial> {
        self.check_with(token, None, None, &mut NoTrace)
    }

    /// As [`check`](Self::check), with the path parameters of a request.
    pub(crate) fn check_for(&self, token: &AccessToken, request: &Request<'_>) -> Result<(), Denial> {
        self.check_with(token, request.path_parameters(), None, &mut NoTrace)
    }

    /// The path parameters that its claim rules look at: the route must have each.
    pub fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().filter_map(|(_, test)| test.path_parameter())
    }

    /// The last word on a request whose token is good: whether it shows what the token is bound to, and whether the token
    /// may do what this policy guards. Every way from a token to a handler leads through here. `base` is what every request of
    /// the guard needs.
    ///
    /// # Errors
    ///
    /// 401 `invalid_token` for `binding_mismatch` or `audience_mismatch`, what is wrong with a proof, or as
    /// [`check`](Self::check).
    pub(crate) fn decide(
        &self,
        token: &AccessToken,
        credential: &Credential<'_>,
        proofs: &Proofs<'_>,
        base: Option<&Self>,
        trace: &mut impl Trace,
    ) -> Result<Option<Box<Proven>>, Denial> {
        let proven = check_binding(token, credential, proofs, self.needs_dpop, trace)?;
        self.check_whole_guard(token, trace)?;
        let parameters = proofs.request.and_then(Request::path_parameters);
        self.check_with(token, parameters, base.filter(|_| !self.leaves_base), trace)?;
        Ok(proven)
    }

    /// Whether its base is left to another question about the same request, which is the last word.
    pub(crate) const fn leaves_base(&self) -> bool {
        self.leaves_base
    }

    fn check_with(
        &self,
        token: &AccessToken,
        parameters: Option<&dyn PathParameters>,
        base: Option<&Self>,
        trace: &mut impl Trace,
    ) -> Result<(), Denial> {
        self.check_proven(token)?;
        self.check_audience(token, trace)?;
        self.check_scopes(token, base, trace)?;

        let broken = self.claims.iter().find(|(path, test)| !test.holds(token, path, parameters));
        trace.record(Step::ClaimRules, broken.is_none(), || match broken {
            Some((path, test)) => Finding::new(describe(token, path), format!("{path} {test}")),
            None => Finding::new(format!("{} rules", self.claims.len()), "every claim rule to hold"),
        });
        if broken.is_some() {
            return Err(Denial::new(ErrorCode::AccessDenied));
        }

        let is_strong = self.acr_values.as_ref().is_none_or(|accepted| has_acr(token, accepted));
        let is_recent = self
            .max_age
            .is_none_or(|max_age| login_age(token).is_some_and(|age| age <= max_age.as_secs_f64()));
        trace.record(Step::Authentication, is_strong && is_recent, || {
            let max_age = self
                .max_age
                .map_or_else(|| "any age".to_owned(), |age| format!("at most {} s old", age.as_secs()));
            let found = format!("acr {}, auth_time {}", describe(token, "acr"), describe(token, "auth_time"));
            Finding::new(found, format!("acr {}, {max_age}", self.acr_values.as_deref().unwrap_or("any")))
        });
        if is_strong && is_recent {
            return Ok(());
        }
        let max_age = self.max_age.map(|age| age.as_secs());
        Err(Denial::insufficient_user_authentication(self.acr_values.clone(), max_age))
    }

    /// Whether a token is one whose key was proven, where the policy needs that: a token that is bound to a key has passed its
    /// guard with a proof alone.
    fn check_proven(&self, token: &AccessToken) -> Result<(), Denial> {
        let is_bound = || token.confirmation().is_some_and(|confirmation| confirmation.key.is_some());
        if self.needs_dpop && !is_bound() {
            return Err(Denial::invalid_token(Reason::BindingMismatch));
        }
        Ok(())
    }

    /// The scopes of the base, then those of this policy.
    fn check_scopes(
        &self,
        token: &AccessToken,
        base: Option<&Self>,
        trace: &mut impl Trace,
    ) -> Result<(), Denial> {
        let needed = [base.and_then(|base| base.scopes.as_ref()), self.scopes.as_ref()];
        let has_scopes = needed.iter().flatten().all(|scopes| scopes.are_met_by(token));
        trace.record(Step::Scope, has_scopes, || {
            let expected = needed.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
            let expected = if expected.is_empty() { "no scope".to_owned() } else { expected };
            Finding::new(token.scopes().collect::<Vec<_>>().join(" "), expected)
        });
        // All that the operation needs, whichever is missing; what the base needs is added by the challenge.
        match needed.iter().rev().flatten().next() {
            Some(scopes) if !has_scopes => Err(Denial::insufficient_scope(Arc::clone(&scopes.listed))),
            _ => Ok(()),
        }
    }
}

fn has_acr(token: &AccessToken, accepted: &str) -> bool {
    let acr: Option<String> = token.claim("acr");
    acr.is_some_and(|acr| accepted.split(' ').any(|value| value == acr))
}

/// How long ago the user logged in, in seconds; `None` if the token does not say, which counts as too long.
fn login_age(token: &AccessToken) -> Option<f64> {
    let auth_time = token.with_claim("auth_time", NumericDate::parse).flatten()?;
    Some(auth_time.age(token.checked_at()))
}

fn describe(token: &AccessToken, path: &str) -> String {
    token.with_claim(path, |found| found.text().to_owned()).unwrap_or_else(|| "absent".to_owned())
}
