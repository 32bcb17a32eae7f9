//! What a token is measured by: the flags of `verify` and `explain`, and the values that they take.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use requires_auth::dpop::Dpop;
use requires_auth::providers::{self, Provider};
use requires_auth::verify::{KeySet, Rules};
use requires_auth::{Algorithm, Audience, ConfigError, Denial, Policy, Profile, Reason, RequiresAuth};

use super::key_file;
use super::request::Proven;
use crate::error::Failure;

/// The flags of `verify` and `explain`.
#[derive(Args, Debug)]
pub(crate) struct VerdictArgs {
    /// The issuer's keys, as a JWK Set or in PEM; with it nothing touches the network
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// The make of the issuer, such as logto: --issuer may be a short name then, such as a tenant
    #[arg(long, value_name = "NAME", value_parser = provider)]
    provider: Option<&'static Provider>,

    /// What `iss` must equal, byte for byte; without --jwks its keys are fetched
    #[arg(long, value_name = "ISS")]
    issuer: Option<String>,

    /// What may stand in the place of `{tenant}` in --issuer; repeatable or comma-separated
    #[arg(long, value_name = "TENANT", value_delimiter = ',')]
    tenant: Vec<String>,

    /// This API's identifier, one of which `aud` must name; without it a token that has `aud` is refused
    #[arg(long, value_name = "AUD")]
    audience: Vec<String>,

    /// Scopes that the token must have, all of them; repeatable or space-separated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,

    /// Only these signature algorithms; repeatable or comma-separated [default: each key's own]
    #[arg(long, value_name = "ALG", value_delimiter = ',', value_parser = algorithm)]
    alg: Vec<Algorithm>,

    /// How many seconds clocks may differ, at most 300 [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = |text: &str| number(text).and_then(leeway))]
    leeway: Option<Duration>,

    /// Which shape of token is an access token: jwt, or at+jwt (RFC 9068) [default: jwt]
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    profile: Option<Profile>,

    /// Tokens that are refused before they expire: a file as the setting `revocations` names it [default: none is looked at]
    #[arg(long, value_name = "FILE", requires = "issuer")]
    revocations: Option<PathBuf>,
}

impl VerdictArgs {
    /// The settings, for tokens that are judged at this moment, and the key set if one was given.
    pub(crate) fn resolve(self, now: Option<SystemTime>) -> Result<(Settings, Option<Arc<KeySet>>), Failure> {
        let empty = |name: &str| {
            Failure::new(format!("{name} is empty")).hint("leave the flag out, or give it a value")
        };
        if self.issuer.as_deref() == Some("") {
            return Err(empty("--issuer"));
        }
        if self.audience.iter().any(String::is_empty) {
            return Err(empty("--audience"));
        }
        let (keys, text) = self.jwks.as_deref().map(key_file::read).transpose()?.unzip();
        let issuer = match self.provider {
            // With tenants the guard itself writes the pattern out.
            Some(provider) if self.tenant.is_empty() => {
                Some(issuer_of(provider, self.issuer.as_deref().unwrap_or_default())?)
            }
            _ => self.issuer,
        };
        if self.tenant.is_empty() && issuer.as_deref().is_some_and(|issuer| issuer.contains('{')) {
            return Err(Failure::new("--issuer has a placeholder, and no tenant is named")
                .hint("name what may stand in its place: --tenant TENANT"));
        }
        let has_guard = !self.tenant.is_empty() || self.revocations.is_some();
        let settings = Settings {
            provider: self.provider,
            issuer,
            tenants: self.tenant,
            keys_of_guard: text.filter(|_| has_guard),
            revocations: self.revocations,
            audience: self.audience,
            policy: policy(&self.scope)?,
            algorithms: (!self.alg.is_empty()).then_some(self.alg),
            now,
            leeway: self.leeway.unwrap_or(Rules::DEFAULT_LEEWAY),
            profile: self.profile,
            proven: None,
        };
        Ok((settings, keys))
    }
}

/// What a token is measured by, apart from keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) provider: Option<&'static Provider>,
    pub(crate) issuer: Option<String>,
    /// Whose tokens are taken, where the issuer has a placeholder.
    pub(crate) tenants: Vec<String>,
    /// The text of the key set, where a guard has to judge; without it the guard fetches keys.
    pub(crate) keys_of_guard: Option<Vec<u8>>,
    /// The file of tokens that are refused before they expire.
    pub(crate) revocations: Option<PathBuf>,
    /// None of them: only a token without `aud` is accepted.
    pub(crate) audience: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) algorithms: Option<Vec<Algorithm>>,
    pub(crate) now: Option<SystemTime>,
    pub(crate) leeway: Duration,
    /// Without one, that of the provider, else `jwt`.
    pub(crate) profile: Option<Profile>,
    /// The request that the token was sent with, if it came with a proof of its key.
    pub(crate) proven: Option<Proven>,
}

impl Settings {
    /// Whether it is said whose tokens are taken.
    pub(crate) const fn names_issuer(&self) -> bool {
        self.issuer.is_some() || !self.tenants.is_empty()
    }

    /// Whether a guard has to judge, also with keys at hand: it knows which issuers fit a pattern, and what is revoked.
    pub(crate) const fn needs_guard(&self) -> bool {
        !self.tenants.is_empty() || self.revocations.is_some()
    }

