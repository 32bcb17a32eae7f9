//! ID tokens of Google accounts and service accounts. Modelled from its documentation.
//!
//! Google's access tokens are opaque and for Google's own APIs, so that an API is given the ID token. `iss` is either
//! `https://accounts.google.com` or the same without the scheme; both are one issuer. Anybody with an account has a token
//! for a public client: `sub`, or `hd` for one organization, decides in a claim rule.

use super::{Form, Provider, Shape};
use crate::error::Reason;
use crate::verify::Marks;

pub(super) const ROW: Provider = Provider {
    name: "google",
    title: "Google (ID tokens)",
    form: Form {
        shape: Shape::Fixed("https://accounts.google.com"),
        // Both are in use, and both are the same issuer.
        aliases: &["accounts.google.com"],
        hosts: &["accounts.google.com"],
        ..Form::PLAIN
    },
    audience: "the OAuth client id, or the audience that a service account asks for",
    audience_example: "407408718192.apps.googleusercontent.com",
    marks: Marks { any_of: &[], id_tokens: true },
    opaque: Some("Google's access tokens are opaque and only for Google's own APIs: send the ID token"),
    has_scopes: false,
    warnings: &[
        "Google's ID tokens have no scopes. Anybody with a Google account gets one for a public client: decide by `sub`, or by \
         `hd` for the accounts of one organization.",
    ],
    hints: &[(
        Reason::AudienceMismatch,
        "Google's audience is the OAuth client id (`...apps.googleusercontent.com`) that the token was asked for with",
    )],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/google.md")]
struct Page;
