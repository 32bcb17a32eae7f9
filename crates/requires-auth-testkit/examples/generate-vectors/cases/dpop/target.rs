//! Rows V08, V09, V11 and V12: the method, the URL and the time of the request, and the token.

use requires_auth_testkit::proof::token_hash;
use requires_auth_testkit::{ProofBuilder, ProofDefect};
use serde_json::json;

use super::{ask, bound};
use crate::case::Finished;
use crate::tokens::NOW;

pub fn cases() -> Vec<Finished> {
    let mut cases = methods();
    cases.extend(same_urls());
    cases.extend(other_urls());
    cases.extend(times());
    cases.extend(tokens());
    cases
}

fn methods() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V08", about);
    let htm = |htm: &'static str| move |proof: ProofBuilder| proof.claim("htm", htm);
    vec![
        ask("dpop-htm-get", "the method of the request").proven().allow(),
        ask("dpop-htm-post", "the method of the request").method("POST").proven().allow(),
        ask("dpop-htm-delete", "the method of the request").method("DELETE").proven().allow(),
        ask("dpop-htm-other", "another method").proof(htm("POST")).refused("proof_method"),
        ask("dpop-htm-lower-case", "the method in lower case").proof(htm("get")).refused("proof_method"),
        ask("dpop-htm-mixed-case", "the method in mixed case")
            .method("POST")
            .proof(htm("Post"))
            .refused("proof_method"),
        ask("dpop-htm-of-head", "the method GET for a HEAD")
            .method("HEAD")
            .proof(htm("GET"))
            .refused("proof_method"),
        ask("dpop-htm-space", "a space behind the method").proof(htm("GET ")).refused("proof_method"),
        ask("dpop-htm-empty", "an empty method").proof(htm("")).refused("proof_method"),
        ask("dpop-method-override", "a header that some servers take for the method")
            .header("X-HTTP-Method-Override", "POST")
            .proof(htm("POST"))
            .refused("proof_method"),
    ]
}

fn htu(htu: &'static str) -> impl FnOnce(ProofBuilder) -> ProofBuilder {
    move |proof| proof.claim("htu", htu)
}

fn same_urls() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V09", about);
    vec![
        ask("dpop-htu", "the URL of the request").proven().allow(),
        ask("dpop-htu-query-left-out", "the URL of a request with a query, without it")
            .url("/items?page=2")
            .proven()
            .allow(),
        ask("dpop-htu-host-case", "the host in another case")
            .proof(htu("https://API.Example.TEST/items"))
            .allow(),
        ask("dpop-htu-scheme-case", "the scheme in another case")
            .proof(htu("HTTPS://api.example.test/items"))
            .allow(),
        ask("dpop-htu-default-port", "the port of the scheme")
            .proof(htu("https://api.example.test:443/items"))
            .allow(),
        ask("dpop-htu-dot-segments", "dot segments")
            .proof(htu("https://api.example.test/a/.././items"))
            .allow(),
        ask("dpop-htu-unreserved", "an escape that need not be one")
            .proof(htu("https://api.example.test/%69tems"))
            .allow(),
        ask("dpop-htu-root", "the root, without its slash")
            .url("/")
            .proof(htu("https://api.example.test"))
            .allow(),
        ask("dpop-htu-utf-8", "escapes of UTF-8 in another case")
            .url("/caf%C3%A9")
            .proof(htu("https://api.example.test/caf%c3%a9"))
            .allow(),
        ask("dpop-htu-prefix", "the path before that of the request, which clients see")
            .setting("public_url", "https://api.example.test/v1")
            .proof(htu("https://api.example.test/v1/items"))
            .allow(),
        ask("dpop-htu-prefix-slash", "the path before that of the request, with a slash at its end")
            .setting("public_url", "https://api.example.test/v1/")
            .proof(htu("https://api.example.test/v1/items"))
            .allow(),
        ask("dpop-htu-port", "another port, which clients see")
            .setting("public_url", "https://api.example.test:8443")
            .proof(htu("https://api.example.test:8443/items"))
            .allow(),
        ask("dpop-host-ignored", "the header Host says another host")
            .header("Host", "evil.example.test")
            .proven()
            .allow(),
    ]
}

