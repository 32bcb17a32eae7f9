//! Settings of the environment.

use super::*;
use crate::error::ConfigError;
use crate::settings::Kind;

fn environment(variables: &[(&str, &str)]) -> Variables {
    Variables::read(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
}

fn built(variables: &[(&str, &str)]) -> Result<RequiresAuth, ConfigError> {
    Builder::from_environment(environment(variables)).build()
}

/// Name and found of each mistake.
fn mistakes(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let error = built(variables).expect_err("mistakes");
    error.problems().iter().map(|problem| (problem.name().to_owned(), problem.found().to_owned())).collect()
}

const ISSUER: (&str, &str) = ("REQUIRES_AUTH_ISSUER", "https://issuer.example");
const AUDIENCE: (&str, &str) = ("REQUIRES_AUTH_AUDIENCE", "https://api.example https://other.example");

#[test]
fn the_environment_makes_a_guard() {
    assert!(built(&[ISSUER, AUDIENCE]).is_ok());
    assert!(built(&[ISSUER, AUDIENCE, ("REQUIRES_AUTH_ALGORITHMS", "ES256, RS256")]).is_ok());
}

#[test]
fn every_setting_of_the_environment_reaches_the_guard() {
    let guard = built(&[
        ISSUER,
        ("REQUIRES_AUTH_AUDIENCE", "https://api.example,https://other.example"),
        ("REQUIRES_AUTH_LEEWAY", "2m"),
        ("REQUIRES_AUTH_PROFILE", "at+jwt"),
        ("REQUIRES_AUTH_MAX_TOKEN_BYTES", "4096"),
        ("REQUIRES_AUTH_SCOPE_CLAIMS", "scope, permissions"),
        ("REQUIRES_AUTH_CACHE", "0"),
        ("REQUIRES_AUTH_STALE", "90"),
        ("REQUIRES_AUTH_ERROR_BODY", "problem"),
    ])
    .expect("a guard");
    let rules = &guard.inner.rules;
    assert_eq!((rules.leeway, rules.max_token_bytes), (Duration::from_secs(120), 4096));
    assert_eq!((rules.profile, rules.scope_claims.len()), (Profile::AccessTokenJwt, 2));
    assert!(guard.inner.cache.is_none());
    let headers: [(&str, &str); 0] = [];
    let request = crate::Request::new("GET", "/", &headers);
    let denial = guard.authenticate_now(&request).expect("no fetch is needed").expect_err("no token");
    let challenge = guard.challenge(&request, &denial);
    let mut headers = challenge.headers();
    assert!(headers.any(|header| header == ("content-type", "application/problem+json")));
}

#[test]
fn a_document_in_a_variable_is_not_taken_for_a_path_and_shown() {
    let pem =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp\n-----END PRIVATE KEY-----\n";
    for (name, expected) in
        [("REQUIRES_AUTH_JWKS", "there is a private key in the PEM"), ("REQUIRES_AUTH_CA", "no certificate")]
    {
        for text in [pem, pem.trim_end(), &pem.replace('\n', "\\n")] {
            let error =
                built(&[ISSUER, AUDIENCE, (name, text)]).expect_err("no key of the issuer").to_string();
            assert!(error.contains(name) && error.contains(expected) && !error.contains("MC4C"), "{error}");
        }
    }
}

#[test]
fn a_line_break_at_the_end_of_any_variable_is_told_or_means_nothing() {
    let with = |name: &str, value: &str| built(&[ISSUER, AUDIENCE, (name, &format!("{value}\n"))]);
    for (name, value) in [
        ("REQUIRES_AUTH_JWKS", "keys.json"),
        ("REQUIRES_AUTH_CA", "ca.pem"),
        ("REQUIRES_AUTH_STATE_FILE", "requires-auth.keys"),
        ("REQUIRES_AUTH_JWKS_URI", "https://issuer.example/keys"),
        ("REQUIRES_AUTH_DISCOVERY_URL", "https://issuer.example/metadata"),
    ] {
        let error = with(name, value).expect_err("a line break").to_string();
        let expected = format!("{name}: expected no white space or line break around it, found `{value}\\n`");
        assert!(error.contains(&expected), "{error}");
    }
    for setting in settings::ALL.iter().filter(|setting| setting.is_in_environment()) {
        let example = setting.examples[0].trim_matches(['"', '[', ']']).replace("\", \"", " ");
        let with_break = with(&setting.variable(), &example).is_ok();
        // What separates words stands around them, too.
        let is_plain = [Kind::Words, Kind::Algorithms, Kind::Audience].contains(&setting.kind);
        let without = built(&[ISSUER, AUDIENCE, (&setting.variable(), &example)]).is_ok();
        assert_eq!(with_break, is_plain && without, "{}", setting.key);
    }
}

#[test]
fn what_is_not_set_is_named_with_the_variable() {
    let error = built(&[]).expect_err("nothing is set").to_string();
    let expected = "the configuration has 2 problems
REQUIRES_AUTH_AUDIENCE: expected the identifier of this API, found nothing
  hint: set REQUIRES_AUTH_AUDIENCE to the identifier of this API at the issuer, such as https://api.example.com; or \
                    give it in code, with RequiresAuth::new(issuer, audience)
REQUIRES_AUTH_ISSUER: expected an https URL, found nothing
  hint: set REQUIRES_AUTH_ISSUER to the issuer of the tokens, such as https://tenant-id.logto.app/oidc; or give it in \
                    code, with RequiresAuth::new(issuer, audience)";
    assert_eq!(error, expected);
    let error =
        built(&[ISSUER, ("REQUIRES_AUTH_AUDIENCE", "")]).expect_err("an empty one is none").to_string();
    assert!(error.contains("REQUIRES_AUTH_AUDIENCE") && !error.contains("Any"), "{error}");
}

#[test]
fn what_is_wrong_is_named_with_the_variable() {
    let line_break = ("REQUIRES_AUTH_ISSUER", "https://issuer.example\n");
    let error = built(&[line_break, AUDIENCE]).expect_err("a line break").to_string();
    assert!(
        error.contains(r"REQUIRES_AUTH_ISSUER: expected no white space or line break around it"),
        "{error}"
    );
    assert!(error.contains(r"found `https://issuer.example\n`"), "{error}");
    let error = built(&[ISSUER, AUDIENCE, ("REQUIRES_AUTH_JWKS", "none.json")]).expect_err("no such file");
    assert!(error.to_string().contains("set REQUIRES_AUTH_JWKS"), "{error}");
    let error = built(&[ISSUER, AUDIENCE, ("REQUIRES_AUTH_CA", "none.pem")]).expect_err("no such file");
    assert!(error.to_string().contains("set REQUIRES_AUTH_CA"), "{error}");
    for (variable, value, found) in [
        ("REQUIRES_AUTH_LEEWAY", "half a minute", "another text"),
        ("REQUIRES_AUTH_LEEWAY", "301s", "301 s"),
        ("REQUIRES_AUTH_LEEWAY", "-1", "another text"),
        ("REQUIRES_AUTH_FETCH_TIMEOUT", "0", "0 s"),
        ("REQUIRES_AUTH_FETCH_TIMEOUT", "31s", "31 s"),
        ("REQUIRES_AUTH_CACHE", "many", "another text"),
        ("REQUIRES_AUTH_MAX_TOKEN_BYTES", "0", "0"),
        ("REQUIRES_AUTH_PROFILE", "at-jwt", "`at-jwt`"),
        ("REQUIRES_AUTH_ERROR_BODY", "xml", "`xml`"),
        ("REQUIRES_AUTH_ALGORITHMS", "HS256", "`HS256`"),
        ("REQUIRES_AUTH_ALGORITHMS", " , ", "an empty list"),
        ("REQUIRES_AUTH_JWKS_URI", "http://a.example", "`http://a.example`"),
        ("REQUIRES_AUTH_DANGEROUSLY_ALLOW_HTTP_ISSUER", "yes", "another text"),
    ] {
        let found = (variable.to_owned(), found.to_owned());
        assert_eq!(mistakes(&[ISSUER, AUDIENCE, (variable, value)]), [found], "{value}");
    }
}

#[test]
fn what_weakens_a_check_is_switched_on_by_name_alone() {
    let http = ("REQUIRES_AUTH_ISSUER", "http://issuer.internal");
    let switch = "REQUIRES_AUTH_DANGEROUSLY_ALLOW_HTTP_ISSUER";
    assert!(built(&[http, AUDIENCE]).is_err());
    assert!(built(&[http, AUDIENCE, (switch, "false")]).is_err());
    assert!(built(&[http, AUDIENCE, (switch, "true")]).is_ok());
    let any = ("REQUIRES_AUTH_DANGEROUSLY_ANY_AUDIENCE", "true");
    assert!(built(&[ISSUER, any]).is_ok());
    let found = "a value beside `dangerously_any_audience`";
    assert_eq!(mistakes(&[ISSUER, AUDIENCE, any]), [("REQUIRES_AUTH_AUDIENCE".to_owned(), found.to_owned())]);
}

#[test]
fn a_variable_that_nothing_reads_is_a_warning_with_the_nearest_one() {
    let warnings = |name: &str| environment(&[(name, "x")]).warnings.join("\n");
    assert!(warnings("REQUIRES_AUTH_AUDIANCE").contains("did you mean REQUIRES_AUTH_AUDIENCE?"));
    assert!(warnings("REQUIRES_AUTH_QQQQQQQQQQ").contains("is not a setting"));
    assert!(warnings("REQUIRES_AUTH_IMPLIED_SCOPES").contains("in code or in a file"));
    for other in
        ["REQUIRES_AUTH_TOKEN", "REQUIRES_AUTH_BIN", "REQUIRES_AUTH_EXEMPT", "PATH", "REQUIRES_AUTHX"]
    {
        assert_eq!(warnings(other), "", "{other}");
    }
    assert_eq!(warnings("REQUIRES_AUTH_SCOPE_CLAIMS"), "");
    let earlier = environment(&[("REQUIRES_AUTH_SCOPES_FROM", "scp")]);
    assert!(earlier.warnings[0].contains("now called REQUIRES_AUTH_SCOPE_CLAIMS"), "{:?}", earlier.warnings);
    assert_eq!(earlier.guard.get(settings::SCOPE_CLAIMS), Some(vec!["scp".to_owned()]));
    let both = [ISSUER, AUDIENCE, ("REQUIRES_AUTH_SCOPES_FROM", "a"), ("REQUIRES_AUTH_SCOPE_CLAIMS", "b")];
    assert_eq!(mistakes(&both).len(), 1);
}

#[cfg(unix)]
#[test]
fn bytes_that_are_no_text_are_a_mistake_of_their_variable() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = std::ffi::OsString::from_vec(vec![b'a', 0xFF]);
    let variables = [(AUDIENCE.0.into(), value), (ISSUER.0.into(), ISSUER.1.into())];
    let error = Builder::from_environment(Variables::read(variables)).build().expect_err("no text");
    let [problem] = error.problems() else { panic!("{error}") };
    assert_eq!((problem.name(), problem.found()), (AUDIENCE.0, "bytes that are not UTF-8"));
}

