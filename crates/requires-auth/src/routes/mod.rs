//! Routes of a gateway: which rule a request falls under. Pure; the gateway judges the token.
//!
//! A request whose path can be read in more than one way is refused before it is matched, and so is one that no
//! route is for: there is no default that lets through.

use std::borrow::Cow;

use crate::error::{Denial, ErrorCode};
use crate::policy::Policy;

mod index;
mod path;
mod pattern;

use self::index::{Budget, Index, Place};

pub use path::{Ambiguity, PlainPath};
pub use pattern::{Pattern, PatternError};

/// One rule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Route {
    /// The requests that it is for: any of these.
    pub patterns: Vec<Pattern>,
    /// What it asks of them.
    pub access: Access,
    /// Whether a preflight passes without a token. A browser cannot show one there.
    pub allows_preflight: bool,
    /// Whether a refusal is only logged, and the request let through.
    pub is_shadow: bool,
    /// Whether the application tells its paths from those that differ in case, or by a slash at the end. Where it does
    /// not, such a path under a later route would be judged by another rule than the one that is meant for it.
    pub is_case_exact: bool,
}

/// What a route asks of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Access {
    /// Nothing: a token is not even looked at.
    Public,
    /// A valid token that this policy allows.
    Token(Policy),
}

impl Route {
    /// A route that is on, and lets preflights pass.
    pub const fn new(patterns: Vec<Pattern>, access: Access) -> Self {
        Self { patterns, access, allows_preflight: true, is_shadow: false, is_case_exact: false }
    }

    /// The first of its patterns: its name in logs and metrics.
    pub fn name(&self) -> &str {
        self.patterns.first().map_or("", Pattern::as_str)
    }
}

/// All rules, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    routes: Vec<Route>,
    index: Index,
}

impl Routes {
    /// The first that is for a request decides.
    pub fn new(routes: Vec<Route>) -> Self {
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
    pub fn find(&self, method: &str, target: &str) -> Result<&Route, Denial> {
        // Methods are case-sensitive (RFC 9110 §9.1), but many frameworks write them in capitals before they look at them.
        if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
            return Err(Denial::new(ErrorCode::AmbiguousRequest));
        }
        let path = PlainPath::of(target).map_err(|_| Denial::new(ErrorCode::AmbiguousPath))?;
        let segments: Vec<Cow<'_, str>> = path.segments().collect();
        match self.look(method, &segments) {
            Found { first: None, .. } => Err(Denial::new(ErrorCode::NoRoute)),
            Found { earlier: Some(_), .. } => Err(Denial::new(ErrorCode::AmbiguousPath)),
            Found { first: Some(first), .. } => Ok(&self.routes[first.route]),
        }
    }

