//! A strict reader for JSON that strangers wrote (RFC 8259): it proves the text, then hands out slices.
//!
//! One pass checks what `serde_json` into typed structs would let through: duplicate members anywhere,
//! also in members that nobody asked for (RFC 7515 §4, RFC 7519 §4), nesting that is too deep, and text
//! behind the value. It builds no tree, so that a hostile text costs its size and no more, and Cargo
//! features that other crates switch on in `serde_json` (`arbitrary_precision`, `raw_value`) cannot
//! change what a token means.

use std::borrow::Cow;

use super::members::{FEW_MEMBERS, Members, tag};

/// Deeper nesting is refused; no token comes near it.
const MAX_DEPTH: usize = 100;

/// The text is not JSON as this module wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Whether two members of one object may share a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Duplicates {
    /// Also not in nested objects.
    Refuse,
    /// Only in nested objects, which whoever uses them reads strictly later.
    RefuseAtTop,
}

/// The members of an object that was read to its end, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'a> {
    text: &'a str,
    members: Members<'a, Raw<'a>>,
}

impl<'a> Object<'a> {
    /// Reads an object without duplicate members at any depth.
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(text, Duplicates::Refuse)
    }

    /// Reads an object whose nested values are judged one by one later, with [`Raw::as_object`].
    pub(crate) fn parse_outer(text: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(text, Duplicates::RefuseAtTop)
    }

    fn read(text: &'a [u8], duplicates: Duplicates) -> Result<Self, Malformed> {
        // RFC 7515 §5.2, RFC 7519 §7.2: the text is UTF-8, without a byte order mark.
        let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
        let mut scanner = Scanner { text, position: 0, duplicates };
        scanner.skip_whitespace();
        let members = scanner.object(1)?;
        scanner.skip_whitespace();
        if scanner.position == text.len() { Ok(Self { text, members }) } else { Err(Malformed) }
    }

    /// The text that was read, white space around the object included.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// The value of a member. Inlined, as most names are known when this is compiled, and so are their tags.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<Raw<'a>> {
        self.members.find(name, tag(name))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Raw<'a>)> {
        self.members.iter()
    }
}

/// Reads a text that is one array. Of its elements the grammar is checked, and that an object has no duplicate members
/// of its own: whoever uses one reads it strictly, with [`Raw::as_object`].
#[cfg(feature = "mcp")]
pub(crate) fn outer_array(text: &[u8]) -> Result<Vec<Raw<'_>>, Malformed> {
    whole_array(std::str::from_utf8(text).map_err(|_| Malformed)?)
}

fn whole_array(text: &str) -> Result<Vec<Raw<'_>>, Malformed> {
    let mut scanner = Scanner { text, position: 0, duplicates: Duplicates::RefuseAtTop };
    let mut elements = Vec::new();
    scanner.skip_whitespace();
    scanner.array(1, |element| elements.push(element))?;
    scanner.skip_whitespace();
    if scanner.position == text.len() { Ok(elements) } else { Err(Malformed) }
}

/// The text of one well-formed value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    text: &'a str,
    escapes: Escapes,
}

/// Whether a value is a string that has escapes.
#[derive(Clone, Copy, Debug)]
enum Escapes {
    None,
    Some,
}

impl<'a> Raw<'a> {
    /// The JSON text.
    pub(crate) const fn text(self) -> &'a str {
        self.text
    }

    /// The characters of a string; `None` for any other type.
    pub(crate) fn as_str(self) -> Option<Cow<'a, str>> {
        let inner = self.text.strip_prefix('"')?.strip_suffix('"')?;
        Some(unescaped(inner, self.escapes))
    }

    /// A number as a double, infinite if it is out of range; `None` for any other type.
    pub(crate) fn as_number(self) -> Option<f64> {
        if self.text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            // Most numbers of a token are seconds.
            self.text.parse::<u32>().map(f64::from).or_else(|_| self.text.parse()).ok()
        } else {
            None
        }
    }

    /// The elements of an array; `None` for any other type.
    pub(crate) fn as_array(self) -> Option<Vec<Self>> {
        whole_array(self.text).ok()
    }

    /// The members of an object without duplicates at any depth; `None` for anything else.
    pub(crate) fn as_object(self) -> Option<Object<'a>> {
        Object::parse(self.text.as_bytes()).ok()
    }
}

