//! The APIs that a token is asked for: `resource` (RFC 8707 §2).

use super::oauth_error::{ErrorCode, OAuthError};
use super::parameters::{MAX_BYTES, Parameters};

/// How many resources a request may name.
const MAX_RESOURCES: usize = 10;

/// The resources that a request names, in its order.
///
/// # Errors
///
/// `invalid_target` if one is not an absolute URI without a fragment.
pub(super) fn resources(parameters: &Parameters) -> Result<Vec<String>, OAuthError> {
    let resources: Vec<String> = parameters.all("resource").map(str::to_owned).collect();
    if resources.len() > MAX_RESOURCES {
        return Err(OAuthError::new(ErrorCode::InvalidTarget, "a request names ten resources at most"));
    }
    if !resources.iter().all(|resource| is_resource(resource)) {
        let wanted = "a resource is an absolute URI without a fragment, such as https://api.example.com/mcp";
        return Err(OAuthError::new(ErrorCode::InvalidTarget, wanted));
    }
    Ok(resources)
}

/// RFC 3986 §4.3: a scheme, then anything but a fragment.
fn is_resource(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    // What has an authority has a host.
    let has_host =
        rest.strip_prefix("//").is_none_or(|rest| !rest.is_empty() && !rest.starts_with(['/', '?']));
    is_scheme && !rest.is_empty() && rest.bytes().all(is_allowed) && has_host && text.len() <= MAX_BYTES
}

#[cfg(test)]
mod tests {
    use super::is_resource;

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for good in [
            "https://api.example.com",
            "https://api.example.com/mcp?tenant=a",
            "http://127.0.0.1:8000/mcp",
            "urn:example:api",
        ] {
            assert!(is_resource(good), "{good}");
        }
        let long = format!("https://api.example.com/{}", "x".repeat(2048));
        for bad in [
            "",
            "api",
            "/mcp",
            "https:",
            "https://",
            "https:///mcp",
            "https://a.example/#x",
            "https://a.example/#",
            "https://a b.example",
            "1a:b",
            ":b",
            &long,
        ] {
            assert!(!is_resource(bad), "{bad}");
        }
    }
}
