//! Okta custom authorization servers. Modelled from its documentation.
//!
//! Access tokens for an API come from a custom authorization server, whose URL has a path such as `/oauth2/default`. The org
//! authorization server, which has no path, makes access tokens for Okta alone, so that its URL is refused as an issuer.
//! Scopes are an array in `scp`; the client is in `cid`, which ID tokens do not have; users have `uid`.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "okta",
    title: "Okta",
    form: Form {
        shape: Shape::Template("https://{}.okta.com/oauth2/default"),
        short: "the organization (`dev-123456`)",
        hosts: &["*.okta.com", "*.oktapreview.com"],
        metadata: &[
            ("authorization_endpoint", "/v1/authorize"),
            ("registration_endpoint", "/oauth2/v1/clients"),
        ],
        rules: &[(
            IssuerRule::HasPath,
            "this is the org authorization server, whose access tokens are for Okta alone: use a custom authorization server \
             (https://ORG.okta.com/oauth2/default)",
        )],
        ..Form::PLAIN
    },
    audience: "the audience of the custom authorization server",
    audience_example: "api://default",
    scope_claims: &["scp"],
    client_rule: ClientRule::of(&[(ClientTest::SubjectIsClient, true), (ClientTest::Present("uid"), false)]),
    marks: Marks { any_of: &[Mark::Claim("cid")], id_tokens: false },
    warnings: &[
        "One custom authorization server has one audience: APIs that share it take each other's tokens.",
    ],
    hints: &[
        (
            Reason::KeyUnknown,
            "tokens of Okta's org server are for Okta alone: use a custom authorization server (/oauth2/default)",
        ),
        (
            Reason::AudienceMismatch,
            "the audience of an Okta custom authorization server is set there, often `api://default`",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Okta's ID token, or a token of the org server: send the access token of the custom authorization \
             server, which has the claim `cid`",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/okta.md")]
struct Page;
