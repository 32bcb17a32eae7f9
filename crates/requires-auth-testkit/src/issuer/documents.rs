//! The key set and the front page.
//!
//! The key set has an `ETag`, so that a guard that asks again for keys that have not changed gets 304 and no body. The front page
//! says in plain text what the issuer is for, and which requests bring a token.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Extension;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::knobs::Lie;
use super::state::Shared;

/// `GET {issuer}/jwks`, with an entity tag, so that a client need not read an unchanged set again.
pub(super) async fn jwks(State(state): State<Shared>, lie: Extension<Lie>, headers: HeaderMap) -> Response {
    let mut set = state.ring().jwk_set();
    lie.bend(&mut set);
    let body = set.to_string();
    let tag = entity_tag(&body);
    let mut response = if names_tag(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/jwk-set+json")], body).into_response()
    };
    let cache_control = state.knobs.cache_control().and_then(|value| HeaderValue::try_from(value).ok());
    response.headers_mut().extend(cache_control.map(|value| (CACHE_CONTROL, value)));
    response.headers_mut().extend(HeaderValue::try_from(tag).ok().map(|tag| (ETAG, tag)));
    response
}

/// A strong entity tag of the content.
fn entity_tag(body: &str) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, body.as_bytes())))
}

/// Whether `If-None-Match` names the tag, by the weak comparison of RFC 9110 §13.1.2.
fn names_tag(headers: &HeaderMap, tag: &str) -> bool {
    let names = |value: &str| {
        value.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    };
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(names)
}

/// `GET /` and `GET {issuer}`: what this server is, with lines to try.
pub(super) async fn front_page(State(state): State<Shared>) -> String {
    let urls = &state.urls;
    format!(
        "\
This is the development issuer of requires-auth: it gives a token to everyone who asks.
Use it to test an API on this machine, never to protect one.

issuer    {issuer}
audience  {audience}

A token in one line; sub, scope, aud, client_id, claim, lifetime, opaque and defect are optional:
  curl '{token}?scope=read:items&sub=alice'
A token with a claim of your own, which lives for a minute:
  curl '{token}?claim=plan=pro&lifetime=60'
A token that an API has to refuse:
  curl '{token}?defect=expired'
A token as machines ask for it:
  curl -u my-client:my-secret -d grant_type=client_credentials -d scope=read:items {token}
A login, as applications and MCP clients do it; every login is granted, to login_hint or alice:
  curl -H 'Content-Type: application/json' -d '{{\"redirect_uris\": [\"http://127.0.0.1/callback\"]}}' {registration}
  {authorize}?response_type=code&client_id=...&code_challenge=...&code_challenge_method=S256
An opaque token, which says nothing by itself:
  curl '{token}?opaque=true&scope=read:items'
What the issuer knows about a token it minted:
  curl -u my-client:my-secret -d token=... {introspection}
The end of a token, before its time:
  curl -u my-client:my-secret -d token=... {revocation}
A new signing key; the previous one stays published until the next rotation:
  curl -X POST {rotate}
Metadata and keys:
  curl {discovery}
  curl {oauth_metadata}
  curl {jwks}
",
        issuer = urls.issuer,
        audience = state.settings.audience,
        token = urls.token,
        registration = urls.registration,
        authorize = urls.authorization,
        introspection = urls.introspection,
        revocation = urls.revocation,
        rotate = urls.rotate,
        discovery = urls.discovery,
        oauth_metadata = urls.oauth_metadata,
        jwks = urls.jwks,
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::http::header::IF_NONE_MATCH;

    use super::{entity_tag, names_tag};

    #[test]
    fn the_tag_follows_the_content() {
        assert_eq!(entity_tag("a"), entity_tag("a"));
        assert_ne!(entity_tag("a"), entity_tag("b"));
    }

    #[test]
    fn a_tag_is_found_alone_in_a_list_and_weak() {
        for (value, named) in [
            ("\"t\"", true),
            ("W/\"t\"", true),
            ("\"u\", \"t\"", true),
            ("*", true),
            ("\"u\"", false),
            ("t", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, value.parse().expect("a header value"));
            assert_eq!(names_tag(&headers, "\"t\""), named, "{value}");
        }
        assert!(!names_tag(&HeaderMap::new(), "\"t\""));
    }
}
