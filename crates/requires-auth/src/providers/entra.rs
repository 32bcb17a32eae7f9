//! Microsoft Entra ID, one tenant or several. Modelled from its documentation and its libraries.
//!
//! A tenant is named by its GUID. The API's `requestedAccessTokenVersion` decides between v1 tokens (issuer
//! `https://sts.windows.net/TENANT/`) and v2 tokens (issuer `https://login.microsoftonline.com/TENANT/v2.0`); both names
//! count as one issuer. Users have their scopes in `scp`, applications their permissions in `roles`, and both count.
//!
//! `common`, `organizations` and `consumers` are places to sign in at, and the issuer of no token. For several tenants the
//! issuer is a pattern with `{tenant}`; one key set serves all tenants, so that `tid` has to equal the tenant in `iss`.

use super::{Form, IssuerRule, Provider, Shape};
use crate::error::Reason;
use crate::verify::{ClientRule, ClientTest, Mark, Marks};

const NO_TENANT: &str = "no token has this issuer: name the tenant by its GUID, or several with `tenants`";

pub(super) const ROW: Provider = Provider {
    name: "entra",
    title: "Microsoft Entra ID",
    form: Form {
        shape: Shape::Template("https://login.microsoftonline.com/{}/v2.0"),
        short: "the tenant's GUID",
        // The API's `requestedAccessTokenVersion` decides which of the two a token has, whatever endpoint was asked.
        aliases: &["https://sts.windows.net/{}/"],
        hosts: &["login.microsoftonline.com", "login.microsoftonline.us", "sts.windows.net"],
        paths: &[],
        metadata: &[],
        rules: &[
            (IssuerRule::HasNot("/common/"), NO_TENANT),
            (IssuerRule::HasNot("/organizations/"), NO_TENANT),
            (IssuerRule::HasNot("/consumers/"), NO_TENANT),
            (
                IssuerRule::HasNot(".onmicrosoft.com/"),
                "tokens name the tenant by its GUID, never by its domain",
            ),
        ],
    },
    audience: "the application (client) id of the API, and for v1 tokens its Application ID URI too",
    audience_example: "11112222-bbbb-3333-cccc-4444dddd5555",
    // People have `scp`, applications `roles`.
    scope_claims: &["scp", "roles"],
    tenant_claims: &["tid"],
    client_rule: ClientRule::of(&[
        (ClientTest::Equals("idtyp", "app"), true),
        (ClientTest::Present("scp"), false),
        (ClientTest::Present("azp"), true),
        (ClientTest::Present("appid"), true),
    ]),
    // `roles` is in ID tokens too, and an ID token of an application that is the API itself has the API's audience.
    marks: Marks {
        any_of: &[Mark::Claim("azp"), Mark::Claim("appid"), Mark::Claim("scp")],
        id_tokens: false,
    },
    warnings: &[
        "Every tenant's tokens for Microsoft Graph are signed in a way that only Graph can verify: ask for a scope of this API.",
    ],
    hints: &[
        (
            Reason::IssuerMismatch,
            "Entra ID gives v1 tokens (issuer https://sts.windows.net/<tenant>/) until the API's requestedAccessTokenVersion is 2",
        ),
        (
            Reason::AudienceMismatch,
            "Entra ID's audience is the API's GUID in v2 tokens and `api://...` in v1 tokens; a Graph token is not for this API",
        ),
        (
            Reason::SignatureMismatch,
            "a token for Microsoft Graph cannot be verified by others: ask for a scope of this API",
        ),
        (
            Reason::TypeNotAllowed,
            "this looks like Entra ID's ID token: send the access token that was asked for with a scope of this API",
        ),
        (
            Reason::KeyUnknown,
            "an application with signing keys of its own publishes them at `?appid=<its id>`: set jwks_uri so",
        ),
    ],
    ..Provider::PLAIN
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/providers/entra.md")]
struct Page;
