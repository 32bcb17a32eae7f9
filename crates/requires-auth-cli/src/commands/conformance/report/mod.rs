//! What a run has found, and how it is told.

pub(super) mod html;
pub(super) mod json;
pub(super) mod junit;
pub(super) mod table;

use serde::Serialize;

use super::case::{Case, Expect, Level};
use super::judge::{Grade, Judgement, Observed};
use super::mint::Attempt;
use crate::output::printable;

/// An answer is told up to this many characters.
const MAX_ANSWER: usize = 300;

/// One case, judged. It has no token in it, so that a report can be shown to others.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    #[serde(rename = "case")]
    pub(super) name: &'static str,
    /// The requirement of the vectors.
    pub(super) requirement: &'static str,
    pub(super) rule: &'static str,
    pub(super) level: Level,
    pub(super) about: &'static str,
    pub(super) sent: String,
    pub(super) expected: String,
    pub(super) answered: String,
    pub(super) grade: Grade,
    pub(super) what: Option<String>,
}

impl Row {
    pub(super) fn new(
        case: &'static Case,
        attempt: &Attempt,
        seen: &Observed,
        (grade, what): Judgement,
    ) -> Self {
        Self {
            name: case.name,
            requirement: case.row,
            rule: case.rule,
            level: case.level,
            about: case.about,
            sent: sent(attempt),
            expected: expected(case.expect),
            answered: answered(seen),
            grade,
            what: what.map(|what| shown(&what)),
        }
    }
}

/// What was not judged, and why.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Skipped {
    pub(super) what: String,
    pub(super) why: &'static str,
    /// Whether no run judges it.
    #[serde(skip)]
    pub(super) is_general: bool,
}

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(super) url: String,
    pub(super) profile: &'static str,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) algorithm: &'static str,
    pub(super) scope: String,
    pub(super) rows: Vec<Row>,
    pub(super) not_judged: Vec<Skipped>,
}

impl Report {
    pub(super) fn count(&self, grade: Grade) -> usize {
        self.rows.iter().filter(|row| row.grade == grade).count()
    }

    /// What is not right, the dangerous first.
    pub(super) fn findings(&self) -> impl Iterator<Item = &Row> {
        let of = |grade| self.rows.iter().filter(move |row| row.grade == grade);
        of(Grade::Dangerous).chain(of(Grade::Wrong))
    }

