//! A refusal: its code, and what its answer needs beside that.

use std::fmt;
use std::sync::Arc;

use super::{ErrorCode, Reason};

/// A refusal: which code, for a token or a proof that is not valid which reason, and what the challenge needs to say.
///
/// It holds nothing of the token, so it may be logged and sent as it is. `Display` is one line for a log; the answer to
/// the client is made of it by [`RequiresAuth::challenge`](crate::RequiresAuth::challenge).
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
/// use requires_auth::{Denial, ErrorCode, Policy, RequiresAuth};
///
/// /// Whether a worker puts its job back into the queue, or gives it up.
/// fn may_be_retried(denial: &Denial) -> bool {
///     match denial.code() {
///         // Nobody can tell at the moment whether the token is good. The job is not to blame.
///         ErrorCode::IssuerUnavailable => true,
///         _ => false,
///     }
/// }
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// let token = forge.token().defect(Defect::Expired).mint();
/// let denial = auth.verify_now(&token, &Policy::default()).expect("the keys are there").unwrap_err();
/// assert!(!may_be_retried(&denial));
/// assert_eq!(denial.to_string(), "invalid_token (expired): the token has expired");
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Denial {
    code: ErrorCode,
    reason: Option<Reason>,
    scope: Option<Arc<str>>,
    /// What every request to this part of a resource needs, beside the base of the resource.
    base: Option<Arc<str>>,
    /// Of the scopes that the token has, those that a challenge names as well.
    kept: Option<Arc<str>>,
    acr_values: Option<Arc<str>>,
    max_age: Option<u64>,
    retry_after: Option<u32>,
    is_undecided: bool,
    /// Whether the token came by the scheme `DPoP`, whose challenge says what is wrong then.
    is_by_dpop: bool,
    /// The nonce that the next proof must have.
    nonce: Option<Arc<str>>,
}

