//! The shared vectors about requests through every dialect: what a proxy can ask about is decided as the library's adapters
//! decide it. [`NOT_ALIKE`] has what cannot be, with the reason.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::{HeaderMap as RawHeaders, HeaderValue as RawHeader};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use requires_auth_testkit::vectors::{Outcome, RequestCase, request_cases};

use super::vectors::{as_told_by, over_http, sections, told_over_grpc, told_over_http};
use super::*;
use crate::gateway::vector_gateway::{self, Told};

/// The headers of a request in their order, as a proxy hands them on.
type Lines = Vec<(String, Vec<u8>)>;

/// How a proxy hands headers on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handing {
    /// Each line as it came.
    AsSent,
    /// As Envoy does unless it is told otherwise: one line for each name.
    Merged,
}

/// A question that cannot be answered as the case says.
struct NotAlike {
    handing: Option<Handing>,
    applies: fn(&RequestCase) -> bool,
    why: &'static str,
}

/// All of them. No line may have a case that is answered as it says.
const NOT_ALIKE: [NotAlike; 3] = [
    NotAlike {
        handing: None,
        applies: |case| case.outcome == Outcome::Anonymous,
        why: "a route of the gateway wants a token, or looks at none",
    },
    NotAlike {
        handing: Some(Handing::Merged),
        applies: |case| {
            let schemes =
                case.headers.iter().filter_map(|(_, value)| value.split(|byte| *byte == b' ').next());
            schemes.into_iter().any(|scheme| std::str::from_utf8(scheme).is_err())
        },
        why: "with an exclamation mark for a byte that is not UTF-8 it is the name of a scheme",
    },
    NotAlike {
        handing: Some(Handing::Merged),
        applies: |case| {
            let names: Vec<_> = case.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
            let is_twice = |name: &&String| names.iter().filter(|other| other == name).count() > 1;
            names
                .iter()
                .find(is_twice)
                .is_some_and(|name| !["cookie", "origin", "client-cert"].contains(&&**name))
        },
        why: "of two lines of one name Envoy makes one, which has no token in it",
    },
];

fn why_not(case: &RequestCase, handing: Handing) -> Option<&'static str> {
    let mut lines = NOT_ALIKE.iter();
    let is_asked = |line: &&NotAlike| line.handing.is_none_or(|own| own == handing) && (line.applies)(case);
    lines.find(is_asked).map(|line| line.why)
}

pub(super) fn gateway(case: &RequestCase) -> Gateway {
    let (config, auth) = vector_gateway::of_request(case, &sections());
    Gateway::new(&config, auth).expect("a gateway")
}

/// The question of a proxy about a request. `None` if no proxy can ask it.
pub(super) fn question(dialect: &dyn Dialect, case: &RequestCase, lines: &Lines) -> Option<Request<()>> {
    let (target, own) = dialect.ask(&case.method, &case.url, None);
    let method = if dialect.name() == "envoy" { case.method.as_str() } else { "GET" };
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in own {
        request = request.header(name, value);
    }
    for (name, value) in lines {
        request = request.header(name, value.as_slice());
    }
    request.body(()).ok()
}

/// The same question over gRPC, where Envoy is told to send each line as it came.
pub(super) fn grpc_as_sent(case: &RequestCase) -> HttpRequest {
    let raw = |(name, value): &(String, Vec<u8>)| RawHeader {
        key: name.to_ascii_lowercase(),
        raw_value: value.clone(),
        ..RawHeader::default()
    };
    HttpRequest {
        method: case.method.clone(),
        path: case.url.clone(),
        header_map: Some(RawHeaders { headers: case.headers.iter().map(raw).collect() }),
        ..HttpRequest::default()
    }
}

/// And where it is not told.
fn grpc_merged(case: &RequestCase) -> HttpRequest {
    let text = |(name, value): (String, Vec<u8>)| (name, String::from_utf8(value).expect("merged as a text"));
    HttpRequest {
        method: case.method.clone(),
        path: case.url.clone(),
        headers: merged(case).into_iter().map(text).collect(),
        ..HttpRequest::default()
    }
}

