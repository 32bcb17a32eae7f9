//! The library without a framework: the guard for requests, the verifier alone for tokens.

use std::sync::Arc;
use std::time::Duration;

use requires_auth::challenge::{BodyFormat, Challenge};
use requires_auth::explain::Report;
use requires_auth::guard::{Admission, Passed};
use requires_auth::verify::{KeySet, Rules};
use requires_auth::{AccessToken, Bearer, Denial, Request};
use requires_auth_testkit::vectors::{MetadataCase, RequestCase, TokenCase};

use serde_json::json;

use super::{Answer, Document, Guarded};

/// Asks the guard about a request.
pub async fn admit(guarded: &Guarded, case: &RequestCase) -> Answer {
    let parameters = case.path_parameters();
    let request = Request::new(&case.method, &case.url, &case.headers).with_path_parameters(&parameters);
    match guarded.auth.admit(&request, &guarded.requirement).await.map(Admission::into_passed) {
        Ok(Passed::Token(token)) => Answer::Token(token.claims().unwrap()),
        Ok(_) => Answer::NoToken,
        Err(denial) => refused(&guarded.auth.challenge(&request, &denial)),
    }
}

/// Asks the guard for a document.
pub fn metadata(guarded: &Guarded, case: &MetadataCase) -> Option<Document> {
    let no_headers: [(&str, &str); 0] = [];
    let answer = guarded.auth.metadata(&Request::new(&case.method, &case.url, &no_headers))?;
    let headers = answer.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (status, body) = (answer.status(), String::from_utf8(answer.into_body()).unwrap());
    Some(Document { status, headers, body })
}

/// Asks the verifier about a token. Every configuration of a vector can be put to it; one with settings has them of a
/// guard, as they are of a file.
pub async fn verify(case: &TokenCase) -> Answer {
    let no_headers: [(&str, &str); 0] = [];
    match judge(case).await {
        Ok(token) => Answer::Token(token.claims().unwrap()),
        Err(denial) => {
            refused(&Challenge::new(&denial, &Request::new("GET", "/", &no_headers), &BodyFormat::Json))
        }
    }
}

async fn judge(case: &TokenCase) -> Result<AccessToken, Denial> {
    if !case.config.settings.is_empty() {
        Bearer::parse(&case.token)?;
        let guarded = Guarded::of(case);
        return guarded.auth.verify(&case.token, guarded.requirement.policy()).await;
    }
    let token = rules(case).verify(Bearer::parse(&case.token)?, &keys(case), super::now(&case.config))?;
    super::policy(&case.config).check(&token)?;
    Ok(token)
}

/// Judges a token, then explains a request with it; `None` if it is not even a token.
pub async fn explain(case: &TokenCase) -> Option<(Result<AccessToken, Denial>, Report)> {
    Bearer::parse(&case.token).ok()?;
    let policy = super::policy(&case.config);
    let headers = [("authorization", format!("Bearer {}", case.token))];
    let request = Request::new("GET", "/", &headers);
    let report = if case.config.settings.is_empty() {
        rules(case).explain(&request, &[Some(keys(case))], &policy, super::now(&case.config))
    } else {
        Guarded::of(case).auth.explain(&request, &policy).await
    };
    Some((judge(case).await, report))
}

/// What an accepted token says of itself, where the case says what that is.
pub async fn check_reads(case: &TokenCase) {
    if case.reads.is_empty() {
        return;
    }
    let token = judge(case).await.unwrap_or_else(|denial| panic!("{}: {denial}", case.id));
    for (name, expected) in &case.reads {
        let found = match name.as_str() {
            "client_id" => json!(token.client_id()),
            "is_client" => json!(token.is_client()),
            "organization_id" => json!(token.organization_id()),
            other => panic!("{}: no method {other}", case.id),
        };
        assert_eq!(found, *expected, "{}: {name}", case.id);
    }
}

fn rules(case: &TokenCase) -> Rules {
    let config = &case.config;
    let mut rules =
        Rules::new(config.issuer.as_deref(), super::audience(config)).with_profile(super::profile(config));
    if let Some(names) = &config.alg {
        // A name that is not an algorithm allows nothing.
        rules = rules.with_algorithms(names.iter().filter_map(|name| name.parse().ok()));
    }
    if let Some(seconds) = config.leeway {
        rules = rules.with_leeway(Duration::from_secs(seconds.into()));
    }
    rules
}

/// What is not a JWK Set at all has no keys.
fn keys(case: &TokenCase) -> Arc<KeySet> {
    KeySet::parse(case.jwks.to_string()).or_else(|_| KeySet::parse(r#"{"keys": []}"#)).unwrap().into()
}

fn refused(challenge: &Challenge) -> Answer {
    Answer::refused(challenge.status(), challenge.headers(), challenge.body())
}