#[test]
fn an_argument_is_not_blamed_on_the_environment() {
    let builder = Builder::from_environment(environment(&[ISSUER])).with_issuer("", AUDIENCE.1);
    let error = builder.build().expect_err("two mistakes");
    let names: Vec<_> = error.problems().iter().map(ConfigProblem::name).collect();
    assert_eq!(names, ["REQUIRES_AUTH_AUDIENCE", "issuer"]);
    let builder = Builder::from_environment(environment(&[ISSUER, AUDIENCE, ("REQUIRES_AUTH_LEEWAY", "1s")]));
    let error = builder.with_leeway(Duration::from_secs(301)).build().expect_err("a long leeway");
    assert_eq!(error.problems()[0].name(), "leeway");
}

#[test]
fn the_time_of_a_fetch_is_that_of_the_table() {
    assert_eq!(Given::default().duration(settings::FETCH_TIMEOUT), crate::fetch::TOTAL_TIMEOUT);
}

#[test]
fn an_audience_that_is_missing_is_told_as_its_provider_has_it() {
    let hint = |builder: Builder| {
        let error = builder.build().expect_err("no audience");
        error.problems().iter().map(|problem| problem.hint().to_owned()).collect::<Vec<_>>().join("; ")
    };
    let cognito = hint(Builder::new("eu-west-1_Acme", "").with_provider("cognito"));
    assert!(cognito.contains("such as 1example23456789, as an argument"), "{cognito}");
    let plain = hint(Builder::new("https://issuer.example", ""));
    assert!(plain.contains("such as https://api.example.com, as an argument"), "{plain}");
}

/// Entra ID has two patterns for its tenants. What is wrong with both of them is told once.
#[test]
fn a_mistake_in_a_pattern_with_another_name_is_told_once() {
    let builder = Builder::new("", "api").with_provider("entra").with_tenants(["a"]).with_jwks("{}");
    let error = builder.build().expect_err("no keys");
    assert_eq!(error.problems().len(), 1, "{error}");
}
