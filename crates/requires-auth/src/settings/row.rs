//! What a row of the table is.

use std::time::Duration;

use super::value::Value;

/// What the variable of a setting begins with.
pub const PREFIX: &str = "REQUIRES_AUTH_";

/// One row of the table.
/// ```
/// use requires_auth::settings::{self, Kind, Scope};
///
/// let leeway = settings::LEEWAY.setting;
/// assert_eq!((leeway.key, leeway.scope), ("leeway", Scope::Guard));
/// let Kind::Duration(limits) = leeway.kind else { return };
/// // In seconds.
/// assert_eq!((limits.default, limits.most), (30, 300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its one name: in a file, as an argument in Python and, in upper case, as a variable.
    pub key: &'static str,
    /// What it is a setting of.
    pub scope: Scope,
    /// What its value may be, with its default and limits.
    pub kind: Kind,
    /// What it is for, in whole sentences.
    pub doc: &'static str,
    /// What holds without it, where no default of its kind says so. Empty if it has to be given.
    pub without: &'static str,
    /// Values, as JSON.
    pub examples: &'static [&'static str],
    /// Earlier names, which are still read.
    pub aliases: &'static [&'static str],
}

/// What a setting is a setting of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a reader that did not know a scope would skip its settings")]
pub enum Scope {
    /// The guard, for all its issuers.
    Guard,
    /// One issuer.
    Issuer,
    /// The guard, and an issuer may have its own.
    Either,
}

/// What the value of a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a reader that did not know a kind could not read its settings")]
pub enum Kind {
    /// A URL.
    Url,
    /// A text.
    Text,
    /// A secret: a text that stands in no file, and is not shown.
    /// In a file it is `{ env = "NAME" }` or `{ file = "path" }`; in code it is a [`Secret`](super::Secret).
    Secret,
    /// A text, or a list of texts.
    Words,
    /// Whom tokens must be meant for: a text, a list of texts, or a rule.
    /// A rule is `{ prefix = "..." }` or `{ claim = "...", one_of = [...] }`: see [`Audience`](crate::Audience).
    Audience,
    /// Names of signature algorithms.
    Algorithms,
    /// Scopes that include others.
    /// A table of scopes, each with those that it includes; no variable can hold it.
    Scopes,
    /// A time, in seconds.
    /// `30s`, `5m`, `1h`, or a number of seconds.
    Duration(Limits),
    /// A whole number.
    Count(Limits),
    /// One of these names; the first is the default.
    Choice {
        /// All there are.
        names: &'static [&'static str],
        /// The same, as a message says it.
        expected: &'static str,
    },
    /// One of these names; none of them is the default.
    Name {
        /// All there are.
        names: &'static [&'static str],
        /// The same, as a message says it.
        expected: &'static str,
    },
    /// True or false; false is the default.
    Switch,
    /// True or false; true is the default.
    SwitchedOn,
    /// Where a request may have its token.
    /// See [`TokenPlace`](crate::credential::TokenPlace) for the ways to write one.
    Places,
    /// The path of a file that is not read at once.
    Path,
    /// A document that is given by itself or as the path of a file.
    Document {
        /// What is in it.
        holds: &'static str,
        /// What a message expects of a file that cannot be read.
        file: &'static str,
    },
    /// A table with settings of its own.
    /// A variable holds one member of it: `REQUIRES_AUTH_INTROSPECTION_CLIENT_ID`.
    Table {
        /// All there are.
        members: &'static [&'static Setting],
        /// The member whose value alone may stand in place of the table. It is also what a variable with the name of the
        /// setting itself holds.
        short: Option<&'static Setting>,
    },
}

impl Setting {
    /// What a duration is without the setting.
    pub(super) fn default_duration(&self) -> Duration {
        Duration::from_secs(self.kind.limits().map_or(0, |limits| limits.default))
    }

    /// What a number is without the setting.
    pub(super) fn default_count(&self) -> usize {
        self.kind.limits().map_or(0, |limits| usize::try_from(limits.default).unwrap_or(usize::MAX))
    }

    /// What a switch is without the setting.
    pub(super) const fn default_switch(&self) -> bool {
        matches!(self.kind, Kind::SwitchedOn)
    }

    /// A number that is less or more than the row allows, as a message shows it, and the limits that it breaks.
    pub(super) fn beyond_limits(&self, value: &Value) -> Option<(String, Limits)> {
        let limits = self.kind.limits()?;
        let (number, found) = match value {
            Value::Duration(duration) => {
                // What is left of a second counts: 300.5 s are more than 300.
                let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
                (seconds, format!("{seconds} s"))
            }
            Value::Count(count) => (*count, count.to_string()),
            _ => return None,
        };
        let fits = (limits.least..=limits.most).contains(&number);
        (!fits).then_some((found, limits))
    }
}

