//! The proof that a request may pass: made by the verifier, and nowhere else.

use std::borrow::Cow;
use std::fmt;
use std::sync::Weak;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use smallvec::SmallVec;
use triomphe::{Arc, HeaderSlice};

use super::arena::{Arena, Span};
use super::rules::{GuardId, Rules};
use crate::claims::{Claims, Confirmation, NumericDate, Strings, at_path};
use crate::error::{Denial, ErrorCode, Reason};
use crate::jose::json::{Object, Raw};
use crate::jose::key_set::KeySet;

/// An access token that was verified: signature, issuer, audience, times and type all hold.
///
/// Only the verifier makes one. A clone is cheap. `Debug` shows the names of the claims, never their
/// values, and never the token.
#[derive(Clone)]
pub struct AccessToken {
    proof: Proof,
    checked_at: NumericDate,
}

/// What the verifier has found out about a token, good for any request. The cache keeps it, and a token is made of it.
///
/// All of it is one allocation, and what a look-up in the cache reads stands beside the reference count: a
/// remembered token that has left the processor's cache comes back in few steps.
#[derive(Clone)]
pub(crate) struct Proof {
    inner: Arc<HeaderSlice<Checks, str>>,
}

/// What was checked, and where in the texts behind it the claims stand.
#[repr(C)]
struct Checks {
    expires_at: NumericDate,
    /// The later of `nbf` and `iat`.
    not_before: Option<NumericDate>,
    proven_by: ProvenBy,
    guard: GuardId,
    /// Boxed, as most tokens are not bound.
    confirmation: Option<Box<Confirmation>>,
    payload: Span,
    issuer: Span,
    subject: Option<Span>,
    client_id: Option<Span>,
    /// The audiences, then the scopes.
    lists: SmallVec<[Span; 8]>,
    audiences: usize,
}

/// Whose keys prove a token. The set is told by its address, which a weak pointer keeps from being given
/// to another one.
#[derive(Clone, Debug)]
pub(crate) struct ProvenBy {
    pub(crate) issuer: usize,
    pub(crate) keys: Weak<KeySet>,
}

impl AccessToken {
    /// Called by the verifier once every check has passed.
    pub(super) fn new(
        rules: &Rules,
        claims: &Claims<'_>,
        checked: Checked<'_>,
        proven_by: ProvenBy,
        now: NumericDate,
    ) -> Result<Self, Reason> {
        let mut arena = Arena::new(claims.payload());
        let mut add = |text: Cow<'_, str>| arena.add(&text);
        let issuer = add(checked.issuer)?;
        let subject = checked.parties.subject.map(&mut add).transpose()?;
        let client_id = checked.parties.client_id.map(&mut add).transpose()?;
        let audiences = checked.audience.len();
        let mut lists = SmallVec::new();
        for text in checked.audience.into_iter().chain(checked.scopes) {
            lists.push(add(text)?);
        }
        let checks = Checks {
            expires_at: checked.expires_at,
            not_before: checked.not_before,
            proven_by,
            guard: rules.guard,
            confirmation: checked.confirmation.map(Box::new),
            payload: arena.payload()?,
            issuer,
            subject,
            client_id,
            lists,
            audiences,
        };
        let proof = Proof { inner: Arc::from_header_and_str(checks, &arena.into_text()) };
        Ok(Self { proof, checked_at: now })
    }

    fn checks(&self) -> &Checks {
        &self.proof.inner.header
    }

    fn text(&self, span: Span) -> &str {
        span.of(&self.proof.inner.slice)
    }

    fn payload(&self) -> &str {
        self.text(self.checks().payload)
    }

    /// Whom the token speaks for (`sub`): a user, or for Logto's machine-to-machine tokens the client.
    ///
    /// `None` if the token has no `sub`, which the profile `jwt` does not demand.
    pub fn subject(&self) -> Option<&str> {
        self.checks().subject.map(|subject| self.text(subject))
    }

    /// Who made the token (`iss`).
    pub fn issuer(&self) -> &str {
        self.text(self.checks().issuer)
    }

