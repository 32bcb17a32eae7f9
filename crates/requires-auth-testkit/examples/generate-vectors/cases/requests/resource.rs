//! Rows T20 to T28: what a guard with a resource asks of a token, and what its challenges say.

use serde_json::{Value, json};

use super::Request;
use crate::answers;
use crate::case::Finished;
use crate::tokens::{AUDIENCE, NOW, es384, good};

pub const RESOURCE: &str = "https://api.example.test/mcp";
pub const POINTER: &str =
    r#"resource_metadata="https://api.example.test/.well-known/oauth-protected-resource/mcp""#;
const BASE: &str = "read:orders";

pub fn cases() -> Vec<Finished> {
    let mut cases = audiences();
    cases.extend(bare_challenges());
    cases.extend(challenges_of_tokens());
    cases.extend(scopes());
    cases.extend(without_pointer());
    cases
}

/// A request to a guard that takes the audience of this resource.
fn at(resource: &str, id: &'static str, row: &'static str, about: &str) -> Request {
    let mut request = Request::new(id, row, about).setting("resource", resource);
    request.config.shift_remove("audience");
    request
}

/// A request to the resource of most cases, with a base scope.
fn with_base(id: &'static str, row: &'static str, about: &str) -> Request {
    at(RESOURCE, id, row, about).setting("base_scopes", json!([BASE]))
}

fn token(scope: &str) -> String {
    good(es384()).claim("aud", RESOURCE).scope(scope).mint()
}

impl Request {
    fn aud(self, audience: impl Into<Value>) -> Self {
        let token = good(es384()).claim("aud", audience.into()).mint();
        self.token(token).bearer()
    }

    /// The refusal, with these parameters behind those of a guard without a resource.
    pub fn pointing(self, mut answer: Value, scope: Option<&str>, pointer: &str) -> Finished {
        let plain = answer["challenge"].as_str().unwrap_or_default();
        let scope = scope.map(|scope| format!("scope=\"{scope}\"")).into_iter();
        let added = scope.chain([pointer.to_owned()]).collect::<Vec<_>>().join(", ");
        let separator = if plain == "Bearer" { " " } else { ", " };
        answer["challenge"] = json!(format!("{plain}{separator}{added}"));
        self.deny(&answer)
    }

    /// The refusal for a scope of the route; the challenge lists these scopes.
    pub fn lacks(self, needed: &[&str], listed: &str) -> Finished {
        let mut answer = answers::insufficient_scope("");
        let plain = answer["challenge"].as_str().unwrap_or_default().replace(", scope=\"\"", "");
        answer["challenge"] = json!(plain);
        let request = if needed.is_empty() { self } else { self.with("scope", needed) };
        request.pointing(answer, Some(listed), POINTER)
    }
}

fn audiences() -> Vec<Finished> {
    let mismatch = || answers::invalid_token("audience_mismatch");
    let root = r#"resource_metadata="https://api.example.test/.well-known/oauth-protected-resource""#;
    let slash = r#"resource_metadata="https://api.example.test/.well-known/oauth-protected-resource/mcp/""#;
    let with_slash = format!("{RESOURCE}/");
    let is = |id, row, about: &str| at(RESOURCE, id, row, about);
    vec![
        is("resource-audience", "T20", "the audience is the resource").aud(RESOURCE).allow(),
        is("resource-audience-list", "T20", "one audience of several")
            .aud(json!(["other", RESOURCE]))
            .allow(),
        is("resource-audience-slash", "T20", "a slash at the end is another resource")
            .aud(&*with_slash)
            .pointing(mismatch(), None, POINTER),
        is("resource-audience-host", "T20", "the host of the resource").aud(AUDIENCE).pointing(
            mismatch(),
            None,
            POINTER,
        ),
        is("resource-audience-sibling", "T20", "another resource of the same host")
            .aud("https://api.example.test/b/mcp")
            .pointing(mismatch(), None, POINTER),
        is("resource-audience-longer", "T20", "a path below the resource")
            .aud("https://api.example.test/mcp/a")
            .pointing(mismatch(), None, POINTER),
        is("resource-audience-none", "T20", "no audience")
            .token(good(es384()).without_claim("aud").mint())
            .bearer()
            .pointing(answers::invalid_token("claim_missing"), None, POINTER),
        at(&with_slash, "resource-slash-audience", "T20", "a resource that ends in a slash")
            .aud(&*with_slash)
            .allow(),
        at(&with_slash, "resource-slash-audience-without", "T20", "the same without the slash")
            .aud(RESOURCE)
            .pointing(mismatch(), None, slash),
        at(AUDIENCE, "resource-host-audience", "T21", "a bare host").aud(AUDIENCE).allow(),
        at(AUDIENCE, "resource-host-audience-slash", "T21", "a bare host, with a slash")
            .aud("https://api.example.test/")
            .allow(),
        at(AUDIENCE, "resource-host-audience-path", "T21", "a path of the host is another resource")
            .aud(RESOURCE)
            .pointing(mismatch(), None, root),
        Request::new("resource-own-audience", "T22", "an audience that is named beside the resource")
            .setting("resource", RESOURCE)
            .aud(AUDIENCE)
            .allow(),
        Request::new("resource-not-own-audience", "T22", "the resource is no audience then")
            .setting("resource", RESOURCE)
            .aud(RESOURCE)
            .pointing(mismatch(), None, POINTER),
    ]
}

