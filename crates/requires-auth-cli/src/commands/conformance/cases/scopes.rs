//! The scopes of a token, where the route needs some.

use crate::commands::conformance::case::Expect::{Accept, Forbid, ForbidAs, Withhold};
use crate::commands::conformance::case::{Case, Needs, must, should};
use crate::commands::conformance::mint::{Attempt, Mint};

pub(crate) const CASES: &[Case] = &[
    of_route(must(
        ["scope-none", "B03", "RFC 6750 §3.1", "a good token without any scope"],
        Withhold,
        |m| m.send(&m.good().without_claim("scope").mint()),
    )),
    of_route(must(
        ["scope-another", "B03", "RFC 6750 §3.1", "a good token with another scope"],
        Withhold,
        |m| scope(m, "another:scope"),
    )),
    of_route(should(
        ["scope-status", "B03", "RFC 6750 §3.1", "a good token with another scope: the status is 403"],
        Forbid,
        |m| scope(m, "another:scope"),
    )),
    of_route(should(
        [
            "scope-error",
            "B03",
            "RFC 6750 §3.1",
            "a missing scope: the challenge has error=\"insufficient_scope\"",
        ],
        ForbidAs("insufficient_scope"),
        |m| scope(m, "another:scope"),
    )),
    of_route(must(
        ["scope-longer", "D09", "RFC 6749 §3.3", "scopes that only begin like those of the route"],
        Withhold,
        |m| each(m, |word| format!("{word}x")),
    )),
    of_route(must(
        ["scope-shorter", "D09", "RFC 6749 §3.3", "scopes that are only the beginning of those of the route"],
        Withhold,
        |m| each(m, |word| word.chars().take(word.chars().count().saturating_sub(1)).collect()),
    )),
    of_route(must(
        ["scope-case", "D09", "RFC 6749 §3.3", "the scopes of the route in another case"],
        Withhold,
        |m| {
            each(m, |word| {
                let upper = word.to_ascii_uppercase();
                if upper == word { word.to_ascii_lowercase() } else { upper }
            })
        },
    )),
    of_route(must(
        ["scope-of-actor", "D11", "RFC 8693 §4.1", "the scopes of the route in the actor of the token alone"],
        Withhold,
        |m| {
            let act = serde_json::json!({ "sub": "backend", "scope": m.setup.scope });
            m.send(&m.good().scope("another:scope").claim("act", act).mint())
        },
    )),
    of_route(must(
        ["scope-among-others", "D09", "RFC 6749 §3.3", "the scopes of the route among others"],
        Accept,
        |m| scope(m, &format!("another:scope {} last:scope", m.setup.scope)),
    )),
];

const fn of_route(case: Case) -> Case {
    case.needs(Needs::Scope)
}

fn scope(m: &Mint<'_>, scope: &str) -> Attempt {
    m.send(&m.good().scope(scope).mint())
}

fn each(m: &Mint<'_>, change: impl Fn(&str) -> String) -> Attempt {
    let words: Vec<_> = m.setup.scope.split(' ').map(change).collect();
    scope(m, words.join(" ").trim())
}
