//! URLs of resources, their documents, and where these are.

use super::*;

fn resource(url: &str) -> Resource {
    Resource::new(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn metadata(url: &str, at: Option<&str>, prefix: &str) -> Metadata {
    let servers = ["https://issuer.example".to_owned()];
    let document = Document { authorization_servers: &servers, takes_header: true, ..Document::default() };
    Metadata::new(resource(url), &document, Scopes::default(), at.map(ToOwned::to_owned), prefix)
}

#[test]
fn a_url_is_kept_byte_for_byte() {
    for (url, path) in [
        ("https://api.example", ""),
        ("https://api.example/mcp", "/mcp"),
        ("https://api.example/mcp/", "/mcp/"),
        ("https://api.example/a/b", "/a/b"),
        ("https://api.example/a//b", "/a//b"),
        ("https://api.example/a%2Fb%c3%a9", "/a%2Fb%c3%a9"),
        ("https://api.example:8443/mcp", "/mcp"),
        ("https://[2001:db8::1]/mcp", "/mcp"),
        ("https://[2001:db8::1]:8443/mcp", "/mcp"),
        ("http://localhost:8000/mcp", "/mcp"),
        ("http://127.0.0.1:8000", ""),
        ("http://[::1]:8000/mcp", "/mcp"),
        ("https://api.example/tilde~user;v=1/@me", "/tilde~user;v=1/@me"),
    ] {
        let resource = resource(url);
        assert_eq!((resource.as_str(), resource.path(), resource.query()), (url, path, None));
        assert_eq!(resource.metadata_path(), format!("/.well-known/oauth-protected-resource{path}"));
        assert_eq!(format!("{}{path}", resource.origin()), url);
    }
}

#[test]
fn what_would_have_two_spellings_is_a_mistake_with_a_hint() {
    for (url, hint) in [
        ("", "with its scheme"),
        ("api.example/mcp", "with its scheme"),
        ("/mcp", "with its scheme"),
        ("https:api.example", "with its scheme"),
        ("http://api.example/mcp", "with its scheme"),
        ("ftp://api.example/mcp", "with its scheme"),
        ("urn:example:api", "with its scheme"),
        ("https://api.example/mcp#top", "`#`"),
        ("https://api.example/mcp#", "`#`"),
        ("https://alice@api.example/mcp", "`@`"),
        ("https://@api.example/mcp", "`@`"),
        ("https://api.example/mcp?tenant=1", "allow_resource_query"),
        ("https://api.example/mcp?", "allow_resource_query"),
        ("HTTPS://api.example/mcp", "lower case"),
        ("https://API.example/mcp", "lower case"),
        ("https://api.example:443/mcp", "leave out the port"),
        ("https://api.example:/mcp", "leave out the port"),
        ("https://[2001:db8::1]:443/mcp", "leave out the port"),
        ("http://localhost:80/mcp", "leave out the port"),
        ("https://api.example/", "leave out the slash"),
        ("https://api.example/a/../mcp", "without `.`"),
        ("https://api.example/./mcp", "without `.`"),
        ("https://api.example/a/%2e%2e/mcp", "without `.`"),
        ("https://127.1/mcp", "without `.`"),
        ("https://api.example\\mcp", "percent-encode"),
        ("https://api.example/m\"cp", "percent-encode"),
        ("https://api.example/m cp", "percent-encode"),
        ("https://api.example/\u{e9}", "percent-encode"),
        ("https://\u{fc}ber.example/mcp", "ASCII form"),
        ("https://api.example/mcp\n", "cut off"),
        ("https://api.example/scope=a", "take `scope=`"),
        ("https://api.example/a;error=b", "take `error=`"),
    ] {
        let error = Resource::new(url).expect_err(url).to_string();
        assert!(error.contains(hint), "{url}: {error}");
    }
    assert!(!Resource::new("https://alice:secret@api.example").unwrap_err().to_string().contains("secret"));
}

#[test]
fn a_query_has_to_be_asked_for() {
    let resource = Resource::with_query("https://api.example/mcp?tenant=1").expect("a query");
    assert_eq!((resource.path(), resource.query()), ("/mcp", Some("tenant=1")));
    let url = "https://api.example/.well-known/oauth-protected-resource/mcp?tenant=1";
    assert_eq!(resource.metadata_url(), url);
    let bare = Resource::with_query("https://api.example?tenant=1").expect("a query");
    assert_eq!((bare.path(), bare.query()), ("", Some("tenant=1")));
    assert_eq!(bare.metadata_path(), "/.well-known/oauth-protected-resource?tenant=1");
    let document = Document::default();
    let metadata = Metadata::new(resource, &document, Scopes::default(), None, "");
    let at = |query| metadata.matches("GET", "/.well-known/oauth-protected-resource/mcp", query, || true);
    assert!(at("tenant=1").is_some());
    assert!(at("tenant=2").is_none() && at("").is_none());
}

#[test]
fn the_audience_of_a_bare_host_has_both_spellings() {
    assert_eq!(resource("https://api.example").audiences(), ["https://api.example", "https://api.example/"]);
    assert_eq!(resource("https://api.example/mcp").audiences(), ["https://api.example/mcp"]);
    assert_eq!(resource("https://api.example/mcp/").audiences(), ["https://api.example/mcp/"]);
}

#[test]
fn a_slash_at_the_end_is_warned_of() {
    assert!(resource("https://api.example/mcp/").warning().is_some());
    assert!(resource("https://api.example/mcp").warning().is_none());
    assert!(resource("https://api.example").warning().is_none());
}

#[test]
fn the_document_is_at_its_places_and_nowhere_else() {
    let found = |metadata: &Metadata, path: &str| metadata.matches("GET", path, "", || true).is_some();
    let plain = metadata("https://api.example/a/mcp", None, "");
    let own = "/.well-known/oauth-protected-resource/a/mcp";
    assert_eq!(plain.url(), format!("https://api.example{own}"));
    for path in [own, "/.well-known/oauth-protected-resource", "/a/mcp/.well-known/oauth-protected-resource"]
    {
        assert!(found(&plain, path), "{path}");
    }
    for path in [
        "",
        "/",
        "/a/mcp",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/a",
        "/.well-known/oauth-protected-resource/a/mcp/",
        "/.well-known/oauth-authorization-server",
    ] {
        assert!(!found(&plain, path), "{path}");
    }
    // Another resource of the same server has as much right to the root.
    let alone = |path| plain.matches("GET", path, "", || false).is_some();
    assert!(alone(own) && !alone("/.well-known/oauth-protected-resource"));
    // A bare host has the root by right.
    let host = metadata("https://api.example", None, "");
    assert!(host.matches("GET", "/.well-known/oauth-protected-resource", "a=b", || false).is_some());
    let slash = metadata("https://api.example/mcp/", None, "");
    assert!(found(&slash, "/mcp/.well-known/oauth-protected-resource"));
    assert!(found(&slash, "/.well-known/oauth-protected-resource/mcp/"));
}

#[test]
fn behind_a_proxy_that_strips_a_prefix_the_document_is_where_it_is_said_to_be() {
    let at = "https://api.example/v1/.well-known/oauth-protected-resource/mcp";
    let metadata = metadata("https://api.example/v1/mcp", Some(at), "/v1");
    assert_eq!(metadata.url(), at);
    let found = |path: &str| metadata.matches("GET", path, "", || false).is_some();
    // As the proxy hands them on, and as a client has sent them.
    for path in [
        "/.well-known/oauth-protected-resource/mcp",
        "/v1/.well-known/oauth-protected-resource/mcp",
        "/mcp/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/v1/mcp",
    ] {
        assert!(found(path), "{path}");
    }
    assert!(!found("/v1/mcp") && !found("/mcp"));
}

#[test]
fn the_document_has_the_bytes_of_the_configuration() {
    let servers = ["https://example.eu.auth0.com/".to_owned(), "https://tenant.logto.app/oidc".to_owned()];
    let document = Document {
        authorization_servers: &servers,
        takes_header: true,
        name: Some("Orders \u{e9}"),
        documentation: Some("https://docs.example/a/../b"),
        policy_uri: Some("https://docs.example/policy"),
        tos_uri: Some("https://docs.example/tos"),
        takes_certificates: true,
    };
    let scopes = Scopes::new(&["read:orders".to_owned()], None, ChallengeScopes::Keep);
    let metadata = Metadata::new(resource("https://api.example/mcp"), &document, scopes, None, "");
    let path = "/.well-known/oauth-protected-resource/mcp";
    let answer = metadata.matches("GET", path, "", || true).expect("the document");
    let expected = "{\"resource\":\"https://api.example/mcp\",\"authorization_servers\":[\"https://example.eu.auth0.com/\",\
                    \"https://tenant.logto.app/oidc\"],\"scopes_supported\":[\"read:orders\"],\
                    \"bearer_methods_supported\":[\"header\"],\"resource_name\":\"Orders \u{e9}\",\
                    \"resource_documentation\":\"https://docs.example/a/../b\",\
                    \"resource_policy_uri\":\"https://docs.example/policy\",\
                    \"resource_tos_uri\":\"https://docs.example/tos\",\
                    \"tls_client_certificate_bound_access_tokens\":true}";
    assert_eq!(std::str::from_utf8(answer.body()), Ok(expected));
    // What has no value is left out (RFC 9728 §3.2).
    let bare = Document { authorization_servers: &servers[1..], ..Document::default() };
    let bare = Metadata::new(resource("https://api.example/mcp"), &bare, Scopes::default(), None, "");
    let answer = bare.matches("GET", path, "", || true).expect("the document");
    let expected =
        r#"{"resource":"https://api.example/mcp","authorization_servers":["https://tenant.logto.app/oidc"]}"#;
    assert_eq!(std::str::from_utf8(answer.body()), Ok(expected));
}

#[test]
fn each_method_has_its_answer() {
    let metadata = metadata("https://api.example/mcp", None, "");
    let path = "/.well-known/oauth-protected-resource/mcp";
    let answer = |method| metadata.matches(method, path, "", || true).expect("an answer");
    let headers = |answer: &MetadataAnswer| {
        answer.headers().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>()
    };
    let (get, head) = (answer("GET"), answer("HEAD"));
    let of_document = [
        "content-type: application/json",
        "cache-control: public, max-age=300",
        "access-control-allow-origin: *",
    ];
    assert_eq!((get.status(), headers(&get)), (200, of_document.map(ToOwned::to_owned).to_vec()));
    assert_eq!((head.status(), head.body()), (200, &b""[..]));
    assert_eq!(headers(&head)[3], format!("content-length: {}", get.body().len()));
    let options = answer("OPTIONS");
    assert_eq!((options.status(), options.body()), (204, &b""[..]));
    assert!(headers(&options).contains(&"access-control-allow-headers: *".to_owned()));
    for method in ["POST", "PUT", "DELETE", "get", ""] {
        let other = answer(method);
        assert_eq!((other.status(), other.body()), (405, &b""[..]), "{method}");
        assert!(headers(&other).contains(&"allow: GET, HEAD, OPTIONS".to_owned()));
    }
}

#[test]
fn scopes_that_no_client_is_told_to_ask_for() {
    let problems = |scope: &str| {
        let mut problems = Vec::new();
        check_scopes("base_scopes", &[scope.to_owned()], &mut problems);
        problems.len()
    };
    for scope in ["read:orders", "https://api.example/read", "a=b"] {
        assert_eq!(problems(scope), 0, "{scope}");
    }
    for scope in ["", "a b", "a\"", "offline_access", "openid", "a&scope=b", "error=1"] {
        assert_eq!(problems(scope), 1, "{scope}");
    }
}

proptest::proptest! {
    /// Whatever is a resource stays as it is, and is what an URL parser reads.
    #[test]
    fn a_resource_is_its_text(
        url in "(https?|HTTPS)?(:|:/|://)?[a-zA-Z0-9.@:\\[\\]-]{0,12}(/[ -~\u{e9}]{0,6}){0,3}[?#]?[ -~]{0,4}\
                |https://[a-z][a-z0-9.]{0,6}(:[0-9]{1,4})?(/[a-zA-Z0-9._~%!$&()*+,;=:@-]{0,6}){0,3}([?][a-z=]{0,4})?",
    ) {
        if let Ok(resource) = Resource::with_query(&url) {
            proptest::prop_assert_eq!(resource.as_str(), &url);
            let query = resource.query().map(|query| format!("?{query}")).unwrap_or_default();
            let joined = format!("{}{}{query}", resource.origin(), resource.path());
            proptest::prop_assert_eq!(&joined, &url);
            let read = url::Url::parse(&url).expect("a URL");
            let slash = if resource.path().is_empty() { "/" } else { "" };
            proptest::prop_assert_eq!(read.as_str(), format!("{}{}{slash}{query}", resource.origin(), resource.path()));
            proptest::prop_assert!(url::Url::parse(&resource.metadata_url()).is_ok_and(|url| url.as_str() == resource.metadata_url()));
        }
    }

    /// A path of a request is compared, and nothing else happens to it.
    #[test]
    fn any_path_is_the_document_or_not(path in "[ -~\u{e9}/]{0,40}", prefix in "(/[a-z]{0,3}){0,2}") {
        let metadata = metadata("https://api.example/a/mcp", None, &prefix);
        let is_served = metadata.matches("GET", &path, "", || true).is_some();
        proptest::prop_assert_eq!(is_served, metadata.paths().contains(&&*path));
    }
}
