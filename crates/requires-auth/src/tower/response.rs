//! A refusal as a response of the `http` crate.

use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::path::original_uri;
use super::request::view;
use crate::challenge::Challenge;
use crate::error::Denial;
use crate::guard::RequiresAuth;
use crate::metadata::MetadataAnswer;
use crate::request::Request;

/// The answer to a refused request, with the denial in its extensions. `HEAD` gets no body.
pub(crate) fn refusal<R: From<Vec<u8>>>(
    auth: &RequiresAuth,
    request: &Request<'_>,
    denial: Denial,
) -> Response<R> {
    let challenge = auth.challenge(request, &denial);
    let is_head = request.method() == "HEAD";
    let length = challenge.body().len();
    let mut response = response(challenge, denial);
    if is_head {
        // RFC 9110 §8.6: the length is that of the answer to a GET.
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        *response.body_mut() = Vec::new().into();
    }
    response
}

/// The answer to a request for the document of the guard's resource; `None` for any other request.
pub(crate) fn metadata<R: From<Vec<u8>>, B>(
    auth: &RequiresAuth,
    request: &http::Request<B>,
) -> Option<Response<R>> {
    auth.resource()?;
    let uri = original_uri(request.extensions()).unwrap_or(request.uri());
    let answer = auth.metadata(&view(request.method(), uri, request.headers()))?;
    Some(metadata_response(answer))
}

/// The answer to a request for a document, as a response.
fn metadata_response<R: From<Vec<u8>>>(answer: MetadataAnswer) -> Response<R> {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::new();
    append(&mut headers, answer.headers());
    let mut response = Response::new(answer.into_body().into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A challenge as a response, with the denial in its extensions.
pub(crate) fn response<R: From<Vec<u8>>>(challenge: Challenge, denial: Denial) -> Response<R> {
    let status = StatusCode::from_u16(challenge.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::new();
    append(&mut headers, challenge.headers());
    let mut response = Response::new(challenge.into_body().into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(denial);
    response
}

/// Adds headers, so that a name may come more than once.
///
/// A value that no header can hold is left out: only the media type of a custom body may be one.
/// Adds the headers of an admission to the answer of an application: `cache-control` where it has none.
pub(super) fn append_to_answer<'a>(
    headers: &mut HeaderMap,
    added: impl Iterator<Item = (&'static str, &'a str)>,
) {
    let is_own = headers.contains_key(CACHE_CONTROL);
    append(headers, added.filter(|(name, _)| !is_own || *name != CACHE_CONTROL));
}

fn append<'a>(headers: &mut HeaderMap, added: impl Iterator<Item = (&'static str, &'a str)>) {
    for (name, value) in added {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_may_come_twice_and_what_was_there_stays() {
        let mut headers = HeaderMap::from_iter([(http::header::VARY, HeaderValue::from_static("origin"))]);
        let added =
            [("www-authenticate", "Bearer"), ("www-authenticate", "DPoP algs=\"ES256\""), ("vary", "dpop")];
        append(&mut headers, added.into_iter());
        let challenges: Vec<_> = headers.get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, ["Bearer", "DPoP algs=\"ES256\""]);
        assert_eq!(headers.get_all("vary").iter().count(), 2);
    }

    #[test]
    fn a_cache_control_of_the_application_stays() {
        let private = || [("cache-control", "private"), ("dpop-nonce", "one")].into_iter();
        let mut headers = HeaderMap::new();
        append_to_answer(&mut headers, private());
        assert_eq!(headers["cache-control"], "private");
        let own = HeaderValue::from_static("max-age=60");
        let mut headers = HeaderMap::from_iter([(CACHE_CONTROL, own)]);
        append_to_answer(&mut headers, private());
        assert_eq!(headers.get_all(CACHE_CONTROL).iter().collect::<Vec<_>>(), ["max-age=60"]);
        assert_eq!(headers["dpop-nonce"], "one");
    }

    #[test]
    fn a_value_that_would_split_the_response_is_left_out() {
        let mut headers = HeaderMap::new();
        append(&mut headers, [("content-type", "text/plain\r\nset-cookie: a=b")].into_iter());
        assert!(headers.is_empty());
    }
}
