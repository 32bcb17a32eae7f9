//! Claim rules: what a claim is compared with, and how.

use std::fmt;

use crate::jose::json::Raw;
use crate::request::{PathParameters, one_segment};
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
/// [`contains_any`](Self::contains_any) is [`contains`](Self::contains) for several values, [`prefix`](Self::prefix) looks at
/// the beginning of a text, and [`path`](Self::path) at the path of the request. `aud` may be one text or an array, which
/// mean the same, so that every test sees each element of it.
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
    /// An array that has one of these values, or one of them itself.
    ContainsAny(Vec<ClaimValue>),
    /// Just this value.
    Equals(ClaimValue),
    /// A text that begins so, or an array that has one.
    Prefix(String),
    /// What the path of the request has in the place of this name.
    Path(String),
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

    /// As [`contains`](Self::contains), for several values of which one is enough. An empty list is never met.
    pub fn contains_any<T: Into<ClaimValue>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::ContainsAny(values.into_iter().map(Into::into).collect())
    }

    /// A text that begins so, or an array that has one: for names that end in a version or a branch, such as GitHub's
    /// `job_workflow_ref`. Write it to the separator: `octo/app/.github/workflows/release.yml@`. An empty text is never met.
    /// ```
    /// use requires_auth::policy::ClaimTest;
    ///
    /// let test = ClaimTest::prefix("octo/app/.github/workflows/release.yml@");
    /// assert_eq!(test.to_string(), r#"begins with "octo/app/.github/workflows/release.yml@""#);
    /// ```
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self::Prefix(prefix.into())
    }

    /// What the path of the request has in the place of this name: a text that equals it, or a whole number with these
    /// digits. A request without such a parameter is refused, and so is one with a slash in it, however it is encoded.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::policy::ClaimTest;
    /// use requires_auth::{Policy, Request, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// // `/orgs/{org}/items` is for members of that organization.
    /// let policy = Policy::default().with_claim("organization_id", ClaimTest::path("org"));
    ///
    /// let headers = [("authorization", format!("Bearer {}", forge.token().claim("organization_id", "acme").mint()))];
    /// let passes = |org: &str| {
    ///     let parameters = [("org", org)];
    ///     let request = Request::new("GET", "/", &headers).with_path_parameters(&parameters);
    ///     auth.authorize_now(&request, &policy).expect("the keys are there").is_ok()
    /// };
    /// assert!(passes("acme") && !passes("other"));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn path(parameter: impl Into<String>) -> Self {
        Self::Path(parameter.into())
    }

    /// The path parameter that it looks at, if it does.
    /// For adapters, which hand over the parameters of a path only if a policy looks at one. `None` for every other test.
    pub fn path_parameter(&self) -> Option<&str> {
        if let Self::Path(name) = self { Some(name) } else { None }
    }

    /// Just this value: for a tenant or a flag. An array of this one value does not equal it.
    pub fn equals(value: impl Into<ClaimValue>) -> Self {
        Self::Equals(value.into())
    }

    /// One of these values, which may be of one type or, as [`ClaimValue`]s, of several. An empty list is never met.
    /// ```
    /// use requires_auth::policy::ClaimTest;
    ///
    /// let test = ClaimTest::one_of(["gold", "silver"]);
    /// assert_eq!(test.to_string(), r#"is one of "gold" "silver""#);
    /// ```
    pub fn one_of<T: Into<ClaimValue>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::OneOf(values.into_iter().map(Into::into).collect())
    }

    pub(super) fn holds(
        &self,
        token: &AccessToken,
        path: &str,
        parameters: Option<&dyn PathParameters>,
    ) -> bool {
        let of_elements = |found: Raw<'_>, is_met: &dyn Fn(Raw<'_>) -> bool| {
            is_met(found) || found.as_array().is_some_and(|items| items.into_iter().any(is_met))
        };
        // One audience and an array of one mean the same (RFC 7519 §4.1.3).
        let exactly = |found: Raw<'_>, is_met: &dyn Fn(Raw<'_>) -> bool| {
            if path == "aud" { of_elements(found, is_met) } else { is_met(found) }
        };
        let holds = token.with_claim(path, |found| match self {
            Self::Contains(value) => of_elements(found, &|item| value.is(item)),
            Self::ContainsAny(values) => {
                of_elements(found, &|item| values.iter().any(|value| value.is(item)))
            }
            Self::Prefix(prefix) => !prefix.is_empty() && of_elements(found, &|item| begins(item, prefix)),
            Self::Equals(value) => exactly(found, &|item| value.is(item)),
            Self::OneOf(values) => exactly(found, &|item| values.iter().any(|value| value.is(item))),
            Self::Path(name) => one_segment(parameters, name)
                .is_some_and(|segment| exactly(found, &|item| is_written_as(item, segment))),
            Self::Present => found.text() != "null",
        });
        holds.unwrap_or(false)
    }
}

fn begins(item: Raw<'_>, prefix: &str) -> bool {
    item.as_str().is_some_and(|text| text.starts_with(prefix))
}

/// A text that is this segment of a path, or a whole number whose digits are.
fn is_written_as(item: Raw<'_>, segment: &str) -> bool {
    match item.as_str() {
        Some(text) => text == segment,
        None => item.text() == segment && item.text().parse::<i64>().is_ok(),
    }
}

impl fmt::Display for ClaimTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contains(value) => write!(f, "contains {value}"),
            Self::ContainsAny(values) => {
                f.write_str("contains one of")?;
                values.iter().try_for_each(|value| write!(f, " {value}"))
            }
            Self::Prefix(prefix) => write!(f, "begins with {prefix:?}"),
            Self::Path(name) => write!(f, "equals the path parameter {name}"),
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
