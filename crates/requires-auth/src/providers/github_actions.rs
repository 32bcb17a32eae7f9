//! Workflows of GitHub Actions. Modelled from its documentation.
//!
//! There is one issuer for every repository on GitHub, and a workflow chooses the audience itself. A policy therefore needs
//! a claim rule on `repository_id` or `repository_owner_id`; names of repositories and owners can pass to others. Every
//! token speaks for a workflow, never for a user, and there are no scopes.

use super::{Form, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "github_actions",
    title: "GitHub Actions",
    form: Form {
        shape: Shape::Fixed("https://token.actions.githubusercontent.com"),
        hosts: &["token.actions.githubusercontent.com"],
        paths: &["/_services/token"],
        ..Form::PLAIN
    },
    audience: "the audience that workflows ask for",
    algorithms: &["RS256"],
    client_rule: ClientRule::of(&[(ClientTest::Always, true)]),
    marks: Marks { any_of: &[Mark::Claim("repository_id")], id_tokens: false },
    has_scopes: false,
    warnings: &[
        "Every workflow of every repository on GitHub can ask for a token with this audience: demand `repository_id` or \
         `repository_owner_id` in a claim rule. Names can be taken over by others, ids cannot.",
    ],
    hints: &[(
        Reason::AudienceMismatch,
        "a workflow of GitHub Actions asks for its audience: core.getIDToken(audience), or &audience= at the request URL; \
         without one it is the URL of the owner",
    )],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/github-actions.md")]
struct Page;
