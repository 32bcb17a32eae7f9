//! One case in the making, from its inputs to the expected verdict.

use serde_json::{Map, Value, json};

use crate::answers;
use crate::key_sets::KeySet;
use crate::tokens::{self, AUDIENCE, ISSUER, NOW};

/// The inputs of a token case. Unless told otherwise, an ES384 token meets a guard for
/// [`ISSUER`] and [`AUDIENCE`] at [`NOW`] that knows the fixed ES384 key.
#[must_use]
pub struct Case {
    id: String,
    row: &'static str,
    about: String,
    alg: Option<&'static str>,
    config: Map<String, Value>,
    key_set: KeySet,
    token: String,
    reads: Map<String, Value>,
}

/// A case with its verdict.
pub struct Finished {
    pub json: Value,
    pub key_set: Option<KeySet>,
}

impl Case {
    pub fn new(id: impl Into<String>, row: &'static str, about: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            row,
            about: about.into(),
            alg: Some("ES384"),
            config: base_config(),
            key_set: KeySet::es384(),
            token: String::new(),
            reads: Map::new(),
        }
    }

    /// The algorithm in the header; `None` where there is none or it is not a known one.
    pub fn alg(mut self, name: impl Into<Option<&'static str>>) -> Self {
        self.alg = name.into();
        self
    }

    pub fn keys(mut self, key_set: KeySet) -> Self {
        self.key_set = key_set;
        self
    }

    /// The row of the requirement, where it is not that of the cases around it.
    pub fn row(mut self, row: &'static str) -> Self {
        self.row = row;
        self
    }

    /// Changes one member of the configuration.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.config.insert(name.to_owned(), value.into());
        self
    }

    /// Drops one member of the configuration.
    pub fn without(mut self, name: &str) -> Self {
        self.config.shift_remove(name);
        self
    }

    /// Chooses a setting by its key in the settings table.
    pub fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        put_below(&mut self.config, "settings", key, value.into());
        self
    }

    /// Needs the claim at a dotted path to be this, as a route of the gateway writes it.
    pub fn claim(mut self, path: &str, rule: impl Into<Value>) -> Self {
        put_below(&mut self.config, "claims", path, rule.into());
        self
    }

    /// Lets the introspection endpoint answer so, and an opaque token be asked about.
    pub fn answered(mut self, status: u16, body: impl Into<String>) -> Self {
        self.alg = None;
        let asked = json!({ "endpoint": "https://issuer.example.test/introspect", "client_id": "api",
            // Nobody compares it here, so that any variable will do.
            "client_secret_env": "HOME" });
        self.setting("introspection", asked).with("answer", json!({ "status": status, "body": body.into() }))
    }

    /// Chooses a setting of introspection by its key, beside what [`answered`](Self::answered) has chosen.
    pub fn introspection(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.config["settings"]["introspection"][key] = value.into();
        self
    }

    pub fn strict(self) -> Self {
        self.with("profile", "at+jwt")
    }

    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// What the accepted token says of itself, by the name of its method: `client_id`.
    pub fn reads(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.reads.insert(name.to_owned(), value.into());
        self
    }

    /// The guard accepts, and hands on exactly the claims that the token carries.
    pub fn accept(self) -> Finished {
        let answer = self.config.get("answer").and_then(|answer| answer["body"].as_str());
        // No answer counts where the token is a JWT.
        let claims = match answer.filter(|_| self.token.split('.').count() != 3) {
            Some(answer) => tokens::claims_told(answer),
            None => tokens::claims_of(&self.token),
        };
        self.finish(&json!({ "ok": true, "claims": claims }))
    }

    /// The guard refuses with 401 `invalid_token` for this reason.
    pub fn refuse(self, reason: &str) -> Finished {
        self.finish(&answers::invalid_token(reason))
    }

    /// Nobody can tell whether the token is good: 503.
    pub fn unknown(self) -> Finished {
        self.finish(&answers::issuer_unavailable())
    }

    /// The guard refuses what is not a Bearer token.
    pub fn refuse_format(self) -> Finished {
        self.finish(&answers::invalid_format())
    }

    /// The guard needs these scopes, separated by spaces, and answers 403.
    pub fn forbid(self, needed: &str) -> Finished {
        let scopes: Vec<&str> = needed.split(' ').collect();
        let scope = if let [one] = scopes[..] { json!(one) } else { json!(scopes) };
        self.with("scope", scope).finish(&answers::insufficient_scope(needed))
    }

    /// The guard accepts the token, and the claim rules do not hold: 403 `access_denied`.
    pub fn deny(self) -> Finished {
        self.finish(&answers::access_denied())
    }

    /// The guard gives this answer.
    pub fn refuse_with(self, answer: &Value) -> Finished {
        self.finish(answer)
    }

    fn finish(self, expect: &Value) -> Finished {
        let mut json = json!({
            "id": self.id,
            "row": self.row,
            "alg": self.alg,
            "about": self.about,
            "config": self.config,
            "jwks": self.key_set.name,
            "token": self.token,
            "expect": expect,
        });
        if !self.reads.is_empty() {
            json["reads"] = Value::Object(self.reads);
        }
        Finished { json, key_set: Some(self.key_set) }
    }
}

/// Puts a member into an object of the configuration.
pub fn put_below(config: &mut Map<String, Value>, object: &str, key: &str, value: Value) {
    config.entry(object).or_insert_with(|| json!({}))[key] = value;
}

/// The configuration of most cases.
pub fn base_config() -> Map<String, Value> {
    let members = [("issuer", json!(ISSUER)), ("audience", json!(AUDIENCE)), ("now", json!(NOW))];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
