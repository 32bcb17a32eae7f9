//! `doctor --mcp URL`: walks the way of an MCP client, from a request without a token to the login, at any server.
//!
//! No redirect is followed, what is read is bounded, and a token is sent to that URL alone.

mod target;
mod challenge;
mod checks;
mod client;
mod endpoint;
mod refusal;
mod fetch;
mod documents;
mod issuers;
mod cors;
mod credentials;
mod session;
mod token;

use std::time::Duration;

use clap::Args;
use tokio::time::timeout;

use self::client::Client;
use self::target::McpUrl;
use super::connection::Connector;
use super::finding::Finding;

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Where the MCP Inspector runs, a client in a browser.
const INSPECTOR: &str = "http://localhost:6274";

/// The flags for an MCP server.
#[derive(Args)]
pub(super) struct McpArgs {
    /// An MCP server as its clients reach it: walk their way to the login, and say what is wrong
    #[arg(long = "mcp", value_name = "URL", value_parser = McpUrl::parse)]
    pub(super) server: Option<McpUrl>,

    /// With --mcp: the origin of a client in a browser
    #[arg(long, value_name = "ORIGIN", requires = "server", default_value = INSPECTOR, value_parser = origin)]
    origin: String,

    /// With --mcp and --token: also call each tool, with arguments that fit none
    #[arg(long, requires = "server", requires = "token")]
    call_tools: bool,
}

/// What can stand in `Origin`.
fn origin(text: &str) -> Result<String, String> {
    let is_origin = reqwest::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text);
    if is_origin {
        Ok(text.to_owned())
    } else {
        Err("expected an origin such as https://app.example.com".to_owned())
    }
}

/// Looks at the server, if one is given. `token` is one that should be good.
pub(super) async fn run(args: &McpArgs, token: Option<&str>, connector: &Connector) -> Vec<Finding> {
    let Some(server) = &args.server else { return Vec::new() };
    let mut findings = Vec::new();
    if timeout(TIMEOUT, walk(args, server, token, connector, &mut findings)).await.is_err() {
        let what = format!("not done within {} s: what comes after this is not checked", TIMEOUT.as_secs());
        findings.push(checks::TIME.fail(server.typed(), what));
    }
    findings
}

async fn walk(
    args: &McpArgs,
    server: &McpUrl,
    token: Option<&str>,
    connector: &Connector,
    findings: &mut Vec<Finding>,
) {
    if server.url().scheme() != "https" && !server.is_loopback() {
        findings.push(
            checks::URL.fail(server.typed(), "it is not https: clients refuse it, and so does this check"),
        );
        return;
    }
    findings.push(form(server));
    let client = Client::new(connector, server);
    let Some(refusals) = endpoint::run(&client, findings).await else { return };
    let said = refusal::run(server, &refusals, findings);
    let published = documents::run(&client, said.pointer.as_ref(), findings).await;
    if refusals.post.is_some() || refusals.get.is_some() {
        let scopes = published.as_ref().map(|published| &*published.scopes).unwrap_or_default();
        findings.push(refusal::scope(server, &said, scopes));
    }
    if let Some(published) = &published {
        issuers::run(&client, published, said.scopes.as_deref().unwrap_or_default(), findings).await;
        findings.push(cors::document(&client, &published.url, &args.origin).await);
    }
    // Where requests without a token are not refused, these would tell the same once more.
    let is_guarded = refusals.post.is_some();
    if is_guarded {
        cors::endpoint(&client, &args.origin, findings).await;
    }
    credentials::run(&client, &said, is_guarded, findings).await;
    if let Some(token) = token {
        token::run(&client, token, args.call_tools, findings).await;
    }
}

/// RFC 9728 §1.2, RFC 8707 §2: what is not an error may still be spelled so that clients differ.
fn form(server: &McpUrl) -> Finding {
    let (check, subject) = (&checks::URL, server.typed());
    if !server.is_canonical() {
        return check.warn(subject, format!("clients may send it as {}", server.url()));
    }
    if server.url().query().is_some() {
        return check.warn(subject, "it has a query, which some clients leave out");
    }
    if server.url().path() != "/" && server.url().path().ends_with('/') {
        return check.warn(subject, "it ends in a slash, which some clients leave out");
    }
    check.ok(subject, "a URL that clients send as it is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::Level;

    #[test]
    fn spellings_in_which_clients_differ_are_worth_a_look() {
        for (url, level) in [
            ("https://a.example/mcp", Level::Ok),
            ("https://a.example", Level::Ok),
            ("https://a.example/mcp/", Level::Warn),
            ("https://a.example/mcp?a=b", Level::Warn),
            ("https://A.example/mcp", Level::Warn),
        ] {
            assert_eq!(form(&McpUrl::parse(url).expect(url)).level, level, "{url}");
        }
        assert!(origin("https://app.example").is_ok() && origin(INSPECTOR).is_ok());
        for bad in ["app.example", "https://app.example/", "https://app.example/a", "null", "*"] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }
}
