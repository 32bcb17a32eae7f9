//! The configuration file: what it sets, and how its mistakes are told, each with its line.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use requires_auth::config::{Config, IssuerConfig};
use requires_auth::error::Place;
use requires_auth::settings::{self, Document};
use requires_auth::{ConfigError, Profile, Reason, Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm as KeyAlgorithm, Forge, SigningKey, jwk_set};

const ISSUER: &str =
    "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example.com\"\n";

/// A folder that is gone at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("requires-auth-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The guard of a text, without files beside it.
fn build(text: &str) -> Result<RequiresAuth, ConfigError> {
    let folder = Folder::new(&format!("{:?}", std::thread::current().id()).replace(['(', ')'], ""));
    RequiresAuth::from_file(folder.file("auth.toml", text))
}

/// Line, setting and found of each mistake.
fn mistakes(error: &ConfigError) -> Vec<(u32, &str, &str)> {
    let place = |place: Option<&Place>| place.expect("a place").line();
    let one = |problem| -> (u32, &str, &str) {
        let problem: &requires_auth::error::ConfigProblem = problem;
        (place(problem.place()), problem.place().map_or("", Place::setting), problem.found())
    };
    error.problems().iter().map(one).collect()
}

#[track_caller]
fn refused(text: &str, line: u32, setting: &str, found: &str) {
    let error = build(text).err().unwrap_or_else(|| panic!("no mistake found in\n{text}"));
    assert_eq!(mistakes(&error), [(line, setting, found)], "{error}");
}

/// One line above an issuer that is right.
#[track_caller]
fn top(line: &str, setting: &str, found: &str) {
    refused(&format!("{line}\n{ISSUER}"), 1, setting, found);
}

/// One line below an issuer that is right.
#[track_caller]
fn in_issuer(line: &str, key: &str, found: &str) {
    refused(&format!("{ISSUER}{line}\n"), 4, &format!("issuers.main.{key}"), found);
}

#[test]
fn one_issuer_suffices() {
    let folder = Folder::new("one");
    let key = SigningKey::generate(KeyAlgorithm::Es384);
    folder.file("keys.json", &jwk_set([&key]).to_string());
    let path = folder.file("auth.toml", &format!("{ISSUER}jwks = \"keys.json\"\n"));
    let auth = RequiresAuth::from_file(path).expect("a guard");
    let headers = [("authorization", "Bearer eyJhbGciOiJFUzM4NCJ9.e30.AAAA")];
    let judged = auth.authenticate_now(&Request::new("GET", "/", &headers)).expect("no fetch is needed");
    assert_eq!(judged.expect_err("a bad signature").code(), requires_auth::ErrorCode::InvalidToken);
    assert_eq!(auth.health().issuers().len(), 1);
}

