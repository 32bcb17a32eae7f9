//! What a valid token must be allowed to do: scopes, claim rules, strength of login.
//!
//! A policy is looked at last, so a 403 means that everything else has passed. Scopes come first, then
//! claim rules, then the login (RFC 9470).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::claims::NumericDate;
use crate::credential::Credential;
use crate::error::{ConfigError, ConfigProblem, Denial, ErrorCode};
use crate::jose::json::Raw;
use crate::verify::{AccessToken, Finding, NoTrace, Step, Trace, check_binding};

mod requirement;

pub use requirement::{Presence, Requirement};

/// What a request needs beyond a valid token. `Policy::default()` needs nothing more.
///
/// ```
/// use requires_auth::Policy;
/// use requires_auth::policy::ClaimTest;
///
/// let policy = Policy::all_of(["read:orders"]).with_claim("organization_id", ClaimTest::equals("acme"));
/// assert_eq!(policy.scope(), Some("read:orders"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    scopes: Option<Scopes>,
    claims: Vec<(Box<str>, ClaimTest)>,
    acr_values: Option<Arc<str>>,
    max_age: Option<Duration>,
}

/// The scopes of a policy. `listed` is what the challenge says: every scope, space-separated.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Scopes {
    listed: Arc<str>,
    needs: Needs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    All,
    Any,
}

impl Policy {
    /// Needs nothing more than a valid token.
    pub(crate) const NOTHING: &'static Self =
        &Self { scopes: None, claims: Vec::new(), acr_values: None, max_age: None };

    /// Needs every one of these scopes.
    ///
    /// # Panics
    ///
    /// If there is none, or one is no scope token (RFC 6749 §3.3): a mistake in a route shows when the
    /// route is built. For scopes that come from elsewhere, see [`Policy::parse`].
    pub fn all_of<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>) -> Self {
        Self::of(scopes, Needs::All)
    }

    /// Needs at least one of these scopes. The challenge lists all of them.
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

    /// Needs every scope of a space-separated list.
    ///
    /// # Errors
    ///
    /// There is none, or one is no scope token (RFC 6749 §3.3).
    pub fn parse(scopes: &str) -> Result<Self, ConfigError> {
        let scopes = Scopes::new(scopes.split_ascii_whitespace(), Needs::All)?;
        Ok(Self { scopes: Some(scopes), ..Self::default() })
    }

    /// Also needs the claim at a dotted path to pass a test; otherwise 403 `access_denied`.
    pub fn with_claim(mut self, path: impl Into<String>, test: ClaimTest) -> Self {
        self.claims.push((path.into().into_boxed_str(), test));
        self
    }

    /// Also needs a login of one of these strengths (`acr`, RFC 9470 §3), best first.
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
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// The scopes that the policy names, space-separated.
    pub fn scope(&self) -> Option<&str> {
        self.scopes.as_ref().map(|scopes| &*scopes.listed)
    }

    /// Whether a valid token may do what this policy guards.
    ///
    /// # Errors
    ///
    /// 403 `insufficient_scope`, 403 `access_denied`, or 401 `insufficient_user_authentication`, in this order.
    pub fn check(&self, token: &AccessToken) -> Result<(), Denial> {
        self.check_with(token, &mut NoTrace)
    }

    /// The last word on a request whose token is good: whether it shows what the token is bound to, and whether the token
    /// may do what this policy guards. Every way from a token to a handler leads through here.
    ///
    /// # Errors
    ///
    /// 401 `invalid_token` for `binding_mismatch`, or as [`check`](Self::check).
    pub(crate) fn decide(
        &self,
        token: &AccessToken,
        credential: &Credential<'_>,
        trace: &mut impl Trace,
    ) -> Result<(), Denial> {
        check_binding(token, credential, trace)?;
        self.check_with(token, trace)
    }

    fn check_with(&self, token: &AccessToken, trace: &mut impl Trace) -> Result<(), Denial> {
        let scopes = self.scopes.as_ref();
        let has_scopes = scopes.is_none_or(|scopes| scopes.are_met_by(token));
        trace.record(Step::Scope, has_scopes, || {
            Finding::new(
                token.scopes().collect::<Vec<_>>().join(" "),
                scopes.map_or_else(|| "no scope".to_owned(), ToString::to_string),
            )
        });
        if let Some(scopes) = scopes.filter(|_| !has_scopes) {
            return Err(Denial::insufficient_scope(Arc::clone(&scopes.listed)));
        }

        let broken = self.claims.iter().find(|(path, test)| !test.holds(token, path));
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
}

