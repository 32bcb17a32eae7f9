//! `requires-auth inspect`: a page on loopback that shows every check of a token. The page is opened in a browser of this
//! machine; what is pasted there comes here in the body of a request, is judged, and is forgotten.

mod meanings;
mod curl;
mod question;
mod answer;
mod subject;
mod choices;
mod gate;
mod server;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use self::server::Server;
use self::subject::Subject;
use crate::browser;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::{GOOD, print_json, say};
use crate::ports::port;
use crate::runtime::{block_on, stop_signal};
use crate::verdict::{NowArgs, VerdictArgs};

const DEFAULT_FILE: &str = "requires-auth.toml";

const EXAMPLES: &str = "\
Examples:
  requires-auth inspect gateway.toml    by the issuers and routes of a file
  requires-auth inspect --issuer https://id.example.com \\
    --audience https://api.example.com
  requires-auth inspect --open          what a token says; nothing is judged

Open the address that it prints, and paste a token. It listens on loopback alone, and keeps nothing of a token.";

/// The flags of `inspect`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// The configuration file [default: requires-auth.toml, if there is one and no flag says what a token is measured by]
    #[arg(value_name = "FILE", conflicts_with = "VerdictArgs")]
    file: Option<PathBuf>,

    #[command(flatten)]
    check: VerdictArgs,

    #[command(flatten)]
    at: NowArgs,

    /// The port on loopback; 0 is any free one
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = port)]
    port: u16,

    /// Open the page in the browser of this machine; programs that list processes may see its address then
    #[arg(long)]
    open: bool,
}

impl InspectArgs {
    /// Runs `inspect` until it is told to stop.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let (settings, keys) = self.check.resolve(self.at.now)?;
        let is_given = settings.names_issuer() || keys.is_some();
        let default = || Some(PathBuf::from(DEFAULT_FILE)).filter(|file| !is_given && Path::exists(file));
        let subject = match self.file.or_else(default) {
            Some(file) => Subject::of_file(&file, self.at.now)?,
            None => Subject::of_flags(settings, keys)?,
        };
        let told = subject.told();
        block_on(async {
            let stop = stop_signal()?;
            let server = Server::bind(self.port, subject).await?;
            let url = server.url();
            match context.format {
                Format::Json => print_json(&json!({ "url": url }))?,
                Format::Text => {
                    writeln!(anstream::stdout().lock(), "{GOOD}inspector{GOOD:#}  {url}")?;
                    say(&format!("{told}\nctrl-c stops it"));
                }
            }
            if self.open {
                browser::open(&url)?;
            }
            server.serve(stop).await;
            Ok(Outcome::Allow)
        })?
    }
}