#[test]
fn every_setting_is_read() {
    let text = r#"
algorithms = ["ES384", "RS256"]
leeway = "1m"
profile = "at+jwt"
scope_claims = ["scope", "realm_access.roles"]
implied_scopes = { admin = "read write", write = ["read"] }
max_token_bytes = 8_192
stale = 90
fetch_timeout = "2s"
dangerously_allow_http_issuer = true
cache = 0
state_file = "keys.state"
ca = "/etc/ca.pem"
error_body = "problem"

[issuers.b]
issuer = "https://b.example"
audience = ["one", "two"]
jwks_uri = "https://b.example/keys"
algorithms = "RS256"
scope_claims = ["scp", "roles"]

[issuers.a]
issuer = "https://a.example"
audience = "one"
discovery_url = "https://inside.example/metadata"

[issuers."c.d"]
issuer = "https://c.example"
audience = "one"
jwks = "c.json"
"#;
    let config = Config::parse(text, "conf/auth.toml").expect("no mistakes");
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    assert_eq!(config.get(settings::ALGORITHMS), texts(&["ES384", "RS256"]));
    assert_eq!(config.get(settings::LEEWAY), Some(Duration::from_secs(60)));
    assert_eq!(config.get(settings::PROFILE), Some(Profile::AccessTokenJwt));
    assert_eq!(config.get(settings::SCOPE_CLAIMS), texts(&["scope", "realm_access.roles"]));
    let implied = [("admin", "read write"), ("write", "read")];
    let implied = implied.map(|(scope, all)| (scope.to_owned(), all.to_owned()));
    assert_eq!(config.get(settings::IMPLIED_SCOPES), Some(implied.to_vec()));
    assert_eq!((config.get(settings::MAX_TOKEN_BYTES), config.get(settings::CACHE)), (Some(8192), Some(0)));
    assert_eq!(config.get(settings::STALE), Some(Duration::from_secs(90)));
    assert_eq!(config.get(settings::FETCH_TIMEOUT), Some(Duration::from_secs(2)));
    assert_eq!(config.get(settings::STATE_FILE), Some("conf/keys.state".into()));
    assert_eq!(config.get(settings::CA), Some(Document::File("/etc/ca.pem".into())));
    assert_eq!(config.get(settings::ERROR_BODY), Some("problem"));
    assert_eq!(config.get(settings::DANGEROUSLY_ALLOW_HTTP_ISSUER), Some(true));
    let names: Vec<_> = config.issuers.iter().map(IssuerConfig::name).collect();
    assert_eq!(names, ["b", "a", "c.d"], "the order of the file");
    let [first, second, third] = &*config.issuers else { panic!("three issuers") };
    assert_eq!(first.audience(), ["one", "two"]);
    assert_eq!(first.get(settings::JWKS_URI).as_deref(), Some("https://b.example/keys"));
    assert_eq!(first.get(settings::ALGORITHMS), texts(&["RS256"]));
    assert_eq!(first.get(settings::SCOPE_CLAIMS), texts(&["scp", "roles"]));
    assert_eq!((second.get(settings::ALGORITHMS), second.get(settings::SCOPE_CLAIMS)), (None, None));
    assert_eq!(second.get(settings::DISCOVERY_URL).as_deref(), Some("https://inside.example/metadata"));
    assert_eq!(third.get(settings::JWKS), Some(Document::File("conf/c.json".into())));
    assert_eq!(config.warnings(), [""; 0]);
}

#[test]
fn a_section_that_nobody_knows_is_a_mistake() {
    top("severs = 1", "severs", "an unknown key");
}

#[test]
fn what_comes_later_is_refused() {
    in_issuer("revocation = \"s3cret\"", "revocation", "a key that is not supported yet");
    top("revocation = { file = \"x\" }", "revocation", "a key that is not supported yet");
}

#[test]
fn a_key_in_the_wrong_table_is_told_where_it_belongs() {
    in_issuer("leeway = 3", "leeway", "a key for all issuers");
    top("audience = \"x\"", "audience", "a key of an issuer");
}

#[test]
fn values_have_their_type() {
    top("leeway = \"x\"", "leeway", "another text");
    top("leeway = -1", "leeway", "a negative number");
    top("stale = 1.5", "stale", "a number with a fraction");
    top("cache = \"1\"", "cache", "another text");
    top("max_token_bytes = true", "max_token_bytes", "true or false");
    top("algorithms = 1", "algorithms", "a number");
    top("scopes_from = [1]", "scopes_from", "a list");
    top("implied_scopes = \"x\"", "implied_scopes", "another text");
    top("implied_scopes = { a = 1 }", "implied_scopes.a", "a number");
    top("profile = \"at-jwt\"", "profile", "`at-jwt`");
    top("error_body = \"xml\"", "error_body", "`xml`");
    top("state_file = \"\"", "state_file", "an empty text");
    in_issuer("jwks_uri = 1979-05-27", "jwks_uri", "a date or time");
    in_issuer("algorithms = true", "algorithms", "true or false");
    in_issuer("scopes_from = [[]]", "scopes_from", "a list");
    refused("issuers = 1", 1, "issuers", "a number");
    refused("[issuers]\nissuer = \"https://a.example\"", 2, "issuers.issuer", "a value");
}

#[test]
fn an_issuer_and_an_audience_are_needed() {
    refused("", 1, "issuers", "nothing");
    refused("[issuers]", 1, "issuers", "an empty table");
    refused("\n[issuers.a]\nissuer = \"https://a.example\"", 2, "issuers.a.audience", "nothing");
    refused("\n[issuers.a]\naudience = \"x\"", 2, "issuers.a.issuer", "nothing");
    refused("[issuers.a]\nissuer = \"https://a.example\"\naudience = []", 3, "issuers.a.audience", "nothing");
    refused("[issuers.a]\nissuer = \"https://a.example\"\naudience = 5", 3, "issuers.a.audience", "a number");
}

