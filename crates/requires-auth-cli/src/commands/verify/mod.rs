//! `requires-auth verify`: the verdict on one token, or on each line of a file.

mod batch;

use std::path::PathBuf;

use clap::Args;

use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::print_json;
use crate::token_argument::read_token;
use crate::verdict::{Answer, Judge, VerdictArgs, print_verdict};

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
    check: VerdictArgs,

    /// Verify each line of a file of JSON lines; `-` is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "tenant"])]
    batch: Option<PathBuf>,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

impl VerifyArgs {
    /// Runs `verify`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let (settings, keys) = self.check.resolve()?;
        if let Some(path) = &self.batch {
            return batch::run(path, settings, keys);
        }
        let judge = Judge::new(&settings, keys.as_ref())?;
        let token = read_token(self.token)?;
        let judged = judge.verify(&token, &settings)?;
        let outage = judged.as_ref().err().and_then(|denial| judge.outage(denial));
        match context.format {
            Format::Json => {
                let hint = judged.as_ref().err().map(|denial| settings.hint(denial).unwrap_or(denial.hint()));
                print_json(&Answer::new(&judged).with_hint(hint))?;
            }
            // The token was not judged, so there is no verdict to report.
            Format::Text if outage.is_some() => {}
            Format::Text => print_verdict(&judged, &settings)?,
        }
        outage.map_or_else(|| Ok(judged.is_ok().into()), Err)
    }
}