    /// The time to judge at.
    pub(crate) fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(SystemTime::now)
    }

    /// What to do about a refusal that comes from a flag which is not there.
    pub(crate) fn hint(&self, denial: &Denial) -> Option<&'static str> {
        let lacks_audience = self.audience.is_empty() && denial.reason() == Some(Reason::AudienceMismatch);
        lacks_audience.then_some(
            "no audience is given, so only a token without `aud` is taken: name this API's identifier with --audience",
        )
    }

    fn audience(&self) -> Audience {
        let given = (!self.audience.is_empty()).then(|| Audience::from(self.audience.clone()));
        let issuer = self.issuer.as_deref().unwrap_or_default();
        let of_provider = self.provider.and_then(|provider| provider.audience_of(given.as_ref(), issuer));
        of_provider.or(given).unwrap_or(Audience::Absent)
    }

    /// The rules, to verify with keys at hand.
    pub(crate) fn rules(&self) -> Rules {
        let mut rules = Rules::new(self.issuer.as_deref(), self.audience()).with_leeway(self.leeway);
        if let Some(provider) = self.provider {
            rules = rules.with_provider(provider);
        }
        if let Some(profile) = self.profile {
            rules = rules.with_profile(profile);
        }
        if let Some(proven) = &self.proven {
            rules = rules.with_dpop(&proven.origin);
        }
        match &self.algorithms {
            Some(algorithms) => rules.with_algorithms(algorithms.iter().copied()),
            None => rules,
        }
    }

    /// A guard that fetches the keys of the issuer, unless they are given to it.
    pub(crate) fn guard(&self) -> Result<RequiresAuth, ConfigError> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        let mut builder = RequiresAuth::builder(issuer, self.audience()).with_leeway(self.leeway);
        if let Some(provider) = self.provider {
            builder = builder.with_provider(provider.name);
        }
        if !self.tenants.is_empty() {
            builder = builder.with_tenants(self.tenants.iter().map(String::as_str));
        }
        if let Some(keys) = &self.keys_of_guard {
            builder = builder.with_jwks(keys.as_slice());
        }
        if let Some(file) = &self.revocations {
            builder = builder.with_revocations(file);
        }
        if let Some(profile) = self.profile {
            builder = builder.with_profile(profile);
        }
        if let Some(algorithms) = &self.algorithms {
            builder = builder.with_algorithms(algorithms);
        }
        if let Some(now) = self.now {
            builder = builder.with_clock(move || now);
        }
        if let Some(proven) = &self.proven {
            builder = builder.with_public_url(&proven.origin).with_dpop(Dpop::allowed());
        }
        builder.build()
    }
}

/// A policy that needs all scopes of these lists, each space-separated.
pub(crate) fn policy(scopes: &[String]) -> Result<Policy, ConfigError> {
    let scopes = scopes.join(" ");
    if scopes.trim_ascii().is_empty() { Ok(Policy::default()) } else { Policy::parse(&scopes) }
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number of seconds".to_owned())
}

/// A leeway from seconds, fractions included.
pub(crate) fn leeway(seconds: f64) -> Result<Duration, String> {
    let leeway = Duration::try_from_secs_f64(seconds).ok().filter(|leeway| *leeway <= Rules::MAX_LEEWAY);
    leeway.ok_or_else(|| "expected 0 to 300 seconds; a large leeway keeps expired tokens alive".to_owned())
}

/// A signature algorithm by its name.
fn algorithm(name: &str) -> Result<Algorithm, String> {
    name.parse().map_err(|unknown| format!("{unknown}; `none` and HS256 are never allowed"))
}

/// A provider by its name.
pub(crate) fn provider(name: &str) -> Result<&'static Provider, String> {
    let found = providers::find(&name.replace('-', "_"));
    found.ok_or_else(|| format!("expected one of {}", providers::NAMES.join(", ")))
}

/// The issuer that a text stands for at a provider.
fn issuer_of(provider: &Provider, text: &str) -> Result<String, Failure> {
    provider
        .issuer(text)
        .map_err(|wrong| Failure::new(format!("--issuer: expected {}", wrong.expected)).hint(wrong.hint))
}

/// A profile by its name.
pub(crate) fn profile(name: &str) -> Result<Profile, String> {
    let profiles = [Profile::Jwt, Profile::AccessTokenJwt];
    let named = profiles.into_iter().find(|profile| profile.as_str() == name);
    named.ok_or_else(|| "expected `jwt` or `at+jwt`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leeway_is_seconds_within_range() {
        assert_eq!(leeway(300.0), Ok(Duration::from_secs(300)));
        for refused in [300.5, -1.0, f64::NAN, f64::INFINITY] {
            assert!(leeway(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn scopes_are_joined() {
        let scopes = ["a b".to_owned(), "c".to_owned()];
        assert_eq!(policy(&scopes).expect("scopes").scope(), Some("a b c"));
        assert_eq!(policy(&[]).expect("no scope"), Policy::default());
        assert_eq!(policy(&[String::new()]).expect("no scope"), Policy::default());
        assert!(policy(&["a\"b".to_owned()]).is_err());
    }
}