#[test]
fn an_issuer_has_algorithms_and_scopes_of_its_own() {
    let folder = Folder::new("own");
    let keys = [KeyAlgorithm::Es384, KeyAlgorithm::Es256].map(SigningKey::generate);
    folder.file("keys.json", &jwk_set(&keys).to_string());
    let partner = ISSUER.replace("main", "partner").replace("//issuer", "//partner");
    let own = "algorithms = [\"ES256\"]\nscopes_from = \"scp\"\n";
    let text = format!(
        "algorithms = \"ES384\"\nscopes_from = \"roles\"\n{ISSUER}jwks = \"keys.json\"\n{partner}jwks = \"keys.json\"\n{own}"
    );
    let auth = RequiresAuth::from_file(folder.file("auth.toml", &text)).expect("a guard");
    let scopes = |issuer: &str, key: &SigningKey| {
        let token = Forge::new(issuer, "https://api.example.com", key.clone())
            .token()
            .claim("scp", "s")
            .claim("roles", "r");
        let headers = [("authorization", format!("Bearer {}", token.mint()))];
        let judged = auth.authenticate_now(&Request::new("GET", "/", &headers)).expect("no fetch is needed");
        judged
            .map(|token| token.scopes().map(ToOwned::to_owned).collect::<Vec<_>>())
            .map_err(|denial| denial.reason())
    };
    let refused = Err(Some(Reason::AlgorithmNotAllowed));
    let judged = |issuer| [scopes(issuer, &keys[0]), scopes(issuer, &keys[1])];
    assert_eq!(judged("https://issuer.example"), [Ok(vec!["r".to_owned()]), refused.clone()]);
    assert_eq!(judged("https://partner.example"), [refused, Ok(vec!["s".to_owned()])]);
}

#[test]
fn what_the_builder_refuses_has_its_line() {
    top("leeway = \"301s\"", "leeway", "301 s");
    top("algorithms = [\"HS256\"]", "algorithms", "`HS256`");
    top("algorithms = []", "algorithms", "an empty list");
    top("max_token_bytes = 0", "max_token_bytes", "0");
    top("scopes_from = [\"\"]", "scopes_from", "an empty path");
    top("implied_scopes = { a = \"a\" }", "implied_scopes", "`a` implies itself");
    in_issuer("jwks_uri = \"http://a.example\"", "jwks_uri", "`http://a.example`");
    in_issuer("discovery_url = \"x\"", "discovery_url", "`x`");
    in_issuer("algorithms = []", "algorithms", "an empty list");
    in_issuer("algorithms = [\"ES384\", \"none\"]", "algorithms", "`none`");
    in_issuer("scopes_from = [\"scp\", \"\"]", "scopes_from", "an empty path");
    let second = format!("{ISSUER}[issuers.b]\nissuer = \"http://b.example\"\naudience = \" \"\n");
    let error = build(&second).expect_err("two mistakes");
    let expected = [(5, "issuers.b.issuer", "`http://b.example`"), (6, "issuers.b.audience", "` `")];
    assert_eq!(mistakes(&error), expected);
}

#[test]
fn an_issuer_stands_once_and_has_one_source_of_keys() {
    let again = format!("{ISSUER}{}", ISSUER.replace("main", "again"));
    refused(&again, 5, "issuers.again.issuer", "that of [issuers.main] again");
    let both = format!("{ISSUER}jwks_uri = \"https://a.example\"\ndiscovery_url = \"https://a.example\"\n");
    refused(&both, 5, "issuers.main.discovery_url", "this beside `jwks_uri`");
}

