//! What a token is measured by: flags, resolved into rules and keys, or into a guard that fetches.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use requires_auth::explain::Report;
use requires_auth::verify::{KeySet, KeySetError, Rules};
use requires_auth::{
    AccessToken, Algorithm, Audience, Bearer, ConfigError, Denial, ErrorCode, Policy, Profile, Request,
    RequiresAuth,
};

use crate::error::Failure;
use crate::output::warn;
use crate::runtime::block_on;

/// A key set may be this long, in bytes.
const MAX_KEY_SET_BYTES: u64 = 16 * 1024 * 1024;

/// The flags of `verify` and `explain`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The issuer's keys, as a JWK Set; with it nothing touches the network
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,

    /// What `iss` must equal, byte for byte; without --jwks its keys are fetched
    #[arg(long, value_name = "ISS")]
    issuer: Option<String>,

    /// This API's identifier, one of which `aud` must name; without it a token that has `aud` is refused
    #[arg(long, value_name = "AUD")]
    audience: Vec<String>,

    /// Scopes that the token must have, all of them; repeatable or space-separated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,

    /// Only these signature algorithms; repeatable or comma-separated [default: each key's own]
    #[arg(long, value_name = "ALG", value_delimiter = ',', value_parser = str::parse::<Algorithm>)]
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

impl CheckArgs {
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
        let keys = self.jwks.as_deref().map(read_key_set).transpose()?;
        let settings = Settings {
            issuer: self.issuer,
            audience: self.audience,
            policy: policy(&self.scope)?,
            algorithms: (!self.alg.is_empty()).then_some(self.alg),
            now: self.now,
            leeway: self.leeway.unwrap_or(Rules::DEFAULT_LEEWAY),
            profile: self.profile.unwrap_or_default(),
        };
        Ok((settings, keys))
    }
}

/// What a token is measured by, apart from keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) issuer: Option<String>,
    /// None of them: only a token without `aud` is accepted.
    pub(crate) audience: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) algorithms: Option<Vec<Algorithm>>,
    pub(crate) now: Option<SystemTime>,
    pub(crate) leeway: Duration,
    pub(crate) profile: Profile,
}

impl Settings {
    /// The time to judge at.
    pub(crate) fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(SystemTime::now)
    }

    fn audience(&self) -> Audience {
        if self.audience.is_empty() { Audience::Absent } else { self.audience.clone().into() }
    }

    fn rules(&self) -> Rules {
        let rules = Rules::new(self.issuer.as_deref(), self.audience())
            .with_leeway(self.leeway)
            .with_profile(self.profile);
        match &self.algorithms {
            Some(algorithms) => rules.with_algorithms(algorithms.iter().copied()),
            None => rules,
        }
    }

    fn guard(&self, issuer: &str) -> Result<RequiresAuth, ConfigError> {
        let mut builder = RequiresAuth::builder(issuer, self.audience())
            .with_leeway(self.leeway)
            .with_profile(self.profile);
        if let Some(algorithms) = &self.algorithms {
            builder = builder.with_algorithms(algorithms);
        }
        if let Some(now) = self.now {
            builder = builder.with_clock(move || now);
        }
        builder.build()
    }
}

/// Who judges tokens.
#[derive(Clone)]
pub(crate) enum Judge {
    /// Rules and keys at hand.
    Offline(Rules, Arc<KeySet>),
    /// A guard that fetches keys.
    Online(RequiresAuth),
}

impl Judge {
    /// Judges by keys at hand, if there are any, else by those of the issuer.
    pub(crate) fn new(settings: &Settings, keys: Option<&Arc<KeySet>>) -> Result<Self, Failure> {
        if let Some(keys) = keys {
            return Ok(Self::Offline(settings.rules(), Arc::clone(keys)));
        }
        let Some(issuer) = &settings.issuer else {
            return Err(Failure::new("there are no keys to verify with")
                .hint("give a key set with --jwks FILE, or --issuer URL to fetch the issuer's"));
        };
        if settings.algorithms.as_ref().is_some_and(Vec::is_empty) {
            // A list that allows nothing refuses every token before any key is looked for.
            return Ok(Self::Offline(settings.rules(), no_keys()));
        }
        Ok(Self::Online(settings.guard(issuer)?))
    }

