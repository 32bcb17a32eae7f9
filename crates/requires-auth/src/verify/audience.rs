//! Whom a token must be meant for.

use super::Profile;
use crate::claims::{Claims, Strings};
use crate::error::Reason;

/// Whom a token must be meant for (RFC 7519 §4.1.3): the identifier of this API at the issuer.
///
/// It is compared byte for byte with `aud`, so a slash at the end counts. A text, an array or a vector of texts is
/// converted, so that the type is seldom named:
///
/// ```
/// use requires_auth::{Audience, RequiresAuth};
///
/// // One identifier, or the old one and the new one while clients change over.
/// RequiresAuth::new("https://issuer.example", "https://api.example")?;
/// RequiresAuth::new("https://issuer.example", ["https://api.example", "urn:example:api"])?;
///
/// // A forgotten audience is a mistake, and never means that every token will do.
/// assert!(RequiresAuth::new("https://issuer.example", "").is_err());
/// assert!(RequiresAuth::new("https://issuer.example", Vec::<String>::new()).is_err());
/// // Whoever means that has to say so.
/// RequiresAuth::new("https://issuer.example", Audience::Any)?;
///
/// // Logto's tokens for organizations name the organization; Cognito's tokens name no audience, but their client.
/// RequiresAuth::new("https://issuer.example", Audience::prefix("urn:logto:organization:"))?;
/// RequiresAuth::new("https://issuer.example", Audience::claim("client_id", ["5d3kq0v1"]))?;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
/// | rule | a token without `aud` | a token whose `aud` names others only |
/// | --- | --- | --- |
/// | [`OneOf`](Self::OneOf), [`Prefix`](Self::Prefix) | `claim_missing` | `audience_mismatch` |
/// | [`Claim`](Self::Claim) | passes if the other claim fits | `audience_mismatch` |
/// | [`Absent`](Self::Absent) | passes | `audience_mismatch` |
/// | [`Any`](Self::Any) | passes | passes |
///
/// With [`Profile::AccessTokenJwt`] every token needs `aud` (RFC 9068 §2.2), whatever the rule is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// Every token of the issuer counts, whatever its audience is, also one without `aud`.
    ///
    /// A token made for another API then opens this one: use it only where the issuer serves no other API.
    Any,
    /// Only a token that names nobody; one that has `aud` is meant for somebody else. For issuers that leave `aud` out of
    /// access tokens, such as Amazon Cognito; their tokens for different APIs cannot be told apart by it.
    Absent,
    /// A token must name at least one of these, byte for byte.
    OneOf(Vec<String>),
    /// A token must name one that begins so and goes on, as `urn:logto:organization:acme` does after
    /// `urn:logto:organization:`. Which one it is, is for a claim rule or the handler to look at.
    Prefix(String),
    /// For issuers that leave `aud` out: the claim at this dotted path, a text or an array of texts, must be or have one of
    /// these, byte for byte. A token with `aud` is refused: it says that it is meant for somebody (RFC 7519 §4.1.3).
    Claim {
        /// The path of the claim, such as `client_id` or `azp`.
        path: String,
        /// What it may be.
        one_of: Vec<String>,
    },
}

impl Audience {
    /// Any audience that begins so: see [`Audience::Prefix`].
    /// The prefix has to end in a separator, so that it takes no longer word; another is a mistake that
    /// [`Builder::build`](crate::guard::Builder::build) reports:
    ///
    /// ```
    /// use requires_auth::{Audience, RequiresAuth};
    ///
    /// let guard = |prefix: &str| RequiresAuth::new("https://issuer.example", Audience::prefix(prefix));
    /// assert!(guard("urn:logto:organization:").is_ok());
    /// // `https://api.example.com.attacker.example` begins so, too.
    /// assert!(guard("https://api.example.com").is_err());
    /// ```
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self::Prefix(prefix.into())
    }

    /// Another claim in place of `aud`: see [`Audience::Claim`].
    /// The path may not be `aud` or empty, and the list may not be empty. It does not go with [`Profile::AccessTokenJwt`], which
    /// demands `aud`.
    pub fn claim<T: Into<String>>(path: impl Into<String>, one_of: impl IntoIterator<Item = T>) -> Self {
        Self::Claim { path: path.into(), one_of: one_of.into_iter().map(Into::into).collect() }
    }

    /// The names that it lists, if it lists names.
    /// Empty for every rule but [`Audience::OneOf`].
    pub fn names(&self) -> &[String] {
        match self {
            Self::OneOf(names) => names,
            _ => &[],
        }
    }

    /// Checks the claims of a token, and returns what `aud` names.
    ///
    /// # Errors
    ///
    /// `claim_missing`, `claim_malformed` or `audience_mismatch`.
    pub(crate) fn check<'t>(&self, profile: Profile, claims: &Claims<'t>) -> Result<Strings<'t>, Reason> {
        let audience = claims.audience()?;
        let named = |fits: &dyn Fn(&str) -> bool| match &audience {
            Some(audience) if audience.iter().any(|named| fits(named)) => Ok(()),
            Some(_) => Err(Reason::AudienceMismatch),
            None => Err(Reason::ClaimMissing),
        };
        match self {
            // RFC 9068 §2.2 demands `aud`.
            Self::Any | Self::Absent | Self::Claim { .. }
                if audience.is_none() && profile.is_of_rfc_9068() =>
            {
                return Err(Reason::ClaimMissing);
            }
            Self::Absent | Self::Claim { .. } if audience.is_some() => {
                return Err(Reason::AudienceMismatch);
            }
            Self::Any | Self::Absent => {}
            Self::OneOf(ours) => named(&|named| ours.iter().any(|own| own == named))?,
            Self::Prefix(prefix) => {
                named(&|named| named.len() > prefix.len() && named.starts_with(&**prefix))?;
            }
            Self::Claim { path, one_of } => {
                let found = claims.strings_at(path)?.ok_or(Reason::ClaimMissing)?;
                if !found.iter().any(|found| one_of.iter().any(|own| **own == **found)) {
                    return Err(Reason::AudienceMismatch);
                }
            }
        }
        Ok(audience.unwrap_or_default())
    }

    /// What the check looked at, for people to read.
    pub(super) fn found(&self, claims: &Claims<'_>) -> String {
        match self {
            Self::Claim { path, .. } if !claims.has("aud") => format!("{path} {}", claims.describe_at(path)),
            _ => claims.describe("aud"),
        }
    }

    /// What would have passed, for people to read.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Any => "any audience".to_owned(),
            Self::Absent => "no aud, since no audience is configured".to_owned(),
            Self::OneOf(ours) => ours.join(" or "),
            Self::Prefix(prefix) => format!("an audience that begins with {prefix}"),
            Self::Claim { path, one_of } => format!("no aud, and {path} {}", one_of.join(" or ")),
        }
    }
}

impl From<&str> for Audience {
    fn from(audience: &str) -> Self {
        Self::OneOf(vec![audience.to_owned()])
    }
}

impl From<String> for Audience {
    fn from(audience: String) -> Self {
        Self::OneOf(vec![audience])
    }
}

impl<T: Into<String>> From<Vec<T>> for Audience {
    fn from(audiences: Vec<T>) -> Self {
        Self::OneOf(audiences.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Audience {
    fn from(audiences: [T; N]) -> Self {
        Self::OneOf(audiences.into_iter().map(Into::into).collect())
    }
}
