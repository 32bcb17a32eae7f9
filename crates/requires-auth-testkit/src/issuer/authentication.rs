//! How a client says who it is: by a secret (RFC 6749 §2.3.1) or by the signature of its key (RFC 7523).
//!
//! A client shows one proof and no more: a secret in the header `Authorization`, or in the form, or an assertion that its key has
//! signed. Two of them in one request are refused (RFC 6749 §2.3). A client that was registered without a secret shows its name
//! alone. Which of these a client may use is what it registered; a client that nobody registered may use any secret, so that an
//! API under test has to configure nothing here.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::assertion::{ASSERTION_TYPE, Assertion};
use super::clients::{Client, Credential};
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::random::fingerprint;
use super::state::State;

/// What a request shows of its client.
enum Shown<'a> {
    /// Nothing but the id.
    Id(&'a str),
    /// A secret in the header.
    Basic { id: String, secret: String },
    /// A secret in the body.
    Post { id: &'a str, secret: &'a str },
    /// A JWT of the client's key.
    Assertion(Assertion<'a>),
}

/// The client that sends a request, once it has shown that it is.
///
/// # Errors
///
/// `invalid_client` for a wrong credential, `invalid_request` for two at once.
pub(super) fn authenticate(
    state: &State,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<Arc<Client>, OAuthError> {
    let shown = shown(headers, form)?;
    let id = match &shown {
        Shown::Id(id) | Shown::Post { id, .. } => id,
        Shown::Basic { id, .. } => id.as_str(),
        Shown::Assertion(assertion) => assertion.subject()?,
    };
    let clients = &state.settings.clients;
    let client = clients.named(id).filter(|client| fits(client, &shown)).ok_or_else(|| refused(&shown))?;
    if let Shown::Assertion(assertion) = &shown {
        let urls = &state.urls;
        let audiences = [&urls.issuer, &urls.token, &urls.introspection, &urls.revocation];
        assertion.spend(&audiences.map(String::as_str), &mut clients.assertions(), state.now())?;
    }
    Ok(client)
}

/// Whether what is shown is what the client has: nothing but its id if it is public, else one of its credentials.
fn fits(client: &Client, shown: &Shown<'_>) -> bool {
    let has = |credential: &Credential| match (credential, shown) {
        (Credential::Anything, Shown::Id(_) | Shown::Basic { .. } | Shown::Post { .. }) => true,
        (Credential::Basic(own), Shown::Basic { secret, .. }) => *own == fingerprint(secret),
        (Credential::Post(own), Shown::Post { secret, .. }) => *own == fingerprint(secret),
        (Credential::Keys(keys), Shown::Assertion(assertion)) => assertion.is_signed_by(keys),
        _ => false,
    };
    if client.is_public() { matches!(shown, Shown::Id(_)) } else { client.credentials.iter().any(has) }
}

fn refused(shown: &Shown<'_>) -> OAuthError {
    OAuthError::invalid_client(match shown {
        Shown::Assertion(_) => "the client_assertion is not signed by a key of this client",
        _ => "the client id or its secret is wrong",
    })
}

fn shown<'a>(headers: &HeaderMap, form: &'a Parameters) -> Result<Shown<'a>, OAuthError> {
    let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
    let assertion = assertion(form)?;
    let header = headers.get(AUTHORIZATION);
    if usize::from(secret.is_some()) + usize::from(assertion.is_some()) + usize::from(header.is_some()) > 1 {
        return Err(OAuthError::invalid_request("the client authenticates in two ways"));
    }
    let shown = match (header, assertion, secret) {
        (Some(header), ..) => {
            let basic = header.to_str().ok().and_then(basic_credentials);
            let (id, secret) = basic.ok_or_else(|| {
                OAuthError::invalid_client("the Authorization header is not that of a client: use Basic")
            })?;
            Shown::Basic { id, secret }
        }
        (None, Some(assertion), _) => Shown::Assertion(assertion),
        (None, None, secret) => {
            let id = id.ok_or_else(|| {
                OAuthError::invalid_client("the request does not say which client sends it")
            })?;
            secret.map_or(Shown::Id(id), |secret| Shown::Post { id, secret })
        }
    };
    let own = match &shown {
        Shown::Basic { id, .. } => Some(id.as_str()),
        Shown::Assertion(assertion) => Some(assertion.subject()?),
        Shown::Id(_) | Shown::Post { .. } => None,
    };
    if id.is_some_and(|id| own.is_some_and(|own| own != id)) {
        return Err(OAuthError::invalid_request("the parameter client_id names another client"));
    }
    Ok(shown)
}

/// RFC 7521 §4.2: the assertion and its type come together.
fn assertion(form: &Parameters) -> Result<Option<Assertion<'_>>, OAuthError> {
    match (form.one("client_assertion_type")?, form.one("client_assertion")?) {
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(text)) => Assertion::parse(text).map(Some),
        (Some(ASSERTION_TYPE), None) => Err(OAuthError::invalid_request("client_assertion is missing")),
        _ => {
            let wanted = format!("client_assertion_type has to be {ASSERTION_TYPE}");
            Err(OAuthError::invalid_request(wanted))
        }
    }
}

fn basic_credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let (id, secret) = (percent_decode(id)?, percent_decode(secret)?);
    (!id.is_empty()).then_some((id, secret))
}

/// Undoes the percent-encoding that RFC 6749 wants inside the Basic credentials.
///
/// Many clients leave it out, so a percent sign that starts no escape stands for itself, and so
/// does a plus sign, which is more common in a secret than the space that it would encode.
fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = if *first == b'%' { escaped_byte(tail) } else { None };
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(decoded).ok()
}

fn escaped_byte(digits: &[u8]) -> Option<u8> {
    let digit = |index: usize| char::from(*digits.get(index)?).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::{basic_credentials, percent_decode};

    #[test]
    fn percent_encoding_is_undone() {
        let cases =
            [("a%3Ab", "a:b"), ("a+b", "a+b"), ("100%", "100%"), ("%zz", "%zz"), ("%C3%A9", "é"), ("", "")];
        for (encoded, decoded) in cases {
            assert_eq!(percent_decode(encoded).as_deref(), Some(decoded), "{encoded}");
        }
        assert_eq!(percent_decode("%ff"), None);
    }

    #[test]
    fn basic_credentials_split_at_the_first_colon() {
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(basic_credentials("Basic YTpiOmM="), pair("a", "b:c"));
        assert_eq!(basic_credentials("basic YTo="), pair("a", ""));
        for bad in ["Basic OmI=", "Basic YQ==", "Basic !", "Bearer YTpi", "Basic", ""] {
            assert_eq!(basic_credentials(bad), None, "{bad}");
        }
    }
}
