//! Routes of a gateway: which rule a request falls under. Pure; the gateway judges the token.
//!
//! A request whose path can be read in more than one way is refused before it is matched. A request that matches no route
//! is refused.

use std::borrow::Cow;

use requires_auth::policy::Requirement;
use smallvec::SmallVec;

use super::host::{HostPattern, plain};

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
    /// The hosts that they are for; none is for all.
    pub(crate) hosts: Vec<HostPattern>,
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
            hosts: Vec::new(),
            requirement,
            allows_preflight: true,
            is_shadow: false,
            is_case_exact: false,
            allows_encoded_slash: false,
        }
    }

    /// The first of its patterns: its name in logs and metrics.
    pub(crate) fn name(&self) -> &str {
        self.patterns.first().map_or("", Pattern::as_str)
    }

    /// Whether it is for this host.
    fn is_for_host(&self, host: Option<&str>) -> Fits {
        match host {
            _ if self.hosts.is_empty() => Fits::Yes,
            None => Fits::Unknown,
            Some(host) if self.hosts.iter().any(|own| own.matches(host)) => Fits::Yes,
            Some(_) => Fits::No,
        }
    }
}

/// Whether a route is for the host of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
    /// The request does not say its host.
    Unknown,
}

/// All rules, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    routes: Vec<Route>,
    index: Index,
    names_hosts: bool,
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
        let names_hosts = routes.iter().any(|route| !route.hosts.is_empty());
        Self { routes, index, names_hosts }
    }

    /// Whether a route is for some hosts alone, so that each request has to say its host in one way.
    pub(crate) const fn names_hosts(&self) -> bool {
        self.names_hosts
    }

    /// The rule for a request: its method, its target and its host as they came over the wire.
    ///
    /// A server that takes no notice of case, or of a slash at the end, may see the path of an earlier rule in it. Such a
    /// path is refused, unless that rule has [`Route::is_case_exact`]. A path with an encoded slash needs a rule that allows
    /// it, and so does the rule that a server finds which decodes first. Where it depends on the host which rule it is, a
    /// request has to have one.
    ///
    /// # Errors
    ///
    /// `auth.ambiguous_request` for a method with a lower-case letter or a host that is missing, `auth.ambiguous_path` or
    /// `auth.no_route`.
    pub(crate) fn find(&self, method: &str, target: &str, host: Option<&str>) -> Result<&Route, NotFound> {
        // Methods are case-sensitive (RFC 9110 §9.1), but many frameworks write them in capitals before they look at them.
        if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(NotFound::Method);
        }
        let path = PlainPath::with_encoded_slashes(target).map_err(NotFound::Path)?;
        let segments: Segments<Cow<'_, str>> = path.segments().collect();
        let host = host.filter(|_| self.names_hosts).and_then(plain);
        let found = self.look(method, &segments, host.as_deref());
        if found.hostless.is_some_and(|place| found.first.is_none_or(|first| place < first)) {
            return Err(NotFound::Host);
        }
        let Some(first) = found.first else {
            return Err(if path.has_encoded_slash() { NotFound::SlashWithoutRoute } else { NotFound::Route });
        };
        if path.has_encoded_slash() && !self.allows_encoded_slash(method, path, host.as_deref(), first.route)
        {
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
    fn allows_encoded_slash(
        &self,
        method: &str,
        path: PlainPath<'_>,
        host: Option<&str>,
        route: usize,
    ) -> bool {
        let segments: Segments<Cow<'_, str>> = path.segments_decoded_first().collect();
        let Found { first, near, hostless } = self.look(method, &segments, host);
        let near = near.filter(|near| first.is_none_or(|first| near.route < first.route));
        let others = first.into_iter().chain(near).chain(hostless);
        let others = others.filter(|place| place.route < route || !self.pattern(*place).open);
        let mut all = std::iter::once(route).chain(others.map(|place| place.route));
        all.all(|route| self.routes[route].allows_encoded_slash)
    }

    /// What is for a request; its host is in the one spelling.
    fn look(&self, method: &str, segments: &[Cow<'_, str>], host: Option<&str>) -> Found {
        let lower: Segments<_> = segments.iter().map(|segment| in_lower_case(segment)).collect();
        let mut lower: Segments<&str> = lower.iter().map(AsRef::as_ref).collect();
        let mut found = Found::default();
        let least = |old: &mut Option<Place>, new| *old = Some(old.map_or(new, |old: Place| old.min(new)));
        self.index.find(&lower, &mut |place| {
            let fits = self.routes[place.route].is_for_host(host);
            if self.pattern(place).matches(method, segments) {
                match fits {
                    Fits::Yes => least(&mut found.first, place),
                    Fits::Unknown => least(&mut found.hostless, place),
                    Fits::No => {}
                }
            } else if fits != Fits::No && self.may_be_meant(place, method) {
                least(&mut found.near, place);
            }
        });
        if change_slash(&mut lower) {
            self.index.find(&lower, &mut |place| {
                let fits = self.routes[place.route].is_for_host(host);
                if fits != Fits::No && self.may_be_meant(place, method) {
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

    /// The audiences that routes have of their own.
    pub(crate) fn audiences(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().flat_map(|route| route.requirement.policy().audience())
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
    /// The first that would be for it with some host, where it has none.
    hostless: Option<Place>,
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
