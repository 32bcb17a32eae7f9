//! Mistakes in answers to requests without a token.

use serde_json::json;

use super::{FAIL, Row, WARN, challenge, is_bare, is_document};
use crate::server::{Answer, DOCUMENT, ROOT, Request};

fn is_bare_post(request: &Request) -> bool {
    is_bare(request) && request.method == "POST"
}

/// What is answered to requests without a token.
pub const ENDPOINT: &[Row] =
    &[
        ("POST passes", &[(FAIL, "mcp.post")], |request, answer| {
            if is_bare_post(request) { Answer::json(&json!({})) } else { answer }
        }),
        ("POST redirects to a login", &[(FAIL, "mcp.post")], |request, answer| {
            if is_bare_post(request) { Answer::new(302).with("Location", "/login") } else { answer }
        }),
        ("POST is a page", &[(FAIL, "mcp.post")], |request, answer| {
            if is_bare_post(request) { Answer::html(200) } else { answer }
        }),
        ("401 with a page", &[(WARN, "mcp.post")], |request, answer| {
            if is_bare_post(request) { answer.with("Content-Type", "text/html") } else { answer }
        }),
        ("403 without a token", &[(FAIL, "mcp.post")], |request, mut answer| {
            if is_bare_post(request) {
                answer.status = 403;
            }
            answer
        }),
        ("GET passes", &[(FAIL, "mcp.get")], |request, answer| {
            if is_bare(request) && request.method == "GET" { Answer::new(200) } else { answer }
        }),
        ("GET redirects", &[(FAIL, "mcp.get")], |request, answer| {
            if is_bare(request) && request.method == "GET" {
                Answer::new(303).with("Location", "/")
            } else {
                answer
            }
        }),
        ("GET is not known", &[(WARN, "mcp.get")], |request, answer| {
            if is_bare(request) && request.method == "GET" { Answer::new(405) } else { answer }
        }),
        ("the body is parsed before the token", &[(WARN, "mcp.body")], |request, answer| {
            let is_whole = request.all("content-length").all(|length| length != "100000");
            if is_bare_post(request) && is_whole && request.body() == "{" { Answer::new(400) } else { answer }
        }),
        ("the body is awaited before the token", &[(WARN, "mcp.body")], |request, answer| {
            if is_bare_post(request) {
                request.body();
            }
            answer
        }),
        ("a redirect to the other slash", &[(WARN, "mcp.slash")], |request, answer| {
            if request.path == "/mcp/" { Answer::new(307).with("Location", "/mcp") } else { answer }
        }),
        ("the other slash is open", &[(FAIL, "mcp.slash")], |request, answer| {
            if request.path == "/mcp/" { Answer::new(200) } else { answer }
        }),
    ];

