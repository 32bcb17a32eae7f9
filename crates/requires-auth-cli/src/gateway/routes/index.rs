//! The patterns of all routes by their segments, so that a look-up does not go through all of them.

use std::collections::BTreeMap;

use super::pattern::{Pattern, Segment};

/// A pattern of some route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The place of the route among all.
    pub(super) route: usize,
    /// The place of the pattern in its route.
    pub(super) pattern: usize,
}

/// A tree with one segment at each step. Literal segments are kept in lower case (ASCII): what it finds may differ in case
/// from what is asked for, so that each pattern found is to be compared with the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    exactly: BTreeMap<Box<str>, Self>,
    any: Option<Box<Self>>,
    /// Patterns that end here.
    ends: Vec<Place>,
    /// Patterns that are for all that follows.
    open: Vec<Place>,
}

/// How often a search may look at a node, for one that could look at all of them.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) const fn of(steps: usize) -> Self {
        Self(steps)
    }

    const fn spend(&mut self) -> bool {
        let is_left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        is_left
    }
}

impl Index {
    pub(super) fn add(&mut self, pattern: &Pattern, place: Place) {
        let mut node = self;
        for segment in &pattern.segments {
            node = match segment {
                Segment::Any => node.any.get_or_insert_default(),
                Segment::Exactly(text) => node.exactly.entry(text.to_ascii_lowercase().into()).or_default(),
            };
        }
        if pattern.open { node.open.push(place) } else { node.ends.push(place) }
    }

    /// The patterns whose segments fit these but for case. `segments` are in lower case.
    pub(super) fn find(&self, segments: &[&str], found: &mut impl FnMut(Place)) {
        let Some((first, rest)) = segments.split_first() else {
            self.ends.iter().copied().for_each(found);
            return;
        };
        self.open.iter().copied().for_each(&mut *found);
        if let Some(node) = self.exactly.get(*first) {
            node.find(rest, found);
        }
        if let Some(node) = self.any.as_ref().filter(|_| !first.is_empty()) {
            node.find(rest, found);
        }
    }

    /// The patterns that may cover one with these segments, which is `open` or not.
    pub(super) fn covering(&self, segments: &[Segment], open: bool, found: &mut impl FnMut(Place)) {
        let Some((first, rest)) = segments.split_first() else {
            let own = if open { &self.open } else { &self.ends };
            own.iter().copied().for_each(found);
            return;
        };
        self.open.iter().copied().for_each(&mut *found);
        if let Segment::Exactly(text) = first
            && let Some(node) = self.exactly.get(text.to_ascii_lowercase().as_str())
        {
            node.covering(rest, open, found);
        }
        if let Some(node) = &self.any {
            node.covering(rest, open, found);
        }
    }

    /// The patterns of this many segments, or of fewer and open, some of whose requests look like some of a pattern with
    /// these segments.
    pub(super) fn near(&self, segments: &[Segment], budget: &mut Budget, found: &mut impl FnMut(Place)) {
        if !budget.spend() {
            return;
        }
        let Some((first, rest)) = segments.split_first() else {
            self.ends.iter().chain(&self.open).copied().for_each(&mut *found);
            // With a slash behind it.
            if let Some(node) = self.exactly.get("") {
                node.ends.iter().copied().for_each(found);
            }
            return;
        };
        if rest.is_empty() && matches!(first, Segment::Exactly(text) if text.is_empty()) {
            // Without its slash.
            self.ends.iter().copied().for_each(&mut *found);
        }
        match first {
            Segment::Exactly(text) => {
                if let Some(node) = self.exactly.get(text.to_ascii_lowercase().as_str()) {
                    node.near(rest, budget, found);
                }
            }
            Segment::Any => {
                for node in self.exactly.values() {
                    node.near(rest, budget, found);
                }
            }
        }
        if let Some(node) = &self.any {
            node.near(rest, budget, found);
        }
    }
}
