//! `requires-auth verify`: the verdict on one token, or on each line of a file.

mod batch;

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use requires_auth::Denial;

use crate::commands::explain::anatomy::Anatomy;
use crate::commands::explain::configured::{Configured, Judged};
use crate::commands::explain::hints::of_missing_proof;
use crate::commands::explain::question::Question;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::{GOOD, print_json, say};
use crate::token_argument::read_token;
use crate::verdict::{Answer, Judge, NowArgs, RequestArgs, VerdictArgs, print_refusal, print_token};

const EXAMPLES: &str = "\
Examples:
  requires-auth verify --config gateway.toml --url /orders < token.txt
  requires-auth verify --issuer https://id.example.com \\
    --audience https://api.example.com < token.txt
  requires-auth verify --jwks keys.json --audience https://api.example.com \\
    eyJhbGciOi...
  requires-auth verify --jwks keys.json --batch tokens.jsonl > answers.jsonl

A line of a batch is a JSON object; its members win over the flags:
  id, token, jwks, issuer, audience, scope, alg, now, leeway, profile
Every line is answered, in order, with a JSON object:
  id, ok, error (null or code, status, reason, challenge), claims when ok

Exit codes: 0 allowed (in a batch: every line), 1 refused, 2 usage or configuration.";

/// The flags of `verify`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    request: RequestArgs,

    #[command(flatten)]
    check: VerdictArgs,

    #[command(flatten)]
    at: NowArgs,

    /// Verify each line of a file of JSON lines; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "tenant", "revocations", "config", "proof"])]
    batch: Option<PathBuf>,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

impl VerifyArgs {
    /// Runs `verify`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        if let Some(file) = &self.request.config {
            let configured = Configured::read(file, self.at.now)?;
            let question = Question::of_flags(read_token(self.token)?, &self.request)?;
            return by_configuration(&configured, &question, context);
        }
        let (mut settings, keys) = self.check.resolve(self.at.now)?;
        if let Some(path) = &self.batch {
            return batch::run(path, settings, keys);
        }
        settings.proven = self.request.proven()?;
        let judge = Judge::new(&settings, keys.as_ref())?;
        let token = read_token(self.token)?;
        let judged = judge.verify(&token, &settings)?;
        let outage = judged.as_ref().err().and_then(|denial| judge.outage(denial));
        let of_proof = |denial: &Denial| {
            of_missing_proof(denial.reason(), &Anatomy::of(&token), settings.proven.is_some())
        };
        let hint =
            |denial| settings.hint(denial).or_else(|| of_proof(denial)).unwrap_or_else(|| denial.hint());
        match (context.format, &judged) {
            (Format::Json, judged) => {
                let hint = judged.as_ref().err().map(|denial| hint(denial).to_owned());
                print_json(&Answer::new(judged).with_hint(hint))?;
            }
            // The token was not judged, so there is no verdict to report.
            (Format::Text, _) if outage.is_some() => {}
            (Format::Text, Ok(token)) => print_token(token, settings.now())?,
            (Format::Text, Err(denial)) => print_refusal(denial, hint(denial))?,
        }
        outage.map_or_else(|| Ok(judged.is_ok().into()), Err)
    }
}

/// The verdict of the gateway of a configuration.
fn by_configuration(
    configured: &Configured,
    question: &Question,
    context: &Context,
) -> Result<Outcome, Failure> {
    let Judged { explained, token, outage, .. } = configured.explain_once(question)?;
    let denial = explained.denial();
    let hint = denial.map(|denial| explained.hint.as_deref().unwrap_or(denial.hint()));
    match (context.format, denial) {
        (Format::Json, None) => print_json(&Answer::allowed(token.as_ref()))?,
        (Format::Json, Some(denial)) => {
            print_json(&Answer::refusal(denial.into()).with_hint(hint.map(str::to_owned)))?;
        }
        (Format::Text, _) if outage.is_some() => {}
        (Format::Text, Some(denial)) => print_refusal(denial, hint.unwrap_or_default())?,
        (Format::Text, None) => match &token {
            Some(token) => print_token(token, configured.now())?,
            None => writeln!(anstream::stdout().lock(), "{GOOD}allowed{GOOD:#}: the route is public")?,
        },
    }
    explained.notes().iter().for_each(|note| say(&format!("note: {note}")));
    match outage {
        Some(outage) => Err(outage),
        None => Ok(denial.is_none().into()),
    }
}
