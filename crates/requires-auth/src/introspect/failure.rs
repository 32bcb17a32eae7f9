//! Why an issuer has said nothing about a token.

use std::fmt;

use crate::discovery::FetchFailure;
use crate::fetch::FetchError;
use crate::introspection::AnswerFault;

/// Why nothing came of asking an issuer about a token: for the log, and for whoever runs the API. A client gets a 503 that
/// says nothing of it.
///
/// `Display` says what happened, [`hint`](Self::hint) what to do, and [`as_str`](Self::as_str) is a short name for a metric.
/// | failure | [`as_str`](Self::as_str) | who has to act |
/// | --- | --- | --- |
/// | metadata without an endpoint | that of the failure of discovery | whoever runs the issuer, or the configuration |
/// | no connection, time-out | `connect`, `protocol`, `timeout`, `answer_too_large` | the network, or the issuer |
/// | credentials refused | `credentials` | the configuration: id, secret or key of this client |
/// | another status than 200 | `status` | the issuer, or the address in the configuration |
/// | an answer that cannot be believed | `answer` | the issuer |
/// | no random bytes | `randomness` | the operating system |
///
/// Neither the token nor the credentials stand in it, so that it can be logged as it is:
///
/// ```
/// use requires_auth::introspect::AskFailure;
///
/// let failure = AskFailure::Credentials(401);
/// assert_eq!(failure.as_str(), "credentials");
/// assert_eq!(failure.to_string(), "client credentials refused, with status 401");
/// assert!(failure.hint().contains("client_id"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskFailure {
    /// The metadata of the issuer could not be read, or name no endpoint.
    Endpoint(FetchFailure),
    /// No answer came: no connection, a certificate that is not trusted, a time-out, a body that is too large.
    Fetch(FetchError),
    /// The endpoint has refused the credentials of this client, with this status.
    Credentials(u16),
    /// The endpoint has answered with another status than 200.
    Status(u16),
    /// The answer cannot be believed; the text says what is wrong with it.
    Answer(&'static str),
    /// The operating system has no randomness, which an assertion needs.
    NoRandomness,
}

impl AskFailure {
    /// What a status says that is not 200. RFC 7662 §2.3 wants 401 for credentials that are refused; oidc-provider and
    /// Logto say 400 where they are missing, and others 403 where the client may not ask.
    pub(super) const fn of_status(status: u16) -> Self {
        match status {
            400 | 401 | 403 => Self::Credentials(status),
            status => Self::Status(status),
        }
    }

    /// Whether waiting cannot help, as somebody has to change something.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Credentials(_) | Self::Answer(_))
    }

    /// Whether the endpoint may have moved.
    pub(super) const fn may_have_moved(&self) -> bool {
        matches!(self, Self::Fetch(_) | Self::Status(_))
    }

    /// A short name for metrics and logs, such as `timeout` or `credentials`; it never changes.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Endpoint(failure) => failure.as_str(),
            Self::Fetch(FetchError::Connect(_)) => "connect",
            Self::Fetch(FetchError::Protocol(_)) => "protocol",
            Self::Fetch(FetchError::Timeout) => "timeout",
            Self::Fetch(FetchError::TooLarge) => "answer_too_large",
            Self::Credentials(_) => "credentials",
            Self::Status(_) => "status",
            Self::Answer(_) => "answer",
            Self::NoRandomness => "randomness",
        }
    }

    /// What to do about it, for whoever runs the API.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Endpoint(failure) => failure.hint(),
            Self::Fetch(_) => {
                "check that this machine reaches the introspection endpoint, its name and its certificate"
            }
            Self::Credentials(_) => {
                "check `client_id`, its secret or key, `auth_method`, and that the provider lets this client introspect tokens"
            }
            Self::Status(300..=399) => {
                "redirects are not followed: set `endpoint` to the address that this one leads to"
            }
            Self::Status(404 | 405) => "there is no introspection endpoint at this address: check `endpoint`",
            Self::Status(_) => "the provider is in trouble, or something in between answers for it",
            Self::Answer(_) => {
                "ask the endpoint by hand, and compare with RFC 7662 §2.2, or with RFC 9701 §5 where `signed` is on"
            }
            Self::NoRandomness => "look at the operating system: it gives no random bytes",
        }
    }
}

impl From<AnswerFault> for AskFailure {
    fn from(fault: AnswerFault) -> Self {
        Self::Answer(fault.message())
    }
}

impl From<FetchFailure> for AskFailure {
    fn from(failure: FetchFailure) -> Self {
        Self::Endpoint(failure)
    }
}

impl fmt::Display for AskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(failure) => failure.fmt(f),
            Self::Fetch(error) => error.fmt(f),
            Self::Credentials(status) => write!(f, "client credentials refused, with status {status}"),
            Self::Status(status) => write!(f, "status {status} instead of 200"),
            Self::Answer(fault) => f.write_str(fault),
            Self::NoRandomness => f.write_str("no random bytes for an assertion"),
        }
    }
}

impl std::error::Error for AskFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_our_credentials_is_told_from_an_outage() {
        for status in [400, 401, 403] {
            let failure = AskFailure::of_status(status);
            assert!(
                failure.is_ours() && failure.to_string().contains("client credentials refused"),
                "{failure}"
            );
        }
        for status in [301, 404, 429, 500, 503] {
            let failure = AskFailure::of_status(status);
            assert!(!failure.is_ours() && failure.may_have_moved(), "{failure}");
            assert_eq!(failure.to_string(), format!("status {status} instead of 200"));
        }
        assert_ne!(AskFailure::of_status(302).hint(), AskFailure::of_status(500).hint());
    }
}
