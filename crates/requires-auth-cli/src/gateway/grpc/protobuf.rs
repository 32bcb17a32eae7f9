//! The wire format of protocol buffers (protobuf.dev, "Encoding"): fields of a message are read in place and written
//! one after the other.

/// The bytes are not a message, or not one of the expected type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A value in its wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'m> {
    /// `VARINT`, `I64` or `I32`. No field that is read here has such a type.
    Number,
    /// `LEN`: text, bytes or a message.
    Bytes(&'m [u8]),
}

impl<'m> Value<'m> {
    pub(super) const fn bytes(self) -> Result<&'m [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number => Err(Malformed),
        }
    }

    pub(super) fn text(self) -> Result<&'m str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// The fields of a message inside the message.
    pub(super) fn message(self) -> Result<Fields<'m>, Malformed> {
        self.bytes().map(Fields::of)
    }
}

/// The fields of a message: each number with its value. It ends after the first error.
#[derive(Clone, Debug)]
pub(super) struct Fields<'m> {
    rest: &'m [u8],
}

impl<'m> Fields<'m> {
    pub(super) const fn of(message: &'m [u8]) -> Self {
        Self { rest: message }
    }

    fn field(&mut self) -> Result<(u32, Value<'m>), Malformed> {
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed)?;
        let value = match tag & 7 {
            0 => self.varint().map(|_| Value::Number),
            1 => self.take(8).map(|_| Value::Number),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                self.take(length).map(Value::Bytes)
            }
            5 => self.take(4).map(|_| Value::Number),
            // Groups (3 and 4) are in no message of this protocol.
            _ => Err(Malformed),
        }?;
        if tag >> 3 == 0 { Err(Malformed) } else { Ok((tag >> 3, value)) }
    }

    /// Seven bits per byte, the lowest first; ten bytes hold 64 bits.
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'m [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'m> Iterator for Fields<'m> {
    type Item = Result<(u32, Value<'m>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// A message that is being written. What has the default value of its type is left out, as the format wants it.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    #[must_use]
    pub(super) fn with_number(mut self, field: u32, number: u32) -> Self {
        if number != 0 {
            self.varint(field << 3);
            self.varint(number);
        }
        self
    }

    #[must_use]
    pub(super) fn with_text(self, field: u32, text: &str) -> Self {
        if text.is_empty() { self } else { self.with_bytes(field, text.as_bytes()) }
    }

    /// A message inside this one, which is there even if it is empty.
    #[must_use]
    pub(super) fn with_message(self, field: u32, message: &Self) -> Self {
        self.with_bytes(field, &message.0)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn with_bytes(mut self, field: u32, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        // An answer has at most some thousand bytes.
        self.varint(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(bytes);
        self
    }

    fn varint(&mut self, mut number: u32) {
        while number > 0x7f {
            self.0.push(low_bits(number) | 0x80);
            number >>= 7;
        }
        self.0.push(low_bits(number));
    }
}

fn low_bits(number: u32) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, Malformed> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn each_wire_type_is_read() {
        assert_eq!(fields(b""), Ok(vec![]));
        let all = b"\x08\x96\x01\x11\0\0\0\0\0\0\0\0\x1a\x02hi\x25\0\0\0\0\xfa\xff\xff\xff\x0f\x00";
        let expected = vec![
            (1, Value::Number),
            (2, Value::Number),
            (3, Value::Bytes(b"hi")),
            (4, Value::Number),
            (0x1fff_ffff, Value::Bytes(b"")),
        ];
        assert_eq!(fields(all), Ok(expected));
        assert!(fields(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_ok(), "the greatest number");
    }

    #[test]
    fn what_is_not_a_message_is_malformed() {
        for bytes in [
            &b"\x08"[..],
            b"\x08\x80",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x0a\x01",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x11\0\0\0\0\0\0\0",
            b"\x15\0\0\0",
            b"\x0b\x0c",
            b"\x0c",
            b"\x0e",
            b"\x0f",
            b"\x00\x00",
            b"\x80\x80\x80\x80\x10\x00",
        ] {
            assert_eq!(fields(bytes), Err(Malformed), "{bytes:x?}");
        }
        assert_eq!(Value::Bytes(b"\xff").text(), Err(Malformed));
        assert_eq!(Value::Number.bytes(), Err(Malformed));
    }

    #[test]
    fn what_is_written_is_read() {
        let inner = Message::default().with_text(1, "a");
        let long = "x".repeat(300);
        let message = Message::default().with_number(1, 401).with_text(2, &long).with_message(3, &inner);
        let bytes = message.into_bytes();
        assert_eq!(&bytes[..3], b"\x08\x91\x03");
        let found = fields(&bytes).expect("a message");
        assert_eq!(found[1], (2, Value::Bytes(long.as_bytes())));
        assert_eq!(found[2], (3, Value::Bytes(b"\x0a\x01a")));
        let empty =
            Message::default().with_number(1, 0).with_text(2, "").with_message(3, &Message::default());
        assert_eq!(empty.into_bytes(), b"\x1a\x00");
    }
}