    /// Each section that a case is about, and how many are right, wrong and dangerous; in the order of their numbers.
    pub(super) fn sections(&self) -> Vec<(&'static str, [usize; 3])> {
        let mut sections: Vec<(&'static str, [usize; 3])> = Vec::new();
        for row in &self.rows {
            let at = sections.iter().position(|(rule, _)| *rule == row.rule).unwrap_or_else(|| {
                sections.push((row.rule, [0; 3]));
                sections.len() - 1
            });
            if let Some(count) =
                sections.get_mut(at).and_then(|(_, counts)| counts.get_mut(row.grade as usize))
            {
                *count += 1;
            }
        }
        sections.sort_by_key(|(rule, _)| numbers(rule));
        sections
    }
}

/// The numbers of a section, so that §4.1.11 is behind §4.1.4.
fn numbers(rule: &str) -> Vec<u32> {
    // What is not an RFC stands last.
    let first = u32::from(!rule.starts_with("RFC"));
    let digits = rule.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    std::iter::once(first).chain(digits).collect()
}

/// Text of the API in one line that neither drives a terminal nor fills it.
fn shown(text: &str) -> String {
    printable(&text.chars().take(MAX_ANSWER).collect::<String>()).into_owned()
}

/// The request without its token and its proof.
fn sent(attempt: &Attempt) -> String {
    let place = attempt.url.path().to_owned();
    let query = attempt.url.query().map(|query| {
        let names: Vec<_> = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
        format!("?{}", names.join("&"))
    });
    let mut lines = vec![format!("{} {place}{}", attempt.method, query.unwrap_or_default())];
    for (name, value) in &attempt.headers {
        match name.as_str() {
            "Authorization" => {
                let text = String::from_utf8_lossy(value);
                let mut words = text.split(' ').filter(|word| !word.is_empty());
                let scheme = words.next().filter(|word| word.len() < 20 && !word.contains('.'));
                let rest = if words.next().is_some() { " ..." } else { "" };
                lines.push(format!("Authorization: {}{rest}", scheme.unwrap_or("...")));
            }
            "DPoP" => lines.push("DPoP: ...".to_owned()),
            _ => {}
        }
    }
    let times = if attempt.times > 1 { format!(", {} times", attempt.times) } else { String::new() };
    shown(&format!("{}{times}", lines.join(", ")))
}

fn expected(expect: Expect) -> String {
    match expect {
        Expect::Accept => "2xx".to_owned(),
        Expect::Refuse => "401".to_owned(),
        Expect::Malformed => "400 or 401".to_owned(),
        Expect::Challenge => "401 with a challenge".to_owned(),
        Expect::Bare => "401 with a challenge without error".to_owned(),
        Expect::Error(names) => format!("401 with error={}", names.join(" or ")),
        Expect::Withhold => "401 or 403".to_owned(),
        Expect::Forbid => "403".to_owned(),
        Expect::ForbidAs(name) => format!("403 with error={name}"),
        Expect::Quiet(_) => "400 or 401, and nothing of the request in the challenge".to_owned(),
        Expect::Algorithms => "401 with algs in the challenge".to_owned(),
        Expect::Pointer => "401 with resource_metadata in the challenge".to_owned(),
        Expect::Document(_) => "a metadata document that names it".to_owned(),
    }
}

fn answered(seen: &Observed) -> String {
    let answer = match &seen.answer {
        Ok(answer) => answer,
        Err(reason) => return shown(reason),
    };
    let challenges = answer.challenges.iter().map(|line| format!(", WWW-Authenticate: {line}"));
    shown(&format!("{}{}", answer.status, challenges.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_in_the_order_of_their_numbers() {
        let mut rules =
            ["MCP, Authorization", "RFC 7515 §4.1.11", "RFC 9068 §4", "RFC 7515 §4.1.4", "RFC 6750 §3"];
        rules.sort_by_key(|rule| numbers(rule));
        assert_eq!(
            rules,
            ["RFC 6750 §3", "RFC 7515 §4.1.4", "RFC 7515 §4.1.11", "RFC 9068 §4", "MCP, Authorization"]
        );
    }

    /// A report with one row of each grade, and letters that mean something in HTML and XML.
    pub(super) fn example() -> Report {
        let row = |case, rule, grade, what: Option<&str>| Row {
            name: case,
            requirement: "A01",
            rule,
            level: Level::Must,
            about: "a token with <\"quotes\"> & more",
            sent: "GET /, Authorization: Bearer ...".to_owned(),
            expected: "401".to_owned(),
            answered: "200, WWW-Authenticate: <script>".to_owned(),
            grade,
            what: what.map(str::to_owned),
        };
        Report {
            url: "http://127.0.0.1:1/<api>".to_owned(),
            profile: "bearer",
            issuer: "http://127.0.0.1:9100/oidc".to_owned(),
            audience: "https://api.example.com".to_owned(),
            algorithm: "RS256",
            scope: String::new(),
            rows: vec![
                row("good-token", "RFC 6750 §2.1", Grade::Right, None),
                row("expired", "RFC 7519 §4.1.4", Grade::Dangerous, Some("it is accepted with 200")),
                row("scheme", "RFC 6750 §2.1", Grade::Wrong, Some("it is refused with <403>")),
            ],
            not_judged: vec![Skipped {
                what: "a & b".to_owned(),
                why: "needs the clock of the API",
                is_general: false,
            }],
        }
    }
}
