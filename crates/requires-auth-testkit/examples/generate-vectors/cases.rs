//! The cases, one module per theme.

mod algorithms;
mod audience;
mod certificates;
mod claim_rules;
mod claims;
mod client;
mod dpop;
mod ecdsa;
mod eddsa;
mod header;
mod issuers;
mod json_text;
mod jwk;
mod key_selection;
mod mcp;
mod metadata;
mod opaque;
mod order;
mod profiles;
mod providers;
mod requests;
mod revocations;
mod rsa;
mod scope;
mod settings;
mod signed_answers;
mod standards;
mod step_up;
mod structure;
mod time;

use crate::case::Finished;
use crate::models;

/// The cases of one file.
pub struct Theme {
    /// The name of the file, without `.json`.
    pub name: String,
    pub about: String,
    pub cases: Vec<Finished>,
}

impl Theme {
    fn new(name: &str, about: &str, cases: Vec<Finished>) -> Self {
        Self { name: name.to_owned(), about: about.to_owned(), cases }
    }
}

pub fn themes() -> Vec<Theme> {
    let theme = |name: &str, about: &str, cases: Vec<Vec<Finished>>| {
        Theme::new(name, about, cases.into_iter().flatten().collect())
    };
    let mut themes = vec![
        theme(
            "tokens-algorithms",
            "every algorithm: what its key signs, and everything close to it",
            vec![algorithms::cases(), ecdsa::cases(), eddsa::cases(), rsa::cases()],
        ),
        theme(
            "tokens-structure",
            "size, characters, parts, base64url and JSON",
            vec![structure::cases(), json_text::cases()],
        ),
        theme(
            "tokens-header",
            "members of the header: alg, typ, cty, crit, kid and keys that a token brings along",
            vec![header::cases()],
        ),
        theme(
            "tokens-keys",
            "which key of a set is usable, and which one is chosen",
            vec![jwk::cases(), key_selection::cases()],
        ),
        theme("tokens-certificates", "keys in certificates, and in PEM", vec![certificates::cases()]),
        theme("tokens-issuers", "issuers by their names, and tenants", vec![issuers::cases()]),
        theme("tokens-claims", "issuer, audience, identity, binding and other claims", vec![claims::cases()]),
        theme("tokens-time", "expiry, start and time of issue", vec![time::cases()]),
        theme("tokens-scope", "granted and needed scopes", vec![scope::cases()]),
        theme("tokens-profiles", "the two profiles, token types and ID tokens", vec![profiles::cases()]),
        theme(
            "tokens-order",
            "tokens that are wrong in two ways: the first check names the reason",
            vec![order::cases()],
        ),
        theme(
            "tokens-providers",
            "recorded tokens of Logto 1.37.1 and oidc-provider 9.13.3",
            vec![providers::cases()],
        ),
        theme(
            "tokens-standards",
            "examples printed in RFC 7515, RFC 7520 and RFC 8037",
            vec![standards::cases()],
        ),
        theme(
            "tokens-audience",
            "whom a token must be meant for, where that is not a name",
            vec![audience::cases()],
        ),
        theme(
            "tokens-client",
            "which client a token names, and whether it speaks for that client",
            vec![client::cases()],
        ),
        theme(
            "tokens-opaque",
            "opaque tokens: what the introspection endpoint answers, made up and as Logto 1.37.1 and oidc-provider 9.13.3 do",
            vec![opaque::cases(), signed_answers::cases()],
        ),
        theme(
            "tokens-revocations",
            "tokens that are refused before they expire, by their claims",
            vec![revocations::cases()],
        ),
        theme(
            "tokens-step-up",
            "how strong and how recent the login must be that a token comes from",
            vec![step_up::cases()],
        ),
        theme(
            "tokens-claim-rules",
            "claim rules of a route: what a claim is compared with, and how",
            vec![claim_rules::cases()],
        ),
        theme(
            "tokens-settings",
            "settings that have no member of their own in a case, and claim rules",
            vec![settings::cases()],
        ),
    ];
    themes.extend(of_requests());
    themes.push(dpop::theme());
    themes.extend(mcp::themes());
    themes.extend(models::all().into_iter().map(|(name, about, cases)| Theme { name, about, cases }));
    themes
}

/// Whole requests, and the document of a resource.
fn of_requests() -> Vec<Theme> {
    vec![
        Theme::new(
            "requests",
            "whole requests: where the token comes from, and what the answer looks like",
            requests::cases(),
        ),
        Theme::new(
            "requests-paths",
            "claim rules that look at the path of the request",
            requests::paths::cases(),
        ),
        Theme::new("requests-places", "tokens in other places than Authorization", requests::places::cases()),
        Theme::new(
            "requests-certificates",
            "tokens that are bound to a certificate of their client, which a proxy tells",
            requests::certificates::cases(),
        ),
        Theme::new(
            "requests-fapi",
            "the profile fapi2: what the FAPI 2.0 Security Profile demands of an API",
            requests::fapi::cases(),
        ),
        Theme::new(
            "requests-resource",
            "a guard with a resource: its audience, and what its challenges say",
            requests::resource::cases(),
        ),
        Theme::new(
            "metadata",
            "the metadata document of a resource: which URLs may have one, what it says, and where it is",
            metadata::cases(),
        ),
    ]
}
