//! From an issuer to its key set's URL: OpenID Connect Discovery 1.0 §4 and RFC 8414 §3.
//!
//! A guard asks at `<issuer>/.well-known/openid-configuration` and, if there is nothing, at the place that RFC 8414 names.
//! The `issuer` of the document must equal the configured one byte for byte, and its `jwks_uri` must be a safe place. Then
//! the key set is fetched from there. [`FetchFailure`] says which of these steps went wrong.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::fetch::{FetchError, FetchResponse};
use crate::issuer::{IssuerUrl, Transport, may_lead_to};

mod token_file;

pub(crate) use token_file::token_for;

/// A metadata document may be this long, in bytes.
pub(crate) const MAX_METADATA_BYTES: usize = 256 * 1024;

/// What is needed of a metadata document.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// What is needed of it to ask about tokens.
#[derive(Deserialize)]
struct WithIntrospection {
    issuer: String,
    introspection_endpoint: Option<String>,
}

/// What one place said about the metadata.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What is looked for is here.
    At(Url),
    /// Nothing is here: ask in the next place.
    NotHere(u16),
}

/// Reads an answer to a request for metadata that was made to `from`.
///
/// A 4xx means that there is nothing in this place; anything else but 200 is an outage, and asking
/// elsewhere would only hide it.
pub(crate) fn read(
    response: &FetchResponse,
    from: &Url,
    issuer: &IssuerUrl,
    transport: Transport,
) -> Result<Answer, FetchFailure> {
    let Metadata { issuer: named, jwks_uri } = match document(response)? {
        Ok(metadata) => metadata,
        Err(status) => return Ok(Answer::NotHere(status)),
    };
    check_issuer(&named, issuer)?;
    let url = Url::parse(&jwks_uri).ok().filter(|url| may_lead_to(from, url, transport));
    url.map(Answer::At).ok_or_else(|| FetchFailure::UnsafeKeySetUrl(shortened(&jwks_uri)))
}

/// As [`read`], for the introspection endpoint (RFC 8414 §2). What is sent there are tokens and the client's secret, so the
/// place must be as safe as that of the keys.
pub(crate) fn read_introspection(
    response: &FetchResponse,
    from: &Url,
    issuer: &IssuerUrl,
    transport: Transport,
) -> Result<Answer, FetchFailure> {
    let WithIntrospection { issuer: named, introspection_endpoint } = match document(response)? {
        Ok(metadata) => metadata,
        Err(status) => return Ok(Answer::NotHere(status)),
    };
    check_issuer(&named, issuer)?;
    let text = introspection_endpoint.ok_or(FetchFailure::NoIntrospectionEndpoint)?;
    let url = Url::parse(&text).ok().filter(|url| may_lead_to(from, url, transport));
    url.map(Answer::At).ok_or_else(|| FetchFailure::UnsafeEndpoint(shortened(&text)))
}

/// A document, or the status that says that there is none.
fn document<T: DeserializeOwned>(response: &FetchResponse) -> Result<Result<T, u16>, FetchFailure> {
    match response.status() {
        200 => serde_json::from_slice(response.body()).map(Ok).map_err(|_| FetchFailure::NotMetadata),
        status @ 400..=499 => Ok(Err(status)),
        status => Err(FetchFailure::Status(status)),
    }
}

/// OpenID Connect Discovery §4.3, RFC 8414 §3.3: identical, else the document MUST NOT be used.
fn check_issuer(named: &str, issuer: &IssuerUrl) -> Result<(), FetchFailure> {
    if named == &**issuer.identifier() { Ok(()) } else { Err(FetchFailure::OtherIssuer(shortened(named))) }
}

