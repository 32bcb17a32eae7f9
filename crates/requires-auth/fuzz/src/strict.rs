//! JSON objects without duplicate members and without deep nesting, read by a visitor over `serde_json`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 100;

/// The members of an object.
pub type Members = Map<String, Value>;

/// Why a text has no members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not one strict object.
    NotStrict,
    /// `serde_json` gives up on a number that no double holds, such as `1e400`: it has no opinion on the rest.
    NumberOutOfRange,
}

/// Reads an object that has no duplicate members at any depth.
///
/// # Errors
///
/// The text is not that, or its numbers are out of range.
pub fn object(text: &[u8]) -> Result<Members, Flaw> {
    read(text, Strict { depth: 1, nested_duplicates: false })
}

/// Reads an object whose own members have no duplicates; those within may be.
///
/// # Errors
///
/// As [`object`].
pub fn outer_object(text: &[u8]) -> Result<Members, Flaw> {
    read(text, Strict { depth: 1, nested_duplicates: true })
}

fn read(text: &[u8], seed: Strict) -> Result<Members, Flaw> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(members)) => Ok(members),
        Err(error) if error.to_string().starts_with("number out of range") => Err(Flaw::NumberOutOfRange),
        _ => Err(Flaw::NotStrict),
    }
}

/// Reads one value that stands at this depth if it is an object or array.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
    nested_duplicates: bool,
}

impl Strict {
    fn inner<E: Error>(self) -> Result<Self, E> {
        if self.depth > MAX_DEPTH {
            Err(E::custom("too deep"))
        } else {
            Ok(Self { depth: self.depth + 1, ..self })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strict JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            let is_duplicate = object.insert(name, value).is_some();
            if is_duplicate && (self.depth == 1 || !self.nested_duplicates) {
                return Err(A::Error::custom("a member twice"));
            }
        }
        Ok(object.into())
    }
}