impl Denial {
    /// A refusal that has no more to say than its code: for a rule of your own, which the guard cannot know, so that the
    /// client gets an answer of the same shape as for the rules of the guard.
    ///
    /// Where the rule is one of scopes or claims, [`Policy::check`](crate::Policy::check) makes a refusal that says more.
    ///
    /// ```
    /// use requires_auth::{AccessToken, Denial, ErrorCode};
    ///
    /// struct Order {
    ///     owner: String,
    /// }
    ///
    /// /// Only the owner may see an order. What it depends on is in the database, not in the token.
    /// fn may_see(token: &AccessToken, order: &Order) -> Result<(), Denial> {
    ///     if token.subject() == Some(order.owner.as_str()) {
    ///         return Ok(());
    ///     }
    ///     Err(Denial::new(ErrorCode::AccessDenied))
    /// }
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let token = |subject| forge.token().subject(subject).mint();
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there").unwrap();
    /// let order = Order { owner: "alice".to_owned() };
    /// assert!(may_see(&verified(&token("alice")), &order).is_ok());
    /// assert_eq!(may_see(&verified(&token("bob")), &order).unwrap_err().status(), 403);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub const fn new(code: ErrorCode) -> Self {
        Self {
            code,
            reason: None,
            scope: None,
            base: None,
            kept: None,
            acr_values: None,
            max_age: None,
            retry_after: None,
            is_undecided: false,
            is_by_dpop: false,
            nonce: None,
        }
    }

    pub(crate) const fn invalid_token(reason: Reason) -> Self {
        let mut denial = Self::new(ErrorCode::InvalidToken);
        denial.reason = Some(reason);
        denial
    }

    pub(crate) fn insufficient_scope(needed: Arc<str>) -> Self {
        Self { scope: Some(needed), ..Self::new(ErrorCode::InsufficientScope) }
    }

    /// The same, of a token with these scopes of the resource, space-separated: names of its configuration.
    pub(crate) fn keeping(self, kept: Option<Arc<str>>) -> Self {
        Self { kept, ..self }
    }

    /// The same, where every request needs these scopes: a 401 names them, too.
    #[cfg(feature = "mcp")]
    pub(crate) fn with_base(self, base: Option<Arc<str>>) -> Self {
        Self { base, ..self }
    }

    pub(crate) fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    pub(crate) fn kept(&self) -> Option<&str> {
        self.kept.as_deref()
    }

    pub(crate) fn insufficient_user_authentication(
        acr_values: Option<Arc<str>>,
        max_age: Option<u64>,
    ) -> Self {
        Self { acr_values, max_age, ..Self::new(ErrorCode::InsufficientUserAuthentication) }
    }

    pub(crate) fn issuer_unavailable(retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::IssuerUnavailable) }
    }

    /// A proof that is not valid, for one of the reasons of proofs.
    pub(crate) const fn invalid_proof(reason: Reason) -> Self {
        let mut denial = Self::new(ErrorCode::InvalidDpopProof);
        denial.reason = Some(reason);
        denial
    }

    /// A proof without a nonce that counts: the client is to use this one.
    pub(crate) fn use_dpop_nonce(nonce: Arc<str>) -> Self {
        Self { nonce: Some(nonce), ..Self::new(ErrorCode::UseDpopNonce) }
    }

    /// The same, of a token that came by the scheme `DPoP`, or did not.
    pub(crate) fn by_dpop(self, is_by_dpop: bool) -> Self {
        Self { is_by_dpop, ..self }
    }

    /// Whether the token came by the scheme `DPoP`.
    pub(crate) const fn is_by_dpop(&self) -> bool {
        self.is_by_dpop
    }

    /// The nonce that the next proof must have, where the last one had none that counts (RFC 9449 §9): the header `DPoP-Nonce`
    /// of the answer.
    pub fn dpop_nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// A store is full or out of reach. Clients can fill it, or keep it busy.
    pub(crate) fn state_unavailable(retry_after: u32) -> Self {
        let is_undecided = true;
        Self { retry_after: Some(retry_after), is_undecided, ..Self::new(ErrorCode::StateUnavailable) }
    }

    /// A client has used up its share of the store of used proofs.
    pub(crate) fn too_many_proofs(retry_after: u32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::TooManyProofs) }
    }

    /// The keys at hand refuse the token, and fresh ones could not be asked for.
    pub(crate) fn undecided(retry_after: u32) -> Self {
        Self { is_undecided: true, ..Self::issuer_unavailable(retry_after) }
    }

    /// The code of the answer: what a program decides by.
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Why the token or its proof is not valid; `None` unless the code is `invalid_token` or `invalid_dpop_proof`.
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }

    /// The HTTP status of the answer: that of the code.
    pub const fn status(&self) -> u16 {
        self.code.status()
    }

    /// One fixed sentence for the client: the reason's, else the code's.
    pub const fn message(&self) -> &'static str {
        match self.reason {
            Some(reason) => reason.message(),
            None => self.code.message(),
        }
    }

    /// What to do about it, for the person who debugs: the reason's, else the code's. It is for a log, not for a client.
    pub const fn hint(&self) -> &'static str {
        match self.reason {
            Some(reason) => reason.hint(),
            None => self.code.hint(),
        }
    }

    /// All scopes that the route needs, space-separated, when one is missing: what to ask the issuer for next.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The login strengths that the route accepts, space-separated, best first, when the login was too weak or too old
    /// (RFC 9470 §3).
    pub fn acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }

    /// How old the login may be, in seconds, when it was too weak or too old (RFC 9470 §3).
    pub const fn max_age(&self) -> Option<u64> {
        self.max_age
    }

    /// After how many seconds to try again, when the issuer is out of reach: when the next fetch of its keys may begin. A
    /// store that is full, or a client that has used up its share of one, has it as well.
    ///
    /// ```
    /// use requires_auth::fetch::{FetchError, FetchFuture, FetchRequest};
    /// use requires_auth::{ErrorCode, Policy, RequiresAuth};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # struct Down;
    /// # impl requires_auth::fetch::Fetch for Down {
    /// #     fn fetch(&self, _: FetchRequest) -> FetchFuture {
    /// #         Box::pin(std::future::ready(Err(FetchError::Timeout)))
    /// #     }
    /// # }
    /// # let key = requires_auth_testkit::SigningKey::generate(Default::default());
    /// # let forge = requires_auth_testkit::Forge::new("https://issuer.example", "https://api.example", key);
    /// # let token = forge.token().mint();
    /// // The issuer has been down since the server was started, so that there are no keys at all.
    /// let auth =
    ///     RequiresAuth::builder("https://issuer.example", "https://api.example").with_fetch(Down).build()?;
    /// let denial = auth.verify(&token, &Policy::default()).await.unwrap_err();
    /// assert_eq!((denial.status(), denial.code()), (503, ErrorCode::IssuerUnavailable));
    /// assert!(denial.retry_after().is_some_and(|seconds| (1..=8).contains(&seconds)));
    /// # Ok(())
    /// # }
    /// ```
    pub const fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// Whether there are keys, and they refuse the token, and only a fetch that failed or was held back could tell
    /// whether newer ones would not; or whether a store could not tell if a proof was used before.
    ///
    /// Anybody can cause this with a token of his own making, while good tokens pass: a proxy in front of the API must
    /// not take it for a failure of the guard, after which some proxies let requests through.
    pub const fn is_undecided(&self) -> bool {
        self.is_undecided
    }
}

impl fmt::Debug for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Denial");
        out.field("code", &self.code.as_str());
        if let Some(reason) = self.reason {
            out.field("reason", &reason.as_str());
        }
        if let Some(scope) = &self.scope {
            out.field("scope", scope);
        }
        if self.is_undecided {
            out.field("is_undecided", &true);
        }
        out.finish_non_exhaustive()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Some(reason) => write!(f, "{} ({reason}): {}", self.code, self.message()),
            None => write!(f, "{}: {}", self.code, self.message()),
        }
    }
}

impl std::error::Error for Denial {}
