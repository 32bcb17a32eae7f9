//! The report for people: what the token says, the checks, the verdict.

use std::io::{self, Write as _};
use std::time::SystemTime;

use requires_auth::explain::Outcome;

use super::anatomy::Anatomy;
use super::explained::{CheckLine, Explained, Verdict};
use super::unverifiable::Unverifiable;
use crate::output::{BAD, CARE, DIM, GOOD, print_fields, printable, relative};
use crate::verdict::print_denial;

/// What is said of a member of the header that names a key.
const IGNORED: &str = " (ignored: only keys of the issuer count)";

/// What is said of a token that is allowed.
const ALL: &str = "every check has passed";
const ALL_BUT_REVOCATIONS: &str = "every check has passed; revocations are not looked at";
const NONE: &str = "the route is public";

pub(super) fn print(explained: &Explained, token: &str, now: SystemTime, is_verbose: bool) -> io::Result<()> {
    let anatomy = Anatomy::of(token);
    print_anatomy(token, &anatomy, now)?;
    if let Some(name) = &anatomy.name_in_logs {
        writeln!(anstream::stdout().lock(), "\n{DIM}log{DIM:#}  token={name}")?;
    }
    for row in &explained.from_table {
        heading("provider")?;
        let settings =
            if row.settings.is_empty() { "no setting".to_owned() } else { row.settings.join(", ") };
        let title = row.provider.title;
        writeln!(anstream::stdout().lock(), "  {title}; from the table of providers: {settings}")?;
    }
    if let Some(route) = &explained.route {
        heading("route")?;
        writeln!(anstream::stdout().lock(), "  {}", printable(route))?;
    }
    heading("checks")?;
    for line in &explained.checks {
        print_check(line, is_verbose)?;
    }
    heading("verdict")?;
    print_verdict(explained)
}

fn print_verdict(explained: &Explained) -> io::Result<()> {
    let say = |text: String| writeln!(anstream::stdout().lock(), "{text}");
    match &explained.verdict {
        Verdict::Allowed => {
            let checks = if explained.leaves_out_revocations { ALL_BUT_REVOCATIONS } else { ALL };
            say(format!("{GOOD}allowed{GOOD:#}: {}", if explained.is_public { NONE } else { checks }))?;
            if let Some(warning) = &explained.hint {
                print_fields(&[("warning", warning.as_str().into())])?;
            }
        }
        Verdict::Refused(denial) => {
            print_denial(denial, explained.hint.as_deref().unwrap_or(denial.hint()))?;
        }
        Verdict::NotJudged => say(format!("{CARE}not judged{CARE:#}: nothing of this is verified"))?,
    }
    explained.notes.iter().try_for_each(|note| print_fields(&[("note", (*note).into())]))
}

fn heading(title: &str) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "\n{DIM}{title}{DIM:#}")
}

fn print_anatomy(token: &str, anatomy: &Anatomy, now: SystemTime) -> io::Result<()> {
    if anatomy.header.is_none() && anatomy.claims.is_none() {
        let what = match Unverifiable::of(token) {
            Some(Unverifiable::Opaque) => {
                "this is an opaque token: it says nothing by itself, and only its issuer can tell what it is good for"
            }
            _ => "neither header nor claims are readable: this is not a signed JWT",
        };
        return writeln!(anstream::stdout().lock(), "{what}");
    }
    let parts = [("header", &anatomy.header), ("claims, as the token has them", &anatomy.claims)];
    for (title, part) in parts {
        writeln!(anstream::stdout().lock(), "{DIM}{title}{DIM:#}")?;
        let Some(members) = part else {
            writeln!(anstream::stdout().lock(), "  not readable")?;
            continue;
        };
        let is_header = title == "header";
        let values: Vec<_> = members
            .iter()
            .map(|member| {
                let at = member.moment.map(|moment| format!(" ({})", relative(moment, now)));
                let ignored = if is_header && member.is_ignored() { IGNORED } else { "" };
                let value = format!("{}{}{ignored}", printable(&member.value), at.unwrap_or_default());
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
