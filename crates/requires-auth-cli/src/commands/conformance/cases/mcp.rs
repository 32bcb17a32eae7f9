//! A guard of an MCP server (the authorization of 2026-07-28, RFC 9728).

use crate::commands::conformance::case::Expect::{Document, Pointer, Refuse};
use crate::commands::conformance::case::Member::{Issuer, Resource};
use crate::commands::conformance::case::{Case, must};
use crate::commands::conformance::mint::{Attempt, Mint, no_credentials};

pub(crate) const CASES: &[Case] = &[
    must(
        [
            "pointer",
            "T23",
            "RFC 9728 §5.1",
            "no credentials: the challenge points to the metadata of the resource",
        ],
        Pointer,
        no_credentials,
    ),
    must(
        [
            "document-resource",
            "T07",
            "RFC 9728 §3.3",
            "the metadata name the URL of this server as the resource",
        ],
        Document(Resource),
        no_credentials,
    ),
    must(
        [
            "document-issuer",
            "T08",
            "MCP, Authorization",
            "the metadata name the issuer as an authorization server",
        ],
        Document(Issuer),
        no_credentials,
    ),
    must(["get-no-token", "U08", "MCP, Authorization", "GET without credentials"], Refuse, |m| {
        method(m.bare(), "GET")
    }),
    must(["delete-no-token", "U08", "MCP, Authorization", "DELETE without credentials"], Refuse, |m| {
        method(m.bare(), "DELETE")
    }),
    must(
        ["notification-no-token", "U06", "MCP, Authorization", "a notification without credentials"],
        Refuse,
        |m| message(m, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#),
    ),
    must(
        ["call-no-token", "U01", "MCP, Authorization", "a call of a tool without credentials"],
        Refuse,
        |m| {
            message(
                m,
                r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"any","arguments":{}}}"#,
            )
        },
    ),
    must(
        ["other-resource", "T20", "RFC 8707 §2", "a token for another resource of the same host"],
        Refuse,
        |m| {
            let aud = format!("{}/another", m.setup.audience.trim_end_matches('/'));
            m.send(&m.good().claim("aud", aud).mint())
        },
    ),
];

fn method(attempt: Attempt, method: &str) -> Attempt {
    Attempt { method: method.to_owned(), body: None, ..attempt }
}

fn message(m: &Mint<'_>, body: &str) -> Attempt {
    Attempt { body: Some(body.to_owned()), ..m.bare() }
}
