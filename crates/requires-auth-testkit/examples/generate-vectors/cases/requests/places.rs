//! Rows N01 to N09: tokens in other places than `Authorization`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Request;
use crate::answers;
use crate::case::Finished;
use crate::tokens::{es384, good};

const HEADER: &str = "Cf-Access-Jwt-Assertion";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

pub fn cases() -> Vec<Finished> {
    let mut cases = headers();
    cases.extend(cookies());
    cases.extend(subprotocols());
    cases.extend(one_token());
    cases.extend(cross_site());
    cases.extend(optional());
    cases
}

fn of(places: Value) -> impl Fn(&'static str, &'static str, &str) -> Request {
    move |id, row, about| Request::new(id, row, about).setting("token_from", places.clone())
}

impl Request {
    fn cross_site(self) -> Finished {
        self.deny(&answers::cross_site())
    }
}

fn headers() -> Vec<Finished> {
    let request = of(json!([{ "header": HEADER }]));
    vec![
        request("place-header", "N01", "the token alone in a header").header(HEADER, "{token}").allow(),
        request("place-header-bearer", "N01", "the token after its scheme")
            .header(HEADER, "bearer {token}")
            .allow(),
        request("place-header-case", "N01", "names of headers have no case")
            .header("cf-access-jwt-assertion", "{token}")
            .allow(),
        request("place-header-not-authorization", "N01", "Authorization is not among the places")
            .bearer()
            .header_missing(),
        request("place-header-beside-authorization", "N01", "what is in Authorization counts for nothing")
            .authorization("Bearer other")
            .header(HEADER, "{token}")
            .allow(),
        request("place-header-other", "N01", "another header").header("X-Token", "{token}").header_missing(),
        request("place-header-scheme", "N01", "another scheme in the header")
            .header(HEADER, "Basic dTpw")
            .invalid_format(),
        request("place-header-empty", "N01", "an empty header is not an absent one")
            .header(HEADER, "")
            .invalid_format(),
        request("place-header-twice", "N05", "two lines of the header")
            .header(HEADER, "{token}")
            .header(HEADER, "{token}")
            .invalid_request(),
        request("place-header-scope", "N01", "a token without the scope")
            .header(HEADER, "{token}")
            .insufficient_scope("read"),
        Request::new("place-default", "N01", "without the setting no other header is read")
            .header(HEADER, "{token}")
            .header_missing(),
    ]
}

fn cookies() -> Vec<Finished> {
    let request = of(json!(["authorization", { "cookie": "__Host-token" }]));
    vec![
        request("place-cookie", "N02", "the token in a cookie")
            .header("Cookie", "a=b; __Host-token={token}; c=d")
            .allow(),
        request("place-cookie-or-header", "N02", "the other place still counts").bearer().allow(),
        request("place-cookie-other", "N02", "a cookie of another name")
            .header("Cookie", "token={token}; __host-token={token}")
            .header_missing(),
        request("place-cookie-quoted", "N02", "quotes are no part of a token")
            .header("Cookie", "__Host-token=\"{token}\"")
            .invalid_format(),
        request("place-cookie-empty", "N02", "an empty cookie is not an absent one")
            .header("Cookie", "__Host-token=")
            .invalid_format(),
        request("place-cookie-twice", "N05", "two cookies of the name")
            .header("Cookie", "__Host-token={token}; __Host-token={token}")
            .invalid_request(),
    ]
}

fn subprotocols() -> Vec<Finished> {
    let after = of(json!([{ "subprotocol": { "after": "bearer" } }]));
    let prefix = of(json!([{ "subprotocol": { "prefix": PREFIX } }]));
    let plain = of(json!([{ "subprotocol": { "prefix": "token." } }]));
    let token = good(es384()).mint();
    let encoded = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token));
    vec![
        after("place-protocol-after", "N03", "the subprotocol after bearer")
            .header(PROTOCOL, "chat, bearer, {token}, v2")
            .allow(),
        after("place-protocol-after-case", "N03", "subprotocols have a case")
            .header(PROTOCOL, "Bearer, {token}")
            .header_missing(),
        after("place-protocol-after-nothing", "N03", "nothing follows")
            .header(PROTOCOL, "chat, bearer")
            .invalid_format(),
        after("place-protocol-after-twice", "N05", "two announcements")
            .header(PROTOCOL, "bearer, {token}, bearer, {token}")
            .invalid_request(),
        // The placeholder is the whole subprotocol: a token that is encoded.
        prefix("place-protocol-prefix", "N04", "a subprotocol that holds the token in base64url")
            .token(encoded.clone())
            .header(PROTOCOL, "chat, {token}")
            .allow(),
        prefix("place-protocol-prefix-plain", "N04", "the token as it is, where it has to be encoded")
            .token(format!("{PREFIX}{}", good(es384()).mint()))
            .header(PROTOCOL, "{token}")
            .invalid_format(),
        prefix("place-protocol-prefix-other", "N04", "another prefix")
            .token(encoded.trim_start_matches("base64url."))
            .header(PROTOCOL, "{token}")
            .header_missing(),
        prefix("place-protocol-prefix-twice", "N05", "two subprotocols that hold it")
            .token(encoded)
            .header(PROTOCOL, "{token}, {token}")
            .invalid_request(),
        plain("place-protocol-prefix-own", "N04", "after another prefix the token is as it is")
            .header(PROTOCOL, "token.{token}")
            .allow(),
    ]
}

