//! `[[resources]]` of a configuration file.

use requires_auth::metadata::ChallengeScopes;

use super::Config;
use super::tests::{read, refused};

const RESOURCE: &str = "[[resources]]\nresource = \"https://api.example.com/mcp\"\nissuers = [\"main\"]\n";

#[test]
fn a_resource_says_all_that_there_is_to_it() {
    let config = read(
        r#"
        [[resources]]
        resource         = "https://api.example.com/mcp"
        audience         = "api://orders"
        issuers          = ["partner", "main"]
        scopes           = ["read:orders"]
        challenge_scopes = "needed"
        name             = "Orders"
        metadata_url     = "https://api.example.com/x/metadata"
        mcp              = true
        tools            = { create_order = ["write:orders"], "*" = [] }
        prompts          = { summary = "read:reports" }
        reads            = { "orders://*" = [] }
        max_body         = 1000
        mcp_headers      = "server-validates"
        [[resources]]
        resource = "https://api.example.com"
        issuers  = "main"
        "#,
    );
    let [first, second] = config.resources.as_slice() else { panic!("two resources") };
    assert_eq!(
        (first.url.as_str(), first.issuers.join(" ")),
        ("https://api.example.com/mcp", "partner main".into())
    );
    assert_eq!(
        (first.audience.join(" "), first.scopes.join(" ")),
        ("api://orders".into(), "read:orders".into())
    );
    assert_eq!(first.challenge_scopes, ChallengeScopes::Needed);
    assert_eq!(first.name.as_deref(), Some("Orders"));
    assert_eq!(first.metadata_url.as_deref(), Some("https://api.example.com/x/metadata"));
    assert!(first.is_mcp && first.trusts_headers && first.operations.is_some());
    assert!(!second.is_mcp && !second.trusts_headers && second.operations.is_none());
    assert!(second.audience.is_empty() && second.scopes.is_empty());
}

#[test]
fn mistakes_of_resources_have_their_line_and_setting() {
    refused("[[resources]]\nissuers = \"main\"\n", 0, "resources.1.resource", "nothing");
    let url = "resource = \"https://api.example.com/mcp\"";
    refused(&format!("[[resources]]\n{url}\n"), 0, "resources.1.issuers", "nothing");
    refused(&format!("[[resources]]\n{url}\nissuers = []\n"), 2, "resources.1.issuers", "an empty list");
    refused(&format!("[[resources]]\n{url}\nissuers = \"mian\"\n"), 2, "resources.1.issuers", "`mian`");
    let twice = format!("[[resources]]\n{url}\nissuers = [\"main\", \"main\"]\n");
    refused(&twice, 2, "resources.1.issuers", "the same issuer twice");
    for url in ["http://api.example.com/mcp", "https://API.example.com", "https://api.example.com/a;b"] {
        let text = format!("[[resources]]\nresource = \"{url}\"\nissuers = \"main\"\n");
        refused(&text, 1, "resources.1.resource", &format!("`{url}`"));
    }
    for (line, setting, found) in [
        ("audience = []", "audience", "nothing, or white space"),
        ("scopes = \"a b\"", "scopes", "`a b`"),
        ("scopes = [\"a\", \"openid\"]", "scopes", "`openid`"),
        ("metadata_url = \"https://user@a/b\"", "metadata_url", "a URL with a user"),
        ("metadata_url = \"https://api.example.com/mcp\"", "metadata_url", "`https://api.example.com/mcp`"),
        ("name = \"a\\n\"", "name", "`a\\n`"),
        ("scope = \"a\"", "scope", "an unknown key"),
        ("challenge_scopes = \"all\"", "challenge_scopes", "`all`"),
        ("mcp_header = 1", "mcp_header", "an unknown key"),
    ] {
        refused(&format!("{RESOURCE}{line}\n"), 3, &format!("resources.1.{setting}"), found);
    }
    let mcp = format!("{RESOURCE}mcp = true\n");
    refused(
        &format!("{mcp}tools = {{ a = \"offline_access\" }}\n"),
        4,
        "resources.1.tools",
        "`offline_access`",
    );
    refused(&format!("{mcp}reads = {{ \"a*b\" = [] }}\n"), 4, "resources.1.reads", "`a*b`");
    refused(&format!("{mcp}tools = {{}}\nmax_body = 0\n"), 5, "resources.1.max_body", "`0`");
    refused(&format!("{mcp}mcp_headers = \"trusted\"\n"), 4, "resources.1.mcp_headers", "`trusted`");
    refused(&format!("{RESOURCE}tools = {{}}\n"), 0, "resources.1.mcp", "nothing beside `tools`");
}

