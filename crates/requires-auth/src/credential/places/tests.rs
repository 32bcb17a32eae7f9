//! Each rule of the places, on both sides.

use super::*;

const ALL: [&str; 5] = [
    "authorization",
    "header=X-Token",
    "cookie=token",
    "subprotocol.prefix=base64url.bearer.authorization.k8s.io.",
    "subprotocol.after=bearer",
];

fn places(list: &[&str]) -> Places {
    let list = list.iter().map(|text| text.parse().expect("a place")).collect();
    Places::new(list, vec!["https://app.example".into()])
}

fn read(list: &[&str], method: &str, url: &str, headers: &[(&str, &str)]) -> Result<String, &'static str> {
    let headers = headers.to_vec();
    let credential = places(list).credential(&Request::new(method, url, &headers), false);
    let token = credential.and_then(|credential| Ok(credential.bearer()?.token().to_owned()));
    token.map_err(|denial| denial.code().as_str())
}

fn get(headers: &[(&str, &str)]) -> Result<String, &'static str> {
    read(&ALL, "GET", "/", headers)
}

const K8S: &str = "base64url.bearer.authorization.k8s.io.YS5iLmM"; // a.b.c

#[test]
fn a_token_is_read_in_every_place() {
    for headers in [
        vec![("authorization", "Bearer a.b.c")],
        vec![("x-token", "a.b.c")],
        vec![("X-Token", " bearer  a.b.c ")],
        vec![("cookie", "other=1; token=a.b.c")],
        vec![("cookie", "other=1"), ("cookie", "token=a.b.c")],
        vec![("sec-websocket-protocol", "chat, bearer, a.b.c")],
        vec![("sec-websocket-protocol", "chat,bearer"), ("sec-websocket-protocol", "a.b.c")],
        vec![("sec-websocket-protocol", K8S)],
        // Another scheme beside it carries no token.
        vec![("authorization", "Basic dTpw"), ("x-token", "a.b.c")],
    ] {
        assert_eq!(get(&headers).as_deref(), Ok("a.b.c"), "{headers:?}");
    }
}

#[test]
fn a_place_that_is_not_named_counts_for_nothing() {
    let missing = Err("auth.authorization_header_missing");
    let bearer = [("authorization", "Bearer a.b.c")];
    assert_eq!(read(&["header=x-token"], "GET", "/", &bearer), missing.clone());
    // Nor is a value there refused that would be, were it read.
    let two = [("authorization", "Bearer x.y.z"), ("x-token", "a.b.c")];
    assert_eq!(read(&["header=x-token"], "GET", "/", &two).as_deref(), Ok("a.b.c"));
    for headers in [
        ("x-tokens", "a.b.c"),
        ("cookie", "Token=a.b.c"),
        ("cookie", "token"),
        ("sec-websocket-protocol", "Bearer, a.b.c"),
    ] {
        assert_eq!(get(&[headers]), missing.clone(), "{headers:?}");
    }
    assert_eq!(read(&ALL, "GET", "/?access_token=a.b.c", &[]), missing);
}

#[test]
fn the_same_bytes_in_two_places_are_one_token_and_others_are_two() {
    assert_eq!(get(&[("authorization", "Bearer a.b.c"), ("x-token", "a.b.c")]).as_deref(), Ok("a.b.c"));
    assert_eq!(get(&[("sec-websocket-protocol", K8S), ("x-token", "a.b.c")]).as_deref(), Ok("a.b.c"));
    for headers in [
        vec![("authorization", "Bearer a.b.c"), ("x-token", "a.b.d")],
        vec![("x-token", "a.b.c"), ("cookie", "token=x.y.z")],
        vec![("x-token", "a.b.c"), ("x-token", "a.b.c")],
        vec![("cookie", "token=a.b.c; token=a.b.c")],
        vec![("cookie", "token=a.b.c"), ("cookie", "token=a.b.c")],
        vec![("sec-websocket-protocol", "bearer, a.b.c, bearer, a.b.c")],
        vec![("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.c")],
    ] {
        assert_eq!(get(&headers), Err("invalid_request"), "{headers:?}");
    }
    let two = format!("{K8S}, {K8S}");
    assert_eq!(get(&[("sec-websocket-protocol", &two)]), Err("invalid_request"));
}

#[test]
fn a_token_in_the_query_beside_any_place_is_refused() {
    for headers in [("x-token", "a.b.c"), ("cookie", "token=a.b.c"), ("sec-websocket-protocol", K8S)] {
        let read = |url| read(&ALL, "GET", url, &[headers]);
        assert_eq!(read("/?access_token=a.b.c"), Err("invalid_request"), "{headers:?}");
        assert_eq!(read("/?q=a.b.c").as_deref(), Ok("a.b.c"), "{headers:?}");
    }
}

