//! Whether another site may have caused a request. A browser sends a cookie with such a request too.

use crate::request::{HeaderValues, Request};

/// Whether a cookie counts on this request: it changes nothing, or it comes from a page that may use the cookie.
///
/// `origins` are those whose pages may, beside those of the same origin.
pub(super) fn may_use_cookie(request: &Request<'_>, origins: &[Box<str>]) -> bool {
    // RFC 9110 §9.2.1. The answer to a request of another site cannot be read there, but a WebSocket can.
    let changes_nothing = matches!(request.method(), "GET" | "HEAD" | "OPTIONS") && !request.is_upgrade();
    changes_nothing || is_of_same_origin(request) || is_of_one_of(request, origins)
}

/// W3C Fetch Metadata §2.3. No page can set this header.
fn is_of_same_origin(request: &Request<'_>) -> bool {
    request.header("sec-fetch-site") == HeaderValues::One(b"same-origin")
}

/// RFC 6454 §7.
fn is_of_one_of(request: &Request<'_>, origins: &[Box<str>]) -> bool {
    match request.header("origin") {
        HeaderValues::One(origin) => origins.iter().any(|own| own.as_bytes() == origin),
        HeaderValues::Absent | HeaderValues::Several => false,
    }
}
