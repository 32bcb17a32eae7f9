//! `requires-auth explain`: every check of a token, in order, and what became of it.

pub(super) mod anatomy;
pub(super) mod explained;
pub(super) mod unverifiable;
mod text;

use std::io;

use clap::Args;

use self::anatomy::Anatomy;
use self::explained::{Explained, Verdict};
use self::unverifiable::Unverifiable;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::print_json;
use crate::token_argument::read_token;
use crate::verdict::{Judge, Proven, Settings, VerdictArgs, without_keys};

const EXAMPLES: &str = "\
Examples:
  requires-auth explain --jwks keys.json --audience https://api.example.com eyJhbGciOi...
  requires-auth explain --issuer https://id.example.com --audience https://api.example.com < token.txt
  requires-auth explain --issuer https://id.example.com --audience https://api.example.com \\
    --proof eyJ0eXAiOi... --url https://api.example.com/orders eyJhbGciOi...

A token that is bound to a key counts with --proof, --method and --url: what the header DPoP had, and the request that it came with.

Without --jwks and --issuer it shows what the token says, and judges nothing.

With --verbose it tells what every check found, not only the failed one. It shows what the token says: keep its output as secret as the token's claims.

Exit codes: 0 allowed, 1 refused, 2 usage or configuration.";

/// The flags of `explain`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    check: VerdictArgs,

    /// The value of the header DPoP that came with the token: a proof of its key (RFC 9449)
    #[arg(long, value_name = "PROOF", requires = "url")]
    proof: Option<String>,

    /// The method of the request that the proof is for
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "proof")]
    method: String,

    /// The URL of the request that the proof is for, as the client has sent it
    #[arg(long, value_name = "URL", requires = "proof")]
    url: Option<String>,

    /// The token; `-` or nothing is stdin
    token: Option<String>,
}

impl ExplainArgs {
    /// Runs `explain`; with `--verbose` the text tells what every check found, not only the failed one.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let (mut settings, keys) = self.check.resolve()?;
        if let (Some(proof), Some(url)) = (self.proof, self.url) {
            settings.proven = Some(Proven::new(proof, self.method, &url)?);
        }
        if keys.is_none() && !settings.names_issuer() {
            // Whoever only wants to read a token gets that far; the exit code still says that nothing was judged.
            let token = read_token(self.token)?;
            let unverifiable = Unverifiable::of(&token);
            let hint = unverifiable.map(|unverifiable| unverifiable.hint().to_owned());
            print(&Explained { hint, ..Explained::not_judged() }, &token, &settings, context)?;
            return Err(unverifiable.map_or_else(without_keys, Unverifiable::failure));
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
