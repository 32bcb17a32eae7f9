//! The rules of requests, and what a file of routes is told.

use std::borrow::Cow;

use requires_auth::ErrorCode;
use requires_auth::policy::Requirement;

use super::path::PlainPath;
use super::*;
use crate::gateway::host::HostPattern;

fn routes(patterns: &[&[&str]]) -> Routes {
    let route = |own: &&[&str]| {
        let patterns = own.iter().map(|text| text.parse().expect("a pattern")).collect();
        Route::new(patterns, Requirement::none())
    };
    Routes::new(patterns.iter().map(route).collect())
}

#[test]
fn the_first_that_is_for_a_request_decides_and_none_lets_through_by_default() {
    let routes = routes(&[&["GET /orders/open"], &["/orders/{id}", "/items"], &["/orders/*"]]);
    let name = |method, target| routes.find(method, target, None).map(Route::name).map_err(NotFound::code);
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
    assert_eq!(Routes::default().find("GET", "/", None).unwrap_err().code(), ErrorCode::NoRoute);
}

#[test]
fn a_path_that_an_earlier_route_may_be_meant_for_is_ambiguous() {
    let mut all = routes(&[&["/admin", "/admin/*"], &["GET /users/{id}/keys"], &["GET /me/"], &["/*"]]);
    let code = |all: &Routes, method, target| {
        all.find(method, target, None).map_err(NotFound::code).map(Route::name).map(ToOwned::to_owned)
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
            assert_eq!(all.find(method, &sibling.path, None).unwrap_err().code(), ErrorCode::AmbiguousPath);
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
        let route = |number| Route::new(vec![text(number).parse().expect("a pattern")], Requirement::none());
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
            different.find("GET", &target, None).map(Route::name).ok(),
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
                own.push(Route::new(vec![pattern], Requirement::none()));
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
        let found = all.find("GET", &path, None).map(|route| route.name().to_owned()).map_err(NotFound::code);
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

#[test]
fn an_encoded_slash_passes_where_its_route_allows_it_and_stays_within_its_segment() {
    let mut all = routes(&[&["GET /projects/{id}", "GET /projects/{id}/issues"], &["GET /files/*"], &["/*"]]);
    all.routes[0].allows_encoded_slash = true;
    let name = |all: &Routes, target| all.find("GET", target, None).map(|route| route.name().to_owned());
    assert_eq!(name(&all, "/projects/group%2Fproject").as_deref(), Ok("GET /projects/{id}"));
    assert_eq!(name(&all, "/projects/group%2fproject/issues").as_deref(), Ok("GET /projects/{id}"));
    for target in ["/files/a%2Fb", "/files%2Fa", "/projects%2Fa", "/a%2Fb", "/projects/a%2Fb/other"] {
        assert_eq!(name(&all, target), Err(NotFound::Slash), "{target}");
    }
    assert_eq!(all.find("GET", "/projects/..%2Fb", None).unwrap_err().code(), ErrorCode::AmbiguousPath);
    // With plain slashes it would be for what is left over.
    assert_eq!(name(&all, "/projects/a%2Fb%2Fc").as_deref(), Ok("GET /projects/{id}"));
    all.routes[2].allows_encoded_slash = true;
    assert_eq!(name(&all, "/a%2Fb").as_deref(), Ok("/*"));
    assert_eq!(name(&all, "/files%2Fa"), Err(NotFound::Slash));
    let alone = routes(&[&["GET /a/{id}"]]);
    assert_eq!(name(&alone, "/b%2Fc"), Err(NotFound::SlashWithoutRoute));
    assert_eq!(NotFound::SlashWithoutRoute.code(), ErrorCode::AmbiguousPath);
}

#[test]
fn a_route_with_more_rights_is_not_reached_by_an_encoded_slash() {
    let mut all = routes(&[&["/api/admin/*"], &["/api/*"], &["/api/{x}/Secret"], &["/open/{id}"]]);
    all.routes[1].allows_encoded_slash = true;
    all.routes[3].allows_encoded_slash = true;
    let found = |target| all.find("GET", target, None).map(Route::name);
    assert_eq!(found("/api/@acme%2Fpkg"), Ok("/api/*"));
    // A server that decodes before it looks for slashes sees /api/admin/users, whatever the case is.
    for target in ["/api/admin%2Fusers", "/api/Admin%2Fusers", "/api/admin%2fusers%2Fx"] {
        assert_eq!(found(target), Err(NotFound::Slash), "{target}");
    }
    assert_eq!(found("/open/a%2Fb"), Ok("/open/{id}"));
    let mut later = routes(&[&["/open/{id}"], &["/open/{id}/secret"]]);
    later.routes[0].allows_encoded_slash = true;
    for target in ["/open/a%2Fsecret", "/open/a%2FSECRET", "/open/a%2Fsecret/"] {
        assert!(later.find("GET", target, None).is_err(), "{target}");
    }
    assert_eq!(later.find("GET", "/open/a%2Fb", None).map(Route::name), Ok("/open/{id}"));
    // A star below the place of the slash is not what is left over.
    let mut below = routes(&[&["/open/{id}"], &["/open/private/*"], &["/open/*"], &["/*"]]);
    below.routes[0].allows_encoded_slash = true;
    for target in ["/open/private%2Fa", "/open/PRIVATE%2Fa", "/open/private%2Fa%2Fb"] {
        assert_eq!(below.find("GET", target, None).map(Route::name), Err(NotFound::Slash), "{target}");
    }
    assert_eq!(below.find("GET", "/open/a%2Fb", None).map(Route::name), Ok("/open/{id}"));
    below.routes[1].allows_encoded_slash = true;
    assert_eq!(below.find("GET", "/open/private%2Fa", None).map(Route::name), Ok("/open/{id}"));
}

#[test]
fn a_route_may_be_for_some_hosts_alone() {
    let mut all = routes(&[&["GET /*"], &["GET /*", "/admin"], &["GET /public"], &["GET /*"]]);
    for (route, hosts) in [(0, ["admin.example.com", "root.example.com"]), (1, ["*.example.com", "x.test"])] {
        all.routes[route].hosts = hosts.map(|host| HostPattern::parse(host).expect(host)).to_vec();
    }
    let all = Routes::new(all.routes);
    let find = |target, host| {
        let found = all.find("GET", target, host)?;
        Ok(all.iter().position(|route| std::ptr::eq(route, found)).expect("a route"))
    };
    for (host, expected) in [
        ("admin.example.com", 0),
        ("ADMIN.Example.com.:443", 0),
        ("root.example.com", 0),
        ("acme.example.com", 1),
        ("x.test:80", 1),
        ("example.com", 3),
        ("a.b.example.com", 3),
    ] {
        assert_eq!(find("/a", Some(host)), Ok(expected), "{host}");
    }
    // A request that does not say its host may be one of the first route's.
    for host in [
        None,
        Some(""),
        Some("a,b"),
        Some("admin.example.com, x"),
        Some("user@admin.example.com"),
        Some("%61dmin.example.com"),
    ] {
        assert_eq!(find("/a", host), Err(NotFound::Host), "{host:?}");
    }
    assert_eq!(NotFound::Host.code(), ErrorCode::AmbiguousRequest);
    // Nor do case and a last slash matter less where the host is another.
    assert_eq!(find("/Admin", Some("x.test")), Ok(1));
    assert_eq!(all.unreachable().count(), 0);
}

#[test]
fn no_host_is_asked_for_where_it_makes_no_difference() {
    let mut all = routes(&[&["/health"], &["/*"], &["/*"]]);
    all.routes[1].hosts = vec![HostPattern::parse("a.test").expect("a host")];
    let all = Routes::new(all.routes);
    assert_eq!(all.find("GET", "/health", None).map(Route::name), Ok("/health"));
    assert_eq!(all.find("GET", "/x", None).map(Route::name), Err(NotFound::Host));
    let all = routes(&[&["/*"]]);
    assert_eq!(all.find("GET", "/x", Some("a,b")).map(Route::name), Ok("/*"));
}

#[test]
fn hosts_are_looked_at_where_routes_are_compared() {
    let told = |hosts: [&[&str]; 2]| {
        let mut all = routes(&[&["/orders"], &["/Orders", "/orders"]]);
        for (route, hosts) in all.routes.iter_mut().zip(hosts) {
            route.hosts = hosts.iter().map(|host| HostPattern::parse(host).expect(host)).collect();
        }
        let all = Routes::new(all.routes);
        (all.siblings().count(), all.unreachable().count())
    };
    assert_eq!(told([&[], &[]]), (1, 1));
    assert_eq!(told([&["a.test"], &["b.test"]]), (0, 0));
    assert_eq!(told([&["a.test"], &["a.test"]]), (1, 1));
    assert_eq!(told([&["*.test"], &["a.test"]]), (1, 1));
    assert_eq!(told([&["a.test"], &["*.test"]]), (1, 0));
    assert_eq!(told([&["a.test"], &[]]), (1, 0));
    assert_eq!(told([&[], &["a.test"]]), (1, 1));
}

#[test]
fn a_path_of_another_case_is_refused_for_the_hosts_of_the_earlier_route() {
    let mut all = routes(&[&["/admin"], &["/*"]]);
    all.routes[0].hosts = vec![HostPattern::parse("a.test").expect("a host")];
    let all = Routes::new(all.routes);
    assert_eq!(all.find("GET", "/Admin", Some("b.test")).map(Route::name), Ok("/*"));
    assert_eq!(all.find("GET", "/Admin", Some("a.test")).map(Route::name), Err(NotFound::Case));
    assert_eq!(all.find("GET", "/Admin", None).map(Route::name), Err(NotFound::Case));
}
