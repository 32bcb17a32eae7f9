//! Settings that are a table of their own: the values of its members.

use std::time::Duration;

use super::row::{Key, Setting};
use super::value::{Plain, Table, Value};
use crate::error::ConfigProblem;

impl Table {
    /// A table of one member.
    pub fn of(member: &'static Setting, value: Value) -> Self {
        let mut table = Self::default();
        table.put(member, value);
        table
    }

    /// The chosen value of a member.
    /// `None` if it is not chosen. The default is not filled in.
    pub fn get<T: Plain>(&self, key: Key<T>) -> Option<T> {
        self.value(key.setting.key).and_then(T::from_value)
    }

    /// Chooses the value of a member.
    pub fn set<T: Plain>(&mut self, key: Key<T>, value: T) {
        self.put(key.setting, value.into_value());
    }

    /// Chooses the value of a member by its row.
    /// The value has to be of the type of the row's kind; one of another type counts as not chosen.
    pub fn put(&mut self, member: &'static Setting, value: Value) {
        self.insert(member.key, value);
    }

    /// The chosen time, or that of the row.
    pub(crate) fn duration(&self, key: Key<Duration>) -> Duration {
        self.get(key).unwrap_or_else(|| key.setting.default_duration())
    }

    /// The chosen number, or that of the row.
    pub(crate) fn count(&self, key: Key<usize>) -> usize {
        self.get(key).unwrap_or_else(|| key.setting.default_count())
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, key: Key<bool>) -> bool {
        self.get(key).unwrap_or(key.setting.default_switch())
    }

    /// Members whose numbers are less or more than their rows allow, as problems of the setting `field`.
    pub(crate) fn check_limits(
        &self,
        field: &'static str,
        members: &'static [&'static Setting],
    ) -> Vec<ConfigProblem> {
        let check = |member: &&'static Setting| {
            let (found, limits) = member.beyond_limits(self.value(member.key)?)?;
            let found = format!("{} {found}", member.key);
            Some(ConfigProblem::new(field, found, limits.expected, limits.hint))
        };
        members.iter().filter_map(check).collect()
    }
}
