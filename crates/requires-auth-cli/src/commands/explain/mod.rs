//! `requires-auth explain`: every check of a token, in order, and what became of it.

pub(super) mod anatomy;
pub(super) mod hints;
pub(super) mod explained;
pub(super) mod unverifiable;
pub(super) mod question;
mod headers;
pub(super) mod configured;
mod text;

use std::io;
use std::time::SystemTime;

use clap::Args;

use self::anatomy::Anatomy;
use self::configured::{Configured, Judged};
use self::explained::{Explained, Verdict};
use self::hints::of_missing_issuer;
use self::question::Question;
use self::unverifiable::Unverifiable;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::print_json;
use crate::token_argument::read_token;
use crate::verdict::{Judge, NowArgs, RequestArgs, VerdictArgs, without_keys};

const EXAMPLES: &str = "\
Examples:
  requires-auth explain --config gateway.toml --url /orders < token.txt
  requires-auth explain --config gateway.toml --method POST --url /orders \\
    --now 2026-11-30T01:49:56Z < token.txt
  requires-auth explain --issuer https://id.example.com \\
    --audience https://api.example.com < token.txt
  requires-auth explain --jwks keys.json --audience https://api.example.com \\
    --proof eyJ0eXAiOi... --url https://api.example.com/orders eyJhbGciOi...

With --config the gateway of the file judges: by the route of --method and --url, and by its revocations. Without --url the token is judged alone.

A token that is bound to a key counts with --proof, --method and --url: what the header DPoP had, and the request that it came with.

Without --config, --jwks and --issuer it shows what the token says, and judges nothing.

With --verbose it tells what every check found, not only the failed one. It shows what the token says: keep its output as secret as the token's claims.

Exit codes: 0 allowed, 1 refused, 2 usage or configuration.";

/// The flags of `explain`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    request: RequestArgs,

    #[command(flatten)]
    check: VerdictArgs,

    #[command(flatten)]
    at: NowArgs,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

impl ExplainArgs {
    /// Runs `explain`; with `--verbose` the text tells what every check found, not only the failed one.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        if let Some(file) = &self.request.config {
            let configured = Configured::read(file, self.at.now)?;
            let token = read_token(self.token)?;
            return by_configuration(&configured, &Question::of_flags(token, &self.request)?, context);
        }
        let (mut settings, keys) = self.check.resolve(self.at.now)?;
        settings.proven = self.request.proven()?;
        if keys.is_none() && !settings.names_issuer() {
            // Whoever only wants to read a token gets that far; the exit code still says that nothing was judged.
            let token = read_token(self.token)?;
            let unverifiable = Unverifiable::of(&token);
            let hint = unverifiable.map(|unverifiable| unverifiable.hint().to_owned());
            print(&Explained { hint, ..Explained::not_judged() }, &token, settings.now(), context)?;
            let failure = unverifiable.map_or_else(without_keys, Unverifiable::failure);
            let flags = of_missing_issuer(&Anatomy::of(&token));
            return Err(flags.into_iter().fold(failure, Failure::hint));
        }
        let judge = Judge::new(&settings, keys.as_ref())?;
        let token = read_token(self.token)?;
        let explained = Explained::new(judge.explain(&token, &settings)?, &settings)
            .with_hint_of_proof(&token, settings.proven.is_some());
        print(&explained, &token, settings.now(), context)?;
        match explained.denial().and_then(|denial| judge.outage(denial)) {
            Some(outage) => Err(outage),
            None => Ok(matches!(explained.verdict, Verdict::Allowed).into()),
        }
    }
}

/// Every check of a token, as the gateway of a configuration makes them.
fn by_configuration(
    configured: &Configured,
    question: &Question,
    context: &Context,
) -> Result<Outcome, Failure> {
    let Judged { explained, outage, .. } = configured.explain_once(question)?;
    print(&explained, &question.token, configured.now(), context)?;
    match outage {
        Some(outage) => Err(outage),
        None => Ok(matches!(explained.verdict, Verdict::Allowed).into()),
    }
}

fn print(explained: &Explained, token: &str, now: SystemTime, context: &Context) -> io::Result<()> {
    match context.format {
        Format::Json => print_json(&explained.to_json(&Anatomy::of(token))),
        Format::Text => text::print(explained, token, now, context.verbosity > 0),
    }
}
