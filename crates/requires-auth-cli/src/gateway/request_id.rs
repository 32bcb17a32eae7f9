//! An id for each request, so that its lines in the log can be found by it: the client's own, or one made here.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use tracing::Span;

const HEADER: &str = "x-request-id";

/// How long a client's id may be.
const LONGEST: usize = 64;

/// The span of a request. Where nobody listens, it costs nothing, and no id is made.
pub(crate) fn span(headers: &HeaderMap) -> Span {
    let span = tracing::info_span!("request", id = tracing::field::Empty);
    if !span.is_disabled() {
        match of_client(headers) {
            Some(id) => span.record("id", id),
            None => span.record("id", tracing::field::display(Made::next())),
        };
    }
    span
}

/// The client's id, if it is one, and nothing that could be taken for another line or field of the log.
fn of_client(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(HEADER).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let id = value.to_str().ok()?;
    let is_sane = !id.is_empty()
        && id.len() <= LONGEST
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_sane.then_some(id)
}

/// An id that is made here: that of the process, and a number.
struct Made(u64, u64);

impl Made {
    fn next() -> Self {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let process = *PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()));
        Self(process, NUMBER.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:x}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_client_chooses_its_id_if_that_is_a_short_token() {
        let long = "a".repeat(LONGEST);
        let too_long = "a".repeat(LONGEST + 1);
        for (value, is_taken) in [
            ("b7f1-22_x.9", true),
            (long.as_str(), true),
            (too_long.as_str(), false),
            ("", false),
            ("a b", false),
            ("a=\"b\"", false),
            ("\u{e9}", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
            assert_eq!(of_client(&headers), is_taken.then_some(value), "{value}");
        }
    }

    #[test]
    fn two_ids_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(HEADER, HeaderValue::from_static("a"));
        headers.append(HEADER, HeaderValue::from_static("b"));
        assert_eq!(of_client(&headers), None);
        assert_eq!(of_client(&HeaderMap::new()), None);
    }

    #[test]
    fn no_id_is_made_twice() {
        assert_ne!(Made::next().to_string(), Made::next().to_string());
        assert!(Made::next().to_string().len() <= LONGEST);
    }
}
