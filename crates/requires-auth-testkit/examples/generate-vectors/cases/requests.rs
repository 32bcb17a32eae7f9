//! Whole requests.

mod answers_given;
mod authorization_header;
pub mod certificates;
pub mod fapi;
mod one_token;
pub mod paths;
pub mod places;
pub mod resource;

use serde_json::{Map, Value, json};

use crate::answers;
use crate::case::{Finished, base_config, put_below};
use crate::key_sets::KeySet;
use crate::tokens::{es384, good};

pub fn cases() -> Vec<Finished> {
    let mut cases = authorization_header::cases();
    cases.extend(one_token::cases());
    cases.extend(answers_given::cases());
    cases
}

/// A request in the making: `GET /items` with a good token at hand, but not sent.
#[must_use]
pub struct Request {
    id: &'static str,
    row: &'static str,
    about: String,
    method: &'static str,
    url: &'static str,
    route: Option<&'static str>,
    pub headers: Vec<Value>,
    config: Map<String, Value>,
    key_set: Option<KeySet>,
    token: String,
}

impl Request {
    pub fn new(id: &'static str, row: &'static str, about: impl Into<String>) -> Self {
        Self {
            id,
            row,
            about: about.into(),
            method: "GET",
            url: "/items",
            route: None,
            headers: Vec::new(),
            config: base_config(),
            key_set: Some(KeySet::es384()),
            token: good(es384()).mint(),
        }
    }

    /// What the guard knows of its issuer.
    pub fn keys(mut self, key_set: KeySet) -> Self {
        self.key_set = Some(key_set);
        self
    }

    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub fn url(mut self, url: &'static str) -> Self {
        self.url = url;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(json!([name, value]));
        self
    }

    /// A header whose value is no UTF-8.
    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        use base64::Engine;
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        self.headers.push(json!([name, { "base64": value }]));
        self
    }

    fn authorization(self, value: &str) -> Self {
        self.header("Authorization", value)
    }

    pub fn bearer(self) -> Self {
        self.authorization("Bearer {token}")
    }

    /// What `{token}` stands for.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.config.insert(name.to_owned(), value.into());
        self
    }

    /// Chooses a setting by its key in the settings table.
    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        put_below(&mut self.config, "settings", key, value.into());
        self
    }

    /// The path of its route, with places: `/orgs/{org}/items`.
    fn route(mut self, route: &'static str) -> Self {
        self.route = Some(route);
        self
    }

    /// Needs the claim at a dotted path to be this, as a route of the gateway writes it.
    fn claim(mut self, path: &str, rule: impl Into<Value>) -> Self {
        put_below(&mut self.config, "claims", path, rule.into());
        self
    }

    fn without_headers(mut self) -> Self {
        self.headers.clear();
        self
    }

    fn access_denied(self) -> Finished {
        self.deny(&answers::access_denied())
    }

    fn optional(self) -> Self {
        self.with("optional", true)
    }

    /// No key of the issuer has ever been fetched, and it is out of reach.
    pub fn out_of_reach(mut self) -> Self {
        self.key_set = None;
        self
    }

    pub fn allow(self) -> Finished {
        self.finish(&json!({ "outcome": "allow" }))
    }

    fn anonymous(self) -> Finished {
        self.finish(&json!({ "outcome": "anonymous" }))
    }

    fn preflight(self) -> Finished {
        self.finish(&json!({ "outcome": "preflight" }))
    }

    fn header_missing(self) -> Finished {
        self.deny(&answers::no_credentials("auth.authorization_header_missing"))
    }

    fn scheme_not_supported(self) -> Finished {
        self.deny(&answers::no_credentials("auth.authorization_token_type_not_supported"))
    }

    fn invalid_format(self) -> Finished {
        self.deny(&answers::invalid_format())
    }

    fn invalid_request(self) -> Finished {
        self.deny(&answers::invalid_request())
    }

    fn invalid_token(self, reason: &str) -> Finished {
        self.deny(&answers::invalid_token(reason))
    }

    fn insufficient_scope(self, needed: &str) -> Finished {
        let scopes: Vec<&str> = needed.split(' ').collect();
        self.with("scope", scopes).deny(&answers::insufficient_scope(needed))
    }

    pub fn deny(self, answer: &Value) -> Finished {
        let mut headers = Map::new();
        if answer["status"].as_u64() < Some(500) {
            headers.insert("Cache-Control".to_owned(), json!("no-store"));
        }
        if self.headers.iter().any(|header| header[0] == "Origin") {
            headers.insert("Access-Control-Expose-Headers".to_owned(), json!("WWW-Authenticate"));
        }
        let expect = json!({
            "outcome": "deny",
            "status": answer["status"],
            "code": answer["code"],
            "reason": answer["reason"],
            "challenge": answer["challenge"],
            "headers": headers,
        });
        self.finish(&expect)
    }

    fn finish(self, expect: &Value) -> Finished {
        let mut json = json!({
            "id": self.id,
            "row": self.row,
            "about": self.about,
            "request": { "method": self.method, "url": self.url, "headers": self.headers },
            "config": self.config,
            "jwks": self.key_set.as_ref().map(|key_set| &key_set.name),
            "expect": expect,
        });
        if let Some(route) = self.route {
            json["request"]["route"] = json!(route);
        }
        if json["request"].to_string().contains("{token}") {
            json["token"] = json!(self.token);
        }
        Finished { json, key_set: self.key_set }
    }
}
