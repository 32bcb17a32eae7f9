//! Service accounts of Kubernetes. Modelled from its documentation.
//!
//! The issuer is the API server of the cluster, and every token speaks for a service account. The audience is that of the
//! projected volume. The claim `kubernetes.io` names namespace, pod and account; legacy tokens of secrets do not have it.
//! Metadata and keys often need a token themselves:
//! [`with_fetch_token_file`](crate::guard::Builder::with_fetch_token_file).

use super::{Form, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "kubernetes",
    title: "Kubernetes service accounts",
    form: Form {
        shape: Shape::Fixed("https://kubernetes.default.svc.cluster.local"),
        hosts: &["kubernetes.default.svc.cluster.local", "kubernetes.default.svc"],
        ..Form::PLAIN
    },
    audience: "the audience of the projected volume",
    client_rule: ClientRule::of(&[(ClientTest::Always, true)]),
    // Tokens of secrets have another issuer and none of this.
    marks: Marks { any_of: &[Mark::Claim("kubernetes.io")], id_tokens: false },
    has_scopes: false,
    warnings: &[
        "A token is good until it expires, also if its pod is gone: only the TokenReview API knows. Ask for a short life \
         (expirationSeconds).",
    ],
    hints: &[
        (
            Reason::AudienceMismatch,
            "a service account's token is for the API server unless the projected volume names another audience",
        ),
        (
            Reason::IssuerMismatch,
            "the issuer of a cluster is its --service-account-issuer: `kubectl get --raw /.well-known/openid-configuration` \
             shows it",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/kubernetes.md")]
struct Page;
