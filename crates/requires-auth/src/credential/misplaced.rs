//! A token in a place that is not read: what to say to whoever wonders why there is none.

use super::{Places, Scheme, first_space, has_query_token, trim_whitespace};
use crate::request::{HeaderValues, Request};

/// Headers in which proxies and clients send tokens, each with what to say of it. Nothing of the request is in that.
const HEADERS: [(&str, &str); 8] = [
    (
        "cf-access-jwt-assertion",
        "a token is in the header Cf-Access-Jwt-Assertion, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-goog-iap-jwt-assertion",
        "a token is in the header X-Goog-Iap-Jwt-Assertion, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-forwarded-access-token",
        "a token is in the header X-Forwarded-Access-Token, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-auth-request-access-token",
        "a token is in the header X-Auth-Request-Access-Token, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-amzn-oidc-accesstoken",
        "a token is in the header X-Amzn-Oidc-Accesstoken, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-ms-token-aad-access-token",
        "a token is in the header X-Ms-Token-Aad-Access-Token, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-access-token",
        "a token is in the header X-Access-Token, which this guard does not read: add it to `token_from`",
    ),
    (
        "x-auth-token",
        "a token is in the header X-Auth-Token, which this guard does not read: add it to `token_from`",
    ),
];

const AUTHORIZATION: &str = "a token is in the header Authorization, which this guard does not read: add \"authorization\" to `token_from`";
const COOKIE: &str = "a token is in a cookie that this guard does not read: name the cookie in `token_from`";
const SUBPROTOCOL: &str = "a token is in a subprotocol of the WebSocket, where this guard does not look: add the subprotocol to `token_from`";
const QUERY: &str = "a token is in the query, which is never read, as it ends up in logs: send it as `Authorization: Bearer <access token>`";

/// What to say of a request in which no token was found, if there is one in a place that is not read.
pub(crate) fn misplaced(request: &Request<'_>, places: Option<&Places>) -> Option<&'static str> {
    let is_read = |name: &str| match places {
        Some(places) => places.list().iter().any(|place| place.header_name() == name),
        None => name == "authorization",
    };
    let in_header = |name: &str, holds: fn(&[u8]) -> bool| matches!(request.header(name), HeaderValues::One(value) if holds(value));
    if !is_read("authorization") && in_header("authorization", is_bearer) {
        return Some(AUTHORIZATION);
    }
    let header =
        HEADERS.iter().find(|(name, _)| !is_read(name) && in_header(name, |value| !value.is_empty()));
    if let Some((_, hint)) = header {
        return Some(hint);
    }
    // In these other values may be read, and only what looks like a token is worth a word.
    let has_jwt = |name: &str| in_header(name, holds_jwt);
    let in_list = [("cookie", COOKIE), ("sec-websocket-protocol", SUBPROTOCOL)];
    let found = in_list.into_iter().find(|(name, _)| has_jwt(name)).map(|(_, hint)| hint);
    found.or_else(|| has_query_token(request.query()).then_some(QUERY))
}

fn is_bearer(value: &[u8]) -> bool {
    let value = trim_whitespace(value);
    first_space(value).is_some_and(|space| Scheme::from_name(&value[..space]) == Some(Scheme::Bearer))
}

/// Whether a part of a list looks like a JWT: `eyJ` is how base64url of a JSON object begins.
fn holds_jwt(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| b";,= ".contains(byte));
    parts.any(|part| part.starts_with(b"eyJ") && memchr::memchr_iter(b'.', part).count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(read: &[&str], url: &str, headers: &[(&str, &str)]) -> Option<&'static str> {
        let list = read.iter().map(|text| text.parse().expect("a place")).collect();
        let places = (!read.is_empty()).then(|| Places::new(list, Vec::new()));
        let headers = headers.to_vec();
        misplaced(&Request::new("GET", url, &headers), places.as_ref())
    }

    #[test]
    fn a_token_that_is_not_read_is_told() {
        let assertion = [("Cf-Access-Jwt-Assertion", "a.b.c")];
        assert!(hint(&[], "/", &assertion).is_some_and(|hint| hint.contains("Cf-Access-Jwt-Assertion")));
        assert_eq!(hint(&["header=Cf-Access-Jwt-Assertion"], "/", &assertion), None);
        let bearer = [("authorization", "Bearer a.b.c")];
        assert_eq!(hint(&["cookie=a"], "/", &bearer), Some(AUTHORIZATION));
        assert_eq!(hint(&["cookie=a"], "/", &[("authorization", "Basic dTpw")]), None);
        assert_eq!(hint(&[], "/", &[("cookie", "a=b; session=eyJhbGciOi.e30.x")]), Some(COOKIE));
        assert_eq!(hint(&[], "/", &[("cookie", "a=b; session=eyJhbGciOi")]), None);
        assert_eq!(
            hint(&[], "/", &[("sec-websocket-protocol", "bearer, eyJhbGciOi.e30.x")]),
            Some(SUBPROTOCOL)
        );
        assert_eq!(hint(&[], "/?access_token=x", &[]), Some(QUERY));
        assert_eq!(hint(&[], "/", &[]), None);
    }

    #[test]
    fn every_hint_names_its_header_and_nothing_of_a_request() {
        for (name, hint) in HEADERS {
            assert!(hint.to_ascii_lowercase().contains(name), "{hint}");
        }
    }
}