/// Lines of one name with a comma between them, cookies with a semicolon (RFC 9113 §8.2.3), and an exclamation mark for each
/// byte that is not of UTF-8.
fn merged(case: &RequestCase) -> Lines {
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &case.headers {
        let text = value
            .utf8_chunks()
            .fold(String::new(), |text, chunk| text + chunk.valid() + &"!".repeat(chunk.invalid().len()));
        let name = name.to_ascii_lowercase();
        let between = if name == "cookie" { "; " } else { "," };
        lines.entry(name).and_modify(|own| own.extend([between, &text])).or_insert_with(|| text.clone());
    }
    lines.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

/// What each dialect tells about a case, with what it had to; `None` where it could not be asked.
async fn told_by_each(case: &RequestCase, handing: Handing) -> Vec<(String, Option<Told>, Told)> {
    let (gateway, expected) = (gateway(case), Told::expected_of_request(case));
    let lines = if handing == Handing::Merged { merged(case) } else { case.headers.clone() };
    let mut all = Vec::new();
    // Only Envoy merges.
    for dialect in over_http().filter(|dialect| handing == Handing::AsSent || dialect.name() == "envoy") {
        let told = match question(dialect, case, &lines) {
            Some(question) => Some(checked(case, told_over_http(&gateway, &question).await)),
            None => None,
        };
        // While no key is there at all, it is not a stranger who brings a 503 about.
        let expected = if case.jwks.is_some() { as_told_by(dialect, &expected) } else { expected.clone() };
        all.push((dialect.name().to_owned(), told, expected));
    }
    let request = if handing == Handing::Merged { grpc_merged(case) } else { grpc_as_sent(case) };
    let told = checked(case, told_over_grpc(&gateway, request).await);
    all.push(("envoy-grpc".to_owned(), Some(told), expected));
    all
}

/// What was told; a refusal has the headers that the case wants.
fn checked(case: &RequestCase, (told, headers): (Told, HeaderMap)) -> Told {
    let is_refused_as_expected = told.code == Told::expected_of_request(case).code && told.code.is_some();
    for (name, value) in case.response_headers.iter().filter(|_| is_refused_as_expected) {
        assert_eq!(
            headers.get(name).and_then(|own| own.to_str().ok()),
            Some(&**value),
            "{}: {name}",
            case.id
        );
    }
    told
}

#[tokio::test]
async fn every_request_gets_one_verdict_in_every_dialect() {
    let mut asked = 0;
    for case in request_cases() {
        for handing in [Handing::AsSent, Handing::Merged] {
            if why_not(&case, handing).is_some() {
                continue;
            }
            for (name, told, expected) in told_by_each(&case, handing).await {
                assert_eq!(told, Some(expected), "{} in {name}, {handing:?}", case.id);
                asked += 1;
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
}

/// A line that is not needed would hide a difference.
#[tokio::test]
async fn what_is_not_answered_alike_is_refused_everywhere_and_each_line_is_needed() {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for case in request_cases() {
        for handing in [Handing::AsSent, Handing::Merged] {
            let Some(why) = why_not(&case, handing) else { continue };
            *found.entry(why).or_default() += 1;
            for (name, told, expected) in told_by_each(&case, handing).await {
                assert_ne!(told, Some(expected), "{} in {name}, {handing:?}: {why}", case.id);
                assert!(told.is_none_or(|told| told.status >= 400), "{} in {name}, {handing:?}", case.id);
            }
        }
    }
    assert_eq!(found.len(), NOT_ALIKE.len(), "{found:?}");
}

/// nginx asks twice: first whether the request may pass, and if it may not, what the client is to be told.
#[tokio::test]
async fn nginx_tells_the_same_at_its_second_question() {
    let nginx = dialect::named("nginx").expect("a dialect");
    for case in request_cases().iter().filter(|case| why_not(case, Handing::AsSent).is_none()) {
        let (gateway, expected) = (gateway(case), Told::expected_of_request(case));
        let at = |rest: &str| {
            let question = question(nginx, case, &case.headers).expect("a question");
            let (mut parts, ()) = question.into_parts();
            parts.uri = format!("/forward-auth/nginx{rest}").parse().expect("a target");
            Request::from_parts(parts, ())
        };
        let is_allowed = expected.status == 200;
        let (first, _) = told_over_http(&gateway, &at("?deny=403")).await;
        assert_eq!(first.status, if is_allowed { 200 } else { 403 }, "{}", case.id);
        let (second, _) = told_over_http(&gateway, &at("/deny")).await;
        if is_allowed {
            assert_eq!(second.status, 503, "{}", case.id);
        } else {
            assert_eq!(second, expected, "{}", case.id);
        }
    }
}