#[test]
fn what_is_not_a_token_is_refused_and_never_skipped() {
    for headers in [
        vec![("x-token", "")],
        vec![("x-token", "Basic dTpw")],
        vec![("x-token", "a.b.c, a.b.c")],
        vec![("cookie", "token=")],
        vec![("cookie", "token=\"a.b.c\"")],
        vec![("sec-websocket-protocol", "bearer")],
        vec![("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.=")],
        vec![("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.")],
        vec![("authorization", "Bearer"), ("x-token", "a.b.c")],
    ] {
        assert_eq!(get(&headers), Err("auth.authorization_token_invalid_format"), "{headers:?}");
        let headers_read = headers.clone();
        assert!(!places(&ALL).show_no_token(&Request::new("GET", "/", &headers_read)), "{headers:?}");
    }
}

#[test]
fn a_cookie_counts_only_where_no_other_site_can_have_sent_it() {
    let cookie = ("cookie", "token=a.b.c");
    let asked = |method, more: &[(&'static str, &'static str)]| {
        let headers: Vec<_> = std::iter::once(cookie).chain(more.iter().copied()).collect();
        read(&ALL, method, "/", &headers)
    };
    let ok = Ok("a.b.c".to_owned());
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert_eq!(asked(method, &[]), ok, "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "QUERY"] {
        for more in [
            vec![],
            vec![("sec-fetch-site", "same-site")],
            vec![("sec-fetch-site", "none")],
            vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "https://app.example.evil")],
            vec![("origin", "https://app.example"), ("origin", "https://evil.example")],
            vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
        ] {
            assert_eq!(asked(method, &more), Err("auth.cross_site"), "{method} {more:?}");
        }
        assert_eq!(asked(method, &[("sec-fetch-site", "same-origin")]), ok);
        assert_eq!(asked(method, &[("origin", "https://app.example")]), ok);
    }
    // A WebSocket begins as a GET, and a page of another site can read what comes back.
    for upgrade in [("upgrade", "websocket"), ("sec-websocket-key", "x"), ("sec-websocket-version", "13")] {
        assert_eq!(asked("GET", &[upgrade]), Err("auth.cross_site"), "{upgrade:?}");
        assert_eq!(asked("GET", &[upgrade, ("origin", "https://app.example")]), ok);
    }
    let headers = [cookie];
    let request = Request::new("GET", "/", &headers).as_upgrade();
    assert_eq!(places(&ALL).credential(&request, false).unwrap_err().code(), ErrorCode::CrossSite);
    // A token in another place alone is no cookie's, whatever cookies there are.
    assert_eq!(read(&ALL, "POST", "/", &[("x-token", "a.b.c"), ("cookie", "a=b")]), ok);
    // The same token in both places: the cookie is there.
    assert_eq!(asked("POST", &[("x-token", "a.b.c")]), Err("auth.cross_site"));
}

#[test]
fn a_set_has_the_places_that_are_read() {
    let places = places(&["header=X-Token", "cookie=token", "authorization"]);
    let set = |text: &[&str]| {
        PlaceSet::of(
            places.list(),
            &text.iter().map(|text| text.parse().expect("a place")).collect::<Vec<_>>(),
        )
    };
    let headers = [("x-token", "a.b.c")];
    let found = places.credential(&Request::new("GET", "/", &headers), false).expect("a token").places();
    assert!(found.meets(set(&["header=X-Token"])) && found.meets(PlaceSet::ANY));
    assert!(!found.meets(set(&["cookie=token", "authorization"])));
    let headers = [("authorization", "Bearer a.b.c")];
    let found = places.credential(&Request::new("GET", "/", &headers), false).expect("a token").places();
    assert!(found.meets(set(&["authorization"])) && !found.meets(set(&["header=X-Token", "cookie=token"])));
}

#[test]
fn the_headers_that_are_looked_at_are_those_of_the_places() {
    assert_eq!(
        places(&["header=X-Token", "subprotocol.after=bearer"]).headers().concat(),
        "sec-websocket-protocolx-token"
    );
    let of_cookie = places(&["cookie=a", "cookie=b"]).headers();
    for name in
        ["cookie", "origin", "sec-fetch-site", "sec-websocket-key", "sec-websocket-version", "upgrade"]
    {
        assert!(of_cookie.iter().any(|own| **own == *name), "{name}");
    }
    assert_eq!(of_cookie.len(), 6);
}