#[test]
fn files_that_are_named_are_read() {
    let folder = Folder::new("files");
    folder.file("bad.json", "{}");
    let text = format!(
        "ca = \"none.pem\"\n{ISSUER}jwks = \"none.json\"\n{}jwks = \"bad.json\"\n",
        ISSUER.replace("main", "b").replace("//issuer", "//b")
    );
    let error = RequiresAuth::from_file(folder.file("auth.toml", &text)).expect_err("three mistakes");
    let at: Vec<_> = mistakes(&error).into_iter().map(|(line, setting, _)| (line, setting)).collect();
    assert_eq!(at, [(1, "ca"), (5, "issuers.main.jwks"), (9, "issuers.b.jwks")], "{error}");
    let missing = RequiresAuth::from_file(folder.0.join("no.toml")).expect_err("no file");
    assert!(missing.to_string().contains("no.toml: expected a readable file, found"), "{missing}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_an_error_at_once_whatever_file_it_stands_for() {
    let folder = Folder::new("pipes");
    let pipe = folder.0.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let text = format!("ca = \"pipe\"\nstate_file = \"pipe\"\n{ISSUER}jwks = \"pipe\"\n");
    let error = RequiresAuth::from_file(folder.file("auth.toml", &text)).expect_err("pipes");
    let at: Vec<_> = mistakes(&error).into_iter().map(|(_, setting, _)| setting).collect();
    assert_eq!(at, ["ca", "issuers.main.jwks"], "{error}");
    let error = RequiresAuth::from_file(&pipe).expect_err("a pipe");
    assert!(error.to_string().contains("where a regular file is expected"), "{error}");
}

#[test]
fn a_text_that_is_no_toml_is_told_by_its_line() {
    let error = Config::parse("a = 1\nb = \n", "auth.toml").expect_err("no TOML");
    assert_eq!(
        error.problems()[0].place().map(ToString::to_string).as_deref(),
        Some("auth.toml:2"),
        "{error}"
    );
    let twice = Config::parse("leeway = 1\nleeway = 2\n", "auth.toml").expect_err("a key twice");
    assert_eq!(twice.problems()[0].place().map(Place::line), Some(2), "{twice}");
}

#[test]
fn an_adjusted_builder_may_do_what_no_file_can() {
    let folder = Folder::new("adjust");
    let path = folder.file("auth.toml", &ISSUER.replace("https://issuer", "http://issuer"));
    assert!(RequiresAuth::from_file(&path).is_err());
    let (config, _guard) = Config::load(&path, danger::allow_http_issuer).expect("a guard");
    assert_eq!(config.issuers[0].issuer(), "http://issuer.example");
}

#[test]
fn no_message_repeats_a_secret() {
    let text = "api_key = \"s3cret\"\nleeway = \"s3cret\"\nprofile = \"s3cret-that-is-longer-than-a-name\"\n[issuers.a]\n\
                issuer = \"https://user:s3cret@a.example\"\naudience = \"x\"\nclient_secret = \"s3cret\"\n";
    let error = build(text).expect_err("mistakes");
    assert_eq!(error.problems().len(), 5, "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    let broken = Config::parse("password = \"s3cret\nx = s3cret", "a").expect_err("no TOML");
    assert!(!broken.to_string().contains("s3cret"), "{broken}");
}

#[test]
fn many_mistakes_come_as_one_message() {
    let text = r#"leway = "10s"
stale = "1 day"
algorithms = ["ES384", "hs256"]

[server]
listen = "127.0.0.1:9180"

[issuers.main]
issuer = "http://issuer.example"
audiance = "https://api.example.com"

[issuers.partner]
issuer = "https://partner.example"
audience = ["api://orders", ""]
leeway = "5s"
revocation = "s3cret"
jwks = "none.json"
"#;
    let folder = Folder::new("many");
    let error = RequiresAuth::from_file(folder.file("auth.toml", text)).expect_err("many mistakes");
    let message = error.to_string().replace(&format!("{}/", folder.0.display()), "");
    let expected = r#"the configuration has 10 problems
auth.toml:1: leway: expected a known key, found an unknown key
  hint: did you mean `leeway`?
auth.toml:2: stale: expected a duration, found another text
  hint: write "30s", "5m", "1h" or a number of seconds
auth.toml:3: algorithms: expected signature algorithms, found `hs256`
  hint: unknown signature algorithm, expected one of EdDSA, Ed25519, ES256, ES256K, ES384, ES512, ML-DSA-44, ML-DSA-65, ML-DSA-87, PS256, PS384, PS512, RS256, RS384, RS512; names are case-sensitive, and none and HS256 are never allowed
auth.toml:8: issuers.main.audience: expected the identifier of this API, found nothing
  hint: use the identifier of this API at the issuer, such as https://api.example.com
auth.toml:9: issuers.main.issuer: expected an https URL, found `http://issuer.example`
  hint: use https; plain http is for loopback only (or, on a private network, `dangerously_allow_http_issuer = true`)
auth.toml:10: issuers.main.audiance: expected a known key, found an unknown key
  hint: did you mean `audience`?
auth.toml:14: issuers.partner.audience: expected the identifier of this API, found ``
  hint: use the identifier of this API at the issuer, such as https://api.example.com
auth.toml:15: issuers.partner.leeway: expected a key of an issuer, found a key for all issuers
  hint: write it above the first [table]: it is for all issuers
auth.toml:16: issuers.partner.revocation: expected a key that is supported, found a key that is not supported yet
  hint: take it out: this version would not do what it says
auth.toml:17: issuers.partner.jwks: expected a readable JWK Set file, found `none.json`: No such file or directory (os error 2)
  hint: a path is relative to the folder of the configuration file"#;
    assert_eq!(message, expected);
}

#[test]
fn the_documented_file_is_right() {
    let docs = include_str!("../src/config/mod.rs");
    let block = docs.split("//! ```toml\n").nth(1).and_then(|rest| rest.split("//! ```").next());
    let lines = block.expect("a block").lines().map(|line| line.trim_start_matches("//!").trim_start());
    let text = lines.collect::<Vec<_>>().join("\n");
    let config = Config::parse(&text, "auth.toml").expect("no mistakes");
    assert_eq!(config.issuers.len(), 2);
}

#[test]
fn a_file_is_a_text_of_at_most_a_mebibyte() {
    let folder = Folder::new("size");
    let of_length = |length: usize| format!("{ISSUER}#{}", "x".repeat(length - ISSUER.len() - 1));
    assert!(RequiresAuth::from_file(folder.file("most.toml", &of_length(1024 * 1024))).is_ok());
    assert!(RequiresAuth::from_file(folder.file("more.toml", &of_length(1024 * 1024 + 1))).is_err());
    fs::write(folder.0.join("latin.toml"), b"# \xe9\n").expect("a file");
    assert!(RequiresAuth::from_file(folder.0.join("latin.toml")).is_err());
}

#[test]
fn certificates_are_read_as_such() {
    let folder = Folder::new("ca");
    for bad in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        folder.file("bad.pem", bad);
        let text = format!("\nca = \"bad.pem\"\n{ISSUER}");
        let error = RequiresAuth::from_file(folder.file("auth.toml", &text)).expect_err(bad);
        let at: Vec<_> = mistakes(&error).into_iter().map(|(line, setting, _)| (line, setting)).collect();
        assert_eq!(at, [(2, "ca")], "{bad}: {error}");
    }
}

