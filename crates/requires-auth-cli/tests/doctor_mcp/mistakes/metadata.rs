//! Mistakes in the document of the resource, and in the metadata of the issuer.

use serde_json::json;

use super::{FAIL, Row, WARN, challenge, is_bare, is_document};
use crate::server::{Answer, DOCUMENT, METADATA, OIDC, ROOT, metadata};

/// Where the document is, and what it says.
pub const DOCUMENTS: &[Row] =
    &[
        ("no document", &[(FAIL, "mcp.document")], |request, answer| {
            if is_document(request) { Answer::new(404) } else { answer }
        }),
        ("an outage where the pointer leads", &[(FAIL, "mcp.document")], |request, answer| {
            if request.is("GET", DOCUMENT) { Answer::new(503) } else { answer }
        }),
        (
            "too many requests at the path, and no pointer",
            &[(WARN, "mcp.challenge.resource_metadata"), (FAIL, "mcp.document")],
            |request, answer| {
                if is_bare(request) {
                    return answer.set("WWW-Authenticate", &challenge("scope=\"read:orders\""));
                }
                if request.is("GET", DOCUMENT) { Answer::new(429) } else { answer }
            },
        ),
        ("a page of the application at the root", &[(WARN, "mcp.document")], |request, answer| {
            if request.is("GET", ROOT) { Answer::html(200) } else { answer }
        }),
        ("a page of the application below the server", &[(WARN, "mcp.document")], |request, answer| {
            if request.path.starts_with("/mcp/.well-known") { Answer::html(200) } else { answer }
        }),
        ("an outage at the root", &[(WARN, "mcp.document")], |request, answer| {
            if request.is("GET", ROOT) { Answer::new(500) } else { answer }
        }),
        ("not JSON", &[(FAIL, "mcp.document")], |request, mut answer| {
            if request.is("GET", DOCUMENT) {
                "resource: /mcp".clone_into(&mut answer.body);
            }
            answer
        }),
        ("longer than anybody reads", &[(FAIL, "mcp.document")], |request, answer| {
            if request.is("GET", DOCUMENT) {
                answer.member("resource_name", json!("a".repeat(1 << 20)))
            } else {
                answer
            }
        }),
        ("sent as text", &[(FAIL, "mcp.document.type")], |request, answer| {
            if is_document(request) { answer.set("Content-Type", "text/plain") } else { answer }
        }),
        ("a slash at the end", &[(FAIL, "mcp.document.resource")], |request, answer| {
            let resource = json!(format!("{}/mcp/", request.own));
            if is_document(request) { answer.member("resource", resource) } else { answer }
        }),
        ("https in place of http", &[(FAIL, "mcp.document.resource")], |request, answer| {
            let resource = json!(format!("{}/mcp", request.own.replace("http:", "https:")));
            if is_document(request) { answer.member("resource", resource) } else { answer }
        }),
        ("the host alone", &[(FAIL, "mcp.document.resource")], |request, answer| {
            if is_document(request) { answer.member("resource", json!(request.own)) } else { answer }
        }),
        ("no resource", &[(FAIL, "mcp.document.resource")], |request, answer| {
            if is_document(request) { answer.member("resource", json!(null)) } else { answer }
        }),
        ("no issuers", &[(FAIL, "mcp.document.authorization_servers")], |request, answer| {
            if is_document(request) { answer.member("authorization_servers", json!(null)) } else { answer }
        }),
        ("nobody as issuer", &[(FAIL, "mcp.document.authorization_servers")], |request, answer| {
            if is_document(request) { answer.member("authorization_servers", json!([])) } else { answer }
        }),
        ("offline_access is published", &[(WARN, "mcp.document.scopes_supported")], |request, answer| {
            let scopes = json!(["read:orders", "openid"]);
            if is_document(request) { answer.member("scopes_supported", scopes) } else { answer }
        }),
        ("no way to send a token", &[(FAIL, "mcp.document.bearer_methods_supported")], |request, answer| {
            if is_document(request) { answer.member("bearer_methods_supported", json!([])) } else { answer }
        }),
        (
            "tokens in the query are offered",
            &[(FAIL, "mcp.document.bearer_methods_supported")],
            |request, answer| {
                let methods = json!(["header", "query"]);
                if is_document(request) { answer.member("bearer_methods_supported", methods) } else { answer }
            },
        ),
        ("an empty member", &[(WARN, "mcp.document.empty")], |request, answer| {
            if is_document(request) {
                answer.member("resource_signing_alg_values_supported", json!([]))
            } else {
                answer
            }
        }),
        ("two documents", &[(WARN, "mcp.document.same")], |request, answer| {
            if request.is("GET", ROOT) { answer.member("resource_name", json!("Orders")) } else { answer }
        }),
        ("the same document for both spellings", &[(WARN, "mcp.document.slash")], |request, answer| {
            if request.path != format!("{DOCUMENT}/") {
                return answer;
            }
            Answer::json(&json!({ "resource": format!("{}/mcp", request.own) }))
        }),
    ];

