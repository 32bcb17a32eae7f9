//! From a request to its credential: RFC 6750 §2, RFC 9110 §11.
//!
//! 1. A request without `Authorization` header has no credential; a token in the query alone is ignored.
//! 2. Two headers, or a Bearer header beside a query parameter `access_token`, are refused.
//! 3. The scheme is case-insensitive, one or more spaces follow it, then exactly one `b64token`.
//! 4. Where a guard reads other places than this header (`places`), all of them together hold one token.
//! 5. What may prove that the client is the token's holder is kept beside the token: a proof of a key (RFC 9449 §4.1),
//!    the certificate of the connection (RFC 8705 §3).

use std::borrow::Cow;
use std::fmt;

use crate::error::{Denial, ErrorCode};
use crate::request::{Certificate, HeaderValues, Headers, Request};

mod cookie;
mod cross_site;
mod misplaced;
mod place;
mod places;
mod subprotocol;

pub(crate) use misplaced::misplaced;
pub use place::{InvalidPlace, TokenPlace};
pub(crate) use places::{PlaceSet, Places};
pub use subprotocol::Protocols;

/// An authentication scheme whose credentials are access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// A token that counts for whoever sends it (RFC 6750 §2.1).
    Bearer,
    /// A token that counts with a proof of its key (RFC 9449 §7.1). Only a guard with DPoP switched on takes it.
    Dpop,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: &'static [Self] = &[Self::Bearer, Self::Dpop];

    /// The name, as it stands in a header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }

    /// The scheme of that name, which is case-insensitive (RFC 9110 §11.1).
    fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.iter().copied().find(|scheme| name.eq_ignore_ascii_case(scheme.as_str().as_bytes()))
    }
}

/// What a request shows to be let in: a token, and beside it what may prove that the client is the token's holder.
///
/// It is read once for each request. The token is looked at when it is needed: a remembered one never is.
#[derive(Clone)]
pub struct Credential<'a> {
    scheme: Scheme,
    /// Borrowed, save where its place encodes it.
    token: Cow<'a, [u8]>,
    /// Where it stands.
    places: PlaceSet,
    /// Where a proof of a key stands. It is looked for only where one is needed, as that takes time.
    headers: Option<&'a dyn Headers>,
    certificate: Option<Certificate<'a>>,
}

impl<'a> Credential<'a> {
    /// Reads the credential of a request.
    ///
    /// ```
    /// use requires_auth::Request;
    /// use requires_auth::credential::{Credential, Scheme};
    ///
    /// let headers = [("Authorization", "bearer abc")];
    /// let credential = Credential::from_request(&Request::new("GET", "/", &headers))?;
    /// assert_eq!(credential.scheme(), Scheme::Bearer);
    /// assert_eq!(credential.bearer()?.token(), "abc");
    /// # Ok::<(), requires_auth::Denial>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The header is missing, is not exactly scheme and token, has another scheme than `Bearer`, or the request
    /// carries more than one token; each has its own [`ErrorCode`].
    pub fn from_request(request: &Request<'a>) -> Result<Self, Denial> {
        Self::read(request, false)
    }

    /// The same, by the scheme `DPoP` as well if that is taken.
    #[inline]
    pub(crate) fn read(request: &Request<'a>, takes_dpop: bool) -> Result<Self, Denial> {
        match authorization(request, takes_dpop)? {
            Shown::Nothing => Err(Denial::new(ErrorCode::AuthorizationHeaderMissing)),
            Shown::OtherScheme => Err(Denial::new(ErrorCode::AuthorizationTokenTypeNotSupported)),
            Shown::Token((scheme, token)) => {
                // RFC 6750 §2: one token, one method. Refused even if both tokens are equal.
                if has_query_token(request.query()) {
                    return Err(Denial::new(ErrorCode::InvalidRequest));
                }
                Ok(Self::shown_by(request, scheme, token, PlaceSet::AUTHORIZATION))
            }
        }
    }

    fn shown_by(
        request: &Request<'a>,
        scheme: Scheme,
        token: impl Into<Cow<'a, [u8]>>,
        places: PlaceSet,
    ) -> Self {
        let (headers, certificate) = (Some(request.headers()), request.certificate());
        Self { scheme, token: token.into(), places, headers, certificate }
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The token.
    ///
    /// # Errors
    ///
    /// `auth.authorization_token_invalid_format` if it is not a `b64token`.
    pub fn bearer(&self) -> Result<Bearer<'_>, Denial> {
        match std::str::from_utf8(&self.token) {
            Ok(token) => Bearer::parse(token),
            Err(_) => Err(Denial::new(ErrorCode::AuthorizationTokenInvalidFormat)),
        }
    }

    /// The bytes in the token's place, not yet looked at.
    pub(crate) fn token_bytes(&self) -> &[u8] {
        &self.token
    }

    /// The same, of a token that did not come in a request: no place is a wrong one.
    pub(crate) fn in_any_place(mut self) -> Self {
        self.places = PlaceSet::ANY;
        self
    }

    /// Where the token stands.
    pub(crate) const fn places(&self) -> PlaceSet {
        self.places
    }

    /// The values of the header `DPoP` (RFC 9449 §4.1).
    pub(crate) fn proof(&self) -> HeaderValues<'a> {
        self.headers.map_or(HeaderValues::Absent, |headers| HeaderValues::of(headers, "dpop"))
    }

    /// The certificate that the client has shown.
    pub(crate) const fn certificate(&self) -> Option<Certificate<'a>> {
        self.certificate
    }
}

