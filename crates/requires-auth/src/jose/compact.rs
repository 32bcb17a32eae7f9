//! The compact serialization: three base64url parts, nothing else (RFC 7515 §7.1).

use std::fmt;

use memchr::memchr_iter;

use super::base64url;
use super::header::{Header, KnownHeader};
use crate::credential::Bearer;
use crate::error::Reason;

/// A token, by the number of its parts.
#[derive(Debug)]
pub(crate) enum Token<'a> {
    /// Three parts: header, payload and signature (RFC 7515 §7.1).
    Signed(Unverified<'a>),
    /// One part: a name for something that only the issuer knows (RFC 6749 §1.4).
    Opaque,
}

impl<'a> Token<'a> {
    /// Splits and decodes a token. A known header is not decoded again.
    pub(crate) fn parse(bearer: Bearer<'a>, known: Option<&'a KnownHeader>) -> Result<Self, Reason> {
        match find_dots(bearer.token())? {
            Some(dots) => Unverified::decode(bearer.token(), dots, known).map(Self::Signed),
            None => Ok(Self::Opaque),
        }
    }
}

/// Splits and decodes a JWS that is not a token, such as a proof. A header that `is_known` is not decoded.
pub(crate) fn decode(text: &str, is_known: impl FnOnce(&str) -> bool) -> Result<Unverified<'_>, Reason> {
    let dots = find_dots(text)?.ok_or(Reason::Malformed)?;
    Unverified::decode_unless(text, dots, is_known)
}

/// The parts of a signed token, decoded but not verified.
///
/// What the payload claims is out of reach until a signature was verified; see `signature`.
pub(crate) struct Unverified<'a> {
    signing_input: &'a [u8],
    known_header: Option<&'a KnownHeader>,
    /// Header (unless it is known), payload and signature.
    decoded: Vec<u8>,
    header_end: usize,
    payload_end: usize,
}

impl<'a> Unverified<'a> {
    fn decode(token: &'a str, dots: Dots, known: Option<&'a KnownHeader>) -> Result<Self, Reason> {
        let known = known.filter(|known| known.is_of(&token[..dots.first]));
        let decoded = Self::decode_unless(token, dots, |_| known.is_some())?;
        Ok(Self { known_header: known, ..decoded })
    }

    fn decode_unless(
        token: &'a str,
        dots: Dots,
        is_known: impl FnOnce(&str) -> bool,
    ) -> Result<Self, Reason> {
        let Dots { first, second } = dots;
        // With room for what the decoder rounds up in each part.
        let mut decoded = Vec::with_capacity(token.len() / 4 * 3 + 9);
        let mut decode = |part: &str| {
            base64url::decode_onto(&mut decoded, part).map_err(|_| Reason::Malformed)?;
            Ok(decoded.len())
        };
        let header = &token[..first];
        let header_end = if is_known(header) { 0 } else { decode(header)? };
        let payload_end = decode(&token[first + 1..second])?;
        decode(&token[second + 1..])?;
        Ok(Self {
            signing_input: &token.as_bytes()[..second],
            known_header: None,
            decoded,
            header_end,
            payload_end,
        })
    }

    /// The ASCII text that was signed (RFC 7515 §5.2).
    pub(crate) const fn signing_input(&self) -> &'a [u8] {
        self.signing_input
    }

    pub(crate) fn header(&self) -> Result<Header<'_>, Reason> {
        match self.known_header {
            Some(known) => Ok(known.header()),
            None => Header::parse(self.header_text()),
        }
    }

    /// The JSON of the header; empty if the header was known.
    pub(crate) fn header_text(&self) -> &[u8] {
        &self.decoded[..self.header_end]
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.decoded[self.header_end..self.payload_end]
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.decoded[self.payload_end..]
    }
}

impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unverified(..)")
    }
}

/// Where the two dots of a token are.
#[derive(Clone, Copy)]
struct Dots {
    first: usize,
    second: usize,
}

