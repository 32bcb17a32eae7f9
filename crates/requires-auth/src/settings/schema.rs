//! The JSON Schema (draft 2020-12) of the settings in a file.

use serde_json::{Map, Value, json};

use super::row::{Kind, Limits, Setting};
use super::table::ALL;

/// The schema of each setting that can be chosen for a guard as a whole, or of each that can be chosen for one issuer.
/// Earlier names are in it, as deprecated.
///
/// It refers to definitions of the document that it is put into: `algorithms`, `duration`, `path` and `texts`.
pub fn schema(is_for_issuer: bool) -> Map<String, Value> {
    let is_of =
        |setting: &&&Setting| if is_for_issuer { setting.is_of_issuer() } else { setting.is_of_guard() };
    all(&ALL.iter().filter(is_of).copied().collect::<Vec<_>>())
}

fn all(settings: &[&'static Setting]) -> Map<String, Value> {
    let current = settings.iter().map(|setting| (setting.key.to_owned(), one(setting, &described(setting))));
    let earlier = settings.iter().flat_map(|setting| {
        let of_name = |name: &&str| {
            let mut schema = one(setting, &format!("Now called {}.", setting.key));
            schema["deprecated"] = true.into();
            ((*name).to_owned(), schema)
        };
        setting.aliases.iter().map(of_name).collect::<Vec<_>>()
    });
    current.chain(earlier).collect()
}

fn described(setting: &Setting) -> String {
    let Setting { doc, without, .. } = setting;
    let text = if without.is_empty() { (*doc).to_owned() } else { format!("{doc} Default: {without}") };
    text.replace('`', "")
}

fn one(setting: &Setting, description: &str) -> Value {
    let mut schema = json!({ "description": description });
    let members = match setting.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Secret => json!({
            "type": "object",
            "properties": { "env": { "type": "string" }, "file": { "$ref": "#/$defs/path" } },
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": false,
        }),
        Kind::Table { members } => json!({
            "type": "object",
            "properties": Value::Object(all(members)),
            "additionalProperties": false,
        }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Words => json!({ "$ref": "#/$defs/texts" }),
        Kind::Algorithms => json!({ "$ref": "#/$defs/algorithms" }),
        Kind::Scopes => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/texts" } }),
        Kind::Duration(_) => json!({ "$ref": "#/$defs/duration", "default": setting.default() }),
        Kind::Count(Limits { default, least, .. }) => {
            json!({ "type": "integer", "minimum": least, "default": default })
        }
        Kind::Choice { names, .. } => json!({ "enum": names, "default": setting.default() }),
        Kind::Switch => json!({ "type": "boolean", "default": false }),
        Kind::Path | Kind::Document { .. } => json!({ "$ref": "#/$defs/path" }),
    };
    let examples: Vec<Value> =
        setting.examples.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    for (key, value) in members.as_object().into_iter().flatten() {
        schema[key] = value.clone();
    }
    schema["examples"] = examples.into();
    schema
}
