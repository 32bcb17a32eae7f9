//! From a request to its credential: RFC 6750 §2, RFC 9110 §11.
//!
//! 1. No `Authorization` header is no credential; a token in the query alone is ignored.
//! 2. Two headers, or a Bearer header beside a query parameter `access_token`, are refused.
//! 3. The scheme is case-insensitive, one or more spaces follow it, then exactly one `b64token`.

use std::fmt;

use memchr::memchr;

use crate::error::{Denial, ErrorCode};
use crate::request::{HeaderValues, Request};

/// What the client showed to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential<'a> {
    /// An access token that counts for whoever bears it.
    Bearer(Bearer<'a>),
}

impl<'a> Credential<'a> {
    /// Reads the credential of a request.
    ///
    /// # Errors
    ///
    /// The header is missing, is not exactly scheme and token, has another scheme, or the request
    /// carries more than one token; each has its own [`ErrorCode`].
    pub fn from_request(request: &Request<'a>) -> Result<Self, Denial> {
        Presented::from_request(request)?.bearer().map(Self::Bearer)
    }
}

/// Whether a request shows no access token: it has no `Authorization` header, or one whose scheme carries none, such as
/// `Basic` for a proxy on the way.
///
/// A Bearer or DPoP credential is an access token, good or bad. Two headers, and a value that is not a scheme and
/// credentials, may hide one: they do not count as none.
pub(crate) fn shows_no_token(request: &Request<'_>) -> bool {
    match request.header("authorization") {
        HeaderValues::Absent => true,
        HeaderValues::Several => false,
        HeaderValues::One(value) => {
            let value = trim_whitespace(value);
            let scheme = memchr(b' ', value).map(|space| &value[..space]);
            scheme.is_some_and(|scheme| {
                is_scheme(scheme) && !TOKEN_SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known))
            })
        }
    }
}

/// The schemes whose credentials are access tokens (RFC 6750 §2.1, RFC 9449 §7.1).
const TOKEN_SCHEMES: [&[u8]; 2] = [b"Bearer", b"DPoP"];

/// What stands where a Bearer token should be, not yet looked at.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    token: &'a [u8],
}

impl<'a> Presented<'a> {
    pub(crate) fn from_request(request: &Request<'a>) -> Result<Self, Denial> {
        let value = match request.header("authorization") {
            HeaderValues::Absent => return Err(Denial::new(ErrorCode::AuthorizationHeaderMissing)),
            // RFC 6750 §2: a client MUST NOT send more than one token; we never pick one of two.
            HeaderValues::Several => return Err(Denial::new(ErrorCode::InvalidRequest)),
            HeaderValues::One(value) => trim_whitespace(value),
        };
        let invalid_format = || Denial::new(ErrorCode::AuthorizationTokenInvalidFormat);
        let Some(space) = memchr(b' ', value) else { return Err(invalid_format()) };
        let (scheme, rest) = value.split_at(space);
        // RFC 9110 §11.1: the scheme is case-insensitive.
        if !scheme.eq_ignore_ascii_case(b"Bearer") {
            let other_scheme = || Denial::new(ErrorCode::AuthorizationTokenTypeNotSupported);
            return Err(if is_scheme(scheme) { other_scheme() } else { invalid_format() });
        }
        // RFC 6750 §2: one token, one method. Refused even if both tokens are equal.
        if has_query_token(request.query()) {
            return Err(Denial::new(ErrorCode::InvalidRequest));
        }
        // RFC 6750 §2.1: `"Bearer" 1*SP b64token`.
        let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
        Ok(Self { token: &rest[spaces..] })
    }

    /// The bytes in the token's place.
    pub(crate) const fn bytes(self) -> &'a [u8] {
        self.token
    }

    pub(crate) fn bearer(self) -> Result<Bearer<'a>, Denial> {
        match std::str::from_utf8(self.token) {
            Ok(token) => Bearer::parse(token),
            Err(_) => Err(Denial::new(ErrorCode::AuthorizationTokenInvalidFormat)),
        }
    }
}

/// An access token of the form `b64token` (RFC 6750 §2.1), not yet looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bearer<'a> {
    token: &'a str,
}

impl<'a> Bearer<'a> {
    /// A token without its scheme.
    ///
    /// # Errors
    ///
    /// `auth.authorization_token_invalid_format` if the text is empty or has a character that no
    /// `b64token` has.
    pub fn parse(token: &'a str) -> Result<Self, Denial> {
        let body = token.trim_end_matches('=');
        let is_valid = body.bytes().fold(true, |valid, byte| valid & is_b64token(byte));
        if body.is_empty() || !is_valid {
            return Err(Denial::new(ErrorCode::AuthorizationTokenInvalidFormat));
        }
        Ok(Self { token })
    }

