//! The values that are chosen for a guard or for one issuer; what is not chosen has its default.

use std::collections::BTreeMap;
use std::time::Duration;

use super::row::{Key, Kind, Limits, Setting};
use super::table::find;
use super::value::{Plain, Value};
use crate::error::ConfigProblem;

/// Chosen values by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given(BTreeMap<&'static str, Entry>);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    value: Value,
    /// How the setting is called where it was chosen, if not by its key.
    named: Option<Box<str>>,
}

impl Given {
    /// The chosen value.
    pub(crate) fn get<T: Plain>(&self, key: Key<T>) -> Option<T> {
        self.value(key.setting).and_then(T::from_value)
    }

    /// The chosen value, or that of the table.
    pub(crate) fn duration(&self, key: Key<Duration>) -> Duration {
        self.get(key)
            .unwrap_or_else(|| Duration::from_secs(limits(key.setting).map_or(0, |limits| limits.default)))
    }

    /// The chosen value, or that of the table.
    pub(crate) fn count(&self, key: Key<usize>) -> usize {
        let default =
            || limits(key.setting).map(|limits| usize::try_from(limits.default).unwrap_or(usize::MAX));
        self.get(key).or_else(default).unwrap_or_default()
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, key: Key<bool>) -> bool {
        self.get(key).unwrap_or(matches!(key.setting.kind, Kind::SwitchedOn))
    }

    pub(crate) fn value(&self, setting: &Setting) -> Option<&Value> {
        self.0.get(setting.key).map(|entry| &entry.value)
    }

    /// How the setting was called where it was chosen.
    pub(crate) fn name(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|entry| entry.named.as_deref())
    }

    /// Chooses a value, by code.
    pub(crate) fn set<T: Plain>(&mut self, key: Key<T>, value: T) {
        self.put(key.setting, value.into_value(), None);
    }

    pub(crate) fn put(&mut self, setting: &Setting, value: Value, named: Option<String>) {
        let named = named.map(String::into_boxed_str);
        // The table's own key lives for ever.
        if let Some(own) = find(setting.key) {
            self.0.insert(own.key, Entry { value, named });
        }
    }

    /// Chooses a value, or leaves it to its default.
    #[cfg(feature = "config")]
    pub(crate) fn choose<T: Plain>(&mut self, key: Key<T>, value: Option<T>) {
        match value {
            Some(value) => self.set(key, value),
            None => drop(self.0.remove(key.setting.key)),
        }
    }

    /// Chosen settings in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Value)> {
        self.0.iter().filter_map(|(key, entry)| Some((find(key)?, &entry.value)))
    }

    /// Numbers that are less or more than the table allows.
    pub(crate) fn check_limits(&self) -> Vec<ConfigProblem> {
        let check = |(setting, value): (&'static Setting, &Value)| {
            let limits = limits(setting)?;
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
            (!fits).then(|| ConfigProblem::new(setting.key, found, limits.expected, limits.hint))
        };
        self.iter().filter_map(check).collect()
    }
}

const fn limits(setting: &Setting) -> Option<Limits> {
    match setting.kind {
        Kind::Duration(limits) | Kind::Count(limits) => Some(limits),
        _ => None,
    }
}
