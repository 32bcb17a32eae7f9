//! `doctor` against issuers and APIs that are well, and such as are not.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
use serde_json::Value;

use self::support::{Run, Server, run};

const AUDIENCE: &str = "https://api.example.com";

/// A server that answers each request's head with a whole response. It ends with the test's process.
fn double(answer: impl Fn(&str, &str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let own = url.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let head = read_head(&mut stream);
            // Who hangs up early has seen enough.
            stream.write_all(answer(&own, &head).as_bytes()).ok();
        }
    });
    url
}

fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

fn response(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn look_at(issuer: &str, more: &[&str]) -> Run {
    let args = ["doctor", "--issuer", issuer, "--audience", AUDIENCE, "--output", "json"];
    run(&[&args[..], more].concat(), "")
}

/// The level of the first finding with this code.
#[track_caller]
fn level(run: &Run, code: &str) -> String {
    let json = run.json();
    let findings = json["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["code"] == code);
    found
        .and_then(|finding| finding["level"].as_str())
        .unwrap_or_else(|| panic!("no {code}: {json}"))
        .to_owned()
}

/// What is said of the provider, one text for each finding.
fn of_provider(run: &Run) -> Vec<String> {
    let json = run.json();
    let findings = json["findings"].as_array().expect("findings");
    let own = findings.iter().filter(|finding| finding["code"] == "provider");
    own.filter_map(|finding| Some(finding["what"].as_str()?.to_owned())).collect()
}

#[test]
fn a_provider_is_recognised_by_its_metadata_wherever_it_runs() {
    let keys = jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string();
    let provider = |endpoint: &'static str| {
        let keys = keys.clone();
        double(move |own, head| {
            let metadata = format!(
                r#"{{"issuer":"{own}","jwks_uri":"{own}/jwks","authorization_endpoint":"{own}{endpoint}"}}"#
            );
            let body = if head.starts_with("GET /jwks") { &keys } else { &metadata };
            response(200, "Content-Type: application/json\r\n", body)
        })
    };
    let keycloak = of_provider(&look_at(&provider("/protocol/openid-connect/auth"), &[]));
    assert!(
        keycloak[0].contains("Keycloak") && keycloak[0].contains("provider = \"keycloak\""),
        "{keycloak:?}"
    );
    assert!(keycloak[1].contains("Audience mapper"), "{keycloak:?}");
    let logto = of_provider(&look_at(
        &provider(
            r#"/auth","scopes_supported":["urn:logto:scope:roles"],"introspection_endpoint":"http://a/oidc/token/introspection"#,
        ),
        &[],
    ));
    assert!(logto[0].contains("provider = \"logto\""), "{logto:?}");
    assert_eq!(of_provider(&look_at(&provider("/authorize"), &[])), [""; 0]);
}

#[test]
fn a_development_issuer_is_well() {
    let issuer = Server::start(&["issuer", "--port", "0"]);
    let url = issuer.address("issuer");
    let well = look_at(url, &[]);
    assert_eq!(well.code(), 0, "{well:?}");
    for code in
        ["discovery.reached", "discovery.issuer", "keys.reached", "keys.usable", "clock", "guard.keys"]
    {
        assert_eq!(level(&well, code), "ok", "{code}");
    }
    assert_eq!(of_provider(&well), [""; 0], "it stands under `/oidc`, and is not Logto");
    let slash = look_at(&format!("{url}/"), &[]);
    assert_eq!(slash.code(), 1);
    assert_eq!(level(&slash, "discovery.issuer"), "fail");
    assert_eq!(level(&slash, "guard.keys"), "fail");
}

#[test]
fn a_token_is_judged_and_never_printed() {
    let issuer = Server::start(&["issuer", "--port", "0"]);
    let url = issuer.address("issuer");
    let token = run(&["token", "--issuer", url], "");
    let token = token.stdout().trim();
    let good = look_at(url, &["--token", token]);
    assert_eq!(level(&good, "guard.token"), "ok", "{good:?}");
    let broken = format!("{token}x");
    let bad = look_at(url, &["--token", &broken]);
    assert_eq!((bad.code(), level(&bad, "guard.token").as_str()), (1, "fail"));
    for part in token.split('.') {
        assert!(!bad.stdout().contains(part) && !bad.stderr().contains(part), "{bad:?}");
    }
}

/// An issuer with metadata that name itself, and this answer for its keys.
fn issuer_with_keys(headers: &'static str, keys: String) -> String {
    double(move |own, head| {
        if head.starts_with("GET /keys ") {
            return response(200, headers, &keys);
        }
        response(200, "", &format!(r#"{{"issuer":"{own}","jwks_uri":"{own}/keys"}}"#))
    })
}

#[test]
fn bad_issuers_are_found_out() {
    let keys = jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string();
    let no_keys = r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.to_owned();
    let cases: [(&str, String, &str); 7] = [
        ("HTML", double(|_, _| response(200, "", "<html>")), "discovery.reached"),
        ("nothing there", double(|_, _| response(404, "", "")), "discovery.reached"),
        (
            "another issuer",
            double(|own, _| {
                response(200, "", &format!(r#"{{"issuer":"https://other.example","jwks_uri":"{own}/keys"}}"#))
            }),
            "discovery.issuer",
        ),
        ("clock off", issuer_with_keys("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", keys), "clock"),
        ("no usable key", issuer_with_keys("", no_keys.clone()), "keys.usable"),
        ("a secret that is published", issuer_with_keys("", no_keys), "keys.skipped"),
        (
            "keys over http",
            double(|own, _| {
                response(200, "", &format!(r#"{{"issuer":"{own}","jwks_uri":"http://keys.example/"}}"#))
            }),
            "keys.reached",
        ),
    ];
    for (name, issuer, code) in cases {
        let found = look_at(&issuer, &[]);
        assert_eq!((found.code(), level(&found, code).as_str()), (1, "fail"), "{name}: {found:?}");
        let json = found.json();
        let failed =
            json["findings"].as_array().expect("findings").iter().filter(|one| one["level"] == "fail");
        assert!(failed.clone().all(|finding| finding["hint"].is_string()), "{name}: what fails has a hint");
    }
}

/// The guard takes a key whose `alg` is `EdDSA`, the older name of what Ed25519 signs (RFC 8037 §3.1); so does the doctor.
#[test]
fn a_key_by_an_older_name_of_its_algorithm_is_taken_as_the_guard_takes_it() {
    let folder = std::env::temp_dir().join(format!("requires-auth-doctor-eddsa-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("auth.toml");
    let mut keys = jwk_set([&SigningKey::generate(Algorithm::Ed25519)]);
    keys["keys"][0]["alg"] = "EdDSA".into();
    let issuer = issuer_with_keys("", keys.to_string());
    for (algorithm, expected) in [("EdDSA", "ok"), ("Ed25519", "ok"), ("ES256", "fail")] {
        let text = format!(
            "algorithms = [\"{algorithm}\"]\n[issuers.main]\nissuer = \"{issuer}\"\naudience = \"{AUDIENCE}\"\n"
        );
        fs::write(&file, text).expect("a file");
        let run = run(&["doctor", file.to_str().expect("UTF-8"), "--output", "json"], "");
        assert_eq!(level(&run, "keys.algorithms"), expected, "{algorithm}: {run:?}");
        assert_eq!(run.code(), i32::from(expected == "fail"), "{algorithm}: {run:?}");
    }
    drop(fs::remove_dir_all(&folder));
}

/// The first finding with this code: what was found, and the hint.
fn told(run: &Run, code: &str) -> (String, String) {
    let json = run.json();
    let findings = json["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["code"] == code).expect(code);
    (found.to_string(), found["hint"].to_string())
}

#[test]
fn every_place_of_the_metadata_is_named_and_a_closed_port_told_from_a_wrong_name() {
    let (found, hint) = told(&look_at(&double(|_, _| response(404, "", "")), &[]), "discovery.reached");
    for place in ["/.well-known/openid-configuration: 404", "/.well-known/oauth-authorization-server: 404"] {
        assert!(found.contains(place), "{found}");
    }
    assert!(hint.contains("`iss`"), "{hint}");
    let (found, hint) = told(&look_at("http://127.0.0.1:1/oidc", &[]), "discovery.reached");
    assert!(found.contains("/oidc/.well-known/openid-configuration"), "{found}");
    assert!(hint.contains("nothing answers there") && !hint.contains("iss"), "{hint}");
}

fn attack(url: &str) -> Run {
    run(&["doctor", "--url", url, "--path", "/orders", "--output", "json"], "")
}

const REFUSED: (u16, &str) = (401, "WWW-Authenticate: Bearer\r\n");

/// Which requests pass, told by their heads.
type Weakness = fn(&str) -> bool;

/// An API that refuses everything but what `lets_through`.
fn api(lets_through: Weakness) -> String {
    double(move |_, head| {
        let (status, headers) = if lets_through(head) { (200, "") } else { REFUSED };
        response(status, headers, "")
    })
}

#[test]
fn each_weakness_of_an_api_is_found_and_no_other() {
    let cases: [(&str, Weakness); 11] = [
        ("probe.no_token", |head| {
            head.starts_with("GET /orders ") && !head.contains("\r\nAuth") && !head.contains("\r\nX")
        }),
        ("probe.garbage", |head| head.matches("Bearer garbage").count() == 1),
        ("probe.alg_none", |head| head.contains("Bearer eyJ")),
        ("probe.two_credentials", |head| head.matches("Authorization:").count() == 2),
        ("probe.identity", |head| head.contains("\r\nRemote-User:")),
        ("probe.original_uri", |head| head.contains("\r\nX-Forwarded-Uri: /\r\n")),
        ("probe.path", |head| head.starts_with("GET //orders ")),
        ("probe.path", |head| head.starts_with("GET /%6frders ")),
        ("probe.method_override", |head| head.contains("Override: OPTIONS")),
        ("probe.trace", |head| head.starts_with("TRACE ")),
        ("probe.admin", |head| head.starts_with("GET /metrics ")),
    ];
    for (code, weakness) in cases {
        let found = attack(&api(weakness));
        assert_eq!(found.code(), 1, "{code}: {found:?}");
        let json = found.json();
        let findings = json["findings"].as_array().expect("findings");
        let failed: Vec<&Value> = findings.iter().filter(|finding| finding["level"] == "fail").collect();
        assert_eq!(failed.len(), 1, "{code}: {failed:?}");
        assert_eq!(failed[0]["code"], code);
    }
}

/// A token is sent where the guard of the configuration reads it, and so are those that must not pass.
#[test]
fn a_token_is_sent_in_its_place_and_so_are_attacks() {
    let folder = std::env::temp_dir().join(format!("requires-auth-doctor-sent-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let key = SigningKey::generate(Algorithm::Es256);
    fs::write(folder.join("keys.json"), jwk_set([&key]).to_string()).expect("a file");
    let token = Forge::new("https://issuer.example", AUDIENCE, key).token().mint();
    let file = folder.join("auth.toml");
    let look = |place: &str, lets_through: fn(&str, &str) -> bool| {
        let text = format!(
            "token_from = [{place}]\n[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"{AUDIENCE}\"\n\
             jwks = \"keys.json\"\n"
        );
        fs::write(&file, text).expect("a file");
        let own = token.clone();
        let api = double(move |_, head| {
            let (status, headers) = if lets_through(head, &own) { (200, "") } else { REFUSED };
            response(status, headers, "")
        });
        let file = file.to_str().expect("UTF-8");
        let args =
            ["doctor", file, "--url", &api, "--path", "/orders", "--token", &token, "--output", "json"];
        let found = run(&args, "");
        for part in token.split('.') {
            assert!(!found.stdout().contains(part) && !found.stderr().contains(part), "{found:?}");
        }
        found
    };
    let guarded: fn(&str, &str) -> bool = |head, token| {
        head.starts_with("GET /orders ")
            && head.contains(&format!("\r\ncookie: t={token}\r\n"))
            && head.matches("cookie:").count() == 1
    };
    let found = look("{ cookie = \"t\" }", guarded);
    assert_eq!((found.code(), level(&found, "probe.token_passes").as_str()), (0, "ok"), "{found:?}");
    assert!(told(&found, "probe.token_passes").0.contains("cookie=t"), "{found:?}");
    // The same API behind a guard that reads another place.
    let found = look("{ header = \"X-Token\" }", guarded);
    assert_eq!((found.code(), level(&found, "probe.token_passes").as_str()), (1, "fail"), "{found:?}");
    // An application that takes whatever stands in the cookie.
    let found = look("{ cookie = \"t\" }", |head, _| head.contains("\r\ncookie: t="));
    let json = found.json();
    let findings = json["findings"].as_array().expect("findings").iter();
    let failed: Vec<_> =
        findings.filter(|one| one["level"] == "fail").map(|one| one["code"].to_string()).collect();
    assert_eq!(failed, ["\"probe.garbage\"", "\"probe.alg_none\"", "\"probe.two_credentials\""], "{found:?}");
    let found = look("{ subprotocol = { after = \"bearer\" } }", |_, _| false);
    assert_eq!((found.code(), level(&found, "probe.token_passes").as_str()), (0, "skip"), "{found:?}");
    drop(fs::remove_dir_all(&folder));
}

#[test]
fn a_refusal_needs_a_challenge_and_an_api_must_be_there() {
    let silent = attack(&double(|_, _| response(401, "WWW-Authenticate: Basic\r\n", "")));
    assert_eq!((silent.code(), level(&silent, "probe.no_token").as_str()), (1, "fail"));
    let nonsense = attack(&double(|_, _| "SSH-2.0-nonsense\r\n\r\n".to_owned()));
    assert_eq!((nonsense.code(), level(&nonsense, "probe.reached").as_str()), (1, "fail"));
}

/// A proxy as it should be: it asks the gateway with its own words, and passes on its refusals.
fn proxy(gateway: String) -> String {
    double(move |_, head| {
        let mut lines = head.trim_end().split("\r\n");
        let mut request_line = lines.next().unwrap_or_default().split(' ');
        let (method, target) =
            (request_line.next().unwrap_or_default(), request_line.next().unwrap_or_default());
        let own = ["host:", "connection:", "x-forwarded-"];
        let passed = lines.filter(|line| !own.iter().any(|name| line.to_ascii_lowercase().starts_with(name)));
        let mut question = format!(
            "GET /forward-auth/caddy HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nX-Forwarded-Method: {method}\r\n\
             X-Forwarded-Uri: {target}\r\n"
        );
        passed.for_each(|line| question.extend([line, "\r\n"]));
        let mut stream = TcpStream::connect(gateway.trim_start_matches("http://")).expect("it listens");
        stream.write_all(format!("{question}\r\n").as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    })
}

#[test]
fn the_gateway_behind_a_proxy_resists() {
    let folder = std::env::temp_dir().join(format!("requires-auth-doctor-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("keys.json"), jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string())
        .expect("a file");
    let file = folder.join("gateway.toml");
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n[issuers.main]\n\
         issuer = \"https://issuer.example\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [headers]\nX-Auth-Subject = \"sub\"\n[[routes]]\nmatch = \"GET /orders\"\n[[routes]]\nmatch = \"GET /\"\npublic = true\n"
    );
    fs::write(&file, text).expect("a file");
    let gateway = Server::start(&["serve", file.to_str().expect("UTF-8")]);
    let resists = attack(&proxy(gateway.address("listen").to_owned()));
    drop(fs::remove_dir_all(&folder));
    assert_eq!(resists.code(), 0, "{resists:?}");
}

/// What an Envoy does without an answer stands in its own file, and is named only where an Envoy asks.
#[test]
fn failure_mode_allow_is_named_where_an_envoy_asks() {
    let folder = std::env::temp_dir().join(format!("requires-auth-doctor-envoy-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("keys.json"), jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string())
        .expect("a file");
    let file = folder.join("gateway.toml");
    let names_it = |dialect: &str| {
        let text = format!(
            "[forward_auth]\ndialects = [\"{dialect}\"]\n[issuers.main]\nissuer = \"https://issuer.example\"\n\
             audience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n[[routes]]\nmatch = \"GET /orders\"\n"
        );
        fs::write(&file, text).expect("a file");
        let run = run(&["doctor", file.to_str().expect("UTF-8")], "");
        assert_eq!(run.code(), 0, "{run:?}");
        run.stdout().contains("failure_mode_allow: false")
    };
    assert!(names_it("envoy") && names_it("envoy-grpc") && !names_it("nginx"));
    drop(fs::remove_dir_all(&folder));
}

#[test]
fn there_must_be_something_to_look_at() {
    let nothing = run(&["doctor", "--token", "a"], "");
    assert_eq!(nothing.code(), 2);
    assert!(nothing.stderr().contains("--url"), "{nothing:?}");
    for args in [&["--url", "http://127.0.0.1:1"][..], &["--issuer", "https://a.example"], &["--path", "/a"]]
    {
        assert_eq!(run(&[&["doctor"], args].concat(), "").code(), 2, "{args:?}");
    }
    let path = run(&["doctor", "--url", "http://127.0.0.1:1", "--path", "/a b"], "");
    assert_eq!(path.code(), 2, "a path that would not be one in a request line");
}

#[test]
fn keys_on_another_host_are_told() {
    let keys = jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string();
    let elsewhere = double(move |own, head| {
        if head.starts_with("GET /keys ") {
            return response(200, "", &keys);
        }
        let other = own.replace("127.0.0.1", "localhost");
        response(200, "", &format!(r#"{{"issuer":"{own}","jwks_uri":"{other}/keys"}}"#))
    });
    let found = look_at(&elsewhere, &[]);
    assert_eq!((found.code(), level(&found, "keys.origin").as_str()), (0, "warn"), "{found:?}");
    assert!(told(&found, "keys.origin").1.contains("`jwks_uri`"), "{found:?}");

    let own = jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string();
    let found = look_at(&issuer_with_keys("", own), &[]);
    assert!(!found.stdout().contains("keys.origin"), "{found:?}");
}

#[test]
fn each_tenant_that_is_named_is_looked_at() {
    let folder = std::env::temp_dir().join(format!("requires-auth-doctor-tenants-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("auth.toml");
    let keys = jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string();
    let provider = double(move |own, head| match head.split(' ').nth(1).unwrap_or_default() {
        "/keys" => response(200, "", &keys),
        "/contoso/.well-known/openid-configuration" => {
            response(200, "", &format!(r#"{{"issuer":"{own}/contoso","jwks_uri":"{own}/keys"}}"#))
        }
        _ => response(404, "", ""),
    });
    let look = |setting: &str| {
        let text = format!(
            "[issuers.main]\nissuer = \"{provider}/{{tenant}}\"\naudience = \"{AUDIENCE}\"\n{setting}\n"
        );
        fs::write(&file, text).expect("a file");
        run(&["doctor", file.to_str().expect("UTF-8"), "--output", "json"], "")
    };
    let found = look("tenants = [\"contoso\", \"gone\"]");
    let json = found.json();
    let findings = json["findings"].as_array().expect("findings").iter();
    let reached: Vec<_> = findings
        .filter(|one| one["code"] == "discovery.reached")
        .map(|one| one["level"].as_str().expect("a level").to_owned())
        .collect();
    assert_eq!((found.code(), reached), (1, vec!["ok".to_owned(), "fail".to_owned()]), "{found:?}");
    let any = look("dangerously_any_tenant = true");
    assert_eq!((any.code(), level(&any, "discovery.reached").as_str()), (0, "skip"), "{any:?}");
    drop(fs::remove_dir_all(&folder));
}