#[test]
fn what_resources_exclude_is_a_mistake() {
    let same =
        format!("{RESOURCE}[[resources]]\nresource = \"https://b.example/MCP/\"\nissuers = \"main\"\n");
    refused(&same, 4, "resources.2.resource", "the path of another resource");
    let tools = format!("{RESOURCE}mcp = true\ntools = {{ a = [] }}\n");
    let forward = "[forward_auth]\ndialects = [\"nginx\"]\n";
    refused(&format!("{tools}{forward}"), 0, "resources.1.mcp_headers", "nothing");
    read(&format!("{tools}mcp_headers = \"server-validates\"\n{forward}"));
    read(&format!("{RESOURCE}mcp = true\n{forward}"));
    let proxy = "[reverse_proxy]\nupstream = \"http://a\"\npass_token = true\n";
    refused(&format!("{RESOURCE}mcp = true\n{proxy}"), 3, "resources.1.mcp", "this beside `pass_token`");
    read(&format!("{RESOURCE}{proxy}"));
    let route = "[[routes]]\nmatch = \"/mcp/x\"\naudience = \"urn:a\"\n";
    refused(&format!("{RESOURCE}{route}"), 5, "routes.1.audience", "this below a resource");
}

/// Their tokens do not say which resource they are for.
#[test]
fn an_issuer_without_aud_is_of_one_resource_alone() {
    let parse = |more: &str| {
        let text = format!(
            "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = {{ claim = \"client_id\", one_of = [\"a\"] }}\n\
             [issuers.other]\nissuer = \"https://other.example\"\n{RESOURCE}{more}"
        );
        Config::parse(&text, "gateway.toml").map_err(|error| error.to_string())
    };
    let second = |issuer: &str| {
        format!("[[resources]]\nresource = \"https://api.example.com/b\"\nissuers = [\"{issuer}\"]\n")
    };
    assert!(parse("").is_ok());
    assert!(parse(&second("other")).is_ok());
    let refused = parse(&second("main")).expect_err("both take its tokens");
    assert!(refused.contains("name it in one resource alone"), "{refused}");
}

#[test]
fn beside_resources_a_route_needs_issuers_with_an_audience() {
    let parse = |routes: &str| {
        let text = format!("[issuers.main]\nissuer = \"https://issuer.example\"\n{RESOURCE}{routes}");
        Config::parse(&text, "gateway.toml").map_err(|error| error.to_string())
    };
    for routes in ["", "[[routes]]\nmatch = \"/mcp/*\"\n", "[[routes]]\nmatch = \"/*\"\npublic = true\n"] {
        let config = parse(routes).expect(routes);
        assert!(!config.has_audience());
        config.build_with(|builder| builder).expect(routes);
    }
    assert!(parse("[[routes]]\nmatch = \"/*\"\naudience = \"urn:a\"\n").is_ok());
    for routes in ["[[routes]]\nmatch = \"/*\"\n", "[[routes]]\nmatch = [\"/mcp\", \"/orders\"]\n"] {
        assert!(
            parse(routes).expect_err(routes).contains("of which requests are below no resource"),
            "{routes}"
        );
    }
    // Without a resource nothing has changed.
    let error =
        Config::parse("[issuers.main]\nissuer = \"https://issuer.example\"\n", "a.toml").expect_err("none");
    assert!(error.to_string().contains("audience"), "{error}");
}