fn one_token() -> Vec<Finished> {
    let all = of(
        json!(["authorization", { "header": HEADER }, { "cookie": "token" }, { "subprotocol": { "after": "bearer" } }]),
    );
    vec![
        all("place-same-token", "N05", "the same token in every place")
            .bearer()
            .header(HEADER, "{token}")
            .header("Cookie", "token={token}")
            .header(PROTOCOL, "bearer, {token}")
            .allow(),
        all("place-two-tokens", "N05", "two tokens in two places")
            .bearer()
            .header(HEADER, "other")
            .invalid_request(),
        all("place-two-tokens-cookie", "N05", "another token in the cookie")
            .header(HEADER, "{token}")
            .header("Cookie", "token=other")
            .invalid_request(),
        all("place-and-query", "N06", "a token in the query beside a place")
            .url("/items?access_token={token}")
            .header(HEADER, "{token}")
            .invalid_request(),
        all("place-and-query-cookie", "N06", "a token in the query beside a cookie")
            .url("/items?access_token=other")
            .header("Cookie", "token={token}")
            .invalid_request(),
        all("place-query-alone", "N06", "the query is never a place")
            .url("/items?access_token={token}")
            .header_missing(),
        all("place-other-query", "N06", "another parameter is no token")
            .url("/items?token=x")
            .header(HEADER, "{token}")
            .allow(),
        all("place-basic-beside", "N05", "another scheme beside a token carries none")
            .authorization("Basic dTpw")
            .header(HEADER, "{token}")
            .allow(),
        all("place-basic-alone", "A06", "another scheme, and no token in any place")
            .authorization("Basic dTpw")
            .scheme_not_supported(),
        all("place-malformed-beside", "N05", "what is not a token beside one is not skipped")
            .authorization("Bearer")
            .header(HEADER, "{token}")
            .invalid_format(),
    ]
}

fn cross_site() -> Vec<Finished> {
    let of_cookie = of(json!([{ "cookie": "token" }]));
    let request = |id, row, about: &str| of_cookie(id, row, about).header("Cookie", "token={token}");
    let post = |id, about: &str| request(id, "N07", about).method("POST");
    let named = |id, about: &str, origin: &str| {
        post(id, about)
            .setting("cookie_origins", json!(["https://app.example.test"]))
            .header("Origin", origin)
    };
    let public = |id, about: &str, origin: &str| {
        post(id, about).setting("public_url", "https://api.example.test/v1").header("Origin", origin)
    };
    vec![
        request("cookie-get", "N07", "a GET changes nothing").header("Sec-Fetch-Site", "cross-site").allow(),
        request("cookie-head", "N07", "nor does a HEAD").method("HEAD").allow(),
        request("cookie-options", "N07", "nor does an OPTIONS").method("OPTIONS").allow(),
        request("cookie-put", "N07", "a PUT").method("PUT").cross_site(),
        post("cookie-post", "a POST that does not say where it comes from").cross_site(),
        post("cookie-post-same-origin", "a POST of a page of this origin")
            .header("Sec-Fetch-Site", "same-origin")
            .allow(),
        post("cookie-post-same-site", "a page of the same site is another one")
            .header("Sec-Fetch-Site", "same-site")
            .cross_site(),
        post("cookie-post-cross-site", "a POST of another site")
            .header("Sec-Fetch-Site", "cross-site")
            .cross_site(),
        request("cookie-delete", "N07", "a DELETE").method("DELETE").cross_site(),
        named("cookie-origin", "an origin that is named", "https://app.example.test").allow(),
        named("cookie-origin-other", "an origin that is not", "https://app.example.test.evil.example")
            .cross_site(),
        named("cookie-origin-null", "no origin", "null").cross_site(),
        named("cookie-origin-twice", "two origins", "https://app.example.test")
            .header("Origin", "https://app.example.test")
            .cross_site(),
        public("cookie-public-url", "the origin of the public URL", "https://api.example.test").allow(),
        public("cookie-public-url-other", "another one", "https://app.example.test").cross_site(),
        request("cookie-websocket", "N08", "a WebSocket of a page that is not known")
            .header("Sec-WebSocket-Version", "13")
            .cross_site(),
        request("cookie-websocket-same-origin", "N08", "a WebSocket of a page of this origin")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-Fetch-Site", "same-origin")
            .allow(),
        request("cookie-websocket-origin", "N08", "a WebSocket of a page of an origin that is named")
            .setting("cookie_origins", json!(["https://app.example.test"]))
            .header("Sec-WebSocket-Version", "13")
            .header("Origin", "https://app.example.test")
            .allow(),
    ]
}

fn optional() -> Vec<Finished> {
    let all = of(json!(["authorization", { "header": HEADER }, { "cookie": "token" }]));
    let request = |id, about: &str| all(id, "N09", about).optional();
    vec![
        request("place-optional-none", "no token in any place").header("Cookie", "a=b").anonymous(),
        request("place-optional-basic", "another scheme").authorization("Basic dTpw").anonymous(),
        request("place-optional-token", "a good token in one of them")
            .header("Cookie", "token={token}")
            .allow(),
        request("place-optional-bad", "a bad token is not none")
            .header(HEADER, "a.b.c")
            .invalid_token("malformed"),
        request("place-optional-malformed", "nor is what is not a token")
            .header(HEADER, "a b")
            .invalid_format(),
        request("place-optional-cross-site", "nor a cookie of another site")
            .method("POST")
            .header("Cookie", "token={token}")
            .cross_site(),
    ]
}
