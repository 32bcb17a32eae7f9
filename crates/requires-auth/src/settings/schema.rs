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

fn table(members: &[&'static Setting]) -> Value {
    json!({ "type": "object", "properties": Value::Object(all(members)), "additionalProperties": false })
}

/// A member that stands in place of its table, without what describes it.
fn plain(member: &Setting) -> Value {
    let mut schema = one(member, "");
    if let Some(members) = schema.as_object_mut() {
        members.retain(|key, _| !["description", "default", "examples"].contains(&key.as_str()));
    }
    schema
}

/// A list of places of a token.
fn places() -> Value {
    let object = |key: &str, value: Value| json!({ "type": "object", "properties": { key: value }, "required": [key], "additionalProperties": false });
    let name = || json!({ "type": "string", "minLength": 1 });
    let subprotocol = json!({ "oneOf": [object("prefix", name()), object("after", name())] });
    let places = json!([
        { "const": "authorization" },
        object("header", name()),
        object("cookie", name()),
        object("subprotocol", subprotocol),
    ]);
    json!({ "type": "array", "minItems": 1, "items": { "oneOf": places } })
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
        Kind::Table { members, short: None } => table(members),
        Kind::Table { members, short: Some(short) } => json!({ "oneOf": [plain(short), table(members)] }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::Words => json!({ "$ref": "#/$defs/texts" }),
        Kind::Audience => audience(),
        Kind::Algorithms => json!({ "$ref": "#/$defs/algorithms" }),
        Kind::Scopes => json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/texts" } }),
        Kind::Duration(_) => json!({ "$ref": "#/$defs/duration", "default": setting.default() }),
        Kind::Count(Limits { default, least, .. }) => {
            json!({ "type": "integer", "minimum": least, "default": default })
        }
        Kind::Choice { names, .. } => json!({ "enum": names, "default": setting.default() }),
        Kind::Name { names, .. } => json!({ "enum": names }),
        Kind::Switch => json!({ "type": "boolean", "default": false }),
        Kind::SwitchedOn => json!({ "type": "boolean", "default": true }),
        Kind::Places => places(),
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

fn audience() -> Value {
    let rule = |members: Value, required: &[&str]| json!({ "type": "object", "properties": members, "required": required, "additionalProperties": false });
    json!({ "oneOf": [
        { "$ref": "#/$defs/texts" },
        rule(json!({ "prefix": { "type": "string" } }), &["prefix"]),
        rule(json!({ "claim": { "type": "string" }, "one_of": { "$ref": "#/$defs/texts" } }), &["claim", "one_of"]),
    ] })
}
