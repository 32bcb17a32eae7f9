//! Why a command could not do its work, with what to do about it.

use std::fmt;
use std::io::{self, Write as _};

use requires_auth::ConfigError;
use requires_auth::error::ConfigProblem;
use requires_auth::guard::KeysUnavailable;

use crate::logging::{self, Escape};
use crate::output::{BAD, GOOD, printable};

/// A mistake in usage or configuration, or work that could not be done: exit 2.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hints: Vec<String>,
    /// Where it is of several mistakes: each, with the hint that it has alone.
    mistakes: Vec<(String, Option<String>)>,
    is_silent: bool,
}

impl Failure {
    /// A failure with its message: lower case, no final period.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), mistakes: Vec::new(), is_silent: false }
    }

    /// With one more line on what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// All of these in one, each hint once.
    pub(crate) fn all(failures: Vec<Self>) -> Self {
        let messages: Vec<_> = failures.iter().map(|failure| failure.message.as_str()).collect();
        let mut all = Self::new(messages.join("\n"));
        all.mistakes = failures.iter().flat_map(Self::apart).collect();
        for hint in failures.into_iter().flat_map(|failure| failure.hints) {
            if !all.hints.contains(&hint) {
                all.hints.push(hint);
            }
        }
        all
    }

    /// Each mistake in a line without breaks, and its hint, for a log.
    pub(crate) fn apart(&self) -> Vec<(String, Option<String>)> {
        if !self.mistakes.is_empty() {
            return self.mistakes.clone();
        }
        let hint = (!self.hints.is_empty()).then(|| self.hints.join("; "));
        vec![(self.message.clone(), hint)]
    }

    /// The message and its hints in one text.
    pub(crate) fn told(&self) -> String {
        let hints = self.hints.iter().map(|hint| format!("; {hint}"));
        std::iter::once(self.message.clone()).chain(hints).collect()
    }

    /// Writes it to stderr, each hint on a line of its own.
    pub(crate) fn print(&self) {
        if self.is_silent {
            return;
        }
        if logging::is_json() {
            for (problem, hint) in self.apart() {
                logging::tell("ERROR", &problem);
                if let Some(hint) = hint {
                    logging::tell("ERROR", &format!("hint: {hint}"));
                }
            }
            return;
        }
        // It may have words of an issuer or of a file in it. Its lines are its own.
        let shown = |text: &str| Escape::Text.all_but(text, |c| c == '\n').into_owned();
        let mut stderr = anstream::stderr().lock();
        // Where stderr is closed there is nobody to tell.
        writeln!(stderr, "{BAD}error:{BAD:#} {}", shown(&self.message)).ok();
        for hint in &self.hints {
            writeln!(stderr, "{GOOD}hint:{GOOD:#} {}", shown(hint)).ok();
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The mistakes of a file, one after the other, each with its line.
pub(crate) fn located(error: &ConfigError) -> Failure {
    let problems: Vec<_> = error.problems().iter().map(ToString::to_string).collect();
    let mut failure = Failure::new(problems.join("\n"));
    failure.mistakes = error.problems().iter().map(apart).collect();
    let any = |holds: &dyn Fn(&ConfigProblem) -> bool| error.problems().iter().any(holds);
    if any(&|problem| problem.field() == "file") {
        return failure.hint("begin a file with `requires-auth config init FILE`");
    }
    if any(&|problem| problem.found().contains("${")) {
        return failure.hint("nothing like `${NAME}` is filled in: write the value itself");
    }
    failure
}

/// Each issuer whose keys could not be fetched, with what to do about it.
pub(crate) fn unreached(unavailable: &KeysUnavailable) -> Vec<Failure> {
    let failures = unavailable.failures().map(|(issuer, failure)| {
        let message = format!("the keys of {issuer} could not be fetched: {failure}");
        Failure::new(printable(&message)).hint(failure.hint())
    });
    failures.collect()
}

/// A mistake without its hint, and that.
fn apart(problem: &ConfigProblem) -> (String, Option<String>) {
    let (whole, hint) = (problem.to_string(), problem.hint());
    let end = format!("\n  hint: {hint}");
    (whole.strip_suffix(&end).unwrap_or(&whole).to_owned(), Some(hint.to_owned()))
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let describe = |problem: &ConfigProblem| {
            format!("{}: expected {}, found {}", problem.field(), problem.expected(), problem.found())
        };
        let problems: Vec<_> = error.problems().iter().map(describe).collect();
        let failure = Self::new(problems.join("\n       "));
        error.problems().iter().fold(failure, |failure, problem| failure.hint(problem.hint()))
    }
}

/// Writing to stdout failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        // Who reads through `head` and has had enough wants no message.
        let is_silent = error.kind() == io::ErrorKind::BrokenPipe;
        Self { is_silent, ..Self::new(format!("the output could not be written: {error}")) }
    }
}
