//! The pages for a browser: files of this crate, which need no build step, and the headers that every answer to a browser has.
//!
//! A page runs its own scripts alone, talks to the server that it came from and to no other, and is framed by nobody.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;

/// A file of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asset {
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// How all pages look.
pub(crate) const STYLE: Asset = Asset { kind: CSS, text: include_str!("style.css") };
/// What the scripts of the pages share.
pub(crate) const SHARED_SCRIPT: Asset = Asset { kind: SCRIPT, text: include_str!("shared.js") };
/// The inspector: every check of a token.
pub(crate) const INSPECTOR: Asset = Asset { kind: HTML, text: include_str!("inspect.html") };
pub(crate) const INSPECTOR_SCRIPT: Asset = Asset { kind: SCRIPT, text: include_str!("inspect.js") };
/// The live view: what a gateway decides.
pub(crate) const LIVE: Asset = Asset { kind: HTML, text: include_str!("live.html") };
pub(crate) const LIVE_SCRIPT: Asset = Asset { kind: SCRIPT, text: include_str!("live.js") };

/// What every answer to a browser says beside its content.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

impl Asset {
    /// The answer that has this file.
    pub(crate) fn answer(self) -> Response<Full<Bytes>> {
        answer(StatusCode::OK, self.kind, self.text)
    }
}

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<Full<Bytes>> {
    answer(status, "application/json", value.to_string())
}

/// An answer that says what is wrong, in JSON. Nothing of the request is in it.
pub(crate) fn problem(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    json(status, &serde_json::json!({ "error": text }))
}

/// The answer to a method that is not for this path.
pub(crate) fn only(methods: &'static str) -> Response<Full<Bytes>> {
    let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "another method is expected here");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

/// Whether a method reads a file.
pub(crate) fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a page of another origin may have sent a request, as the browser says it in `Sec-Fetch-Site`. Programs that are no
/// browsers leave it out.
pub(crate) fn is_from_another_site(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|site| site != "same-origin")
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSETS: [Asset; 6] = [STYLE, SHARED_SCRIPT, INSPECTOR, INSPECTOR_SCRIPT, LIVE, LIVE_SCRIPT];

    #[test]
    fn nothing_of_a_page_is_against_its_own_policy() {
        for page in [INSPECTOR, LIVE] {
            assert!(!page.text.contains(" style=") && !page.text.contains("<style"), "{page:?}");
            assert!(!page.text.contains(" on") || !page.text.contains("=\"javascript"), "{page:?}");
            for script in page.text.split("<script").skip(1) {
                assert!(script.starts_with(" type=\"module\" src=\""), "{script}");
            }
        }
    }

    #[test]
    fn a_script_writes_texts_and_never_markup() {
        for script in [SHARED_SCRIPT, INSPECTOR_SCRIPT, LIVE_SCRIPT] {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "Function(",
                "Storage",
            ] {
                assert!(!script.text.contains(word), "{word}");
            }
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        for asset in ASSETS {
            for word in ["http://", "https://", "url(", "@import"] {
                let found = asset.text.find(word).map(|at| &asset.text[at..(at + 40).min(asset.text.len())]);
                // The namespace of SVG is a name, and an example is a text.
                let is_name = found.is_none_or(|text| {
                    text.starts_with("http://www.w3.org/2000/svg")
                        || text.starts_with("https://api.example.com")
                });
                assert!(is_name, "{found:?}");
            }
        }
    }

    #[test]
    fn an_answer_has_every_header() {
        let response = problem(StatusCode::NOT_FOUND, "no such page");
        for (name, value) in HEADERS {
            assert_eq!(response.headers()[&name], value);
        }
        assert_eq!(only("GET, HEAD").headers()["allow"], "GET, HEAD");
    }
}
