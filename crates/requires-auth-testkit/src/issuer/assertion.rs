//! `private_key_jwt`: a client shows a JWT that its own key has signed (RFC 7523 §2.2 and §3).

use serde_json::Value;

use super::oauth_error::OAuthError;
use super::shown_jwt::ShownJwt;
use super::used::{Spent, Used};
use crate::keys::VerifyingKey;

/// What says that an assertion is a JWT (RFC 7523 §2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far ahead `exp` may be, in seconds: RFC 7523 §3 lets a server refuse what is unreasonably far.
const LONGEST_LIFE: i64 = 3600;

/// How far the clock of a client may be ahead, in seconds.
const LEEWAY: i64 = 30;

/// The values of `typ` that mean an assertion of a client.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// An assertion that is shaped as one, and of which nothing has been checked.
pub(super) struct Assertion<'a>(ShownJwt<'a>);

impl<'a> Assertion<'a> {
    /// Reads an assertion.
    ///
    /// # Errors
    ///
    /// When it is not a JWT.
    pub(super) fn parse(text: &'a str) -> Result<Self, OAuthError> {
        let jwt = ShownJwt::parse(text);
        jwt.map(Self).ok_or_else(|| OAuthError::invalid_client("the client_assertion is not a JWT"))
    }

    /// The client that it says to be of, which its signature has to confirm.
    pub(super) fn subject(&self) -> Result<&str, OAuthError> {
        match (self.0.text("iss"), self.0.text("sub")) {
            (Some(issuer), Some(subject)) if issuer == subject && !subject.is_empty() => Ok(subject),
            _ => Err(OAuthError::invalid_client(
                "iss and sub of the client_assertion have to be the client id",
            )),
        }
    }

    /// Whether one of the keys has signed it, and it says that it is an assertion of a client.
    pub(super) fn is_signed_by(&self, keys: &[VerifyingKey]) -> bool {
        let Self(jwt) = self;
        let is_assertion = match jwt.header.get("typ") {
            None => true,
            Some(typ) => typ.as_str().is_some_and(|typ| TYPES.contains(&typ.to_ascii_lowercase().as_str())),
        };
        is_assertion
            && jwt.header.get("crit").is_none()
            && keys.iter().filter(|key| key.is_named(jwt.in_header("kid"))).any(|key| jwt.is_signed_by(key))
    }

    /// Checks for whom and when it is, and that it is shown for the first time.
    ///
    /// # Errors
    ///
    /// `invalid_client`, which says what is wrong.
    pub(super) fn spend(&self, audiences: &[&str], used: &mut Used, now: i64) -> Result<(), OAuthError> {
        let audience = match self.0.claims.get("aud") {
            // One recipient alone: an assertion for two could be passed on from one to the other.
            Some(Value::Array(several)) if several.len() == 1 => several[0].as_str(),
            Some(one) => one.as_str(),
            None => None,
        };
        if !audience.is_some_and(|audience| audiences.contains(&audience)) {
            return Err(OAuthError::invalid_client("aud of the client_assertion has to be the issuer"));
        }
        let time = |name: &str| self.0.claims.get(name).map(Value::as_i64);
        let expires = match time("exp") {
            Some(Some(expires)) if expires > now && expires <= now.saturating_add(LONGEST_LIFE) => expires,
            _ => {
                let wrong = "exp of the client_assertion has to be ahead, by an hour at most";
                return Err(OAuthError::invalid_client(wrong));
            }
        };
        let is_early = |name| time(name).is_some_and(|time| time.is_none_or(|time| time > now + LEEWAY));
        if is_early("nbf") || is_early("iat") {
            return Err(OAuthError::invalid_client("the client_assertion is of the future"));
        }
        let jti = self.0.text("jti").filter(|jti| !jti.is_empty());
        let jti = jti.ok_or_else(|| OAuthError::invalid_client("the client_assertion has no jti"))?;
        used.spend(self.subject()?, jti, expires, now).map_err(|spent| match spent {
            Spent::Again => {
                OAuthError::invalid_client("the client_assertion has been used before: its jti counts once")
            }
            Spent::Full => OAuthError::server_error("too many assertions at once: wait until some expire"),
        })
    }
}
