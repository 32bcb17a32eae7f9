//! The clients that may ask for tokens, and how they say who they are (RFC 6749 §2.3.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::oauth_error::OAuthError;
use super::parameters::Parameters;

/// The configured clients; without any, every client id is accepted and its secret ignored.
#[derive(Default)]
pub(super) struct Clients(Vec<(String, String)>);

impl Clients {
    pub(super) fn add(&mut self, id: String, secret: String) {
        self.0.push((id, secret));
    }

    /// The id of the client that sends a request, by `client_secret_basic` or `client_secret_post`.
    pub(super) fn authenticate(&self, headers: &HeaderMap, form: &Parameters) -> Result<String, OAuthError> {
        let (id, secret) = credentials(headers, form)?;
        let known = self.0.is_empty() || self.0.iter().any(|known| (&known.0, &known.1) == (&id, &secret));
        if known { Ok(id) } else { Err(OAuthError::invalid_client("the client id or its secret is wrong")) }
    }
}

fn credentials(headers: &HeaderMap, form: &Parameters) -> Result<(String, String), OAuthError> {
    let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
    let Some(header) = headers.get(AUTHORIZATION) else {
        let id =
            id.ok_or_else(|| OAuthError::invalid_client("the request does not say which client sends it"))?;
        return Ok((id.to_owned(), secret.unwrap_or_default().to_owned()));
    };
    let basic = header.to_str().ok().and_then(basic_credentials);
    let Some(basic) = basic else {
        return Err(OAuthError::invalid_client(
            "the Authorization header is not that of a client: use Basic",
        ));
    };
    if secret.is_some() {
        return Err(OAuthError::invalid_request("the client authenticates in two ways"));
    }
    if id.is_some_and(|id| id != basic.0) {
        return Err(OAuthError::invalid_request("the parameter client_id names another client"));
    }
    Ok(basic)
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