#[test]
fn an_earlier_name_is_read_with_a_warning_and_messages_name_what_is_written() {
    let text = format!("scopes_from = \"roles\"\n{ISSUER}scopes_from = \"scp\"\n");
    let config = Config::parse(&text, "auth.toml").expect("no mistakes");
    assert_eq!(config.get(settings::SCOPE_CLAIMS), Some(vec!["roles".to_owned()]));
    assert_eq!(config.issuers[0].get(settings::SCOPE_CLAIMS), Some(vec!["scp".to_owned()]));
    let expected = [
        "auth.toml:1: scopes_from is now called `scope_claims`; the old name is still read",
        "auth.toml:5: issuers.main.scopes_from is now called `scope_claims`; the old name is still read",
    ];
    assert_eq!(config.warnings(), expected);
    top("scopes_from = \"\"", "scopes_from", "an empty path");
    top("scope_claims = \"\"", "scope_claims", "an empty path");
    let both = format!("scope_claims = \"a\"\nscopes_from = \"b\"\n{ISSUER}");
    refused(&both, 2, "scopes_from", "the same setting twice");
}

#[test]
fn what_weakens_a_check_is_written_by_name() {
    let http = ISSUER.replace("https://issuer", "http://issuer");
    assert!(build(&http).is_err());
    assert!(build(&format!("dangerously_allow_http_issuer = false\n{http}")).is_err());
    assert!(build(&format!("dangerously_allow_http_issuer = true\n{http}")).is_ok());
    top("dangerously_allow_http_issuer = \"true\"", "dangerously_allow_http_issuer", "another text");
    let link_local = ISSUER.replace("https://issuer.example", "http://169.254.169.254");
    assert!(build(&format!("dangerously_allow_http_issuer = true\n{link_local}")).is_err());
    let any = "[issuers.a]\nissuer = \"https://a.example\"\ndangerously_any_audience = true\n";
    assert!(build(any).is_ok());
    refused(&any.replace("true", "false"), 1, "issuers.a.audience", "nothing");
    refused(
        &format!("{any}audience = \"x\"\n"),
        4,
        "issuers.a.audience",
        "a value beside `dangerously_any_audience`",
    );
    top("dangerously_any_audience = true", "dangerously_any_audience", "a key of an issuer");
}