/// `None` if the token has no dot.
fn find_dots(token: &str) -> Result<Option<Dots>, Reason> {
    // Five parts and more than five differ, so one dot beyond is looked for, and no further.
    let mut dots = memchr_iter(b'.', token.as_bytes());
    match (dots.next(), dots.next(), dots.next(), dots.next(), dots.next()) {
        (None, ..) => Ok(None),
        (Some(first), Some(second), None, ..) => Ok(Some(Dots { first, second })),
        // RFC 7516 §7.1: five parts are a JWE.
        (.., Some(_), None) => Err(Reason::Encrypted),
        _ => Err(Reason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(token: &'a str, known: Option<&'a KnownHeader>) -> Result<Unverified<'a>, Reason> {
        match Token::parse(Bearer::parse(token).expect("a b64token"), known)? {
            Token::Signed(token) => Ok(token),
            Token::Opaque => Err(Reason::Opaque),
        }
    }

    #[test]
    fn three_parts_are_decoded() {
        let token = parse("YQ.YmI.Y2Nj", None).expect("three parts");
        assert_eq!(
            (token.header_text(), token.payload(), token.signature()),
            (&b"a"[..], &b"bb"[..], &b"ccc"[..])
        );
        assert_eq!(token.signing_input(), b"YQ.YmI");
    }

    #[test]
    fn the_number_of_parts_names_the_reason() {
        for (token, reason) in [
            ("abcd", Reason::Opaque),
            ("YQ.YQ", Reason::Malformed),
            ("YQ.YQ.YQ.YQ", Reason::Malformed),
            ("YQ.YQ.YQ.YQ.YQ", Reason::Encrypted),
            ("....", Reason::Encrypted),
            (".....", Reason::Malformed),
        ] {
            assert_eq!(parse(token, None).expect_err(token), reason, "{token}");
        }
        assert_eq!(parse(&".".repeat(100_000), None).expect_err("dots"), Reason::Malformed);
        assert!(parse("..", None).is_ok());
    }

    #[test]
    fn a_known_header_is_read_as_if_it_were_new() {
        // {"alg":"ES384","kid":"a\u0062"}
        let header = "eyJhbGciOiJFUzM4NCIsImtpZCI6ImFcdTAwNjIifQ";
        let bearer = |token| Bearer::parse(token).expect("a b64token");
        let [one, two, other] = ["YQ.YQ", "Yg.Yg", "YQ.YR"].map(|rest| format!("{header}.{rest}"));
        let known = KnownHeader::of(bearer(&one)).expect("a header");
        let longer = format!("AAAA{two}");
        let token = parse(&two, Some(&known)).expect("three parts");
        assert_eq!(token.header().expect("a header").kid(), Some("ab"));
        assert_eq!(
            (token.header_text(), token.payload(), token.signature()),
            (&b""[..], &b"b"[..], &b"b"[..])
        );
        assert_eq!(token.signing_input(), &two.as_bytes()[..two.len() - 3]);
        assert_eq!(parse(&other, Some(&known)).expect_err("a stray bit"), Reason::Malformed);

        for another in [&two[4..], &longer] {
            let token = parse(another, Some(&known)).expect("three parts");
            assert_eq!(token.header().expect_err("no JSON"), Reason::Malformed, "{another}");
        }
        assert!(KnownHeader::of(bearer("YQ.YQ.YQ")).is_none());
        assert!(KnownHeader::of(bearer("YQ")).is_none());
    }

    #[test]
    fn base64url_has_one_spelling() {
        // `YQ` is `a`; `YR` differs only in bits that no byte has.
        for token in
            ["YR.YQ.YQ", "YQ.YR.YQ", "YQ.YQ.YR", "YQ.YQ.YQ==", "Y+.YQ.YQ", "Y/.YQ.YQ", "Y.YQ.YQ", "Y~.YQ.YQ"]
        {
            assert_eq!(parse(token, None).expect_err(token), Reason::Malformed, "{token}");
        }
    }
}