fn bare_challenges() -> Vec<Finished> {
    let missing = || answers::no_credentials("auth.authorization_header_missing");
    let unsupported = || answers::no_credentials("auth.authorization_token_type_not_supported");
    let at_url = "https://api.example.test/v1/.well-known/oauth-protected-resource/mcp";
    vec![
        at(RESOURCE, "resource-no-token", "T23", "no token, and no base").pointing(missing(), None, POINTER),
        with_base("resource-no-token-base", "T23", "no token").pointing(missing(), Some(BASE), POINTER),
        with_base("resource-two-base-scopes", "T23", "two scopes of the base, in their order")
            .setting("base_scopes", json!(["read:stock", BASE]))
            .pointing(missing(), Some("read:stock read:orders"), POINTER),
        with_base("resource-basic", "T23", "another scheme").authorization("Basic YTpi").pointing(
            unsupported(),
            Some(BASE),
            POINTER,
        ),
        with_base("resource-get", "T23", "any method without a token is challenged, also where nothing is")
            .url("/nothing-here")
            .pointing(missing(), Some(BASE), POINTER),
        with_base("resource-options", "T23", "OPTIONS that is not a preflight").method("OPTIONS").pointing(
            missing(),
            Some(BASE),
            POINTER,
        ),
        with_base("resource-preflight", "T23", "a preflight passes")
            .method("OPTIONS")
            .header("Origin", "https://app.example.test")
            .header("Access-Control-Request-Method", "POST")
            .preflight(),
        with_base("resource-origin", "T23", "a script of another origin may read the challenge")
            .header("Origin", "https://app.example.test")
            .pointing(missing(), Some(BASE), POINTER),
        with_base("resource-metadata-url", "T24", "another place of the document")
            .setting("metadata_url", at_url)
            .pointing(missing(), Some(BASE), &format!("resource_metadata=\"{at_url}\"")),
    ]
}

fn challenges_of_tokens() -> Vec<Finished> {
    let expired =
        |scope: &str| good(es384()).claim("aud", RESOURCE).scope(scope).claim("exp", NOW - 3600).mint();
    vec![
        with_base("resource-good", "T25", "a good token with the base").token(token(BASE)).bearer().allow(),
        with_base("resource-expired", "T25", "an expired token").token(expired(BASE)).bearer().pointing(
            answers::invalid_token("expired"),
            Some(BASE),
            POINTER,
        ),
        with_base("resource-expired-unscoped", "T25", "expired, and without the base: the token comes first")
            .token(expired("profile"))
            .bearer()
            .pointing(answers::invalid_token("expired"), Some(BASE), POINTER),
        with_base("resource-foreign", "T25", "a token for another resource")
            .aud("https://other.example.test/mcp")
            .pointing(answers::invalid_token("audience_mismatch"), Some(BASE), POINTER),
        with_base("resource-format", "T25", "a scheme without a token").authorization("Bearer").pointing(
            answers::invalid_format(),
            Some(BASE),
            POINTER,
        ),
        with_base("resource-two-tokens", "T25", "two tokens: no scope would help")
            .token(token(BASE))
            .bearer()
            .bearer()
            .pointing(answers::invalid_request(), None, POINTER),
        with_base("resource-optional-bad", "T25", "an expired token where none is needed")
            .optional()
            .token(expired(BASE))
            .bearer()
            .pointing(answers::invalid_token("expired"), Some(BASE), POINTER),
    ]
}

fn scopes() -> Vec<Finished> {
    let write = &["write:orders"][..];
    let sent = |id, row, about: &str, own: &str| with_base(id, row, about).token(token(own)).bearer();
    let supported = json!([BASE, "list:orders"]);
    let keep = |id, about: &str, own: &str| {
        sent(id, "T27", about, own).setting("scopes_supported", supported.clone())
    };
    vec![
        sent("resource-base-missing", "T26", "every request needs the base", "profile").lacks(&[], BASE),
        sent("resource-scope", "T26", "the base and the scope of the route", "write:orders read:orders")
            .with("scope", write)
            .allow(),
        sent("resource-scope-missing", "T26", "the base and what the route needs are listed", BASE)
            .lacks(write, "read:orders write:orders"),
        sent(
            "resource-base-missing-on-route",
            "T26",
            "the scope of the route without the base",
            "write:orders",
        )
        .lacks(write, "read:orders write:orders"),
        sent("resource-base-implied", "T26", "a scope that includes the base", "admin")
            .setting("implied_scopes", json!({ "admin": "read:orders" }))
            .allow(),
        sent("resource-base-on-route", "T26", "a scope of both is listed once", "write:orders")
            .lacks(&["write:orders", BASE], "read:orders write:orders"),
        keep("resource-keep", "what the token has of this resource is kept", "list:orders read:orders")
            .lacks(write, "read:orders write:orders list:orders"),
        keep(
            "resource-keep-own",
            "scopes of other APIs are not named",
            "openid list:orders mail:read read:orders",
        )
        .lacks(write, "read:orders write:orders list:orders"),
        keep("resource-keep-nothing", "nothing to keep", BASE).lacks(write, "read:orders write:orders"),
        keep("resource-needed", "what is needed alone", "list:orders read:orders")
            .setting("challenge_scopes", "needed")
            .lacks(write, "read:orders write:orders"),
        keep(
            "resource-kept-passes",
            "the scopes of the challenge let the request through",
            "read:orders write:orders list:orders",
        )
        .with("scope", write)
        .allow(),
    ]
}

fn without_pointer() -> Vec<Finished> {
    vec![
        with_base("resource-access-denied", "T28", "another token of this user would not help")
            .token(token(BASE))
            .bearer()
            .claim("tenant", "acme")
            .access_denied(),
        with_base("resource-out-of-reach", "T28", "the issuer is out of reach: nobody is asked to log in")
            .token(token(BASE))
            .bearer()
            .out_of_reach()
            .deny(&answers::issuer_unavailable()),
    ]
}
