//! Supabase Auth. Modelled from its documentation.
//!
//! A project has one audience for everybody who has logged in, `authenticated`, which is filled in where none is given.
//! `session_id` tells a user's token from the project's own API keys. There are no scopes: `role` and `app_metadata` are
//! set by the project, `user_metadata` by the users themselves, so that no rule may rest on the latter.

use super::{AudienceRule, Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "supabase",
    title: "Supabase Auth",
    form: Form {
        shape: Shape::Template("https://{}.supabase.co/auth/v1"),
        short: "the project reference",
        hosts: &["*.supabase.co"],
        rules: &[(IssuerRule::EndsWith("/auth/v1"), "Supabase's issuer ends in /auth/v1, without a slash")],
        ..Form::PLAIN
    },
    audience: "the audience of everybody who has logged in",
    audience_example: "authenticated",
    audience_rule: AudienceRule::Default("authenticated"),
    jwks_uri: Some("https://{}.supabase.co/auth/v1/.well-known/jwks.json"),
    client_rule: ClientRule::of(&[(ClientTest::Always, false)]),
    marks: Marks { any_of: &[Mark::Claim("session_id")], id_tokens: false },
    has_scopes: false,
    warnings: &[
        "Supabase's tokens have no scopes: decide by `role`, or by app_metadata. Users can edit user_metadata.",
    ],
    hints: &[
        (
            Reason::AlgorithmNotAllowed,
            "the project signs with its legacy secret (HS256): create an asymmetric signing key in its JWT settings",
        ),
        (
            Reason::TypeNotAllowed,
            "the keys `anon` and `service_role` of Supabase are not tokens of a user: send the user's access token",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/supabase.md")]
struct Page;
