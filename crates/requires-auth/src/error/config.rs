//! What is wrong with a configuration.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// One mistake in a configuration: which setting, what was found, what is expected, and what to do.
///
/// Its `Display` is two lines, and a [`ConfigError`] prints them for every problem. The parts are for programs that show
/// them in another way:
///
/// ```
/// use requires_auth::RequiresAuth;
///
/// let error = RequiresAuth::new("tenant-id.logto.app/oidc", "https://api.example").unwrap_err();
/// let problem = &error.problems()[0];
/// assert_eq!(problem.field(), "issuer");
/// assert_eq!(problem.found(), "`tenant-id.logto.app/oidc`");
/// println!("{}: write {}; {}", problem.field(), problem.expected(), problem.hint());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    field: &'static str,
    found: String,
    expected: &'static str,
    hint: String,
    /// The tables that the setting is in, where it has some: `issuers.main.audience`.
    path: Option<Box<str>>,
    /// How the setting is called where it is written, if not by its key: `REQUIRES_AUTH_AUDIENCE`.
    named: Option<Box<str>>,
    place: Option<Box<Place>>,
}

impl ConfigProblem {
    pub(crate) fn new(
        field: &'static str,
        found: impl Into<String>,
        expected: &'static str,
        hint: impl Into<String>,
    ) -> Self {
        Self { field, found: found.into(), expected, hint: hint.into(), path: None, named: None, place: None }
    }

    /// A text around which stands white space, or in which nobody can see all that is there. Such a value never equals
    /// what it looks like; mounted secrets and copied lines often have a line break at their end.
    pub(crate) fn of_unseen(field: &'static str, value: &str) -> Option<Self> {
        let problem = |expected, hint: &str| Some(Self::new(field, quoted(value), expected, hint));
        if value.trim() != value && !value.trim().is_empty() {
            let hint = "cut off what stands before or after the value: a mounted secret or a copied line often has a \
                        line break there";
            return problem("no white space or line break around it", hint);
        }
        if value.chars().any(is_unseen) {
            return problem("no control or invisible characters", "type the value instead of copying it");
        }
        None
    }

    /// The same problem, of a setting within tables.
    pub(crate) fn within(mut self, path: String) -> Self {
        self.path = Some(path.into_boxed_str());
        self
    }

    /// The same problem, of a setting that is called so where it is written.
    pub(crate) fn named(mut self, name: impl Into<Box<str>>) -> Self {
        self.named = Some(name.into());
        self
    }

    /// The same problem, with another hint.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same problem, with something else found.
    pub(crate) fn with_found(mut self, found: impl Into<String>) -> Self {
        self.found = found.into();
        self
    }

    #[cfg(feature = "config")]
    pub(crate) fn at(mut self, file: Arc<str>, line: u32, setting: impl Into<String>) -> Self {
        self.place = Some(Box::new(Place { file, line, setting: setting.into() }));
        self
    }

    /// The setting: `issuer`, `audience`, `leeway`, ... The name is the same wherever the setting comes from.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The setting with the tables that it is in: `issuers.main.audience`. Without tables it is the [`field`](Self::field).
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or(self.field)
    }

    /// The setting as it is called where it is written: the variable `REQUIRES_AUTH_LEEWAY`, or else its key.
    pub fn name(&self) -> &str {
        self.named.as_deref().unwrap_or(self.field)
    }

    /// What was given, as a message shows it: a text in backticks, with invisible characters escaped. Settings that hold
    /// secrets are never echoed.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What kind of value is expected, such as `an https URL`.
    pub const fn expected(&self) -> &'static str {
        self.expected
    }

    /// What to do about it, in the imperative.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Where it is written; `None` for settings that do not come from a file.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }
}

/// A value as a message shows it: in backticks, and with what nobody could see, or a terminal would obey, escaped.
pub(crate) fn quoted(value: &str) -> String {
    format!("`{}`", escaped(value))
}

/// A text with what nobody could see, or a terminal would obey, escaped.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unseen(character) { shown.extend(character.escape_default()) } else { shown.push(character) }
    }
    Cow::Owned(shown)
}

/// Control characters, separators of lines, marks of direction, and what has no width.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
    ) || character.is_control()
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}")?,
            None => f.write_str(self.name())?,
        }
        let Self { found, expected, hint, .. } = self;
        write!(f, ": expected {expected}, found {found}\n  hint: {hint}")
    }
}

