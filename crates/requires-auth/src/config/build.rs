//! From a [`Config`] to a guard: what the builder refuses gets its line.

use std::path::Path;

use url::Url;

use super::{Config, ErrorBody, IssuerConfig};
use crate::challenge::BodyFormat;
use crate::error::{ConfigError, ConfigProblem};
use crate::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use crate::file::{MAX_GIVEN_BYTES, RegularFile};
use crate::guard::{Builder, RequiresAuth};
use crate::verify::Audience;

/// An issuer that is right, to find out what is wrong with all else.
const STAND_IN: &str = "https://issuer.invalid";

const PEM_START: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What the builder says of one issuer, and never of all.
const OF_ISSUER: [&str; 5] = ["issuer", "audience", "jwks", "jwks_uri", "discovery_url"];

/// What stands in the files that the settings name.
pub(super) struct Files {
    ca: Option<Vec<u8>>,
    /// In the order of the issuers.
    jwks: Vec<Option<Vec<u8>>>,
}

impl Config {
    /// As [`build`](Self::build). `adjust` adds to the builder what no file can say, for the guard as a whole; it is
    /// called more than once.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_with(&self, adjust: impl Fn(Builder) -> Builder) -> Result<RequiresAuth, ConfigError> {
        let (files, problems) = self.tried(&adjust);
        ConfigError::unless_empty(problems)?;
        adjust(self.builder(&files)).build()
    }

    /// What the files hold, and what is wrong with all that.
    pub(super) fn tried(&self, adjust: &impl Fn(Builder) -> Builder) -> (Files, Vec<ConfigProblem>) {
        let mut problems = Vec::new();
        let files = self.read_files(&mut problems);
        problems.extend(self.problems_of_settings(&files, adjust));
        for (issuer, jwks) in self.issuers.iter().zip(&files.jwks) {
            problems.extend(self.problems_of_issuer(issuer, jwks.as_deref(), adjust));
        }
        (files, problems)
    }

    fn read_files(&self, problems: &mut Vec<ConfigProblem>) -> Files {
        let mut read = |path: &Path, field, setting: &str, expected| {
            let opened = RegularFile::open(path);
            let cause = match opened.and_then(|file| file.read(MAX_GIVEN_BYTES)) {
                Ok(bytes) => return Some(bytes),
                Err(cause) => cause,
            };
            let found = format!("`{}`: {cause}", path.display());
            let hint = "a path is relative to the folder of the configuration file";
            problems.push(self.places.locate(ConfigProblem::new(field, found, expected, hint), setting));
            None
        };
        let ca =
            self.ca.as_deref().and_then(|path| read(path, "ca", "ca", "a readable file of certificates"));
        let jwks = self.issuers.iter().map(|issuer| {
            let setting = issuer.setting("jwks");
            issuer.jwks.as_deref().and_then(|path| read(path, "jwks", &setting, "a readable JWK Set file"))
        });
        let jwks = jwks.collect();
        // Also where nothing is fetched, so that nobody reads them.
        let (ca, is_none) = match ca {
            Some(pem) if memchr::memmem::find(&pem, PEM_START).is_none() => (None, true),
            ca => (ca, false),
        };
        if is_none {
            let hint = "start each with -----BEGIN CERTIFICATE-----";
            let problem = ConfigProblem::new("ca", "no certificate", "certificates in PEM", hint);
            problems.push(self.places.locate(problem, "ca"));
        }
        Files { ca, jwks }
    }

    /// What is wrong with the settings for all issuers.
    fn problems_of_settings(&self, files: &Files, adjust: impl Fn(Builder) -> Builder) -> Vec<ConfigProblem> {
        let builder = self.for_all(RequiresAuth::builder(STAND_IN, STAND_IN), files);
        // Certificates are read by the client that trusts them; without any it need not be made to try.
        let makes_client = cfg!(feature = "fetch") && files.ca.is_some();
        let builder = if makes_client { builder } else { builder.with_fetch(NoFetch) };
        let found = problems(adjust(builder).with_cache(0)).into_iter();
        let of_all = found.filter(|problem| !OF_ISSUER.contains(&problem.field()));
        let locate = |problem: ConfigProblem| match problem.field() {
            "fetch" => problem,
            field => self.places.locate(problem, key_of(field)),
        };
        of_all.map(locate).collect()
    }

    /// What is wrong with one issuer by itself.
    fn problems_of_issuer(
        &self,
        issuer: &IssuerConfig,
        jwks: Option<&[u8]>,
        adjust: impl Fn(Builder) -> Builder,
    ) -> Vec<ConfigProblem> {
        let builder = RequiresAuth::builder(&issuer.issuer, Audience::OneOf(issuer.audience.clone()));
        let builder = issuer.complete(builder, jwks).with_fetch(NoFetch);
        let found = problems(adjust(builder).with_cache(0)).into_iter();
        let is_own = |problem: &ConfigProblem| match problem.field() {
            "algorithms" => issuer.algorithms.is_some(),
            "scope_claims" => issuer.scope_claims.is_some(),
            field => OF_ISSUER.contains(&field),
        };
        let of_issuer = found.filter(is_own);
        let locate = |problem: ConfigProblem| {
            let setting = issuer.setting(key_of(problem.field()));
            self.places.locate(issuer.discreet(&problem), &setting)
        };
        of_issuer.map(locate).collect()
    }

    /// The whole guard.
    pub(super) fn builder(&self, files: &Files) -> Builder {
        let mut issuers = self.issuers.iter().zip(&files.jwks);
        let audience = |issuer: &IssuerConfig| Audience::OneOf(issuer.audience.clone());
        // A configuration has an issuer; without one, the builder says what is missing.
        let mut builder = match issuers.next() {
            Some((first, jwks)) => {
                first.complete(RequiresAuth::builder(&first.issuer, audience(first)), jwks.as_deref())
            }
            None => RequiresAuth::builder("", Audience::OneOf(Vec::new())),
        };
        for (issuer, jwks) in issuers {
            builder = issuer.complete(builder.with_issuer(&issuer.issuer, audience(issuer)), jwks.as_deref());
        }
        builder = self.for_all(builder, files);
        if let Some(entries) = self.cache_entries {
            builder = builder.with_cache(entries);
        }
        match &self.state_file {
            Some(path) => builder.with_state_file(path),
            None => builder,
        }
    }

    /// Adds the settings for all issuers that can be wrong.
    fn for_all(&self, mut builder: Builder, files: &Files) -> Builder {
        if let Some(algorithms) = &self.algorithms {
            builder = builder.with_algorithms(algorithms);
        }
        if let Some(leeway) = self.leeway {
            builder = builder.with_leeway(leeway);
        }
        if let Some(profile) = self.profile {
            builder = builder.with_profile(profile);
        }
        if let Some(paths) = &self.scope_claims {
            builder = builder.with_scope_claims(paths);
        }
        for (scope, implied) in &self.implied_scopes {
            builder = builder.with_implied_scopes(scope, implied);
        }
        if let Some(bytes) = self.max_token_bytes {
            builder = builder.with_max_token_bytes(bytes);
        }
        if let Some(stale) = self.stale {
            builder = builder.with_stale(stale);
        }
        if let Some(pem) = &files.ca {
            builder = builder.with_ca(pem.clone());
        }
        match self.error_body {
            Some(ErrorBody::Json) => builder.with_error_body(BodyFormat::Json),
            Some(ErrorBody::Problem) => builder.with_error_body(BodyFormat::ProblemDetails),
            None => builder,
        }
    }
}