/// The beginning of what a server said, which must not fill the log.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Why an issuer's keys could not be fetched. For the log and for whoever runs the API, not for clients.
///
/// It comes from [`RequiresAuth::warm`](crate::RequiresAuth::warm) at start, and later from
/// [`IssuerHealth::last_error`](crate::guard::IssuerHealth::last_error). `Display` says what happened,
/// [`hint`](Self::hint) what to do, and [`as_str`](Self::as_str) is a short name for a metric.
///
/// ```
/// use requires_auth::RequiresAuth;
/// use requires_auth::discovery::FetchFailure;
///
/// /// Whether waiting may help: whoever starts a server wants to know at once if it never will.
/// fn may_pass(failure: &FetchFailure) -> bool {
///     matches!(failure, FetchFailure::Fetch(_) | FetchFailure::Status(_) | FetchFailure::EmptyKeySet)
/// }
///
/// /// Waits for a provider that starts together with this server, but not for one that is configured wrongly.
/// async fn keys(auth: &RequiresAuth) -> Result<(), Box<dyn std::error::Error>> {
///     loop {
///         match auth.warm().await {
///             Ok(()) => return Ok(()),
///             Err(error) if error.failures().all(|(_, failure)| may_pass(failure)) => {
///                 tokio::time::sleep(std::time::Duration::from_secs(2)).await;
///             }
///             Err(error) => return Err(error.into()),
///         }
///     }
/// }
///
/// let wrong = FetchFailure::OtherIssuer("https://issuer.example/".to_owned());
/// assert!(!may_pass(&wrong));
/// assert_eq!(wrong.as_str(), "other_issuer");
/// assert!(wrong.hint().starts_with("configure the issuer exactly as the document has it"));
/// # let _ = keys;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchFailure {
    /// The key set has no key that can be used.
    EmptyKeySet,
    /// Nothing came back: no connection, a certificate that is not trusted, a time-out.
    Fetch(FetchError),
    /// The key set is not a JWK Set (RFC 7517 §5), or too large; the text says what is wrong.
    KeySet(String),
    /// No metadata in either place; the status is that of the last answer.
    NoMetadata(u16),
    /// The metadata name no introspection endpoint.
    NoIntrospectionEndpoint,
    /// The metadata is not JSON with `issuer` and `jwks_uri`.
    NotMetadata,
    /// The metadata is that of another issuer, which is the text; a slash at the end makes one.
    OtherIssuer(String),
    /// The server answered with another status than 200.
    Status(u16),
    /// The token of `fetch_token_file` cannot be read; the text says why.
    TokenFile(String),
    /// `introspection_endpoint` is not an https URL, or leads from elsewhere to plain http on loopback.
    UnsafeEndpoint(String),
    /// `jwks_uri` is not an https URL, or leads from elsewhere to plain http on loopback.
    UnsafeKeySetUrl(String),
}

impl FetchFailure {
    /// What to do about it, for whoever runs the API.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::EmptyKeySet => {
                "the provider publishes no signing key that this guard can use; look at the skipped keys"
            }
            Self::Fetch(_) => {
                "check that this machine reaches the issuer, its name and its certificate; set `jwks_uri` or `discovery_url` if it has another address from here, `ca` for a certificate of your own"
            }
            Self::KeySet(_) => {
                "open the jwks_uri in a browser: it must answer with a JWK Set of at most 256 KiB and 100 keys"
            }
            Self::NoMetadata(_) => {
                "check the issuer's path; the document is at <issuer>/.well-known/openid-configuration"
            }
            Self::NoIntrospectionEndpoint => {
                "the provider's metadata have no introspection_endpoint: set `endpoint` in the settings of introspection, if \
                 there is one"
            }
            Self::NotMetadata => {
                "open <issuer>/.well-known/openid-configuration in a browser: it must be JSON with issuer and jwks_uri, \
                 and no byte order mark before it"
            }
            Self::OtherIssuer(_) => {
                "configure the issuer exactly as the document has it: slash, case and port count; if tokens have the one that \
                 is configured, set `jwks_uri` to the address of the keys"
            }
            Self::Status(300..=399) => {
                "redirects are not followed: set `jwks_uri` or `discovery_url` to the address that this one leads to"
            }
            Self::Status(401 | 403) => {
                "metadata and keys must be public: let this machine read them, set `jwks_uri` to another address, or \
                 `fetch_token_file` to a file with a Bearer token for them"
            }
            Self::Status(_) => "the provider is in trouble, or something in between answers for it",
            Self::TokenFile(_) => {
                "`fetch_token_file` must be a file that this process may read, with a Bearer token in it and nothing else"
            }
            Self::UnsafeEndpoint(_) => {
                "tokens are sent over https, or over http to loopback if the metadata come from there too; to send them \
                 elsewhere, set `endpoint` in the settings of introspection"
            }
            Self::UnsafeKeySetUrl(_) => {
                "keys come over https, or over http from loopback if the metadata does too; never from a link-local \
                 address; to fetch them from elsewhere, name the place with the setting jwks_uri"
            }
        }
    }

    /// A short name for metrics and logs, such as `timeout` or `other_issuer`; it never changes.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::EmptyKeySet => "empty_key_set",
            Self::Fetch(FetchError::Connect(_)) => "connect",
            Self::Fetch(FetchError::Protocol(_)) => "protocol",
            Self::Fetch(FetchError::Timeout) => "timeout",
            Self::Fetch(FetchError::TooLarge) => "too_large",
            Self::KeySet(_) => "key_set",
            Self::NoMetadata(_) => "no_metadata",
            Self::NoIntrospectionEndpoint => "no_introspection_endpoint",
            Self::NotMetadata => "not_metadata",
            Self::OtherIssuer(_) => "other_issuer",
            Self::Status(_) => "status",
            Self::TokenFile(_) => "token_file",
            Self::UnsafeEndpoint(_) => "unsafe_endpoint",
            Self::UnsafeKeySetUrl(_) => "unsafe_key_set_url",
        }
    }
}

