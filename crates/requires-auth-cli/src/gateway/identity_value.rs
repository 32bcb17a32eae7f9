//! How a claim stands in a header: in visible ASCII, and so that nobody takes one kind of claim for another.
//!
//! | claim | header |
//! | --- | --- |
//! | absent, null | empty |
//! | number, boolean | as it stands in the token |
//! | text | visible ASCII and inner spaces as they are; all else, outer spaces and `%` percent-encoded (RFC 3986 §2.1) |
//! | array, object | JSON without spaces between its parts, and with `\u` for what is not ASCII |
//!
//! A text that begins with `[` or `{` has that byte encoded. So what a user has typed never looks like a list, and
//! no claim has a shape for which its user would have to be refused.
//!
//! With `encoding = "utf8"` letters beyond ASCII stand as they are. With `"base64"` whatever is not an array or an object is
//! base64, in which there is neither `[` nor `{`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde_json::value::RawValue;

use super::config::Encoding;

/// What a header says of a claim, as it stands in the token.
pub(super) fn of_claim(claim: &RawValue, encoding: Encoding) -> HeaderValue {
    let json = claim.get();
    match json.as_bytes().first() {
        Some(b'"') => of_text(&serde_json::from_str::<String>(json).unwrap_or_default(), encoding),
        Some(b'[' | b'{') => in_ascii(&json_in_ascii(json)),
        Some(b'n') | None => in_ascii(""),
        // Digits and letters, which stand for themselves.
        Some(_) => of_text(json, encoding),
    }
}

/// What a header says of a text.
pub(super) fn of_text(text: &str, encoding: Encoding) -> HeaderValue {
    match encoding {
        Encoding::Percent => in_ascii(&percent_encoded(text, |_| false)),
        // Those of C1 are control characters to whoever reads the header in ISO 8859-1, or shows it.
        Encoding::Utf8 => in_utf8(&percent_encoded(text, |letter| !letter.is_control())),
        Encoding::Base64 => in_ascii(&STANDARD.encode(text)),
    }
}

/// A text in which everything that is neither visible ASCII nor an inner space is percent-encoded, but for letters beyond
/// ASCII that may stand as they are.
fn percent_encoded(text: &str, may_stand: impl Fn(char) -> bool) -> String {
    let inner = text.trim_start_matches(' ');
    let begin = text.len() - inner.len();
    let end = begin + inner.trim_end_matches(' ').len();
    let mut encoded = String::with_capacity(text.len());
    for (place, letter) in text.char_indices() {
        let is_plain = match letter {
            '%' => false,
            '[' | '{' => place > 0,
            ' ' => (begin..end).contains(&place),
            letter if letter.is_ascii() => letter.is_ascii_graphic(),
            letter => may_stand(letter),
        };
        if is_plain {
            encoded.push(letter);
        } else {
            for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                write!(encoded, "%{byte:02X}").ok();
            }
        }
    }
    encoded
}

/// JSON text without white space around its parts, and with an escape for all but visible ASCII and spaces in its texts.
fn json_in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    let (mut is_in_text, mut is_escaped) = (false, false);
    for letter in json.chars() {
        match letter {
            '"' if !is_escaped => is_in_text = !is_in_text,
            letter if letter.is_ascii_whitespace() && !is_in_text => continue,
            _ => {}
        }
        is_escaped = letter == '\\' && !is_escaped;
        if letter == ' ' || letter.is_ascii_graphic() {
            ascii.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(ascii, "\\u{unit:04x}").ok();
            }
        }
    }
    ascii
}

