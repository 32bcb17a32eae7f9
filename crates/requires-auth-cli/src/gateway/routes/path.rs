//! Paths that every server reads in the same way.

use std::borrow::Cow;
use std::fmt;

/// A path in which no server that may stand behind us can see another path.
///
/// Proxies and frameworks disagree about dot segments, doubled slashes, parameters and encoded separators: one that
/// decodes or cleans up sees another route than one that does not. No choice between the two is safe, so a path in
/// which they could differ is refused (RFC 3986 §6.2, and RFC 9110 §4.2.3 for what clients may send anyway).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlainPath<'a> {
    path: &'a str,
    has_encoded_slash: bool,
}

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambiguity {
    /// It does not begin with a slash: `*`, or a URL with its host.
    NotAbsolute,
    /// Two slashes without a segment between them.
    EmptySegment,
    /// A segment `.` or `..`, plain or encoded.
    DotSegment,
    /// A `;`, with which some servers begin parameters and cut them off, or a `\`, which some read as a slash.
    RawSeparator,
    /// An encoded slash, backslash, `%`, `;`, `?`, `#`, NUL or control character.
    EncodedSeparator,
    /// An encoded letter, digit, `-`, `.`, `_` or `~`, which some servers decode before they match.
    EncodedUnreserved,
    /// A `%` without two hexadecimal digits, or octets that are not UTF-8.
    BadEscape,
    /// A space, control character, `#` or another character that no URL has (RFC 3986 §2).
    NotInUrls,
}

impl fmt::Display for Ambiguity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "the target is not a path",
            Self::EmptySegment => "the path has an empty segment",
            Self::DotSegment => "the path has a dot segment",
            Self::RawSeparator => "the path has a `;` or a backslash",
            Self::EncodedSeparator => "the path has an encoded separator or control character",
            Self::EncodedUnreserved => "the path has an encoded letter, digit, `-`, `.`, `_` or `~`",
            Self::BadEscape => "the path has a broken escape",
            Self::NotInUrls => "the target has a character that no URL has",
        })
    }
}

impl<'a> PlainPath<'a> {
    /// Reads the path of a request's target: path and query, as they came over the wire.
    ///
    /// # Errors
    ///
    /// The first reason for which servers could disagree about it.
    pub(crate) fn of(target: &'a str) -> Result<Self, Ambiguity> {
        let path = Self::with_encoded_slashes(target)?;
        if path.has_encoded_slash { Err(Ambiguity::EncodedSeparator) } else { Ok(path) }
    }

    /// As [`of`](Self::of), but a segment may have encoded slashes. Every other rule holds for what stands between them:
    /// a server that decodes first may see each piece as a segment.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of), for everything but `%2F`.
    pub(crate) fn with_encoded_slashes(target: &'a str) -> Result<Self, Ambiguity> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path.strip_prefix('/').ok_or(Ambiguity::NotAbsolute)?;
        if !query.bytes().all(may_stand_in_query) {
            return Err(Ambiguity::NotInUrls);
        }
        let mut segments = segments.split('/').peekable();
        let mut has_encoded_slash = false;
        while let Some(segment) = segments.next() {
            // One at the end is a trailing slash, which makes another path and no other reading.
            if segment.is_empty() && segments.peek().is_some() {
                return Err(Ambiguity::EmptySegment);
            }
            let is_one_piece = pieces(segment).nth(1).is_none();
            for piece in pieces(segment) {
                if piece.is_empty() && !is_one_piece {
                    return Err(Ambiguity::EmptySegment);
                }
                check(piece)?;
            }
            has_encoded_slash |= !is_one_piece;
        }
        Ok(Self { path, has_encoded_slash })
    }

    /// Whether a segment has a slash that is encoded.
    pub(super) const fn has_encoded_slash(&self) -> bool {
        self.has_encoded_slash
    }

