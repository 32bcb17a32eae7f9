//! `requires-auth conformance`: judges the guard of any API, whatever it is written in, by what it answers.

mod craft;
mod mint;
mod case;
mod cases;
mod challenge;
mod profile;
mod curl;
mod args;
mod send;
mod judge;
mod bait;
mod report;
mod run;
mod not_judged;
mod refusal;
mod ready;
mod setup;

#[cfg(test)]
mod weak_guards;

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;

pub(crate) use self::args::ConformanceArgs;
use self::case::Case;
use self::judge::Grade;
use self::not_judged::NOT_JUDGED;
use self::profile::Profile;
use self::ready::ready;
use self::report::{Report, Skipped, html, json, junit, table};
use self::run::{Runner, run};
use self::setup::{Prepared, prepare};
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::output::{BAD, DIM, GOOD, print_json, say};
use crate::runtime::{block_on, stop_signal};

impl ConformanceArgs {
    /// Runs `conformance`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let cases = self.cases()?;
        let Some(url) = self.url.as_deref().filter(|_| !self.list) else {
            return list(self.profile, &cases);
        };
        // Names and passwords in a URL would be credentials beside those of the cases.
        let is_usable = |url: &Url| {
            ["http", "https"].contains(&url.scheme()) && url.username().is_empty() && url.password().is_none()
        };
        let url = Url::parse(url).ok().filter(is_usable).ok_or_else(|| {
            Failure::new("the URL is not one of http or https without a user")
                .hint("write http://127.0.0.1:8000/api/items")
        })?;
        block_on(async {
            let Prepared { runner, issuer } = prepare(&self, url).await?;
            self.announce(&runner, issuer.is_some());
            ready(&runner, Duration::from_secs(self.wait)).await?;
            let runner = Arc::new(runner);
            let outcome = if self.case.is_empty() {
                self.judge(&runner, &cases, context).await
            } else {
                self.show(&runner, &cases, issuer.is_some(), context).await
            };
            if let Some(issuer) = issuer {
                if self.keep && outcome.is_ok() {
                    say(&format!("{DIM}the issuer goes on; ctrl-c stops it{DIM:#}"));
                    stop_signal()?.await;
                }
                issuer.shutdown().await;
            }
            outcome
        })?
    }

    fn announce(&self, runner: &Runner, is_running: bool) {
        let setup = &runner.setup;
        let how = if is_running { "runs here" } else { "is not run here" };
        say(&format!("{DIM}issuer{DIM:#}    {} ({how})", setup.issuer));
        say(&format!("{DIM}audience{DIM:#}  {}", setup.audience));
        if self.wait > 0 {
            say(&format!("{DIM}waiting up to {} s for {}{DIM:#}", self.wait, setup.url));
        }
    }

    /// Judges all cases and writes the reports.
    async fn judge(
        &self,
        runner: &Arc<Runner>,
        cases: &[&'static Case],
        context: &Context,
    ) -> Result<Outcome, Failure> {
        let setup = &runner.setup;
        let missing = |case: &Case| case.needs.missing(&setup.scope, setup.forge.key().algorithm());
        let (judged, left): (Vec<_>, Vec<_>) =
            cases.iter().copied().partition(|case| missing(case).is_none());
        let (total, is_terminal) = (judged.len(), io::stderr().is_terminal());
        say(&format!("judging {total} cases of the profile {}", self.profile.name()));
        let progress = |done: usize, name: &str| {
            if is_terminal {
                // Where stderr is closed there is nobody to tell.
                write!(io::stderr(), "\r\x1b[K{done}/{total} {name}").ok();
            }
        };
        let rows = run(runner, &judged, self.parallel.into(), progress).await?;
        if is_terminal {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
        let skipped = left.iter().map(|case| Skipped {
            what: case.name.to_owned(),
            why: missing(case).unwrap_or_default(),
            is_general: false,
        });
        let report = Report {
            url: setup.url.to_string(),
            profile: self.profile.name(),
            issuer: setup.issuer.clone(),
            audience: setup.audience.clone(),
            algorithm: setup.forge.key().algorithm().name(),
            scope: setup.scope.clone(),
            rows,
            not_judged: skipped.chain(generally(self.profile)).collect(),
        };
        self.tell(&report, context)?;
        Ok(Outcome::from(report.count(Grade::Right) == report.rows.len()))
    }

    fn tell(&self, report: &Report, context: &Context) -> Result<(), Failure> {
        let value = json::value(report);
        write(self.json.as_deref(), || format!("{value:#}\n"))?;
        write(self.junit.as_deref(), || junit::text(report))?;
        write(self.html.as_deref(), || html::text(report))?;
        match context.format {
            Format::Json => print_json(&value)?,
            Format::Text => table::print(report, &self.again(&report.url), &mut anstream::stdout().lock())?,
        }
        if self.signing_key.is_none() && report.findings().next().is_some() {
            say(&format!("{DIM}{FRESH_KEY}{DIM:#}"));
        }
        Ok(())
    }

    /// Judges single cases, and shows each with its request.
    async fn show(
        &self,
        runner: &Runner,
        cases: &[&'static Case],
        is_ours: bool,
        context: &Context,
    ) -> Result<Outcome, Failure> {
        let mut all_right = true;
        for case in cases {
            let (row, attempt) = runner.row(case).await;
            all_right &= row.grade == Grade::Right;
            match context.format {
                Format::Json => print_json(&row)?,
                Format::Text => {
                    let mut out = anstream::stdout().lock();
                    table::finding(&row, &self.again(runner.setup.url.as_str()), &mut out)?;
                    if is_ours {
                        writeln!(out, "{}", curl::line(&attempt))?;
                    } else {
                        writeln!(out, "{DIM}(no curl line: the token is signed by your own key){DIM:#}")?;
                    }
                }
            }
        }
        Ok(Outcome::from(all_right))
    }
}

/// What stands below findings whose key nobody has kept.
const FRESH_KEY: &str = "\
to repeat a case, restart the API, as each run has a fresh key; --signing-key issuer.pem --new-key keeps it
for later runs, also where the API remembers the keys";

/// What no run of this profile judges.
fn generally(profile: Profile) -> impl Iterator<Item = Skipped> {
    let rows: Vec<_> = profile.cases().map(|case| case.row).collect();
    NOT_JUDGED.iter().filter(move |own| !own.rows.iter().all(|row| rows.contains(row))).map(|own| Skipped {
        what: format!("{} ({})", own.what, own.rows.join(", ")),
        why: own.why,
        is_general: true,
    })
}

fn list(profile: Profile, cases: &[&'static Case]) -> Result<Outcome, Failure> {
    let mut out = anstream::stdout().lock();
    let width = cases.iter().map(|case| case.name.len()).max().unwrap_or_default();
    for case in cases {
        let style = if case.expect == case::Expect::Accept { GOOD } else { BAD };
        let name = case.name;
        writeln!(out, "{style}{name:width$}{style:#}  {}, {}: {}", case.rule, case.level.name(), case.about)?;
    }
    writeln!(out, "\n{DIM}not judged{DIM:#}")?;
    for own in generally(profile) {
        writeln!(out, "  {}: {}", own.what, own.why)?;
    }
    Ok(Outcome::Allow)
}

fn write(file: Option<&Path>, text: impl FnOnce() -> String) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    fs::write(file, text())
        .map_err(|error| Failure::new(format!("the report `{}` cannot be written: {error}", file.display())))
}
