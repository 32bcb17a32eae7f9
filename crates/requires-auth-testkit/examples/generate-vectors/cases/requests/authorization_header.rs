//! Rows A01 to A07 and M01 to M03: the value of one `Authorization` header.

use requires_auth_testkit::Defect;

use super::Request;
use crate::case::Finished;
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = accepted();
    cases.extend(characters());
    cases.extend(absent());
    cases.extend(other_schemes());
    cases.extend(wrong_format());
    cases
}

fn accepted() -> Vec<Finished> {
    let sent = |id, row, about: &str, value: &str| Request::new(id, row, about).authorization(value).allow();
    vec![
        sent("bearer", "A01", "the header as RFC 6750 has it", "Bearer {token}"),
        sent("bearer-lower", "A02", "the scheme in lower case", "bearer {token}"),
        sent("bearer-upper", "A02", "the scheme in upper case", "BEARER {token}"),
        sent("bearer-mixed", "A02", "the scheme in mixed case", "bEaReR {token}"),
        sent("bearer-two-spaces", "A03", "two spaces", "Bearer  {token}"),
        sent("bearer-many-spaces", "A03", "many spaces", "Bearer          {token}"),
        sent(
            "bearer-space-around",
            "A03",
            "spaces and tabs around the value do not belong to it",
            " \tBearer {token}\t ",
        ),
        Request::new("header-name-lower", "A01", "the name of the header in lower case")
            .header("authorization", "Bearer {token}")
            .allow(),
        Request::new("header-name-upper", "A01", "the name of the header in upper case")
            .header("AUTHORIZATION", "Bearer {token}")
            .allow(),
        Request::new("bearer-post", "A01", "a POST").method("POST").bearer().allow(),
        Request::new("bearer-head", "A01", "a HEAD").method("HEAD").bearer().allow(),
        Request::new("subject-reaches-handler", "M05", "the subject of a good token reaches the handler")
            .bearer()
            .allow(),
    ]
}

fn characters() -> Vec<Finished> {
    let refused =
        |id, about: &str, value: &str| Request::new(id, "A04", about).authorization(value).invalid_format();
    let raw = |id, about: &str, value: &[u8]| {
        Request::new(id, "A04", about).raw_header("Authorization", value).invalid_format()
    };
    vec![
        Request::new(
            "token-all-characters",
            "A04",
            "every kind of character that b64token has; no token, but well-formed",
        )
        .authorization("Bearer AZaz09-._~+/==")
        .invalid_token("malformed"),
        refused("token-comma", "a comma", "Bearer {token},x"),
        refused("token-comma-space", "a comma and a space", "Bearer {token}, x"),
        refused("token-quoted", "a quoted token", "Bearer \"{token}\""),
        refused("token-quote-at-end", "a quote", "Bearer {token}\""),
        refused("token-backslash", "a backslash", "Bearer {token}\\"),
        refused("token-semicolon", "a semicolon", "Bearer {token};q=1"),
        refused("token-percent", "a percent-encoded character", "Bearer {token}%20"),
        refused("token-tab", "a tab inside", "Bearer {token}\tx"),
        refused("token-equals-inside", "an equals sign before the end", "Bearer =={token}"),
        refused("token-only-equals", "nothing but padding", "Bearer =="),
        refused("token-angle-brackets", "the angle brackets of a guide", "Bearer <{token}>"),
        refused("token-braces", "JSON", "Bearer {\"token\":1}"),
        refused("token-colon", "a colon", "Bearer a:b"),
        raw("token-latin-1", "a byte that is no UTF-8", b"Bearer \xe9.a.b"),
        raw("token-utf-8", "a letter outside ASCII", "Bearer \u{e9}.a.b".as_bytes()),
        raw("token-high-byte", "the byte 0xff", b"Bearer a.b.\xff"),
    ]
}

fn absent() -> Vec<Finished> {
    vec![
        Request::new("no-header", "A05", "no Authorization header: a bare challenge").header_missing(),
        Request::new("no-header-guide", "M01", "the guide's code for a missing header")
            .header("Accept", "*/*")
            .header_missing(),
        Request::new("no-header-post", "A05", "no Authorization header on a POST")
            .method("POST")
            .header_missing(),
        Request::new("no-header-head", "A05", "no Authorization header on a HEAD")
            .method("HEAD")
            .header_missing(),
        Request::new("proxy-authorization", "A05", "Proxy-Authorization is another header")
            .header("Proxy-Authorization", "Bearer {token}")
            .header_missing(),
        Request::new("x-authorization", "A05", "X-Authorization is another header")
            .header("X-Authorization", "Bearer {token}")
            .header_missing(),
        Request::new("x-access-token", "A05", "X-Access-Token is another header")
            .header("X-Access-Token", "{token}")
            .header_missing(),
    ]
}

