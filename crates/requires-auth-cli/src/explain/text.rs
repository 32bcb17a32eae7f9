//! The report for people: what the token says, the checks, the verdict.

use std::io::{self, Write as _};

use requires_auth::explain::Outcome;

use super::anatomy::Anatomy;
use super::{CheckLine, Explained};
use crate::output::{BAD, DIM, GOOD, print_fields, printable, relative};
use crate::settings::Settings;
use crate::verify::print_denial;

/// What a check found is cut after this many characters, unless it failed.
const MAX_FOUND: usize = 100;

pub(super) fn print(explained: &Explained, token: &str, settings: &Settings, is_verbose: bool) -> io::Result<()> {
    print_anatomy(&Anatomy::of(token), settings)?;
    heading("checks")?;
    for line in &explained.checks {
        print_check(line, is_verbose)?;
    }
    heading("verdict")?;
    match (&explained.denial, &explained.hint) {
        (Some(denial), hint) => print_denial(denial, hint.as_deref().unwrap_or(denial.hint())),
        (None, _) => writeln!(anstream::stdout().lock(), "{GOOD}allowed{GOOD:#}: every check has passed"),
    }
}

fn heading(title: &str) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "\n{DIM}{title}{DIM:#}")
}

fn print_anatomy(anatomy: &Anatomy, settings: &Settings) -> io::Result<()> {
    let parts = [("header", &anatomy.header), ("claims, as the token has them", &anatomy.claims)];
    for (title, part) in parts {
        writeln!(anstream::stdout().lock(), "{DIM}{title}{DIM:#}")?;
        let Some(members) = part else {
            writeln!(anstream::stdout().lock(), "  not readable")?;
            continue;
        };
        let values: Vec<_> = members
            .iter()
            .map(|member| {
                let at = member.moment.map(|moment| format!(" ({})", relative(moment, settings.now())));
                let value = format!("{}{}", printable(&member.value), at.unwrap_or_default());
                (printable(&member.name), value)
            })
            .collect();
        let fields: Vec<_> = values.iter().map(|(name, value)| (&**name, value.as_str().into())).collect();
        print_fields(&fields)?;
    }
    Ok(())
}

fn print_check(line: &CheckLine, is_verbose: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let name = line.check;
    let found = printable(line.found.as_deref().unwrap_or_default());
    let expected = printable(line.expected.as_deref().unwrap_or_default());
    let or_none = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
    match line.outcome {
        Outcome::Failed => {
            writeln!(out, "  {BAD}✗ {name}{BAD:#}")?;
            writeln!(out, "      found     {}", or_none(&found))?;
            writeln!(out, "      expected  {expected}")
        }
        Outcome::Passed if is_verbose => {
            writeln!(out, "  {GOOD}✓{GOOD:#} {name}")?;
            writeln!(out, "      found     {}", or_none(&found))?;
            writeln!(out, "      expected  {expected}")
        }
        Outcome::Passed => writeln!(out, "  {GOOD}✓{GOOD:#} {name:15}{DIM}{}{DIM:#}", shortened(&found)),
        _ => writeln!(out, "  {DIM}· {name:15}not reached{DIM:#}"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_FOUND) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