impl fmt::Display for FetchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyKeySet => f.write_str("the key set has no usable key"),
            Self::Fetch(error) => error.fmt(f),
            Self::KeySet(error) => error.fmt(f),
            Self::NoMetadata(status) => write!(f, "no discovery document: status {status}"),
            Self::NoIntrospectionEndpoint => f.write_str("the metadata name no introspection endpoint"),
            Self::NotMetadata => f.write_str("the discovery document is not JSON with issuer and jwks_uri"),
            Self::OtherIssuer(found) => write!(f, "the discovery document is that of the issuer `{found}`"),
            Self::Status(status) => write!(f, "status {status} instead of 200"),
            Self::TokenFile(cause) => write!(f, "the token for fetches cannot be read: {cause}"),
            Self::UnsafeEndpoint(found) => write!(f, "the introspection_endpoint `{found}` is not safe"),
            Self::UnsafeKeySetUrl(found) => write!(f, "the jwks_uri `{found}` is not safe"),
        }
    }
}

impl std::error::Error for FetchFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> IssuerUrl {
        IssuerUrl::parse("https://a.example/oidc", Transport::Tls).expect("an issuer")
    }

    fn from() -> Url {
        issuer().metadata_urls().swap_remove(0)
    }

    fn read_document(body: &str) -> Result<Answer, FetchFailure> {
        read(&FetchResponse::new(200, body), &from(), &issuer(), Transport::Tls)
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        let document =
            |issuer: &str| format!(r#"{{"issuer":"{issuer}","jwks_uri":"https://b.example/k","x":[]}}"#);
        assert!(matches!(read_document(&document("https://a.example/oidc")), Ok(Answer::At(_))));
        for other in ["https://a.example/oidc/", "https://A.example/oidc", "https://a.example:443/oidc", ""] {
            let failure = read_document(&document(other)).expect_err(other);
            assert_eq!(failure, FetchFailure::OtherIssuer(other.to_owned()));
        }
    }

    #[test]
    fn a_status_has_a_hint_of_its_own_where_the_cause_is_known() {
        let hint = |status| FetchFailure::Status(status).hint();
        assert!(hint(302).contains("redirects are not followed") && hint(308) == hint(302));
        assert!(hint(401).contains("must be public") && hint(403) == hint(401));
        assert!(hint(500).contains("in trouble") && hint(299) == hint(500) && hint(400) == hint(500));
    }

    #[test]
    fn a_key_set_is_fetched_from_safe_places_only() {
        for unsafe_url in [
            "http://b.example/k",
            "http://127.0.0.1:6379/k",
            "file:///k",
            "https://169.254.169.254/k",
            "k",
            "",
        ] {
            let document = format!(r#"{{"issuer":"https://a.example/oidc","jwks_uri":"{unsafe_url}"}}"#);
            let failure = read_document(&document).expect_err(unsafe_url);
            assert_eq!(failure, FetchFailure::UnsafeKeySetUrl(unsafe_url.to_owned()));
        }
    }

    #[test]
    fn what_is_no_metadata_is_said_to_be_none() {
        for body in ["<html>", "[]", "{}", r#"{"issuer":5,"jwks_uri":"https://b.example/k"}"#, ""] {
            assert_eq!(read_document(body).expect_err(body), FetchFailure::NotMetadata, "{body}");
        }
        let twice = r#"{"issuer":"https://a.example/oidc","issuer":"https://a.example/oidc","jwks_uri":"https://b.example/k"}"#;
        assert_eq!(read_document(twice).expect_err("two issuers"), FetchFailure::NotMetadata);
    }

    #[test]
    fn a_4xx_goes_on_and_a_5xx_does_not() {
        let read = |status| read(&FetchResponse::new(status, ""), &from(), &issuer(), Transport::Tls);
        assert!(matches!(read(404), Ok(Answer::NotHere(404))));
        for status in [301, 302, 204, 500, 503] {
            assert_eq!(read(status).expect_err("no document"), FetchFailure::Status(status));
        }
    }
}
