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

    /// The time, in seconds since 1970 [default: this machine's clock]
    #[arg(long, value_name = "UNIX", value_parser = |text: &str| number(text).and_then(moment))]
    now: Option<SystemTime>,

    /// How many seconds clocks may differ, at most 300 [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = |text: &str| number(text).and_then(leeway))]
    leeway: Option<Duration>,

    /// Which shape of token is an access token: jwt, or at+jwt (RFC 9068) [default: jwt]
    #[arg(long, value_name = "PROFILE", value_parser = profile)]
    profile: Option<Profile>,
}

impl VerdictArgs {
    /// The settings, and the key set if one was given.
    pub(crate) fn resolve(self) -> Result<(Settings, Option<Arc<KeySet>>), Failure> {
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
        let tenants = Tenants { names: self.tenant, keys: text };
        let settings = Settings {
            provider: self.provider,
            issuer,
            tenants: (!tenants.names.is_empty()).then_some(tenants),
            audience: self.audience,
            policy: policy(&self.scope)?,
            algorithms: (!self.alg.is_empty()).then_some(self.alg),
            now: self.now,
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
    /// Where the issuer has a placeholder.
    pub(crate) tenants: Option<Tenants>,
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

/// A request with a proof (RFC 9449).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proven {
    /// The value of the header `DPoP`.
    pub(crate) proof: String,
    pub(crate) method: String,
    /// Scheme, host and port of the URL.
    pub(crate) origin: String,
    /// What stands behind them.
    pub(crate) target: String,
}

impl Proven {
    /// A request to this URL.
    pub(crate) fn new(proof: String, method: String, url: &str) -> Result<Self, Failure> {
        let (origin, target) = origin_and_target(url).ok_or_else(|| {
            Failure::new("--url is not the URL of a request")
                .hint("write it as the client has sent it: https://api.example.com/orders")
        })?;
        Ok(Self { proof, method, origin: origin.to_owned(), target: target.to_owned() })
    }
}

/// Scheme, host and port of a URL of HTTP, and what stands behind them.
pub(crate) fn origin_and_target(url: &str) -> Option<(&str, &str)> {
    let start = url.find("://").map(|at| at + "://".len());
    let start = start.filter(|_| url.starts_with("https:") || url.starts_with("http:"))?;
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    Some(url.split_at(end))
}

/// Whose tokens are taken where the issuer has a placeholder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tenants {
    names: Vec<String>,
    /// The key set of all of them; without it each has its own, which is fetched.
    keys: Option<Vec<u8>>,
}

impl Settings {
    /// Whether it is said whose tokens are taken.
    pub(crate) const fn names_issuer(&self) -> bool {
        self.issuer.is_some() || self.tenants.is_some()
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

    /// A guard that fetches the keys of the issuer, unless they are the ones that all tenants of a pattern share.
    pub(crate) fn guard(&self) -> Result<RequiresAuth, ConfigError> {
        let issuer = self.issuer.as_deref().unwrap_or_default();
        let mut builder = RequiresAuth::builder(issuer, self.audience()).with_leeway(self.leeway);
        if let Some(provider) = self.provider {
            builder = builder.with_provider(provider.name);
        }
        if let Some(Tenants { names, keys }) = &self.tenants {
            builder = builder.with_tenants(names.iter().map(String::as_str));
            if let Some(keys) = keys {
                builder = builder.with_jwks(keys.as_slice());
            }
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

/// A time from seconds since 1970, fractions included.
pub(crate) fn moment(seconds: f64) -> Result<SystemTime, String> {
    // 2^53, as for the times in a token.
    let in_range = (0.0..=9_007_199_254_740_992.0).contains(&seconds);
    let since = in_range.then(|| Duration::try_from_secs_f64(seconds).ok()).flatten();
    let moment = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    moment.ok_or_else(|| "expected seconds since 1970".to_owned())
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
    fn times_are_seconds_within_range() {
        assert_eq!(moment(1.5), Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        for refused in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(moment(refused).is_err(), "{refused}");
        }
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
