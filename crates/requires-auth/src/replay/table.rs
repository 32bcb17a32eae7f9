//! A set of 16-byte entries that never moves more than one page of them at a time: extendible hashing.
//!
//! A directory of 2^depth numbers says in which page an entry with those last bits of its hash is. A page that is full is
//! split in two by one more bit. The directory is doubled now and then: those are numbers of pages, not entries.
//!
//! Why not a table that is doubled: the one insertion that doubles a table of a million entries moves all of them, and every request
//! that waits for its lock waits with it. Here a split moves half of a page. What it costs is a second look-up for each entry, of the
//! directory and then of the page, and that pages are 70 % full in the mean.
//!
//! Entries are numbers of 16 bytes without a value, so a page is compared as a whole. Nothing is taken out one by one: a table ends
//! as a whole, when the time of all of its entries has passed.

/// So many entries have room in a page, and so many at most are moved by one insertion.
pub(super) const PAGE_ENTRIES: usize = 32;

/// More bits of the hash are never looked at: by then there would be more pages than a store can hold, if the hash is any
/// good.
const MAX_DEPTH: u8 = 24;

/// Entries that share the last `depth` bits of their hash, in no order.
pub(super) struct Page {
    depth: u8,
    len: u8,
    /// On the heap by themselves, so that a list of pages that grows moves none.
    entries: Box<[u128; PAGE_ENTRIES]>,
}

impl Page {
    fn new() -> Self {
        Self { depth: 0, len: 0, entries: Box::new([0; PAGE_ENTRIES]) }
    }

    fn entries(&self) -> &[u128] {
        &self.entries[..usize::from(self.len)]
    }

    fn has(&self, entry: u128) -> bool {
        // Without a way out in the middle, several are compared at once.
        self.entries().iter().filter(|other| **other == entry).count() > 0
    }

    /// Whether there was room.
    fn push(&mut self, entry: u128) -> bool {
        let Some(slot) = self.entries.get_mut(usize::from(self.len)) else { return false };
        *slot = entry;
        self.len += 1;
        true
    }
}

/// The set. Whoever uses it says what the hash of an entry is.
#[derive(Default)]
pub(super) struct Table {
    depth: u8,
    directory: Vec<u32>,
    pages: Vec<Page>,
    len: usize,
    /// How many entries were moved since the table was made.
    #[cfg(test)]
    pub(super) moved: usize,
}

impl Table {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn has(&self, entry: u128, hash: u64) -> bool {
        self.page_of(hash).is_some_and(|page| self.pages[page].has(entry))
    }

    /// Adds an entry that the table does not have. A new page comes from `spare` if that can give one. `false`: the page was
    /// full, and all its entries went to the same side when it was split, as it happens once in 2^31 times.
    pub(super) fn insert(&mut self, entry: u128, hash: impl Fn(u128) -> u64, spare: &mut Vec<Page>) -> bool {
        let own = hash(entry);
        if self.pages.is_empty() {
            self.pages.push(spare_page(spare, 0));
            self.directory.push(0);
        }
        let Some(page) = self.page_of(own) else { return false };
        if usize::from(self.pages[page].len) == PAGE_ENTRIES && !self.split(page, own, &hash, spare) {
            return false;
        }
        let is_added = self.page_of(own).is_some_and(|page| self.pages[page].push(entry));
        self.len += usize::from(is_added);
        is_added
    }

    /// Gives its pages away, to be used again or freed one by one.
    pub(super) fn into_pages(self) -> Vec<Page> {
        self.pages
    }

    #[expect(clippy::cast_possible_truncation, reason = "the mask leaves 24 bits")]
    fn page_of(&self, hash: u64) -> Option<usize> {
        let place = hash & ((1 << self.depth) - 1);
        self.directory.get(place as usize).map(|page| *page as usize)
    }

    /// Splits the page in which entries with this hash are.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the masks leave 24 bits, and no table has 2^32 pages"
    )]
    fn split(&mut self, page: usize, own: u64, hash: impl Fn(u128) -> u64, spare: &mut Vec<Page>) -> bool {
        let depth = self.pages[page].depth;
        if depth == MAX_DEPTH {
            return false;
        }
        if depth == self.depth {
            self.directory.extend_from_within(..);
            self.depth += 1;
        }
        let bit = 1_u64 << depth;
        let mut new = spare_page(spare, depth + 1);
        let old = &mut self.pages[page];
        old.depth = depth + 1;
        let all = *old.entries;
        old.len = 0;
        for entry in all {
            let target = if hash(entry) & bit == 0 { &mut *old } else { &mut new };
            target.push(entry);
        }
        #[cfg(test)]
        {
            self.moved += usize::from(new.len);
        }
        let new_page = self.pages.len() as u32;
        self.pages.push(new);
        // Every place whose last bits are those of the new page.
        let first = (own & (bit - 1)) | bit;
        for place in (first as usize..self.directory.len()).step_by((bit << 1) as usize) {
            self.directory[place] = new_page;
        }
        true
    }
}

fn spare_page(spare: &mut Vec<Page>, depth: u8) -> Page {
    let mut page = spare.pop().unwrap_or_else(Page::new);
    page.depth = depth;
    page.len = 0;
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spreads its input over all bits.
    #[expect(clippy::cast_possible_truncation, reason = "a hash")]
    fn spread(entry: u128) -> u64 {
        let mixed = (entry as u64).wrapping_add(0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB).rotate_left(29)
    }

    #[test]
    fn has_what_was_put_in_and_nothing_else() {
        let (mut table, mut spare) = (Table::default(), Vec::new());
        for entry in 0..20_000 {
            assert!(!table.has(entry, spread(entry)));
            assert!(table.insert(entry, spread, &mut spare));
        }
        assert_eq!(table.len(), 20_000);
        assert!((0..20_000).all(|entry| table.has(entry, spread(entry))));
        assert!(!(20_000..40_000).any(|entry| table.has(entry, spread(entry))));
    }

    #[test]
    fn one_insertion_moves_one_page_at_most() {
        let (mut table, mut spare) = (Table::default(), Vec::new());
        for entry in 0..50_000 {
            let before = table.moved;
            assert!(table.insert(entry, spread, &mut spare));
            assert!(table.moved - before <= PAGE_ENTRIES);
        }
        assert!(table.moved > 10_000, "pages were split, and that is counted");
    }

    #[test]
    fn a_hash_that_tells_nothing_apart_fills_one_page_and_ends() {
        let (mut table, mut spare) = (Table::default(), Vec::new());
        let flat = |_| 0;
        let taken = (0..1_000).filter(|entry| table.insert(*entry, flat, &mut spare)).count();
        assert_eq!(taken, PAGE_ENTRIES);
        assert!(table.pages.len() <= usize::from(MAX_DEPTH) + 1);
    }

    #[test]
    fn pages_are_used_again_without_what_was_in_them() {
        let (mut table, mut spare) = (Table::default(), Vec::new());
        assert!((0..5_000).all(|entry| table.insert(entry, spread, &mut spare)));
        let mut spare = table.into_pages();
        let pages = spare.len();
        let mut next = Table::default();
        assert!(!(0..5_000).any(|entry| next.has(entry, spread(entry))));
        assert!((5_000..10_000).all(|entry| next.insert(entry, spread, &mut spare)));
        assert!(spare.len() < pages / 2);
        assert!(!(0..5_000).any(|entry| next.has(entry, spread(entry))));
    }
}
