//! `requires-auth verify`: the verdict on one token, or on each line of a file.

mod answer;
mod batch;
mod report;
mod source;

use std::path::PathBuf;

use clap::Args;

pub(crate) use self::answer::{Answer, ErrorBody};
pub(crate) use self::report::print_denial;
pub(crate) use self::source::read_token;
use crate::Outcome;
use crate::cli::Format;
use crate::error::Failure;
use crate::judge::Judge;
use crate::output::print_json;
use crate::settings::CheckArgs;

const EXAMPLES: &str = "\
Examples:
  requires-auth verify --jwks keys.json --audience https://api.example.com eyJhbGciOi...
  requires-auth verify --issuer https://id.example.com --audience https://api.example.com < token.txt
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
    check: CheckArgs,

    /// Verify each line of a file of JSON lines; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    batch: Option<PathBuf>,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

/// Runs `verify`.
pub(crate) fn run(args: VerifyArgs, format: Format) -> Result<Outcome, Failure> {
    let (settings, keys) = args.check.resolve()?;
    if let Some(path) = &args.batch {
        return batch::run(path, settings, keys);
    }
    let judge = Judge::new(&settings, keys.as_ref())?;
    let token = read_token(args.token)?;
    let judged = judge.verify(&token, &settings)?;
    let outage = judged.as_ref().err().and_then(|denial| judge.outage(denial));
    match format {
        Format::Json => print_json(&Answer::new(&judged))?,
        // The token was not judged, so there is no verdict to report.
        Format::Text if outage.is_some() => {}
        Format::Text => report::print(&judged, &settings)?,
    }
    outage.map_or_else(|| Ok(judged.is_ok().into()), Err)
}
