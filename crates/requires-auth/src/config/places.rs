//! Places of a token as a file in TOML has them.

use toml::de::DeValue;

use super::reader::{Entry, Reader};
use crate::credential::TokenPlace;
use crate::settings::Setting;

/// A list of places, or one alone; `None` if that is not one, which is noted then.
pub(super) fn places(
    reader: &mut Reader<'_>,
    setting: &'static Setting,
    entry: &Entry<'_>,
) -> Option<Vec<TokenPlace>> {
    let one = [entry.value];
    let written: Vec<&DeValue<'_>> = match entry.value {
        DeValue::Array(list) => list.iter().map(toml::Spanned::get_ref).collect(),
        _ => one.to_vec(),
    };
    let mut places = Vec::new();
    for value in written {
        match parts(value).and_then(|(kind, name)| TokenPlace::from_parts(&kind, name)) {
            Some(Ok(place)) => places.push(place),
            Some(Err(wrong)) => {
                let hint = "write the name alone, without a colon, an equals sign or a space";
                reader.report(setting.key, &entry.path, "another name", wrong.expected(), hint);
                return None;
            }
            None => return reader.wrong_type(setting.key, entry, setting.kind),
        }
    }
    Some(places)
}

/// What a place is, and which one: `"authorization"`, `{ header = "NAME" }`, `{ subprotocol = { after = "NAME" } }`.
fn parts<'a>(value: &'a DeValue<'_>) -> Option<(String, Option<&'a str>)> {
    match value {
        DeValue::String(text) => Some((text.to_string(), None)),
        DeValue::Table(table) => {
            let mut members = table.iter();
            let (Some((key, value)), None) = (members.next(), members.next()) else { return None };
            match (key.get_ref().as_ref(), value.get_ref()) {
                (key, DeValue::String(name)) => Some((key.to_owned(), Some(name))),
                ("subprotocol", inner @ DeValue::Table(_)) => {
                    let (kind, name) = parts(inner)?;
                    Some((format!("subprotocol.{kind}"), name))
                }
                _ => None,
            }
        }
        _ => None,
    }
}
