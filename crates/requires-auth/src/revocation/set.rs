//! All entries: found by the marks of a token, and changed by copying a small part.
//!
//! A token has up to four marks, one for each kind, and each of them is found by one look-up in a map. A change copies the part of the
//! map that it falls into, one of 256, and leaves the rest to both sets: readers go on with the set that they have, and no reader waits for a
//! writer. Two values with the same mark are told apart by the values themselves.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use super::entry::Revocation;
use super::marks::{Marks, Named, Seed};
use crate::claims::NumericDate;

/// A change copies one part of so many.
const PARTS: usize = 256;

/// Entries by their mark. A look-up never writes, and a change makes another set, which shares all parts but one with the set before.
#[derive(Clone)]
pub(crate) struct Set {
    parts: [Arc<Part>; PARTS],
    len: usize,
    /// The first of their ends; none has ended before.
    first_end: Option<NumericDate>,
}

type Part = HashMap<u64, SmallVec<[Arc<Revocation>; 1]>, BuildHasherDefault<AsItIs>>;

/// There is no room for another entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {most} revocations already, and there is room for no more")]
pub(crate) struct Full {
    pub(crate) most: usize,
}

/// What is listed in a file, and what came in other ways. A file that is read anew takes the place of the first alone.
#[derive(Clone, Debug)]
pub(crate) struct Sets {
    pub(crate) listed: Set,
    pub(crate) added: Set,
    /// A number that no other state of any sets of this process has, and never [`Sets::NO_VERSION`].
    pub(crate) version: u64,
}

/// What there is about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// No entry has one of its marks, whatever the time: it need not be looked up again in these sets.
    Nothing,
    /// Entries with one of its marks are for other tokens, or have ended.
    Others,
    /// An entry refuses it.
    Refused,
}

impl Sets {
    /// The version of no sets.
    pub(crate) const NO_VERSION: u64 = 0;

    /// No entries.
    pub(crate) fn new(version: u64) -> Self {
        Self { listed: Set::default(), added: Set::default(), version }
    }

    /// What there is about a token. What it is called is looked at only if an entry has one of its marks.
    pub(crate) fn look(&self, marks: &Marks, now: NumericDate, token: &Named<'_>) -> Found {
        match self.listed.look(marks, now, token) {
            Found::Refused => Found::Refused,
            found => found.max(self.added.look(marks, now, token)),
        }
    }

    /// Whether an entry refuses a token without marks, by a look at every entry.
    pub(crate) fn refuse_named(&self, now: NumericDate, token: &Named<'_>) -> bool {
        self.iter().any(|entry| entry.refuses(token, now))
    }

    pub(crate) const fn len(&self) -> usize {
        self.listed.len() + self.added.len()
    }

    /// The entries, in no order. Some may have ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Revocation> {
        self.listed.iter().chain(self.added.iter())
    }
}

impl Default for Set {
    fn default() -> Self {
        let none = Arc::new(Part::default());
        Self { parts: std::array::from_fn(|_| Arc::clone(&none)), len: 0, first_end: None }
    }
}

impl Set {
    /// Adds an entry. Those that it covers are gone then, and one that is covered itself changes nothing.
    ///
    /// # Errors
    ///
    /// The set is full of entries that have not ended.
    pub(crate) fn add(
        &mut self,
        entry: Revocation,
        seed: &Seed,
        now: NumericDate,
        most: usize,
    ) -> Result<(), Full> {
        if entry.has_ended(now) {
            return Ok(());
        }
        let mark = seed.mark(entry.kind, &entry.value);
        let (mut covered, mut is_covered) = (0, false);
        for other in self.parts[place(mark)].get(&mark).into_iter().flatten() {
            is_covered |= other.covers(&entry);
            covered += usize::from(entry.covers(other));
        }
        if is_covered {
            return Ok(());
        }
        if covered == 0 && self.len >= most {
            self.forget_ended(now);
            if self.len >= most {
                return Err(Full { most });
            }
        }
        let until = entry.until;
        let entries = Arc::make_mut(&mut self.parts[place(mark)]).entry(mark).or_default();
        let before = entries.len();
        entries.retain(|other| !entry.covers(other));
        self.len -= before - entries.len();
        entries.push(Arc::new(entry));
        self.len += 1;
        self.first_end = Some(self.first_end.map_or(until, |first| first.earlier(until)));
        Ok(())
    }

    /// Makes room, if the first entries have ended.
    fn forget_ended(&mut self, now: NumericDate) {
        if self.first_end.is_none_or(|end| !Revocation::is_over(end, now)) {
            return;
        }
        let (mut len, mut first_end) = (0, None);
        for part in &mut self.parts {
            if part.values().flatten().any(|entry| entry.has_ended(now)) {
                Arc::make_mut(part).retain(|_, entries| {
                    entries.retain(|entry| !entry.has_ended(now));
                    !entries.is_empty()
                });
            }
            for entry in part.values().flatten() {
                len += 1;
                first_end =
                    Some(first_end.map_or(entry.until, |first: NumericDate| first.earlier(entry.until)));
            }
        }
        (self.len, self.first_end) = (len, first_end);
    }

    /// What there is about a token. What it is called is looked at only if an entry has one of its marks.
    pub(crate) fn look(&self, marks: &Marks, now: NumericDate, token: &Named<'_>) -> Found {
        if self.len == 0 {
            return Found::Nothing;
        }
        let of_mark = |mark: &u64| self.parts[place(*mark)].get(mark);
        let found = marks.of.iter().filter_map(of_mark).map(|entries| {
            if entries.iter().any(|entry| entry.refuses(token, now)) { Found::Refused } else { Found::Others }
        });
        found.max().unwrap_or(Found::Nothing)
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The entries, in no order. Some may have ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Revocation> {
        self.parts.iter().flat_map(|part| part.values().flatten()).map(|entry| &**entry)
    }
}

/// The part that has a mark. A map looks at the first and at the last bits of a hash, so these come from between.
const fn place(mark: u64) -> usize {
    (mark >> 32) as usize % PARTS
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set").field("len", &self.len).finish_non_exhaustive()
    }
}

/// A mark is a hash already.
#[derive(Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, mark: u64) {
        self.0 = mark;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests;
