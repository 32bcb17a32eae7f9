//! The adapters of the library, each asked in its own way and answering in one.

#![allow(unreachable_pub, reason = "one test file has these modules")]

use std::collections::BTreeMap;
use std::future::ready;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::guard::Builder;
use requires_auth::introspect::{
    Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::policy::{Presence, Requirement};
use requires_auth::settings::{self, Setting};
use requires_auth::{Audience, ConfigError, Policy, Profile, RequiresAuth, danger};
use requires_auth_testkit::vectors::{
    Config, IntrospectionAnswer, Outcome, ProofCase, Refusal, RequestCase, TokenCase, Verdict,
};
use serde_json::Value;

pub mod actix;
pub mod axum;
mod claims;
pub mod core;
pub mod own;
pub mod tonic;
pub mod tower;

/// What an adapter says.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It let the request through as anonymous, or as a preflight.
    NoToken,
    Refused(Refused),
    /// It let the request through with these claims.
    Token(Value),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    status: u16,
    code: String,
    reason: Option<String>,
    challenges: Vec<String>,
    /// Of the headers that a vector may ask for, those that are there.
    headers: BTreeMap<String, String>,
}

impl Answer {
    /// What a vector expects of a request. It does not name the claims.
    pub fn expected_of_request(case: &RequestCase) -> Self {
        match &case.outcome {
            Outcome::Allow => Self::Token(Value::Null),
            Outcome::Anonymous | Outcome::Preflight => Self::NoToken,
            Outcome::Deny(refusal) => Self::expected_refusal(refusal, &case.response_headers),
            other => panic!("{}: {other:?}", case.id),
        }
    }

    /// What a vector expects of a token.
    pub fn expected_of_token(case: &TokenCase) -> Self {
        let no_store = BTreeMap::from([("Cache-Control".to_owned(), "no-store".to_owned())]);
        match &case.expect {
            Verdict::Accept { claims, .. } => Self::Token(claims.clone()),
            // A refusal that says nothing of the token is not marked.
            Verdict::Refuse(refusal) if refusal.status >= 500 => {
                Self::expected_refusal(refusal, &BTreeMap::new())
            }
            Verdict::Refuse(refusal) => Self::expected_refusal(refusal, &no_store),
            other => panic!("{}: {other:?}", case.id),
        }
    }

    /// What a vector expects of a request with a proof.
    pub fn expected_of_proof(case: &ProofCase) -> Self {
        match Self::expected_of_request(&case.request) {
            Self::Refused(refused) => {
                Self::Refused(Refused { challenges: case.challenges.clone(), ..refused })
            }
            passed => passed,
        }
    }

    fn expected_refusal(refusal: &Refusal, headers: &BTreeMap<String, String>) -> Self {
        Self::Refused(Refused {
            status: refusal.status,
            code: refusal.code.clone(),
            reason: refusal.reason.clone(),
            challenges: refusal.challenge.iter().cloned().collect(),
            headers: headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect(),
        })
    }

