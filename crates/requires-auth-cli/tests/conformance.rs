//! `conformance` against the gateway, and what it says where an API cannot be judged.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::support::gateway::{AUDIENCE, ISSUER, Proxy, Stage};
use self::support::run;

/// A gateway in front of an application, which trusts this issuer.
fn gateway(name: &str, issuer: &str, keys: &str) -> Proxy {
    Proxy::start(name, |stage, upstream| {
        stage.write(&format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[reverse_proxy]\nupstream = \"{upstream}\"\n\
             [issuers.main]\nissuer = \"{issuer}\"\naudience = \"{AUDIENCE}\"\n{keys}\n\
             [[routes]]\nmatch = \"GET /orders/*\"\nscopes = \"read:orders\"\n\
             [[routes]]\nmatch = \"GET /public/*\"\npublic = true\n"
        ));
    })
}

/// The key of the stage in PEM.
fn pem(stage: &Stage) -> PathBuf {
    let path = stage.folder.join("issuer.pem");
    let text = STANDARD.encode(stage.forge.key().to_pkcs8());
    fs::write(&path, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
        .expect("a file");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_gateway_is_right_and_its_reports_have_no_token() {
    let proxy = gateway("conformance", ISSUER, "jwks = \"keys.json\"");
    let key = pem(&proxy.stage);
    let url = format!("{}/orders/7", proxy.address());
    let files = ["report.json", "report.xml", "report.html"].map(|name| proxy.stage.folder.join(name));
    let args = [
        "conformance",
        &url,
        "--issuer",
        ISSUER,
        "--signing-key",
        text(&key),
        "--scope",
        "read:orders",
        "--parallel",
        "4",
        "--json",
        text(&files[0]),
        "--junit",
        text(&files[1]),
        "--html",
        text(&files[2]),
    ];
    let told = run(&args, "");
    assert_eq!(told.code(), 0, "{told:?}");
    assert!(told.stdout().contains(" right, 0 wrong, 0 dangerous, "), "{told:?}");
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&files[0]).expect("a file")).expect("JSON");
    assert!(report["right"].as_u64() > Some(100), "{report}");
    for file in &files {
        let report = fs::read_to_string(file).expect("a report");
        assert!(report.contains("RFC 7519") && !report.contains("eyJ"), "{}", file.display());
    }

    // The key is not ours, so that no token of it is printed.
    let told = run(&[&args[..8], &["--case", "expired"]].concat(), "");
    assert_eq!(told.code(), 0, "{told:?}");
    assert!(told.stdout().contains("no curl line") && !told.stdout().contains("eyJ"), "{told:?}");

    let public = format!("{}/public/a", proxy.address());
    let told = run(&["conformance", &public, "--issuer", ISSUER, "--signing-key", text(&key)], "");
    assert_eq!(told.code(), 2, "{told:?}");
    assert!(told.stderr().contains("nothing guards it"), "{told:?}");
    let told = run(&["conformance", &url, "--issuer", ISSUER, "--signing-key", text(&key)], "");
    assert_eq!(told.code(), 2, "{told:?}");
    assert!(told.stderr().contains("403") && told.stderr().contains("--scope read:orders\n"), "{told:?}");
    assert!(told.stderr().contains("\nthe body of its answer: {\"code\":\"insufficient_scope\""), "{told:?}");
}

#[test]
fn the_development_issuer_runs_beside_it_and_a_case_has_a_curl_line() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|own| own.local_addr()).expect("a port").port();
    let proxy = gateway("conformance-issuer", &format!("http://127.0.0.1:{port}/oidc"), "");
    let (url, port) = (format!("{}/orders/7", proxy.address()), port.to_string());
    let args = [
        "conformance",
        &url,
        "--issuer-port",
        &port,
        "--scope",
        "read:orders",
        "--alg",
        "ES256",
        "--wait",
        "30",
    ];
    let told = run(&[&args[..], &["--case", "expired", "--case", "scope_none"]].concat(), "");
    assert_eq!(told.code(), 0, "{told:?}");
    assert_eq!(told.stdout().matches("curl -i -H 'Authorization: Bearer eyJ").count(), 2, "{told:?}");
    assert!(told.stderr().contains("(runs here)"), "{told:?}");

    // An API that trusts another issuer is not judged.
    let told = run(&["conformance", &url, "--issuer-port", "0", "--scope", "read:orders"], "");
    assert_eq!(told.code(), 2, "{told:?}");
    assert!(told.stderr().contains("let the API trust the issuer http://127.0.0.1:"), "{told:?}");
}

