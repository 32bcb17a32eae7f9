//! Claim rules: what a claim is compared with, and how.

use std::fmt;

use crate::jose::json::Raw;
use crate::verify::AccessToken;

/// What a claim must be: the second argument of [`Policy::with_claim`](super::Policy::with_claim).
///
/// A test reads the claim as it stands in the token: no text is split, no number is rounded, no type is converted. A
/// claim that is absent passes no test.
///
/// | the claim | [`contains("a")`](Self::contains) | [`equals("a")`](Self::equals) | [`one_of(["a", "b"])`](Self::one_of) | [`Present`](Self::Present) |
/// | --- | --- | --- | --- | --- |
/// | `"a"` | passes | passes | passes | passes |
/// | `["a", "c"]` | passes | fails | fails | passes |
/// | `"a c"` | fails | fails | fails | passes |
/// | `false`, `""`, `[]` | fails | fails | fails | passes |
/// | `null`, absent | fails | fails | fails | fails |
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use requires_auth::policy::ClaimTest;
/// use requires_auth::{Policy, RequiresAuth};
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// let passes = |test: ClaimTest, claim: serde_json::Value| {
///     let token = forge.token().claim("x", claim).mint();
///     auth.verify_now(&token, &Policy::default().with_claim("x", test)).expect("the keys are there").is_ok()
/// };
///
/// // A role is an element of the array, never a part of a text: `superadmin` is not `admin`.
/// assert!(passes(ClaimTest::contains("admin"), ["admin", "staff"].into()));
/// assert!(!passes(ClaimTest::contains("admin"), "superadmin".into()));
///
/// // `Present` says that the claim is there, not that it is true.
/// assert!(passes(ClaimTest::Present, false.into()));
/// assert!(!passes(ClaimTest::equals(true), false.into()));
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
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
    /// An array that has this value, or this value itself: for roles and groups, which issuers give as an array, and
    /// some of them as one text when there is only one.
    pub fn contains(value: impl Into<ClaimValue>) -> Self {
        Self::Contains(value.into())
    }

    /// Just this value: for a tenant or a flag. An array of this one value does not equal it.
    pub fn equals(value: impl Into<ClaimValue>) -> Self {
        Self::Equals(value.into())
    }

    /// One of these values, which may be of one type or, as [`ClaimValue`]s, of several. An empty list is never met.
    pub fn one_of<T: Into<ClaimValue>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::OneOf(values.into_iter().map(Into::into).collect())
    }

    pub(super) fn holds(&self, token: &AccessToken, path: &str) -> bool {
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
///
/// There is seldom a reason to name it: [`ClaimTest`] takes a `bool`, an `i64`, a `&str` or a `String` in its place.
/// Floating-point numbers are left out on purpose, as two readers of JSON may round them differently.
///
/// ```
/// use requires_auth::policy::{ClaimTest, ClaimValue};
///
/// // An issuer that has changed the type of a claim: accept the old form and the new one.
/// let test = ClaimTest::one_of([ClaimValue::from(42), ClaimValue::from("42")]);
/// assert_eq!(test.to_string(), r#"is one of 42 "42""#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, written in the token without a fraction or an exponent: `1.0` and `1e0` are not `1`.
    Integer(i64),
    /// A string, compared exactly once its escapes are resolved; nothing is normalised, and case counts.
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
