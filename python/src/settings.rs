//! The settings of a guard as Python has put them in order, kept so that a forked child can build its own guard.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use pyo3::prelude::*;
use requires_auth::challenge::BodyFormat;
use requires_auth::guard::Builder;
use requires_auth::{Audience, ConfigError, Profile, RequiresAuth, danger};

/// What `requires_auth/_guard.py` gives to `Guard._configure`, which describes each one.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of the constructor in Python")]
pub(crate) struct Settings {
    issuers: Vec<Issuer>,
    algorithms: Option<Vec<String>>,
    leeway: u64,
    access_token_jwt: bool,
    scope_claims: Option<Vec<String>>,
    implied_scopes: Vec<(String, String)>,
    pub(crate) cache: usize,
    stale: u64,
    state_file: Option<PathBuf>,
    ca: Option<Vec<u8>>,
    max_token_bytes: usize,
    problem_details: bool,
    pub(crate) error_format: Option<Py<PyAny>>,
    allow_http_issuer: bool,
    allow_public_test_keys: bool,
    now: Option<u64>,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Issuer {
    #[pyo3(item("issuer"))]
    name: String,
    /// None is any audience.
    audience: Option<Vec<String>>,
    jwks: Option<Vec<u8>>,
    jwks_uri: Option<String>,
    discovery_url: Option<String>,
    algorithms: Option<Vec<String>>,
    scope_claims: Option<Vec<String>>,
}

impl Settings {
    /// Whether keys may have to be fetched.
    pub(crate) fn is_remote(&self) -> bool {
        self.issuers.iter().any(|issuer| issuer.jwks.is_none())
    }

    /// Whether there may be keys to refresh before any was fetched.
    pub(crate) fn needs_timer(&self) -> bool {
        self.is_remote() && self.state_file.is_some()
    }

    /// Builds a guard.
    ///
    /// # Errors
    ///
    /// All mistakes at once.
    pub(crate) fn build(&self) -> Result<RequiresAuth, ConfigError> {
        let mut builder = self.with_issuers();
        if let Some(algorithms) = &self.algorithms {
            builder = builder.with_algorithms(algorithms);
        }
        if let Some(paths) = &self.scope_claims {
            builder = builder.with_scope_claims(paths);
        }
        for (scope, implied) in &self.implied_scopes {
            builder = builder.with_implied_scopes(scope, implied);
        }
        if let Some(path) = &self.state_file {
            builder = builder.with_state_file(path);
        }
        if let Some(pem) = &self.ca {
            builder = builder.with_ca(pem.clone());
        }
        if let Some(now) = self.now {
            builder = builder.with_clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(now));
        }
        if self.allow_http_issuer {
            builder = danger::allow_http_issuer(builder);
        }
        if self.allow_public_test_keys {
            builder = danger::allow_public_test_keys(builder);
        }
        let body = if self.problem_details { BodyFormat::ProblemDetails } else { BodyFormat::Json };
        let profile = if self.access_token_jwt { Profile::AccessTokenJwt } else { Profile::Jwt };
        builder
            .with_leeway(Duration::from_secs(self.leeway))
            .with_profile(profile)
            .with_cache(self.cache)
            .with_stale(Duration::from_secs(self.stale))
            .with_max_token_bytes(self.max_token_bytes)
            .with_error_body(body)
            .build()
    }

    fn with_issuers(&self) -> Builder {
        let mut issuers = self.issuers.iter();
        // `_guard.py` always gives one; an empty name is a mistake that the builder reports.
        let mut builder = match issuers.next() {
            Some(first) => first.complete(RequiresAuth::builder(&first.name, first.audience())),
            None => RequiresAuth::builder("", Audience::OneOf(Vec::new())),
        };
        for issuer in issuers {
            builder = issuer.complete(builder.with_issuer(&issuer.name, issuer.audience()));
        }
        builder
    }
}

impl Issuer {
    fn audience(&self) -> Audience {
        self.audience.clone().map_or(Audience::Any, Audience::OneOf)
    }

    /// Adds what belongs to this issuer to a builder that has named it last.
    fn complete(&self, mut builder: Builder) -> Builder {
        if let Some(jwks) = &self.jwks {
            builder = builder.with_jwks(jwks.clone());
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
        if let Some(paths) = &self.scope_claims {
            builder = builder.with_issuer_scope_claims(paths);
        }
        builder
    }
}