#[test]
fn a_key_that_is_kept_is_known_to_the_api_in_the_next_run() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|own| own.local_addr()).expect("a port").port();
    let proxy = gateway("conformance-key", &format!("http://127.0.0.1:{port}/oidc"), "");
    let (url, port) = (format!("{}/orders/7", proxy.address()), port.to_string());
    let key = proxy.stage.folder.join("kept.pem");
    let args = ["conformance", &url, "--issuer-port", &port, "--scope", "read:orders", "--case", "expired"];
    let kept = [&args[..], &["--signing-key", text(&key)]].concat();

    let told = run(&kept, "");
    assert_eq!(told.code(), 2, "{told:?}");
    assert!(told.stderr().contains("add --new-key"), "{told:?}");
    let told = run(&[&kept[..], &["--wait", "30", "--new-key"]].concat(), "");
    assert_eq!(told.code(), 0, "{told:?}");
    let again = told.stdout().lines().find_map(|line| line.trim().strip_prefix("again ")).unwrap_or_default();
    assert!(again.contains("--signing-key") && !again.contains("--new-key"), "{told:?}");
    assert_eq!(run(&[&kept[..], &["--new-key"]].concat(), "").code(), 2);

    let told = run(&kept, "");
    assert_eq!(told.code(), 0, "{told:?}");
}

#[test]
fn an_api_that_fetches_no_keys_again_takes_the_kept_key_alone() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|own| own.local_addr()).expect("a port").port();
    let issuer = format!("http://127.0.0.1:{port}/oidc");
    let proxy = gateway("conformance-kept", &issuer, "jwks = \"keys.json\"");
    let (url, port, key) = (format!("{}/orders/7", proxy.address()), port.to_string(), pem(&proxy.stage));
    let args = ["conformance", &url, "--issuer-port", &port, "--scope", "read:orders", "--case", "expired"];
    for _ in 0..2 {
        let told = run(&[&args[..], &["--signing-key", text(&key)]].concat(), "");
        assert_eq!(told.code(), 0, "{told:?}");
    }
    let told = run(&args, "");
    assert_eq!(told.code(), 2, "{told:?}");
    assert!(told.stderr().contains("--signing-key issuer.pem --new-key"), "{told:?}");
}

#[test]
fn what_cannot_be_judged_is_told() {
    let closed = run(&["conformance", "http://127.0.0.1:1/", "--issuer-port", "0"], "");
    assert_eq!(closed.code(), 2, "{closed:?}");
    assert!(closed.stderr().contains("does not answer") && closed.stderr().contains("--wait"), "{closed:?}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let told = run(&["conformance", "http://127.0.0.1:1/", "--issuer-port", &port], "");
    assert_eq!(told.code(), 2, "{told:?}");
    assert!(told.stderr().contains("--issuer-port"), "{told:?}");
    for args in [
        &["conformance"][..],
        &["conformance", "ftp://127.0.0.1/"],
        &["conformance", "http://127.0.0.1:1/", "--keep"],
        &["conformance", "http://alice:secret@127.0.0.1:1/"],
        &["conformance", "http://127.0.0.1:1/", "--case", "no-such-case"],
        &["conformance", "http://127.0.0.1:1/", "--issuer", ISSUER],
        &["conformance", "http://127.0.0.1:1/", "--issuer-port", "0", "--header", "Authorization: x"],
        &["conformance", "http://127.0.0.1:1/", "--parallel", "0"],
        &["conformance", "http://127.0.0.1:1/", "--new-key"],
    ] {
        assert_eq!(run(args, "").code(), 2, "{args:?}");
    }
    let list = run(&["conformance", "--list", "--profile", "dpop"], "");
    assert_eq!(list.code(), 0, "{list:?}");
    assert!(list.stdout().contains("proof-reused") && list.stdout().contains("not judged"), "{list:?}");
}
