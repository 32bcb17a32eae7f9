//! What an answer means. Everything is an argument.

use serde::Serialize;
use serde_json::Value;

use super::case::{Case, Expect, Level, Member};
use super::challenge::Challenge;
use super::mint::Setup;
use super::send::Answer;

/// How a guard did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Grade {
    Right,
    /// It refuses what it has to accept, or the refusal is not as it has to be.
    Wrong,
    /// It accepts what it must refuse.
    Dangerous,
}

impl Grade {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Dangerous => "dangerous",
        }
    }
}

/// A grade, and one sentence on what is not right.
pub(super) type Judgement = (Grade, Option<String>);

/// What was seen of a case.
pub(super) struct Observed {
    /// The answer, or why there is none.
    pub(super) answer: Result<Answer, String>,
    /// Whether somebody has fetched the URL that a token named.
    pub(super) was_followed: bool,
    /// The metadata document, where the case is about it.
    pub(super) document: Option<Result<Value, String>>,
}

/// Judges a case.
pub(super) fn judge(case: &Case, setup: &Setup, seen: &Observed) -> Judgement {
    let answer = match &seen.answer {
        Ok(answer) => answer,
        Err(reason) => return wrong(format!("there is no answer: {reason}")),
    };
    if case.expect == Expect::Accept {
        return if answer.is_success() {
            right()
        } else {
            wrong(format!("it is refused with {}, and has to be accepted", answer.status))
        };
    }
    if answer.is_success() {
        return (
            if case.level == Level::Must { Grade::Dangerous } else { Grade::Wrong },
            Some(format!("it is accepted with {}", answer.status)),
        );
    }
    if seen.was_followed {
        return wrong(
            "the URL in the token was fetched: whoever writes one says where this server connects to",
        );
    }
    match fault(case.expect, setup, answer, seen.document.as_ref()) {
        None => right(),
        Some(fault) => wrong(fault),
    }
}

const fn right() -> Judgement {
    (Grade::Right, None)
}

fn wrong(what: impl Into<String>) -> Judgement {
    (Grade::Wrong, Some(what.into()))
}

/// What is wrong with a refusal.
fn fault(
    expect: Expect,
    setup: &Setup,
    answer: &Answer,
    document: Option<&Result<Value, String>>,
) -> Option<String> {
    let wanted: &[u16] = match expect {
        Expect::Malformed | Expect::Quiet(_) => &[400, 401],
        Expect::Withhold | Expect::ForbidAs(_) => &[401, 403],
        Expect::Forbid => &[403],
        _ => &[401],
    };
    if !wanted.contains(&answer.status) {
        let wanted: Vec<_> = wanted.iter().map(u16::to_string).collect();
        return Some(format!("it is refused with {} instead of {}", answer.status, wanted.join(" or ")));
    }
    let challenges = Challenge::all(&answer.challenges);
    let own = challenges.iter().find(|own| own.scheme.eq_ignore_ascii_case(setup.scheme));
    let error = challenges.iter().find_map(|challenge| challenge.get("error"));
    match expect {
        Expect::Challenge if own.is_none() => Some(format!("there is no challenge `{}`", setup.scheme)),
        Expect::Bare | Expect::Error(_) | Expect::ForbidAs(_) | Expect::Algorithms | Expect::Pointer
            if challenges.is_empty() =>
        {
            Some("there is no challenge".to_owned())
        }
        Expect::Bare => error.map(|error| format!("the challenge has error=\"{error}\"")),
        Expect::Error(names) => fault_of_error(names, error),
        Expect::ForbidAs(name) => fault_of_error(&[name], error),
        Expect::Quiet(mark) => {
            let is_repeated = answer.challenges.iter().any(|line| line.contains(mark));
            is_repeated.then(|| "the challenge repeats what was sent as a token".to_owned())
        }
        Expect::Algorithms if own.and_then(|own| own.get("algs")).is_none() => {
            Some("the challenge has no parameter algs".to_owned())
        }
        Expect::Pointer => match pointer(&answer.challenges) {
            None => Some("the challenge has no parameter resource_metadata".to_owned()),
            Some(_) => None,
        },
        Expect::Document(member) => fault_of_document(member, setup, document),
        _ => None,
    }
}

fn fault_of_error(names: &[&str], error: Option<&str>) -> Option<String> {
    match error {
        Some(error) if names.contains(&error) => None,
        Some(error) => Some(format!("the challenge has error=\"{error}\" instead of {}", names.join(" or "))),
        None => Some("the challenge has no error".to_owned()),
    }
}

/// Where a challenge says that the metadata of the resource are (RFC 9728 §5.1).
pub(super) fn pointer(challenges: &[String]) -> Option<String> {
    Challenge::all(challenges).iter().find_map(|own| own.get("resource_metadata").map(str::to_owned))
}

fn fault_of_document(
    member: Member,
    setup: &Setup,
    document: Option<&Result<Value, String>>,
) -> Option<String> {
    let document = match document {
        Some(Ok(document)) => document,
        Some(Err(reason)) => return Some(reason.clone()),
        None => return Some("the challenge does not say where the metadata are".to_owned()),
    };
    match member {
        Member::Resource => {
            let found = document["resource"].as_str().unwrap_or_default();
            // A bare host has a slash as its path, which identifiers of resources leave out.
            let same = |text: &str| text.trim_end_matches('/') == setup.url.as_str().trim_end_matches('/');
            (!same(found)).then(|| format!("`resource` is {found:?}"))
        }
        Member::Issuer => {
            let servers = document["authorization_servers"].as_array();
            let has = servers.is_some_and(|all| all.iter().any(|own| *own == setup.issuer.as_str()));
            (!has).then(|| "`authorization_servers` does not have the issuer".to_owned())
        }
    }
}
