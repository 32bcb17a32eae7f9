//! Who is answered: a page that this server has sent, in a browser that was given its address.
//!
//! Whoever guesses the port gets nothing: programs of other users do not know the path, a page of another site has another
//! `Origin`, and a name that is made to point here (DNS rebinding) is another `Host`.

use std::net::SocketAddr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::rand::fill;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode, Version, header, request::Parts};
use http_body_util::Full;
use hyper::body::Bytes;

use crate::error::Failure;
use crate::pages::{
    Asset, INSPECTOR, INSPECTOR_SCRIPT, SHARED_SCRIPT, STYLE, is_from_another_site, only, problem, reads,
};

/// The server's own address, with a path that nobody guesses.
pub(super) struct Gate {
    /// `127.0.0.1:PORT`.
    host: String,
    /// `http://127.0.0.1:PORT`.
    origin: String,
    secret: String,
}

/// What a request is for that may be answered.
#[derive(Debug)]
pub(super) enum Wanted {
    /// A file of the page.
    Asset(Asset),
    /// What the page can offer to choose.
    Choices,
    /// Every check of the token in its body.
    Explanation,
}

impl Gate {
    /// The gate of a server that listens here.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness.
    pub(super) fn new(address: SocketAddr) -> Result<Self, Failure> {
        let mut bytes = [0; 16];
        fill(&mut bytes).map_err(|_| Failure::new("the operating system has no randomness"))?;
        let (host, secret) = (address.to_string(), URL_SAFE_NO_PAD.encode(bytes));
        Ok(Self { origin: format!("http://{host}"), host, secret })
    }

    /// The address of the page.
    pub(super) fn url(&self) -> String {
        format!("{}/{}/", self.origin, self.secret)
    }

    /// What a request is for.
    ///
    /// # Errors
    ///
    /// The answer to one that gets nothing.
    pub(super) fn admit(&self, head: &Parts) -> Result<Wanted, Box<Response<Full<Bytes>>>> {
        let forbidden = || Err(Box::new(problem(StatusCode::FORBIDDEN, &self.address_to_open())));
        // The target of a plain request is a path: a proxy's is a whole URL, and that of HTTP/2 has its host beside it.
        if head.version != Version::HTTP_11 || head.uri.authority().is_some() {
            return forbidden();
        }
        if one(&head.headers, &header::HOST) != Some(self.host.as_bytes()) {
            return forbidden();
        }
        let origin = one(&head.headers, &header::ORIGIN);
        let has_origin = head.headers.contains_key(header::ORIGIN);
        if has_origin && origin != Some(self.origin.as_bytes()) {
            return forbidden();
        }
        let Some(wanted) = self.wanted(head) else {
            return Err(Box::new(problem(StatusCode::NOT_FOUND, "there is nothing here")));
        };
        match wanted {
            Wanted::Asset(_) if reads(&head.method) => Ok(wanted),
            Wanted::Asset(_) => Err(Box::new(only("GET, HEAD"))),
            _ if head.method != Method::POST => Err(Box::new(only("POST"))),
            _ if !has_origin || is_from_another_site(&head.headers) => forbidden(),
            _ if !is_json(&head.headers) => {
                let text = "the content type is application/json";
                Err(Box::new(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)))
            }
            _ => Ok(wanted),
        }
    }

    /// What to do where the address is another one: nothing of the secret is in it, and whoever reads it has found the port.
    fn address_to_open(&self) -> String {
        format!(
            "this is not the address that was printed: open {}/... as it was printed; through ssh, forward the same port \
             on both sides",
            self.origin
        )
    }

    fn wanted(&self, head: &Parts) -> Option<Wanted> {
        let (secret, name) = head.uri.path().strip_prefix('/')?.split_once('/')?;
        // Found out in the same time for every path that is as long.
        verify_slices_are_equal(secret.as_bytes(), self.secret.as_bytes()).ok()?;
        if head.uri.query().is_some() {
            return None;
        }
        Some(match name {
            "" => Wanted::Asset(INSPECTOR),
            "style.css" => Wanted::Asset(STYLE),
            "shared.js" => Wanted::Asset(SHARED_SCRIPT),
            "inspect.js" => Wanted::Asset(INSPECTOR_SCRIPT),
            "choices" => Wanted::Choices,
            "explain" => Wanted::Explanation,
            _ => return None,
        })
    }
}

/// The value of a header that is there once.
fn one<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes()),
        _ => None,
    }
}

