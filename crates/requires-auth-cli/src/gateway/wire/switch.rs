//! What the answer to a request said about the protocol of its connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use http::header::UPGRADE;
use http::{Method, Request, Response, StatusCode};

/// How a request to change the protocol was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// With another protocol.
    Switched,
    /// In the protocol that was there.
    Stayed,
}

/// Between the one that answers and the one that reads on; one for each connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch(Arc<AtomicU8>);

const NOTHING: u8 = 0;
const SWITCHED: u8 = 1;
const STAYED: u8 = 2;

/// Whether this request may change the protocol of its connection.
pub(crate) fn may_switch<B>(request: &Request<B>) -> bool {
    request.method() == Method::CONNECT
        || request
            .headers()
            .get_all(UPGRADE)
            .iter()
            .any(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

impl Switch {
    /// Tells that this answer is about to be sent: what the client says from now on follows it.
    pub(crate) fn answer<B>(&self, response: &Response<B>) {
        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        self.0.store(if switched { SWITCHED } else { STAYED }, Ordering::Release);
    }

    pub(super) fn forget(&self) {
        self.0.store(NOTHING, Ordering::Release);
    }

    pub(super) fn answered(&self) -> Option<Answered> {
        match self.0.load(Ordering::Acquire) {
            SWITCHED => Some(Answered::Switched),
            STAYED => Some(Answered::Stayed),
            _ => None,
        }
    }
}