fn other_schemes() -> Vec<Finished> {
    let refused = |id, row, about: &str, value: &str| {
        Request::new(id, row, about).authorization(value).scheme_not_supported()
    };
    vec![
        refused("scheme-basic", "A06", "Basic", "Basic YWxpY2U6c2VjcmV0"),
        refused("scheme-basic-guide", "M03", "the guide's code for another scheme", "Basic {token}"),
        refused(
            "scheme-dpop",
            "B10",
            "DPoP, as long as it is not switched on: one bare challenge",
            "DPoP {token}",
        ),
        refused("scheme-digest", "A06", "Digest with parameters", "Digest username=\"alice\", realm=\"x\""),
        refused("scheme-negotiate", "A06", "Negotiate", "Negotiate YIIB"),
        refused("scheme-token", "A06", "the word token", "Token {token}"),
        refused("scheme-bearers", "A06", "a longer word than Bearer", "Bearers {token}"),
        refused("scheme-bear", "A06", "a shorter word than Bearer", "Bear {token}"),
        refused(
            "scheme-odd-characters",
            "A06",
            "a scheme of odd but allowed characters",
            "!#$%&'*+-.^_`|~ {token}",
        ),
        Request::new("scheme-dpop-with-proof", "B10", "DPoP with a proof")
            .authorization("DPoP {token}")
            .header("DPoP", "a.b.c")
            .scheme_not_supported(),
        Request::new(
            "bearer-beside-dpop-header",
            "B10",
            "a Bearer token beside a DPoP header is a Bearer token",
        )
        .bearer()
        .header("DPoP", "a.b.c")
        .allow(),
    ]
}

fn wrong_format() -> Vec<Finished> {
    let refused = |id, row, about: &str, value: &str| {
        Request::new(id, row, about).authorization(value).invalid_format()
    };
    vec![
        refused("format-scheme-only", "A07", "the scheme alone", "Bearer"),
        refused("format-scheme-only-guide", "M02", "the guide's code for other than two parts", "bearer"),
        refused("format-scheme-and-space", "A07", "the scheme and a space", "Bearer "),
        refused("format-scheme-and-spaces", "A07", "the scheme and spaces", "Bearer    "),
        refused("format-empty", "A07", "an empty value", ""),
        refused("format-spaces", "A07", "nothing but spaces", "   "),
        refused("format-token-only", "A07", "a token without a scheme", "{token}"),
        refused("format-basic-only", "A07", "another scheme alone", "Basic"),
        refused("format-three-parts", "A07", "two tokens", "Bearer {token} {token}"),
        refused("format-three-parts-guide", "M02", "three parts", "Bearer {token} x"),
        refused("format-bearer-twice", "A07", "the scheme twice", "Bearer Bearer {token}"),
        refused("format-tab", "A07", "a tab in place of the space", "Bearer\t{token}"),
        refused("format-tab-after-space", "A07", "a space and a tab", "Bearer \t{token}"),
        refused("format-colon", "A07", "a colon after the scheme", "Bearer: {token}"),
        refused("format-equals", "A07", "an equals sign in place of the space", "Bearer={token}"),
        refused("format-parameter", "A07", "the token as a parameter", "Bearer token=\"{token}\""),
        refused("format-scheme-quoted", "A07", "a scheme in quotes", "\"Bearer\" {token}"),
        Request::new("format-scheme-no-token", "A07", "a scheme that is no token of RFC 9110")
            .raw_header("Authorization", b"B\xe9arer a.b.c")
            .invalid_format(),
        Request::new("verification-failure-guide", "M04", "the guide's code for any failed check")
            .token(good(es384()).defect(Defect::SignatureMismatch).mint())
            .bearer()
            .invalid_token("signature_mismatch"),
        Request::new("scope-guide", "M06", "the guide's code for a missing scope")
            .bearer()
            .insufficient_scope("write:items"),
    ]
}
