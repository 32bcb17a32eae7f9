//! Mistakes in answers to tokens, bad ones and good ones.

use super::{FAIL, Row, WARN, challenge};
use crate::server::{Answer, Request};

fn has_one_token(request: &Request) -> bool {
    let mut values = request.all("authorization");
    let is_token = values.next().is_some_and(|value| value.starts_with("Bearer "));
    request.path == "/mcp" && is_token && values.next().is_none()
}

/// Whether the request has the token that is good.
fn has_good_token(request: &Request) -> bool {
    request.all("authorization").any(|value| value.ends_with(".Z29vZA"))
}

/// What is answered to tokens that cannot be right.
pub const CREDENTIALS: &[Row] = &[
    ("a bad token passes", &[(FAIL, "mcp.token.bad")], |request, answer| {
        if has_one_token(request) { Answer::new(200) } else { answer }
    }),
    ("an unsigned token passes", &[(FAIL, "mcp.token.bad")], |request, answer| {
        let is_unsigned = request.all("authorization").any(|value| value.ends_with('.'));
        if has_one_token(request) && is_unsigned { Answer::new(200) } else { answer }
    }),
    ("a bad token is 403", &[(FAIL, "mcp.token.bad")], |request, mut answer| {
        if has_one_token(request) {
            answer.status = 403;
        }
        answer
    }),
    ("a bad token breaks the server", &[(FAIL, "mcp.token.bad")], |request, answer| {
        if has_one_token(request) { Answer::new(500) } else { answer }
    }),
    ("a bad token is no error", &[(WARN, "mcp.token.bad")], |request, answer| {
        if has_one_token(request) {
            answer.replace("WWW-Authenticate", "error=\"invalid_token\", ", "")
        } else {
            answer
        }
    }),
    ("a bad token has no pointer", &[(WARN, "mcp.token.bad")], |request, answer| {
        if has_one_token(request) {
            answer.set("WWW-Authenticate", &challenge("error=\"invalid_token\""))
        } else {
            answer
        }
    }),
    ("another scheme passes", &[(FAIL, "mcp.token.none")], |request, answer| {
        let is_basic = request.all("authorization").any(|value| value.starts_with("Basic "));
        if is_basic { Answer::new(200) } else { answer }
    }),
    ("another scheme has no pointer", &[(WARN, "mcp.token.none")], |request, answer| {
        let is_basic = request.all("authorization").any(|value| value.starts_with("Basic "));
        if is_basic { answer.set("WWW-Authenticate", "Basic realm=\"a\"") } else { answer }
    }),
    ("an empty Bearer breaks the server", &[(WARN, "mcp.token.none")], |request, answer| {
        let is_empty = request.all("authorization").any(|value| value == "Bearer");
        if is_empty { Answer::new(500) } else { answer }
    }),
    ("one of two tokens is read", &[(WARN, "mcp.token.two")], |request, mut answer| {
        if request.all("authorization").count() == 2 {
            answer.status = 401;
        }
        answer
    }),
    ("a token in the query is read", &[(FAIL, "mcp.token.query")], |request, answer| {
        if request.query.contains("access_token=") {
            answer.replace("WWW-Authenticate", "Bearer ", "Bearer error=\"invalid_token\", ")
        } else {
            answer
        }
    }),
    ("a token in the query passes", &[(FAIL, "mcp.token.query")], |request, answer| {
        if request.query.contains("access_token=") { Answer::new(200) } else { answer }
    }),
];

/// What a valid token meets. Tools are called.
pub const TOKEN: &[Row] = &[
    ("a good token is refused", &[(FAIL, "mcp.token")], |request, answer| {
        if has_one_token(request) && has_good_token(request) { Answer::new(401) } else { answer }
    }),
    ("a good token breaks the server", &[(FAIL, "mcp.token")], |request, answer| {
        if has_one_token(request) && has_good_token(request) { Answer::new(500) } else { answer }
    }),
    ("the first of two tokens counts", &[(FAIL, "mcp.token.two")], |request, answer| {
        let first = request.all("authorization").next();
        let is_first = first.is_some_and(|value| value.ends_with(".Z29vZA"));
        if !has_one_token(request) && is_first { Answer::new(200) } else { answer }
    }),
    ("the last of two tokens counts", &[(FAIL, "mcp.token.two")], |request, answer| {
        let last = request.all("authorization").last();
        let is_last = last.is_some_and(|value| value.ends_with(".Z29vZA"));
        if !has_one_token(request) && is_last { Answer::new(200) } else { answer }
    }),
    ("a scope that lacks is 401", &[(FAIL, "mcp.tool")], |_, mut answer| {
        if answer.status == 403 {
            answer.status = 401;
        }
        answer
    }),
    ("403 without a challenge", &[(WARN, "mcp.tool")], |_, answer| {
        if answer.status == 403 { answer.without("WWW-Authenticate") } else { answer }
    }),
    ("403 without a scope", &[(WARN, "mcp.tool")], |_, answer| {
        if answer.status == 403 {
            answer.replace("WWW-Authenticate", "scope=\"read:orders write:orders\", ", "")
        } else {
            answer
        }
    }),
    ("403 without a pointer", &[(WARN, "mcp.tool")], |_, answer| {
        if answer.status == 403 {
            answer.set("WWW-Authenticate", &challenge("error=\"insufficient_scope\", scope=\"write:orders\""))
        } else {
            answer
        }
    }),
];
