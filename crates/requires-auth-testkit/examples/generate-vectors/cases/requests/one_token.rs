//! Rows A08 to A15: exactly one token, and only in the header.

use super::Request;
use crate::case::Finished;

const FORM: &str = "application/x-www-form-urlencoded";

pub fn cases() -> Vec<Finished> {
    let mut cases = two_methods();
    cases.extend(two_headers());
    cases.extend(elsewhere());
    cases
}

fn two_methods() -> Vec<Finished> {
    let both = |id, row, about: &str, url| Request::new(id, row, about).url(url).bearer();
    vec![
        both("header-and-query", "A08", "the same token in header and query", "/items?access_token={token}")
            .invalid_request(),
        both(
            "header-and-query-last",
            "A08",
            "the parameter comes after others",
            "/items?page=2&access_token={token}",
        )
        .invalid_request(),
        both(
            "header-and-query-first",
            "A08",
            "the parameter comes before others",
            "/items?access_token=x&page=2",
        )
        .invalid_request(),
        both("header-and-query-other", "A08", "another token in the query", "/items?access_token=other")
            .invalid_request(),
        both(
            "header-and-query-twice",
            "A12",
            "the parameter twice, beside the header",
            "/items?access_token=a&access_token=b",
        )
        .invalid_request(),
        both(
            "header-and-other-query",
            "A08",
            "other parameters are no token",
            "/items?token=x&xaccess_token=y&access_tokens=z",
        )
        .allow(),
        both(
            "header-and-query-value",
            "A08",
            "access_token as a value is no token",
            "/items?sort=access_token&q=a%26access_token=b",
        )
        .allow(),
        both(
            "header-and-query-case",
            "A08",
            "names of parameters are case-sensitive",
            "/items?Access_Token=x",
        )
        .allow(),
        both("header-and-path", "A08", "access_token in the path is no token", "/items/access_token=x")
            .allow(),
        Request::new("header-and-form", "A10", "bodies are never read: a form beside the header is not seen")
            .method("POST")
            .header("Content-Type", FORM)
            .bearer()
            .allow(),
    ]
}

fn two_headers() -> Vec<Finished> {
    let request = |id, about: &str| Request::new(id, "A09", about);
    vec![
        request("two-headers-same", "the same header twice").bearer().bearer().invalid_request(),
        request("two-headers-other-token", "two tokens in two headers")
            .bearer()
            .authorization("Bearer other")
            .invalid_request(),
        request("two-headers-bad-first", "a bad token first")
            .authorization("Bearer other")
            .bearer()
            .invalid_request(),
        request("two-headers-dpop", "Bearer and DPoP")
            .bearer()
            .authorization("DPoP {token}")
            .invalid_request(),
        request("two-headers-basic", "Basic and Bearer")
            .authorization("Basic YWxpY2U6c2VjcmV0")
            .bearer()
            .invalid_request(),
        request("two-headers-no-bearer", "two headers without a Bearer token")
            .authorization("Basic a")
            .authorization("Digest b")
            .invalid_request(),
        request("two-headers-empty", "a good header and an empty one")
            .bearer()
            .authorization("")
            .invalid_request(),
        request("two-headers-name-case", "two spellings of the name")
            .bearer()
            .header("authorization", "Bearer {token}")
            .invalid_request(),
        request("three-headers", "three headers").bearer().bearer().bearer().invalid_request(),
        request("one-header", "one header").bearer().allow(),
    ]
}

fn elsewhere() -> Vec<Finished> {
    vec![
        Request::new("query-only", "A11", "a token in the query alone counts as none")
            .url("/items?access_token={token}")
            .header_missing(),
        Request::new("query-only-post", "A11", "a token in the query of a POST")
            .method("POST")
            .url("/items?access_token={token}")
            .header_missing(),
        Request::new("query-only-twice", "A12", "two tokens in the query alone")
            .url("/items?access_token={token}&access_token={token}")
            .header_missing(),
        Request::new("query-ignored", "A13", "a token in the query is not even looked at")
            .url("/items?access_token=%22%0d%0a")
            .header_missing(),
        Request::new("form-only", "A10", "a token in a form counts as none")
            .method("POST")
            .header("Content-Type", FORM)
            .header_missing(),
        Request::new("cookie-only", "A15", "a token in a cookie counts as none")
            .header("Cookie", "access_token={token}; session={token}")
            .header_missing(),
        Request::new("cookie-beside-header", "A15", "a cookie beside the header does not matter")
            .header("Cookie", "access_token=other")
            .bearer()
            .allow(),
        Request::new("token-too-large", "A14", "a token of 16385 bytes")
            .token("a".repeat(16385))
            .bearer()
            .invalid_token("too_large"),
        Request::new("token-at-limit", "A14", "a string of 16384 bytes is not too large")
            .token("a".repeat(16384))
            .bearer()
            .invalid_token("opaque"),
    ]
}
