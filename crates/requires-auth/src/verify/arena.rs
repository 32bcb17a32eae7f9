//! The texts of a token in one allocation: its payload, and behind it what the payload spells with escapes.

use std::borrow::Cow;

use crate::error::Reason;

/// Where a text stands in the arena; four bytes a number, as there are many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Result<Self, Reason> {
        let within = |place| u32::try_from(place).map_err(|_| Reason::TooLarge);
        Ok(Self { start: within(start)?, end: within(end)? })
    }

    /// The text at this place. A span is made for the arena that it is asked of, so it lies within.
    pub(super) fn of(self, texts: &str) -> &str {
        texts.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// The arena in the making.
pub(super) struct Arena<'t> {
    payload: &'t str,
    /// What is not found in the payload as it is.
    others: String,
}

impl<'t> Arena<'t> {
    pub(super) const fn new(payload: &'t str) -> Self {
        Self { payload, others: String::new() }
    }

    pub(super) fn payload(&self) -> Result<Span, Reason> {
        Span::new(0, self.payload.len())
    }

    /// Adds a text. It is copied only if it is not a part of the payload.
    pub(super) fn add(&mut self, text: &str) -> Result<Span, Reason> {
        let start = text.as_ptr().addr().wrapping_sub(self.payload.as_ptr().addr());
        let end = start.wrapping_add(text.len());
        // Where a text stands is told by its address, and that it stands there by comparing.
        if self.payload.get(start..end) == Some(text) {
            return Span::new(start, end);
        }
        let start = self.payload.len() + self.others.len();
        self.others.push_str(text);
        Span::new(start, start + text.len())
    }

    pub(super) fn into_text(self) -> Cow<'t, str> {
        if self.others.is_empty() {
            Cow::Borrowed(self.payload)
        } else {
            Cow::Owned([self.payload, &self.others].concat())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_payload_are_not_copied_and_others_are() {
        let payload = String::from("one two");
        let elsewhere = String::from("two");
        let mut arena = Arena::new(&payload);
        let mut add = |text: &str| arena.add(text).expect("a short text");
        let spans = [add(&payload[4..]), add(&elsewhere), add("three"), add("")];
        let whole = arena.payload().expect("a short payload");
        let texts = arena.into_text();
        assert_eq!(texts, "one twotwothree");
        assert_eq!(spans.map(|span| span.of(&texts)), ["two", "two", "three", ""]);
        assert_eq!(whole.of(&texts), payload);
    }

    #[test]
    fn a_payload_without_escapes_is_all_there_is() {
        let mut arena = Arena::new("one");
        arena.add(&arena.payload[1..]).expect("a short text");
        assert!(matches!(arena.into_text(), Cow::Borrowed("one")));
    }
}