#[test]
fn a_fetch_has_a_time_of_its_own() {
    assert!(build(&format!("fetch_timeout = \"30s\"\n{ISSUER}")).is_ok());
    top("fetch_timeout = 0", "fetch_timeout", "0 s");
    top("fetch_timeout = \"1m\"", "fetch_timeout", "60 s");
}

#[test]
fn who_takes_a_choice_for_a_switch_is_told_its_names() {
    let hint = |line: &str| {
        let error = build(&format!("{line}\n{ISSUER}")).expect_err(line);
        let told = |problem: &requires_auth::error::ConfigProblem| problem.hint().to_owned();
        error.problems().iter().map(told).next().expect("a mistake")
    };
    for on in ["true", "\"on\"", "\"yes\"", "\"1\""] {
        let told = hint(&format!("public_url = \"https://api.example.com\"\ndpop = {on}"));
        assert_eq!(told, "write dpop = \"allowed\", or \"required\" once every client sends proofs", "{on}");
    }
    assert_eq!(hint("dpop = false"), "write dpop = \"off\"");
    assert_eq!(hint("dpop = 3"), "write dpop = \"off\", \"allowed\", \"required\" or \"pass\"");
    assert_eq!(hint("dpop = \"requierd\""), "write dpop = \"required\"");
    assert_eq!(hint("challenge_scopes = true"), "write challenge_scopes = \"keep\" or \"needed\"");
    // Its name in quotes is right, and without a place for the URL that is what is missing.
    assert!(hint("dpop = \"allowed\"").contains("REQUIRES_AUTH_PUBLIC_URL"));
}

/// Every secret among the settings, as a text that stands in the file.
#[test]
fn a_secret_that_stands_in_the_file_is_told_where_to_be_and_not_shown() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let of = |setting: &'static settings::Setting| {
        let secrets = setting.members().iter().filter(|member| member.kind == settings::Kind::Secret);
        secrets.map(move |member| (setting, member.key))
    };
    let all: Vec<_> = settings::ALL.iter().copied().flat_map(of).collect();
    assert!(all.len() > 3 && settings::ALL.iter().all(|setting| setting.kind != settings::Kind::Secret));
    for (setting, key) in all {
        let line = format!("{} = {{ {key} = \"{SECRET}\" }}\n", setting.key);
        let text = if setting.is_of_guard() { line + ISSUER } else { ISSUER.to_owned() + &line };
        let told = build(&text).expect_err(&text).to_string();
        assert!(told.contains("{ env = \"NAME\" } or { file = \"path\" }"), "{key}: {told}");
        assert!(!told.contains(SECRET), "{key}: {told}");
    }
}

#[test]
fn a_url_without_its_scheme_is_told_so() {
    for (issuer, line, meant) in [
        ("login.example.com/x", "", "https://login.example.com/x"),
        ("localhost:9100/oidc", "", "http://localhost:9100/oidc"),
        ("https://issuer.example", "jwks_uri = \"issuer.example/keys\"\n", "https://issuer.example/keys"),
    ] {
        let text = ISSUER.replace("https://issuer.example", issuer) + line;
        let told = build(&text).expect_err(&text).to_string();
        assert!(told.contains(&format!("a URL begins with its scheme: write {meant}")), "{told}");
    }
    let named =
        build(&ISSUER.replace("https://issuer.example", "development")).expect_err("a name").to_string();
    assert!(!named.contains("begins with its scheme"), "{named}");
}

