//! The gateway's sections of a configuration file: what they set, and how their mistakes are told.

use std::time::Duration;

use requires_auth::policy::{ClaimTest, Presence, Requirement};
use requires_auth::{ErrorCode, Policy};

use super::peers::Network;
use super::*;
use crate::gateway::routes::{NotFound, Route};

const ISSUERS: &str = "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example.com\"\n\
                       [issuers.partner]\nissuer = \"https://partner.example\"\naudience = \"api://orders\"\n";

/// The line below [`ISSUERS`].
const NEXT: u32 = 7;

pub(super) fn read(text: &str) -> GatewayConfig {
    let config = Config::parse(&format!("{ISSUERS}{text}"), "conf/gateway.toml");
    config.unwrap_or_else(|error| panic!("{error}")).gateway
}

/// Line, setting and found of the mistakes below the issuers.
fn mistakes(text: &str) -> Vec<(u32, String, String)> {
    let error = Config::parse(&format!("{ISSUERS}{text}"), "gateway.toml").expect_err(text);
    let one = |problem: &requires_auth::error::ConfigProblem| {
        let place = problem.place().expect("a place");
        (place.line() - NEXT, place.setting().to_owned(), problem.found().to_owned())
    };
    error.problems().iter().map(one).collect()
}

#[track_caller]
pub(super) fn refused(text: &str, line: u32, setting: &str, found: &str) {
    assert_eq!(mistakes(text), [(line, setting.to_owned(), found.to_owned())], "{text}");
}

#[test]
fn every_setting_arrives() {
    let config = read(
        r#"
        [server]
        listen     = "unix:run/gateway.sock"
        admin      = "127.0.0.1:9181"
        public_url = "https://api.example.com/"
        connections_per_peer = 100
        tls        = { certificate = "cert.pem", key = "/etc/key.pem" }
        [forward_auth]
        dialects      = ["nginx", "envoy"]
        trusted_peers = ["10.0.0.0/8"]
        aliases       = "pass"
        [headers]
        "X-Auth-Subject" = "sub"
        "X-Auth-Issuer"  = "@issuer"
        [[tests]]
        request = "POST /orders?x=1"
        claims  = { iss = "main", scope = "read:orders", org = { plan = "pro" }, n = 1 }
        expect  = { status = 403, error = "insufficient_scope" }
        [[tests]]
        request = "/orders"
        expect  = { status = 200 }
        "#,
    );
    let server = config.server.expect("a server");
    assert_eq!(server.listen, Listen::Unix("conf/run/gateway.sock".into()));
    assert_eq!(server.admin, Some(Listen::Tcp(([127, 0, 0, 1], 9181).into())));
    assert_eq!(server.connections_per_peer.map(usize::from), Some(100));
    let tls = server.tls.expect("TLS");
    assert_eq!((tls.certificate, tls.key), ("conf/cert.pem".into(), "/etc/key.pem".into()));
    let forward_auth = config.forward_auth.expect("forward_auth");
    assert_eq!(forward_auth.dialects.iter().map(|own| own.name()).collect::<Vec<_>>(), ["nginx", "envoy"]);
    let trusts = |peer: [u8; 4]| forward_auth.trusted_peers.iter().any(|own| own.contains(peer.into()));
    assert!(trusts([10, 1, 1, 1]) && !trusts([127, 0, 0, 1]));
    assert!(!forward_auth.denies_aliases);
    let headers: Vec<_> =
        config.headers.iter().map(|header| (header.name.as_str(), header.source.clone())).collect();
    let subject = IdentitySource::Claim("sub".to_owned());
    assert_eq!(headers, [("x-auth-subject", subject), ("x-auth-issuer", IdentitySource::IssuerName)]);
    let [first, second] = config.tests.as_slice() else { panic!("two tests") };
    assert_eq!((&*first.method, &*first.target, first.status), ("POST", "/orders?x=1", 403));
    assert_eq!(first.error.as_deref(), Some("insufficient_scope"));
    let claims = serde_json::json!({"iss": "main", "scope": "read:orders", "org": {"plan": "pro"}, "n": 1});
    assert_eq!(first.claims.clone().map(serde_json::Value::Object), Some(claims));
    assert_eq!((&*second.method, &*second.target, second.claims.is_none()), ("GET", "/orders", true));
}

