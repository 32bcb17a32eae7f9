//! Settings that are a table of their own: the values of its members.

use std::time::Duration;

use super::row::{Key, Kind, Limits, Setting};
use super::value::{Plain, Table, Value};
use crate::error::ConfigProblem;

impl Table {
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
        self.get(key)
            .unwrap_or_else(|| Duration::from_secs(limits(key.setting).map_or(0, |limits| limits.default)))
    }

    /// The chosen number, or that of the row.
    pub(crate) fn count(&self, key: Key<usize>) -> usize {
        let default =
            || limits(key.setting).map(|limits| usize::try_from(limits.default).unwrap_or(usize::MAX));
        self.get(key).or_else(default).unwrap_or_default()
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, key: Key<bool>) -> bool {
        self.get(key).unwrap_or(false)
    }

    /// Members whose numbers are less or more than their rows allow, as problems of the setting `field`.
    pub(crate) fn check_limits(
        &self,
        field: &'static str,
        members: &'static [&'static Setting],
    ) -> Vec<ConfigProblem> {
        let check = |member: &&'static Setting| {
            let limits = limits(member)?;
            let number = match self.value(member.key)? {
                Value::Duration(duration) => {
                    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
                }
                Value::Count(count) => *count,
                _ => return None,
            };
            let fits = (limits.least..=limits.most).contains(&number);
            let found = format!("{} {number}", member.key);
            (!fits).then(|| ConfigProblem::new(field, found, limits.expected, limits.hint))
        };
        members.iter().filter_map(check).collect()
    }
}

const fn limits(setting: &Setting) -> Option<Limits> {
    match setting.kind {
        Kind::Duration(limits) | Kind::Count(limits) => Some(limits),
        _ => None,
    }
}
