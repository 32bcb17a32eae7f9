//! What a request is for: one path, under one host.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Request, Version};

/// The target of a request.
pub(super) struct Target {
    /// Path and query, as they came.
    pub(super) path: PathAndQuery,
    /// The host that the client has named, with its port if it has one; HTTP/1.0 need not name any.
    pub(super) host: Option<HeaderValue>,
}

impl Target {
    /// Reads it. The error says what is wrong with it.
    pub(super) fn of<B>(request: &Request<B>) -> Result<Self, &'static str> {
        let path = request.uri().path_and_query().cloned().ok_or("the target has no path")?;
        Ok(Self { path, host: host(request)? })
    }
}

/// One host: two make two servers of one (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn host<B>(request: &Request<B>) -> Result<Option<HeaderValue>, &'static str> {
    let mut values = request.headers().get_all(HOST).iter();
    let header = values.next();
    if values.next().is_some() {
        return Err("`Host` comes twice");
    }
    if let Some(header) = header {
        let is_host = header.is_empty() || header.to_str().is_ok_and(is_authority);
        if !is_host {
            return Err("`Host` is not a host");
        }
    }
    match (request.uri().authority(), header) {
        (Some(authority), Some(header))
            if !header.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            Err("`Host` and the target name different hosts")
        }
        (Some(authority), _) if authority.as_str().contains('@') => Err("the target names a user"),
        (Some(authority), _) => {
            HeaderValue::from_str(authority.as_str()).map(Some).map_err(|_| "the target has no host")
        }
        (None, None) if request.version() == Version::HTTP_11 => Err("`Host` is missing"),
        (None, header) => Ok(header.cloned()),
    }
}

fn is_authority(text: &str) -> bool {
    !text.contains('@') && text.parse::<Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_for_one_host() {
        for (target, hosts, expected) in [
            ("/a?b", vec!["api.example"], Ok(Some("api.example"))),
            ("/a", vec!["api.example:8080"], Ok(Some("api.example:8080"))),
            ("/a", vec![""], Ok(Some(""))),
            ("/a", vec![], Err(())),
            ("/a", vec!["one", "two"], Err(())),
            ("/a", vec!["one", "one"], Err(())),
            ("/a", vec!["user@one"], Err(())),
            ("/a", vec!["one/two"], Err(())),
            ("http://one/a", vec!["ONE"], Ok(Some("one"))),
            ("http://one/a", vec![], Ok(Some("one"))),
            ("http://one/a", vec!["two"], Err(())),
            ("http://user@one/a", vec![], Err(())),
        ] {
            let mut request = Request::builder().uri(target);
            for host in &hosts {
                request = request.header(HOST, *host);
            }
            let found = Target::of(&request.body(()).expect("a request")).map_err(|_| ());
            let host = found.map(|target| target.host.map(|host| host.to_str().expect("a text").to_owned()));
            assert_eq!(host, expected.map(|host| host.map(ToOwned::to_owned)), "{target} {hosts:?}");
        }
    }
}
