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
    /// It has closed the connection, or its answer cannot be read.
    BadAnswer,
    /// It says nothing.
    Late,
    /// The client has not sent the rest of its request.
    SlowClient,
    /// The client's body cannot be read.
    BadBody,
    /// As many requests are with the application as may be, or as one peer may have there.
    Busy,
    /// TRACE would send back what only the application may see, and CONNECT is not a request for it.
    Method,
}

/// What is answered, and what to do about it: a row of `docs/reference/codes.md`.
struct Row {
    status: StatusCode,
    code: &'static str,
    message: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reference page, which a test holds"))]
    hint: &'static str,
}

const fn row(status: StatusCode, code: &'static str, message: &'static str, hint: &'static str) -> Row {
    Row { status, code, message, hint }
}

impl Trouble {
    const fn row(self) -> Row {
        match self {
            Self::BadAnswer => row(
                StatusCode::BAD_GATEWAY,
                "gateway.upstream_bad_answer",
                "the application has not answered properly",
                "see the gateway's log: the application closed the connection, or does not speak HTTP/1.1 at this address",
            ),
            Self::BadBody => row(
                StatusCode::BAD_REQUEST,
                "gateway.bad_body",
                "the body of the request is broken",
                "look at the client: its chunks cannot be read, or it went away in the middle of its request",
            ),
            Self::Busy => row(
                StatusCode::SERVICE_UNAVAILABLE,
                "gateway.busy",
                "too many requests are being answered",
                "try again after `Retry-After`; a slow application, a low limit of open files or one busy peer bring this about",
            ),
            Self::Late => row(
                StatusCode::GATEWAY_TIMEOUT,
                "gateway.upstream_timeout",
                "the application has not answered in time",
                "look at the application, or raise `timeout` in `[reverse_proxy]`",
            ),
            Self::Method => row(
                StatusCode::NOT_IMPLEMENTED,
                "gateway.method_not_supported",
                "this method is not passed on",
                "use a method other than TRACE and CONNECT",
            ),
            Self::SlowClient => row(
                StatusCode::REQUEST_TIMEOUT,
                "gateway.client_timeout",
                "the rest of the request has not come in time",
                "look at the client or its connection: it sent nothing for `timeout` of `[reverse_proxy]`",
            ),
            Self::Unreachable => row(
                StatusCode::BAD_GATEWAY,
                "gateway.upstream_unreachable",
                "the application cannot be reached",
                "check `upstream` in `[reverse_proxy]`, and that the application listens there",
            ),
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
        let (causes, code) = (causes.join(": "), trouble.row().code);
        match trouble {
            Self::SlowClient | Self::BadBody => {
                info!(code, error = causes, "a request could not be passed on");
            }
            _ => warn!(code, error = causes, "the application cannot answer"),
        }
        trouble
    }

    /// As many requests as may be are with the application.
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
        let Row { status, code, message, .. } = self.row();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{code, hold, table};

    #[test]
    fn reference_of_the_gateway_s_own_answers() {
        let mut rows = [
            Trouble::BadAnswer,
            Trouble::BadBody,
            Trouble::Busy,
            Trouble::Late,
            Trouble::Method,
            Trouble::SlowClient,
            Trouble::Unreachable,
        ]
        .map(Trouble::row);
        rows.sort_by_key(|row| row.code);
        let rows = rows.map(|row| {
            let status = row.status.as_u16().to_string();
            [code(row.code), status, row.message.to_owned(), row.hint.to_owned()]
        });
        hold("codes.md", "gateway-trouble", &table(["code", "status", "when", "what to do"], rows));
    }
}