    fn look(&self, method: &str, segments: &[Cow<'_, str>]) -> Found {
        let lower: Vec<_> = segments.iter().map(|segment| in_lower_case(segment)).collect();
        let mut lower: Vec<&str> = lower.iter().map(AsRef::as_ref).collect();
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
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Patterns that no request reaches, since an earlier one takes all of theirs: the place of the route, that of the
    /// pattern in it, and the earlier pattern.
    pub fn unreachable(&self) -> impl Iterator<Item = (usize, usize, &Pattern)> {
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
    pub fn siblings(&self) -> impl Iterator<Item = Sibling<'_>> {
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
#[non_exhaustive]
pub struct Sibling<'r> {
    /// The pattern.
    pub pattern: &'r Pattern,
    /// The earlier one.
    pub earlier: &'r Pattern,
    /// One of the paths, decoded.
    pub path: String,
}

fn in_lower_case(segment: &str) -> Cow<'_, str> {
    if segment.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(segment.to_ascii_lowercase())
    } else {
        Cow::Borrowed(segment)
    }
}

/// Adds a slash at the end of a path, or takes the one that is there away; false for the path that is nothing else.
fn change_slash(segments: &mut Vec<&str>) -> bool {
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
mod tests {
    use super::*;

    fn routes(patterns: &[&[&str]]) -> Routes {
        let route = |own: &&[&str]| {
            let patterns = own.iter().map(|text| text.parse().expect("a pattern")).collect();
            Route::new(patterns, Access::Public)
        };
        Routes::new(patterns.iter().map(route).collect())
    }

    #[test]
    fn the_first_that_is_for_a_request_decides_and_none_lets_through_by_default() {
        let routes = routes(&[&["GET /orders/open"], &["/orders/{id}", "/items"], &["/orders/*"]]);
        let name =
            |method, target| routes.find(method, target).map(Route::name).map_err(|denial| denial.code());
        assert_eq!(name("GET", "/orders/open?x=1"), Ok("GET /orders/open"));
        assert_eq!(name("POST", "/orders/open"), Ok("/orders/{id}"));
        assert_eq!(name("POST", "/items"), Ok("/orders/{id}"));
        assert_eq!(name("GET", "/orders/1/2"), Ok("/orders/*"));
        assert_eq!(name("GET", "/"), Err(ErrorCode::NoRoute));
        assert_eq!(name("GET", "/orders//open"), Err(ErrorCode::AmbiguousPath));
        for method in ["post", "Post", "POSt"] {
            assert_eq!(name(method, "/items"), Err(ErrorCode::AmbiguousRequest), "{method}");
        }
        assert_eq!(name("M-SEARCH", "/items"), Ok("/orders/{id}"));
        assert_eq!(Routes::default().find("GET", "/").unwrap_err().code(), ErrorCode::NoRoute);
    }

    #[test]
    fn a_path_that_an_earlier_route_may_be_meant_for_is_ambiguous() {
        let mut all = routes(&[&["/admin", "/admin/*"], &["GET /users/{id}/keys"], &["GET /me/"], &["/*"]]);
        let code = |all: &Routes, method, target| {
            all.find(method, target).map_err(|denial| denial.code()).map(Route::name).map(ToOwned::to_owned)
        };
        for target in [
            "/Admin",
            "/ADMIN/x",
            "/admiN/",
            "/users/7/Keys",
            "/users/7/keys/",
            "/Users/7/KEYS/",
            "/me",
            "/Me",
            "/ME/",
        ] {
            assert_eq!(code(&all, "GET", target), Err(ErrorCode::AmbiguousPath), "{target}");
        }
        assert_eq!(code(&all, "HEAD", "/Me/"), Err(ErrorCode::AmbiguousPath));
        for (method, target, name) in [
            ("GET", "/admin", "/admin"),
            ("GET", "/admin/", "/admin"),
            ("GET", "/users/A/keys", "GET /users/{id}/keys"),
            ("GET", "/users//keys/x", ""),
            ("GET", "/Admins", "/*"),
            ("GET", "/users/7/keys/x", "/*"),
            ("GET", "/", "/*"),
            // The earlier route is not for this method.
            ("POST", "/Me/", "/*"),
            ("POST", "/users/7/keys/", "/*"),
        ] {
            if !name.is_empty() {
                assert_eq!(code(&all, method, target).as_deref(), Ok(name), "{method} {target}");
            }
        }
        all.routes[0].is_case_exact = true;
        assert_eq!(code(&all, "GET", "/Admin").as_deref(), Ok("/*"));
        assert_eq!(code(&all, "GET", "/ME/"), Err(ErrorCode::AmbiguousPath));
        // Where no route is for it, it is refused as before.
        let alone = routes(&[&["/admin"]]);
        assert_eq!(code(&alone, "GET", "/Admin"), Err(ErrorCode::NoRoute));
        assert_eq!(code(&alone, "GET", "/admin/"), Err(ErrorCode::NoRoute));
    }

    #[test]
    fn siblings_are_told_with_a_path_that_is_refused() {
        let told = |patterns: &[&[&str]]| -> Vec<_> {
            let all = routes(patterns);
            let told = |sibling: Sibling<'_>| {
                let method = sibling.pattern.method().unwrap_or("GET");
                assert_eq!(all.find(method, &sibling.path).unwrap_err().code(), ErrorCode::AmbiguousPath);
                format!("{} {} {}", sibling.pattern.as_str(), sibling.earlier.as_str(), sibling.path)
            };
            all.siblings().map(told).collect()
        };
        assert_eq!(told(&[&["/orders"], &["/orders/*"]]), ["/orders/* /orders /orders/"]);
        assert_eq!(told(&[&["/orders/*"], &["/orders"]]), ["/orders /orders/* /orders"]);
        assert_eq!(told(&[&["/orders"], &["/Orders"]]), ["/Orders /orders /Orders"]);
        assert_eq!(told(&[&["/orders"], &["GET /orders/"]]), ["GET /orders/ /orders /orders/"]);
        assert_eq!(told(&[&["/users/me"], &["/users/{id}"]]), ["/users/{id} /users/me /users/ME"]);
        assert_eq!(told(&[&["GET /orders"], &["POST /orders/*"], &["/*"]]), <[&str; 0]>::default());
        assert_eq!(
            told(&[&["/orders", "/orders/*"], &["/users/{id}"], &["/users/{id}/keys"]]),
            <[&str; 0]>::default()
        );
    }

    #[test]
    fn many_routes_are_looked_through_in_one_go() {
        let count = 10_000;
        let all = |text: fn(usize) -> String| {
            let route = |number| Route::new(vec![text(number).parse().expect("a pattern")], Access::Public);
            Routes::new((0..count).map(route).collect())
        };
        let different = all(|number| format!("GET /api/{number}/items/{{id}}"));
        assert_eq!(different.unreachable().count(), 0);
        assert_eq!(different.siblings().count(), 0);
        let places = all(|number| format!("/{{tenant}}/{number}/*"));
        assert_eq!((places.unreachable().count(), places.siblings().count()), (0, 0));
        for number in 0..count {
            let target = format!("/api/{number}/items/7");
            assert_eq!(
                different.find("GET", &target).map(Route::name).ok(),
                Some(&*format!("GET /api/{number}/items/{{id}}"))
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn the_index_finds_what_a_walk_through_all_routes_finds(
            patterns in proptest::collection::vec("(GET |POST )?(/(a|A|b|\\{x\\})){0,3}(/\\*|/a|/)", 1..8),
            path in "(/(a|A|b)){0,3}(/|/a|/B)",
            exact in 0_usize..8,
        ) {
            let mut own: Vec<Route> = Vec::new();
            for text in &patterns {
                if let Ok(pattern) = text.parse() {
                    own.push(Route::new(vec![pattern], Access::Public));
                }
            }
            if let Some(route) = own.get_mut(exact) {
                route.is_case_exact = true;
            }
            let all = Routes::new(own.clone());
            let segments = |path: &str| PlainPath::of(path).map(|path| path.segments().map(Cow::into_owned).map(Cow::Owned).collect::<Vec<_>>()).ok();
            let first = segments(&path).and_then(|path| own.iter().position(|route| route.patterns[0].matches("GET", &path)));
            let folded = |route: &Route, path: &str| {
                let text = route.patterns[0].as_str();
                let (method, rest) = text.split_once(' ').map_or(("", text), |(method, rest)| (method, rest));
                let lower: Pattern = format!("{method} {}", rest.to_ascii_lowercase()).trim_start().parse().expect("a pattern");
                segments(&path.to_ascii_lowercase()).is_some_and(|path| lower.matches("GET", &path))
            };
            let slash = if path == "/" { path.clone() } else { path.strip_suffix('/').map_or(format!("{path}/"), ToOwned::to_owned) };
            let is_near = |route: &&Route| !route.is_case_exact && (folded(route, &path) || folded(route, &slash));
            let expected = match first {
                None => Err(ErrorCode::NoRoute),
                Some(first) if own[..first].iter().any(|route| is_near(&route)) => Err(ErrorCode::AmbiguousPath),
                Some(first) => Ok(own[first].name().to_owned()),
            };
            let found = all.find("GET", &path).map(|route| route.name().to_owned()).map_err(|denial| denial.code());
            proptest::prop_assert_eq!(found, expected);
            // And what no request reaches.
            let slow: Vec<_> = (0..own.len())
                .filter_map(|place| {
                    let covers = |route: &&Route| route.patterns[0].covers(&own[place].patterns[0]);
                    own[..place].iter().find(covers).map(|earlier| (place, 0, earlier.patterns[0].clone()))
                })
                .collect();
            let quick: Vec<_> = all.unreachable().map(|(route, own, by)| (route, own, by.clone())).collect();
            proptest::prop_assert_eq!(quick, slow);
        }
    }

    #[test]
    fn what_no_request_reaches() {
        let routes = routes(&[&["GET /*"], &["POST /a", "GET /a"], &["/b", "/b"], &["/c/*", "/d"]]);
        let found: Vec<_> = routes.unreachable().map(|(route, own, by)| (route, own, by.as_str())).collect();
        assert_eq!(found, [(1, 1, "GET /*"), (2, 1, "/b")]);
    }
}
