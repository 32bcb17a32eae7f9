//! The report as one page that needs nothing else: no script, no font, no picture.

use std::fmt::Write as _;

use super::{Report, Row};
use crate::commands::conformance::judge::Grade;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2128;--paper:#fff;--line:#d5dae1;--dim:#5b6570;--good:#1a6b35;--care:#8a5300;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#e3e7ec;--paper:#14181d;--line:#343b45;--dim:#9aa5b1;--good:#6fcf8d;--care:#f0b45a;--bad:#ff8a80}}\
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:2rem auto;max-width:70rem;padding:0 1rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}\
.n{text-align:right}code{font-size:.9em}dt{color:var(--dim)}dd{margin:0 0 .4rem}section{margin:1rem 0;border-left:4px solid var(--line);padding-left:1rem}\
.right{color:var(--good)}.wrong{color:var(--care)}.dangerous{color:var(--bad)}";

/// The page.
pub(crate) fn text(report: &Report) -> String {
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Conformance of {url}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Conformance of {url}</h1>\n<p>Profile {profile}; tokens of {issuer} for {audience}, signed with {algorithm}.</p>\n\
         <p><strong class=\"right\">{right} right</strong>, <strong class=\"wrong\">{wrong} wrong</strong>, \
         <strong class=\"dangerous\">{dangerous} dangerous</strong></p>\n",
        url = escaped(&report.url),
        profile = report.profile,
        issuer = escaped(&report.issuer),
        audience = escaped(&report.audience),
        algorithm = report.algorithm,
        right = report.count(Grade::Right),
        wrong = report.count(Grade::Wrong),
        dangerous = report.count(Grade::Dangerous),
    );
    sections(&mut html, report);
    if report.findings().next().is_some() {
        html.push_str("<h2>Findings</h2>\n");
    }
    report.findings().for_each(|row| finding(&mut html, row));
    html.push_str(
        "<h2>Not judged</h2>\n<table>\n<tr><th scope=\"col\">what</th><th scope=\"col\">why</th></tr>\n",
    );
    for own in &report.not_judged {
        // Writing to a string cannot fail.
        let _ = writeln!(html, "<tr><td>{}</td><td>{}</td></tr>", escaped(&own.what), escaped(own.why));
    }
    html.push_str("</table>\n</body>\n</html>\n");
    html
}

fn sections(html: &mut String, report: &Report) {
    html.push_str(
        "<h2>By section</h2>\n<table>\n<tr><th scope=\"col\">section</th><th class=\"n\" scope=\"col\">right</th>\
         <th class=\"n\" scope=\"col\">wrong</th><th class=\"n\" scope=\"col\">dangerous</th></tr>\n",
    );
    for (rule, [right, wrong, dangerous]) in report.sections() {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"n\">{right}</td><td class=\"n\">{wrong}</td><td class=\"n\">{dangerous}</td></tr>",
            escaped(rule)
        );
    }
    html.push_str("</table>\n");
}

fn finding(html: &mut String, row: &Row) {
    let _ = writeln!(
        html,
        "<section>\n<h3><span class=\"{grade}\">{grade}</span> <code>{name}</code></h3>\n\
         <p>{about}: {what}.</p>\n<dl><dt>section</dt><dd>{rule}, {level}</dd><dt>sent</dt><dd><code>{sent}</code></dd>\
         <dt>answered</dt><dd><code>{answered}</code></dd><dt>expected</dt><dd>{expected}</dd>\
         <dt>again</dt><dd><code>requires-auth conformance URL --case {name}</code></dd></dl>\n</section>",
        grade = row.grade.name(),
        name = row.name,
        about = escaped(row.about),
        what = escaped(row.what.as_deref().unwrap_or_default()),
        rule = escaped(row.rule),
        level = row.level.name(),
        sent = escaped(&row.sent),
        answered = escaped(&row.answered),
        expected = escaped(&row.expected),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn each_finding_is_told_the_dangerous_first() {
        let html = text(&example());
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} in {html}"));
        assert!(at("--case expired") < at("--case scheme"));
        assert!(!html.contains("--case good-token"));
        assert!(html.contains("<strong class=\"dangerous\">1 dangerous</strong>"));
    }

    #[test]
    fn nothing_of_an_answer_is_markup() {
        let html = text(&example());
        assert!(!html.contains("<script") && !html.contains("<api>") && !html.contains("a & b"), "{html}");
    }
}
