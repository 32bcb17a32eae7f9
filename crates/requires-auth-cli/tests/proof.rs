//! A client on the command line: a key, a token that is bound to it, and proofs, good and bad.

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth_testkit::ProofDefect;
use requires_auth_testkit::keys::{certificate_thumbprint, jwk_thumbprint};
use requires_auth_testkit::proof::token_hash;
use serde_json::{Value, json};

use self::support::{Server, run};

const URL: &str = "http://127.0.0.1:8000/items?page=2";

/// A folder for the files of one test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("requires-auth-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn part(jwt: &str, index: usize) -> Value {
    let part = jwt.trim_end().split('.').nth(index).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[test]
fn a_token_is_bound_to_a_new_key_and_proofs_are_by_that_key() {
    let server = Server::start(&["issuer", "--port", "0"]);
    let (issuer, folder) = (server.address("issuer"), Folder::new("dpop"));
    let key = folder.file("client.pem");
    let token = run(&["token", "--issuer", issuer, "--dpop", &key, "--new-key"], "");
    assert_eq!(token.code(), 0, "{token:?}");
    let token = token.stdout().trim_end().to_owned();

    let proof =
        run(&["proof", "--key", &key, "GET", URL, "--token", "-", "--nonce", "n"], format!("DPoP {token}\n"));
    assert_eq!(proof.code(), 0, "{proof:?}");
    let (header, claims) = (part(proof.stdout(), 0), part(proof.stdout(), 1));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert_eq!(part(&token, 1)["cnf"]["jkt"].as_str(), jwk_thumbprint(&header["jwk"]).as_deref());
    assert_eq!((&claims["htm"], &claims["htu"]), (&json!("GET"), &json!("http://127.0.0.1:8000/items")));
    assert_eq!((&claims["ath"], &claims["nonce"]), (&json!(token_hash(&token)), &json!("n")));

    // The same key again, and as JSON with its type.
    let again = run(&["token", "--issuer", issuer, "--dpop", &key, "--output", "json"], "").json();
    assert_eq!(again["token_type"], "DPoP");
    assert_eq!(part(again["access_token"].as_str().expect("a token"), 1)["cnf"], part(&token, 1)["cnf"]);
    let proof = run(&["proof", "--key", &key, "POST", URL, "--output", "json"], "").json();
    assert_eq!(proof["jkt"], part(&token, 1)["cnf"]["jkt"]);
    assert_eq!(part(proof["proof"].as_str().expect("a proof"), 1).get("ath"), None);

    // A key is never written over.
    let before = fs::read(&key).expect("the key");
    let refused = run(&["token", "--issuer", issuer, "--dpop", &key, "--new-key=EdDSA"], "");
    assert_eq!((refused.code(), refused.stdout()), (2, ""));
    assert!(refused.stderr().contains("no key is written over"), "{refused:?}");
    assert_eq!(fs::read(&key).expect("the key"), before);
}

#[test]
fn a_token_is_bound_to_a_certificate() {
    let server = Server::start(&["issuer", "--port", "0"]);
    let folder = Folder::new("certificate");
    let made = rcgen::generate_simple_self_signed(["client".to_owned()]).expect("a certificate").cert;
    let file = folder.file("client.crt");
    fs::write(&file, made.pem()).expect("our file");
    let token = run(&["token", "--issuer", server.address("issuer"), "--certificate", &file], "");
    assert_eq!(part(token.stdout(), 1)["cnf"], json!({ "x5t#S256": certificate_thumbprint(made.der()) }));
    let missing =
        run(&["token", "--issuer", server.address("issuer"), "--certificate", &folder.file("none")], "");
    assert_eq!(missing.code(), 2);
}

#[test]
fn defects_and_curl_are_printed_line_by_line_and_mistakes_are_told() {
    let folder = Folder::new("defects");
    let key = folder.file("client.pem");
    // The key is made before the issuer is asked.
    run(&["token", "--issuer", "http://127.0.0.1:1/oidc", "--dpop", &key, "--new-key=EdDSA"], "");
    let proof = |more: &[&str]| run(&[&["proof", "--key", &key], more].concat(), "");
    let lines = |defect| proof(&["GET", URL, "--defect", defect]).stdout().lines().count();
    assert_eq!((lines("proof-missing"), lines("proof_malformed_two"), lines("proof_url")), (0, 2, 1));
    let curl = proof(&["PUT", URL, "--token", "a.b.c", "--curl"]);
    let words = curl.stdout();
    let begin = "curl -i -X PUT -H 'Authorization: DPoP a.b.c' -H 'DPoP: eyJ";
    assert!(words.starts_with(begin) && words.ends_with(&format!("' '{URL}'\n")), "{words}");
    for (bad, told) in [
        (&["GET", "/items"][..], "not a URL"),
        (&["GET", "ftp://a/"], "not a URL"),
        (&["GET", "http://a/ b"], "not a URL"),
        (&[URL, "GET"], "not a method"),
        (&["GET", URL, "--alg", "ES256"], "not one of ES256"),
        (&["GET", URL, "--token", "a b"], "characters"),
        (&["GET", URL, "--defect", "expired"], "unknown defect"),
    ] {
        let refused = proof(bad);
        assert_eq!((refused.code(), refused.stdout()), (2, ""), "{bad:?}");
        assert!(refused.stderr().contains(told), "{bad:?}: {}", refused.stderr());
    }
    let none = run(&["proof", "--key", &folder.file("none"), "GET", URL], "");
    assert!(none.code() == 2 && none.stderr().contains("--new-key"), "{none:?}");
}

#[test]
fn the_defects_of_a_proof_are_listed_and_one_needs_a_request() {
    let listed = run(&["proof", "--defect", "list"], "");
    assert!(listed.code() == 0 && listed.stdout().lines().count() == ProofDefect::ALL.len(), "{listed:?}");
    let objects = run(&["proof", "--defect", "list", "--output", "json"], "").json();
    assert_eq!(objects.as_array().map(Vec::len), Some(ProofDefect::ALL.len()));
    assert!(objects[0]["about"].is_string(), "{objects}");
    let lacks = run(&["proof", "--defect", ProofDefect::ALL[0].name(), "GET", URL], "");
    assert!(lacks.code() == 2 && lacks.stderr().contains("proof --key FILE METHOD URL"), "{lacks:?}");
    assert_eq!(run(&["proof", "GET", URL], "").code(), 2, "no key");
    let unknown = run(&["proof", "--defect", "stale", "--key", "a", "GET", URL], "");
    assert!(unknown.code() == 2 && unknown.stderr().contains("`list` explains them"), "{unknown:?}");
}
