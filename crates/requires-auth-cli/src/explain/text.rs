//! The report for people: what the token says, the checks, the verdict.

use std::io::{self, Write as _};

use requires_auth::explain::Outcome;

use super::anatomy::Anatomy;
use super::{CheckLine, Explained};
use crate::output::{BAD, DIM, GOOD, print_fields, printable, relative};
use crate::settings::Settings;
use crate::verify::print_denial;

pub(super) fn print(
    explained: &Explained,
    token: &str,
    settings: &Settings,
    is_verbose: bool,
) -> io::Result<()> {
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
    if anatomy.header.is_none() && anatomy.claims.is_none() {
        return writeln!(
            anstream::stdout().lock(),
            "neither header nor claims are readable: this is no signed JWT"
        );
    }
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
    let (style, mark) = match line.outcome {
        Outcome::Failed => (BAD, '✗'),
        Outcome::Passed => (GOOD, '✓'),
        _ => return writeln!(out, "  {DIM}· {name:14}  not reached{DIM:#}"),
    };
    writeln!(out, "  {style}{mark} {name}{style:#}")?;
    if line.outcome == Outcome::Failed || is_verbose {
        let details = [("found", &line.found), ("expected", &line.expected)];
        for (label, text) in details {
            let text = printable(text.as_deref().filter(|text| !text.is_empty()).unwrap_or("nothing"));
            writeln!(out, "      {DIM}{label:8}{DIM:#}  {text}")?;
        }
    }
    Ok(())
}