#[test]
fn a_number_in_quotes_is_told_how_to_be_written() {
    let error = build(&format!("leeway = \"30\"\n{ISSUER}")).expect_err("a text");
    assert!(error.to_string().contains("write 30 without quotes, or with a unit: \"30s\""), "{error}");
}

#[test]
fn sections_of_others_are_skipped_by_the_library_and_read_by_them() {
    let folder = Folder::new("sections");
    let text = format!("{ISSUER}[server]\nlistn = 1\n[[routes]]\nqqq = 1\n");
    let path = folder.file("auth.toml", &text);
    assert!(RequiresAuth::from_file(&path).is_ok(), "what is wrong there is not the guard's business");
    let read = |path: &Path| {
        Config::load_with(
            path,
            |builder| builder,
            |reader, document, issuers| {
                let section =
                    reader.entries(document, "").into_iter().find(|entry| entry.key() == "server")?;
                let table = reader.table("server", &section)?;
                for entry in reader.entries(table, section.path()) {
                    match entry.key() {
                        "listen" => {
                            return reader.text("server", &entry).map(|listen| (listen, issuers.len()));
                        }
                        _ => reader.unknown("server", &entry, &["listen"]),
                    }
                }
                None
            },
        )
        .map(|(_, _, read)| read)
    };
    let error = read(&path).expect_err("a typo");
    assert_eq!(mistakes(&error), [(5, "server.listn", "an unknown key")]);
    let wrong = folder.file("wrong.toml", &format!("leeway = \"301s\"\n{text}"));
    let error = read(&wrong).expect_err("two mistakes");
    assert_eq!(mistakes(&error), [(1, "leeway", "301 s"), (6, "server.listn", "an unknown key")]);
    let right = folder.file("right.toml", &text.replace("listn = 1", "listen = \"x\""));
    assert_eq!(read(&right).expect("no mistakes"), Some(("x".to_owned(), 1)));
}

#[test]
fn the_files_on_the_page_about_issuers_are_configurations() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/issuers-and-keys.md");
    let page = fs::read_to_string(page).expect("the page");
    let blocks: Vec<_> =
        page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 3);
    for block in blocks {
        let config = Config::parse(block, "page.toml").unwrap_or_else(|error| panic!("{error}\n{block}"));
        config.build_with(|builder| builder).unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}

/// What is missing beside a provider is told with what that provider has there, and not with an example of another.
#[test]
fn what_is_missing_beside_a_provider_is_told_in_its_words() {
    let told = |issuer: &str| {
        let config = Config::parse(&format!("[issuers.main]\n{issuer}\n"), "auth.toml");
        let error = config.and_then(|config| config.build()).expect_err(issuer);
        error
            .problems()
            .iter()
            .map(|problem| (problem.field(), problem.hint().to_owned()))
            .collect::<Vec<_>>()
    };
    let cognito = told("provider = \"cognito\"\nissuer = \"eu-west-1_Acme\"");
    assert!(matches!(&cognito[..], [("audience", hint)] if hint.contains("app client ids")), "{cognito:?}");
    let google = told("provider = \"google\"");
    assert!(matches!(&google[..], [("audience", hint)] if hint.contains("OAuth client id")), "{google:?}");
    // With the project of Firebase the audience is known.
    for issuer in ["provider = \"firebase\"", "provider = \"firebase\"\nissuer = \"\""] {
        let firebase = told(issuer);
        assert!(matches!(&firebase[..], [("issuer", hint)] if hint.contains("project id")), "{firebase:?}");
    }
    let keycloak = told("provider = \"keycloak\"\naudience = \"orders-api\"");
    assert!(matches!(&keycloak[..], [("issuer", hint)] if hint.contains("/realms/NAME")), "{keycloak:?}");
    let plain = told("audience = \"https://api.example\"");
    assert!(matches!(&plain[..], [("issuer", hint)] if hint.starts_with("copy `issuer`")), "{plain:?}");
}
