//! Models of what providers send, kept in `models/`: a file for each, written by hand from their documentation.
//!
//! A file has the claims of a good access token and what each case changes about them; `null` drops a member. It becomes
//! the file `tokens-provider-NAME.json` of the vectors.

use std::fs;
use std::path::PathBuf;

use requires_auth_testkit::{Algorithm, SigningKey};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::answers;
use crate::case::{Case, Finished, base_config};
use crate::key_sets::KeySet;
use crate::recorded::PROVIDERS;
use crate::tokens::{ISSUED, claims_of, encode, signed_parts};

/// One file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    about: String,
    provider: String,
    /// As a user writes it: a short name, or none where the provider has only one issuer.
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    audience: Option<Value>,
    algorithm: String,
    /// The header that has the token, where that is not `Authorization`: then the cases are requests.
    #[serde(default)]
    place: Option<String>,
    /// The key set of what is recorded, in `recorded/providers.json`.
    #[serde(default)]
    keys: Option<String>,
    #[serde(default)]
    header: Map<String, Value>,
    claims: Map<String, Value>,
    cases: Vec<Entry>,
}

/// A case of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    row: String,
    about: String,
    /// A token of `recorded/providers.json`, which is looked at in the second of its issue; none is made then.
    #[serde(default)]
    recorded: Option<String>,
    /// Another header than that of the model.
    #[serde(default)]
    place: Option<String>,
    /// Another key set of what is recorded.
    #[serde(default)]
    keys: Option<String>,
    /// What the header has beside or instead of that of the good token.
    #[serde(default)]
    header: Map<String, Value>,
    #[serde(default)]
    claims: Map<String, Value>,
    /// Another algorithm than that of the model.
    #[serde(default)]
    algorithm: Option<String>,
    /// What the token says to the application: `is_client`, `client_id`, ..
    #[serde(default)]
    reads: Map<String, Value>,
    /// Scopes that the guard needs.
    #[serde(default)]
    scope: Option<String>,
    /// Settings beside or instead of those of the model.
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    audience: Option<Value>,
    /// `accept`, `insufficient_scope`, `no_token`, or the reason of a refusal.
    expect: String,
}

/// Of each model: the name of its file, what it is about, and its cases.
pub fn all() -> Vec<(String, String, Vec<Finished>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/generate-vectors/models");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).expect("a readable file");
        let model: Model =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        let kind = if model.place.is_some() { "requests" } else { "tokens" };
        (
            format!("{kind}-provider-{name}"),
            model.about.clone(),
            model.cases.iter().map(|entry| model.case(entry)).collect(),
        )
    };
    files.iter().map(read).collect()
}

impl Model {
    fn case(&self, entry: &Entry) -> Finished {
        let algorithm: &'static Algorithm = Algorithm::ALL
            .iter()
            .find(|own| own.name() == entry.algorithm.as_deref().unwrap_or(&self.algorithm))
            .expect("a known algorithm");
        if let Some(place) = entry.place.as_ref().or(self.place.as_ref()) {
            return self.request(*algorithm, entry, place);
        }
        let mut settings = Map::from_iter([("provider".to_owned(), json!(self.provider))]);
        settings.extend(entry.settings.clone());
        let row: &'static str = Box::leak(entry.row.clone().into_boxed_str());
        let mut case = Case::new(entry.id.clone(), row, entry.about.clone())
            .alg(algorithm.name())
            .without("issuer")
            .without("audience")
            .with("settings", Value::Object(settings));
        case = match &entry.recorded {
            Some(name) => {
                let token = PROVIDERS.token(name);
                let keys = entry.keys.as_ref().or(self.keys.as_ref()).expect("a key set");
                case.keys(PROVIDERS.key_set(keys)).with("now", claims_of(token)["iat"].clone()).token(token)
            }
            None => case.keys(KeySet::fixed(*algorithm)).token(self.token(*algorithm, entry)),
        };
        for (name, value) in [
            ("issuer", entry.issuer.clone().or_else(|| self.issuer.clone()).map(Value::from)),
            ("audience", entry.audience.clone().or_else(|| self.audience.clone())),
            ("scope", entry.scope.clone().map(Value::from)),
        ] {
            if let Some(value) = value {
                case = case.with(name, value);
            }
        }
        for (name, value) in &entry.reads {
            case = case.reads(name, value.clone());
        }
        match entry.expect.as_str() {
            "accept" => case.accept(),
            "insufficient_scope" => case.forbid(entry.scope.as_deref().expect("a scope")),
            reason => case.refuse(reason),
        }
    }

    /// The same as a request, which has its token in this header.
    fn request(&self, algorithm: Algorithm, entry: &Entry, place: &str) -> Finished {
        let mut config = base_config();
        for (name, value) in [
            ("issuer", self.issuer.clone().map(Value::from)),
            ("audience", entry.audience.clone().or_else(|| self.audience.clone())),
            ("settings", Some(json!({ "provider": self.provider }))),
        ] {
            config.extend(value.map(|value| (name.to_owned(), value)));
        }
        let deny = |answer: Value| {
            let mut answer = answer;
            answer["outcome"] = "deny".into();
            answer["headers"] = json!({ "Cache-Control": "no-store" });
            answer.as_object_mut().expect("an answer").shift_remove("ok");
            answer
        };
        let expect = match entry.expect.as_str() {
            "accept" => json!({ "outcome": "allow" }),
            "no_token" => deny(answers::no_credentials("auth.authorization_header_missing")),
            reason => deny(answers::invalid_token(reason)),
        };
        let value = if place == "Authorization" { "Bearer {token}" } else { "{token}" };
        let key_set = KeySet::fixed(algorithm);
        let json = json!({
            "id": entry.id,
            "row": entry.row,
            "about": entry.about,
            "request": { "method": "GET", "url": "/items", "headers": [[place, value]] },
            "config": config,
            "jwks": key_set.name,
            "expect": expect,
            "token": self.token(algorithm, entry),
        });
        Finished { json, key_set: Some(key_set) }
    }

    fn token(&self, algorithm: Algorithm, entry: &Entry) -> String {
        let key = SigningKey::fixed(algorithm);
        let mut header = Map::from_iter([
            ("alg".to_owned(), json!(algorithm.name())),
            ("kid".to_owned(), key.public_jwk()["kid"].clone()),
        ]);
        change(&mut header, &self.header);
        change(&mut header, &entry.header);
        let times = [("iat".to_owned(), json!(ISSUED)), ("exp".to_owned(), json!(ISSUED + 3600))];
        let mut claims = Map::from_iter(times);
        change(&mut claims, &self.claims);
        change(&mut claims, &entry.claims);
        signed_parts(
            key,
            &encode(Value::Object(header).to_string()),
            &encode(Value::Object(claims).to_string()),
        )
    }
}

fn change(object: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        if value.is_null() {
            object.shift_remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}