/// What stands between the quotes of a string, as the characters that it means.
fn unescaped(inner: &str, escapes: Escapes) -> Cow<'_, str> {
    match escapes {
        Escapes::None => Cow::Borrowed(inner),
        Escapes::Some => Cow::Owned(unescape(inner)),
    }
}

/// A place in a text. What was read lies before it; results are small, so that they come in registers.
struct Scanner<'a> {
    text: &'a str,
    position: usize,
    duplicates: Duplicates,
}

impl<'a> Scanner<'a> {
    fn value(&mut self, depth: usize) -> Result<Raw<'a>, Malformed> {
        let start = self.position;
        let escapes = self.skip_value(depth)?;
        Ok(Raw { text: &self.text[start..self.position], escapes })
    }

    fn skip_value(&mut self, depth: usize) -> Result<Escapes, Malformed> {
        match self.peek() {
            Some(b'{') => drop(self.object(depth + 1)?),
            Some(b'[') => self.array(depth + 1, |_| {})?,
            Some(b'"') => return self.skip_string(),
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => self.number()?,
        }
        Ok(Escapes::None)
    }

    fn object(&mut self, depth: usize) -> Result<Members<'a, Raw<'a>>, Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed);
        }
        self.expect(b'{')?;
        let mut members = Members::with_capacity(if depth == 1 { FEW_MEMBERS } else { 0 });
        self.skip_whitespace();
        if self.eat(b'}') {
            return Ok(members);
        }
        loop {
            self.skip_whitespace();
            let name = self.string()?;
            self.skip_whitespace();
            self.expect(b':')?;
            self.skip_whitespace();
            let value = self.value(depth)?;
            members.push(name, value);
            self.skip_whitespace();
            if self.eat(b'}') {
                break;
            }
            self.expect(b',')?;
        }
        let looked_at = self.duplicates == Duplicates::Refuse || depth == 1;
        if looked_at && members.have_duplicates() { Err(Malformed) } else { Ok(members) }
    }

    fn array(&mut self, depth: usize, mut each: impl FnMut(Raw<'a>)) -> Result<(), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed);
        }
        self.expect(b'[')?;
        self.skip_whitespace();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.skip_whitespace();
            each(self.value(depth)?);
            self.skip_whitespace();
            if self.eat(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let start = self.position;
        let escapes = self.skip_string()?;
        Ok(unescaped(&self.text[start + 1..self.position - 1], escapes))
    }

    fn skip_string(&mut self) -> Result<Escapes, Malformed> {
        self.expect(b'"')?;
        let mut escapes = Escapes::None;
        loop {
            let rest = &self.text.as_bytes()[self.position..];
            let plain = plain_length(rest).ok_or(Malformed)?;
            self.position += plain + 1;
            match rest[plain] {
                b'"' => return Ok(escapes),
                b'\\' => {
                    escapes = Escapes::Some;
                    self.escape()?;
                }
                _ => return Err(Malformed),
            }
        }
    }

    /// Checks what follows a backslash. A surrogate without its partner is not a character.
    fn escape(&mut self) -> Result<(), Malformed> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.four_hex_digits()? {
                0xD800..=0xDBFF => {
                    self.expect(b'\\')?;
                    self.expect(b'u')?;
                    if matches!(self.four_hex_digits()?, 0xDC00..=0xDFFF) { Ok(()) } else { Err(Malformed) }
                }
                0xDC00..=0xDFFF => Err(Malformed),
                _ => Ok(()),
            },
            _ => Err(Malformed),
        }
    }

    fn four_hex_digits(&mut self) -> Result<u16, Malformed> {
        let digits = self.text.as_bytes().get(self.position..self.position + 4).ok_or(Malformed)?;
        self.position += 4;
        hex_digits(digits).ok_or(Malformed)
    }

    fn number(&mut self) -> Result<(), Malformed> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.position;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        if self.position > start { Ok(()) } else { Err(Malformed) }
    }

    fn literal(&mut self, literal: &str) -> Result<(), Malformed> {
        if !self.text[self.position..].starts_with(literal) {
            return Err(Malformed);
        }
        self.position += literal.len();
        Ok(())
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn next(&mut self) -> Result<u8, Malformed> {
        let byte = self.peek().ok_or(Malformed)?;
        self.position += 1;
        Ok(byte)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.eat(byte) { Ok(()) } else { Err(Malformed) }
    }
}

