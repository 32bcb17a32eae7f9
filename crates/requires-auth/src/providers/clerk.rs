//! Session tokens of Clerk. Modelled from its documentation.
//!
//! A session token is what the frontend sends. It has no `aud`; `azp` has the origin of the frontend, which takes the place
//! of the audience, and `sid` the session. Tokens of a JWT template are made for other services and have no `sid`, so that
//! they are refused. There are no scopes.

use super::{AudienceRule, Form, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "clerk",
    title: "Clerk",
    form: Form {
        shape: Shape::Template("https://{}.clerk.accounts.dev"),
        short: "the development instance",
        hosts: &["*.clerk.accounts.dev"],
        ..Form::PLAIN
    },
    audience: "the origins of the frontends whose sessions are taken",
    audience_example: "https://app.example.com",
    audience_rule: AudienceRule::Claim("azp"),
    algorithms: &["RS256"],
    client_rule: ClientRule::of(&[(ClientTest::Always, false)]),
    // Tokens of a template are made for others, and have no session.
    marks: Marks { any_of: &[Mark::Claim("sid")], id_tokens: false },
    has_scopes: false,
    warnings: &["Clerk's session tokens live for a minute, and have no scopes."],
    hints: &[
        (
            Reason::AudienceMismatch,
            "`azp` of Clerk's tokens is the origin of the page that has the session: list it, with https:// and without a slash",
        ),
        (
            Reason::ClaimMissing,
            "Clerk's tokens have `azp` only if they were asked for by a page: a token of another client has none",
        ),
        (
            Reason::TypeNotAllowed,
            "a token of a JWT template is not a session token: send what getToken() gives without one",
        ),
        (
            Reason::Expired,
            "Clerk's session tokens live for a minute: ask for one with getToken() before each request",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/clerk.md")]
struct Page;
