//! Keycloak. Modelled from its documentation and from threads of its users; versions 25 and 26.
//!
//! The issuer is that of a realm. An access token has the claim `typ` with `Bearer` or `DPoP`, which tells it from ID and
//! refresh tokens that the same realm signs; the type of RFC 9068 in the header counts as well. Roles of the realm are in
//! `realm_access.roles`, and count beside scopes. A service account has a `preferred_username` that begins with
//! `service-account-`.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "keycloak",
    title: "Keycloak",
    form: Form {
        shape: Shape::Url("https://id.example.com/realms/NAME"),
        short: "",
        paths: &["/realms/*"],
        metadata: &[("authorization_endpoint", "/protocol/openid-connect/auth")],
        rules: &[(
            IssuerRule::Has("/realms/"),
            "Keycloak's issuer is that of a realm: https://HOST/realms/NAME, before version 17 https://HOST/auth/realms/NAME",
        )],
        ..Form::PLAIN
    },
    audience: "the client id that an Audience mapper puts into aud",
    audience_example: "orders-api",
    scope_claims: &["scope", "realm_access.roles"],
    client_rule: ClientRule::of(&[
        (ClientTest::Begins("preferred_username", "service-account-"), true),
        (ClientTest::Present("client_id"), true),
        (ClientTest::Present("preferred_username"), false),
    ]),
    // The claim `typ` is its own; the header says `JWT` unless the client is told to use that of RFC 9068.
    marks: Marks {
        any_of: &[Mark::Value("typ", "Bearer"), Mark::Value("typ", "DPoP"), Mark::Type("at+jwt")],
        id_tokens: false,
    },
    warnings: &[
        "Without an Audience mapper Keycloak's tokens name `account` or nobody: add one to the client scope of this API.",
    ],
    hints: &[
        (
            Reason::AudienceMismatch,
            "Keycloak's audience is `account` until the client has an Audience mapper for this API",
        ),
        (
            Reason::ClaimMissing,
            "Keycloak leaves out `aud` without an Audience mapper, and `sub` without the scope `basic`",
        ),
        (
            Reason::IssuerMismatch,
            "Keycloak's issuer follows its hostname settings: inside and outside names differ",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Keycloak's ID token or refresh token: send the access token, whose claim `typ` is `Bearer`",
        ),
        (
            Reason::AlgorithmNotAllowed,
            "this may be Keycloak's refresh token, which it signs with a secret (HS512) for itself: send the access token",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/keycloak.md")]
struct Page;
