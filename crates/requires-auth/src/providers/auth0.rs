//! Auth0, with its own domains and custom ones. Modelled from its documentation.
//!
//! The audience decides what Auth0 gives: a request with `audience` gets a JWT for that API, one without gets an opaque or
//! an encrypted token. Scopes are in `scope`; with RBAC the permissions of people are in `permissions`, so that both count.
//! Tokens of machines have `gty` `client-credentials` and a subject that ends in `@clients`.
//!
//! An ID token has none of the marks below unless an Action adds them, so that it is refused although its key is the same.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "auth0",
    title: "Auth0",
    form: Form {
        shape: Shape::Template("https://{}.auth0.com/"),
        short: "the tenant with its region (`acme` or `acme.eu`)",
        hosts: &["*.auth0.com"],
        metadata: &[
            ("device_authorization_endpoint", "/oauth/device/code"),
            ("registration_endpoint", "/oidc/register"),
        ],
        rules: &[(IssuerRule::EndsWith("/"), "Auth0's issuer ends in a slash, that of a custom domain too")],
        ..Form::PLAIN
    },
    audience: "the identifier of the API",
    // With RBAC the permissions of people are in a claim of their own.
    scope_claims: &["scope", "permissions"],
    client_rule: ClientRule::of(&[
        (ClientTest::Equals("gty", "client-credentials"), true),
        (ClientTest::SubjectEnds("@clients"), true),
        (ClientTest::Always, false),
    ]),
    marks: Marks {
        any_of: &[
            Mark::Claim("scope"),
            Mark::Claim("azp"),
            Mark::Claim("gty"),
            Mark::Claim("client_id"),
            Mark::Claim("permissions"),
            Mark::Type("at+jwt"),
        ],
        id_tokens: false,
    },
    opaque: Some(
        "Auth0 gives an opaque token when the request names no `audience`: ask for this API's identifier",
    ),
    hints: &[
        (
            Reason::Encrypted,
            "Auth0 gives an encrypted token when the request names no `audience`, or when the API has encryption on",
        ),
        (Reason::IssuerMismatch, "Auth0's issuer ends in a slash, and a custom domain changes it"),
        (
            Reason::TypeNotAllowed,
            "this looks like Auth0's ID token: send the access token that was asked for with this API's `audience`",
        ),
        (
            Reason::AlgorithmNotAllowed,
            "the API signs with HS256: choose RS256 in the settings of the API at Auth0",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/auth0.md")]
struct Page;
