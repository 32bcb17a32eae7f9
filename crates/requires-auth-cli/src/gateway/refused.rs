//! The answer to a request that may not pass.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use requires_auth::{Denial, ErrorCode, Request, RequiresAuth};

/// An answer to a refused request.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: ErrorCode,
    /// Whether a token of anybody's own making can cause it though it is a 5xx.
    pub(crate) is_undecided: bool,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Refused {
    /// The answer to a request that is refused for this.
    pub(crate) fn of(auth: &RequiresAuth, request: &Request<'_>, denial: &Denial) -> Self {
        let challenge = auth.challenge(request, denial);
        // A status of ours is one; a refusal must not become a 2xx by any accident.
        let status = StatusCode::from_u16(challenge.status()).ok().filter(|status| !status.is_success());
        let mut headers = HeaderMap::new();
        for (name, value) in challenge.headers() {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.append(name, value);
            }
        }
        // The server leaves the body out where the answer is to HEAD.
        let body = challenge.into_body();
        Self {
            code: denial.code(),
            is_undecided: denial.is_undecided(),
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers,
            body,
        }
    }

    /// The answer as HTTP has it.
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