/// What the challenge says.
pub const CHALLENGE: &[Row] = &[
    ("no challenge", &[(FAIL, "mcp.challenge"), (WARN, "mcp.challenge.scope")], |request, answer| {
        if is_bare(request) { answer.without("WWW-Authenticate") } else { answer }
    }),
    (
        "nothing after Bearer",
        &[(FAIL, "mcp.challenge"), (WARN, "mcp.challenge.resource_metadata"), (WARN, "mcp.challenge.scope")],
        |request, answer| if is_bare(request) { answer.set("WWW-Authenticate", "Bearer") } else { answer },
    ),
    ("Basic first", &[(FAIL, "mcp.challenge")], |request, answer| {
        if is_bare(request) {
            answer.replace("WWW-Authenticate", "Bearer", "Basic realm=\"a\", Bearer")
        } else {
            answer
        }
    }),
    ("two headers", &[(WARN, "mcp.challenge")], |request, answer| {
        if is_bare(request) { answer.with("WWW-Authenticate", "Basic realm=\"a\"") } else { answer }
    }),
    ("an error without a token", &[(WARN, "mcp.challenge.error")], |request, answer| {
        if is_bare(request) {
            answer.replace("WWW-Authenticate", "Bearer ", "Bearer error=\"invalid_token\", ")
        } else {
            answer
        }
    }),
    ("no pointer", &[(WARN, "mcp.challenge.resource_metadata")], |request, answer| {
        if is_bare(request) {
            answer.set("WWW-Authenticate", &challenge("scope=\"read:orders\""))
        } else {
            answer
        }
    }),
    ("a pointer that is a path", &[(FAIL, "mcp.challenge.resource_metadata")], |request, answer| {
        if is_bare(request) { answer.replace("WWW-Authenticate", &request.own, "") } else { answer }
    }),
    ("a pointer with http", &[(FAIL, "mcp.challenge.resource_metadata")], |request, answer| {
        if is_bare(request) {
            answer.replace("WWW-Authenticate", &request.own, "http://api.example.com")
        } else {
            answer
        }
    }),
    ("a pointer to another host", &[(FAIL, "mcp.challenge.resource_metadata")], |request, answer| {
        if is_bare(request) { answer.replace("WWW-Authenticate", "127.0.0.1", "localhost") } else { answer }
    }),
    ("a pointer to nothing", &[(FAIL, "mcp.document")], |request, answer| {
        if is_bare(request) { answer.replace("WWW-Authenticate", DOCUMENT, "/gone") } else { answer }
    }),
    ("an empty scope", &[(FAIL, "mcp.challenge.scope")], |request, answer| {
        if is_bare(request) { answer.replace("WWW-Authenticate", "read:orders", "") } else { answer }
    }),
    ("no scope", &[(WARN, "mcp.challenge.scope")], |request, answer| {
        if is_bare(request) {
            answer.replace("WWW-Authenticate", "scope=\"read:orders\", ", "")
        } else {
            answer
        }
    }),
    (
        "offline_access is asked for",
        &[(WARN, "mcp.challenge.scope"), (WARN, "mcp.issuer.scopes_supported")],
        |request, answer| {
            if is_bare(request) {
                answer.replace("WWW-Authenticate", "read:orders", "read:orders offline_access")
            } else {
                answer
            }
        },
    ),
    ("a word that clients look for", &[(WARN, "mcp.challenge.words")], |request, answer| {
        if is_bare(request) {
            answer.replace("WWW-Authenticate", "Bearer ", "Bearer realm=\"needs scope=a\", ")
        } else {
            answer
        }
    }),
    ("another challenge for GET", &[(WARN, "mcp.challenge.get")], |request, answer| {
        if is_bare(request) && request.method == "GET" {
            answer.replace("WWW-Authenticate", DOCUMENT, ROOT)
        } else {
            answer
        }
    }),
];

/// What pages of a browser may do.
pub const CORS: &[Row] = &[
    ("pages cannot read the document", &[(WARN, "mcp.cors.document")], |request, answer| {
        if is_document(request) { answer.without("Access-Control-Allow-Origin") } else { answer }
    }),
    ("the preflight of the document is not known", &[(WARN, "mcp.cors.document")], |request, answer| {
        if request.is("OPTIONS", DOCUMENT) { Answer::new(405) } else { answer }
    }),
    ("pages cannot read the challenge", &[(WARN, "mcp.cors.challenge")], |request, answer| {
        if is_bare(request) { answer.without("Access-Control-Expose-Headers") } else { answer }
    }),
    ("the challenge is exposed to nobody", &[(WARN, "mcp.cors.challenge")], |request, answer| {
        if is_bare(request) { answer.without("Access-Control-Allow-Origin") } else { answer }
    }),
    ("the challenge has no CORS", &[(WARN, "mcp.cors.challenge")], |request, answer| {
        if is_bare(request) {
            answer.without("Access-Control-Allow-Origin").without("Access-Control-Expose-Headers")
        } else {
            answer
        }
    }),
    ("the preflight needs a token", &[(WARN, "mcp.cors.endpoint")], |request, answer| {
        if request.is("OPTIONS", "/mcp") { Answer::new(401) } else { answer }
    }),
    ("the preflight fails with CORS headers", &[(WARN, "mcp.cors.endpoint")], |request, mut answer| {
        if request.is("OPTIONS", "/mcp") {
            answer.status = 401;
        }
        answer
    }),
    ("a star in place of authorization", &[(WARN, "mcp.cors.endpoint")], |request, answer| {
        if request.is("OPTIONS", "/mcp") { answer.set("Access-Control-Allow-Headers", "*") } else { answer }
    }),
];
