//! An id for each request, so that its lines in the log can be found by it: the client's own, or one made here.
//!
//! It is kept beside the task and written only into the lines of the log: a span for each request would cost as much as the
//! rest of a decision.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderValue};

const HEADER: &str = "x-request-id";

/// How long a client's id may be.
const LONGEST: usize = 64;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// What finds the lines of one request in the log: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestId {
    /// As the client has sent it.
    Client(HeaderValue),
    /// That of the process, and a number.
    Made(u64, u64),
}

impl RequestId {
    /// The client's id if it has sent one that is fit for a log, else one that no other request has.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        of_client(headers).map_or_else(Self::make, Self::Client)
    }

    /// The id of the request that is being answered by whoever asks; `None` outside of requests.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Answers a request, whose lines in the log have this id.
    pub(crate) fn during<F: Future>(self, answer: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, answer)
    }

    fn make() -> Self {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let process = *PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()));
        Self::Made(process, NUMBER.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => f.write_str(id.to_str().unwrap_or_default()),
            Self::Made(process, number) => write!(f, "{process:016x}-{number:x}"),
        }
    }
}

/// The client's id, if it is one, and nothing that could be taken for another line or field of the log.
fn of_client(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(HEADER).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let id = value.as_bytes();
    let is_sane = !id.is_empty()
        && id.len() <= LONGEST
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    is_sane.then(|| value.clone())
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
            assert_eq!(RequestId::of(&headers).to_string() == value, is_taken, "{value}");
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
        assert_ne!(RequestId::make().to_string(), RequestId::make().to_string());
        assert!(RequestId::make().to_string().len() <= LONGEST);
    }

    #[tokio::test]
    async fn it_is_known_while_its_request_is_answered() {
        let id = RequestId::make();
        assert_eq!(id.clone().during(async { RequestId::current() }).await, Some(id));
        assert_eq!(RequestId::current(), None);
    }
}