    /// The token itself. Take care where it goes: it opens the API to whoever reads it.
    pub const fn token(&self) -> &'a str {
        self.token
    }
}

impl fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`, without the padding.
///
/// Without short circuits, so that the compiler looks at many bytes at once: this is asked of every byte of a token.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "lazy operators are branches, and keep the loop from being vectorised"
)]
const fn is_b64token(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // `-`, `.`, `/` and the digits follow each other.
    let is_digit_or_sign = byte.wrapping_sub(b'-') <= b'9' - b'-';
    is_letter | is_digit_or_sign | (byte == b'_') | (byte == b'~') | (byte == b'+')
}

/// Without the optional whitespace around a field value (RFC 9110 §5.5: space and tab, nothing else).
fn trim_whitespace(value: &[u8]) -> &[u8] {
    let is_whitespace = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().take_while(|byte| is_whitespace(byte)).count();
    let end = value[start..].iter().rev().take_while(|byte| is_whitespace(byte)).count();
    &value[start..value.len() - end]
}

/// A token, RFC 9110 §11.1.
fn is_scheme(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_tchar(byte))
}

/// RFC 9110 §5.6.2.
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a query has a parameter `access_token`, however its name is percent-encoded.
fn has_query_token(query: &str) -> bool {
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    // Most requests have no query, and are not searched for what is not there.
    !query.is_empty() && names.any(|name| percent_decoded(name.as_bytes()).eq(*b"access_token"))
}

fn percent_decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (&first, tail) = rest.split_first()?;
        let escaped = match tail {
            [high, low, after @ ..] if first == b'%' => {
                hex(*high).zip(hex(*low)).map(|(h, l)| (h << 4 | l, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((first, tail));
        rest = after;
        Some(byte)
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(headers: &[(&str, &str)], url: &str) -> Result<(), &'static str> {
        let headers = headers.to_vec();
        let request = Request::new("GET", url, &headers);
        Credential::from_request(&request).map(|_| ()).map_err(|denial| denial.code().as_str())
    }

    #[test]
    fn a_query_token_beside_the_header_is_refused_however_it_is_spelled() {
        let bearer = [("authorization", "Bearer abc")];
        for url in ["/?access_token=x", "/?a=b&access_token", "/?%61ccess%5ftoken=x", "/?access_token=x#f"] {
            assert_eq!(code(&bearer, url), Err("invalid_request"), "{url}");
        }
        for url in
            ["/", "/?xaccess_token=x", "/?access_tokens=x", "/#?access_token=x", "/?a=access_token", "/?%"]
        {
            assert_eq!(code(&bearer, url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_query_token_alone_is_no_token() {
        assert_eq!(code(&[], "/?access_token=x"), Err("auth.authorization_header_missing"));
    }

    #[test]
    fn only_a_scheme_that_carries_no_access_token_counts_as_none() {
        let shows_none = |headers: &[(&str, &str)]| {
            let headers = headers.to_vec();
            shows_no_token(&Request::new("GET", "/", &headers))
        };
        for value in [
            "Basic dTpw",
            "ApiKey x",
            "Negotiate YQ==",
            "Digest username=\"u\", realm=\"r\"",
            " Basic  dTpw ",
        ] {
            assert!(shows_none(&[("authorization", value)]), "{value}");
        }
        for value in [
            "Bearer x",
            "bearer x",
            "DPoP x",
            "dpop x",
            "Bearer",
            "Basic",
            "",
            " ",
            "Ba(sic x",
            "Bearer\tx",
            "Bearer, x",
        ] {
            assert!(!shows_none(&[("authorization", value)]), "{value}");
        }
        assert!(shows_none(&[]));
        assert!(!shows_none(&[("authorization", "Basic dTpw"), ("authorization", "Bearer x")]));
        assert!(!shows_none(&[("authorization", "Basic dTpw"), ("Authorization", "Basic dTpw")]));
    }

    #[test]
    fn debug_shows_no_token() {
        let bearer = Bearer::parse("secret").expect("a b64token");
        assert_eq!(format!("{:?}", Credential::Bearer(bearer)), "Bearer(Bearer(..))");
    }

    #[test]
    fn the_characters_of_a_token_are_those_of_rfc_6750() {
        for byte in 0..=u8::MAX {
            let is_listed = byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
            assert_eq!(is_b64token(byte), is_listed, "{byte:#x}");
        }
    }

    #[test]
    fn padding_is_allowed_only_at_the_end_and_not_alone() {
        assert!(Bearer::parse("abc==").is_ok());
        assert!(Bearer::parse("a=c").is_err());
        assert!(Bearer::parse("==").is_err());
        assert!(Bearer::parse("").is_err());
    }
}
