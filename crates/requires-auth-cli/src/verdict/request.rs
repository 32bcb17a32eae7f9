//! What `verify` and `explain` are told of the request that a token came with, and by which configuration it is judged.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{ArgGroup, Args};

use super::moment::time;
use crate::error::Failure;

/// The time that a token is judged at.
#[derive(Args, Debug)]
pub(crate) struct NowArgs {
    /// The time, such as 2026-12-01T10:00:00Z, or in seconds since 1970 [default: this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<SystemTime>,
}

/// The request, and the configuration.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("judged_by_request").args(["config", "proof"]).multiple(true)))]
pub(crate) struct RequestArgs {
    /// Judge as the gateway of this file does: its issuers, routes and revocations take the place of the flags for them
    #[arg(long, value_name = "FILE", conflicts_with = "VerdictArgs")]
    pub(crate) config: Option<PathBuf>,

    /// The URL of the request, as the client has sent it; with --config its path is enough to find the route
    #[arg(long, value_name = "URL", requires = "judged_by_request")]
    pub(crate) url: Option<String>,

    /// The method of the request
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "url")]
    pub(crate) method: String,

    /// The value of the header DPoP that came with the token: a proof of its key (RFC 9449)
    #[arg(long, value_name = "PROOF", requires = "url")]
    pub(crate) proof: Option<String>,
}

impl RequestArgs {
    /// The request with a proof, if there is one.
    pub(crate) fn proven(self) -> Result<Option<Proven>, Failure> {
        match (self.proof, self.url) {
            (Some(proof), Some(url)) => Proven::new(proof, self.method, &url).map(Some),
            _ => Ok(None),
        }
    }
}

/// A request with a proof (RFC 9449).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proven {
    /// The value of the header `DPoP`.
    pub(crate) proof: String,
    pub(crate) method: String,
    /// Scheme, host and port of the URL.
    pub(crate) origin: String,
    /// What stands behind them.
    pub(crate) target: String,
}

impl Proven {
    /// A request to this URL.
    pub(crate) fn new(proof: String, method: String, url: &str) -> Result<Self, Failure> {
        let (origin, target) = origin_and_target(url).ok_or_else(|| {
            Failure::new("--url is not the URL of a request")
                .hint("write it as the client has sent it: https://api.example.com/orders")
        })?;
        Ok(Self { proof, method, origin: origin.to_owned(), target: target.to_owned() })
    }
}

/// Scheme, host and port of a URL of HTTP, and what stands behind them.
pub(crate) fn origin_and_target(url: &str) -> Option<(&str, &str)> {
    let start = url.find("://").map(|at| at + "://".len());
    let start = start.filter(|_| url.starts_with("https:") || url.starts_with("http:"))?;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    Some(url.split_at(end))
}
