//! Values of settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::secret::Secret;
use crate::binding::DpopMode;
use crate::client_certificate::HeaderFormat;
use crate::credential::TokenPlace;
use crate::jose::pem;
use crate::metadata::ChallengeScopes;
use crate::verify::{Audience, Profile, Tokens};

/// The value of a setting, of the type that its [`Kind`](super::Kind) has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who passes values on has to know each")]
pub enum Value {
    /// Of a `Url` and of `Text`.
    Text(String),
    /// Of `Words` and `Algorithms`.
    Words(Vec<String>),
    /// Of an `Audience`.
    Audience(Audience),
    /// Of `Scopes`: each scope with those that it includes, separated by spaces.
    Scopes(Vec<(String, String)>),
    /// Of a `Duration`.
    Duration(Duration),
    /// Of a `Count`.
    Count(u64),
    /// Of a `Choice`.
    Choice(&'static str),
    /// Of a `Switch` and of a `SwitchedOn`.
    Switch(bool),
    /// Of `Places`.
    Places(Vec<TokenPlace>),
    /// Of a `Path`.
    Path(PathBuf),
    /// Of a `Document`.
    Document(Document),
    /// Of a `Secret`.
    Secret(Secret),
    /// Of a `Table`.
    Table(Table),
}

/// The values of the members of a setting that is a table.
/// A member that is not chosen is not in it; the default stands in its row. `Debug` shows no [`Secret`].
///
/// ```
/// use requires_auth::settings::{Secret, Table, introspection};
///
/// let mut table = Table::default();
/// table.set(introspection::CLIENT_ID, "orders-api".to_owned());
/// table.set(introspection::CLIENT_SECRET, Secret::new("secret of the API"));
/// assert_eq!(table.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["client_id", "client_secret"]);
/// assert!(!format!("{table:?}").contains("secret of the API"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table(BTreeMap<&'static str, Value>);

impl Table {
    /// The chosen value of a member, by its key.
    /// `None` for a member that is not chosen, and for a key that is not a member.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Chosen members, by their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(key, value)| (*key, value))
    }

    pub(super) fn insert(&mut self, key: &'static str, value: Value) {
        self.0.insert(key, value);
    }
}

/// A document that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way to give a document")]
pub enum Document {
    /// Itself.
    Bytes(Vec<u8>),
    /// A file that has it. It is read when the guard is built.
    File(PathBuf),
}

impl Document {
    /// A text that is a document itself, and cannot be meant as the path of one: JSON, PEM, or what stands between the lines
    /// of PEM. `None` for what may be a path.
    pub fn itself(text: &str) -> Option<Self> {
        let inner = text.trim();
        let is_document = inner.starts_with('{')
            || inner.contains("-----BEGIN")
            || inner.contains('\n')
            || pem::key_without_label(inner).is_some();
        is_document.then(|| Self::Bytes(text.into()))
    }

    /// The file that has it, if it is given so.
    pub const fn file(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) => Some(path),
            Self::Bytes(_) => None,
        }
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "no other type is the value of a setting")]
    pub trait Sealed {}
}

/// The types in Rust that values of settings have.
/// [`Key`](super::Key) ties a row to one of them. There are no others, since a reader of settings has to know each.
pub trait Plain: sealed::Sealed + Sized {
    /// As a value.
    fn into_value(self) -> Value;

    /// From a value; `None` if that has another type.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! plain {
    ($($type:ty = $variant:ident;)*) => {
        $(
            impl sealed::Sealed for $type {}

            impl Plain for $type {
                fn into_value(self) -> Value {
                    Value::$variant(self)
                }

                fn from_value(value: &Value) -> Option<Self> {
                    match value {
                        Value::$variant(value) => Some(value.clone()),
                        _ => None,
                    }
                }
            }
        )*
    };
}

plain! {
    String = Text;
    Vec<String> = Words;
    Audience = Audience;
    Vec<(String, String)> = Scopes;
    Duration = Duration;
    u64 = Count;
    &'static str = Choice;
    bool = Switch;
    Vec<TokenPlace> = Places;
    PathBuf = Path;
    Document = Document;
    Secret = Secret;
    Table = Table;
}

impl sealed::Sealed for usize {}

/// A number of things in memory. One that is larger than any memory is the largest.
impl Plain for usize {
    fn into_value(self) -> Value {
        Value::Count(self as u64)
    }

    fn from_value(value: &Value) -> Option<Self> {
        u64::from_value(value).map(|count| Self::try_from(count).unwrap_or(Self::MAX))
    }
}

impl sealed::Sealed for Profile {}

impl Plain for Profile {
    fn into_value(self) -> Value {
        Value::Choice(self.as_str())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Choice(name) = value else { return None };
        Self::ALL.into_iter().find(|profile| profile.as_str() == *name)
    }
}

impl sealed::Sealed for ChallengeScopes {}

impl Plain for ChallengeScopes {
    fn into_value(self) -> Value {
        Value::Choice(self.as_str())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Choice(name) = value else { return None };
        Self::ALL.into_iter().find(|scopes| scopes.as_str() == *name)
    }
}

impl sealed::Sealed for DpopMode {}

impl Plain for DpopMode {
    fn into_value(self) -> Value {
        Value::Choice(self.as_str())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Choice(name) = value else { return None };
        Self::ALL.iter().copied().find(|mode| mode.as_str() == *name)
    }
}

impl sealed::Sealed for HeaderFormat {}

impl Plain for HeaderFormat {
    fn into_value(self) -> Value {
        Value::Choice(self.as_str())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Choice(name) = value else { return None };
        Self::named(name)
    }
}

impl sealed::Sealed for Tokens {}

impl Plain for Tokens {
    fn into_value(self) -> Value {
        Value::Choice(self.as_str())
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Choice(name) = value else { return None };
        Self::ALL.iter().copied().find(|tokens| tokens.as_str() == *name)
    }
}
