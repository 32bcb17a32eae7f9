//! The shared vectors of resources and their documents, through a gateway that has the resource in `[[resources]]`.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use requires_auth::ConfigError;
use requires_auth_testkit::vectors::{self, Outcome, RequestCase, Served, metadata_cases, request_cases};
use serde_json::Value;
use url::Url;

use super::asked::Asked;
use super::config::Config;
use super::decide::{Decided, Decision, Gateway};
use super::routes::Below;
use super::vector_gateway;

/// The text of a configuration whose resource is one of `[[resources]]`, with a route for this path where it is below; `None`
/// for one that says what a resource of a gateway cannot.
fn text(config: &vectors::Config, path: Option<&str>) -> Option<String> {
    let is_beyond = |key: &String| match key.as_str() {
        "resource" | "resource_name" => false,
        "scopes_supported" | "authorization_servers" | "allow_resource_query" | "public_url" => true,
        other => other.starts_with("resource"),
    };
    if config.settings.keys().any(is_beyond) {
        return None;
    }
    let (of_issuers, mut resource) = vector_gateway::resource(config);
    // What everything passes that has the base scopes.
    resource += if config.scope.is_empty() { "mcp = true\n" } else { "" };
    let route = path.filter(|_| !config.scope.is_empty()).map_or_else(String::new, |path| {
        format!("[[routes]]\nmatch = \"{path}\"\nscopes = {:?}\n", config.scope)
    });
    Some(of_issuers + &resource + &route)
}

fn gateway(text: &str, config: &vectors::Config, jwks: Option<&Value>) -> Result<Gateway, ConfigError> {
    let parsed = Config::parse(text, "gateway.toml")?;
    let auth = vector_gateway::guard(&parsed, config, jwks)?;
    Gateway::new(&parsed, auth)
}

/// The path of a request, put below the resource of its case.
fn below(case: &RequestCase) -> String {
    let url = case.config.settings["resource"].as_str().expect("a URL");
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or("");
    format!("{}{}", path.trim_end_matches('/'), case.url)
}

#[tokio::test]
async fn requests_below_a_resource_of_the_gateway_get_the_verdict_of_its_guard() {
    let mut asked_about = 0;
    let cases = request_cases();
    for case in cases.iter().filter(|case| case.config.settings.contains_key("resource")) {
        let target = below(case);
        let Some(text) = text(&case.config, target.split('?').next()) else { continue };
        let is_other = !case.config.claims.is_empty() || case.config.optional || case.jwks.is_none();
        if is_other || case.outcome == Outcome::Anonymous {
            continue;
        }
        let gateway =
            gateway(&text, &case.config, case.jwks.as_ref()).unwrap_or_else(|error| panic!("{text}{error}"));
        let headers: HeaderMap = case
            .headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::try_from(name.as_str()).expect("a name");
                (name, HeaderValue::from_bytes(value.as_ref()).expect("a value"))
            })
            .collect();
        let (method, headers) = (case.method.as_str(), &headers);
        let asked = Asked {
            method,
            target: &target,
            host: None,
            client: None,
            certificate: None,
            headers,
            has_body: false,
            is_trial: false,
        };
        let found = match gateway.decide(asked).await {
            Decided::Now(Decision::Allow { .. }) => (200, Vec::new()),
            Decided::Now(Decision::Refuse(refused)) => {
                let challenges = refused.headers.get_all(WWW_AUTHENTICATE).iter();
                let challenges = challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
                (refused.status.as_u16(), challenges)
            }
            Decided::AfterBody(_) => panic!("{}: no operation is told apart", case.id),
        };
        let expected = match &case.outcome {
            Outcome::Deny(refusal) => (refusal.status, refusal.challenge.iter().cloned().collect()),
            _ => (200, Vec::new()),
        };
        assert_eq!(found, expected, "{}: {text}", case.id);
        asked_about += 1;
    }
    assert!(asked_about > 20, "{asked_about}");
}

#[tokio::test]
async fn the_gateway_serves_the_documents_of_its_resources() {
    let (mut served, mut others) = (0, 0);
    for case in metadata_cases() {
        let Some(text) = text(&case.config, None) else { continue };
        let resource = case.config.settings.get("resource").and_then(Value::as_str).map(Url::parse);
        let path = resource.and_then(Result::ok).map(|url| url.path().to_owned());
        // Proxies read such a path in different ways.
        let is_refused_here = path.is_some_and(|path| Below::parse(&path).is_none());
        if is_refused_here || matches!(case.served, Served::Mistake { .. }) {
            assert!(gateway(&text, &case.config, None).is_err(), "{}: {text}", case.id);
            continue;
        }
        let gateway = gateway(&text, &case.config, None).unwrap_or_else(|error| panic!("{text}{error}"));
        let request = http::Request::builder().method(case.method.as_str()).uri(&case.url);
        let answer = gateway.metadata(&request.body(()).expect("a request"));
        let Served::Answer { status, headers, body } = &case.served else {
            assert!(answer.is_none(), "{}", case.id);
            others += 1;
            continue;
        };
        let (parts, found) = answer.unwrap_or_else(|| panic!("{}: no document", case.id)).into_parts();
        assert_eq!(parts.status.as_u16(), *status, "{}", case.id);
        for (name, value) in headers {
            let found = parts.headers.get(name).and_then(|value| value.to_str().ok());
            assert_eq!(found, Some(value.as_str()), "{}: {name}", case.id);
        }
        assert_eq!(found.collect().await.expect("a body").to_bytes(), body.as_bytes(), "{}", case.id);
        served += 1;
    }
    assert!(served > 15 && others > 2, "{served}, {others}");
}
