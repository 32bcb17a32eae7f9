//! `requires-auth check`: what is wrong with a configuration, and whether its own tests hold. It touches no network.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use requires_auth::Profile;
use requires_auth::config::IssuerConfig;
use requires_auth::settings::{PROFILE, REVOCATIONS};
use serde::Serialize;

use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::gateway::config::{Config, IdentitySource, Listen};
use crate::gateway::prepare::Prepared;
use crate::gateway::routes::Sibling;
use crate::gateway::self_test::{TestResult, run_tests};
use crate::output::{BAD, DIM, GOOD, print_json, printable};
use crate::runtime::block_on;

const EXAMPLES: &str = "\
Examples:
  requires-auth check gateway.toml
  requires-auth check gateway.toml --output json

Exit codes: 0 all is well, 1 a test of the file does not hold, 2 the file has mistakes, or
`serve` would not start with the files and variables that it names.";

/// The flags of `check`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// The configuration file
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,
}

impl CheckArgs {
    /// Runs `check`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let prepared = Prepared::read(&self.file, None, None)?;
        let config = &prepared.config;
        let results = block_on(run_tests(config))??;
        let holds = results.iter().all(|result| result.holds);
        match context.format {
            Format::Json => print_json(&serde_json::json!({
                "file": self.file,
                "routes": config.gateway.routes.iter().count(),
                "resources": resources(config),
                "siblings": siblings(config),
                "patterns": patterns(config).collect::<Vec<_>>(),
                "warnings": warnings(config),
                "problems": prepared.problems().iter().map(Failure::told).collect::<Vec<_>>(),
                "tests": results,
                "ok": holds && prepared.problems().is_empty(),
            }))?,
            Format::Text => print_text(&self.file, config, &results)?,
        }
        prepared.can_serve().map_err(|failure| {
            failure.hint("`serve` would not start: where files and variables come later, run `check` there")
        })?;
        Ok(holds.into())
    }
}

fn print_text(file: &Path, config: &Config, results: &[TestResult]) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    let file = file.display();
    for result in results {
        let TestResult { line, request, expected, found, holds } = result;
        let request = printable(request);
        if *holds {
            writeln!(stdout, "{GOOD}ok{GOOD:#}    {file}:{line}: {request} {DIM}{found}{DIM:#}")?;
        } else {
            writeln!(
                stdout,
                "{BAD}FAILED{BAD:#} {file}:{line}: {request}: expected {expected}, got {found}"
            )?;
        }
    }
    for audience in patterns(config) {
        let audience = printable(&audience);
        writeln!(
            stdout,
            "{DIM}note{DIM:#}  {file}: the audience `{audience}` is compared letter for letter: `*` and `{{..}}` stand for \
             nothing else, so name each audience"
        )?;
    }
    for note in notes(config) {
        writeln!(stdout, "{DIM}note{DIM:#}  {file}: {note}")?;
    }
    let siblings = siblings(config);
    for Told { pattern, earlier, path } in siblings.iter().take(SHOWN) {
        writeln!(
            stdout,
            "{DIM}note{DIM:#}  {file}: `{pattern}`: {path:?} is refused, since it may be meant for `{earlier}`: if the application \
             tells them apart, write case = \"exact\" on that route"
        )?;
    }
    if siblings.len() > SHOWN {
        writeln!(
            stdout,
            "{DIM}note{DIM:#}  {file}: and {} others; see --output json",
            siblings.len() - SHOWN
        )?;
    }
    let failed = results.iter().filter(|result| !result.holds).count();
    let (issuers, routes) = (config.guard.issuers.len(), config.gateway.routes.iter().count());
    writeln!(
        stdout,
        "{file}: {issuers} issuer{}{}, {routes} route{}, {} test{}, {failed} failed",
        plural(issuers),
        told(resources(config).len()),
        plural(routes),
        results.len(),
        plural(results.len())
    )?;
    Ok(())
}

/// The URLs of the resources.
fn resources(config: &Config) -> Vec<&str> {
    config.gateway.resources.iter().map(|own| own.url.as_str()).collect()
}

/// How many resources there are, where there are any.
fn told(resources: usize) -> String {
    if resources == 0 { String::new() } else { format!(", {resources} resource{}", plural(resources)) }
}

/// What does not keep the file from being used.
fn warnings(config: &Config) -> Vec<String> {
    let guard = &config.guard;
    guard.warnings().iter().cloned().chain(notes(config)).collect()
}

/// What can hardly be meant.
fn notes(config: &Config) -> impl Iterator<Item = String> {
    let revocations = tokens_without_id(config).into_iter().chain(tokens_that_nobody_ends(config));
    let of_gateway =
        no_server(config).into_iter().chain(config.gateway.without_effect()).chain(folders(config));
    shared_subjects(config).into_iter().chain(unread_places(config)).chain(revocations).chain(of_gateway)
}

