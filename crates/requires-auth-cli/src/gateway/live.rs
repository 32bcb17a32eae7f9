//! The live view on the admin listener: a page, and what it asks for each second. It is there where `admin_token` is set, and
//! tells only whoever shows that secret.
//!
//! What is told comes from the configuration and from our own tables, as metrics do: names of routes and issuers, codes,
//! reasons, counts and times. Nothing of a token, a path or another server is among it.

use std::time::{Duration, SystemTime};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use requires_auth::Reason;
use requires_auth::discovery::FetchFailure;
use requires_auth::guard::IssuerHealth;
use serde_json::{Value, json};
use tracing::warn;

use super::current::Current;
use super::prometheus::Prometheus;
use super::refusals::{Refusal, Refusals};
use super::service::Service;
use super::telemetry::{self, Decisions};
use crate::pages::{
    LIVE, LIVE_SCRIPT, SHARED_SCRIPT, STYLE, is_from_another_site, json, only, problem, reads,
};

/// Where it is.
pub(super) const PATH: &str = "/live";

/// How many issuers are told: of a pattern there may be many tenants.
const MOST_ISSUERS: usize = 200;

/// Answers a request for the page or for what it asks. `None` where there is none: no `admin_token` is set, or it is for
/// something else.
pub(crate) fn answer<B>(
    current: &Current,
    metrics: &Prometheus,
    request: &Request<B>,
) -> Option<Response<Full<Bytes>>> {
    let name = request.uri().path().strip_prefix(PATH)?;
    let service = current.service();
    if !service.operators().have_secret() {
        return None;
    }
    let asset = match name {
        "" => LIVE,
        "/style.css" => STYLE,
        "/shared.js" => SHARED_SCRIPT,
        "/live.js" => LIVE_SCRIPT,
        "/state" => return Some(state(current, &service, metrics, request)),
        _ => return None,
    };
    Some(if reads(request.method()) { asset.answer() } else { only("GET, HEAD") })
}

fn state<B>(
    current: &Current,
    service: &Service,
    metrics: &Prometheus,
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        return only("POST");
    }
    if is_from_another_site(request.headers()) {
        return problem(StatusCode::FORBIDDEN, "this is for the page of this listener alone");
    }
    if !service.operators().show_secret(request.headers()) {
        warn!(status = 401, "refused: a request for the live view is not an operator's");
        let mut response = problem(StatusCode::UNAUTHORIZED, "that is not the secret of admin_token");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        return response;
    }
    json(StatusCode::OK, &told(current, service, metrics))
}

/// What the page shows.
fn told(current: &Current, service: &Service, metrics: &Prometheus) -> Value {
    let (gateway, now) = (service.gateway(), SystemTime::now());
    let health = gateway.auth().health();
    let of_resources = gateway.resources().iter().map(|own| own.auth.health().remembered_tokens());
    let remembered = health.remembered_tokens() + of_resources.sum::<usize>();
    let decisions = gateway.decisions();
    let refusals = decisions.refusals().map(Refusals::list).unwrap_or_default();
    let (count, seconds) = metrics.histogram(telemetry::DECISION_SECONDS_NAME);
    json!({
        "stopping": current.is_stopping(),
        "ready": health.is_ready(),
        "shadow": gateway.config().is_shadow,
        "remembered_tokens": remembered,
        "revocations": health.revocations().map(requires_auth::guard::RevocationsHealth::entries),
        "decisions": metrics.counters(telemetry::DECISIONS_NAME).into_iter().map(|(labels, total)| {
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            json!({ "route": label("route"), "outcome": label("outcome"), "code": label("code"), "total": total })
        }).collect::<Vec<_>>(),
        "timed": { "count": count, "seconds": seconds },
        "issuers": health.issuers().iter().take(MOST_ISSUERS).map(issuer).collect::<Vec<_>>(),
        "refusals": refusals.iter().map(|refusal| refused(decisions, refusal, now)).collect::<Vec<_>>(),
    })
}

fn issuer(own: &IssuerHealth) -> Value {
    json!({
        "issuer": own.issuer(),
        "tenant": own.is_tenant(),
        "state": own.state().as_str(),
        "source": own.source().map(requires_auth::guard::KeySource::as_str),
        "keys": own.keys(),
        "skipped": own.skipped().len(),
        "age": own.age().map(|age| age.as_secs()),
        "next_refresh": own.next_refresh().map(|next| next.as_secs()),
        // Only a short name of the cause: its text may have come from another server.
        "last_error": own.last_error().map(FetchFailure::as_str),
    })
}

fn refused(decisions: &Decisions, refusal: &Refusal, now: SystemTime) -> Value {
    let since_1970 = refusal.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    json!({
        "at": since_1970.as_secs(),
        "ago": now.duration_since(refusal.at).unwrap_or(Duration::ZERO).as_secs(),
        "route": refusal.route.and_then(|place| decisions.route(place)).unwrap_or_default(),
        "shadow": refusal.is_shadow,
        "status": refusal.why.code.status(),
        "code": refusal.why.code.as_str(),
        "reason": refusal.why.reason.map(Reason::as_str),
    })
}
