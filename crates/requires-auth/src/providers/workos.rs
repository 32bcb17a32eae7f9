//! WorkOS AuthKit. Modelled from its documentation.
//!
//! The short name is the subdomain of AuthKit, which issues the access tokens of WorkOS Connect: those of MCP clients, of
//! OAuth applications and of machines. Their audience is the resource indicator that was asked for, else the client id of the
//! environment. Session tokens, which a frontend of one's own has, come from another issuer
//! (`https://api.workos.com/user_management/CLIENT`), whose keys are at `https://api.workos.com/sso/jwks/CLIENT`; they have no
//! `aud` unless a JWT template adds one. Permissions are in `permissions`, and count beside scopes.
//!
//! Every access token has `jti`, and no ID token has.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "workos",
    title: "WorkOS AuthKit",
    form: Form {
        shape: Shape::Template("https://{}.authkit.app"),
        short: "the subdomain of AuthKit",
        hosts: &["*.authkit.app", "api.workos.com"],
        rules: &[(
            IssuerRule::HasNot("/sso/jwks/"),
            "this is where the keys of an environment are: write it as `jwks_uri`, beside the issuer \
             https://api.workos.com/user_management/CLIENT",
        )],
        ..Form::PLAIN
    },
    audience: "the resource indicator of the API, or the client id of the environment",
    audience_example: "https://api.example.com",
    scope_claims: &["scope", "permissions"],
    client_rule: ClientRule::of(&[(ClientTest::SubjectIsClient, true), (ClientTest::Present("sid"), false)]),
    // ID tokens have no `jti`, access tokens always.
    marks: Marks { any_of: &[Mark::Claim("jti")], id_tokens: false },
    warnings: &[
        "Without a resource indicator the audience of every client is the environment: the scopes and permissions of a token are \
         then all that keeps clients apart.",
    ],
    hints: &[
        (
            Reason::ClaimMissing,
            "WorkOS's session tokens have no `aud`: add one in the JWT template of the environment",
        ),
        (
            Reason::AudienceMismatch,
            "WorkOS's audience is the resource indicator that the client asked for, if it is configured there, else the client id \
             of the environment",
        ),
        (
            Reason::IssuerMismatch,
            "WorkOS has an issuer for AuthKit (https://NAME.authkit.app) and one for session tokens \
             (https://api.workos.com/user_management/CLIENT, in older environments https://api.workos.com)",
        ),
        (Reason::TypeNotAllowed, "this looks like WorkOS's ID token: send the access token, which has `jti`"),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/workos.md")]
struct Page;
