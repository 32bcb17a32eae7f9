//! Cloudflare Access. Modelled from its documentation.
//!
//! Access is a proxy in front of the API: it puts a token of its own into `Cf-Access-Jwt-Assertion`, and the `Authorization`
//! header counts for nothing. The audience is the AUD tag of the application; `type` is `app`, which tells the token from
//! that of the team's session. A service token has `common_name` in place of `sub`.

use super::{Form, Place, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

pub(super) const ROW: Provider = Provider {
    name: "cloudflare_access",
    title: "Cloudflare Access",
    form: Form {
        shape: Shape::Template("https://{}.cloudflareaccess.com"),
        short: "the team name",
        hosts: &["*.cloudflareaccess.com"],
        ..Form::PLAIN
    },
    audience: "the AUD tag of the Access application",
    audience_example: "32eafc7626e737136c2a2a8e5ad5b2a1c1f4c2a1d0b6d2a1c0ffee0000000001",
    jwks_uri: Some("https://{}.cloudflareaccess.com/cdn-cgi/access/certs"),
    algorithms: &["RS256"],
    token_from: &[Place::Header("Cf-Access-Jwt-Assertion")],
    client_claims: &["common_name"],
    client_rule: ClientRule::of(&[(ClientTest::Present("common_name"), true), (ClientTest::Always, false)]),
    marks: Marks { any_of: &[Mark::Value("type", "app")], id_tokens: true },
    has_scopes: false,
    warnings: &[
        "Who may pass is decided by the policies of Access: its tokens have no scopes. A service token has no `sub`.",
    ],
    hints: &[
        (
            Reason::AudienceMismatch,
            "the audience at Cloudflare Access is the AUD tag of one application: copy it from its overview",
        ),
        (
            Reason::TypeNotAllowed,
            "this is the session token of the Access organization (`type` is `org`): send the application's",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/cloudflare-access.md")]
struct Page;