/// A token without a request around it shows neither a key nor a certificate.
impl<'a> From<Bearer<'a>> for Credential<'a> {
    fn from(bearer: Bearer<'a>) -> Self {
        Self {
            scheme: Scheme::Bearer,
            token: bearer.token().as_bytes().into(),
            places: PlaceSet::ANY,
            headers: None,
            certificate: None,
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// Whether a request shows no access token: it has no `Authorization` header, or one whose scheme carries none, such as
/// `Basic` for a proxy on the way.
///
/// A Bearer or DPoP credential is an access token, good or bad. Two headers, and a value that is not a scheme and
/// credentials, may hide one: they do not count as none.
pub(crate) fn shows_no_token(request: &Request<'_>) -> bool {
    matches!(authorization(request, true), Ok(Shown::Nothing | Shown::OtherScheme))
}

/// What a place shows.
enum Shown<T> {
    /// Nothing at all.
    Nothing,
    /// A scheme whose credentials are not access tokens.
    OtherScheme,
    /// What stands in the place of a token.
    Token(T),
}

impl<T> Shown<T> {
    fn map<U>(self, made: impl FnOnce(T) -> U) -> Shown<U> {
        match self {
            Self::Nothing => Shown::Nothing,
            Self::OtherScheme => Shown::OtherScheme,
            Self::Token(token) => Shown::Token(made(token)),
        }
    }
}

/// What the `Authorization` header shows.
#[inline]
fn authorization<'a>(request: &Request<'a>, takes_dpop: bool) -> Result<Shown<(Scheme, &'a [u8])>, Denial> {
    let value = match request.header("authorization") {
        HeaderValues::Absent => return Ok(Shown::Nothing),
        // RFC 6750 §2: a client MUST NOT send more than one token; we never pick one of two.
        HeaderValues::Several => return Err(Denial::new(ErrorCode::InvalidRequest)),
        HeaderValues::One(value) => trim_whitespace(value),
    };
    let Some(space) = first_space(value) else { return Err(invalid_format()) };
    let (name, rest) = value.split_at(space);
    // RFC 9110 §11.1: the scheme is case-insensitive.
    match Scheme::from_name(name) {
        Some(Scheme::Dpop) if !takes_dpop => Err(Denial::new(ErrorCode::AuthorizationTokenTypeNotSupported)),
        // RFC 6750 §2.1: `"Bearer" 1*SP b64token`; RFC 9449 §7.1.
        Some(scheme) => Ok(Shown::Token((scheme, without_spaces(rest)))),
        None if is_scheme(name) => Ok(Shown::OtherScheme),
        None => Err(invalid_format()),
    }
}

fn invalid_format() -> Denial {
    Denial::new(ErrorCode::AuthorizationTokenInvalidFormat)
}

fn without_spaces(value: &[u8]) -> &[u8] {
    let spaces = value.iter().take_while(|&&byte| byte == b' ').count();
    &value[spaces..]
}

/// An access token of the form `b64token` (RFC 6750 §2.1), not yet looked into. It says nothing about the token but that
/// its characters may stand in a header. `Debug` does not show it.
///
/// ```
/// use requires_auth::Bearer;
///
/// let bearer = Bearer::parse("abc.def.ghi")?;
/// assert_eq!(format!("{bearer:?}"), "Bearer(..)");
///
/// // With its scheme, or with the line break of a file, it is not a token.
/// assert!(Bearer::parse("Bearer abc.def.ghi").is_err());
/// assert!(Bearer::parse("abc.def.ghi\n").is_err());
/// # Ok::<(), requires_auth::Denial>(())
/// ```
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

/// Where the scheme ends. It is a short word, so the bytes are looked at one by one.
fn first_space(value: &[u8]) -> Option<usize> {
    value.iter().position(|&byte| byte == b' ')
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
pub(crate) fn has_query_token(query: &str) -> bool {
    let mut names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    // Most requests have no query, and are not searched for what is not there.
    !query.is_empty() && names.any(|name| percent_decoded(name.as_bytes()).eq(*b"access_token"))
}

/// A text with its escapes decoded once. What is not an escape stays.
pub(crate) fn percent_decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
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
        let read = Credential::from_request(&request).and_then(|credential| credential.bearer().map(|_| ()));
        read.map_err(|denial| denial.code().as_str())
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
    fn a_query_token_alone_is_not_a_token() {
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
        let shown = format!("{bearer:?} {:?}", Credential::from(bearer));
        assert_eq!(shown, "Bearer(..) Credential { scheme: Bearer, .. }");
    }

    #[test]
    fn a_credential_has_what_the_request_shows_beside_the_token() {
        let headers = [("authorization", "Bearer abc"), ("dpop", "proof")];
        let request = Request::new("GET", "/", &headers);
        let credential = Credential::from_request(&request).expect("a credential");
        assert_eq!((credential.proof(), credential.certificate()), (HeaderValues::One(b"proof"), None));
        let certificate = Certificate::Sha256([7; 32]);
        let credential =
            Credential::from_request(&request.with_certificate(certificate)).expect("a credential");
        assert_eq!(credential.certificate(), Some(certificate));
        let bare = Credential::from(credential.bearer().expect("a b64token"));
        assert_eq!(
            (bare.token_bytes(), bare.proof(), bare.certificate()),
            (&b"abc"[..], HeaderValues::Absent, None)
        );
    }

    #[test]
    fn no_other_scheme_than_bearer_is_taken() {
        assert_eq!(code(&[("authorization", "bEaReR abc")], "/"), Ok(()));
        for value in ["DPoP abc", "dpop abc", "Basic dTpw"] {
            let refused = Err("auth.authorization_token_type_not_supported");
            assert_eq!(code(&[("authorization", value)], "/"), refused, "{value}");
        }
        assert_eq!(
            code(&[("authorization", "Bea(rer abc")], "/"),
            Err("auth.authorization_token_invalid_format")
        );
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
