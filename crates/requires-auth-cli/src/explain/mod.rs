//! `requires-auth explain`: every check of a token, in order, and what became of it.

mod anatomy;
mod text;

use clap::Args;
use requires_auth::Denial;
use requires_auth::explain::{Outcome as CheckOutcome, Report};
use requires_auth::verify::Step;
use serde::Serialize;

use crate::Outcome;
use crate::cli::Format;
use crate::error::Failure;
use crate::judge::Judge;
use crate::output::print_json;
use crate::settings::CheckArgs;
use crate::verify::{ErrorBody, read_token};

const EXAMPLES: &str = "\
Examples:
  requires-auth explain --jwks keys.json --audience https://api.example.com eyJhbGciOi...
  requires-auth explain --issuer https://id.example.com --audience https://api.example.com < token.txt

With --verbose it tells what every check found, not only the failed one. It shows what the token says: keep its output as secret as the token's claims.

Exit codes: 0 allowed, 1 refused, 2 usage or configuration.";

/// The flags of `explain`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    check: CheckArgs,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

/// Runs `explain`; with `is_verbose` the text tells what every check found, not only the failed one.
pub(crate) fn run(args: ExplainArgs, format: Format, is_verbose: bool) -> Result<Outcome, Failure> {
    let (settings, keys) = args.check.resolve()?;
    let judge = Judge::new(&settings, keys.as_ref())?;
    let token = read_token(args.token)?;
    let explained = Explained::new(judge.explain(&token, &settings)?);
    match format {
        Format::Json => print_json(&explained.to_json())?,
        Format::Text => text::print(&explained, &token, &settings, is_verbose)?,
    }
    match explained.denial.as_ref().and_then(|denial| judge.outage(denial)) {
        Some(outage) => Err(outage),
        None => Ok(explained.denial.is_none().into()),
    }
}

/// What there is to tell, also of what is not even a token.
struct Explained {
    checks: Vec<CheckLine>,
    denial: Option<Denial>,
    hint: Option<String>,
}

impl Explained {
    fn new(explained: Result<Report, Denial>) -> Self {
        let report = match explained {
            Ok(report) => report,
            // What is no token at all is refused before the first check.
            Err(denial) => {
                let hint = "look for quotes, spaces, line breaks or a `Bearer` before the token".to_owned();
                let checks = Step::ALL.iter().map(|step| CheckLine::not_reached(*step)).collect();
                return Self { checks, denial: Some(denial), hint: Some(hint) };
            }
        };
        let checks = report.checks().iter().map(|check| {
            let reached = |text: &str| (check.outcome() != CheckOutcome::NotReached).then(|| text.to_owned());
            CheckLine {
                check: check.step().as_str(),
                outcome: check.outcome(),
                found: reached(check.found()),
                expected: reached(check.expected()),
            }
        });
        Self {
            checks: checks.collect(),
            denial: report.verdict().err().cloned(),
            hint: report.hint().map(ToOwned::to_owned),
        }
    }

    fn to_json(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Json<'a> {
            ok: bool,
            error: Option<ErrorBody>,
            hint: Option<&'a str>,
            checks: Vec<JsonCheck<'a>>,
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
        Json {
            ok: self.denial.is_none(),
            error: self.denial.as_ref().map(ErrorBody::from),
            hint: self.hint.as_deref(),
            checks: checks.collect(),
        }
    }
}

/// One check and what became of it.
struct CheckLine {
    check: &'static str,
    outcome: CheckOutcome,
    found: Option<String>,
    expected: Option<String>,
}

impl CheckLine {
    const fn not_reached(step: Step) -> Self {
        Self { check: step.as_str(), outcome: CheckOutcome::NotReached, found: None, expected: None }
    }
}
