//! From a request to its credential, against RFC 6750 §2 written down once more.
//!
//! Input: the URL in the first line, one `Authorization` header in each line after it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use requires_auth::credential::Credential;
use requires_auth::{Bearer, Request};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|&byte| byte == b'\n');
    let Ok(url) = std::str::from_utf8(lines.next().unwrap_or_default()) else { return };
    let values: Vec<_> = lines.collect();
    let headers: Vec<_> = values.iter().map(|value| ("Authorization", *value)).collect();

    let credential = Credential::from_request(&Request::new("GET", url, &headers));
    let bearer = credential.as_ref().map_err(Clone::clone).and_then(Credential::bearer);
    let found = bearer.as_ref().map(Bearer::token).map_err(|denial| denial.code().as_str());
    assert_eq!(found, expected(url, &values));

    if let Ok(token) = found {
        assert_eq!(Bearer::parse(token).expect("the token again").token(), token);
        let shown = format!("{credential:?} {bearer:?}");
        assert_eq!(shown, "Ok(Credential { scheme: Bearer, .. }) Ok(Bearer(..))", "no token in Debug");
    }
});

/// The token, or the code of the refusal.
fn expected<'a>(url: &str, values: &[&'a [u8]]) -> Result<&'a str, &'static str> {
    const INVALID_FORMAT: &str = "auth.authorization_token_invalid_format";
    let value = match values {
        [] => return Err("auth.authorization_header_missing"),
        [one] => trim(one),
        _ => return Err("invalid_request"),
    };
    let space = value.iter().position(|&byte| byte == b' ').ok_or(INVALID_FORMAT)?;
    let scheme = std::str::from_utf8(&value[..space]).map_err(|_| INVALID_FORMAT)?;
    let is_token = scheme.chars().all(|c| c.is_ascii_graphic() && !"\"(),/:;<=>?@[\\]{}".contains(c));
    if !is_token {
        return Err(INVALID_FORMAT);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("auth.authorization_token_type_not_supported");
    }
    let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    if url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token") {
        return Err("invalid_request");
    }
    let token = std::str::from_utf8(&value[space..]).map_err(|_| INVALID_FORMAT)?.trim_start_matches(' ');
    let body = token.trim_end_matches('=');
    let is_b64token =
        !body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    if is_b64token { Ok(token) } else { Err(INVALID_FORMAT) }
}

/// Without space and tab at both ends.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}
