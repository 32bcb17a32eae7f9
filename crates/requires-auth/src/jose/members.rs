//! The members of a JSON object, in order, and quick to be found by name.

use std::borrow::Cow;
use std::collections::HashSet;

/// Most payloads have no more members. Up to here their list is not moved while it grows, and comparing all pairs of
/// names is faster than hashing them.
pub(super) const FEW_MEMBERS: usize = 16;

/// Members, and beside them a tag for each of the first names: whoever looks for a name compares all tags at once.
#[derive(Clone, Debug)]
pub(super) struct Members<'a, V> {
    tags: [u32; FEW_MEMBERS],
    list: Vec<(Cow<'a, str>, V)>,
}

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self { tags: [0; FEW_MEMBERS], list: Vec::new() }
    }
}

impl<'a, V: Copy> Members<'a, V> {
    pub(super) fn with_capacity(members: usize) -> Self {
        Self { tags: [0; FEW_MEMBERS], list: Vec::with_capacity(members) }
    }

    pub(super) fn push(&mut self, name: Cow<'a, str>, value: V) {
        if let Some(place) = self.tags.get_mut(self.list.len()) {
            *place = tag(&name);
        }
        self.list.push((name, value));
    }

    pub(super) fn find(&self, name: &str, tag: u32) -> Option<V> {
        let mut alike = self.tagged(tag);
        while alike != 0 {
            match self.list.get(alike.trailing_zeros() as usize) {
                Some((own, value)) if own == name => return Some(*value),
                _ => alike &= alike - 1,
            }
        }
        let others = self.list.iter().skip(FEW_MEMBERS);
        others.filter(|(own, _)| own == name).map(|&(_, value)| value).next()
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, V)> {
        self.list.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// Which of the first names have this tag: the lowest bit is the first name's.
    fn tagged(&self, tag: u32) -> u32 {
        let bit = |(place, &own): (usize, &u32)| u32::from(own == tag) << place;
        self.tags.iter().enumerate().map(bit).fold(0, |all, bit| all | bit)
    }

    pub(super) fn have_duplicates(&self) -> bool {
        if self.list.len() > FEW_MEMBERS {
            let mut seen = HashSet::with_capacity(self.list.len());
            return !self.list.iter().all(|(name, _)| seen.insert(name.as_ref()));
        }
        (1..self.list.len()).any(|place| {
            let mut earlier = (0..place).filter(|&earlier| self.tags[earlier] == self.tags[place]);
            earlier.any(|earlier| self.list[earlier].0 == self.list[place].0)
        })
    }
}

/// Length, first and last byte of a name: differs for most names that differ.
#[inline]
pub(super) fn tag(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let (first, last) =
        (bytes.first().copied().unwrap_or_default(), bytes.last().copied().unwrap_or_default());
    // Of a longer name the low bits of its length do as well.
    #[expect(clippy::cast_possible_truncation, reason = "a tag need not be unique")]
    let length = bytes.len() as u16;
    u32::from(length) << 16 | u32::from(first) << 8 | u32::from(last)
}
