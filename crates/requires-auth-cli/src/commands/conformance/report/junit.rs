//! The report as JUnit writes it, for servers that run tests: a suite for each section, a failure for each finding.

use std::fmt::Write as _;

use super::{Report, Row};
use crate::commands::conformance::judge::Grade;

/// The XML document.
pub(crate) fn text(report: &Report) -> String {
    let failed = report.rows.len() - report.count(Grade::Right);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{}\">\n",
        escaped(&format!("{} of {}", report.profile, report.url)),
        report.rows.len() + report.not_judged.len(),
        report.not_judged.len(),
    );
    for (rule, [right, wrong, dangerous]) in report.sections() {
        // Writing to a string cannot fail.
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">",
            escaped(rule),
            right + wrong + dangerous,
            wrong + dangerous
        );
        for row in report.rows.iter().filter(|row| row.rule == rule) {
            case(&mut xml, row);
        }
        xml.push_str("  </testsuite>\n");
    }
    let skipped = report.not_judged.len();
    let _ = writeln!(xml, "  <testsuite name=\"not judged\" tests=\"{skipped}\" skipped=\"{skipped}\">");
    for own in &report.not_judged {
        let _ = writeln!(
            xml,
            "    <testcase classname=\"not judged\" name=\"{}\"><skipped message=\"{}\"/></testcase>",
            escaped(&own.what),
            escaped(own.why)
        );
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, row: &Row) {
    let (class, name) = (escaped(row.rule), escaped(row.name));
    let _ = match &row.what {
        None => writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\"/>"),
        Some(what) => writeln!(
            xml,
            "    <testcase classname=\"{class}\" name=\"{name}\">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
            row.grade.name(),
            escaped(what),
            escaped(&format!("{}\nsent: {}\nanswered: {}", row.about, row.sent, row.answered))
        ),
    };
}

/// Text within an element or a quoted attribute; characters that XML cannot have become `?`.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' | '\t' => xml.push(letter),
            control if control < ' ' || matches!(control, '\u{fffe}' | '\u{ffff}') => xml.push('?'),
            other => xml.push(other),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn each_finding_is_a_failure() {
        let xml = text(&example());
        assert_eq!(xml.matches("<failure ").count(), 2);
        assert_eq!(xml.matches("<testcase ").count(), 4);
        assert_eq!(xml.matches("<testsuite ").count(), xml.matches("</testsuite>").count());
        assert!(xml.contains("type=\"dangerous\" message=\"it is accepted with 200\""));
        assert!(xml.contains("<testsuites name=\"bearer of http://127.0.0.1:1/&lt;api&gt;\" tests=\"4\" failures=\"2\" skipped=\"1\">"));
    }

    #[test]
    fn nothing_of_an_answer_is_markup() {
        let xml = text(&example());
        assert!(!xml.contains("<script>") && !xml.contains("<api>") && !xml.contains("a & b"), "{xml}");
        assert_eq!(escaped("a\u{1b}\u{0}b\u{ffff}"), "a??b?");
    }
}
