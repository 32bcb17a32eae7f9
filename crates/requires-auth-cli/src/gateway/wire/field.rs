//! The few fields of a head that decide where a request ends.

use super::fault::Fault;

/// The longest text that means anything here; also 19 digits, more than any body has.
const LONGEST: usize = 24;

/// The beginning of a text, in lower case, and whether there is more of it.
#[derive(Debug, Default)]
pub(super) struct Short {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Short {
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn push(&mut self, text: &[u8]) {
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        for (place, byte) in free.iter_mut().zip(text) {
            *place = byte.to_ascii_lowercase();
        }
        self.len = self.len.saturating_add(text.len());
    }

    /// What is there of it.
    pub(super) fn start(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// The whole text without the blanks around it; `None` if it is too long to be any that counts.
    fn whole(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len).map(trim)
    }
}

/// Without the blanks around it, which are SP and HTAB and nothing else (RFC 9110 §5.6.3).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// A field by what it means for the end of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Field {
    Length,
    Encoding,
    Upgrade,
    #[default]
    Other,
}

impl Field {
    pub(super) fn named(name: &Short) -> Self {
        // Most names are none of these, and their length tells.
        match name.len {
            7 if name.start() == b"upgrade" => Self::Upgrade,
            14 if name.start() == b"content-length" => Self::Length,
            17 if name.start() == b"transfer-encoding" => Self::Encoding,
            _ => Self::Other,
        }
    }
}

/// Where a request ends, as far as its head has told.
#[derive(Debug, Default)]
pub(super) struct Framing {
    length: Option<u64>,
    is_chunked: bool,
    /// HTTP/1.0 knows no chunks.
    pub(super) is_http10: bool,
    /// The connection may speak another protocol after the answer.
    pub(super) may_switch: bool,
}

/// What comes after a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Bytes(u64),
    Chunks,
}

impl Framing {
    /// Takes a field in.
    pub(super) fn read(&mut self, field: Field, value: &Short) -> Result<(), Fault> {
        match field {
            Field::Length if self.length.is_some() => Err(Fault::LengthTwice),
            Field::Length => {
                self.length = Some(value.whole().and_then(number).ok_or(Fault::LengthForm)?);
                Ok(())
            }
            Field::Encoding if self.is_chunked => Err(Fault::EncodingTwice),
            Field::Encoding if value.whole() != Some(b"chunked") => Err(Fault::Encoding),
            Field::Encoding => {
                self.is_chunked = true;
                Ok(())
            }
            Field::Upgrade => {
                // What offers anything else goes on as it is, as RFC 9110 §7.8 lets a server do.
                self.may_switch |= value.whole() == Some(b"websocket");
                Ok(())
            }
            Field::Other => Ok(()),
        }
    }

    /// What the whole head says.
    pub(super) const fn content(&self) -> Result<Content, Fault> {
        match (self.length, self.is_chunked) {
            (Some(_), true) => Err(Fault::LengthAndEncoding),
            (None, true) if self.is_http10 => Err(Fault::EncodingInHttp10),
            (None, true) => Ok(Content::Chunks),
            (Some(length), false) => Ok(Content::Bytes(length)),
            (None, false) => Ok(Content::Bytes(0)),
        }
    }
}

/// A number of bytes: digits and nothing else, so neither a sign nor a list.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}