    /// Whom the token is meant for (`aud`); this API is one of them.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.checks().lists[..self.checks().audiences].iter().map(|&audience| self.text(audience))
    }

    /// The scopes of the token (RFC 6749 §3.3), with those that they imply where that is configured.
    ///
    /// They come from `scope`, else `scp`, each a string or an array of strings, unless the guard was
    /// told otherwise.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.checks().lists[self.checks().audiences..].iter().map(|&scope| self.text(scope))
    }

    /// Whether the token has exactly this scope; case counts, and `read` is not `read:all`.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|own| own == scope)
    }

    /// The client that asked for the token (`client_id`, RFC 9068 §2.2).
    pub fn client_id(&self) -> Option<&str> {
        self.checks().client_id.map(|client_id| self.text(client_id))
    }

    /// Whether the token speaks for the client itself rather than for a user (RFC 9068 §5): `sub` equals
    /// `client_id`.
    pub fn is_client(&self) -> bool {
        self.subject().is_some() && self.subject() == self.client_id()
    }

    /// When the token expires (`exp`).
    pub fn expires_at(&self) -> SystemTime {
        self.checks().expires_at.to_system_time()
    }

    /// The Logto organization that the token acts in: the claim `organization_id`, else the end of an
    /// audience `urn:logto:organization:<id>`.
    pub fn organization_id(&self) -> Option<String> {
        let of_audience =
            || self.audience().find_map(|audience| audience.strip_prefix("urn:logto:organization:"));
        self.claim("organization_id").or_else(|| of_audience().map(ToOwned::to_owned))
    }

    /// All claims, read into a type of yours.
    ///
    /// ```
    /// # fn handler(token: requires_auth::AccessToken) -> Result<(), Box<dyn std::error::Error>> {
    /// #[derive(serde::Deserialize)]
    /// struct Claims {
    ///     sub: String,
    ///     tenant: Option<String>,
    /// }
    /// let claims: Claims = token.claims()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The claims do not have that shape. The error tells where, never what.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, ClaimsError> {
        serde_json::from_str(self.payload())
            .map_err(|error| ClaimsError { line: error.line(), column: error.column() })
    }

    /// One claim by its dotted path, such as `realm_access.roles`; `None` if it is absent or of another type.
    ///
    /// A name that holds dots itself is found whole: `https://example.com/roles`.
    ///
    /// ```
    /// # fn handler(token: requires_auth::AccessToken) {
    /// let roles: Vec<String> = token.claim("realm_access.roles").unwrap_or_default();
    /// # }
    /// ```
    pub fn claim<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        self.with_claim(path, |value| serde_json::from_str(value.text()).ok()).flatten()
    }

    pub(crate) fn with_claim<T>(&self, path: &str, read: impl FnOnce(Raw<'_>) -> T) -> Option<T> {
        let object = Object::parse(self.payload().as_bytes()).ok()?;
        at_path(&object, path).map(read)
    }

    /// When this token was last checked.
    pub(crate) const fn checked_at(&self) -> NumericDate {
        self.checked_at
    }

    pub(crate) fn guard(&self) -> GuardId {
        self.checks().guard
    }

    /// What is known of the token, whatever the request.
    pub(crate) const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// How the token is bound to its holder; `None` if it is not.
    pub(crate) fn confirmation(&self) -> Option<&Confirmation> {
        self.checks().confirmation.as_deref()
    }
}

impl Proof {
    /// Whose keys prove the token.
    pub(crate) fn proven_by(&self) -> &ProvenBy {
        &self.inner.header.proven_by
    }

    /// The token at this time; `None` if it is no longer or not yet valid then. Whether its keys are still current is for
    /// the caller to know.
    pub(crate) fn at(self, now: NumericDate, leeway: Duration) -> Option<AccessToken> {
        let is_over = self.inner.header.expires_at.has_passed(now, leeway);
        let is_ahead = self.inner.header.not_before.is_some_and(|start| start.is_ahead_of(now, leeway));
        (!is_over && !is_ahead).then_some(AccessToken { proof: self, checked_at: now })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = Object::parse(self.payload().as_bytes()).unwrap_or_default();
        let names: Vec<_> = object.iter().map(|(name, _)| name).collect();
        f.debug_struct("AccessToken").field("claims", &names).finish_non_exhaustive()
    }
}

/// What the checks have already read, kept for the token.
pub(super) struct Checked<'t> {
    pub(super) issuer: Cow<'t, str>,
    pub(super) parties: Parties<'t>,
    pub(super) audience: Strings<'t>,
    pub(super) scopes: Strings<'t>,
    pub(super) expires_at: NumericDate,
    /// The later of `nbf` and `iat`.
    pub(super) not_before: Option<NumericDate>,
    pub(super) confirmation: Option<Confirmation>,
}

/// For whom, and by whom.
pub(super) struct Parties<'t> {
    pub(super) subject: Option<Cow<'t, str>>,
    pub(super) client_id: Option<Cow<'t, str>>,
}

/// The claims do not have the shape that was asked for.
///
/// In axum it is a response, so that a handler may use `?`: 403 `access_denied`, logged with the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsError {
    line: usize,
    column: usize,
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column } = self;
        write!(f, "the claims do not have the expected shape at line {line}, column {column}")
    }
}

impl std::error::Error for ClaimsError {}

/// The token is good, and its claims do not allow what the handler is for: 403 `access_denied`.
impl From<ClaimsError> for Denial {
    fn from(_: ClaimsError) -> Self {
        Self::new(ErrorCode::AccessDenied)
    }
}
