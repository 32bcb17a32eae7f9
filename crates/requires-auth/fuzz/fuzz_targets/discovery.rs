//! A discovery document, against what RFC 8414 and OpenID Connect Discovery say about it.
//!
//! Input: the body of the answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use requires_auth::fuzzing;
use requires_auth_fuzz::safe_url::is_safe;
use requires_auth_fuzz::strict;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

const ISSUER: &str = "https://issuer.example.test/oidc";

/// What matters. In other members, `serde_json` takes more than it can make a `Value` of: `1e400`, half a surrogate.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// The issuer is elsewhere and has https, so its keys have too.
fn is_safe_from_afar(url: &Url) -> bool {
    url.scheme() == "https" && is_safe(url)
}

fuzz_target!(|body: &[u8]| {
    let found = fuzzing::key_set_url(ISSUER, 200, body);
    if let Ok(found) = &found {
        let found = found.as_ref().expect("a 200 gives no reason to ask elsewhere");
        let document: Document = serde_json::from_slice(body).expect("a document that was accepted");
        assert_eq!(document.issuer, ISSUER, "the document of another issuer");
        assert_eq!(*found, Url::parse(&document.jwks_uri).expect("a URL"));
        assert!(is_safe_from_afar(found), "an unsafe URL: {found}");
    } else if let Ok(document) = strict::object(body) {
        let jwks_uri = document.get("jwks_uri").and_then(Value::as_str).and_then(|uri| Url::parse(uri).ok());
        let is_ours = document.get("issuer").is_some_and(|issuer| issuer == ISSUER);
        assert!(
            !is_ours || !jwks_uri.is_some_and(|uri| is_safe_from_afar(&uri)),
            "refused a good document: {found:?}"
        );
    }

    // Only a 200 is read, and only a 4xx sends on to the next place.
    for status in [204, 206, 301, 302, 304, 500, 503] {
        assert!(fuzzing::key_set_url(ISSUER, status, body).is_err(), "{status}");
    }
    for status in [400, 401, 403, 404, 410, 499] {
        assert_eq!(fuzzing::key_set_url(ISSUER, status, body), Ok(None), "{status}");
    }
});
