//! `requires-auth explain`: every check of a token, in order, and what became of it.

mod anatomy;
mod text;

use std::io;

use clap::Args;
use requires_auth::Denial;
use requires_auth::explain::{Outcome as CheckOutcome, Report};
use requires_auth::verify::Step;
use serde::Serialize;

use self::anatomy::Anatomy;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::print_json;
use crate::token_argument::read_token;
use crate::verdict::{ErrorBody, Judge, Settings, VerdictArgs, without_keys};

const EXAMPLES: &str = "\
Examples:
  requires-auth explain --jwks keys.json --audience https://api.example.com eyJhbGciOi...
  requires-auth explain --issuer https://id.example.com --audience https://api.example.com < token.txt

Without --jwks and --issuer it shows what the token says, and judges nothing.

With --verbose it tells what every check found, not only the failed one. It shows what the token says: keep its output as secret as the token's claims.

Exit codes: 0 allowed, 1 refused, 2 usage or configuration.";

/// The flags of `explain`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    check: VerdictArgs,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

impl ExplainArgs {
    /// Runs `explain`; with `--verbose` the text tells what every check found, not only the failed one.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let (settings, keys) = self.check.resolve()?;
        if keys.is_none() && settings.issuer.is_none() {
            // Whoever only wants to read a token gets that far; the exit code still says that nothing was judged.
            let token = read_token(self.token)?;
            print(&Explained::not_judged(), &token, &settings, context)?;
            return Err(without_keys());
        }
        let judge = Judge::new(&settings, keys.as_ref())?;
        let token = read_token(self.token)?;
        let explained = Explained::new(judge.explain(&token, &settings)?, &settings);
        print(&explained, &token, &settings, context)?;
        match explained.denial().and_then(|denial| judge.outage(denial)) {
            Some(outage) => Err(outage),
            None => Ok(matches!(explained.verdict, Verdict::Allowed).into()),
        }
    }
}

fn print(explained: &Explained, token: &str, settings: &Settings, context: &Context) -> io::Result<()> {
    match context.format {
        Format::Json => print_json(&explained.to_json(&Anatomy::of(token))),
        Format::Text => text::print(explained, token, settings, context.verbosity > 0),
    }
}

/// What became of a token.
enum Verdict {
    Allowed,
    Refused(Denial),
    /// There was nothing to judge it by.
    NotJudged,
}

/// What there is to tell, also of what is not even a token.
struct Explained {
    checks: Vec<CheckLine>,
    verdict: Verdict,
    hint: Option<String>,
}

impl Explained {
    /// Every check not reached, and no verdict.
    fn not_judged() -> Self {
        let checks = Step::ALL.iter().map(|step| CheckLine::not_reached(*step)).collect();
        Self { checks, verdict: Verdict::NotJudged, hint: None }
    }

    const fn denial(&self) -> Option<&Denial> {
        match &self.verdict {
            Verdict::Refused(denial) => Some(denial),
            Verdict::Allowed | Verdict::NotJudged => None,
        }
    }

    fn new(explained: Result<Report, Denial>, settings: &Settings) -> Self {
        let report = match explained {
            Ok(report) => report,
            // What is no token at all is refused before the first check.
            Err(denial) => {
                let hint = "look for quotes, spaces, line breaks or a `Bearer` before the token".to_owned();
                let verdict = Verdict::Refused(denial);
                return Self { verdict, hint: Some(hint), ..Self::not_judged() };
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
        let (verdict, of_flags) = match report.verdict() {
            Ok(_) => (Verdict::Allowed, None),
            Err(denial) => (Verdict::Refused(denial.clone()), settings.hint(denial)),
        };
        Self {
            checks: checks.collect(),
            verdict,
            hint: of_flags.or_else(|| report.hint()).map(ToOwned::to_owned),
        }
    }

    fn to_json<'a>(&'a self, anatomy: &'a Anatomy) -> impl Serialize + 'a {
        #[derive(Serialize)]
        struct Json<'a> {
            ok: bool,
            error: Option<ErrorBody>,
            hint: Option<&'a str>,
            /// Members of the header that name a key, and are not looked at.
            ignored: Vec<&'a str>,
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
            ok: matches!(self.verdict, Verdict::Allowed),
            error: self.denial().map(ErrorBody::from),
            hint: self.hint.as_deref(),
            ignored: anatomy.ignored(),
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
