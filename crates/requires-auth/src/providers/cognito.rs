//! Amazon Cognito user pools. Modelled from its documentation.
//!
//! An access token has `token_use` `access` and no `aud`; it names its app client in `client_id`, which therefore takes the
//! place of the audience. The issuer is made of the id of the pool, whose region stands before the underscore. The login
//! domain of a pool is not an issuer. Groups of users are in `cognito:groups`, and count as scopes.
//!
//! An ID token has `token_use` `id`, and is refused.

use super::{AudienceRule, Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "cognito",
    title: "Amazon Cognito",
    form: Form {
        shape: Shape::CognitoPool,
        short: "the id of the user pool (`eu-west-1_AbCdEfGhI`)",
        hosts: &["cognito-idp.*"],
        rules: &[
            (
                IssuerRule::HasNot(".amazoncognito.com"),
                "this is the pool's login domain: its issuer is https://cognito-idp.REGION.amazonaws.com/POOL",
            ),
            (IssuerRule::HasPath, "the issuer ends in the id of the user pool"),
        ],
        ..Form::PLAIN
    },
    audience: "the app client ids whose tokens are taken",
    audience_example: "1example23456789",
    audience_rule: AudienceRule::Claim("client_id"),
    scope_claims: &["scope", "cognito:groups"],
    client_rule: ClientRule::of(&[
        (ClientTest::SubjectIsClient, true),
        (ClientTest::Present("username"), false),
    ]),
    marks: Marks { any_of: &[Mark::Value("token_use", "access")], id_tokens: false },
    warnings: &[
        "Cognito's access tokens have no `aud`: the app clients that are listed are all that keeps other clients of the pool out.",
    ],
    hints: &[
        (
            Reason::ClaimMissing,
            "Cognito's access tokens have no `aud` unless the app client has a resource binding",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Cognito's ID token: send the access token, whose `token_use` is `access`",
        ),
        (
            Reason::AudienceMismatch,
            "the token is for another app client of the pool: list its client id if it may call this API",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/cognito.md")]
struct Page;
