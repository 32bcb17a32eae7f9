//! Which URLs can be that of a resource. Each mistake says what to write instead.

use url::{Host, Url};

use super::{Resource, WELL_KNOWN};
use crate::error::{ConfigProblem, quoted};

/// Words by which clients find the parameters of a challenge, without reading its grammar.
const PARAMETERS: [&str; 3] = ["scope=", "error=", "resource_metadata="];

const FIELD: &str = "resource";

pub(super) fn resource(text: &str, may_have_query: bool) -> Result<Resource, ConfigProblem> {
    let url = check_link(FIELD, text)?;
    let problem = |expected, hint: &str| Err(ConfigProblem::new(FIELD, quoted(text), expected, hint));
    if url.query().is_some() && !may_have_query {
        let hint =
            "leave out what follows the `?`; if clients have to send it, say so with `allow_resource_query`";
        return problem("a URL without a query", hint);
    }
    if url.path().contains(WELL_KNOWN) {
        let hint = "write the URL of the API itself, which clients are given: of its document leave out \
                    `/.well-known/oauth-protected-resource`";
        return problem("the URL of an API, and not that of its metadata", hint);
    }
    let origin = text.find("://").map_or(0, |at| at + 3);
    let origin = text[origin..].find(['/', '?']).map_or(text.len(), |at| origin + at);
    let path = text.find('?').unwrap_or(text.len());
    if text[..origin].bytes().any(|byte| byte.is_ascii_uppercase()) {
        return problem(
            "a scheme and a host in lower case",
            "write both in lower case, as clients send them",
        );
    }
    if url.port().is_none() && has_port(&text[..origin]) {
        return problem("no port that the scheme has anyway", "leave out the port");
    }
    if &text[origin..path] == "/" {
        return problem("a host without a path", "leave out the slash at its end");
    }
    if is_changed(&url, text) {
        let hint = "write the path as clients send it, without `.` and `..`, and with what is not ASCII percent-encoded";
        return problem("a URL that stays as it is", hint);
    }
    Ok(Resource::of_parts(text, origin, path))
}

/// A URL that may stand in a document or a challenge: absolute, https or on loopback http, without user and fragment.
pub(crate) fn check_link(field: &'static str, text: &str) -> Result<Url, ConfigProblem> {
    if let Some(unseen) = ConfigProblem::of_unseen(field, text) {
        return Err(unseen);
    }
    let problem = |expected, hint: &str| Err(ConfigProblem::new(field, quoted(text), expected, hint));
    let Ok(url) = Url::parse(text) else {
        // A text that cannot be read as a URL is not shown if it may have a user.
        let found = if text.contains('@') { "a URL with a user".to_owned() } else { quoted(text) };
        return Err(ConfigProblem::new(field, found, "an https URL", HINT));
    };
    if !url.username().is_empty() || url.password().is_some() || text.contains('@') && is_user(text) {
        return Err(ConfigProblem::new(
            field,
            "a URL with a user",
            "a URL without a user",
            "leave out what stands before the `@`",
        ));
    }
    if !(url.scheme() == "https" || url.scheme() == "http" && is_here(&url)) || !has_authority(text) {
        return problem("an https URL", HINT);
    }
    if url.fragment().is_some() {
        return problem("a URL without a fragment", "leave out what follows the `#`");
    }
    if !text.bytes().all(is_of_url) {
        return problem(
            "a URL in ASCII",
            "write the host in its ASCII form, and percent-encode what is not ASCII",
        );
    }
    if let Some(word) = PARAMETERS.iter().find(|word| text.contains(**word)) {
        let hint =
            format!("clients would take `{word}` in it for a parameter of the challenge: choose another URL");
        return problem("a URL without the name of a parameter", &hint);
    }
    Ok(url)
}

const HINT: &str = "write the URL that clients use, with its scheme: https://api.example.com/mcp (plain http is for loopback)";

/// `https:api.example.com` is read by browsers, and by nobody else.
fn has_authority(text: &str) -> bool {
    text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//") && !rest.starts_with("///"))
}

/// An empty user is not one in a [`Url`].
fn is_user(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

fn has_port(origin: &str) -> bool {
    let host = origin.rsplit(']').next().unwrap_or(origin);
    let host = host.split_once("://").map_or(host, |(_, host)| host);
    host.contains(':')
}

/// RFC 3986 §2: the characters of a URL, without those that a quoted string would have to escape.
const fn is_of_url(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~')
}

/// Whether a client that reads it writes another text.
fn is_changed(url: &Url, text: &str) -> bool {
    let (read, slash) = (url.as_str(), text.len() + 1);
    // Where there is no path, reading adds one.
    let is_bare = read.len() == slash
        && (url.path() == "/")
        && read.replacen("/?", "?", 1).trim_end_matches('/') == text;
    read != text && !is_bare
}

/// Whether a URL names this machine: loopback, or a name below `localhost` (RFC 6761 §6.3).
fn is_here(url: &Url) -> bool {
    is_loopback(url) || url.domain().is_some_and(|name| name.ends_with(".localhost"))
}

/// `localhost`, `127.0.0.0/8` or `::1` (RFC 8252 §7.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}