/// Where a mistake is written in a configuration file. `Display` is a location that editors and terminals can follow:
/// `auth.toml:7: issuers.main.audience`.
///
/// ```
/// # #[cfg(feature = "config")] {
/// use requires_auth::config::Config;
///
/// let text = r#"
/// [issuers.main]
/// issuer = "https://issuer.example"
/// audience = "https://api.example"
/// jwks_url = "https://issuer.example/keys"
/// "#;
/// let error = Config::parse(text, "auth.toml").unwrap_err();
/// let place = error.problems()[0].place().expect("a file has lines");
/// assert_eq!((place.file(), place.line(), place.setting()), ("auth.toml", 5, "issuers.main.jwks_url"));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    file: Arc<str>,
    line: u32,
    setting: String,
}

impl Place {
    /// The file, as it was named.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, from 1 on; 0 for a file that could not be read at all.
    pub const fn line(&self) -> u32 {
        self.line
    }

    /// The setting with the tables that it is in: `issuers.main.audience`. Empty where no setting could be read.
    pub fn setting(&self) -> &str {
        &self.setting
    }
}

/// `auth.toml:7: issuers.main.audience`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.setting.is_empty() { Ok(()) } else { write!(f, ": {}", self.setting) }
    }
}

/// A configuration that cannot work, with all its problems at once.
///
/// `Debug` is the same text as `Display`, as `main` and `unwrap` print an error with `Debug`. So a server needs no more
/// than `?`:
///
/// ```no_run
/// use requires_auth::{ConfigError, RequiresAuth};
///
/// fn main() -> Result<(), ConfigError> {
///     let auth = RequiresAuth::from_env()?;
///     // Error: the configuration has a problem
///     // issuer: expected an https URL, found nothing
///     //   hint: set REQUIRES_AUTH_ISSUER to the issuer of the tokens, such as https://tenant-id.logto.app/oidc
/// # let _ = auth;
///     Ok(())
/// }
/// ```
///
/// All problems of a configuration are found in one go, so that nobody mends one after the other:
///
/// ```
/// use std::time::Duration;
///
/// use requires_auth::RequiresAuth;
///
/// let builder = RequiresAuth::builder("http://issuer.example", "").with_leeway(Duration::from_secs(3600));
/// let error = builder.build().unwrap_err();
/// let fields: Vec<_> = error.problems().iter().map(|problem| problem.field()).collect();
/// assert_eq!(fields.len(), 3);
/// assert!(["issuer", "audience", "leeway"].iter().all(|field| fields.contains(field)));
/// assert_eq!(format!("{error:?}"), format!("{error}"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// `Err` with all `problems`, or `Ok` if there are none.
    pub(crate) fn unless_empty(problems: Vec<ConfigProblem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// These problems, of which there is at least one.
    #[cfg(any(feature = "config", feature = "redis"))]
    pub(crate) const fn of(problems: Vec<ConfigProblem>) -> Self {
        Self { problems }
    }

    /// Every problem found, in the order of the settings; at least one.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }
}

impl From<ConfigProblem> for ConfigError {
    fn from(problem: ConfigProblem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("the configuration has a problem")?,
            n => write!(f, "the configuration has {n} problems")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n{problem}"))
    }
}

/// The same as `Display`, since `main` and `unwrap` print an error with `Debug`.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_error_shows_every_problem_with_its_hint() {
        let problems = vec![
            ConfigProblem::new("issuer", "`x`", "an https URL", "write https://"),
            ConfigProblem::new("leeway", "999 s", "at most 300 s", "synchronise the clocks"),
        ];
        let error = ConfigError::unless_empty(problems).expect_err("two problems");
        assert_eq!(format!("{error:?}"), error.to_string(), "what `main` and `unwrap` show");
        assert_eq!(
            error.to_string(),
            "the configuration has 2 problems\nissuer: expected an https URL, found `x`\n  hint: write https://\n\
             leeway: expected at most 300 s, found 999 s\n  hint: synchronise the clocks"
        );
    }

    #[test]
    fn what_nobody_can_see_is_a_mistake_and_is_shown() {
        for (value, shown) in [
            ("a\n", "`a\\n`"),
            (" a", "` a`"),
            ("a\u{a0}", "`a\u{a0}`"),
            ("a\u{1b}[2Jb", "`a\\u{1b}[2Jb`"),
            ("a\nb", "`a\\nb`"),
            ("\u{feff}a", "`\\u{feff}a`"),
            ("a\u{202e}b", "`a\\u{202e}b`"),
            ("a\u{200b}b", "`a\\u{200b}b`"),
        ] {
            let problem = ConfigProblem::of_unseen("issuer", value).expect(value);
            assert_eq!(problem.found(), shown);
            assert!(!problem.hint().is_empty());
        }
        for value in ["a", "", "a b", "https://a.example/\u{fc}"] {
            assert_eq!(ConfigProblem::of_unseen("issuer", value), None, "{value}");
        }
    }
}
