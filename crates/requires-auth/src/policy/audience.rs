//! Routes with an audience of their own.

use super::Policy;
use crate::error::{Denial, Reason};
use crate::verify::{AccessToken, Finding, Step, Trace};

impl Policy {
    /// Needs a token for one of these audiences (`aud`, byte for byte), in place of the guard's own: otherwise 401
    /// `invalid_token` for `audience_mismatch`.
    ///
    /// The guard has to know them, since it refuses a token for anybody else before a policy is asked: see
    /// [`Builder::with_route_audiences`](crate::guard::Builder::with_route_audiences). An audience that it does not know
    /// matches no token.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_route_audiences(["https://billing.example"])
    ///     .with_jwks(jwks)
    ///     .build()?;
    /// let billing = Policy::default().with_audience(["https://billing.example"]);
    /// let status = |token: &str, policy: &Policy| {
    ///     auth.verify_now(token, policy).expect("the keys are there").map_or_else(|denial| denial.status(), |_| 200)
    /// };
    ///
    /// // A token for one of the two is none for the other.
    /// let token = forge.token().claim("aud", "https://billing.example").mint();
    /// assert_eq!((status(&token, &billing), status(&token, &Policy::default())), (200, 401));
    /// let token = forge.token().mint();
    /// assert_eq!((status(&token, &billing), status(&token, &Policy::default())), (401, 200));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_audience<T: AsRef<str>>(mut self, audience: impl IntoIterator<Item = T>) -> Self {
        self.audience = Some(audience.into_iter().map(|name| name.as_ref().into()).collect());
        self
    }

    /// The audiences that the policy names in place of the guard's; none if it leaves that to the guard.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.audience.iter().flat_map(|names| names.iter()).map(AsRef::as_ref)
    }

    /// Whether a token is for an audience that the policy names.
    pub(super) fn check_audience(&self, token: &AccessToken, trace: &mut impl Trace) -> Result<(), Denial> {
        let Some(own) = &self.audience else { return Ok(()) };
        if token.audience().any(|named| own.iter().any(|own| **own == *named)) {
            return Ok(());
        }
        Err(wrong(token, &own.join(" or "), trace))
    }

    /// Whether a token may be used where the policy leaves the audience to the guard: one that the guard took for the sake
    /// of some routes is for no other.
    pub(super) fn check_whole_guard(
        &self,
        token: &AccessToken,
        trace: &mut impl Trace,
    ) -> Result<(), Denial> {
        if self.audience.is_some() || token.is_for_guard() {
            return Ok(());
        }
        Err(wrong(token, "an audience of the whole guard", trace))
    }
}

fn wrong(token: &AccessToken, expected: &str, trace: &mut impl Trace) -> Denial {
    trace.record(Step::Aud, false, || {
        Finding::new(token.audience().collect::<Vec<_>>().join(" "), expected.to_owned())
    });
    Denial::invalid_token(Reason::AudienceMismatch)
}