    /// Its segments, decoded. A trailing slash is an empty last one; `/` alone has one, which is empty. An encoded slash is
    /// a letter of its segment.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.path[1..].split('/').map(decoded)
    }

    /// Its segments for a server that decodes a path before it looks for slashes.
    pub(super) fn segments_decoded_first(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.path[1..].split('/').flat_map(pieces).map(decoded)
    }
}

/// What stands between the encoded slashes of a segment; it whole, if it has none.
fn pieces(segment: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(segment);
    std::iter::from_fn(move || {
        let now = rest?;
        let is_slash =
            |place: &usize| matches!(now.as_bytes().get(place + 1..place + 3), Some(b"2F" | b"2f"));
        let place = now.match_indices('%').map(|(place, _)| place).find(is_slash);
        rest = place.map(|place| &now[place + 3..]);
        Some(place.map_or(now, |place| &now[..place]))
    })
}

fn check(segment: &str) -> Result<(), Ambiguity> {
    if segment == "." || segment == ".." {
        return Err(Ambiguity::DotSegment);
    }
    let bytes = segment.as_bytes();
    let mut place = 0;
    while let Some(&byte) = bytes.get(place) {
        place += 1;
        match byte {
            b'%' => {
                let octet = bytes.get(place..place + 2).and_then(octet).ok_or(Ambiguity::BadEscape)?;
                place += 2;
                match octet {
                    b'/' | b'\\' | b'%' | b';' | b'?' | b'#' | 0..=0x1F | 0x7F => {
                        return Err(Ambiguity::EncodedSeparator);
                    }
                    // The dot of an encoded dot segment among them.
                    byte if is_unreserved(byte) => return Err(Ambiguity::EncodedUnreserved),
                    _ => {}
                }
            }
            b';' | b'\\' => return Err(Ambiguity::RawSeparator),
            byte if is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte) => {}
            _ => return Err(Ambiguity::NotInUrls),
        }
    }
    // `%c0%af` is a slash for decoders that take overlong UTF-8.
    if segment.contains('%') && std::str::from_utf8(&octets(segment)).is_err() {
        return Err(Ambiguity::BadEscape);
    }
    Ok(())
}

/// RFC 3986 §2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What RFC 3986 §3.4 allows, and what browsers send beside it: it is never matched.
const fn may_stand_in_query(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'#'
}

fn octet(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    match digits {
        [high, low] => u8::try_from(value(*high)? * 16 + value(*low)?).ok(),
        _ => None,
    }
}

/// The octets of a segment whose escapes are whole.
fn octets(segment: &str) -> Vec<u8> {
    let mut bytes = segment.bytes();
    let mut octets = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)];
            octets.extend(octet(&digits));
        } else {
            octets.push(byte);
        }
    }
    octets
}

