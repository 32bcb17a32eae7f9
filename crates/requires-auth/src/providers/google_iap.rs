//! Google Cloud's Identity-Aware Proxy. Modelled from its documentation.
//!
//! The proxy puts an assertion of its own into `X-Goog-IAP-JWT-Assertion`, and the `Authorization` header counts for nothing.
//! The audience is the resource behind the proxy, by the number of its project. The keys are at one place, which no metadata
//! name, and sign with ES256 alone. There are no scopes: `email` or `hd` decides.

use super::{Form, Place, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest};

pub(super) const ROW: Provider = Provider {
    name: "google_iap",
    title: "Google Identity-Aware Proxy",
    form: Form {
        shape: Shape::Fixed("https://cloud.google.com/iap"),
        hosts: &["cloud.google.com"],
        ..Form::PLAIN
    },
    audience: "the resource behind the proxy",
    audience_example: "/projects/123456789012/global/backendServices/987654321",
    jwks_uri: Some("https://www.gstatic.com/iap/verify/public_key-jwk"),
    algorithms: &["ES256"],
    has_scopes: false,
    token_from: &[Place::Header("X-Goog-IAP-JWT-Assertion")],
    client_rule: ClientRule::of(&[(ClientTest::Always, false)]),
    warnings: &[
        "The assertion has no scopes: who may pass is decided at the proxy, and here by `email` or `hd`.",
    ],
    hints: &[(
        Reason::AudienceMismatch,
        "the audience of the Identity-Aware Proxy names one backend service or one App Engine application: copy it from the \
         console (\"Signed Header JWT Audience\")",
    )],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/google-iap.md")]
struct Page;
