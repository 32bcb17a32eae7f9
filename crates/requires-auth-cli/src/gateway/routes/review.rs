//! What the author of a file of routes is told about it.

use super::index::{Budget, Place};
use super::pattern::Pattern;
use super::rules::Routes;

/// How many nodes of the index a pattern is compared with, to find its siblings.
const NEAR: usize = 256;

/// A pattern some of whose paths are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sibling<'r> {
    /// The pattern.
    pub(crate) pattern: &'r Pattern,
    /// The earlier one.
    pub(crate) earlier: &'r Pattern,
    /// One of the paths, decoded.
    pub(crate) path: String,
}

impl Routes {
    /// Patterns that no request reaches, since an earlier one takes all of theirs: the place of the route, that of the
    /// pattern in it, and the earlier pattern.
    pub(crate) fn unreachable(&self) -> impl Iterator<Item = (usize, usize, &Pattern)> {
        self.places().filter_map(|own| {
            let pattern = self.pattern(own);
            let mut earlier: Option<Place> = None;
            self.index.covering(&pattern.segments, pattern.open, &mut |place| {
                if place < earlier.unwrap_or(own)
                    && self.pattern(place).covers(pattern)
                    && self.covers_hosts(place.route, own.route)
                {
                    earlier = Some(place);
                }
            });
            earlier.map(|earlier| (own.route, own.pattern, self.pattern(earlier)))
        })
    }

    /// Patterns some of whose paths are refused, since they are those of an earlier pattern but for case or a last slash.
    ///
    /// Not told is what a pattern that ends in `*` shares with patterns below it: there are many, and nobody means them.
    pub(crate) fn siblings(&self) -> impl Iterator<Item = Sibling<'_>> {
        self.places().flat_map(move |own| {
            let pattern = self.pattern(own);
            let mut near = Vec::new();
            self.index.near(&pattern.segments, &mut Budget::of(NEAR), &mut |place| {
                if place.route < own.route {
                    near.push(place);
                }
            });
            near.sort_unstable();
            near.into_iter().filter_map(move |earlier| self.sibling(own, earlier))
        })
    }

    /// Whether every host of the other route is one of this route.
    fn covers_hosts(&self, route: usize, other: usize) -> bool {
        let [own, other] = [route, other].map(|route| &self.routes[route].hosts);
        let is_covered = |host| own.iter().any(|own| own.covers(host));
        own.is_empty() || (!other.is_empty() && other.iter().all(is_covered))
    }

    fn sibling(&self, own: Place, earlier: Place) -> Option<Sibling<'_>> {
        let (pattern, other) = (self.pattern(own), self.pattern(earlier));
        let method = pattern.method().or_else(|| other.method()).unwrap_or("GET");
        let hosts = self.routes[own.route].hosts.iter().chain(&self.routes[earlier.route].hosts);
        let hosts: Vec<_> = hosts.map(|host| Some(host.sample())).chain([None]).collect();
        let path = pattern.like(other).into_iter().find(|segments| {
            hosts.iter().any(|host| {
                let found = self.look(method, segments, host.as_deref());
                found.first == Some(own) && found.near == Some(earlier)
            })
        })?;
        Some(Sibling { pattern, earlier: other, path: format!("/{}", path.join("/")) })
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        self.routes
            .iter()
            .enumerate()
            .flat_map(|(route, own)| (0..own.patterns.len()).map(move |pattern| Place { route, pattern }))
    }
}
