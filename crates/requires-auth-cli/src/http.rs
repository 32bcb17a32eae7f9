//! A small HTTP client, for requests of the command line itself: to a development issuer and a demo API.

use std::time::Duration;

use requires_auth::settings::with_scheme;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::error::Failure;
use crate::output::printable;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A client that follows no redirect and uses no proxy: both ends are on this machine.
pub(crate) fn client() -> Result<Client, Failure> {
    let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT).build();
    client.map_err(|error| Failure::new(format!("the HTTP client does not start: {}", cause(&error))))
}

/// An absolute URL of http or https.
///
/// # Errors
///
/// It is none; with what to write, where only the scheme is missing.
pub(crate) fn web_url(text: &str) -> Result<Url, Option<String>> {
    let is_of_web = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    let without_scheme =
        || with_scheme(text).map(|meant| format!("a URL begins with its scheme: write {meant}"));
    Url::parse(text).ok().filter(is_of_web).ok_or_else(without_scheme)
}

/// The URL of an API, as an argument.
pub(crate) fn api_url(text: &str) -> Result<Url, String> {
    let other = || "expected a URL such as https://api.example.com".to_owned();
    web_url(text).map_err(|wrong| wrong.unwrap_or_else(other))
}

/// A URL below that of an issuer, with a query.
pub(crate) fn url(issuer: &str, path: &str, query: &[(&str, &str)]) -> Result<Url, Failure> {
    url_like("http://127.0.0.1:9100/oidc", issuer, path, query)
}

/// A URL below another, with a query. `example` is one that could be meant.
pub(crate) fn url_like(
    example: &str,
    base: &str,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Url, Failure> {
    let base = web_url(base).map_err(|wrong| {
        let told = format!("`{}` is not a URL of http or https", printable(base));
        Failure::new(told).hint(match wrong {
            Some(meant) if meant.ends_with(example) => meant,
            Some(meant) => format!("{meant}, as in {example}"),
            None => format!("write {example}"),
        })
    })?;
    let joined = format!("{}{path}", base.as_str().trim_end_matches('/'));
    let mut url = Url::parse(&joined).map_err(|error| Failure::new(format!("`{base}`: {error}")))?;
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
