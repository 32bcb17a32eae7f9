//! Routes of a gateway: which rule a request falls under. Pure; the gateway judges the token.
//!
//! A request whose path can be read in more than one way is refused before it is matched. A request that matches no route
//! is refused.

use std::borrow::Cow;

use requires_auth::policy::Requirement;
use smallvec::SmallVec;

mod path;
mod pattern;
mod index;
mod not_found;
mod review;

use self::index::{Index, Place};
use self::path::PlainPath;

pub(crate) use not_found::NotFound;
pub(crate) use pattern::Pattern;
pub(crate) use review::Sibling;

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
    /// Whether a segment may have encoded slashes, since the application tells them from plain ones.
    pub(crate) allows_encoded_slash: bool,
}

impl Route {
    /// A route that is on, and lets preflights pass.
    pub(crate) const fn new(patterns: Vec<Pattern>, requirement: Requirement) -> Self {
        Self {
            patterns,
            requirement,
            allows_preflight: true,
            is_shadow: false,
            is_case_exact: false,
            allows_encoded_slash: false,
        }
    }

    /// The path parameters that its claim rules look at, in a request that it is for: decoded once.
    pub(crate) fn path_parameters(&self, method: &str, target: &str) -> Vec<(&str, String)> {
        let mut names = self.requirement.policy().path_parameters().peekable();
        if names.peek().is_none() {
            return Vec::new();
        }
        let Ok(path) = PlainPath::with_encoded_slashes(target) else { return Vec::new() };
        let segments: Segments<Cow<'_, str>> = path.segments().collect();
        let Some(pattern) = self.patterns.iter().find(|pattern| pattern.matches(method, &segments)) else {
            return Vec::new();
        };
        let value = |name| pattern.places_of(name).next().and_then(|place| segments.get(place));
        names.filter_map(|name| Some((name, value(name)?.to_string()))).collect()
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
    /// path is refused, unless that rule has [`Route::is_case_exact`]. A path with an encoded slash needs a rule that allows
    /// it, and so does the rule that a server finds which decodes first.
    ///
    /// # Errors
    ///
    /// `auth.ambiguous_request` for a method with a lower-case letter, `auth.ambiguous_path` or `auth.no_route`.
    pub(crate) fn find(&self, method: &str, target: &str) -> Result<&Route, NotFound> {
        // Methods are case-sensitive (RFC 9110 §9.1), but many frameworks write them in capitals before they look at them.
        if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(NotFound::Method);
        }
        let path = PlainPath::with_encoded_slashes(target).map_err(NotFound::Path)?;
        let segments: Segments<Cow<'_, str>> = path.segments().collect();
        let found = self.look(method, &segments);
        let Some(first) = found.first else {
            return Err(if path.has_encoded_slash() { NotFound::SlashWithoutRoute } else { NotFound::Route });
        };
        if path.has_encoded_slash() && !self.allows_encoded_slash(method, path, first.route) {
            return Err(NotFound::Slash);
        }
        if found.near.is_some_and(|near| near.route < first.route) {
            return Err(NotFound::Case);
        }
        Ok(&self.routes[first.route])
    }

    /// Whether a path with an encoded slash may pass by this route: whether it says so, and so does another one that would
    /// be for the path with a plain slash in its place. Of later routes only those count that name such a path segment by
    /// segment: one that ends in `*` is what is left over.
    fn allows_encoded_slash(&self, method: &str, path: PlainPath<'_>, route: usize) -> bool {
        let segments: Segments<Cow<'_, str>> = path.segments_decoded_first().collect();
        let Found { first, near } = self.look(method, &segments);
        let near = near.filter(|near| first.is_none_or(|first| near.route < first.route));
        let others = first.into_iter().chain(near);
        let others = others.filter(|place| place.route < route || !self.pattern(*place).open);
        let mut all = std::iter::once(route).chain(others.map(|place| place.route));
        all.all(|route| self.routes[route].allows_encoded_slash)
    }

    fn look(&self, method: &str, segments: &[Cow<'_, str>]) -> Found {
        let lower: Segments<_> = segments.iter().map(|segment| in_lower_case(segment)).collect();
        let mut lower: Segments<&str> = lower.iter().map(AsRef::as_ref).collect();
        let mut found = Found::default();
        let least = |old: &mut Option<Place>, new| *old = Some(old.map_or(new, |old: Place| old.min(new)));
        self.index.find(&lower, &mut |place| {
            if self.pattern(place).matches(method, segments) {
                least(&mut found.first, place);
            } else if self.may_be_meant(place, method) {
                least(&mut found.near, place);
            }
        });
        if change_slash(&mut lower) {
            self.index.find(&lower, &mut |place| {
                if self.may_be_meant(place, method) {
                    least(&mut found.near, place);
                }
            });
        }
        found
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
}

/// The segments of a path: those of most paths need no memory of their own.
type Segments<T> = SmallVec<[T; 8]>;

/// What is for a request.
#[derive(Default)]
struct Found {
    /// The first pattern.
    first: Option<Place>,
    /// The first that is for it if case or a last slash are changed.
    near: Option<Place>,
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
