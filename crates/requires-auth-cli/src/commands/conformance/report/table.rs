//! The report for a terminal.

use std::io::{self, Write};

use super::{Report, Row};
use crate::commands::conformance::judge::Grade;
use crate::output::{BAD, CARE, DIM, GOOD};

/// Writes the sections, the findings, and how many there are.
pub(crate) fn print(report: &Report, again: &str, out: &mut dyn Write) -> io::Result<()> {
    let sections = report.sections();
    let width = sections.iter().map(|(rule, _)| rule.chars().count()).max().unwrap_or_default().max(7);
    writeln!(out, "{DIM}{:width$}  right  wrong  dangerous{DIM:#}", "section")?;
    for (rule, [right, wrong, dangerous]) in sections {
        let style = match (wrong, dangerous) {
            (0, 0) => GOOD,
            (_, 0) => CARE,
            _ => BAD,
        };
        writeln!(out, "{style}{rule:width$}{style:#}  {right:5}  {wrong:5}  {dangerous:9}")?;
    }
    for row in report.findings() {
        writeln!(out)?;
        finding(row, again, out)?;
    }
    writeln!(out)?;
    not_judged(report, out)?;
    writeln!(
        out,
        "{} right, {} wrong, {} dangerous, {} not judged",
        report.count(Grade::Right),
        report.count(Grade::Wrong),
        report.count(Grade::Dangerous),
        report.not_judged.len()
    )
}

/// One case with all that is known of it.
pub(crate) fn finding(row: &Row, again: &str, out: &mut dyn Write) -> io::Result<()> {
    let style = match row.grade {
        Grade::Right => GOOD,
        Grade::Wrong => CARE,
        Grade::Dangerous => BAD,
    };
    let grade = row.grade.name();
    writeln!(out, "{style}{grade}{style:#}  {}  {DIM}{}, {}{DIM:#}", row.name, row.rule, row.level.name())?;
    match &row.what {
        Some(what) => writeln!(out, "  {}: {what}", row.about)?,
        None => writeln!(out, "  {}", row.about)?,
    }
    writeln!(out, "  {DIM}sent{DIM:#}      {}", row.sent)?;
    writeln!(out, "  {DIM}answered{DIM:#}  {}", row.answered)?;
    writeln!(out, "  {DIM}expected{DIM:#}  {}", row.expected)?;
    writeln!(out, "  {DIM}again{DIM:#}     {again} --case {}", row.name)
}

/// What this run could not judge; the rest of the list is long and always the same.
fn not_judged(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for own in report.not_judged.iter().filter(|own| !own.is_general) {
        writeln!(out, "{DIM}not judged: {}: {}{DIM:#}", own.what, own.why)?;
    }
    let general = report.not_judged.iter().filter(|own| own.is_general).count();
    writeln!(out, "{DIM}not judged: {general} subjects that requests cannot show, see --list{DIM:#}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn findings_say_what_was_sent_and_how_to_repeat_it() {
        let mut out = Vec::new();
        print(&example(), "requires-auth conformance http://127.0.0.1:1/", &mut out).expect("memory");
        let text = String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).expect("UTF-8");
        assert!(text.contains("RFC 6750 §2.1        1      1          0"), "{text}");
        assert!(text.contains("dangerous  expired  RFC 7519 §4.1.4, MUST"), "{text}");
        assert!(
            text.contains("again     requires-auth conformance http://127.0.0.1:1/ --case expired"),
            "{text}"
        );
        assert!(text.ends_with("1 right, 1 wrong, 1 dangerous, 1 not judged\n"), "{text}");
    }
}