/// What the issuer publishes.
pub const ISSUER: &[Row] = &[
    ("an issuer with a slash", &[(FAIL, "mcp.issuer.identical")], |request, answer| {
        let issuers = json!([format!("{}/tenant/", request.own)]);
        if is_document(request) { answer.member("authorization_servers", issuers) } else { answer }
    }),
    ("an issuer with http", &[(FAIL, "mcp.issuer.url")], |request, answer| {
        let issuers = json!(["http://id.example"]);
        if is_document(request) { answer.member("authorization_servers", issuers) } else { answer }
    }),
    ("an issuer that is a name", &[(FAIL, "mcp.issuer.url")], |request, answer| {
        if is_document(request) { answer.member("authorization_servers", json!(["main"])) } else { answer }
    }),
    ("no metadata", &[(FAIL, "mcp.issuer.metadata")], |request, answer| {
        if request.path == METADATA { Answer::new(404) } else { answer }
    }),
    ("an outage before the metadata", &[(FAIL, "mcp.issuer.metadata")], |request, answer| {
        match &*request.path {
            METADATA => Answer::new(500),
            OIDC => Answer::json(&metadata(&request.own)),
            _ => answer,
        }
    }),
    ("a page before the metadata", &[(FAIL, "mcp.issuer.metadata")], |request, answer| {
        match &*request.path {
            METADATA => Answer::html(200),
            OIDC => Answer::json(&metadata(&request.own)),
            _ => answer,
        }
    }),
    ("one of two metadata has another issuer", &[(FAIL, "mcp.issuer.identical")], |request, answer| {
        if request.path == OIDC {
            Answer::json(&metadata(&request.own)).member("issuer", json!("https://id.example"))
        } else {
            answer
        }
    }),
    ("no token endpoint", &[(FAIL, "mcp.issuer.endpoints")], |request, answer| {
        if request.path == METADATA { answer.member("token_endpoint", json!(null)) } else { answer }
    }),
    ("a login over http", &[(FAIL, "mcp.issuer.endpoints")], |request, answer| {
        let endpoint = json!("http://id.example/auth");
        if request.path == METADATA { answer.member("authorization_endpoint", endpoint) } else { answer }
    }),
    ("PKCE is not said", &[(FAIL, "mcp.issuer.pkce")], |request, answer| {
        if request.path == METADATA {
            answer.member("code_challenge_methods_supported", json!(null))
        } else {
            answer
        }
    }),
    ("plain PKCE alone", &[(FAIL, "mcp.issuer.pkce")], |request, answer| {
        if request.path == METADATA {
            answer.member("code_challenge_methods_supported", json!(["plain"]))
        } else {
            answer
        }
    }),
    ("no public clients", &[(WARN, "mcp.issuer.public_clients")], |request, answer| {
        let methods = json!(["client_secret_basic"]);
        if request.path == METADATA {
            answer.member("token_endpoint_auth_methods_supported", methods)
        } else {
            answer
        }
    }),
    ("public clients are not said", &[(WARN, "mcp.issuer.public_clients")], |request, answer| {
        if request.path == METADATA {
            answer.member("token_endpoint_auth_methods_supported", json!(null))
        } else {
            answer
        }
    }),
    ("no registration", &[(WARN, "mcp.issuer.registration")], |request, answer| {
        if request.path == METADATA { answer.member("registration_endpoint", json!(null)) } else { answer }
    }),
    ("a scope that the issuer does not know", &[(WARN, "mcp.issuer.scopes_supported")], |request, answer| {
        if request.path == METADATA { answer.member("scopes_supported", json!(["openid"])) } else { answer }
    }),
    ("the issuer lists other resources", &[(WARN, "mcp.issuer.protected_resources")], |request, answer| {
        let resources = json!([format!("{}/mcp/", request.own)]);
        if request.path == METADATA { answer.member("protected_resources", resources) } else { answer }
    }),
];
