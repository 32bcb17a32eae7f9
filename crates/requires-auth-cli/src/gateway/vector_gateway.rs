//! The gateway that a shared vector wants, and what is to be answered: for the adapters, each of which runs all vectors.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use requires_auth::guard::Builder;
use requires_auth::introspect::{
    Introspect, IntrospectionFuture, IntrospectionRequest, IntrospectionResponse,
};
use requires_auth::settings::{self, Setting};
use requires_auth::{RequiresAuth, danger};
use requires_auth_testkit::vectors::{self, IntrospectionAnswer, Outcome, Refusal, RequestCase, TokenCase};
use serde_json::Value;

use super::config::Config;

/// What stands behind the issuers and the settings of a case, and before what its route needs.
const ROUTE: &str = r#"
[headers]
"X-Auth-Issuer" = "iss"
[[routes]]
match = "* PATH"
"#;

/// What is answered: of an allow nothing but that it is one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) challenges: Vec<String>,
}

impl Told {
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self {
            status: refusal.status,
            code: Some(refusal.code.clone()),
            reason: refusal.reason.clone(),
            challenges: refusal.challenge.iter().cloned().collect(),
        }
    }

    pub(super) const fn allowed() -> Self {
        Self { status: 200, code: None, reason: None, challenges: Vec::new() }
    }

    pub(super) fn expected_of_token(case: &TokenCase) -> Self {
        match &case.expect {
            vectors::Verdict::Refuse(refusal) => Self::refused(refusal),
            _ => Self::allowed(),
        }
    }

    pub(super) fn expected_of_request(case: &RequestCase) -> Self {
        match &case.outcome {
            Outcome::Deny(refusal) => Self::refused(refusal),
            _ => Self::allowed(),
        }
    }

    pub(super) fn new(status: u16, challenges: Vec<String>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let member = |name: &str| body[name].as_str().map(str::to_owned);
        Self { status, code: member("code"), reason: member("reason"), challenges }
    }

    /// An answer over HTTP.
    pub(super) fn over_http(status: http::StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
        Self::new(status.as_u16(), challenges, body)
    }
}

/// The configuration and the guard that a token wants, with these sections of an adapter. `None` where no guard can be as it
/// says.
pub(super) fn of_token(case: &TokenCase, sections: &str) -> Option<(Config, RequiresAuth)> {
    build(&case.id, &case.config, Some(&case.jwks), "/", sections)
}

/// The configuration and the guard that a request wants.
pub(super) fn of_request(case: &RequestCase, sections: &str) -> (Config, RequiresAuth) {
    let path = case.url.split('?').next().unwrap_or_default();
    let path = case.route.as_deref().unwrap_or(path);
    build(&case.id, &case.config, case.jwks.as_ref(), path, sections).expect("a guard")
}

fn build(
    id: &str,
    config: &vectors::Config,
    jwks: Option<&Value>,
    path: &str,
    sections: &str,
) -> Option<(Config, RequiresAuth)> {
    config.issuer.as_ref()?;
    let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
    let mut text = config.to_toml(is_of_issuer) + sections + &ROUTE.replace("PATH", path);
    if !config.scope.is_empty() {
        writeln!(text, "scopes = {:?}", config.scope).expect("a string takes it");
    }
    writeln!(text, "claims = {}", config.claims_in_toml()).expect("a string takes it");
    let now = UNIX_EPOCH + Duration::from_secs(u64::try_from(config.now).ok()?);
    let parsed = Config::parse(&text, "gateway.toml");
    let built = parsed.and_then(|parsed| {
        let adjust = |builder: Builder| {
            let builder = builder.with_introspect(Answers(config.answer.clone())).with_clock(move || now);
            let builder = match jwks {
                Some(jwks) => builder.with_jwks(config.key_set(jwks)),
                None => builder.with_fetch(OutOfReach),
            };
            danger::allow_public_test_keys(builder)
        };
        Ok((parsed.guard.build_with(adjust)?, parsed))
    });
    match built {
        Ok((auth, parsed)) => Some((parsed, auth)),
        Err(error) => {
            let problem = &error.problems()[0];
            let is_known = ["algorithms", "audience", "issuer", "jwks"].contains(&problem.field());
            assert!(is_known && config.settings.is_empty(), "{id}: {error}");
            None
        }
    }
}

/// An introspection endpoint that always answers the same.
struct Answers(Option<IntrospectionAnswer>);

impl Introspect for Answers {
    fn introspect(&self, _: IntrospectionRequest) -> IntrospectionFuture {
        let answer =
            self.0.as_ref().map(|answer| IntrospectionResponse::new(answer.status, answer.body.clone()));
        Box::pin(std::future::ready(answer.ok_or(FetchError::Timeout)))
    }
}

/// An issuer whose keys nobody ever gets.
struct OutOfReach;

impl Fetch for OutOfReach {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(Err(FetchError::Timeout)))
    }
}
