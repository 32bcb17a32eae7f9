//! Claims that do not fit the type that a handler reads them into.

use std::fmt;

use crate::error::{Denial, ErrorCode};

/// The claims do not have the shape that was asked for.
///
/// In axum and actix-web it is a response, so that a handler may use `?`: 403 `access_denied`, logged with the place. It says where the
/// claims differ, as line and column of the payload, and never what they are.
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// # use requires_auth::{Policy, RequiresAuth};
/// use requires_auth::{AccessToken, Denial};
///
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     tenant: String,
/// }
///
/// /// Elsewhere it is converted: a token without a tenant is refused like one that fails a claim rule.
/// fn tenant(token: &AccessToken) -> Result<String, Denial> {
///     let claims: Claims = token.claims()?;
///     Ok(claims.tenant)
/// }
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
/// let denial = tenant(&verified(&forge.token().mint())?).unwrap_err();
/// assert_eq!(denial.code().as_str(), "access_denied");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimsError {
    line: usize,
    column: usize,
}

impl ClaimsError {
    /// Keeps where the claims differ, and drops what the error says of them.
    pub(super) fn at(error: &serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
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