fn decoded(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    // `check` has seen that it is UTF-8.
    Cow::Owned(String::from_utf8_lossy(&octets(segment)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_server_reads_in_the_same_way() {
        for target in [
            "/",
            "/a",
            "/a/",
            "/a/b?x=1",
            "/ADMIN",
            "/admin%20",
            "/caf%c3%a9",
            "/a-b._~/!$&'()*+,=:@",
            "/.well-known/x",
            "/...",
            "/a?b=/../c&d=%2e%2e//",
            "/%5Bx%5D",
            "/a%3Ab",
        ] {
            let path = PlainPath::of(target).map(|path| path.path.to_owned());
            assert_eq!(path.as_deref(), Ok(target.split('?').next().unwrap_or_default()), "{target}");
        }
    }

    #[test]
    fn what_servers_disagree_about() {
        use Ambiguity::*;
        for (target, why) in [
            ("", NotAbsolute),
            ("*", NotAbsolute),
            ("?x=/public", NotAbsolute),
            ("http://other.test/admin", NotAbsolute),
            ("//admin", EmptySegment),
            ("//", EmptySegment),
            ("/admin//", EmptySegment),
            ("/a//b", EmptySegment),
            ("/public/../admin", DotSegment),
            ("/./admin", DotSegment),
            ("/admin/.", DotSegment),
            ("/admin/..", DotSegment),
            ("/public/%2e%2e/admin", EncodedUnreserved),
            ("/public/.%2E/admin", EncodedUnreserved),
            ("/%61dmin", EncodedUnreserved),
            ("/public/..;/admin", RawSeparator),
            ("/public;x/admin", RawSeparator),
            ("/public\\..\\admin", RawSeparator),
            ("/admin%2fusers", EncodedSeparator),
            ("/public/..%5cadmin", EncodedSeparator),
            ("/admin%23/public", EncodedSeparator),
            ("/admin%3f/public", EncodedSeparator),
            ("/admin%3B/public", EncodedSeparator),
            ("/a%00b", EncodedSeparator),
            ("/admin%0d%0aX:1", EncodedSeparator),
            ("/a%7f", EncodedSeparator),
            ("/%2561dmin", EncodedSeparator),
            ("/%", BadEscape),
            ("/%4", BadEscape),
            ("/%zz", BadEscape),
            ("/%+1", BadEscape),
            ("/admin%c0%af", BadEscape),
            ("/caf%e9", BadEscape),
            ("/admin#/public", NotInUrls),
            ("/public?a=#/../admin", NotInUrls),
            ("/a b", NotInUrls),
            ("/a?b c", NotInUrls),
            ("/caf\u{e9}", NotInUrls),
            ("/a\n", NotInUrls),
            ("/a|b", NotInUrls),
        ] {
            assert_eq!(PlainPath::of(target), Err(why), "{target:?}");
        }
    }

    #[test]
    fn an_encoded_slash_is_a_letter_of_its_segment_and_every_other_rule_holds_around_it() {
        use Ambiguity::*;

        let path = |target| PlainPath::with_encoded_slashes(target);
        for (target, expected, decoded_first) in [
            ("/a%2Fb/c", vec!["a/b", "c"], vec!["a", "b", "c"]),
            ("/@acme%2fpkg", vec!["@acme/pkg"], vec!["@acme", "pkg"]),
            ("/a%2Fb%2fc/", vec!["a/b/c", ""], vec!["a", "b", "c", ""]),
        ] {
            let path = path(target).expect(target);
            assert!(path.has_encoded_slash());
            assert_eq!(path.segments().collect::<Vec<_>>(), expected, "{target}");
            assert_eq!(path.segments_decoded_first().collect::<Vec<_>>(), decoded_first, "{target}");
        }
        assert!(!path("/a/b%20c").expect("a path").has_encoded_slash());
        for (target, why) in [
            ("/a/..%2Fb", DotSegment),
            ("/a/x%2f..", DotSegment),
            ("/a/x%2F.%2Fb", DotSegment),
            ("/a/x%2F%2fb", EmptySegment),
            ("/%2Fb", EmptySegment),
            ("/a%2F", EmptySegment),
            ("/a%2F/b", EmptySegment),
            ("/a/%2e%2e%2fb", EncodedUnreserved),
            ("/a%2Fb%5Cc", EncodedSeparator),
            ("/a%2Fb%252Fc", EncodedSeparator),
            ("/a%2Fb%3Bc", EncodedSeparator),
            ("/a%2Fb;c", RawSeparator),
            ("/a%2Fb%c0%af", BadEscape),
            ("/a%c3%2F%a9", BadEscape),
            ("/a%2", BadEscape),
        ] {
            assert_eq!(path(target), Err(why), "{target}");
        }
    }

    #[test]
    fn segments_are_decoded_once() {
        let segments: Vec<_> = PlainPath::of("/a%20b/caf%C3%A9/").unwrap().segments().collect();
        assert_eq!(segments, ["a b", "caf\u{e9}", ""]);
        assert_eq!(PlainPath::of("/").unwrap().segments().collect::<Vec<_>>(), [""]);
    }
}
