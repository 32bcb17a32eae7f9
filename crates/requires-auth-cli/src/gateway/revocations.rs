//! `/revocations` on the admin listener: `POST` revokes, and `GET` lists what is revoked. Only operators may.

use std::error::Error;
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use requires_auth::RequiresAuth;
use requires_auth::revocation::Revocation;
use requires_auth::revocations::RevokeError;
use serde_json::json;
use tokio::time::timeout;
use tracing::{info, warn};

use super::operators::Operators;

/// Where it is.
pub(crate) const PATH: &str = "/revocations";

/// An entry has at most this many bytes, with white space around it.
const MOST_BYTES: usize = 16 * 1024;

/// How long the body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Answers a request for the page. `None` where there is none: the guard has no revocations, or nobody may change them.
pub(crate) async fn answer<B>(
    auth: &RequiresAuth,
    operators: &Operators,
    request: Request<B>,
) -> Option<Response<Full<Bytes>>>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let revocations = auth.revocations().filter(|_| operators.are_any())?;
    if let Err(refused) = operators.admit(auth, &request).await {
        warn!(
            status = refused.status().as_u16(),
            "refused: a request for the revocations is not an operator's"
        );
        return Some(refused);
    }
    let answer = match *request.method() {
        Method::POST => match entry(request).await {
            Ok(entry) => revoke(auth.clone(), entry).await,
            Err((status, problem)) => error(status, problem),
        },
        Method::GET | Method::HEAD => {
            let lines: String = revocations.list().iter().map(|entry| entry.to_json() + "\n").collect();
            of(StatusCode::OK, "application/jsonl", lines)
        }
        _ => {
            let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "GET or POST");
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            answer
        }
    };
    Some(answer)
}

/// The entry in a body, which is one object of JSON and says so.
async fn entry<B>(request: Request<B>) -> Result<Revocation, (StatusCode, &'static str)>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "the content type is application/json"));
    }
    let body = Limited::new(request.into_body(), MOST_BYTES);
    let collected = timeout(BODY_TIMEOUT, body.collect()).await;
    let bytes = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "an entry has at most 16 KiB"));
        }
        Ok(Err(_)) => return Err((StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => return Err((StatusCode::REQUEST_TIMEOUT, "the body did not come")),
    };
    let text = str::from_utf8(&bytes).map_err(|_| (StatusCode::BAD_REQUEST, "the body is not UTF-8"))?;
    Revocation::parse(text.trim_ascii()).map_err(|invalid| (StatusCode::BAD_REQUEST, invalid.cause()))
}

/// Revokes, where a disk may be waited for.
async fn revoke(auth: RequiresAuth, entry: Revocation) -> Response<Full<Bytes>> {
    let kind = entry.kind().as_str();
    let revoked = tokio::task::spawn_blocking(move || {
        let revoked = auth.revoke(entry);
        (revoked, auth.revocations().map_or(0, requires_auth::revocations::Revocations::len))
    });
    match revoked.await {
        Ok((Ok(()), entries)) => {
            // Whose tokens they are is not told: a log is read by many.
            info!(by = kind, entries, "revoked");
            of(StatusCode::OK, "application/json", json!({ "entries": entries }).to_string())
        }
        Ok((Err(RevokeError::Invalid(invalid)), _)) => error(StatusCode::BAD_REQUEST, invalid.cause()),
        Ok((Err(failure), _)) => {
            warn!(%failure, "not revoked, or not everywhere");
            let text = match failure {
                RevokeError::Full { .. } => "there is room for no more revocations: raise max_revocations",
                RevokeError::NotShared(_) => {
                    "it is revoked here, and could not be told to the other instances"
                }
                _ => "nothing was revoked, as the file of revocations cannot be written",
            };
            error(StatusCode::SERVICE_UNAVAILABLE, text)
        }
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "nothing is known of it"),
    }
}

fn error(status: StatusCode, problem: &str) -> Response<Full<Bytes>> {
    of(status, "application/json", json!({ "error": problem }).to_string())
}

fn of(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
