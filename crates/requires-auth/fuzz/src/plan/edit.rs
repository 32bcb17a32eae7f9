//! Edits of the JSON of a header or of claims, member by member or character by character.

use arbitrary::Arbitrary;
use serde_json::Value;

use super::value::{Name, Text};
use crate::setting::Setting;

/// One edit.
#[derive(Arbitrary, Clone, Debug)]
pub struct Edit {
    of_header: bool,
    change: Change,
}

#[derive(Arbitrary, Clone, Debug)]
enum Change {
    Set {
        name: Name,
        value: Text,
    },
    Remove {
        name: Name,
    },
    /// Writes a member a second time, or for the first time in a strange place.
    Repeat {
        name: Name,
        value: Text,
        first: bool,
    },
    /// Writes a member with an escape in its name.
    Escape {
        name: Name,
        value: Text,
    },
    /// Replaces some bytes of the JSON text.
    Splice {
        at: u16,
        removed: u8,
        piece: u8,
    },
    Overwrite {
        at: u16,
        byte: u8,
    },
    /// Adds a member with this many arrays or objects in one another.
    Nest {
        levels: u8,
        objects: bool,
    },
    /// Makes the token longer.
    Pad {
        characters: u16,
    },
}

const PIECES: &[&str] = &[
    "", " ", "\n", ",", ":", "\"", "{", "}", "[", "]", "\\", "0", "-", ".", "e9", "null", "\u{feff}",
    "\u{0}", "é", "\\u0061", "\\ud800", "\\udc00", "//", "{}", "1e400", "\"\":0,",
];

impl Edit {
    /// What kind of edit it is.
    pub fn kind(&self) -> &'static str {
        match self.change {
            Change::Set { .. } => "set",
            Change::Remove { .. } => "remove",
            Change::Repeat { .. } => "repeat",
            Change::Escape { .. } => "escape",
            Change::Splice { .. } => "splice",
            Change::Overwrite { .. } => "overwrite",
            Change::Nest { .. } => "nest",
            Change::Pad { .. } => "pad",
        }
    }

    pub(super) fn apply(&self, header: &mut Part, claims: &mut Part, setting: &Setting) {
        let part = if self.of_header { header } else { claims };
        match &self.change {
            Change::Set { name, value } => part.set(name.as_str(), value.render(setting)),
            Change::Remove { name } => part.remove(name.as_str()),
            Change::Repeat { name, value, first } => {
                part.insert(*first, format!("\"{}\"", name.as_str()), value.render(setting));
            }
            Change::Escape { name, value } => {
                part.insert(false, escaped(name.as_str()), value.render(setting));
            }
            Change::Splice { at, removed, piece } => {
                let piece = PIECES[usize::from(*piece) % PIECES.len()];
                part.splice(usize::from(*at), usize::from(*removed % 8), piece.as_bytes());
            }
            Change::Overwrite { at, byte } => part.splice(usize::from(*at), 1, &[*byte]),
            Change::Nest { levels, objects } => {
                let (open, close) = if *objects { ("{\"a\":", "}") } else { ("[", "]") };
                let levels = usize::from(*levels);
                part.insert(
                    false,
                    "\"nest\"".to_owned(),
                    format!("{}0{}", open.repeat(levels), close.repeat(levels)),
                );
            }
            Change::Pad { characters } => {
                part.insert(
                    false,
                    "\"pad\"".to_owned(),
                    format!("\"{}\"", "x".repeat(usize::from(*characters) % 16_384)),
                );
            }
        }
    }
}

/// A name with its first character written as an escape.
fn escaped(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map_or_else(String::new, |first| format!("\\u{:04x}", u32::from(first)));
    format!("\"{first}{}\"", characters.as_str())
}

/// A header or claims in the making: members as long as it can be told apart into such, else text.
#[derive(Debug)]
pub enum Part {
    /// Name and value of each member, as JSON text.
    Members(Vec<(String, String)>),
    /// Any bytes.
    Text(Vec<u8>),
}

impl Part {
    pub(super) fn new(text: &[u8]) -> Self {
        match serde_json::from_slice(text) {
            // Only a text that comes out as it went in: nothing of a strange vector is lost.
            Ok(Value::Object(members)) if Value::Object(members.clone()).to_string().as_bytes() == text => {
                let member =
                    |(name, value): (String, Value)| (Value::from(name).to_string(), value.to_string());
                Self::Members(members.into_iter().map(member).collect())
            }
            _ => Self::Text(text.to_vec()),
        }
    }

    pub(super) fn into_text(self) -> Vec<u8> {
        match self {
            Self::Members(members) => {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("{{{}}}", members.join(",")).into()
            }
            Self::Text(text) => text,
        }
    }

    fn set(&mut self, name: &str, value: String) {
        self.remove(name);
        self.insert(false, format!("\"{name}\""), value);
    }

    fn remove(&mut self, name: &str) {
        if let Self::Members(members) = self {
            members.retain(|(other, _)| other.trim_matches('"') != name);
        }
    }

    fn insert(&mut self, first: bool, name: String, value: String) {
        match self {
            Self::Members(members) => members.insert(if first { 0 } else { members.len() }, (name, value)),
            Self::Text(text) => {
                // Behind the opening brace, if there is one.
                let at = text.iter().position(|&byte| byte == b'{').map_or(text.len(), |brace| brace + 1);
                text.splice(at..at, format!("{name}:{value},").into_bytes());
            }
        }
    }

    fn splice(&mut self, at: usize, removed: usize, piece: &[u8]) {
        let mut text = std::mem::replace(self, Self::Text(Vec::new())).into_text();
        let at = at % (text.len() + 1);
        let end = (at + removed).min(text.len());
        text.splice(at..end, piece.iter().copied());
        *self = Self::Text(text);
    }
}