/// A form of another site can send no JSON without being asked about first.
fn is_json(headers: &HeaderMap) -> bool {
    one(headers, &header::CONTENT_TYPE) == Some(b"application/json")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const HOST: &str = "127.0.0.1:4711";
    const ORIGIN: &str = "http://127.0.0.1:4711";

    fn gate() -> Gate {
        Gate::new(HOST.parse().expect("an address")).expect("randomness")
    }

    /// The status of the answer; 200 for a request that is let through.
    fn status(gate: &Gate, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).expect("a request").into_parts().0;
        gate.admit(&head).map_or_else(|refused| refused.status().as_u16(), |_| 200)
    }

    #[test]
    fn the_page_and_what_it_fetches_are_answered() {
        let gate = gate();
        let path = |name: &str| format!("/{}/{name}", gate.secret);
        for name in ["", "style.css", "shared.js", "inspect.js"] {
            for method in ["GET", "HEAD"] {
                assert_eq!(status(&gate, method, &path(name), &[("host", HOST)]), 200, "{name}");
            }
            assert_eq!(status(&gate, "POST", &path(name), &[("host", HOST), ("origin", ORIGIN)]), 405);
        }
        let of_page = [("host", HOST), ("origin", ORIGIN), ("content-type", "application/json")];
        let from_page = [&of_page[..], &[("sec-fetch-site", "same-origin")]].concat();
        for name in ["choices", "explain"] {
            assert_eq!(status(&gate, "POST", &path(name), &of_page), 200);
            assert_eq!(status(&gate, "POST", &path(name), &from_page), 200);
            for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "post"] {
                assert_eq!(status(&gate, method, &path(name), &of_page), 405, "{method} {name}");
            }
        }
    }

    #[test]
    fn a_request_of_anybody_else_gets_nothing() {
        let gate = gate();
        let path = format!("/{}/explain", gate.secret);
        let json = ("content-type", "application/json");
        for headers in [
            &[][..],
            &[("host", "localhost:4711"), ("origin", "http://localhost:4711"), json],
            &[("host", "evil.example:4711"), ("origin", "http://evil.example:4711"), json],
            &[("host", "127.0.0.1"), ("origin", ORIGIN), json],
            &[("host", HOST), ("host", HOST), ("origin", ORIGIN), json],
            &[("host", HOST), json],
            &[("host", HOST), ("origin", "null"), json],
            &[("host", HOST), ("origin", "http://evil.example"), json],
            &[("host", HOST), ("origin", "https://127.0.0.1:4711"), json],
            &[("host", HOST), ("origin", ORIGIN), ("origin", ORIGIN), json],
            &[("host", HOST), ("origin", ORIGIN), ("sec-fetch-site", "cross-site"), json],
            &[("host", HOST), ("origin", ORIGIN), ("sec-fetch-site", "same-site"), json],
        ] {
            assert_eq!(status(&gate, "POST", &path, headers), 403, "{headers:?}");
        }
        let own = [("host", HOST), ("origin", ORIGIN)];
        assert_eq!(status(&gate, "POST", &path, &own), 415);
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"] {
            assert_eq!(
                status(&gate, "POST", &path, &[own[0], own[1], ("content-type", kind)]),
                415,
                "{kind}"
            );
        }
        // The page, too, is nobody's but ours.
        let page = format!("/{}/", gate.secret);
        assert_eq!(status(&gate, "GET", &page, &[("host", "localhost:4711")]), 403);
        assert_eq!(status(&gate, "GET", &page, &[("host", HOST), ("origin", "http://evil.example")]), 403);
        assert_eq!(status(&gate, "GET", &format!("{ORIGIN}{page}"), &[("host", HOST)]), 403);
    }

    #[test]
    fn another_address_is_told_which_one_to_open() {
        let gate = gate();
        let head = Request::get(format!("/{}/", gate.secret)).header("host", "localhost:8080");
        let head = head.body(()).expect("a request").into_parts().0;
        let refused = gate.admit(&head).expect_err("another host");
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let told = gate.address_to_open();
        assert!(told.contains("open http://127.0.0.1:4711/... as it was printed"), "{told}");
        assert!(!told.contains(&gate.secret), "{told}");
    }

    #[test]
    fn only_the_whole_path_is_one() {
        let another = gate().secret;
        let gate = gate();
        let secret = gate.secret.clone();
        let (cut, other) = (&secret[1..], if secret.starts_with('A') { "B" } else { "A" });
        for path in [
            "/".to_owned(),
            "//".to_owned(),
            "/style.css".to_owned(),
            format!("/{secret}"),
            format!("/{secret}/style"),
            format!("/{secret}/../{secret}/"),
            format!("/{secret}/?token=a"),
            format!("/{other}{cut}/"),
            format!("/{cut}/"),
            format!("/{secret}{secret}/"),
        ] {
            assert_eq!(status(&gate, "GET", &path, &[("host", HOST)]), 404, "{path}");
        }
        assert_eq!(secret.len(), 22);
        assert_ne!(secret, another);
    }
}
