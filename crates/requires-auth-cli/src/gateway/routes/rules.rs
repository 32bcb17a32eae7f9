//! All rules, and which of them a request falls under.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::below::Below;
use super::index::{Index, Place};
use super::not_found::NotFound;
use super::path::PlainPath;
use super::pattern::Pattern;
use super::route::{Fits, Route};
use crate::gateway::host::plain;

/// All rules, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the routes beside what finds them")]
pub(crate) struct Routes {
    pub(super) routes: Vec<Route>,
    pub(super) index: Index,
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
    /// be for the path with a plain slash in its place. A later route that ends in `*` does not count if it is for the path
    /// as it came too: it is what is left over.
    fn allows_encoded_slash(
        &self,
        method: &str,
        path: PlainPath<'_>,
        host: Option<&str>,
        route: usize,
    ) -> bool {
        let as_it_came: Segments<Cow<'_, str>> = path.segments().collect();
        let segments: Segments<Cow<'_, str>> = path.segments_decoded_first().collect();
        let Found { first, near, hostless } = self.look(method, &segments, host);
        let near = near.filter(|near| first.is_none_or(|first| near.route < first.route));
        let others = first.into_iter().chain(near).chain(hostless);
        let is_left_over = |place: Place| {
            let pattern = self.pattern(place);
            place.route >= route && pattern.open && pattern.matches(method, &as_it_came)
        };
        let others = others.filter(|place| !is_left_over(*place));
        let mut all = std::iter::once(route).chain(others.map(|place| place.route));
        all.all(|route| self.routes[route].allows_encoded_slash)
    }

    /// What is for a request; its host is in the one spelling.
    pub(super) fn look(&self, method: &str, segments: &[Cow<'_, str>], host: Option<&str>) -> Found {
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

    pub(super) fn pattern(&self, place: Place) -> &Pattern {
        &self.routes[place.route].patterns[place.pattern]
    }

    /// The audiences that routes have of their own.
    pub(crate) fn audiences(&self) -> impl Iterator<Item = &str> {
        self.routes.iter().flat_map(|route| route.requirement.policy().audience())
    }

    /// The part of them whose requests are all below a path.
    pub(crate) fn below(&self, below: &Below) -> Self {
        let own = |route: &Route| {
            let patterns: Vec<_> = route.patterns.iter().filter(|own| below.has(own)).cloned().collect();
            (!patterns.is_empty()).then(|| Route { patterns, ..route.clone() })
        };
        Self::new(self.routes.iter().filter_map(own).collect())
    }

    /// The same, each for tokens with a proof of their key alone.
    pub(crate) fn with_dpop_required(self) -> Self {
        Self::new(self.routes.into_iter().map(Route::with_dpop_required).collect())
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
pub(super) struct Found {
    /// The first pattern.
    pub(super) first: Option<Place>,
    /// The first that is for it if case or a last slash are changed.
    pub(super) near: Option<Place>,
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
