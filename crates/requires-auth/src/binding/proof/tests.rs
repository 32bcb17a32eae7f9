//! Each check of a proof on both sides, and the order in which they are made.

use requires_auth_testkit::{Algorithm as KeyAlgorithm, ProofBuilder, ProofDefect, SigningKey};
use serde_json::json;

use super::*;
use crate::jose::digest::sha256;

const NOW: u64 = 1_800_000_000;
const URL: &str = "https://api.example.com/v1/orders";
const TOKEN: &str = "abc.def.ghi";

/// Remembers the checks that were made, and whether each has passed.
#[derive(Default)]
struct Seen(Vec<(ProofCheck, bool)>);

impl Watch for Seen {
    fn saw(&mut self, check: ProofCheck, passed: bool, finding: impl FnOnce() -> (String, String)) {
        let (found, expected) = finding();
        assert!(!found.is_empty() && !expected.is_empty());
        self.0.push((check, passed));
    }
}

fn rules() -> ProofRules {
    ProofRules {
        max_age: ProofRules::DEFAULT_MAX_AGE,
        future: ProofRules::DEFAULT_FUTURE,
        algorithms: ProofRules::default_algorithms(),
        max_bytes: ProofRules::DEFAULT_MAX_BYTES,
        public_url: "https://api.example.com/v1".into(),
        public_test_keys: false,
    }
}

fn now() -> NumericDate {
    (std::time::UNIX_EPOCH + Duration::from_secs(NOW)).into()
}

fn client() -> SigningKey {
    SigningKey::generate(KeyAlgorithm::Es256)
}

fn thumbprint(key: &SigningKey) -> [u8; 32] {
    let text = key.public_jwk().to_string();
    let outer = format!("{{\"key\":{text}}}");
    let object = crate::jose::json::Object::parse(outer.as_bytes()).expect("an object");
    let jwk = crate::jose::jwk::Jwk::parse(object.get("key").expect("a key")).expect("a key");
    *jwk.thumbprint().digest()
}

fn proof(key: &SigningKey) -> ProofBuilder {
    let unix = i64::try_from(NOW).expect("a time");
    ProofBuilder::new(key, "GET", URL).token(TOKEN).issued_at(unix)
}

/// The verdict on a proof for `GET /orders`, of a token that is bound to `key`.
fn judge(
    rules: &ProofRules,
    key: &SigningKey,
    lines: &[String],
) -> (Result<Proven, Fault>, Vec<(ProofCheck, bool)>) {
    judge_with(rules, key, lines, None, None)
}

fn judge_with(
    rules: &ProofRules,
    key: &SigningKey,
    lines: &[String],
    nonces: Option<&Nonces>,
    known: Option<&KnownProof>,
) -> (Result<Proven, Fault>, Vec<(ProofCheck, bool)>) {
    let headers: Vec<_> = lines.iter().map(|line| ("DPoP", line.as_str())).collect();
    let request = Request::new("GET", "/orders?page=2#top", &headers);
    let bound = thumbprint(key);
    let of = ProofOf {
        request: &request,
        proof: HeaderValues::of(request.headers(), "dpop"),
        token_hash: sha256(TOKEN.as_bytes()),
        key: &bound,
        known,
        nonces,
        now: now(),
    };
    let mut seen = Seen::default();
    let verdict = check(rules, &of, &mut seen);
    let failed = seen.0.iter().filter(|(_, passed)| !passed).count();
    assert_eq!(failed, usize::from(verdict.is_err()), "what is told is the verdict: {:?}", seen.0);
    (verdict, seen.0)
}

