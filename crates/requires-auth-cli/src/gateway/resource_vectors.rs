//! The shared vectors of resources and their documents, through a gateway that has the resource in `[[resources]]`.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use requires_auth::ConfigError;
use requires_auth::danger;
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use requires_auth::settings::{self, Setting};
use requires_auth_testkit::vectors::{self, Outcome, RequestCase, Served, metadata_cases, request_cases};
use serde_json::Value;
use url::Url;

use super::asked::Asked;
use super::config::Config;
use super::decide::{Decision, Gateway};
use super::routes::Below;

/// Settings of a guard that are keys of a resource.
const KEYS: [(&str, &str); 5] = [
    ("resource", "resource"),
    ("base_scopes", "scopes"),
    ("challenge_scopes", "challenge_scopes"),
    ("metadata_url", "metadata_url"),
    ("resource_name", "name"),
];

/// The text of a configuration whose resource is one of `[[resources]]`, with a route for this path where it is below; `None`
/// for one that says what a resource of a gateway cannot.
fn text(config: &vectors::Config, path: Option<&str>) -> Option<String> {
    let mut config = config.clone();
    let mut resource = String::from("[[resources]]\nissuers = \"main\"\n");
    // What everything passes that has the base scopes.
    resource += if config.scope.is_empty() { "mcp = true\n" } else { "" };
    for (setting, key) in KEYS {
        if let Some(value) = config.settings.remove(setting) {
            writeln!(resource, "{key} = {value}").ok()?;
        }
    }
    let of_resource = ["scopes_supported", "authorization_servers", "allow_resource_query", "public_url"];
    if config.settings.keys().any(|key| of_resource.contains(&key.as_str()) || key.starts_with("resource")) {
        return None;
    }
    if !config.audience.is_empty() {
        writeln!(resource, "audience = {}", Value::from(std::mem::take(&mut config.audience))).ok()?;
    }
    let route = path.filter(|_| !config.scope.is_empty()).map_or_else(String::new, |path| {
        format!("[[routes]]\nmatch = \"{path}\"\nscopes = {:?}\n", config.scope)
    });
    let is_of_issuer = |key: &str| settings::find(key).is_some_and(Setting::is_of_issuer);
    Some(config.to_toml(is_of_issuer) + &resource + &route)
}

fn gateway(text: &str, config: &vectors::Config, jwks: Option<&Value>) -> Result<Gateway, ConfigError> {
    let parsed = Config::parse(text, "gateway.toml")?;
    let now = UNIX_EPOCH + Duration::from_secs(config.now.try_into().expect("a time"));
    let auth = parsed.build_with(|builder| {
        let builder = match jwks {
            Some(jwks) => builder.with_jwks(config.key_set(jwks)),
            None => builder.with_fetch(Down),
        };
        danger::allow_public_test_keys(builder.with_clock(move || now))
    })?;
    Gateway::new(&parsed, auth)
}

/// An issuer that is down.
struct Down;

impl Fetch for Down {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(Err(FetchError::Timeout)))
    }
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
        let asked = Asked { method, target: &target, host: None, client: None, headers, has_body: false };
        let found = match gateway.decide(asked).await {
            Decision::Allow { .. } => (200, Vec::new()),
            Decision::Refuse(refused) => {
                let challenges = refused.headers.get_all(WWW_AUTHENTICATE).iter();
                let challenges = challenges.map(|value| value.to_str().expect("ASCII").to_owned()).collect();
                (refused.status.as_u16(), challenges)
            }
            Decision::AfterBody(_) => panic!("{}: no operation is told apart", case.id),
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