#[test]
fn what_is_left_out_is_safe() {
    let config = read("[server]\nlisten = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n");
    let server = config.server.expect("a server");
    assert!(server.admin.is_none() && server.tls.is_none());
    let forward_auth = config.forward_auth.expect("forward_auth");
    assert_eq!(forward_auth.trusted_peers, Network::LOOPBACK);
    assert!(forward_auth.denies_aliases);
    // No route, no way in.
    assert_eq!(config.routes.find("GET", "/", None).map(Route::name).unwrap_err().code(), ErrorCode::NoRoute);
}

#[test]
fn routes_say_what_they_need() {
    let config = read(
        r#"
        [[routes]]
        match  = "GET /orders/*"
        scopes = ["read:orders"]
        [[routes]]
        match      = ["POST /orders", "DELETE /orders/*"]
        any_scopes = ["write:orders", "admin"]
        issuers    = ["main"]
        claims     = { "org.plan" = ["pro", "team"], level = 3 }
        preflight  = "deny"
        enforce    = "shadow"
        [[routes]]
        match  = "/open"
        public = true
        "#,
    );
    let routes: Vec<_> = config.routes.iter().collect();
    let policy = |route: &Route| {
        assert_eq!(route.requirement.presence(), Presence::Required);
        route.requirement.policy().clone()
    };
    assert_eq!(policy(routes[0]), Policy::all_of(["read:orders"]));
    assert!(routes[0].allows_preflight && !routes[0].is_shadow);
    let expected = Policy::any_of(["write:orders", "admin"])
        .with_claim("org.plan", ClaimTest::contains_any(["pro", "team"]))
        .with_claim("level", ClaimTest::contains(3))
        .with_claim("iss", ClaimTest::one_of(["https://issuer.example"]));
    assert_eq!(policy(routes[1]), expected);
    assert!(!routes[1].allows_preflight && routes[1].is_shadow);
    assert_eq!(routes[2].requirement, Requirement::none());
}

