//! What a check has found, and how findings are printed.

use std::io::Write as _;

use serde::Serialize;

use super::checks;
use crate::error::Failure;
use crate::output::{BAD, CARE, DIM, GOOD, printable};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// Worth a look: it works, or nobody can tell from here.
    Warn,
    /// Wrong: the exit code is 1.
    Fail,
    /// Not checked.
    Skip,
}

/// What one check has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// Its name, for programs: `issuer.keys`.
    pub(super) code: &'static str,
    /// The issuer or URL that it is about.
    pub(super) subject: String,
    /// What was seen.
    pub(super) what: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
    /// The section of a standard that rules, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<&'static str>,
}

impl Finding {
    pub(super) fn new(level: Level, code: &'static str, subject: &str, what: impl Into<String>) -> Self {
        debug_assert!(checks::is_known(code), "{code} is not in the table of checks");
        // Most of it comes from servers: it must neither drive the terminal nor fill it.
        let bounded = |text: &str| printable(&text.chars().take(500).collect::<String>()).into_owned();
        Self { level, code, subject: bounded(subject), what: bounded(&what.into()), hint: None, rule: None }
    }

    /// With what to do about it, unless all is well.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        if self.level != Level::Ok {
            self.hint = Some(hint.into());
        }
        self
    }

    /// With the section of a standard that rules.
    pub(super) fn rule(mut self, rule: &'static str) -> Self {
        self.rule = Some(rule);
        self
    }
}

/// Prints a line for each finding, its hint below it, and how many there are of each level.
pub(super) fn print(findings: &[Finding]) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let width = findings.iter().map(|finding| finding.code.len()).max().unwrap_or_default();
    let mut subject = "";
    for finding in findings {
        if finding.subject != subject {
            subject = &finding.subject;
            writeln!(stdout, "{subject}")?;
        }
        let (style, level) = match finding.level {
            Level::Ok => (GOOD, "ok"),
            Level::Warn => (CARE, "warn"),
            Level::Fail => (BAD, "FAIL"),
            Level::Skip => (DIM, "skip"),
        };
        writeln!(stdout, "  {style}{level:4}{style:#}  {:width$}  {}", finding.code, finding.what)?;
        if let Some(hint) = &finding.hint {
            let rule = finding.rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
            writeln!(stdout, "        {:width$}  {DIM}hint: {hint}{rule}{DIM:#}", "")?;
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    writeln!(
        stdout,
        "{} ok, {} to look at, {} failed, {} skipped",
        count(Level::Ok),
        count(Level::Warn),
        count(Level::Fail),
        count(Level::Skip)
    )?;
    Ok(())
}
