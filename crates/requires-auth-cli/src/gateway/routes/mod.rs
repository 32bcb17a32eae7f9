//! Routes of a gateway: which rule a request falls under. Pure; the gateway judges the token.
//!
//! A request whose path can be read in more than one way is refused before it is matched. A request that matches no route
//! is refused.

use std::borrow::Cow;

use requires_auth::policy::Requirement;
use requires_auth::{Denial, ErrorCode};
use smallvec::SmallVec;

mod path;
mod pattern;
mod index;

use self::index::{Budget, Index, Place};

pub(crate) use path::PlainPath;
pub(crate) use pattern::Pattern;

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The requests that it is for: any of these.
    pub(crate) patterns: Vec<Pattern>,
    /// What it asks of them.
    pub(crate) requirement: Requirement,
    /// Whether a preflight passes without a token. A browser cannot show one there.
    pub(crate) allows_preflight: bool,
    /// Whether a refusal is only logged, and the request let through.
    pub(crate) is_shadow: bool,
    /// Whether the application tells its paths from those that differ in case, or by a slash at the end. Where it does
    /// not, such a path under a later route would be judged by another rule than the one that is meant for it.
    pub(crate) is_case_exact: bool,
}

impl Route {
    /// A route that is on, and lets preflights pass.
    pub(crate) const fn new(patterns: Vec<Pattern>, requirement: Requirement) -> Self {
        Self { patterns, requirement, allows_preflight: true, is_shadow: false, is_case_exact: false }
    }

    /// The first of its patterns: its name in logs and metrics.
    pub(crate) fn name(&self) -> &str {
        self.patterns.first().map_or("", Pattern::as_str)
    }
}

/// All rules, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    index: Index,
}

impl Routes {
    /// The first that is for a request decides.
    pub(crate) fn new(routes: Vec<Route>) -> Self {
        let mut index = Index::default();
        for (route, own) in routes.iter().enumerate() {
            for (place, pattern) in own.patterns.iter().enumerate() {
                index.add(pattern, Place { route, pattern: place });
            }
        }
        Self { routes, index }
    }

    /// The rule for a request: its method, and its target as it came over the wire.
    ///
    /// A server that takes no notice of case, or of a slash at the end, may see the path of an earlier rule in it. Such a
    /// path is refused, unless that rule has [`Route::is_case_exact`].
    ///
    /// # Errors
    ///
    /// `auth.ambiguous_request` for a method with a lower-case letter, `auth.ambiguous_path` or `auth.no_route`.
    pub(crate) fn find(&self, method: &str, target: &str) -> Result<&Route, Denial> {
        // Methods are case-sensitive (RFC 9110 §9.1), but many frameworks write them in capitals before they look at them.
        if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Denial::new(ErrorCode::AmbiguousRequest));
        }
        let path = PlainPath::of(target).map_err(|_| Denial::new(ErrorCode::AmbiguousPath))?;
        let segments: Segments<Cow<'_, str>> = path.segments().collect();
        match self.look(method, &segments) {
            Found { first: None, .. } => Err(Denial::new(ErrorCode::NoRoute)),
            Found { earlier: Some(_), .. } => Err(Denial::new(ErrorCode::AmbiguousPath)),
            Found { first: Some(first), .. } => Ok(&self.routes[first.route]),
        }
    }

    fn look(&self, method: &str, segments: &[Cow<'_, str>]) -> Found {
        let lower: Segments<_> = segments.iter().map(|segment| in_lower_case(segment)).collect();
        let mut lower: Segments<&str> = lower.iter().map(AsRef::as_ref).collect();
        let (mut first, mut near) = (None, None);
        let least = |old: &mut Option<Place>, new| *old = Some(old.map_or(new, |old: Place| old.min(new)));
        self.index.find(&lower, &mut |place| {
            if self.pattern(place).matches(method, segments) {
                least(&mut first, place);
            } else if self.may_be_meant(place, method) {
                least(&mut near, place);
            }
        });
        if change_slash(&mut lower) {
            self.index.find(&lower, &mut |place| {
                if self.may_be_meant(place, method) {
                    least(&mut near, place);
                }
            });
        }
        let earlier = near.filter(|near| first.is_some_and(|first: Place| near.route < first.route));
        Found { first, earlier }
    }

    /// Whether a server that takes no notice of case may take a request for one of this pattern.
    fn may_be_meant(&self, place: Place, method: &str) -> bool {
        !self.routes[place.route].is_case_exact && self.pattern(place).is_for(method)
    }

    fn pattern(&self, place: Place) -> &Pattern {
        &self.routes[place.route].patterns[place.pattern]
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Patterns that no request reaches, since an earlier one takes all of theirs: the place of the route, that of the
    /// pattern in it, and the earlier pattern.
    pub(crate) fn unreachable(&self) -> impl Iterator<Item = (usize, usize, &Pattern)> {
        self.places().filter_map(|own| {
            let pattern = self.pattern(own);
            let mut earlier: Option<Place> = None;
            self.index.covering(&pattern.segments, pattern.open, &mut |place| {
                if place < earlier.unwrap_or(own) && self.pattern(place).covers(pattern) {
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

    fn sibling(&self, own: Place, earlier: Place) -> Option<Sibling<'_>> {
        let (pattern, other) = (self.pattern(own), self.pattern(earlier));
        let method = pattern.method().or_else(|| other.method()).unwrap_or("GET");
        let path = pattern.like(other).into_iter().find(|segments| {
            let found = self.look(method, segments);
            found.first == Some(own) && found.earlier == Some(earlier)
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

/// The segments of a path: those of most paths need no memory of their own.
type Segments<T> = SmallVec<[T; 8]>;

/// How many nodes of the index a pattern is compared with, to find its siblings.
const NEAR: usize = 256;

/// What is for a request.
struct Found {
    /// The first pattern.
    first: Option<Place>,
    /// One of an earlier route, that is for it if case or a last slash are changed.
    earlier: Option<Place>,
}

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

fn in_lower_case(segment: &str) -> Cow<'_, str> {
    if segment.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(segment.to_ascii_lowercase())
    } else {
        Cow::Borrowed(segment)
    }
}

/// Adds a slash at the end of a path, or takes the one that is there away; false for the path that is nothing else.
fn change_slash(segments: &mut Segments<&str>) -> bool {
    match segments.as_slice() {
        [] | [""] => false,
        [.., ""] => segments.pop().is_some(),
        _ => {
            segments.push("");
            true
        }
    }
}

#[cfg(test)]
mod tests;