    /// Judges a token as a request with it would be judged.
    pub(crate) fn verify(
        &self,
        token: &str,
        settings: &Settings,
    ) -> Result<Result<AccessToken, Denial>, Failure> {
        let bearer = match Bearer::parse(token) {
            Ok(bearer) => bearer,
            Err(denial) => return Ok(Err(denial)),
        };
        match self {
            Self::Offline(rules, keys) => {
                let judged = rules.verify(bearer, keys, settings.now());
                Ok(judged.and_then(|token| settings.policy.check(&token).map(|()| token)))
            }
            Self::Online(guard) => {
                let headers = [("authorization", format!("Bearer {token}"))];
                let request = Request::new("GET", "/", &headers);
                block_on(guard.authorize(&request, &settings.policy))
            }
        }
    }

    /// Judges a token and tells of every check; a denial if it is not even a `b64token`.
    pub(crate) fn explain(
        &self,
        token: &str,
        settings: &Settings,
    ) -> Result<Result<Report, Denial>, Failure> {
        let bearer = match Bearer::parse(token) {
            Ok(bearer) => bearer,
            Err(denial) => return Ok(Err(denial)),
        };
        match self {
            Self::Offline(rules, keys) => {
                Ok(Ok(rules.explain(bearer, &[Some(Arc::clone(keys))], &settings.policy, settings.now())))
            }
            Self::Online(guard) => block_on(guard.explain(bearer, &settings.policy)).map(Ok),
        }
    }

    /// When a token could not be judged for want of keys: what happened, and what to do about it.
    pub(crate) fn outage(&self, denial: &Denial) -> Option<Failure> {
        let Self::Online(guard) = self else { return None };
        if denial.code() != ErrorCode::IssuerUnavailable {
            return None;
        }
        let unavailable = block_on(guard.warm()).ok()?.err()?;
        let mut failures = unavailable.failures();
        let (issuer, failure) = failures.next()?;
        let message = format!("the keys of {issuer} could not be fetched: {failure}");
        Some(Failure::new(message).hint(failure.hint()))
    }
}

/// A set in which no token finds its key.
pub(crate) fn no_keys() -> Arc<KeySet> {
    // The text is a JWK Set.
    Arc::new(KeySet::parse(r#"{"keys":[]}"#).expect("an empty set is a set"))
}

fn read_key_set(path: &Path) -> Result<Arc<KeySet>, Failure> {
    let mut text = Vec::new();
    // One byte more than allowed, so that too much is seen as such.
    let read = File::open(path).and_then(|file| file.take(MAX_KEY_SET_BYTES + 1).read_to_end(&mut text));
    read.map_err(|error| {
        Failure::new(format!("the key set `{}` cannot be read: {error}", path.display()))
            .hint("save the answer of the issuer's jwks_uri in a file and name that")
    })?;
    let keys = KeySet::parse(&text).map_err(|error| {
        let hint = match error {
            KeySetError::NoKeys => "a single key becomes a set as {\"keys\": [KEY]}",
            KeySetError::TooLarge => "a key set has at most 16 MiB",
            _ => "the file is to hold the answer of the issuer's jwks_uri: {\"keys\": [...]}",
        };
        Failure::new(format!("`{}`: {error}", path.display())).hint(hint)
    })?;
    if keys.is_empty() {
        let skipped = keys.skipped().iter().map(|key| format!("; key {}: {}", key.index(), key.reason()));
        warn(&format!("`{}` has no usable key{}", path.display(), skipped.collect::<String>()));
    }
    Ok(Arc::new(keys))
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
