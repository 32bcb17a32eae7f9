//! A secret of a setting that is a table, read from the one place that the table names: itself, a variable of the
//! environment, or a file. No text of a secret is in a problem.

use std::path::{Path, PathBuf};

use crate::error::{ConfigProblem, quoted};
use crate::file::RegularFile;
use crate::settings::{Key, Secret, Table};

/// A secret may be this long.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The ways to give one secret: `NAME`, `NAME_env` and `NAME_file`.
pub(crate) struct SecretPlaces {
    /// The setting that problems are told of.
    pub(crate) field: &'static str,
    /// The name of the secret.
    pub(crate) what: &'static str,
    pub(crate) itself: Key<Secret>,
    pub(crate) variable: Key<String>,
    pub(crate) file: Key<PathBuf>,
}

impl SecretPlaces {
    /// The secret; `None` if none of the members is chosen.
    ///
    /// # Errors
    ///
    /// Several are chosen, or the one that is has no secret.
    pub(crate) fn read(&self, table: &Table) -> Result<Option<Secret>, ConfigProblem> {
        // An empty text is what code reads from a variable that is not set.
        let itself = table.get(self.itself).filter(|secret| !secret.text().is_empty());
        let (variable, file) = (table.get(self.variable), table.get(self.file));
        let given = [itself.is_some(), variable.is_some(), file.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            let found = format!("several places for {}", self.what);
            return Err(self.problem(found, "one of them", "keep the place that has the secret"));
        }
        match (itself, variable, file) {
            (Some(secret), ..) => Ok(Some(secret)),
            (_, Some(name), _) => self.of_variable(&name).map(Some),
            (.., Some(path)) => self.of_file(&path).map(Some),
            (None, None, None) => Ok(None),
        }
    }

    fn of_variable(&self, name: &str) -> Result<Secret, ConfigProblem> {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.map(Secret::new).ok_or_else(|| {
            // A name that looks like a secret is one that stands in the wrong place.
            let is_name = name.len() <= 64
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
            let shown =
                if is_name { quoted(name) } else { "a name that is not that of a variable".to_owned() };
            let found = format!("{}_env: {shown}, which is not set", self.what);
            let hint = "set the variable to the secret; the file names the variable alone";
            self.problem(found, "a variable of the environment", hint)
        })
    }

    /// The text of a file without the line break that an editor puts at its end.
    fn of_file(&self, path: &Path) -> Result<Secret, ConfigProblem> {
        let read = RegularFile::open(path).and_then(|file| file.read(MAX_SECRET_BYTES));
        let shown = quoted(&path.display().to_string());
        let bytes = read.map_err(|cause| {
            let found = format!("{}_file {shown}: {cause}", self.what);
            let hint = "a path in a configuration file is relative to its folder";
            self.problem(found, "a readable file", hint)
        })?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let found = format!("{}_file {shown}: bytes that are not UTF-8", self.what);
            self.problem(found, "a text", "write the secret into the file as text")
        })?;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            let found = format!("{}_file {shown}: an empty file", self.what);
            return Err(self.problem(found, "a secret", "write the secret into the file"));
        }
        Ok(Secret::new(text))
    }

    fn problem(
        &self,
        found: impl Into<String>,
        expected: &'static str,
        hint: impl Into<String>,
    ) -> ConfigProblem {
        ConfigProblem::new(self.field, found, expected, hint)
    }
}
