//! The headers of the request that a question is about.

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use requires_auth::credential::TokenPlace;

use super::question::{Question, Wrong};

/// The headers of a request with this token, at this place.
///
/// # Errors
///
/// What was pasted can stand in no header.
pub(in crate::commands) fn headers(question: &Question, place: &TokenPlace) -> Result<HeaderMap, Wrong> {
    let mut headers = HeaderMap::new();
    let token = &question.token;
    let scheme = if question.proof.is_some() { "DPoP" } else { "Bearer" };
    let (name, value) = match place.parts() {
        ("authorization", _) => (AUTHORIZATION, format!("{scheme} {token}")),
        ("cookie", Some(cookie)) => (COOKIE, format!("{cookie}={token}")),
        _ => {
            (HeaderName::try_from(place.header_name()).map_err(|_| "the place is no header")?, token.clone())
        }
    };
    let mut add = |name: HeaderName, value: &str| {
        let value = HeaderValue::try_from(value).map_err(|_| "what was pasted can stand in no header")?;
        headers.append(name, value);
        Ok::<_, Wrong>(())
    };
    // A cookie counts where no other site has caused the request, which is another question.
    if name == COOKIE {
        add(HeaderName::from_static("sec-fetch-site"), "same-origin")?;
    }
    add(name, &value)?;
    if let Some(proof) = &question.proof {
        add(HeaderName::from_static("dpop"), proof)?;
    }
    Ok(headers)
}
