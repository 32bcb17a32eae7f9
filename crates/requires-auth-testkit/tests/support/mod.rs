//! A client without a browser, a proxy and redirects.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod server;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Response, redirect};
use serde_json::Value;

pub(crate) fn client() -> Client {
    Client::builder().redirect(redirect::Policy::none()).no_proxy().build().expect("a client without TLS")
}

pub(crate) async fn get(url: &str) -> Response {
    client().get(url).send().await.expect("the issuer answers")
}

pub(crate) async fn get_json(url: &str) -> Value {
    get(url).await.json().await.expect("JSON")
}

pub(crate) async fn post(url: &str, credentials: Option<(&str, &str)>, form: &[(&str, &str)]) -> Response {
    let mut request = client().post(url).form(form);
    if let Some((id, secret)) = credentials {
        request = request.basic_auth(id, Some(secret));
    }
    request.send().await.expect("the issuer answers")
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("ASCII"))
}

/// A part of a JWT: 0 is the header, 1 the claims.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}
