//! The pages for operators: `/healthz`, `/readyz`, `/metrics` and, where somebody may revoke, `/revocations`, and where
//! `admin_token` is set, `/live`. They are at `server.admin` and nowhere else: a path of the API must never be one that passes
//! unasked, whoever claims to be a probe (CVE-2026-34457).

use std::error::Error;
use std::fmt::Write as _;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::{Body, Bytes};
use requires_auth::guard::{Health, KeyState};

use super::current::Current;
use super::live;
use super::prometheus::Prometheus;
use super::revocations;
use super::service::Service;

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers an operator.
pub(crate) async fn answer<B>(
    current: &Current,
    metrics: &Prometheus,
    request: Request<B>,
) -> Response<Full<Bytes>>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if request.uri().path() == revocations::PATH {
        let service = current.service();
        let answer = revocations::answer(service.gateway().auth(), service.operators(), request).await;
        return answer.unwrap_or_else(|| {
            let text =
                "there are no revocations: set `revocations`, and in [server] admin_token or admin_scopes\n";
            page(StatusCode::NOT_FOUND, TEXT, text)
        });
    }
    if let Some(answer) = live::answer(current, metrics, &request) {
        return answer;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, "GET or HEAD\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/healthz" => page(StatusCode::OK, TEXT, "alive\n"),
        "/readyz" if current.is_stopping() => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, "stopping\n"),
        "/readyz" => {
            let (status, text) = readiness(&current.service().gateway().auth().health());
            page(status, TEXT, text)
        }
        "/metrics" => {
            // The age of the keys is told by whoever asks how they are.
            let _health = current.service().gateway().auth().health();
            page(StatusCode::OK, METRICS, metrics.render())
        }
        _ => page(StatusCode::NOT_FOUND, TEXT, format!("the pages are {}\n", pages(&current.service()))),
    }
}

/// The pages that are there.
fn pages(service: &Service) -> String {
    let mut pages = vec!["/healthz", "/readyz", "/metrics"];
    if service.operators().have_secret() {
        pages.push(live::PATH);
    }
    if service.gateway().auth().revocations().is_some() && service.operators().are_any() {
        pages.push(revocations::PATH);
    }
    let last = pages.pop().unwrap_or_default();
    format!("{} and {last}", pages.join(", "))
}

/// Whether the gateway can serve, with each issuer that has no keys that may be used and why, and how the server is doing that
/// instances share. That one decides nothing: an outage of it is that of all instances.
fn readiness(health: &Health) -> (StatusCode, String) {
    let (status, mut text) = if health.is_ready() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned())
    };
    let is_usable = |state| matches!(state, KeyState::Fresh | KeyState::Stale);
    let lacking = health.issuers().iter().filter(|issuer| !health.is_ready() && !is_usable(issuer.state()));
    // A text takes all that is written to it.
    for issuer in lacking {
        // Only a short name of the cause: its text may have come from another server.
        let cause = issuer.last_error().map_or("not fetched yet", |error| error.as_str());
        writeln!(text, "{}: keys {}, {cause}", issuer.issuer(), issuer.state()).ok();
    }
    if let Some(shared) = health.shared_state() {
        writeln!(text, "shared state {}: {}", shared.server(), shared.status()).ok();
        for warning in shared.warnings() {
            writeln!(text, "shared state {}: {warning}", shared.server()).ok();
        }
    }
    (status, text)
}

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
