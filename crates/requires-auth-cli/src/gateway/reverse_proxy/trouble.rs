//! What keeps a request that may pass from being answered.

use std::error::Error;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper_util::client::legacy;
use tracing::{info, warn};

use super::flow::{Activity, Silent};

/// Why there is no answer of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is not there.
    Unreachable,
    /// It has closed the connection, or has said what is no answer.
    BadAnswer,
    /// It says nothing.
    Late,
    /// The client has not sent the rest of its request.
    SlowClient,
    /// The client's body is none.
    BadBody,
    /// As many requests are with the application as may be, or as one peer may have there.
    Busy,
    /// TRACE would send back what only the application may see, and CONNECT is no request for it.
    Method,
}

impl Trouble {
    /// Status, code and message of the answer in its place.
    const fn told(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Unreachable => {
                (StatusCode::BAD_GATEWAY, "gateway.upstream_unreachable", "the application cannot be reached")
            }
            Self::BadAnswer => (
                StatusCode::BAD_GATEWAY,
                "gateway.upstream_bad_answer",
                "the application has not answered properly",
            ),
            Self::Late => (
                StatusCode::GATEWAY_TIMEOUT,
                "gateway.upstream_timeout",
                "the application has not answered in time",
            ),
            Self::SlowClient => (
                StatusCode::REQUEST_TIMEOUT,
                "gateway.client_timeout",
                "the rest of the request has not come in time",
            ),
            Self::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "gateway.busy", "too many requests are being answered")
            }
            Self::Method => {
                (StatusCode::NOT_IMPLEMENTED, "gateway.method_not_supported", "this method is not passed on")
            }
            Self::BadBody => {
                (StatusCode::BAD_REQUEST, "gateway.bad_body", "the body of the request is broken")
            }
        }
    }

    /// What went wrong on the way.
    pub(super) fn of(error: &legacy::Error) -> Self {
        let trouble = if error.is_connect() {
            Self::Unreachable
        } else if sources(error).any(<dyn Error>::is::<Silent>) {
            Self::SlowClient
        } else if sources(error).any(|source| source.downcast_ref().is_some_and(hyper::Error::is_user)) {
            Self::BadBody
        } else {
            Self::BadAnswer
        };
        let causes: Vec<_> = sources(error).map(ToString::to_string).collect();
        let (causes, (_, code, _)) = (causes.join(": "), trouble.told());
        match trouble {
            Self::SlowClient | Self::BadBody => {
                info!(code, error = causes, "a request could not be passed on");
            }
            _ => warn!(code, error = causes, "the application cannot answer"),
        }
        trouble
    }

    /// There is no room for a request.
    pub(super) fn busy() -> Self {
        warn!("as many requests are with the application as may be, or as one peer may have there");
        Self::Busy
    }

    /// A request that stands still: whose turn was it?
    pub(super) fn silent(activity: &Activity) -> Self {
        if activity.is_sent() {
            warn!("the application has not answered in time");
            Self::Late
        } else {
            info!("the rest of a request has not come in time");
            Self::SlowClient
        }
    }

    /// The answer in its place.
    pub(super) fn answer(self) -> Response<Full<Bytes>> {
        let (status, code, message) = self.told();
        let body = serde_json::json!({ "code": code, "status": status.as_u16(), "message": message });
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Self::Busy {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// What is behind an error.
fn sources(error: &legacy::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}
