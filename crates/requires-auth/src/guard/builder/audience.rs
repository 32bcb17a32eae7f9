//! Whether the audience of an issuer can work.

use super::IssuerSettings;
use crate::error::{ConfigProblem, quoted};
use crate::providers::{Provider, audience_hint};
use crate::settings;
use crate::verify::{Audience, Profile};

const FIELD: &str = "audience";
const EXPECTED: &str = "the identifier of this API";

pub(super) fn check_audience(settings: &IssuerSettings, profile: Profile, problems: &mut Vec<ConfigProblem>) {
    let given = settings.given.get(settings::AUDIENCE);
    let is_given = given.is_some_and(|given| given != Audience::OneOf(Vec::new()));
    if settings.given.is_on(settings::DANGEROUSLY_ANY_AUDIENCE) && is_given {
        let found = "a value beside `dangerously_any_audience`";
        problems.push(ConfigProblem::new(FIELD, found, "one of the two", "leave out one of them"));
        return;
    }
    let provider = settings.from_table.provider();
    if !is_given && settings.from_table.lacks_issuer_for_audience() {
        return;
    }
    match settings.audience() {
        Audience::OneOf(names) => check_names(&names, provider, problems),
        Audience::Prefix(prefix) => problems.extend(prefix_problem(&prefix)),
        Audience::Claim { path, one_of } => {
            if path.is_empty() || path == "aud" {
                let hint = "name the claim that stands in for it: client_id, azp";
                problems.push(ConfigProblem::new(FIELD, quoted(&path), "another claim than `aud`", hint));
            }
            problems.extend(ConfigProblem::of_unseen(FIELD, &path));
            check_names(&one_of, provider, problems);
            if profile.is_of_rfc_9068() {
                let hint =
                    "name the audience; or choose the profile jwt, if the issuer's tokens have no `aud`";
                let found = "a claim in place of `aud`, with the profile at+jwt";
                problems.push(ConfigProblem::new(FIELD, found, "what RFC 9068 demands: `aud`", hint));
            }
        }
        Audience::Any | Audience::Absent => {}
    }
}

fn check_names(names: &[String], provider: Option<&Provider>, problems: &mut Vec<ConfigProblem>) {
    if names.is_empty() {
        problems.push(ConfigProblem::new(FIELD, "nothing", EXPECTED, audience_hint(provider)));
    }
    for name in names {
        if name.trim().is_empty() {
            problems.push(ConfigProblem::new(FIELD, quoted(name), EXPECTED, audience_hint(provider)));
        }
        problems.extend(ConfigProblem::of_unseen(FIELD, name));
    }
}

/// A prefix that ends within a word would take other words too: after `https://api.example.com` comes
/// `https://api.example.com.attacker.example`.
fn prefix_problem(prefix: &str) -> Option<ConfigProblem> {
    if prefix.chars().next_back().is_some_and(|last| !last.is_alphanumeric() && !last.is_whitespace()) {
        return ConfigProblem::of_unseen(FIELD, prefix);
    }
    let hint = "write it to the separator, so that it takes no longer word: urn:logto:organization:";
    Some(ConfigProblem::new(FIELD, quoted(prefix), "a prefix that ends in a separator", hint))
}
