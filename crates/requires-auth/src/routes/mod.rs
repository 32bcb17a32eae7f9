//! Routes of a gateway: which rule a request falls under. Pure; the gateway judges the token.
//!
//! A request whose path can be read in more than one way is refused before it is matched, and so is one that no
//! route is for: there is no default that lets through.

use std::borrow::Cow;

use crate::error::{Denial, ErrorCode};
use crate::policy::Policy;

mod path;
mod pattern;

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
        Self { patterns, access, allows_preflight: true, is_shadow: false }
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
}

impl Routes {
    /// The first that is for a request decides.
    pub const fn new(routes: Vec<Route>) -> Self {
        Self { routes }
    }

    /// The rule for a request: its method, and its target as it came over the wire.
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
        let found =
            self.routes.iter().find(|route| route.patterns.iter().any(|own| own.matches(method, &segments)));
        found.ok_or_else(|| Denial::new(ErrorCode::NoRoute))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// Patterns that no request reaches, since an earlier one takes all of theirs: the place of the route, that of the
    /// pattern in it, and the earlier pattern.
    pub fn unreachable(&self) -> impl Iterator<Item = (usize, usize, &Pattern)> {
        self.routes.iter().enumerate().flat_map(move |(place, route)| {
            let earlier = self.routes[..place].iter().flat_map(|route| &route.patterns);
            route.patterns.iter().enumerate().filter_map(move |(own, pattern)| {
                let before = route.patterns[..own].iter();
                earlier
                    .clone()
                    .chain(before)
                    .find(|other| other.covers(pattern))
                    .map(|other| (place, own, other))
            })
        })
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
    fn what_no_request_reaches() {
        let routes = routes(&[&["GET /*"], &["POST /a", "GET /a"], &["/b", "/b"], &["/c/*", "/d"]]);
        let found: Vec<_> = routes.unreachable().map(|(route, own, by)| (route, own, by.as_str())).collect();
        assert_eq!(found, [(1, 1, "GET /*"), (2, 1, "/b")]);
    }
}
