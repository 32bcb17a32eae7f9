//! Rows T01 to T13: the metadata document of a resource.

use serde_json::{Map, Value, json};

use super::requests::resource::RESOURCE;
use crate::case::{Finished, base_config, put_below};
use crate::tokens::ISSUER;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
const PATH: &str = "/.well-known/oauth-protected-resource/mcp";

pub fn cases() -> Vec<Finished> {
    let mut cases = urls();
    cases.extend(mistakes());
    cases.extend(places());
    cases.extend(documents());
    cases.extend(servers());
    cases.extend(methods());
    cases.extend(other_settings());
    cases
}

/// `GET` of the document of [`RESOURCE`].
#[must_use]
struct Metadata {
    id: String,
    row: &'static str,
    about: String,
    config: Map<String, Value>,
    method: &'static str,
    url: String,
}

fn of(id: impl Into<String>, row: &'static str, about: impl Into<String>) -> Metadata {
    let mut config = base_config();
    config.shift_remove("audience");
    let (id, about, url) = (id.into(), about.into(), PATH.to_owned());
    Metadata { id, row, about, config, method: "GET", url }.setting("resource", RESOURCE)
}

impl Metadata {
    fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        put_below(&mut self.config, "settings", key, value.into());
        self
    }

    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    fn issuer(mut self, issuer: &str) -> Self {
        self.config.insert("issuer".to_owned(), json!(issuer));
        self
    }

    /// The document, which has these bytes.
    fn has(self, body: &str) -> Finished {
        self.answer(200, &[("content-type", "application/json"), CACHED, ANY_ORIGIN], body)
    }

    /// The document of a resource of which nothing else is said.
    fn serves(self, resource: &str) -> Finished {
        self.has(&document(resource, ISSUER, ""))
    }

    fn answer(self, status: u16, headers: &[(&str, &str)], body: &str) -> Finished {
        let headers: Map<_, _> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        self.finish(&json!({ "outcome": "answer", "status": status, "headers": headers, "body": body }))
    }

    fn other(self) -> Finished {
        self.finish(&json!({ "outcome": "other" }))
    }

    fn mistake(self, setting: &str) -> Finished {
        self.finish(&json!({ "outcome": "mistake", "setting": setting }))
    }

    fn finish(self, expect: &Value) -> Finished {
        let json = json!({
            "id": self.id,
            "row": self.row,
            "about": self.about,
            "config": self.config,
            "method": self.method,
            "url": self.url,
            "expect": expect,
        });
        Finished { json, key_set: None }
    }
}

const CACHED: (&str, &str) = ("cache-control", "public, max-age=300");
const ANY_ORIGIN: (&str, &str) = ("access-control-allow-origin", "*");
const ALLOW: (&str, &str) = ("allow", "GET, HEAD, OPTIONS");

