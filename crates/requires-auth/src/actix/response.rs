//! What the guard says, as responses of actix-web.

use std::fmt;

use actix_web::error::Error;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

use super::request::view;
use crate::challenge::Challenge;
use crate::error::Denial;
use crate::guard::RequiresAuth;
use actix_web::dev::RequestHead;

/// What the answer to an allowed request is to carry.
pub(super) type Added = Vec<(&'static str, String)>;

/// The answer to a refused request, with the denial in its extensions. To `HEAD` the server sends its length alone.
pub(super) fn refusal(auth: &RequiresAuth, head: &RequestHead, denial: Denial) -> HttpResponse {
    response(auth.challenge(&view(head), &denial), denial)
}

/// A challenge as a response, with the denial in its extensions.
pub(super) fn response(challenge: Challenge, denial: Denial) -> HttpResponse {
    let mut response = HttpResponse::new(status(challenge.status()));
    append(response.headers_mut(), challenge.headers());
    let mut response = response.set_body(challenge.into_body()).map_into_boxed_body();
    response.extensions_mut().insert(denial);
    response
}

/// The answer to a request for the document of the guard's resource; `None` for any other request.
pub(super) fn metadata(auth: &RequiresAuth, head: &RequestHead) -> Option<HttpResponse> {
    auth.resource()?;
    let answer = auth.metadata(&view(head))?;
    let mut response = HttpResponse::new(status(answer.status()));
    // The server writes the length of what it sends itself, and for HEAD that of the answer to a GET.
    append(response.headers_mut(), answer.headers());
    Some(response.set_body(answer.into_body()).map_into_boxed_body())
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds the headers of an admission to the answer of an application: `cache-control` where it has none.
pub(super) fn append_to_answer(headers: &mut HeaderMap, added: &Added) {
    let is_own = headers.contains_key(CACHE_CONTROL);
    let added = added.iter().map(|(name, value)| (*name, value.as_str()));
    append(headers, added.filter(|(name, _)| !is_own || *name != CACHE_CONTROL.as_str()));
}

/// Adds headers, so that a name may come more than once.
///
/// A value that no header can hold is left out: only the media type of a custom body may be one.
fn append<'a>(headers: &mut HeaderMap, added: impl Iterator<Item = (&'static str, &'a str)>) {
    for (name, value) in added {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
}

/// An error of a middleware behind the guard, whose answer carries the headers of the admission, too.
pub(super) struct Failed {
    error: Error,
    added: Added,
}

impl Failed {
    /// The error as it is, unless its answer is to carry something.
    pub(super) fn of(error: Error, added: Added) -> Error {
        if added.is_empty() { error } else { Self { error, added }.into() }
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Failed {
    fn status_code(&self) -> StatusCode {
        self.error.as_response_error().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.error.error_response();
        append_to_answer(response.headers_mut(), &self.added);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_control_of_the_application_stays() {
        let added = vec![("cache-control", "private".to_owned()), ("dpop-nonce", "one".to_owned())];
        let mut headers = HeaderMap::new();
        append_to_answer(&mut headers, &added);
        assert_eq!(headers.get("cache-control"), Some(&HeaderValue::from_static("private")));
        let own = HeaderValue::from_static("max-age=60");
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, own.clone());
        append_to_answer(&mut headers, &added);
        assert_eq!(headers.get_all(CACHE_CONTROL).collect::<Vec<_>>(), [&own]);
        assert_eq!(headers.get("dpop-nonce"), Some(&HeaderValue::from_static("one")));
    }

    #[test]
    fn a_value_that_would_split_the_response_is_left_out() {
        let mut headers = HeaderMap::new();
        append(&mut headers, [("content-type", "text/plain\r\nset-cookie: a=b")].into_iter());
        assert!(headers.is_empty());
    }

    #[test]
    fn an_error_behind_the_guard_carries_the_headers_of_the_admission() {
        let error = || actix_web::error::ErrorConflict("taken");
        let failed = Failed::of(error(), vec![("dpop-nonce", "one".to_owned())]);
        let response = failed.error_response();
        assert_eq!((response.status().as_u16(), failed.to_string().as_str()), (409, "taken"));
        assert_eq!(response.headers().get("dpop-nonce"), Some(&HeaderValue::from_static("one")));
        let plain = Failed::of(error(), Added::new());
        assert!(
            plain.as_error::<Failed>().is_none()
                && plain.error_response().headers().get("dpop-nonce").is_none()
        );
    }
}
