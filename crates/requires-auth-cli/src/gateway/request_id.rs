//! An id for each request, so that its lines in the log can be found by it: the client's own, or one made here.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use requires_auth::Request;
use tracing::Span;

/// The span of a request. Where nobody listens, it costs nothing, and no id is made.
pub(crate) fn span(headers: &HeaderMap) -> Span {
    let span = tracing::info_span!("request", id = tracing::field::Empty);
    if !span.is_disabled() {
        match Request::new("", "", headers).id() {
            Some(id) => span.record("id", id),
            None => span.record("id", tracing::field::display(Made::next())),
        };
    }
    span
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
    use super::*;

    #[test]
    fn no_id_is_made_twice() {
        assert_ne!(Made::next().to_string(), Made::next().to_string());
        let (made, mut headers) = (Made::next().to_string(), HeaderMap::new());
        headers.insert("x-request-id", made.parse().expect("a value"));
        assert_eq!(Request::new("", "", &headers).id(), Some(&*made), "it passes where a client's would");
    }
}
