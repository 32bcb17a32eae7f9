//! The values that are chosen for a guard or for one issuer; what is not chosen has its default.

use std::collections::BTreeMap;
use std::time::Duration;

use super::row::{Key, Setting};
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
        self.get(key).unwrap_or_else(|| key.setting.default_duration())
    }

    /// The chosen value, or that of the table.
    pub(crate) fn count(&self, key: Key<usize>) -> usize {
        self.get(key).unwrap_or_else(|| key.setting.default_count())
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, key: Key<bool>) -> bool {
        self.get(key).unwrap_or(key.setting.default_switch())
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
            None => self.forget(key.setting),
        }
    }

    /// Leaves a setting to its default.
    pub(crate) fn forget(&mut self, setting: &Setting) {
        self.0.remove(setting.key);
    }

    /// Chosen settings in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Value)> {
        self.0.iter().filter_map(|(key, entry)| Some((find(key)?, &entry.value)))
    }

    /// Numbers that are less or more than the table allows.
    pub(crate) fn check_limits(&self) -> Vec<ConfigProblem> {
        let check = |(setting, value): (&'static Setting, &Value)| {
            let (found, limits) = setting.beyond_limits(value)?;
            Some(ConfigProblem::new(setting.key, found, limits.expected, limits.hint))
        };
        self.iter().filter_map(check).collect()
    }
}
