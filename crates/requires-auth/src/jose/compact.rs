//! The compact serialization: three base64url parts, nothing else (RFC 7515 §7.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use memchr::memchr_iter;

use crate::credential::Bearer;
use crate::error::Reason;

/// The parts of a token, decoded but not verified.
///
/// What the payload claims is out of reach until a signature was verified; see `signature`.
pub(crate) struct Unverified<'a> {
    signing_input: &'a [u8],
    decoded: Vec<u8>,
    header_end: usize,
    payload_end: usize,
}

impl<'a> Unverified<'a> {
    /// Splits and decodes a token.
    pub(crate) fn parse(bearer: Bearer<'a>) -> Result<Self, Reason> {
        let token = bearer.token();
        let Dots { first, second } = find_dots(token)?;
        let mut decoded = vec![0; token.len() / 4 * 3 + 3];
        let mut end = 0;
        let mut decode = |part: &str| {
            // RFC 7515 §2: no padding, no line breaks. RFC 4648 §3.5: no stray bits in the last character.
            end += URL_SAFE_NO_PAD.decode_slice(part, &mut decoded[end..]).map_err(|_| Reason::Malformed)?;
            Ok(end)
        };
        let header_end = decode(&token[..first])?;
        let payload_end = decode(&token[first + 1..second])?;
        let signature_end = decode(&token[second + 1..])?;
        decoded.truncate(signature_end);
        Ok(Self { signing_input: &token.as_bytes()[..second], decoded, header_end, payload_end })
    }

    /// The ASCII text that was signed (RFC 7515 §5.2).
    pub(crate) const fn signing_input(&self) -> &'a [u8] {
        self.signing_input
    }

    pub(crate) fn header(&self) -> &[u8] {
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
struct Dots {
    first: usize,
    second: usize,
}

fn find_dots(token: &str) -> Result<Dots, Reason> {
    // Five parts and more than five differ, so one dot beyond is looked for, and no further.
    let mut dots = memchr_iter(b'.', token.as_bytes());
    match (dots.next(), dots.next(), dots.next(), dots.next(), dots.next()) {
        (None, ..) => Err(Reason::Opaque),
        (Some(first), Some(second), None, ..) => Ok(Dots { first, second }),
        // RFC 7516 §7.1: five parts are a JWE.
        (.., Some(_), None) => Err(Reason::Encrypted),
        _ => Err(Reason::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(token: &str) -> Result<Unverified<'_>, Reason> {
        Unverified::parse(Bearer::parse(token).expect("a b64token"))
    }

    #[test]
    fn three_parts_are_decoded() {
        let token = parse("YQ.YmI.Y2Nj").expect("three parts");
        assert_eq!(
            (token.header(), token.payload(), token.signature()),
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
            assert_eq!(parse(token).expect_err(token), reason, "{token}");
        }
        assert_eq!(parse(&".".repeat(100_000)).expect_err("dots"), Reason::Malformed);
        assert!(parse("..").is_ok());
    }

    #[test]
    fn base64url_has_one_spelling() {
        // `YQ` is `a`; `YR` differs only in bits that no byte has.
        for token in
            ["YR.YQ.YQ", "YQ.YR.YQ", "YQ.YQ.YR", "YQ.YQ.YQ==", "Y+.YQ.YQ", "Y/.YQ.YQ", "Y.YQ.YQ", "Y~.YQ.YQ"]
        {
            assert_eq!(parse(token).expect_err(token), Reason::Malformed, "{token}");
        }
    }
}