/// Folders of sockets that are not there: a service manager often makes them when it starts the gateway.
fn folders(config: &Config) -> impl Iterator<Item = String> {
    let server = config.gateway.server.iter();
    let places = server.flat_map(|server| [Some(&server.listen), server.admin.as_ref()]).flatten();
    places.filter_map(|place| {
        let Listen::Unix(path) = place else { return None };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir())?;
        let folder = folder.display();
        Some(format!("server: there is no folder {folder} yet: `serve` needs it for its socket"))
    })
}

/// A program with a guard of its own needs none, and `serve` can be told where to listen beside the file.
fn no_server(config: &Config) -> Option<String> {
    config.gateway.server.is_none().then(|| {
        "there is no [server]: `serve` needs one, with listen = \"127.0.0.1:9180\", or its flag --listen"
            .to_owned()
    })
}

/// A token is revoked alone by its `jti`, which only RFC 9068 demands.
fn tokens_without_id(config: &Config) -> Option<String> {
    let is_told = config.guard.get(REVOCATIONS).is_some();
    let names: Vec<_> = issuers_of(config, Profile::Jwt).collect();
    (is_told && !names.is_empty()).then(|| {
        format!(
            "revocations: tokens of {} may have no `jti`, and can be revoked by their subject, session or client alone then; \
             profile = \"at+jwt\" makes sure of it",
            names.join(", ")
        )
    })
}

/// The FAPI 2.0 Security Profile wants the revocation of a token to count (§5.3.4).
fn tokens_that_nobody_ends(config: &Config) -> Option<String> {
    let is_told = config.guard.get(REVOCATIONS).is_some();
    let names: Vec<_> = issuers_of(config, Profile::Fapi2).collect();
    (!is_told && !names.is_empty()).then(|| {
        format!(
            "profile fapi2: a token of {} is good until it expires: set `revocations`, or let the issuer make tokens for five \
             minutes at most",
            names.join(", ")
        )
    })
}

/// The names of the issuers with this profile.
fn issuers_of(config: &Config, profile: Profile) -> impl Iterator<Item = &str> {
    let of_guard = config.guard.get(PROFILE);
    let of = move |own: &IssuerConfig| {
        let of_provider = || own.provider().and_then(|provider| provider.profile);
        own.get(PROFILE).or(of_guard).or_else(of_provider).unwrap_or_default()
    };
    config.guard.issuers.iter().filter(move |own| of(own) == profile).map(IssuerConfig::name)
}

/// A provider behind a proxy has its tokens in a place of its own. Where that is not read, all of them are refused.
fn unread_places(config: &Config) -> impl Iterator<Item = String> {
    let guard = &config.guard;
    guard.issuers.iter().filter_map(|issuer| {
        let place = issuer.provider()?.unread_place(&guard.token_places_of(issuer))?;
        let (name, title) = (issuer.name(), issuer.provider()?.title);
        Some(format!(
            "issuers.{name}: tokens of {title} come in `{place}`, which is not read: add it to `token_from`"
        ))
    })
}

/// Users of different issuers may have the same `sub`: an application that is told nothing else takes them for one.
fn shared_subjects(config: &Config) -> Option<String> {
    let issuers = &config.guard.issuers;
    let has_tenants = issuers.iter().any(|issuer| issuer.issuer().contains('{'));
    let has_source = |wanted: &[&str], own: &[IdentitySource]| {
        let is_wanted = |source: &IdentitySource| match source {
            IdentitySource::Claim(path) => wanted.contains(&path.as_str()),
            other => own.contains(other),
        };
        config.gateway.headers.iter().any(|header| is_wanted(&header.source))
    };
    let tells_subject = has_source(&["sub"], &[]);
    let tells_issuer = has_source(&["iss"], &[IdentitySource::IssuerName]) || issuers.len() < 2;
    let tells_tenant = has_source(&["iss", "tid"], &[IdentitySource::Tenant]) || !has_tenants;
    let missing = match (tells_issuer, tells_tenant) {
        (true, true) => return None,
        (false, _) => {
            "several issuers have users of the same `sub`: tell them apart with X-Auth-Issuer = \"@issuer\""
        }
        (true, false) => {
            "several tenants may have users of the same `sub`: tell them apart with X-Auth-Tenant = \"@tenant\""
        }
    };
    tells_subject.then(|| format!("headers: {missing}"))
}

/// Audiences that look like patterns. There are none: a token has to have the same letters.
fn patterns(config: &Config) -> impl Iterator<Item = String> {
    let audiences = config.guard.issuers.iter().flat_map(IssuerConfig::audience);
    audiences.filter(|audience| audience.contains(['*', '{']))
}

/// How many siblings are told one by one.
const SHOWN: usize = 20;

/// Routes some of whose paths are refused because of an earlier one, each with such a path.
#[derive(Serialize)]
struct Told<'c> {
    pattern: &'c str,
    earlier: &'c str,
    path: String,
}

fn siblings(config: &Config) -> Vec<Told<'_>> {
    let told = config.gateway.routes.siblings().map(|Sibling { pattern, earlier, path, .. }| Told {
        pattern: pattern.as_str(),
        earlier: earlier.as_str(),
        path,
    });
    told.collect()
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
