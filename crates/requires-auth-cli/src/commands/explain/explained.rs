//! What became of a token, for the report and for JSON.

use requires_auth::Denial;
use requires_auth::explain::{FromTable, Outcome as CheckOutcome, Report};
use requires_auth::verify::Step;
use serde::Serialize;
use serde_json::{Map, Value};

use super::anatomy::{Anatomy, object};
use super::hints::of_missing_proof;
use crate::verdict::{ErrorBody, Settings};

/// What became of a token.
pub(in crate::commands) enum Verdict {
    Allowed,
    Refused(Denial),
    /// There was nothing to judge it by.
    NotJudged,
}

/// What there is to tell, also of what is not even a token.
pub(in crate::commands) struct Explained {
    pub(in crate::commands) checks: Vec<CheckLine>,
    pub(in crate::commands) verdict: Verdict,
    pub(in crate::commands) hint: Option<String>,
    /// What the table of providers has chosen.
    pub(in crate::commands) from_table: Vec<FromTable>,
    /// The route of the request, where a configuration has one for it.
    pub(in crate::commands) route: Option<String>,
    /// What is to be known beside the checks, a sentence each.
    pub(in crate::commands) notes: Vec<&'static str>,
    /// Whether the route looks at no token.
    pub(in crate::commands) is_public: bool,
    /// Whether nobody has looked whether the token is revoked.
    pub(in crate::commands) leaves_out_revocations: bool,
}

/// What is told of a token that is allowed where nobody has looked whether it is revoked.
const WITHOUT_REVOCATIONS: &str = "Revocations are not looked at.";

impl Explained {
    /// Every check not reached, and no verdict.
    pub(in crate::commands) fn not_judged() -> Self {
        let steps = Step::ALL.iter().filter(|step| step.is_of_every_token());
        let checks = steps.map(|step| CheckLine::not_reached(*step)).collect();
        Self {
            checks,
            verdict: Verdict::NotJudged,
            hint: None,
            from_table: Vec::new(),
            route: None,
            notes: Vec::new(),
            is_public: false,
            leaves_out_revocations: false,
        }
    }

    /// What is to be known beside the checks, a sentence each.
    pub(in crate::commands) fn notes(&self) -> Vec<&'static str> {
        let is_allowed = matches!(self.verdict, Verdict::Allowed);
        let more = (is_allowed && self.leaves_out_revocations).then_some(WITHOUT_REVOCATIONS);
        self.notes.iter().copied().chain(more).collect()
    }

    pub(in crate::commands) const fn denial(&self) -> Option<&Denial> {
        match &self.verdict {
            Verdict::Refused(denial) => Some(denial),
            Verdict::Allowed | Verdict::NotJudged => None,
        }
    }

    pub(in crate::commands) fn new(explained: Result<Report, Denial>, settings: &Settings) -> Self {
        match explained {
            Ok(report) => Self {
                leaves_out_revocations: settings.revocations.is_none(),
                ..Self::of_report(&report, |denial| settings.hint(denial))
            },
            Err(denial) => Self::of_no_token(denial),
        }
    }

    /// What is not a token at all is refused before the first check.
    pub(in crate::commands) fn of_no_token(denial: Denial) -> Self {
        let hint = "look for quotes, spaces, line breaks or a `Bearer` before the token".to_owned();
        Self { verdict: Verdict::Refused(denial), hint: Some(hint), ..Self::not_judged() }
    }

    /// What a report tells; the hint of a flag that is not there, if there is one, wins over its own.
    pub(in crate::commands) fn of_report(
        report: &Report,
        of_flags: impl FnOnce(&Denial) -> Option<&'static str>,
    ) -> Self {
        let checks = report.checks().iter().map(|check| {
            let reached = |text: &str| (check.outcome() != CheckOutcome::NotReached).then(|| text.to_owned());
            CheckLine {
                check: check.step().as_str(),
                outcome: check.outcome(),
                found: reached(check.found()),
                expected: reached(check.expected()),
            }
        });
        let (verdict, of_flags) = match report.verdict() {
            Ok(_) => (Verdict::Allowed, None),
            Err(denial) => (Verdict::Refused(denial.clone()), of_flags(denial)),
        };
        Self {
            checks: checks.collect(),
            verdict,
            hint: of_flags.or_else(|| report.hint()).map(ToOwned::to_owned),
            from_table: report.chosen_by_table().to_vec(),
            ..Self::not_judged()
        }
    }

    /// The same with what to do about a proof that is not there, if that is what the refusal is about.
    pub(in crate::commands) fn with_hint_of_proof(self, token: &str, has_proof: bool) -> Self {
        let hint = self
            .denial()
            .and_then(|denial| of_missing_proof(denial.reason(), &Anatomy::of(token), has_proof));
        Self { hint: hint.map(str::to_owned).or(self.hint), ..self }
    }

    /// What is told of a token, which the reader has already: this is not for a log.
    pub(in crate::commands) fn to_json<'a>(&'a self, anatomy: &'a Anatomy) -> impl Serialize + 'a {
        #[derive(Serialize)]
        struct Json<'a> {
            ok: bool,
            error: Option<ErrorBody>,
            hint: Option<&'a str>,
            /// Members of the header that name a key, and are not looked at.
            ignored: Vec<&'a str>,
            checks: Vec<JsonCheck<'a>>,
            /// What the table of providers has chosen, where a provider is named.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            from_table: Vec<JsonRow<'a>>,
            /// The route of the request, where a configuration has one for it.
            #[serde(skip_serializing_if = "Option::is_none")]
            route: Option<&'a str>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            notes: Vec<&'static str>,
            /// What a log calls the token.
            token_hash: Option<&'a str>,
            /// What the token says; `null` where it is not readable.
            header: Option<Map<String, Value>>,
            claims: Option<Map<String, Value>>,
        }

        #[derive(Serialize)]
        struct JsonRow<'a> {
            provider: &'a str,
            settings: &'a [&'static str],
        }

        #[derive(Serialize)]
        struct JsonCheck<'a> {
            check: &'a str,
            outcome: &'a str,
            found: Option<&'a str>,
            expected: Option<&'a str>,
        }

        let checks = self.checks.iter().map(|line| JsonCheck {
            check: line.check,
            outcome: line.outcome.as_str(),
            found: line.found.as_deref(),
            expected: line.expected.as_deref(),
        });
        let rows = self.from_table.iter();
        let rows = rows.map(|row| JsonRow { provider: row.provider.name, settings: &row.settings });
        Json {
            ok: matches!(self.verdict, Verdict::Allowed),
            error: self.denial().map(ErrorBody::from),
            hint: self.hint.as_deref(),
            ignored: anatomy.ignored(),
            checks: checks.collect(),
            from_table: rows.collect(),
            route: self.route.as_deref(),
            notes: self.notes(),
            token_hash: anatomy.name_in_logs.as_deref(),
            header: object(anatomy.header.as_deref()),
            claims: object(anatomy.claims.as_deref()),
        }
    }
}

/// One check and what became of it.
pub(in crate::commands) struct CheckLine {
    pub(in crate::commands) check: &'static str,
    pub(in crate::commands) outcome: CheckOutcome,
    pub(in crate::commands) found: Option<String>,
    pub(in crate::commands) expected: Option<String>,
}

impl CheckLine {
    const fn not_reached(step: Step) -> Self {
        Self { check: step.as_str(), outcome: CheckOutcome::NotReached, found: None, expected: None }
    }
}