impl Scopes {
    fn new<T: AsRef<str>>(scopes: impl IntoIterator<Item = T>, needs: Needs) -> Result<Self, ConfigProblem> {
        Ok(Self { listed: list("scope", scopes)?, needs })
    }

    fn are_met_by(&self, token: &AccessToken) -> bool {
        let mut scopes = self.listed.split(' ');
        match self.needs {
            Needs::All => scopes.all(|scope| token.has_scope(scope)),
            Needs::Any => scopes.any(|scope| token.has_scope(scope)),
        }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs = match self.needs {
            Needs::All => "all of",
            Needs::Any => "any of",
        };
        write!(f, "{needs} {}", self.listed)
    }
}

/// Joins tokens that may stand in a quoted string: `%x21 / %x23-5B / %x5D-7E` each (RFC 6749 §3.3).
fn list<T: AsRef<str>>(
    field: &'static str,
    tokens: impl IntoIterator<Item = T>,
) -> Result<Arc<str>, ConfigProblem> {
    let mut listed = String::new();
    for token in tokens {
        let token = token.as_ref();
        if token.is_empty() || !token.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)) {
            let hint = "write one scope per entry, without spaces, quotes or backslashes: `read:orders`";
            return Err(ConfigProblem::new(
                field,
                format!("`{token}`"),
                "printable ASCII without spaces",
                hint,
            ));
        }
        if !listed.is_empty() {
            listed.push(' ');
        }
        listed.push_str(token);
    }
    if listed.is_empty() {
        let hint = "leave the rule out if any valid token will do";
        return Err(ConfigProblem::new(field, "an empty list", "at least one entry", hint));
    }
    Ok(listed.into())
}

/// What a claim must be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimTest {
    /// An array that has this value, or this value itself.
    Contains(ClaimValue),
    /// Just this value.
    Equals(ClaimValue),
    /// One of these values.
    OneOf(Vec<ClaimValue>),
    /// Anything but absent and `null`.
    Present,
}

impl ClaimTest {
    /// An array that has this value, or this value itself.
    pub fn contains(value: impl Into<ClaimValue>) -> Self {
        Self::Contains(value.into())
    }

    /// Just this value.
    pub fn equals(value: impl Into<ClaimValue>) -> Self {
        Self::Equals(value.into())
    }

    /// One of these values.
    pub fn one_of<T: Into<ClaimValue>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::OneOf(values.into_iter().map(Into::into).collect())
    }

    fn holds(&self, token: &AccessToken, path: &str) -> bool {
        let holds = token.with_claim(path, |found| match self {
            Self::Contains(value) => {
                value.is(found)
                    || found.as_array().is_some_and(|items| items.into_iter().any(|item| value.is(item)))
            }
            Self::Equals(value) => value.is(found),
            Self::OneOf(values) => values.iter().any(|value| value.is(found)),
            Self::Present => found.text() != "null",
        });
        holds.unwrap_or(false)
    }
}

impl fmt::Display for ClaimTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(value) => write!(f, "contains {value}"),
            Self::Equals(value) => write!(f, "equals {value}"),
            Self::OneOf(values) => {
                f.write_str("is one of")?;
                values.iter().try_for_each(|value| write!(f, " {value}"))
            }
            Self::Present => f.write_str("is present"),
        }
    }
}

/// A value that a claim is compared with; types count, `"1"` is not `1`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A string, compared exactly.
    Text(String),
}

impl ClaimValue {
    fn is(&self, found: Raw<'_>) -> bool {
        match self {
            Self::Bool(value) => found.text() == if *value { "true" } else { "false" },
            Self::Integer(value) => found.text().parse() == Ok(*value),
            Self::Text(value) => found.as_str().as_deref() == Some(value),
        }
    }
}

impl From<bool> for ClaimValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for ClaimValue {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for ClaimValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for ClaimValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl fmt::Display for ClaimValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => write!(f, "{value:?}"),
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
