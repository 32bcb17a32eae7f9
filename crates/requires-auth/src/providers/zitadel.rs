//! Zitadel. Modelled from its documentation and from threads of its users.
//!
//! Tokens are opaque until the application or the service user is set to JWT; introspection takes the opaque ones. `aud`
//! names all applications of a project, so that it is not a boundary between them. Roles are the members of an object in
//! `urn:zitadel:iam:org:project:roles`, whose names count as scopes. `jti` tells an access token from an ID token.

use super::{Form, Provider, Shape};
use crate::error::Reason;
use crate::verify::{Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "zitadel",
    title: "Zitadel",
    form: Form {
        shape: Shape::Template("https://{}.zitadel.cloud"),
        short: "the instance (`acme-a1b2c3`)",
        hosts: &["*.zitadel.cloud"],
        metadata: &[("authorization_endpoint", "/oauth/v2/authorize"), ("jwks_uri", "/oauth/v2/keys")],
        ..Form::PLAIN
    },
    audience: "the project id",
    audience_example: "260000000000000001",
    // Roles are the members of an object.
    scope_claims: &["scope", "urn:zitadel:iam:org:project:roles"],
    // ID tokens have no `jti`, access tokens always.
    marks: Marks { any_of: &[Mark::Claim("jti"), Mark::Type("at+jwt")], id_tokens: false },
    opaque: Some(
        "Zitadel gives opaque tokens until the application or the service user is set to the token type JWT; \
         `introspection` takes them as they are",
    ),
    warnings: &[
        "At Zitadel the audience alone is not a boundary: `aud` names all applications of a project, and any service user may \
         ask for any project. Also demand a role of this project, or a client of yours.",
    ],
    hints: &[
        (
            Reason::AudienceMismatch,
            "Zitadel's audience is the project id, which clients ask for with the scope urn:zitadel:iam:org:project:id:ID:aud",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Zitadel's ID token: send the access token, and set the token type of the application to JWT",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/zitadel.md")]
struct Page;
