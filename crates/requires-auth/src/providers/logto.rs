//! Logto, hosted (`*.logto.app`) and self-hosted. Recorded: versions 1.37.1 and 1.42.0.
//!
//! Access tokens for an API resource are JWTs with the type of RFC 9068, so that the stricter profile is chosen. A request
//! without `resource` gets an opaque token, which introspection takes. Tokens for an organization have the audience
//! `urn:logto:organization:ID`, and those of machine-to-machine applications name the application as their subject.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Profile};

pub(super) const ROW: Provider = Provider {
    name: "logto",
    title: "Logto",
    form: Form {
        shape: Shape::Template("https://{}.logto.app/oidc"),
        short: "the tenant id",
        hosts: &["*.logto.app"],
        paths: &["/oidc"],
        // Any server under `/oidc` may have such an endpoint; the scopes are Logto's own.
        metadata: &[
            ("introspection_endpoint", "/oidc/token/introspection"),
            ("scopes_supported", "urn:logto:scope:"),
        ],
        rules: &[(
            IssuerRule::EndsWith("/oidc"),
            "Logto's issuer is its endpoint with /oidc at the end, without a slash",
        )],
        ..Form::PLAIN
    },
    audience: "the API identifier of the API resource, or urn:logto:organization:ID for an organization",
    // Every access token has the type of RFC 9068; ID tokens share issuer and key, and may have no type at all.
    profile: Some(Profile::AccessTokenJwt),
    client_rule: ClientRule::of(&[(ClientTest::SubjectIsClient, true), (ClientTest::Always, false)]),
    opaque: Some(
        "Logto gives an opaque token when the request names no `resource`: ask for this API's resource indicator",
    ),
    hints: &[
        (
            Reason::AlgorithmNotAllowed,
            "Logto signs with ES384 by default, and with RS256 after a rotation to RSA: allow both",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Logto's ID token: send the access token that was asked for with `resource`",
        ),
        (
            Reason::KeyUnknown,
            "Logto keeps at most two keys after a rotation; the Management API has the issuer and the keys of the admin \
             tenant",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/logto.md")]
struct Page;