/// A document with these members between the servers and the end.
fn document(resource: &str, server: &str, members: &str) -> String {
    let header = r#""bearer_methods_supported":["header"]"#;
    format!(r#"{{"resource":"{resource}","authorization_servers":["{server}"],{members}{header}}}"#)
}

fn urls() -> Vec<Finished> {
    let urls = [
        ("host", "https://api.example.test", ""),
        ("path", "https://api.example.test/mcp", "/mcp"),
        ("slash", "https://api.example.test/mcp/", "/mcp/"),
        ("two-segments", "https://api.example.test/a/b", "/a/b"),
        ("two-slashes", "https://api.example.test/a//b", "/a//b"),
        ("port", "https://api.example.test:8443/mcp", "/mcp"),
        ("ipv6", "https://[2001:db8::1]/mcp", "/mcp"),
        ("ipv6-port", "https://[2001:db8::1]:8443/mcp", "/mcp"),
        ("percent", "https://api.example.test/a%2Fb%c3%a9", "/a%2Fb%c3%a9"),
        ("sub-delims", "https://api.example.test/a;v=1,2/@me", "/a;v=1,2/@me"),
        ("loopback", "http://localhost:8000/mcp", "/mcp"),
        ("loopback-address", "http://127.0.0.1:8000/mcp", "/mcp"),
        ("loopback-ipv6", "http://[::1]:8000/mcp", "/mcp"),
    ];
    let case = |(name, url, path): (&str, &str, &str)| {
        of(
            format!("url-{name}"),
            if path.is_empty() { "T01" } else { "T04" },
            format!("{url} stays as it is"),
        )
        .setting("resource", url)
        .url(format!("{WELL_KNOWN}{path}"))
        .serves(url)
    };
    let mut cases: Vec<_> = urls.into_iter().map(case).collect();
    let with_query = |id, about: &str| {
        let url = "https://api.example.test/mcp?tenant=1";
        of(id, "T04", about).setting("resource", url).setting("allow_resource_query", true)
    };
    cases.extend([
        with_query("url-query", "a query that is allowed")
            .url(format!("{PATH}?tenant=1"))
            .serves("https://api.example.test/mcp?tenant=1"),
        with_query("url-query-other", "another query").url(format!("{PATH}?tenant=2")).other(),
        with_query("url-query-none", "without the query").url(PATH).other(),
    ]);
    cases
}

fn mistakes() -> Vec<Finished> {
    let urls = [
        ("T01", "empty", ""),
        ("T01", "no-scheme", "api.example.test/mcp"),
        ("T01", "path-alone", "/mcp"),
        ("T01", "no-authority", "https:api.example.test/mcp"),
        ("T01", "http", "http://api.example.test/mcp"),
        ("T01", "ftp", "ftp://api.example.test/mcp"),
        ("T01", "urn", "urn:example:api"),
        ("T01", "fragment", "https://api.example.test/mcp#a"),
        ("T01", "empty-fragment", "https://api.example.test/mcp#"),
        ("T01", "user", "https://alice@api.example.test/mcp"),
        ("T01", "password", "https://alice:secret@api.example.test/mcp"),
        ("T01", "empty-user", "https://@api.example.test/mcp"),
        ("T01", "query", "https://api.example.test/mcp?tenant=1"),
        ("T01", "empty-query", "https://api.example.test/mcp?"),
        ("T02", "upper-case-scheme", "HTTPS://api.example.test/mcp"),
        ("T02", "upper-case-host", "https://API.example.test/mcp"),
        ("T02", "default-port", "https://api.example.test:443/mcp"),
        ("T02", "empty-port", "https://api.example.test:/mcp"),
        ("T02", "default-port-loopback", "http://localhost:80/mcp"),
        ("T02", "host-slash", "https://api.example.test/"),
        ("T02", "dots", "https://api.example.test/a/../mcp"),
        ("T02", "dot", "https://api.example.test/./mcp"),
        ("T13", "well-known", "https://api.example.test/.well-known/oauth-protected-resource/mcp"),
        ("T13", "well-known-below", "https://api.example.test/mcp/.well-known/oauth-protected-resource"),
        ("T02", "encoded-dots", "https://api.example.test/a/%2e%2e/mcp"),
        ("T02", "short-address", "https://127.1/mcp"),
        ("T03", "backslash", "https://api.example.test\\mcp"),
        ("T03", "quote", "https://api.example.test/m\"cp"),
        ("T03", "space", "https://api.example.test/m cp"),
        ("T03", "umlaut", "https://api.example.test/\u{e9}"),
        ("T03", "umlaut-host", "https://\u{fc}ber.example.test/mcp"),
        ("T03", "line-break", "https://api.example.test/mcp\n"),
        ("T03", "scope", "https://api.example.test/scope=a"),
        ("T03", "error", "https://api.example.test/a;error=b"),
        ("T03", "resource-metadata", "https://api.example.test/resource_metadata=a"),
    ];
    let case = |(row, name, url): (&'static str, &str, &str)| {
        let about = format!("{url:?} cannot be a resource");
        of(format!("mistake-{name}"), row, about).setting("resource", url).mistake("resource")
    };
    urls.into_iter().map(case).collect()
}

fn places() -> Vec<Finished> {
    let at = |id, row, about: &str, path: &str| of(id, row, about).url(path);
    let deep = |id, about: &str, path: &str| {
        of(id, "T05", about).setting("resource", "https://api.example.test/a/mcp").url(path)
    };
    let escaped = |id, about: &str, path: &str| {
        let case = of(id, "T04", about).setting("resource", "https://api.example.test/a%2Fb%c3%a9");
        case.url(format!("/.well-known/oauth-protected-resource{path}"))
    };
    let (stripped, moved) = (
        "https://api.example.test/v1/mcp",
        "https://api.example.test/v1/.well-known/oauth-protected-resource/mcp",
    );
    let behind = |id, about: &str, path: &str| {
        of(id, "T06", about)
            .setting("resource", stripped)
            .setting("metadata_url", moved)
            .setting("public_url", "https://api.example.test/v1")
            .url(path)
    };
    vec![
        at("place-query", "T04", "a query says nothing", "/.well-known/oauth-protected-resource/mcp?a=b")
            .serves(RESOURCE),
        at(
            "place-slash",
            "T04",
            "a slash at the end is another path",
            "/.well-known/oauth-protected-resource/mcp/",
        )
        .other(),
        at("place-case", "T04", "letters have a case", "/.well-known/oauth-protected-resource/MCP").other(),
        at("place-longer", "T04", "a path below", "/.well-known/oauth-protected-resource/mcp/a").other(),
        at("place-encoded", "T04", "nothing is decoded", "/.well-known/oauth-protected-resource/m%63p")
            .other(),
        escaped("place-escapes", "its escapes in another spelling", "/a%2fb%C3%A9")
            .serves("https://api.example.test/a%2Fb%c3%a9"),
        escaped("place-escapes-decoded", "its escapes as servers hand them on", "/a/b%C3%A9")
            .serves("https://api.example.test/a%2Fb%c3%a9"),
        escaped("place-escapes-other", "another character", "/a%2Fb%c3%aa").other(),
        at("place-two-slashes", "T04", "nothing is merged", "//.well-known/oauth-protected-resource/mcp")
            .other(),
        deep("place-root", "at the root", WELL_KNOWN).serves("https://api.example.test/a/mcp"),
        deep("place-below", "behind the path", "/a/mcp/.well-known/oauth-protected-resource")
            .serves("https://api.example.test/a/mcp"),
        deep("place-part", "a part of the path", "/.well-known/oauth-protected-resource/a").other(),
        deep("place-below-part", "behind a part of the path", "/a/.well-known/oauth-protected-resource")
            .other(),
        at(
            "place-below-slash",
            "T05",
            "behind a path that ends in a slash there is one slash",
            "/mcp/.well-known/oauth-protected-resource",
        )
        .setting("resource", "https://api.example.test/mcp/")
        .serves("https://api.example.test/mcp/"),
        behind("place-stripped", "as the proxy hands it on", PATH).serves(stripped),
        behind(
            "place-not-stripped",
            "as the client has sent it",
            "/v1/.well-known/oauth-protected-resource/mcp",
        )
        .serves(stripped),
        behind(
            "place-stripped-below",
            "behind the path that is left",
            "/mcp/.well-known/oauth-protected-resource",
        )
        .serves(stripped),
        behind("place-stripped-other", "another path below the prefix", "/v1/mcp").other(),
        at("place-moved", "T06", "where it is said to be, without a prefix", "/meta/orders.json")
            .setting("metadata_url", "https://api.example.test/meta/orders.json")
            .serves(RESOURCE),
        at("place-moved-api", "T06", "the document cannot be where the API is", PATH)
            .setting("metadata_url", RESOURCE)
            .mistake("metadata_url"),
        at("place-moved-http", "T06", "the place has to be an https URL", PATH)
            .setting("metadata_url", "http://api.example.test/meta")
            .mistake("metadata_url"),
    ]
}

fn documents() -> Vec<Finished> {
    let with = |id, about: &str| of(id, "T07", about);
    let full = concat!(
        r#"{"resource":"https://api.example.test/mcp","#,
        r#""authorization_servers":["https://issuer.example.test/oidc"],"#,
        r#""scopes_supported":["read:orders","list:orders"],"bearer_methods_supported":["header"],"#,
        r#""resource_name":"Orders of Zoë","resource_documentation":"https://docs.example.test/a/../b","#,
        r#""resource_policy_uri":"https://example.test/policy","resource_tos_uri":"https://example.test/terms"}"#
    );
    vec![
        with("document-plain", "no scopes, no name").serves(RESOURCE),
        with("document-base", "the base scopes")
            .setting("base_scopes", json!(["read:orders"]))
            .has(&document(RESOURCE, ISSUER, r#""scopes_supported":["read:orders"],"#)),
        with("document-no-scopes", "a list of none is left out")
            .setting("base_scopes", json!(["read:orders"]))
            .setting("scopes_supported", json!([]))
            .serves(RESOURCE),
        with("document-full", "all that can be said")
            .setting("base_scopes", json!(["read:orders"]))
            .setting("scopes_supported", json!(["read:orders", "list:orders"]))
            .setting("resource_name", "Orders of Zo\u{eb}")
            .setting("resource_documentation", "https://docs.example.test/a/../b")
            .setting("resource_policy_uri", "https://example.test/policy")
            .setting("resource_tos_uri", "https://example.test/terms")
            .has(full),
        with("document-not-in-the-header", "tokens in a cookie alone are not for clients")
            .setting("token_from", json!([{ "cookie": "__Host-token" }]))
            .has(r#"{"resource":"https://api.example.test/mcp","authorization_servers":["https://issuer.example.test/oidc"]}"#),
        with("document-link", "a link is a URL").setting("resource_tos_uri", "terms.html").mistake("resource_tos_uri"),
    ]
}

fn servers() -> Vec<Finished> {
    let with = |id, about: &str| of(id, "T08", about);
    let tenants = "https://login.example.test/{tenant}/v2.0";
    let two = concat!(
        r#"{"resource":"https://api.example.test/mcp","authorization_servers":["https://login.example.test/one/v2.0","#,
        r#""https://login.example.test/two/v2.0"],"bearer_methods_supported":["header"]}"#
    );
    vec![
        with("server-slash", "a slash at the end of the issuer stays")
            .issuer("https://tenant.example.test/")
            .has(&document(RESOURCE, "https://tenant.example.test/", "")),
        with("server-other", "another server than the issuer")
            .setting("authorization_servers", json!(["https://login.example.test"]))
            .has(&document(RESOURCE, "https://login.example.test", "")),
        with("server-tenants", "the tenants of a pattern")
            .issuer(tenants)
            .setting("tenants", json!(["one", "two"]))
            .has(two),
        with("server-any-tenant", "of any tenant nobody can say at which to log in")
            .issuer(tenants)
            .setting("dangerously_any_tenant", true)
            .mistake("authorization_servers"),
        with("server-none", "a client has to log in somewhere")
            .setting("authorization_servers", json!([]))
            .mistake("authorization_servers"),
        with("server-no-url", "a server is a URL")
            .setting("authorization_servers", json!(["login"]))
            .mistake("authorization_servers"),
    ]
}

fn methods() -> Vec<Finished> {
    let body = document(RESOURCE, ISSUER, "");
    let length = body.len().to_string();
    let preflight =
        [ALLOW, ANY_ORIGIN, ("access-control-allow-headers", "*"), ("access-control-allow-methods", ALLOW.1)];
    let refused =
        |id, method| of(id, "T09", "another method").method(method).answer(405, &[ALLOW, ANY_ORIGIN], "");
    let head =
        [("content-type", "application/json"), ("content-length", length.as_str()), CACHED, ANY_ORIGIN];
    vec![
        of("method-get", "T10", "who may read it, and for how long").has(&body),
        of("method-head", "T09", "the headers of the document").method("HEAD").answer(200, &head, ""),
        of("method-options", "T10", "a preflight").method("OPTIONS").answer(204, &preflight, ""),
        refused("method-post", "POST"),
        refused("method-delete", "DELETE"),
        refused("method-put", "PUT"),
    ]
}

fn other_settings() -> Vec<Finished> {
    let without = |id, key: &str, value: Value| {
        let mut case = of(id, "T12", "a setting about a resource without one");
        case.config.insert("settings".to_owned(), json!({}));
        case.config.insert("audience".to_owned(), json!(RESOURCE));
        case.setting(key, value).mistake(key)
    };
    let scopes = |id, key: &str, scope: &str| {
        of(id, "T11", "what a client asks for by itself")
            .setting(key, json!(["read:orders", scope]))
            .mistake(key)
    };
    vec![
        scopes("scope-offline-access", "base_scopes", "offline_access"),
        scopes("scope-openid", "base_scopes", "openid"),
        scopes("scope-supported-offline-access", "scopes_supported", "offline_access"),
        scopes("scope-quote", "base_scopes", "a\"b"),
        scopes("scope-of-a-challenge", "base_scopes", "a&scope=b"),
        of("other-endpoint", "T12", "the API itself").url("/mcp").other(),
        of("other-root", "T12", "the root").url("/").other(),
        of("other-server", "T12", "the document of an authorization server")
            .url("/.well-known/oauth-authorization-server")
            .other(),
        without("without-base-scopes", "base_scopes", json!(["read:orders"])),
        without("without-name", "resource_name", json!("Orders")),
        without("without-metadata-url", "metadata_url", json!("https://api.example.test/meta")),
        without("without-servers", "authorization_servers", json!(["https://login.example.test"])),
    ]
}
