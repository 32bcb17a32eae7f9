//! An id for each request, so that its lines in the log can be found by it: the client's own, or one made here.
//!
//! It is kept beside the task and written only into the lines of the log: a span for each request would cost as much as the
//! rest of a decision.

use std::cell::OnceCell;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::Request;

tokio::task_local! {
    static CURRENT: RequestId;
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What finds the lines of one request in the log: letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestId {
    /// As the client has sent it.
    Client(HeaderValue),
    /// That of the process, and a number, which is given once it is asked for.
    Made(OnceCell<u64>),
}

impl RequestId {
    /// The client's id if it has sent one that is fit for a log, else one that no other request has.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        match headers.get(HEADER) {
            Some(id) if Request::new("", "", headers).id().is_some() => Self::Client(id.clone()),
            _ => Self::Made(OnceCell::new()),
        }
    }

    /// The id of the request that is being answered by whoever asks; `None` outside of requests.
    pub(crate) fn current() -> Option<String> {
        CURRENT.try_with(ToString::to_string).ok()
    }

    /// Answers a request, whose lines in the log have this id.
    pub(crate) fn during<F: Future>(self, answer: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, answer)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        match self {
            Self::Client(id) => f.write_str(id.to_str().unwrap_or_default()),
            Self::Made(number) => {
                let process = PROCESS.get_or_init(|| RandomState::new().hash_one(std::process::id()));
                let number = number.get_or_init(|| NUMBER.fetch_add(1, Ordering::Relaxed));
                write!(f, "{process:016x}-{number:x}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_clients_if_that_is_fit_for_a_log() {
        let mut headers = HeaderMap::new();
        assert!(matches!(RequestId::of(&headers), RequestId::Made(..)));
        headers.append("x-request-id", HeaderValue::from_static("b7f1-22_x.9"));
        assert_eq!(RequestId::of(&headers).to_string(), "b7f1-22_x.9");
        headers.append("x-request-id", HeaderValue::from_static("b"));
        assert!(matches!(RequestId::of(&headers), RequestId::Made(..)));
    }

    #[test]
    fn no_id_is_made_twice() {
        let ids = [(), ()].map(|()| RequestId::of(&HeaderMap::new()));
        assert_ne!(ids[0].to_string(), ids[1].to_string());
        assert_eq!(ids[0].to_string(), ids[0].to_string());
    }

    #[tokio::test]
    async fn it_is_known_while_its_request_is_answered() {
        let ids =
            RequestId::of(&HeaderMap::new()).during(async { [(), ()].map(|()| RequestId::current()) }).await;
        assert!(ids[0].is_some() && ids[0] == ids[1]);
        assert_eq!(RequestId::current(), None);
    }
}
