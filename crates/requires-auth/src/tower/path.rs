//! The path parameters of a request, as the router of axum has found them.

use http::{Extensions, Uri};

use crate::policy::Policy;

/// Names and values, decoded once.
pub(super) type Parameters = Vec<(String, String)>;

/// The path parameters that a policy looks at. Most look at none, and nothing is read for them; and a router that is not
/// axum's says none, so that a rule on one refuses.
pub(super) fn path_parameters(policy: &Policy, extensions: &Extensions, uri: &Uri) -> Parameters {
    if policy.path_parameters().next().is_none() {
        return Parameters::new();
    }
    of_router(extensions, uri)
}

/// The URL that the client has asked for, where a router has cut off what a nested one is mounted at.
#[cfg(feature = "axum")]
pub(super) fn original_uri(extensions: &Extensions) -> Option<&Uri> {
    extensions.get::<::axum::extract::OriginalUri>().map(|original| &original.0)
}

#[cfg(not(feature = "axum"))]
pub(super) const fn original_uri(_: &Extensions) -> Option<&Uri> {
    None
}

#[cfg(not(feature = "axum"))]
fn of_router(_: &Extensions, _: &Uri) -> Parameters {
    Parameters::new()
}

#[cfg(feature = "axum")]
fn of_router(extensions: &Extensions, uri: &Uri) -> Parameters {
    use ::axum::extract::{MatchedPath, OriginalUri};

    let Some(pattern) = extensions.get::<MatchedPath>() else { return Parameters::new() };
    // A nested router sees less of the path than the pattern has.
    let path = extensions.get::<OriginalUri>().map_or(uri, |OriginalUri(original)| original).path();
    of_pattern(pattern.as_str(), path)
}

/// The places of a pattern such as `/orgs/{org}/items` in a path that it matches.
#[cfg(feature = "axum")]
fn of_pattern(pattern: &str, path: &str) -> Parameters {
    let mut rest = path.split('/');
    let mut parameters = Parameters::new();
    for place in pattern.split('/') {
        let Some(segment) = rest.next() else { break };
        let Some(name) = place.strip_prefix('{').and_then(|place| place.strip_suffix('}')) else {
            // The router has matched another path than this one, which something in between has changed.
            if place != segment {
                return Parameters::new();
            }
            continue;
        };
        let value = match name.strip_prefix('*') {
            // All that follows, which is compared if it is one segment.
            Some(_) => std::iter::once(segment).chain(rest.by_ref()).collect::<Vec<_>>().join("/"),
            None => segment.to_owned(),
        };
        let name = name.strip_prefix('*').unwrap_or(name);
        parameters.extend(decoded(&value).map(|value| (name.to_owned(), value)));
    }
    parameters
}

/// A text without its percent-encoding; `None` if that is broken, or hides something else than a text.
#[cfg(feature = "axum")]
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = others;
            continue;
        }
        let [high, low, others @ ..] = others else { return None };
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(*high)? * 16 + digit(*low)?);
        rest = others;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use super::*;

    fn of(pattern: &str, path: &str) -> Vec<(String, String)> {
        of_pattern(pattern, path)
    }

    #[test]
    fn places_are_read_and_decoded_once() {
        let org = |value: &str| vec![("org".to_owned(), value.to_owned())];
        assert_eq!(of("/orgs/{org}/items", "/orgs/acme/items"), org("acme"));
        assert_eq!(of("/orgs/{org}/items", "/orgs/a%20b/items"), org("a b"));
        assert_eq!(of("/orgs/{org}/items", "/orgs/a%252Fb/items"), org("a%2Fb"));
        assert_eq!(of("/orgs/{org}", "/orgs/%c3%a9"), org("\u{e9}"));
        assert_eq!(of("/orgs/{org}", "/orgs/a%2Fb"), org("a/b"));
        for broken in ["/orgs/%ff", "/orgs/%", "/orgs/%4", "/orgs/%zz"] {
            assert_eq!(of("/orgs/{org}", broken), [], "{broken}");
        }
        assert_eq!(of("/{*org}", "/a/b"), org("a/b"));
        assert_eq!(of("/{org}/{id}", "/a/1").len(), 2);
        assert_eq!(of("/plain", "/plain"), []);
        // The path was cut before the router saw it: what stands in the place is not what the handler gets.
        for other in ["/v1/orgs/acme", "/acme/orgs/x", "/orgs/acme/item"] {
            assert_eq!(of("/orgs/{org}/items", other), [], "{other}");
        }
    }
}