fn other_urls() -> Vec<Finished> {
    let other = |id, about: &str, url| ask(id, "V09", about).proof(htu(url)).refused("proof_url");
    vec![
        other("dpop-htu-path", "another path", "https://api.example.test/orders"),
        other("dpop-htu-path-case", "the path in another case", "https://api.example.test/Items"),
        other("dpop-htu-slash", "a slash at the end", "https://api.example.test/items/"),
        other("dpop-htu-two-slashes", "two slashes", "https://api.example.test//items"),
        other("dpop-htu-escaped-slash", "an escaped slash", "https://api.example.test%2Fitems"),
        other(
            "dpop-htu-below",
            "an escaped slash and a dot segment",
            "https://api.example.test/a%2F../items",
        ),
        other("dpop-htu-host", "another host", "https://other.example.test/items"),
        other("dpop-htu-host-suffix", "a host that ends so", "https://evil-api.example.test/items"),
        other("dpop-htu-host-dot", "a dot behind the host", "https://api.example.test./items"),
        other("dpop-htu-user", "a user before the host", "https://alice@api.example.test/items"),
        other("dpop-htu-scheme", "another scheme", "http://api.example.test/items"),
        other("dpop-htu-port-other", "another port", "https://api.example.test:8443/items"),
        other("dpop-htu-port-of-http", "the port of http", "https://api.example.test:80/items"),
        other("dpop-htu-query", "a query", "https://api.example.test/items?"),
        other("dpop-htu-fragment", "a fragment", "https://api.example.test/items#"),
        other("dpop-htu-relative", "a path alone", "/items"),
        other("dpop-htu-no-scheme", "a URL without a scheme", "//api.example.test/items"),
        other("dpop-htu-opaque", "a URL without a host", "https:api.example.test/items"),
        other("dpop-htu-empty", "an empty text", ""),
        other("dpop-htu-origin", "the origin alone", "https://api.example.test"),
        other("dpop-htu-space", "a space behind it", "https://api.example.test/items "),
        other("dpop-htu-backslash", "a backslash", "https://api.example.test\\items"),
        other("dpop-htu-escape-broken", "a percent sign alone", "https://api.example.test/items%"),
        other("dpop-htu-not-ascii", "a letter that is not ASCII", "https://api.example.test/it\u{e9}ms"),
        ask("dpop-htu-query-kept", "V09", "the query of the request")
            .url("/items?page=2")
            .proof(htu("https://api.example.test/items?page=2"))
            .refused("proof_url"),
        ask("dpop-htu-prefix-missing", "V09", "the path before that of the request is missing")
            .setting("public_url", "https://api.example.test/v1")
            .proven()
            .refused("proof_url"),
        ask("dpop-host-trusted", "V09", "the host of the header Host")
            .header("Host", "evil.example.test")
            .proof(htu("https://evil.example.test/items"))
            .refused("proof_url"),
        ask(
            "dpop-forwarded-host-trusted",
            "V09",
            "the host of the header X-Forwarded-Host, which anybody may send",
        )
        .header("X-Forwarded-Host", "evil.example.test")
        .proof(htu("https://evil.example.test/items"))
        .refused("proof_url"),
    ]
}

fn times() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V11", about);
    let at = |iat: i64| move |proof: ProofBuilder| proof.claim("iat", iat);
    vec![
        ask("dpop-iat-now", "made now").proven().allow(),
        ask("dpop-iat-60", "made 60 seconds ago").proof(at(NOW - 60)).allow(),
        ask("dpop-iat-61", "made 61 seconds ago").proof(at(NOW - 61)).refused("proof_time"),
        ask("dpop-iat-5-ahead", "5 seconds ahead").proof(at(NOW + 5)).allow(),
        ask("dpop-iat-6-ahead", "6 seconds ahead").proof(at(NOW + 6)).refused("proof_time"),
        ask("dpop-iat-hour-old", "an hour old")
            .proof(|proof| proof.defect(ProofDefect::Stale))
            .refused("proof_time"),
        ask("dpop-iat-hour-ahead", "an hour ahead")
            .proof(|proof| proof.defect(ProofDefect::Future))
            .refused("proof_time"),
        ask("dpop-iat-zero", "1970").proof(at(0)).refused("proof_time"),
        ask("dpop-iat-milliseconds", "a time in milliseconds").proof(at(NOW * 1000)).refused("proof_time"),
        ask("dpop-max-age-300", "made 300 seconds ago where so much is allowed")
            .dpop("max_age", "300s")
            .proof(at(NOW - 300))
            .allow(),
        ask("dpop-max-age-301", "made 301 seconds ago where 300 are allowed")
            .dpop("max_age", "300s")
            .proof(at(NOW - 301))
            .refused("proof_time"),
        ask("dpop-max-age-10", "made 11 seconds ago where 10 are allowed")
            .dpop("max_age", "10s")
            .proof(at(NOW - 11))
            .refused("proof_time"),
        ask("dpop-future-0", "a second ahead where none is allowed")
            .dpop("future", "0s")
            .proof(at(NOW + 1))
            .refused("proof_time"),
        ask("dpop-future-30", "30 seconds ahead where so much is allowed")
            .dpop("future", "30s")
            .proof(at(NOW + 30))
            .allow(),
        ask("dpop-leeway-is-of-tokens", "61 seconds old, and leeway for the times of tokens")
            .with("leeway", 60)
            .proof(at(NOW - 61))
            .refused("proof_time"),
    ]
}

fn tokens() -> Vec<Finished> {
    let ask = |id, about: &str| ask(id, "V12", about);
    let ath = |ath: String| move |proof: ProofBuilder| proof.claim("ath", ath);
    let other = bound().claim("jti", "another").mint();
    vec![
        ask("dpop-ath", "the hash of the token").proven().allow(),
        ask("dpop-ath-other", "the hash of another token of the same key")
            .proof(ath(token_hash(&other)))
            .refused("proof_token"),
        ask("dpop-ath-of-scheme", "the hash of the token with its scheme")
            .proof(ath(token_hash(&format!("DPoP {}", bound().mint()))))
            .refused("proof_token"),
        ask("dpop-ath-of-nothing", "the hash of nothing").proof(ath(token_hash(""))).refused("proof_token"),
        ask("dpop-ath-padding", "padding behind the hash")
            .proof(|proof| proof.claim("ath", format!("{}=", token_hash(&bound().mint()))))
            .malformed(),
        ask("dpop-ath-hex", "the hash in hexadecimal")
            .proof(ath(json!("0".repeat(64)).as_str().unwrap_or_default().to_owned()))
            .malformed(),
    ]
}
