//! authentik. Modelled from memory of its documentation; not checked against a running server.
//!
//! Each provider in authentik has an issuer of its own, which ends in a slash. Its audience is the client id. Groups are in
//! `groups`, and count beside scopes. `scope` is what tells an access token from an ID token, besides the type of RFC 9068.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "authentik",
    title: "authentik",
    form: Form {
        shape: Shape::Url("https://id.example.com/application/o/NAME/"),
        paths: &["/application/o/*"],
        metadata: &[("authorization_endpoint", "/application/o/authorize/")],
        rules: &[(
            IssuerRule::EndsWith("/"),
            "authentik's issuer ends in a slash: https://HOST/application/o/NAME/",
        )],
        ..Form::PLAIN
    },
    audience: "the client id of the provider",
    audience_example: "client-1",
    scope_claims: &["scope", "groups"],
    marks: Marks { any_of: &[Mark::Claim("scope"), Mark::Type("at+jwt")], id_tokens: false },
    hints: &[
        (
            Reason::AlgorithmNotAllowed,
            "without a signing key authentik signs with the client's secret (HS256): choose a certificate as its signing key",
        ),
        (
            Reason::IssuerMismatch,
            "authentik has one issuer for each application, which ends in a slash, unless its issuer mode is global",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like authentik's ID token: send the access token, which has the claim `scope`",
        ),
        (
            Reason::AudienceMismatch,
            "authentik's audience is the client id: list that of each client that may call this API",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/authentik.md")]
struct Page;