impl IssuerConfig {
    /// Adds what belongs to this issuer to a builder that has named it last.
    fn complete(&self, mut builder: Builder, jwks: Option<&[u8]>) -> Builder {
        if let Some(jwks) = jwks {
            builder = builder.with_jwks(jwks);
        }
        if let Some(url) = &self.jwks_uri {
            builder = builder.with_jwks_uri(url);
        }
        if let Some(url) = &self.discovery_url {
            builder = builder.with_discovery_url(url);
        }
        if let Some(algorithms) = &self.algorithms {
            builder = builder.with_issuer_algorithms(algorithms);
        }
        match &self.scope_claims {
            Some(paths) => builder.with_issuer_scope_claims(paths),
            None => builder,
        }
    }

    /// The path of one of its settings.
    fn setting(&self, key: &str) -> String {
        format!("issuers.{}.{key}", super::reader::shown(&self.name))
    }

    /// A problem as a file may tell it: without the password of a URL, and with hints for who writes a file.
    fn discreet(&self, problem: &ConfigProblem) -> ConfigProblem {
        let url = match problem.field() {
            "issuer" => Some(&self.issuer),
            "jwks_uri" => self.jwks_uri.as_ref(),
            "discovery_url" => self.discovery_url.as_ref(),
            _ => None,
        };
        let found = match url {
            Some(url) if has_user(url) => "a URL with a user",
            _ => problem.found(),
        };
        let hint = match problem.field() {
            "audience" => "use the identifier of this API at the issuer, such as https://api.example.com",
            _ => problem.hint(),
        };
        ConfigProblem::new(problem.field(), found, problem.expected(), hint)
    }
}

/// The key in the file for what the builder calls so.
fn key_of(field: &'static str) -> &'static str {
    if field == "scope_claims" { "scopes_from" } else { field }
}

fn has_user(url: &str) -> bool {
    match Url::parse(url) {
        Ok(url) => !url.username().is_empty() || url.password().is_some(),
        // What cannot be read as a URL is not shown if it may have a user.
        Err(_) => url.contains('@'),
    }
}

/// What the builder refuses.
fn problems(builder: Builder) -> Vec<ConfigProblem> {
    builder.build().err().map(|error| error.problems().to_vec()).unwrap_or_default()
}

/// Fetches nothing: to try a builder takes no client.
struct NoFetch;

impl Fetch for NoFetch {
    fn fetch(&self, _request: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(Err(FetchError::Connect("this guard was built as a trial".to_owned()))))
    }
}