/// Text without control characters, in UTF-8 (RFC 9110 §5.5: opaque octets).
fn in_utf8(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Visible ASCII and inner spaces, which every header can have.
fn in_ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_as_values() {
        for (claim, expected) in [
            (r#""alice""#, "alice"),
            (r#""Alice of Wonderland""#, "Alice of Wonderland"),
            (r#""auth0|5f7c8ec7""#, "auth0|5f7c8ec7"),
            (r#""""#, ""),
            ("null", ""),
            ("true", "true"),
            ("7", "7"),
            ("1.50", "1.50"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1E400", "1E400"),
            (r#""Zo\u00eb""#, "Zo%C3%AB"),
            ("\"Zo\u{eb}\"", "Zo%C3%AB"),
            (r#""100%""#, "100%25"),
            (r#""%5Ba""#, "%255Ba"),
            (r#"" alice  ""#, "%20alice%20%20"),
            (r#""  ""#, "%20%20"),
            (r#""alice\r\nX-Admin: 1""#, "alice%0D%0AX-Admin: 1"),
            (r#""a\tb\u0000\u007f""#, "a%09b%00%7F"),
            (r#""[\"admin\"]""#, "%5B\"admin\"]"),
            (r#""{a[b""#, "%7Ba[b"),
            (r#"["a","b"]"#, r#"["a","b"]"#),
            ("[ \"a b\" ,\n\"c\" ]", r#"["a b","c"]"#),
            (r#"["dev ops"]"#, r#"["dev ops"]"#),
            ("[]", "[]"),
            (r#"{ "a" : [ 1.0, 10000000000000000001 ] }"#, r#"{"a":[1.0,10000000000000000001]}"#),
            ("[\"Zo\u{eb}\u{1f600}\u{7f}\"]", r#"["Zo\u00eb\ud83d\ude00\u007f"]"#),
            (r#"["a\\", " \" ", "b\n"]"#, r#"["a\\"," \" ","b\n"]"#),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(claim).expect(claim);
            assert_eq!(of_claim(&raw, Encoding::Percent), expected, "{claim}");
        }
    }

    #[test]
    fn claims_in_utf_8_and_base64() {
        for (claim, utf8, base64) in [
            (r#""alice""#, "alice", "YWxpY2U="),
            ("\"Zo\u{eb} \u{1f600}\"", "Zo\u{eb} \u{1f600}", "Wm/DqyDwn5iA"),
            (r#""Zo\u00eb""#, "Zo\u{eb}", "Wm/Dqw=="),
            (r#""100%""#, "100%25", "MTAwJQ=="),
            (r#"" a ""#, "%20a%20", "IGEg"),
            (r#""a\r\nX-Admin: 1""#, "a%0D%0AX-Admin: 1", "YQ0KWC1BZG1pbjogMQ=="),
            (r#""a\u0085b""#, "a%C2%85b", "YcKFYg=="),
            (r#""[1]""#, "%5B1]", "WzFd"),
            (r#""""#, "", ""),
            ("null", "", ""),
            ("12345678901234567890123", "12345678901234567890123", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM="),
            ("true", "true", "dHJ1ZQ=="),
            ("[\"Zo\u{eb}\"]", r#"["Zo\u00eb"]"#, r#"["Zo\u00eb"]"#),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(claim).expect(claim);
            assert_eq!(of_claim(&raw, Encoding::Utf8).as_bytes(), utf8.as_bytes(), "{claim}");
            assert_eq!(of_claim(&raw, Encoding::Base64), base64, "{claim}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_stands_in_every_encoding(text in "\\PC*|[ -~]*|(?s).*") {
            let decoded = STANDARD.decode(of_text(&text, Encoding::Base64)).expect("base64");
            proptest::prop_assert_eq!(decoded, text.as_bytes());
            let value = of_text(&text, Encoding::Utf8);
            let value = std::str::from_utf8(value.as_bytes()).expect("UTF-8");
            proptest::prop_assert_eq!(value.is_empty(), text.is_empty());
            let is_safe = !value.starts_with(['[', '{', ' ']) && !value.ends_with(' ') && !value.contains(char::is_control);
            proptest::prop_assert!(is_safe);
            // Each way is the other one with more of it encoded.
            let percent = of_text(&text, Encoding::Percent);
            let is_beyond = |letter: char| !letter.is_ascii();
            let again = value.chars().flat_map(|letter| {
                let bytes = letter.to_string().into_bytes().into_iter();
                bytes.map(move |byte| if is_beyond(letter) { format!("%{byte:02X}") } else { char::from(byte).to_string() })
            });
            let again = again.collect::<Vec<_>>().concat();
            proptest::prop_assert_eq!(again, percent.to_str().expect("ASCII"));
        }

        #[test]
        fn every_text_has_a_value_of_its_own(text in "\\PC*|[ -~]*|(?s).*") {
            let value = of_text(&text, Encoding::Percent);
            let value = value.to_str().expect("visible ASCII");
            proptest::prop_assert_eq!(value.trim(), value);
            let looks_like_json = value.starts_with(['[', '{']);
            proptest::prop_assert!(!looks_like_json);
            let mut bytes = value.bytes();
            let mut decoded = Vec::new();
            while let Some(byte) = bytes.next() {
                let digits = |bytes: &mut std::str::Bytes<'_>| [bytes.next(), bytes.next()].map(|b| char::from(b.expect("two digits")));
                decoded.push(match byte {
                    b'%' => u8::from_str_radix(&String::from_iter(digits(&mut bytes)), 16).expect("hexadecimal"),
                    byte => byte,
                });
            }
            proptest::prop_assert_eq!(decoded, text.as_bytes());
        }

        #[test]
        fn a_list_says_what_it_said(list: Vec<String>) {
            let raw = serde_json::value::to_raw_value(&list).expect("JSON");
            let value = of_claim(&raw, Encoding::Percent);
            let value = value.to_str().expect("visible ASCII");
            proptest::prop_assert_eq!(serde_json::from_str::<Vec<String>>(value).expect("JSON"), list);
        }
    }
}
