//! A table of fixed capacity, in which the oldest entry gives way to the newest.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Entries by their key. A clone of each key stands in the order in which entries came.
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, V>,
    oldest_first: VecDeque<K>,
    capacity: usize,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    /// An empty table for at most so many entries.
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), oldest_first: VecDeque::new(), capacity }
    }

    /// Adds or replaces an entry; an entry that is replaced keeps its age.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.oldest_first.push_back(key);
        }
        while self.oldest_first.len() > self.capacity {
            let oldest = self.oldest_first.pop_front();
            oldest.and_then(|key| self.entries.remove(&key));
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    /// Removes an entry, and its place in the order. It reads the whole order, which is short enough for development.
    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.entries.remove(key)?;
        self.oldest_first.retain(|other| other != key);
        Some(value)
    }

    /// Removes the entries that a test does not keep.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&V) -> bool) {
        self.entries.retain(|_, value| keep(value));
        self.oldest_first.retain(|key| self.entries.contains_key(key));
    }

    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn the_oldest_gives_way_and_a_removed_one_leaves_its_place() {
        let mut table = Bounded::new(2);
        table.insert("a", 1);
        table.insert("b", 2);
        assert!(table.is_full());
        assert_eq!(table.remove(&"a"), Some(1));
        table.insert("c", 3);
        assert_eq!((table.get(&"b"), table.get(&"c")), (Some(&2), Some(&3)));
        table.insert("a", 4);
        assert_eq!((table.get(&"b"), table.get(&"c"), table.get(&"a")), (None, Some(&3), Some(&4)));
        assert_eq!((table.entries.len(), table.oldest_first.len()), (2, 2));
    }

    #[test]
    fn a_replaced_entry_takes_one_place() {
        let mut table = Bounded::new(2);
        (0..5).for_each(|value| table.insert("a", value));
        table.insert("b", 0);
        assert_eq!(table.get(&"a"), Some(&4));
        table.retain(|value| *value > 0);
        assert_eq!((table.entries.len(), table.oldest_first.len()), (1, 1));
        assert!(table.get_mut(&"b").is_none() && !table.is_full());
    }
}
