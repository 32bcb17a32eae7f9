//! Values of settings as a file in TOML has them.

use toml::de::DeValue;

use super::places::places;

use super::reader::{Entry, Reader};
use crate::settings::{Document, Kind, Notation, Setting, Table, Value};
use crate::verify::Audience;

/// The value of a setting; `None` if it has another type, which is noted then.
pub(super) fn value(reader: &mut Reader<'_>, setting: &'static Setting, entry: &Entry<'_>) -> Option<Value> {
    let field = setting.key;
    Some(match setting.kind {
        Kind::Text | Kind::Url => Value::Text(reader.text(field, entry)?),
        Kind::Secret => {
            let hint = setting.kind.mismatch(Notation::Toml, "", None).hint;
            reader.report(field, &entry.path, "a value", "where the secret is", hint);
            return None;
        }
        Kind::Table { short: Some(short), .. } if !matches!(entry.value, DeValue::Table(_)) => {
            Value::Table(Table::of(short, value(reader, short, entry)?))
        }
        Kind::Table { members, .. } => Value::Table(table(reader, setting, members, entry)?),
        Kind::Words | Kind::Algorithms => Value::Words(reader.texts(field, entry)?),
        Kind::Audience => Value::Audience(audience(reader, setting, entry)?),
        Kind::Scopes => Value::Scopes(scopes(reader, setting, entry)?),
        Kind::Duration(_) => Value::Duration(reader.duration(field, entry)?),
        Kind::Count(_) => Value::Count(reader.count(field, entry)?),
        Kind::Choice { names, expected } | Kind::Name { names, expected } => {
            Value::Choice(reader.name(field, entry, expected, names)?)
        }
        Kind::Places => Value::Places(places(reader, setting, entry)?),
        Kind::Switch | Kind::SwitchedOn => Value::Switch(reader.switch(field, entry)?),
        Kind::Path => Value::Path(reader.path(field, entry)?),
        Kind::Document { .. } => Value::Document(document(reader, field, entry)?),
    })
}

/// `"one"`, `["one", "two"]`, `{ prefix = "one:" }` or `{ claim = "client_id", one_of = ["one"] }`.
fn audience(reader: &mut Reader<'_>, setting: &Setting, entry: &Entry<'_>) -> Option<Audience> {
    let table = match entry.value {
        DeValue::Table(table) => table,
        DeValue::String(_) | DeValue::Array(_) => return reader.texts(setting.key, entry).map(Into::into),
        _ => return reader.wrong_type(setting.key, entry, setting.kind),
    };
    let (mut prefix, mut claim, mut one_of) = (None, None, None);
    for entry in reader.entries(table, &entry.path) {
        match entry.key {
            "prefix" => prefix = Some(reader.text(setting.key, &entry)?),
            "claim" => claim = Some(reader.text(setting.key, &entry)?),
            "one_of" => one_of = Some(reader.texts(setting.key, &entry)?),
            _ => {
                reader.unknown(setting.key, &entry, &["prefix", "claim", "one_of"]);
                return None;
            }
        }
    }
    match (prefix, claim, one_of) {
        (Some(prefix), None, None) => Some(Audience::Prefix(prefix)),
        (None, Some(path), Some(one_of)) => Some(Audience::Claim { path, one_of }),
        _ => reader.wrong_type(setting.key, entry, setting.kind),
    }
}

/// The text itself, or the path of a file.
fn document(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<Document> {
    let itself = if let DeValue::String(text) = entry.value() { Document::itself(text) } else { None };
    itself.or_else(|| reader.path(field, entry).map(Document::File))
}

fn scopes(reader: &mut Reader<'_>, setting: &Setting, entry: &Entry<'_>) -> Option<Vec<(String, String)>> {
    let DeValue::Table(table) = entry.value else {
        return reader.wrong_type(setting.key, entry, setting.kind);
    };
    let implied = reader.entries(table, &entry.path).into_iter().filter_map(|entry| {
        let included = reader.texts("implied_scopes", &entry)?;
        Some((entry.key.to_owned(), included.join(" ")))
    });
    Some(implied.collect())
}

/// The members of a setting that is a table. What is wrong with one is a problem of the setting, with the line of the member.
fn table(
    reader: &mut Reader<'_>,
    setting: &'static Setting,
    members: &'static [&'static Setting],
    entry: &Entry<'_>,
) -> Option<Table> {
    let DeValue::Table(given) = entry.value else {
        return reader.wrong_type(setting.key, entry, setting.kind);
    };
    let mut table = Table::default();
    for entry in reader.entries(given, &entry.path) {
        let Some(member) = members.iter().find(|member| member.is_called(entry.key)) else {
            let known: Vec<_> = members.iter().map(|member| member.key).collect();
            reader.unknown(setting.key, &entry, &known);
            continue;
        };
        if let (Kind::Secret, DeValue::Table(_)) = (member.kind, entry.value) {
            place_of_secret(reader, setting.key, member, members, &entry, &mut table);
        } else if let Some(value) = value(reader, member, &entry) {
            table.put(member, value);
        }
    }
    Some(table)
}

/// `{ env = "NAME" }` or `{ file = "path" }`: the same as the members `.._env` and `.._file`.
fn place_of_secret(
    reader: &mut Reader<'_>,
    field: &'static str,
    secret: &Setting,
    members: &'static [&'static Setting],
    entry: &Entry<'_>,
    table: &mut Table,
) {
    let DeValue::Table(given) = entry.value else { return };
    let member = |place: &str| members.iter().find(|member| member.key == format!("{}_{place}", secret.key));
    for entry in reader.entries(given, &entry.path) {
        match member(entry.key) {
            Some(member) => {
                if let Some(value) = value(reader, member, &entry) {
                    table.put(member, value);
                }
            }
            None => reader.unknown(field, &entry, &["env", "file"]),
        }
    }
}
