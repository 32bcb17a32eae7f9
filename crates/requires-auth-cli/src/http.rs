//! A small HTTP client, for requests of the command line itself: to a development issuer and a demo API.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::error::Failure;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that follows no redirect and uses no proxy: both ends are on this machine.
pub(crate) fn client() -> Result<Client, Failure> {
    let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT).build();
    client.map_err(|error| Failure::new(format!("the HTTP client does not start: {}", cause(&error))))
}

/// A URL below another, with a query.
pub(crate) fn url(base: &str, path: &str, query: &[(&str, &str)]) -> Result<Url, Failure> {
    let mut url = Url::parse(&format!("{}{path}", base.trim_end_matches('/'))).map_err(|error| {
        Failure::new(format!("`{base}` is not a URL: {error}")).hint("write http://127.0.0.1:9100/oidc")
    })?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// The innermost cause says most: `connection refused`.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