    /// Reads a refusal from what goes over the wire.
    pub fn refused<'n, 'v>(
        status: u16,
        headers: impl Iterator<Item = (&'n str, &'v str)>,
        body: &[u8],
    ) -> Self {
        let mut challenges = Vec::new();
        let mut others = BTreeMap::new();
        for (name, value) in headers {
            match name {
                "www-authenticate" => challenges.push(value.to_owned()),
                "access-control-expose-headers" | "cache-control" => {
                    others.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        assert_eq!(body["status"], status);
        let member = |name: &str| body[name].as_str().map(str::to_owned);
        let code = member("code").expect("a code");
        Self::Refused(Refused { status, code, reason: member("reason"), challenges, headers: others })
    }

    /// Whether it asks for a token, as there was none.
    pub fn asks_for_a_token(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.status == 401 && refused.reason.is_none())
    }

    /// For vectors that do not name the claims.
    pub fn without_claims(self) -> Self {
        match self {
            Self::Token(_) => Self::Token(Value::Null),
            other => other,
        }
    }
}

/// The answer to a request for the document of a resource.
#[derive(Clone, Debug)]
pub struct Document {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Document {
    /// An answer of a guard; `None` if it has refused the request for want of a token, and serves no document.
    pub fn of(response: &http::Response<Vec<u8>>) -> Option<Self> {
        let status = response.status().as_u16();
        let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let body = String::from_utf8(response.body().clone()).unwrap();
        (![401, 404].contains(&status)).then_some(Self { status, headers, body })
    }
}

/// A guard, and what is asked of it.
pub struct Guarded {
    pub auth: RequiresAuth,
    pub requirement: Requirement,
}

impl Guarded {
    /// A guard as a vector wants it, if the builder lets it be built.
    pub fn new(config: &Config, jwks: Option<&Value>) -> Result<Self, ConfigError> {
        let now = now(config);
        let finished = |builder: Builder| {
            let builder = match jwks {
                Some(jwks) => builder.with_jwks(config.key_set(jwks)),
                None => builder.with_fetch(Unreachable),
            };
            let builder = builder.with_introspect(Answers(config.answer.clone()));
            danger::allow_public_test_keys(builder.with_clock(move || now))
        };
        let auth = if config.settings.is_empty() {
            finished(Self::builder(config)).build()?
        } else {
            Self::file(config)?.build_with(finished)?
        };
        let policy = policy(config);
        let requirement =
            if config.optional { Requirement::optional(policy) } else { Requirement::token(policy) };
        Ok(Self { auth, requirement })
    }

    /// The guard of a case whose settings are known to work.
    fn of(case: &TokenCase) -> Self {
        Self::new(&case.config, Some(&case.jwks)).unwrap_or_else(|error| panic!("{}: {error}", case.id))
    }

    /// What a case says in members of its own, through the methods of the builder.
    fn builder(config: &Config) -> Builder {
        // The builder refuses an issuer that is not a URL, which is what an absent one is here.
        let mut builder =
            RequiresAuth::builder(config.issuer.as_deref().unwrap_or_default(), audience(config));
        if let Some(names) = &config.alg {
            builder = builder.with_algorithms(names);
        }
        if let Some(seconds) = config.leeway {
            builder = builder.with_leeway(Duration::from_secs(seconds.into()));
        }
        builder.with_profile(profile(config))
    }

    /// The same with further settings, through a configuration file.
    fn file(config: &Config) -> Result<requires_auth::config::Config, ConfigError> {
        let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
        requires_auth::config::Config::parse(&config.to_toml(is_of_issuer), "vector.toml")
    }

    /// What stands around the application.
    fn outer(&self) -> requires_auth::tower::AuthLayer {
        match self.requirement.presence() {
            Presence::Optional => self.auth.optional_layer(),
            _ => self.auth.layer(),
        }
    }

    /// What stands around the route.
    fn inner(&self) -> requires_auth::tower::AuthLayer {
        let policy = self.requirement.policy();
        if *policy == Policy::default() { self.outer() } else { self.auth.require_policy(policy.clone()) }
    }
}

fn now(config: &Config) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(config.now.try_into().expect("a time after 1970"))
}

fn audience(config: &Config) -> Audience {
    if config.audience.is_empty() { Audience::Absent } else { config.audience.clone().into() }
}

fn profile(config: &Config) -> Profile {
    let name = config.profile.as_deref().unwrap_or("jwt");
    let mut profiles = [Profile::AccessTokenJwt, Profile::Jwt].into_iter();
    profiles.find(|profile| profile.as_str() == name).expect("a profile")
}

fn policy(config: &Config) -> Policy {
    let policy = if config.scope.is_empty() { Policy::default() } else { Policy::all_of(&config.scope) };
    let rules = config.claims.iter();
    let policy = rules.fold(policy, |policy, (path, rule)| policy.with_claim(path, claims::test(rule)));
    let policy = if config.acr.is_empty() { policy } else { policy.with_acr_values(&config.acr) };
    match config.max_age {
        Some(seconds) => policy.with_max_age(Duration::from_secs(seconds.into())),
        None => policy,
    }
}

/// An introspection endpoint that always answers the same.
struct Answers(Option<IntrospectionAnswer>);

impl Introspect for Answers {
    fn introspect(&self, request: IntrospectionRequest) -> IntrospectionFuture {
        assert!(request.body().starts_with("token=") && request.authorization().is_some());
        let answer =
            self.0.as_ref().map(|answer| IntrospectionResponse::new(answer.status, answer.body.clone()));
        Box::pin(ready(answer.ok_or(FetchError::Timeout)))
    }
}

/// An issuer that is down.
struct Unreachable;

impl Fetch for Unreachable {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(ready(Ok(FetchResponse::new(500, ""))))
    }
}
