//! The table by itself.

use std::collections::BTreeSet;

use super::*;
use crate::verify::Rules;

#[test]
fn every_row_is_whole() {
    let mut names = BTreeSet::new();
    for setting in ALL {
        for name in [setting.key].iter().chain(setting.aliases) {
            assert!(names.insert(*name), "{name} twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(find(name), Some(*setting));
        }
        assert!(setting.doc.ends_with('.') && setting.doc.starts_with(char::is_uppercase), "{}", setting.key);
        assert!(!setting.doc.contains("  "), "{}: {}", setting.key, setting.doc);
        assert!(!setting.examples.is_empty(), "{}", setting.key);
        let is_required = [ISSUER.setting, AUDIENCE.setting].contains(setting);
        let has_default = setting.default().is_some() || !setting.without.is_empty();
        assert_eq!(is_required, !has_default, "{}", setting.key);
    }
}

#[test]
fn the_constants_are_those_of_the_table() {
    assert_eq!(Given::default().duration(LEEWAY), Rules::DEFAULT_LEEWAY);
    assert_eq!(Given::default().count(MAX_TOKEN_BYTES), Rules::DEFAULT_MAX_TOKEN_BYTES);
    assert_eq!(PROFILE.setting.default().as_deref(), Some(crate::Profile::default().as_str()));
}

/// The text of a variable for an example in JSON.
fn text(example: &str) -> String {
    match serde_json::from_str(example).expect("JSON") {
        serde_json::Value::String(text) => text,
        serde_json::Value::Array(list) => list.iter().map(word).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// A text, or a place of a token.
fn word(value: &serde_json::Value) -> String {
    let member = |members: &serde_json::Map<_, _>| {
        members.iter().map(|(key, name)| [key, "=", &word(name)].concat()).collect::<Vec<_>>().concat()
    };
    value
        .as_str()
        .map(ToOwned::to_owned)
        .or_else(|| value.as_object().map(member))
        .expect("a text or a place")
}

#[test]
fn every_example_is_a_value_of_its_type() {
    for setting in ALL.iter().filter(|setting| setting.is_in_environment()) {
        // No variable holds a table as a whole.
        let is_table = |example: &&&str| !setting.members().is_empty() && example.starts_with('{');
        for example in setting.examples.iter().filter(|example| !is_table(example)) {
            let text = text(example);
            let value =
                setting.kind.parse(&text).unwrap_or_else(|wrong| panic!("{}: {wrong:?}", setting.key));
            let mut given = Given::default();
            given.put(setting, value, None);
            assert_eq!(given.check_limits(), [], "{} = {text}", setting.key);
        }
    }
}

#[test]
fn a_key_has_the_type_of_its_row() {
    let members = introspection::TAKES
        .iter()
        .chain(dpop::TAKES)
        .chain(client_cert_header::TAKES)
        .chain(shared_state::TAKES);
    for (setting, takes) in TAKES.iter().chain(members) {
        let value = match setting.kind {
            Kind::Scopes => Value::Scopes(Vec::new()),
            Kind::Table { .. } => Value::Table(Table::default()),
            Kind::Secret => Value::Secret(Secret::new("a-secret")),
            kind => kind.parse(&text(setting.examples[0])).expect("an example"),
        };
        assert!(takes(&value), "{}", setting.key);
    }
}
