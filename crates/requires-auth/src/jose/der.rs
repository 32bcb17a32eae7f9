//! DER (X.690 §8.1, §10.1), as far as public keys and certificates need it: elements with one spelling each.

/// `INTEGER`.
pub(crate) const INTEGER: u8 = 0x02;
/// `BIT STRING`.
pub(crate) const BIT_STRING: u8 = 0x03;
/// `NULL`.
pub(crate) const NULL: u8 = 0x05;
/// `OBJECT IDENTIFIER`.
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
/// `SEQUENCE`.
pub(crate) const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xA0;

/// Elements, one after the other. Reading costs no more than the input, and never panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// What is within the one element that these bytes are.
    pub(crate) fn whole(bytes: &'d [u8], tag: u8) -> Option<Self> {
        let mut outer = Self(bytes);
        let inner = outer.nested(tag)?;
        outer.is_empty().then_some(inner)
    }

    /// What is within the next element. If that has another tag, there is nothing, and it is still the next one.
    pub(crate) fn nested(&mut self, tag: u8) -> Option<Self> {
        self.element(tag).map(Self)
    }

    /// The content of the next element. If that has another tag, there is none, and it is still the next one.
    pub(crate) fn element(&mut self, tag: u8) -> Option<&'d [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            // No certificate has 16 MiB.
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                let length = digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                // X.690 §10.1: a length has the shortest form.
                let is_shortest = digits.first() != Some(&0) && length > 0x7F;
                (is_shortest.then_some(length)?, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// The next element, with its tag and length.
    pub(crate) fn with_header(&mut self, tag: u8) -> Option<&'d [u8]> {
        let before = self.0;
        self.element(tag)?;
        before.get(..before.len() - self.0.len())
    }

    /// A number that is not negative, big-endian without leading zeros (X.690 §8.3.2).
    pub(crate) fn unsigned(&mut self) -> Option<&'d [u8]> {
        match self.element(INTEGER)? {
            [0, rest @ ..] if rest.first().is_none_or(|first| first & 0x80 != 0) => Some(rest),
            [first, ..] if *first == 0 || first & 0x80 != 0 => None,
            [] => None,
            number => Some(number),
        }
    }

    /// Bytes in a string of bits, none of which are left over (X.690 §8.6.2).
    pub(crate) fn bits(&mut self) -> Option<&'d [u8]> {
        self.element(BIT_STRING)?.strip_prefix(&[0])
    }

    /// Whether nothing is left.
    pub(crate) const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_has_one_spelling() {
        let element = |bytes: &[u8]| Der(bytes).element(SEQUENCE).map(<[u8]>::to_vec);
        assert_eq!(element(&[0x30, 2, 1, 2, 9]), Some(vec![1, 2]));
        assert_eq!(element(&[&[0x30, 0x81, 0x80][..], &[7; 128]].concat()), Some(vec![7; 128]));
        for refused in [
            &[][..],
            &[0x30],
            &[0x31, 0],
            &[0x30, 1],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x81, 1, 7],
            &[0x30, 0x82, 0, 1, 7],
            &[0x30, 0x84, 0, 0, 0, 1, 7],
            &[0x30, 0xFF],
        ] {
            assert_eq!(element(refused), None, "{refused:?}");
        }
        assert_eq!(element(&[&[0x30, 0x7F][..], &[7; 127]].concat()), Some(vec![7; 127]));
        assert_eq!(element(&[&[0x30, 0x81, 0x7F][..], &[7; 127]].concat()), None, "there is a shorter form");
        assert!(Der::whole(&[0x30, 1, 7], SEQUENCE).is_some());
        assert!(Der::whole(&[0x30, 1, 7, 0], SEQUENCE).is_none(), "something is behind it");
    }

    #[test]
    fn a_number_is_not_negative_and_has_no_zeros_before_it() {
        let number = |content: &[u8]| {
            let length = u8::try_from(content.len()).expect("short");
            Der(&[&[INTEGER, length], content].concat()).unsigned().map(<[u8]>::to_vec)
        };
        assert_eq!(number(&[3]), Some(vec![3]));
        assert_eq!(number(&[0, 0x80]), Some(vec![0x80]));
        assert_eq!(number(&[0]), Some(vec![]));
        for refused in [&[][..], &[0x80], &[0, 3], &[0, 0, 0x80]] {
            assert_eq!(number(refused), None, "{refused:?}");
        }
    }
}
