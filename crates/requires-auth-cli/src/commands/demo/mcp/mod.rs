//! `demo --mcp`: an MCP server behind the guard, and a client that knows nothing but its URL, finds the issuer, registers,
//! logs in, calls a tool, and logs in again for a tool that needs more.

mod pkce;
mod server;
mod session;
mod walk;

use std::io::{self, Write as _};
use std::net::Ipv4Addr;

use requires_auth::RequiresAuth;
use requires_auth_testkit::issuer::DevelopmentIssuer;
use serde_json::json;

use self::server::McpServer;
use self::session::Step;
use super::api::listen;
use crate::context::{Format, Outcome};
use crate::error::Failure;
use crate::http::client;
use crate::output::{BAD, DIM, GOOD, print_json, printable, say};
use crate::ports::cannot_listen;

/// A server that has been walked through, and goes on as long as this is kept.
pub(super) struct Walked {
    server: McpServer,
    steps: Vec<Step>,
}

impl Walked {
    /// Starts the server on a port, or on the next free one, and makes a client's way through a login.
    pub(super) async fn start(issuer: &DevelopmentIssuer, port: u16) -> Result<Self, Failure> {
        let failed = |error: io::Error| cannot_listen(Ipv4Addr::LOCALHOST.into(), port, &error);
        let listener = listen(port).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let url = format!("http://{address}/mcp");
        let auth = RequiresAuth::resource_builder(issuer.issuer(), &url)
            .with_base_scopes(["read:items"])
            .with_resource_name("Demo items")
            .build()?;
        let server = McpServer::start(&auth, listener, url);
        let steps = walk::steps(client()?, server.url()).await?;
        Ok(Self { server, steps })
    }

    /// Whether each answer was right, to the end of the way.
    pub(super) fn is_right(&self) -> bool {
        self.steps.iter().all(|step| step.is_right)
    }

    /// Says how other clients use the server.
    pub(super) fn say_how_to_connect(&self) {
        let url = self.server.url();
        say(&format!("\nconnect an MCP client to {url}: it logs in by itself; ctrl-c stops the demo"));
    }

    /// Prints what each step brought.
    pub(super) fn print(&self, issuer: &DevelopmentIssuer, format: Format) -> io::Result<()> {
        match format {
            Format::Json => print_json(&json!({
                "ok": self.is_right(), "issuer": issuer.issuer(), "mcp": self.server.url(),
                "steps": self.steps.iter().map(Step::to_json).collect::<Vec<_>>(),
            }))?,
            Format::Text => {
                let mut out = anstream::stdout().lock();
                writeln!(out, "{GOOD}issuer{GOOD:#}      {}", issuer.issuer())?;
                writeln!(out, "{GOOD}MCP server{GOOD:#}  {}\n", self.server.url())?;
                for step in &self.steps {
                    let (mark, style) = if step.is_right { ('✓', GOOD) } else { ('✗', BAD) };
                    writeln!(out, "{style}{mark}{style:#} {}  {}", step.status, step.about)?;
                    writeln!(out, "  {DIM}{}{DIM:#}", printable(&step.request))?;
                    writeln!(out, "  {}", printable(&step.shown))?;
                }
                out.flush()?;
            }
        }
        let total = self.steps.len();
        say(&if self.is_right() {
            format!("{total} steps, each answered right")
        } else {
            format!("the way ends at step {total}: the answer is not the right one")
        });
        Ok(())
    }
}

/// What comes of it, for a script.
impl From<&Walked> for Outcome {
    fn from(walked: &Walked) -> Self {
        walked.is_right().into()
    }
}