/// How many bytes stand before the first that a string cannot hold as it is: a quote, a backslash, a control
/// character. `None` if there is none of them.
///
/// Eight bytes at a time. In each word the highest bit of a byte says that it is one of them; a borrow reaches only
/// bytes above one that is, so the lowest is right.
fn plain_length(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGHEST: u64 = ONES << 7;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks();
    for (place, &word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(word);
        let found = (equal(word, b'"') | equal(word, b'\\') | below(word, 0x20)) & HIGHEST;
        if found != 0 {
            return Some(place * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let odd = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\' | 0x00..=0x1F))?;
    Some(words.len() * 8 + odd)
}

/// Replaces the escapes of a string that [`Scanner::string`] has proved.
fn unescape(inner: &str) -> String {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let (character, length) = match escape.as_bytes().first() {
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => unescape_unicode(escape),
            // A quote, a slash or a backslash stands for itself.
            Some(&byte) => (char::from(byte), 1),
            None => break,
        };
        out.push(character);
        rest = &escape[length..];
    }
    out.push_str(rest);
    out
}

/// The character of `uXXXX` or `uXXXX\uXXXX`, and how many bytes that took.
fn unescape_unicode(escape: &str) -> (char, usize) {
    let unit = |from: usize| escape.as_bytes().get(from..from + 4).and_then(hex_digits).unwrap_or_default();
    let high = unit(1);
    if (0xD800..=0xDBFF).contains(&high) {
        let pair = char::decode_utf16([high, unit(7)]).next().and_then(Result::ok);
        return (pair.unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

fn hex_digits(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        Some(value << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(text: &str) -> bool {
        Object::parse(text.as_bytes()).is_ok()
    }

    #[test]
    fn refuses_what_serde_json_would_let_through() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"{"x":[{"a":[],"a":[]}]}"#,
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
            r#"{"a":"\udc00"}"#,
            r#"{"a":"\ud800\u0041"}"#,
            r#"{"a":"\ud800A"}"#,
            r#"{"a":"\ud800\ud800"}"#,
            r#"{"a":"\u00g0"}"#,
            "{} {}",
            "[]",
            "null",
            "\"a\"",
        ] {
            assert!(!accepts(text), "{text}");
        }
        assert!(accepts(r#"{"a":{"b":1},"c":{"b":1}}"#));
        assert!(accepts(" {\t\"a\" :\n1e400 }\r\n"));
    }

    #[test]
    fn numbers_have_the_grammar_of_rfc_8259() {
        for number in ["0", "-0", "10", "1.5", "1e5", "1E5", "1e+5", "1e-5", "-1.25E-07", "0.0"] {
            assert!(accepts(&format!("{{\"n\":{number}}}")), "{number}");
        }
        for no_number in [
            "01", "-", "+1", "1.", ".5", "1e", "1e+", "1e+-5", "1e-+5", "--1", "0x1", "1_0", "NaN",
            "Infinity", "-a",
        ] {
            assert!(!accepts(&format!("{{\"n\":{no_number}}}")), "{no_number}");
        }
    }

    #[test]
    fn duplicates_are_found_among_many_members() {
        let members: Vec<_> = (0..1000).map(|i| format!("\"m{i}\":0")).collect();
        assert!(accepts(&format!("{{{}}}", members.join(","))));
        assert!(!accepts(&format!("{{{},\"m7\":0}}", members.join(","))));
    }

    #[test]
    fn every_member_is_found_however_many_there_are() {
        let members: Vec<_> = (0..40).map(|i| format!("\"m{i}\":{i}")).collect();
        let text = format!("{{{}}}", members.join(","));
        let object = Object::parse(text.as_bytes()).expect("no duplicates");
        for i in 0..40 {
            let value = object.get(&format!("m{i}")).map(Raw::text);
            assert_eq!(value, Some(i.to_string().as_str()));
        }
        assert!(object.get("m40").is_none());
        assert_eq!(object.text(), text);
    }

    #[test]
    fn names_that_look_alike_are_told_apart() {
        let object = Object::parse(br#"{"abc":1,"axc":2,"":3,"a":4}"#).expect("no duplicates");
        let text = |name| object.get(name).map(Raw::text);
        assert_eq!(
            (text("abc"), text("axc"), text(""), text("a")),
            (Some("1"), Some("2"), Some("3"), Some("4"))
        );
        assert_eq!((text("ayc"), text("ac"), text("b")), (None, None, None));
    }

    #[test]
    fn an_outer_object_leaves_nested_duplicates_to_later() {
        let object = Object::parse_outer(br#"{"keys":[{"a":1,"a":1},{"b":1}]}"#).expect("an object");
        let keys = object.get("keys").and_then(Raw::as_array).expect("an array");
        assert!(keys[0].as_object().is_none());
        assert!(keys[1].as_object().is_some());
        assert!(Object::parse_outer(br#"{"keys":[],"keys":[]}"#).is_err());
    }

    #[test]
    fn every_byte_is_plain_or_not_wherever_it_stands() {
        for length in 1..=24 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    let ends = matches!(byte, b'"' | b'\\' | 0x00..=0x1F);
                    assert_eq!(plain_length(&bytes), ends.then_some(place), "{bytes:?}");
                }
            }
        }
        assert_eq!(plain_length(b"\x01\"\\\x01"), Some(0));
        assert_eq!(plain_length(b"a\"b\\cde\x1f"), Some(1));
        assert_eq!(plain_length(b""), None);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        let objects = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(accepts(&nested(MAX_DEPTH - 1)));
        assert!(accepts(&objects(MAX_DEPTH)));
        assert!(!accepts(&objects(MAX_DEPTH + 1)));
        assert!(!accepts(&nested(MAX_DEPTH)));
        assert!(!accepts(&nested(10_000)));
        assert!(!accepts(&"{\"a\":".repeat(10_000)));
    }

    #[test]
    fn strings_are_unescaped() {
        let object = Object::parse(br#"{"s":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00z"}"#).expect("an object");
        let text = object.get("s").and_then(Raw::as_str).expect("a string");
        assert_eq!(text, "a\"\\/\u{8}\u{c}\n\r\té😀z");
    }

    #[test]
    fn values_keep_their_type() {
        let object =
            Object::parse(br#"{"n":-1.5e1,"s":"1","b":true,"z":null,"big":1e400}"#).expect("an object");
        let number = |name| object.get(name).and_then(Raw::as_number);
        assert_eq!(number("n"), Some(-15.0));
        assert_eq!(number("big"), Some(f64::INFINITY));
        assert_eq!((number("s"), number("b"), number("z")), (None, None, None));
        assert!(object.get("n").and_then(Raw::as_str).is_none());
        assert!(object.get("absent").is_none());
    }

    /// Fragments that are likely to be mended together into something odd.
    fn json_like() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just(":"),
            Just("\"a\""),
            Just("\"b\""),
            Just("1"),
            Just("-"),
            Just("0"),
            Just("."),
            Just("e"),
            Just("+"),
            Just("true"),
            Just("null"),
            Just(" "),
            Just("\""),
            Just("\\u0061"),
            Just("\\ud800"),
            Just("\\n"),
            Just("\\x"),
            Just("é"),
            Just("\u{1}"),
            Just("\n"),
        ];
        proptest::collection::vec(piece, 0..14).prop_map(|pieces| format!("{{\"k\":{}}}", pieces.concat()))
    }

    proptest! {
        /// `serde_json` is the oracle: whatever this reader accepts, it accepts with the same meaning,
        /// and what this reader refuses beyond that has duplicate members or a number out of range.
        #[test]
        fn agrees_with_serde_json(text in json_like()) {
            let ours = Object::parse(text.as_bytes());
            let oracle = serde_json::from_str::<serde_json::Value>(&text);
            if let Ok(object) = &ours {
                let value = oracle.expect("accepted here, refused by serde_json");
                let rebuilt: serde_json::Map<_, _> = object
                    .iter()
                    .map(|(name, raw)| (name.to_owned(), serde_json::from_str(raw.text()).expect("a value")))
                    .collect();
                prop_assert_eq!(value, serde_json::Value::Object(rebuilt));
            } else if let Ok(value) = oracle {
                let pairs = text.matches("\"a\"").count() + text.matches("\"b\"").count() + text.matches("\"k\"").count();
                prop_assert!(pairs > count_names(&value), "refused without a duplicate: {}", text);
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Object::parse(&bytes));
        }
    }

    fn count_names(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Object(map) => map.values().map(|value| 1 + count_names(value)).sum(),
            serde_json::Value::Array(items) => items.iter().map(count_names).sum(),
            _ => 0,
        }
    }
}