fn fault(key: &SigningKey, proof: ProofBuilder) -> Option<Fault> {
    judge(&rules(), key, &proof.lines()).0.err()
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be none")]
const fn refused(reason: Reason) -> Option<Fault> {
    Some(Fault::Proof(reason))
}

#[test]
fn a_good_proof_passes_every_check_in_order() {
    let key = client();
    let (verdict, seen) = judge(&rules(), &key, &proof(&key).lines());
    let proven = verdict.expect("a good proof");
    assert_eq!((proven.until, proven.key), (NOW + 65, thumbprint(&key)));
    assert!(proven.learnt.is_some() && proven.fresh_nonce.is_none());
    let expected = [
        ProofCheck::Value,
        ProofCheck::Type,
        ProofCheck::Algorithm,
        ProofCheck::Key,
        ProofCheck::Claims,
        ProofCheck::Method,
        ProofCheck::Url,
        ProofCheck::Time,
        ProofCheck::Token,
        ProofCheck::Thumbprint,
        ProofCheck::Signature,
    ];
    assert_eq!(seen, expected.map(|check| (check, true)));
}

#[test]
fn every_default_algorithm_proves_a_key() {
    for algorithm in KeyAlgorithm::ALL {
        let key = SigningKey::generate(algorithm);
        let is_default = !["ES256K", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"].contains(&algorithm.name());
        let (verdict, _) = judge(&rules(), &key, &proof(&key).lines());
        assert_eq!(verdict.is_ok(), is_default, "{}: {:?}", algorithm.name(), verdict.err());
    }
}

#[test]
fn each_defect_has_its_reason() {
    let key = client();
    for defect in ProofDefect::ALL.into_iter().filter(|defect| *defect != ProofDefect::Reused) {
        let (verdict, seen) = judge(&rules(), &key, &proof(&key).defect(defect).lines());
        let reason = match verdict.expect_err(defect.name()) {
            Fault::Proof(reason) => reason,
            Fault::OtherKey => Reason::BindingMismatch,
            Fault::Nonce(_) => panic!("no nonce is demanded"),
        };
        assert_eq!(reason.as_str(), defect.reason(), "{}", defect.name());
        assert_eq!(seen.iter().filter(|(_, passed)| !passed).count(), 1, "{}", defect.name());
        assert!(seen.last().is_some_and(|(_, passed)| !passed), "{}", defect.name());
    }
}

/// The first of two faults names the reason: what costs least comes first.
#[test]
fn the_order_of_the_checks_is_that_of_their_cost() {
    let key = client();
    let in_order = [
        ProofDefect::Malformed,
        ProofDefect::Type,
        ProofDefect::KeyPrivate,
        ProofDefect::ClaimMissing,
        ProofDefect::Method,
        ProofDefect::Url,
        ProofDefect::Stale,
        ProofDefect::Token,
        ProofDefect::AnotherKey,
        ProofDefect::Signature,
    ];
    for pair in in_order.windows(2) {
        let [first, second] = pair else { unreachable!("pairs") };
        let both = fault(&key, proof(&key).defect(*second).defect(*first));
        assert_eq!(both, fault(&key, proof(&key).defect(*first)), "{} {}", first.name(), second.name());
    }
}

#[test]
fn one_value_that_is_not_too_long() {
    let key = client();
    let good = proof(&key).mint();
    let judged = |lines: &[String]| judge(&rules(), &key, lines).0.err();
    assert_eq!(judged(&[format!(" {good}\t")]), None, "white space around a value is none of it");
    assert_eq!(judged(&[good.clone(), good.clone()]), refused(Reason::ProofMalformed));
    assert_eq!(judged(&[format!("{good},")]), refused(Reason::ProofMalformed));
    assert_eq!(judged(&[String::new()]), refused(Reason::ProofMalformed));
    assert_eq!(judged(&["a.b".to_owned()]), refused(Reason::ProofMalformed));
    assert_eq!(judged(&["\u{e9}.b.c".to_owned()]), refused(Reason::ProofMalformed));
    assert_eq!(judged(&[]), refused(Reason::ProofMissing));
    let exact = ProofRules { max_bytes: good.len(), ..rules() };
    assert!(judge(&exact, &key, std::slice::from_ref(&good)).0.is_ok());
    let short = ProofRules { max_bytes: good.len() - 1, ..rules() };
    assert_eq!(judge(&short, &key, &[good]).0.err(), refused(Reason::ProofMalformed));
}

#[test]
fn the_header_of_a_proof() {
    let key = client();
    let with = |name: &str, value: serde_json::Value| fault(&key, proof(&key).header(name, value));
    assert_eq!(with("typ", json!("DPOP+JWT")), None, "a media type has no case (RFC 7515 §4.1.9)");
    assert_eq!(with("kid", json!("any")), None);
    for (name, value) in [
        ("typ", json!("at+jwt")),
        ("typ", json!(5)),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
        ("alg", json!("ES256K")),
        ("alg", json!("ML-DSA-65")),
        ("alg", json!("es256")),
        ("alg", json!(5)),
        ("jwk", json!("key")),
        ("jwk", json!(null)),
    ] {
        assert_eq!(with(name, value.clone()), refused(Reason::ProofMalformed), "{name} {value}");
    }
    for name in ["typ", "alg", "jwk"] {
        let without = fault(&key, proof(&key).without_header(name));
        assert_eq!(without, refused(Reason::ProofMalformed), "{name}");
    }
    // RFC 9449 §4.3 (7), RFC 8725 §3.1: the key is public, and of the algorithm.
    let other = SigningKey::generate(KeyAlgorithm::Es384).public_jwk();
    assert_eq!(with("jwk", other), refused(Reason::ProofKey));
    assert_eq!(with("jwk", json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" })), refused(Reason::ProofKey));
    assert_eq!(with("jwk", json!({})), refused(Reason::ProofKey));
    let mut for_encryption = key.public_jwk();
    for_encryption["use"] = json!("enc");
    assert_eq!(with("jwk", for_encryption), refused(Reason::ProofKey));
}

#[test]
fn a_published_key_proves_nothing() {
    let published = SigningKey::fixed(KeyAlgorithm::Es256).clone();
    let lines = proof(&published).lines();
    assert_eq!(judge(&rules(), &published, &lines).0.err(), refused(Reason::ProofKey));
    let for_tests = ProofRules { public_test_keys: true, ..rules() };
    assert!(judge(&for_tests, &published, &lines).0.is_ok());
}

#[test]
fn the_claims_of_a_proof() {
    let key = client();
    let with = |name: &str, value: serde_json::Value| fault(&key, proof(&key).claim(name, value));
    assert_eq!(with("jti", json!("j".repeat(256))), None);
    assert_eq!(with("iat", json!(f64::from(1_800_000_000) + 0.5)), None, "RFC 7519 §2: a fraction may be");
    assert_eq!(with("nonce", json!("any")), None, "no nonce is demanded");
    assert_eq!(with("exp", json!(1)), None, "RFC 9449 §4.2 has no exp");
    for (name, value) in [
        ("jti", json!("")),
        ("jti", json!("j".repeat(257))),
        ("jti", json!("\u{e9}".repeat(129))),
        ("jti", json!(5)),
        ("jti", json!(null)),
        ("htm", json!(["GET"])),
        ("htu", json!(null)),
        ("iat", json!("1800000000")),
        ("iat", json!(-1)),
        ("ath", json!("AAAA")),
        ("ath", json!(5)),
        ("nonce", json!(5)),
        ("nonce", json!(null)),
    ] {
        assert_eq!(with(name, value.clone()), refused(Reason::ProofMalformed), "{name} {value}");
    }
    for name in ["jti", "htm", "htu", "iat", "ath"] {
        assert_eq!(fault(&key, proof(&key).without_claim(name)), refused(Reason::ProofMalformed), "{name}");
    }
    for claims in ["[]", "{", "{\"jti\":\"a\",\"jti\":\"b\"}", ""] {
        assert_eq!(fault(&key, proof(&key).raw_claims(claims)), refused(Reason::ProofMalformed), "{claims}");
    }
}

#[test]
fn the_method_and_the_url_are_those_of_the_request() {
    let key = client();
    let with = |name: &str, value: &str| fault(&key, proof(&key).claim(name, value));
    for method in ["get", "POST", "GET ", ""] {
        assert_eq!(with("htm", method), refused(Reason::ProofMethod), "{method}");
    }
    for url in ["HTTPS://API.example.com:443/v1/./%6frders", "https://api.example.com/v1/x/../orders"] {
        assert_eq!(with("htu", url), None, "{url}");
    }
    for url in [
        "https://api.example.com/orders",
        "https://api.example.com/v1/orders/",
        "https://api.example.com/v1/orders?page=2",
        "https://api.example.com/v1/orders#top",
        "http://api.example.com/v1/orders",
        "https://api.example.com:8443/v1/orders",
        "https://user@api.example.com/v1/orders",
        "https://other.example.com/v1/orders",
        "/v1/orders",
        "",
    ] {
        assert_eq!(with("htu", url), refused(Reason::ProofUrl), "{url}");
    }
}

#[test]
fn the_url_is_ours_and_the_path_that_of_the_request() {
    let rules = rules();
    let no_headers: [(&str, &str); 0] = [];
    let url = |target: &str| rules.url_of(&Request::new("GET", target, &no_headers));
    assert_eq!(url("/orders?x#y").as_deref(), Some(URL));
    assert_eq!(
        url("https://other.example/orders").as_deref(),
        Some(URL),
        "the host of a request is the client's"
    );
    assert_eq!(url("/%6frders").as_deref(), Some(URL));
    assert_eq!(url("").as_deref(), Some("https://api.example.com/v1"));
    assert_eq!(url("/").as_deref(), Some("https://api.example.com/v1/"));
    for target in ["*", "orders", "/a\\b", "/\u{fc}", "/%"] {
        assert_eq!(url(target), None, "{target}");
    }
    let at = Request::new("GET", "/orders", &no_headers).at("https://b.example/");
    assert_eq!(rules.url_of(&at).as_deref(), Some("https://b.example/orders"));
}

#[test]
fn a_proof_is_new() {
    let key = client();
    let at = |iat: f64| judge(&rules(), &key, &proof(&key).claim("iat", iat).lines()).0;
    let unix = 1_800_000_000.0;
    for (iat, until) in [(unix - 60.0, NOW + 5), (unix + 5.0, NOW + 70), (unix + 0.9, NOW + 65)] {
        assert_eq!(at(iat).expect("new enough").until, until);
    }
    for iat in [unix - 61.0, unix - 60.5, unix + 5.5, unix + 6.0, 0.0, unix * 2.0] {
        assert_eq!(at(iat).err(), refused(Reason::ProofTime), "{iat}");
    }
    let patient = ProofRules { max_age: Duration::from_secs(300), ..rules() };
    assert!(judge(&patient, &key, &proof(&key).claim("iat", unix - 300.0).lines()).0.is_ok());
}

#[test]
fn nonces_count_for_two_steps_and_are_never_left_out() {
    let key = client();
    let nonces = Nonces { current: "two".into(), previous: "one".into() };
    let with = |proof: ProofBuilder| judge_with(&rules(), &key, &proof.lines(), Some(&nonces), None).0;
    assert!(with(proof(&key).nonce("two")).expect("the current one").fresh_nonce.is_none());
    let old = with(proof(&key).nonce("one")).expect("the previous one");
    assert_eq!(old.fresh_nonce.as_deref(), Some("two"));
    for wrong in [proof(&key), proof(&key).nonce("three"), proof(&key).nonce("")] {
        assert_eq!(with(wrong).err(), Some(Fault::Nonce("two".into())));
    }
    // A nonce stands in for nothing else.
    let stale = with(proof(&key).nonce("two").defect(ProofDefect::Stale));
    assert_eq!(stale.err(), refused(Reason::ProofTime));
}

/// A known header saves reading it again, and changes nothing else.
#[test]
fn a_known_header_is_that_of_the_same_text_alone() {
    let (key, other) = (client(), client());
    let known = judge(&rules(), &key, &proof(&key).lines()).0.expect("good").learnt.expect("a header");
    let again = judge_with(&rules(), &key, &proof(&key).lines(), None, Some(&known));
    let proven = again.0.expect("good");
    assert!(proven.learnt.is_none());
    let checks = again.1;
    assert!(!checks.iter().any(|(check, _)| *check == ProofCheck::Key));
    let with = |proof: ProofBuilder, bound: &SigningKey| {
        judge_with(&rules(), bound, &proof.lines(), None, Some(&known)).0
    };
    for defect in ProofDefect::ALL.into_iter().filter(|defect| *defect != ProofDefect::Reused) {
        let plain = judge(&rules(), &key, &proof(&key).defect(defect).lines()).0;
        assert_eq!(with(proof(&key).defect(defect), &key).err(), plain.err(), "{}", defect.name());
    }
    assert_eq!(with(proof(&other), &key).err(), Some(Fault::OtherKey));
    let longer = with(proof(&key).header("kid", "a"), &key).expect("the same key in another header");
    assert!(longer.learnt.is_some());
}

#[test]
fn a_proof_is_known_by_its_key_url_and_jti() {
    let key = client();
    let id = |proof: ProofBuilder| judge(&rules(), &key, &proof.lines()).0.expect("good").id;
    let first = id(proof(&key).claim("jti", "a"));
    assert_eq!(
        id(proof(&key).claim("jti", "a").claim("htu", "HTTPS://api.example.com:443/v1/orders")),
        first
    );
    assert_eq!(id(proof(&key).claim("jti", "a").header("kid", "another signature")), first);
    assert_ne!(id(proof(&key).claim("jti", "b")), first);
    let other = client();
    let of_other = judge(&rules(), &other, &proof(&other).claim("jti", "a").lines()).0.expect("good").id;
    assert_ne!(of_other, first, "one client does not block another");
}

/// RFC 9449, figures 12 and 13: the whole request of the example, whose proof holds for its token and its key alone.
#[test]
fn the_request_of_rfc_9449_holds() {
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJo\
RjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1\
MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8\
ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJ\
pLjA";
    let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    let jkt =
        crate::jose::base64url::decode("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").expect("base64url");
    let jkt: [u8; 32] = jkt.try_into().expect("a SHA-256");
    let rules = ProofRules { public_url: "https://resource.example.org".into(), ..rules() };
    let headers = [("Host", "resource.example.org"), ("DPoP", proof)];
    let request = Request::new("GET", "/protectedresource", &headers);
    let verdict = |token: &str, key: &[u8; 32], seconds| {
        let of = ProofOf {
            request: &request,
            proof: HeaderValues::of(request.headers(), "dpop"),
            token_hash: sha256(token.as_bytes()),
            key,
            known: None,
            nonces: None,
            now: (std::time::UNIX_EPOCH + Duration::from_secs(seconds)).into(),
        };
        check(&rules, &of, &mut Seen::default()).map(|proven| proven.until)
    };
    assert_eq!(verdict(token, &jkt, 1_562_262_618), Ok(1_562_262_683));
    assert_eq!(verdict("another", &jkt, 1_562_262_618), Err(Fault::Proof(Reason::ProofToken)));
    assert_eq!(verdict(token, &[0; 32], 1_562_262_618), Err(Fault::OtherKey));
    assert_eq!(verdict(token, &jkt, 1_562_262_679), Err(Fault::Proof(Reason::ProofTime)));
}
