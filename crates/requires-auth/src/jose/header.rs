//! The protected header: what it must have, what it must not have (RFC 7515 §4).
//!
//! Only `alg`, `kid`, `typ`, `cty`, `crit` and `b64` are looked at. `jwk`, `jku`, `x5c` and `x5u` never
//! supply a key and never cause a fetch (RFC 8725 §3.10); like unknown members they are accepted and
//! ignored.

use std::borrow::Cow;

use super::alg::Algorithm;
use super::base64url;
use super::json::{Object, Raw};
use crate::credential::Bearer;
use crate::error::Reason;

/// A header whose members have the right types.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    algorithm: Cow<'a, str>,
    kid: Option<Cow<'a, str>>,
    typ: Option<Cow<'a, str>>,
    nested: bool,
    critical: bool,
}

impl<'a> Header<'a> {
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Reason> {
        let object = Object::parse(text).map_err(|_| Reason::Malformed)?;
        Ok(Self {
            // RFC 7515 §4.1.1: `alg` MUST be present, a case-sensitive string.
            algorithm: string(&object, "alg")?.ok_or(Reason::Malformed)?,
            kid: string(&object, "kid")?,
            typ: string(&object, "typ")?,
            nested: object.get("cty").and_then(Raw::as_str).is_some_and(|cty| names_jwt(&cty)),
            // RFC 7515 §4.1.11: no extension is understood, so any `crit` is refused.
            // RFC 7797 §7: a JWT MUST NOT have an unencoded payload.
            critical: object.get("crit").is_some()
                || object.get("b64").is_some_and(|b64| b64.text() != "true"),
        })
    }

    /// The name of the algorithm, as sent.
    pub(crate) fn algorithm_name(&self) -> &str {
        &self.algorithm
    }

    /// The algorithm, if it is one that we know.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_name(&self.algorithm)
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// Whether `typ` is this media type: case-insensitive, `application/` left out or not (RFC 7515 §4.1.9).
    pub(crate) fn is_type(&self, media_type: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| without_application(typ).eq_ignore_ascii_case(media_type))
    }

    /// Whether the payload is itself a JWT (RFC 7519 §5.2), which is refused.
    pub(crate) const fn is_nested(&self) -> bool {
        self.nested
    }

    pub(crate) const fn is_critical(&self) -> bool {
        self.critical
    }
}

/// A header that was read before. Most tokens of an issuer have the same one, letter for letter.
pub(crate) struct KnownHeader {
    text: Box<str>,
    header: Header<'static>,
}

impl KnownHeader {
    /// The header of a token; `None` if it has none that can be read.
    pub(crate) fn of(bearer: Bearer<'_>) -> Option<Self> {
        let (text, _) = bearer.token().split_once('.')?;
        let json = base64url::decode(text).ok()?;
        let Header { algorithm, kid, typ, nested, critical } = Header::parse(&json).ok()?;
        let owned = |member: Cow<'_, str>| Cow::Owned(member.into_owned());
        let header = Header {
            algorithm: owned(algorithm),
            kid: kid.map(owned),
            typ: typ.map(owned),
            nested,
            critical,
        };
        Some(Self { text: text.into(), header })
    }

    /// Whether this is the header that `text` spells.
    pub(crate) fn is_of(&self, text: &str) -> bool {
        *self.text == *text
    }

    /// Whether this is the header of a token.
    pub(crate) fn heads(&self, bearer: Bearer<'_>) -> bool {
        bearer.token().strip_prefix(&*self.text).is_some_and(|rest| rest.starts_with('.'))
    }

    pub(crate) fn header(&self) -> Header<'_> {
        let Header { algorithm, kid, typ, nested, critical } = &self.header;
        Header {
            algorithm: Cow::Borrowed(algorithm),
            kid: kid.as_deref().map(Cow::Borrowed),
            typ: typ.as_deref().map(Cow::Borrowed),
            nested: *nested,
            critical: *critical,
        }
    }
}

fn string<'a>(object: &Object<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Reason> {
    match object.get(name) {
        Some(value) => value.as_str().map(Some).ok_or(Reason::Malformed),
        None => Ok(None),
    }
}

