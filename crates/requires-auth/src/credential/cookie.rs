//! The value of a cookie (RFC 6265 §4.2).

use super::{Shown, trim_whitespace};
use crate::error::{Denial, ErrorCode};
use crate::request::{Headers, Request};

/// What the cookie of this name holds. HTTP/2 may split the header into lines (RFC 9113 §8.2.3), so all are read.
pub(super) fn shown<'a>(request: &Request<'a>, name: &str) -> Result<Shown<&'a [u8]>, Denial> {
    let mut found = Ok(Shown::Nothing);
    each(request.headers(), &mut |own, value| {
        if own == name.as_bytes() {
            found = match found {
                Ok(Shown::Nothing) => Ok(Shown::Token(value)),
                // Which of two a server takes is not known.
                _ => Err(Denial::new(ErrorCode::InvalidRequest)),
            };
        }
    });
    found
}

/// Calls `visit` with name and value of each cookie.
fn each<'a>(headers: &'a dyn Headers, visit: &mut dyn FnMut(&'a [u8], &'a [u8])) {
    headers.visit("cookie", &mut |line| {
        for pair in line.split(|&byte| byte == b';') {
            let pair = trim_whitespace(pair);
            let Some(equals) = memchr::memchr(b'=', pair) else { continue };
            visit(trim_whitespace(&pair[..equals]), trim_whitespace(&pair[equals + 1..]));
        }
    });
}