impl Kind {
    const fn limits(self) -> Option<Limits> {
        match self {
            Self::Duration(limits) | Self::Count(limits) => Some(limits),
            _ => None,
        }
    }
}

/// Default and limits of a number.
/// Seconds for a duration; a part of a second counts as a whole one. Both bounds are allowed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a row of the table writes out every member")]
pub struct Limits {
    /// What holds without the setting.
    pub default: u64,
    /// The least that it may be.
    pub least: u64,
    /// The most that it may be.
    pub most: u64,
    /// What a message expects of a number that is less or more.
    pub expected: &'static str,
    /// What the message says to do.
    pub hint: &'static str,
}

impl Limits {
    /// Any number.
    pub(super) const fn any(default: u64) -> Self {
        Self { default, least: 0, most: u64::MAX, expected: "a number", hint: "" }
    }
}

/// A row of the table with the type that its value has in Rust.
/// The type makes a wrong value a mistake of the compiler, where [`Value`](super::Value) would be one at run time:
///
/// ```
/// use std::time::Duration;
///
/// use requires_auth::settings::{Table, introspection};
///
/// let mut table = Table::default();
/// table.set(introspection::TTL, Duration::from_secs(30));
/// assert_eq!(table.get(introspection::TTL), Some(Duration::from_secs(30)));
/// assert_eq!(table.get(introspection::ENDPOINT), None);
/// ```
#[derive(Debug)]
pub struct Key<T> {
    /// The row.
    pub setting: &'static Setting,
    of: std::marker::PhantomData<fn() -> T>,
}

impl<T> Key<T> {
    pub(super) const fn new(setting: &'static Setting) -> Self {
        Self { setting, of: std::marker::PhantomData }
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl Setting {
    /// Whether it can be chosen for a guard as a whole.
    pub const fn is_of_guard(&self) -> bool {
        matches!(self.scope, Scope::Guard | Scope::Either)
    }

    /// Whether it can be chosen for one issuer.
    pub const fn is_of_issuer(&self) -> bool {
        matches!(self.scope, Scope::Issuer | Scope::Either)
    }

    /// Whether a variable of the environment can hold it.
    pub const fn is_in_environment(&self) -> bool {
        !matches!(self.kind, Kind::Scopes | Kind::Table { short: None, .. })
    }

    /// Its members, if it is a table.
    pub const fn members(&self) -> &'static [&'static Self] {
        match self.kind {
            Kind::Table { members, .. } => members,
            _ => &[],
        }
    }

    /// The variable of the environment that holds it.
    /// ```
    /// use requires_auth::settings;
    ///
    /// assert_eq!(settings::TOKEN_FROM.setting.variable(), "REQUIRES_AUTH_TOKEN_FROM");
    /// ```
    pub fn variable(&self) -> String {
        variable_of(self.key)
    }

    /// Whether it is called so, now or in earlier versions.
    /// Earlier names are still read, and named in a warning.
    pub fn is_called(&self, key: &str) -> bool {
        self.key == key || self.aliases.contains(&key)
    }
}

/// The variable of what is called `key`.
pub fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// Makes a table: a constant of each row, and the list of all of them.
macro_rules! table {
    (
        $(#[$about:meta])*
        $list:ident;
        $(
            $name:ident: $type:ty = $key:literal, $scope:ident, $kind:expr;
            doc $doc:literal;
            $(without $without:literal;)?
            $(aliases $($alias:literal),+;)?
            examples $examples:expr;
        )*
    ) => {
        $(
            #[doc = $doc]
            pub const $name: Key<$type> = Key::new(&Setting {
                key: $key,
                scope: Scope::$scope,
                kind: $kind,
                doc: $doc,
                without: concat!($($without)?),
                examples: &$examples,
                aliases: &[$($($alias),+)?],
            });
        )*

        $(#[$about])*
        pub const $list: &[&Setting] = &[$($name.setting),*];

        /// Of each row, whether its type in Rust takes a value.
        #[cfg(test)]
        pub(super) const TAKES: &[(&Setting, fn(&super::value::Value) -> bool)] =
            &[$(($name.setting, |value| <$type as super::value::Plain>::from_value(value).is_some())),*];
    };
}
pub(super) use table;