fn without_application(media_type: &str) -> &str {
    let prefix = "application/";
    match media_type.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => &media_type[prefix.len()..],
        _ => media_type,
    }
}

fn names_jwt(content_type: &str) -> bool {
    let name = without_application(content_type).to_ascii_lowercase();
    name == "jwt" || name.ends_with("+jwt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header<'_>, Reason> {
        Header::parse(text.as_bytes())
    }

    #[test]
    fn members_have_types() {
        for text in [
            "{}",
            r#"{"alg":5}"#,
            r#"{"alg":"ES256","kid":7}"#,
            r#"{"alg":"ES256","typ":null}"#,
            r#"{"alg":null}"#,
        ] {
            assert_eq!(parse(text).expect_err(text), Reason::Malformed, "{text}");
        }
        let header = parse(r#"{"alg":"ES256","kid":"","typ":"x","jwk":{},"x":1}"#).expect("a header");
        assert_eq!((header.kid(), header.typ()), (Some(""), Some("x")));
    }

    #[test]
    fn any_crit_and_any_unencoded_payload_is_critical() {
        for member in
            [r#""crit":[]"#, r#""crit":["exp"]"#, r#""crit":null"#, r#""b64":false"#, r#""b64":"true""#]
        {
            assert!(
                parse(&format!(r#"{{"alg":"ES256",{member}}}"#)).expect("a header").is_critical(),
                "{member}"
            );
        }
        assert!(!parse(r#"{"alg":"ES256","b64":true}"#).expect("a header").is_critical());
    }

    #[test]
    fn types_are_media_types() {
        let is_at_jwt = |typ: &str| {
            let text = format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
            parse(&text).expect("a header").is_type("at+jwt")
        };
        assert!(is_at_jwt("at+jwt") && is_at_jwt("AT+JWT") && is_at_jwt("Application/at+jwt"));
        assert!(
            !is_at_jwt("application/")
                && !is_at_jwt("text/at+jwt")
                && !is_at_jwt("at+jwt;a=b")
                && !is_at_jwt("é")
                && !is_at_jwt("xpplication/at+jwt")
        );
    }

    fn bearer(token: &str) -> Bearer<'_> {
        Bearer::parse(token).expect("a b64token")
    }

    #[test]
    fn a_known_header_is_that_of_the_same_text_only() {
        // {"alg":"ES256","typ":"at+jwt","kid":"one"}
        let text = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Im9uZSJ9";
        let token = format!("{text}.YQ.YQ");
        let known = KnownHeader::of(bearer(&token)).expect("a header");
        assert!(known.heads(bearer(&token)) && known.is_of(text));
        for other in [format!("{text}A.YQ.YQ"), format!("A{token}"), text.to_owned(), "..".to_owned()] {
            assert!(!known.heads(bearer(&other)), "{other}");
        }
        assert!(!known.is_of(&text[1..]));
        let header = known.header();
        assert_eq!((header.algorithm_name(), header.kid()), ("ES256", Some("one")));
        assert!(header.is_type("at+jwt") && !header.is_nested() && !header.is_critical());
    }

    #[test]
    fn a_known_header_keeps_what_is_wrong_with_it() {
        // {"alg":"ES256","cty":"JWT","crit":[]}
        let token = "eyJhbGciOiJFUzI1NiIsImN0eSI6IkpXVCIsImNyaXQiOltdfQ.YQ.YQ";
        let known = KnownHeader::of(bearer(token)).expect("a header");
        let header = known.header();
        assert!(header.is_nested() && header.is_critical());
        assert_eq!((header.kid(), header.typ()), (None, None));
    }

    #[test]
    fn nested_tokens_are_seen() {
        let is_nested =
            |cty: &str| parse(&format!(r#"{{"alg":"ES256","cty":{cty}}}"#)).expect("a header").is_nested();
        assert!(is_nested("\"JWT\"") && is_nested("\"application/jwt\"") && is_nested("\"at+jwt\""));
        assert!(!is_nested("\"json\"") && !is_nested("5"));
    }
}
