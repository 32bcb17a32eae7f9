//! Settings of the environment: each is the text of a variable, and an empty one is as good as none.

use std::ffi::{OsStr, OsString};

use super::given::Given;
use super::nearest::nearest;
use super::row::{PREFIX, Scope, Setting, variable_of};
use super::table::ALL;
use super::text::Notation;
use super::value::{Table, Value};
use crate::error::ConfigProblem;

/// Variables that begin like a setting, and are none: of the commands, of Django's settings and of the tests.
const OTHERS: [&str; 4] = ["TOKEN", "BIN", "USER", "EXEMPT"];

/// What the variables of the environment choose.
///
/// ```
/// use requires_auth::settings::Variables;
///
/// let variables = [("REQUIRES_AUTH_LEEWAY", "10s"), ("REQUIRES_AUTH_AUDIANCE", "https://api.example.com")];
/// let read = Variables::read(variables.map(|(name, value)| (name.into(), value.into())));
/// assert_eq!(read.values().count(), 1);
/// assert!(read.warnings()[0].contains("did you mean REQUIRES_AUTH_AUDIENCE?"));
/// ```
#[derive(Debug, Default)]
pub struct Variables {
    /// For the guard.
    pub(crate) guard: Given,
    /// For its one issuer.
    pub(crate) issuer: Given,
    /// Variables whose text is not a value of their setting.
    pub(crate) problems: Vec<ConfigProblem>,
    /// One sentence for each variable that nothing reads, or that has a new name.
    pub(crate) warnings: Vec<String>,
}

impl Variables {
    /// Reads the variables, in the order of their names.
    pub fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut own: Vec<_> = variables.into_iter().filter_map(own_variable).collect();
        own.sort();
        let mut environment = Self::default();
        for (name, value) in own {
            environment.variable(&name, &value);
        }
        environment
    }

    /// Every setting that a variable chooses, with its value and the name of the variable.
    pub fn values(&self) -> impl Iterator<Item = (&'static Setting, &Value, &str)> {
        let given = [&self.issuer, &self.guard].into_iter();
        let all = given.flat_map(|given| given.iter().map(move |(setting, value)| (given, setting, value)));
        all.filter_map(|(given, setting, value)| Some((setting, value, given.name(setting.key)?)))
    }

    /// Variables whose text is not a value of their setting.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// One sentence for each variable that nothing reads, or that has a new name.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Reads the variable of a member of a table, if it is one: `REQUIRES_AUTH_INTROSPECTION_CLIENT_ID`.
    fn member(&mut self, name: &str, key: &str, value: &OsStr) -> bool {
        let Some((setting, member)) = member_of(key) else { return false };
        let text = value
            .to_str()
            .ok_or_else(|| member.kind.mismatch(Notation::Environment, "bytes that are not UTF-8", None));
        match text.and_then(|text| member.kind.parse(text)) {
            Ok(value) => {
                let given = if setting.scope == Scope::Issuer { &mut self.issuer } else { &mut self.guard };
                let mut table = match given.value(setting) {
                    Some(Value::Table(table)) => table.clone(),
                    _ => Table::default(),
                };
                table.put(member, value);
                given.put(setting, Value::Table(table), Some(variable_of(setting.key)));
            }
            Err(mismatch) => self.problems.push(mismatch.problem(setting.key).named(name)),
        }
        true
    }

    fn variable(&mut self, name: &str, value: &OsStr) {
        let key = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase();
        if self.member(name, &key, value) {
            return;
        }
        let setting = ALL.iter().find(|setting| setting.is_called(&key)).copied();
        let Some(setting) = setting.filter(|setting| setting.is_in_environment()) else {
            self.warnings.extend(unknown(name, &key));
            return;
        };
        if setting.key != key {
            self.warnings
                .push(format!("{name} is now called {}; the old name is still read", setting.variable()));
        }
        let given = if setting.scope == Scope::Issuer { &mut self.issuer } else { &mut self.guard };
        if let Some(other) = given.name(setting.key).filter(|other| *other != name) {
            let found = format!("this beside {other}");
            let problem = ConfigProblem::new(setting.key, found, "one of the two", "unset the older name");
            self.problems.push(problem.named(name));
            return;
        }
        let text = value
            .to_str()
            .ok_or_else(|| setting.kind.mismatch(Notation::Environment, "bytes that are not UTF-8", None));
        match text.and_then(|text| setting.kind.parse(text)) {
            Ok(value) => given.put(setting, value, Some(name.to_owned())),
            Err(mismatch) => self.problems.push(mismatch.problem(setting.key).named(name)),
        }
    }
}

/// The setting that is a table and the member of it that a variable names.
fn member_of(key: &str) -> Option<(&'static Setting, &'static Setting)> {
    ALL.iter().copied().find_map(|setting| {
        let rest = key.strip_prefix(setting.key)?.strip_prefix('_')?;
        setting.members().iter().find(|member| member.is_called(rest)).map(|member| (setting, *member))
    })
}

/// A variable that may be a setting, and is not empty.
fn own_variable((name, value): (OsString, OsString)) -> Option<(String, OsString)> {
    let name = name.into_string().ok()?;
    (name.starts_with(PREFIX) && !value.is_empty()).then_some((name, value))
}

/// What to say of a variable that is not a setting; nothing of one that something else reads.
fn unknown(name: &str, key: &str) -> Option<String> {
    let readable = |setting: &&&Setting| setting.is_in_environment();
    if OTHERS.iter().any(|other| other.eq_ignore_ascii_case(key)) {
        return None;
    }
    if ALL.iter().any(|setting| setting.is_called(key)) {
        return Some(format!("{name} is not read: `{key}` is given in code or in a file"));
    }
    let plain = ALL.iter().filter(readable).map(|setting| setting.key.to_owned());
    let of_table = |setting: &&'static Setting| {
        let of_member = |member: &&Setting| format!("{}_{}", setting.key, member.key);
        setting.members().iter().map(of_member).collect::<Vec<_>>()
    };
    let names: Vec<_> = plain.chain(ALL.iter().flat_map(of_table)).collect();
    let close = nearest(key, names.iter().map(String::as_str));
    let hint = close.map_or_else(
        || "the settings are listed in docs/reference/settings.md".to_owned(),
        |close| format!("did you mean {}?", variable_of(close)),
    );
    Some(format!("{name} is not a setting of requires-auth, and is ignored: {hint}"))
}