#[test]
fn enforce_is_for_all_routes_unless_one_says_otherwise() {
    let text = format!(
        "enforce = \"shadow\"\n{ISSUERS}[[routes]]\nmatch = \"/a\"\n[[routes]]\nmatch = \"/b\"\nenforce = \"on\"\n"
    );
    let config = Config::parse(&text, "gateway.toml").expect("a configuration").gateway;
    assert_eq!(config.routes.iter().map(|route| route.is_shadow).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_reverse_proxy_has_defaults() {
    let parse = |lines: &str| {
        let text = format!("{ISSUERS}[reverse_proxy]\n{lines}");
        Config::parse(&text, "/etc/gateway.toml")
            .expect("a configuration")
            .gateway
            .reverse_proxy
            .expect("one")
    };
    let config = parse("upstream = \"http://app:8080/\"\n");
    assert_eq!(config.upstream, Upstream::Tcp("app:8080".parse().expect("an authority")));
    assert!(config.preserves_host && !config.passes_token);
    assert_eq!(config.timeout, Duration::from_secs(60));
    let config = parse("upstream = \"https://app.internal:8443\"\nca = \"ca.pem\"\n");
    assert_eq!(config.upstream, Upstream::Tls("app.internal:8443".parse().expect("an authority")));
    assert_eq!(config.ca, Some("/etc/ca.pem".into()));
    for text in ["https://127.0.0.1", "https://[::1]:8443/"] {
        let config = parse(&format!("upstream = \"{text}\"\n"));
        assert!(matches!(config.upstream, Upstream::Tls(_)) && config.ca.is_none(), "{text}");
    }
    let config =
        parse("upstream = \"unix:app.sock\"\npreserve_host = false\npass_token = true\ntimeout = \"5m\"\n");
    assert_eq!(config.upstream, Upstream::Unix("/etc/app.sock".into()));
    assert!(!config.preserves_host && config.passes_token);
    assert_eq!(config.timeout, Duration::from_secs(300));
}

#[test]
fn mistakes_have_their_line_and_setting() {
    refused("[server]\n", 0, "server.listen", "nothing");
    refused("[server]\nlisten = \"9180\"\n", 1, "server.listen", "`9180`");
    refused("[server]\nlisten = \"unix:\"\n", 1, "server.listen", "`unix:`");
    refused("[server]\nlisten = \"[::1]:1\"\nadmin = \"[::1]:1\"\n", 2, "server.admin", "that of `listen`");
    refused("[server]\nlisten = \"[::1]:1\"\nadmni = 1\n", 2, "server.admni", "an unknown key");
    refused(
        "[server]\nlisten = \"[::1]:1\"\ntls = { key = \"k\" }\n",
        2,
        "server.tls.certificate",
        "nothing",
    );
    refused(
        "[server]\nlisten = \"[::1]:1\"\npublic_url = \"https://a/b\"\n",
        2,
        "server.public_url",
        "another text",
    );
    let server = "[server]\nlisten = \"[::1]:1\"\n";
    for (share, found) in
        [("0", "0, which serves nobody"), ("-1", "a negative number"), ("\"9\"", "another text")]
    {
        let text = format!("{server}connections_per_peer = {share}\n");
        refused(&text, 2, "server.connections_per_peer", found);
    }
    refused("[forward_auth]\n", 0, "forward_auth.dialects", "nothing");
    refused("[forward_auth]\ndialects = [\"ngnix\"]\n", 1, "forward_auth.dialects", "`ngnix`");
    let peers = "[forward_auth]\ndialects = [\"nginx\"]\ntrusted_peers = [\"localhost\"]\n";
    refused(peers, 2, "forward_auth.trusted_peers", "`localhost`");
    refused("[reverse_proxy]\n", 0, "reverse_proxy.upstream", "nothing");
    for (upstream, found) in [
        ("https://", "another text"),
        ("https://a/b", "another text"),
        ("https://a:0", "another text"),
        ("ftp://a", "another text"),
        ("127.0.0.1:8080", "another text"),
        ("http://", "another text"),
        ("http://a/b", "another text"),
        ("http://a?b", "another text"),
        ("http://user@a", "another text"),
        ("http://a:0", "another text"),
        ("http://a:b", "another text"),
        ("unix:", "another text"),
    ] {
        let proxy = format!("[reverse_proxy]\nupstream = \"{upstream}\"\n");
        refused(&proxy, 1, "reverse_proxy.upstream", found);
    }
    let proxy = "[reverse_proxy]\nupstream = \"http://a\"\n";
    refused(
        &format!("{proxy}ca = \"ca.pem\"\n"),
        2,
        "reverse_proxy.ca",
        "this beside an upstream without TLS",
    );
    refused(&format!("{proxy}timeout = 0\n"), 2, "reverse_proxy.timeout", "no time");
    let both = format!("[forward_auth]\ndialects = [\"nginx\"]\n{proxy}");
    refused(&both, 2, "reverse_proxy", "this beside [forward_auth]");
    for name in ["Authorization", "X_Auth", "X-Forwarded-For", "Host", "Content-Length"] {
        let found = format!("`{name}`");
        refused(&format!("[headers]\n{name} = \"sub\"\n"), 1, &format!("headers.{name}"), &found);
    }
    refused("[headers]\nX-A = { encoding = \"utf8\" }\n", 1, "headers.X-A.claim", "nothing");
    refused("[headers]\nX-A = { claim = \"a\", encoding = \"hex\" }\n", 1, "headers.X-A.encoding", "`hex`");
    refused("[headers]\nX-A = { claim = \"@a\" }\n", 1, "headers.X-A.claim", "`@a`");
    refused(
        "[headers]\nX-A = { claim = \"a\", encodign = \"utf8\" }\n",
        1,
        "headers.X-A.encodign",
        "an unknown key",
    );
    refused("[headers]\nX-A = \"@isuer\"\n", 1, "headers.X-A", "`@isuer`");
    refused("[headers]\nX-A = \"sub\"\nx-a = \"sub\"\n", 2, "headers.x-a", "the same header again");
}

#[test]
fn mistakes_of_routes_and_tests_have_theirs() {
    refused("[[routes]]\n", 0, "routes.1.match", "nothing");
    refused("[[routes]]\nmatch = \"get /\"\n", 1, "routes.1.match", "an invalid method");
    let second = "[[routes]]\nmatch = \"/a\"\n[[routes]]\nmatch = \"/b\"\nscope = \"x\"\n";
    refused(second, 4, "routes.2.scope", "an unknown key");
    refused(
        "[[routes]]\nmatch = \"/a\"\nscopes = [\"a b\"]\n",
        2,
        "routes.1.scopes",
        "an empty list, or no scope",
    );
    refused("[[routes]]\nmatch = \"/a\"\nscopes = []\n", 2, "routes.1.scopes", "an empty list, or no scope");
    let both = "[[routes]]\nmatch = \"/a\"\nscopes = [\"a\"]\nany_scopes = [\"b\"]\n";
    refused(both, 3, "routes.1.any_scopes", "scopes and any_scopes");
    let public = "[[routes]]\nmatch = \"/a\"\npublic = true\nscopes = [\"a\"]\n";
    refused(public, 3, "routes.1.scopes", "this beside `public`");
    refused("[[routes]]\nmatch = \"/a\"\nissuers = [\"mian\"]\n", 2, "routes.1.issuers", "`mian`");
    refused("[[routes]]\nmatch = \"/a\"\nclaims = { a = 1.5 }\n", 2, "routes.1.claims.a", "another value");
    refused(
        "[[routes]]\nmatch = \"/a\"\ndpop = \"required\"\n",
        2,
        "routes.1.dpop",
        "this without `dpop` of the guard",
    );
    refused("[[routes]]\nmatch = \"/a\"\nenforce = \"off\"\n", 2, "routes.1.enforce", "`off`");
    refused("routes = 1\n", 0, "issuers.partner.routes", "an unknown key");
    refused("[[tests]]\nexpect = { status = 200 }\n", 0, "tests.1.request", "nothing");
    refused("[[tests]]\nrequest = \"/a\"\n", 0, "tests.1.expect", "nothing");
    let status = "[[tests]]\nrequest = \"/a\"\nexpect = { status = 1000 }\n";
    refused(status, 2, "tests.1.expect.status", "another number");
    let code = "[[tests]]\nrequest = \"/a\"\nexpect = { status = 403, error = \"insufficient_scop\" }\n";
    refused(code, 2, "tests.1.expect.error", "`insufficient_scop`");
    let issuer = "[[tests]]\nrequest = \"/a\"\nclaims = { iss = \"https://issuer.example\" }\nexpect = { status = 200 }\n";
    refused(issuer, 2, "tests.1.claims", "`https://issuer.example`");
}

#[test]
fn a_route_that_nothing_reaches_is_a_mistake() {
    let text = "[[routes]]\nmatch = \"/*\"\n[[routes]]\nmatch = [\"GET /a\"]\npublic = true\n";
    refused(text, 3, "routes.2.match", "`GET /a`, all of whose requests `/*` takes");
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_file() {
    let found = mistakes("[[routes]]\nmatch = \"a\"\n[server]\nlisten = 1\n[[tests]]\nrequest = 1\n");
    let lines: Vec<_> = found.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, [1, 3, 5], "{found:?}");
}

#[test]
fn a_route_may_say_that_case_counts() {
    let config = read(
        "[[routes]]\nmatch = \"/a\"\ncase = \"exact\"\n[[routes]]\nmatch = \"/b\"\n[[routes]]\nmatch = \"/*\"\n",
    );
    let exact: Vec<_> = config.routes.iter().map(|route| route.is_case_exact).collect();
    assert_eq!(exact, [true, false, false]);
    let code = |target| config.routes.find("GET", target, None).map(Route::name).map_err(NotFound::code);
    assert_eq!((code("/A"), code("/a/")), (Ok("/*"), Ok("/*")));
    assert_eq!((code("/B"), code("/b/")), (Err(ErrorCode::AmbiguousPath), Err(ErrorCode::AmbiguousPath)));
    refused("[[routes]]\nmatch = \"/a\"\ncase = \"any\"\n", 2, "routes.1.case", "`any`");
}

#[test]
fn a_route_may_allow_encoded_slashes() {
    let config = read(
        "[[routes]]\nmatch = \"/a/{id}\"\nencoded_slash = \"allow\"\n[[routes]]\nmatch = \"/b/{id}\"\nencoded_slash = \"deny\"\n",
    );
    let code = |target| config.routes.find("GET", target, None).map(Route::name).map_err(NotFound::code);
    assert_eq!((code("/a/x%2Fy"), code("/b/x%2Fy")), (Ok("/a/{id}"), Err(ErrorCode::AmbiguousPath)));
    refused("[[routes]]\nmatch = \"/a/{id}\"\nencoded_slash = \"on\"\n", 2, "routes.1.encoded_slash", "`on`");
}

#[test]
fn a_route_may_be_for_some_hosts() {
    let config = read(
        "[[routes]]\nmatch = \"/*\"\nhost = [\"Admin.example.com\", \"*.acme.example\"]\npublic = true\n[[routes]]\nmatch = \"/a\"\n\
         [[tests]]\nrequest = \"/a\"\nhost = \"b.test\"\nexpect = { status = 401 }\n",
    );
    let name = |host| config.routes.find("GET", "/a", Some(host)).map(Route::name).map_err(NotFound::code);
    assert_eq!(
        (name("admin.example.com:80"), name("x.acme.example"), name("b.test")),
        (Ok("/*"), Ok("/*"), Ok("/a"))
    );
    assert_eq!(config.tests[0].host.as_deref(), Some("b.test"));
    for host in ["https://a.test", "a.test:443", "*", "a.*.test", "a b", ""] {
        let text = format!("[[routes]]\nmatch = \"/a\"\nhost = \"{host}\"\n");
        refused(&text, 2, "routes.1.host", &format!("`{host}`"));
    }
    refused("[[routes]]\nmatch = \"/a\"\nhost = []\n", 2, "routes.1.host", "an empty list");
    refused(
        "[[tests]]\nrequest = \"/a\"\nhost = \"a/b\"\nexpect = { status = 401 }\n",
        2,
        "tests.1.host",
        "`a/b`",
    );
}

#[test]
fn a_header_may_say_how_its_text_is_written() {
    let config = read(
        "[headers]\nX-A = \"a\"\nX-B = { claim = \"b\" }\nX-C = { claim = \"c\", encoding = \"utf8\" }\nX-D = { claim = \"@issuer\", encoding = \"base64\" }\n",
    );
    let encodings: Vec<_> = config.headers.iter().map(|header| header.encoding).collect();
    assert_eq!(encodings, [Encoding::Percent, Encoding::Percent, Encoding::Utf8, Encoding::Base64]);
    assert_eq!(config.headers[3].source, IdentitySource::IssuerName);
}

#[test]
fn a_route_may_have_audiences_of_its_own() {
    let config = read(
        "[[routes]]\nmatch = \"/a\"\naudience = [\"urn:a\", \"urn:b\"]\nscopes = \"x\"\n[[routes]]\nmatch = \"/b\"\n",
    );
    let policies: Vec<_> = config.routes.iter().map(|route| route.requirement.policy().clone()).collect();
    assert_eq!(policies[0], Policy::all_of(["x"]).with_audience(["urn:a", "urn:b"]));
    assert_eq!(policies[1], Policy::default());
    assert_eq!(config.routes.audiences().collect::<Vec<_>>(), ["urn:a", "urn:b"]);
    for audience in ["\"\"", "[]", "\" urn:a\"", "[\"urn:a\", \"\"]", "\"urn:a\\n\""] {
        let text = format!("[[routes]]\nmatch = \"/a\"\naudience = {audience}\n");
        refused(&text, 2, "routes.1.audience", "nothing, or white space");
    }
    let public = "[[routes]]\nmatch = \"/a\"\npublic = true\naudience = \"urn:a\"\n";
    refused(public, 3, "routes.1.audience", "this beside `public`");
}

#[test]
fn ten_thousand_routes_are_read() {
    let routes = |paths: Vec<String>| -> String {
        paths
            .into_iter()
            .flat_map(|path| ["[[routes]]\nmatch = \"GET ".to_owned(), path, "\"\n".to_owned()])
            .collect()
    };
    let different = routes((0..10_000).map(|number| format!("/a/{number}/{{id}}")).collect());
    assert_eq!(read(&different).routes.iter().count(), 10_000);
    // The second half takes requests that the first half has.
    let twice = routes((0..4_000).map(|number| format!("/a/{}", number % 2_000)).collect());
    assert_eq!(mistakes(&twice).len(), 2_000);
}
