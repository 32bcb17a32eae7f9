//! Firebase Authentication. Modelled from its documentation.
//!
//! The ID token is what applications send to their own servers, so that it is taken here. Issuer and audience are made of
//! the project id; the keys are at one place for all projects, which no metadata name. The claim `firebase` says how the
//! user signed in: anonymous users have tokens too. There are no scopes.

use super::{AudienceRule, Form, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "firebase",
    title: "Firebase Authentication",
    form: Form {
        shape: Shape::Template("https://securetoken.google.com/{}"),
        short: "the project id",
        hosts: &["securetoken.google.com"],
        ..Form::PLAIN
    },
    audience: "the project id",
    audience_example: "my-project",
    audience_rule: AudienceRule::Default("{}"),
    jwks_uri: Some(
        "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
    ),
    algorithms: &["RS256"],
    client_rule: ClientRule::of(&[(ClientTest::Always, false)]),
    // Applications send this ID token to their own servers: it is what an access token is elsewhere.
    marks: Marks { any_of: &[Mark::Claim("firebase")], id_tokens: true },
    has_scopes: false,
    warnings: &[
        "Firebase's tokens have no scopes, and anonymous users have tokens too: look at firebase.sign_in_provider.",
    ],
    hints: &[(
        Reason::IssuerMismatch,
        "a session cookie of Firebase has the issuer https://session.firebase.google.com/PROJECT: send the ID token",
    )],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/firebase.md")]
struct Page;
