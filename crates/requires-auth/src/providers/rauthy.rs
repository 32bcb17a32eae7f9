//! Rauthy. Modelled from memory of its documentation; not checked against a running server.
//!
//! An access token has the claim `typ` with `Bearer` or `DPoP`; ID and refresh tokens have another. The audience is the
//! client, so that the client ids that may call the API are listed. Roles are in `roles`, and count beside scopes.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "rauthy",
    title: "Rauthy",
    form: Form {
        shape: Shape::Url("https://id.example.com/auth/v1/"),
        paths: &["/auth/v1/", "/auth/v1"],
        metadata: &[("authorization_endpoint", "/auth/v1/oidc/authorize")],
        rules: &[(
            IssuerRule::Has("/auth/v1"),
            "Rauthy's issuer ends in /auth/v1/: copy it from its metadata",
        )],
        ..Form::PLAIN
    },
    audience: "the client id, to which clients are made for",
    audience_example: "shop",
    scope_claims: &["scope", "roles"],
    marks: Marks { any_of: &[Mark::Value("typ", "Bearer"), Mark::Value("typ", "DPoP")], id_tokens: false },
    warnings: &["Rauthy's audience is the client: list the client ids whose tokens may be used here."],
    hints: &[
        (
            Reason::IssuerMismatch,
            "Rauthy's issuer has a slash at its end in some versions and none in others: copy it from its metadata",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Rauthy's ID token or refresh token: send the access token, whose claim `typ` is `Bearer`",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/rauthy.md")]
struct Page;
