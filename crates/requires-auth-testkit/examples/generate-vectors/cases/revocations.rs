//! Rows X01 to X09: tokens that are refused before they expire.

use serde_json::{Value, json};

use super::opaque::{answered, with};
use crate::case::{Case, Finished};
use crate::tokens::{ISSUED, ISSUER, NOW, es384, good};

/// When the token of a case expires.
const UNTIL: i64 = ISSUED + 3600;

pub fn cases() -> Vec<Finished> {
    let mut cases = claims();
    cases.extend(moments());
    cases.extend(others());
    cases.extend(order());
    cases
}

/// A good token with a session, among these revocations.
fn case(id: &str, row: &'static str, about: &str, entries: Value) -> Case {
    let token = good(es384()).claim("sid", "s-1").mint();
    Case::new(format!("revoked-{id}"), row, about).setting("revocations", entries).token(token)
}

/// One entry that ends with the token.
fn one(claim: &str, value: &str) -> Value {
    json!([{ (claim): value, "until": UNTIL }])
}

fn claims() -> Vec<Finished> {
    let azp = good(es384()).without_claim("client_id").claim("azp", "web").mint();
    let letters = good(es384()).subject("caf\u{e9}").mint();
    vec![
        case("none", "X01", "there are revocations, and none of them is for it", json!([])).accept(),
        case("jti", "X01", "its jti is revoked", one("jti", "vector")).refuse("revoked"),
        case("other-jti", "X01", "another jti is revoked", one("jti", "vector-2")).accept(),
        case("jti-case", "X09", "a jti in another case", one("jti", "Vector")).accept(),
        case("jti-is-not-sub", "X09", "a jti with the text of its subject", one("jti", "alice")).accept(),
        case("sub", "X02", "its subject is revoked", one("sub", "alice")).refuse("revoked"),
        case("other-sub", "X02", "another subject is revoked", one("sub", "bob")).accept(),
        case("sid", "X03", "its session is revoked", one("sid", "s-1")).refuse("revoked"),
        case("other-sid", "X03", "another session is revoked", one("sid", "s-2")).accept(),
        case("letters", "X09", "a subject with letters beyond ASCII", one("sub", "caf\u{e9}"))
            .token(letters)
            .refuse("revoked"),
        case("client", "X04", "its client is revoked", one("client_id", "test-client")).refuse("revoked"),
        case("other-client", "X04", "another client is revoked", one("client_id", "test")).accept(),
        case("client-azp", "X04", "its client stands in azp", one("client_id", "web"))
            .token(azp)
            .refuse("revoked"),
        case("one-of-many", "X01", "the second entry is for it", json!([
            { "sub": "bob", "until": UNTIL }, { "jti": "vector", "until": UNTIL }, { "sid": "s-9", "until": UNTIL }
        ]))
        .refuse("revoked"),
    ]
}

fn moments() -> Vec<Finished> {
    let before = |moment: i64| json!([{ "sub": "alice", "before": moment, "until": UNTIL }]);
    let until = |moment: i64| json!([{ "jti": "vector", "until": moment }]);
    let without = good(es384()).without_claim("iat").mint();
    vec![
        case("before", "X05", "what was issued before is revoked", before(ISSUED + 1)).refuse("revoked"),
        case("at", "X05", "it was issued at that moment", before(ISSUED)).accept(),
        case("without-iat", "X05", "nobody knows when it was issued", before(ISSUED))
            .token(without)
            .refuse("revoked"),
        case("until-now", "X06", "the entry ends now: clocks may differ", until(NOW)).refuse("revoked"),
        case("until-leeway", "X06", "the entry has ended 299 s ago", until(NOW - 299)).refuse("revoked"),
        case("ended", "X06", "the entry has ended 5 minutes ago", until(NOW - 300)).accept(),
    ]
}

fn others() -> Vec<Finished> {
    let at = |issuer: &str| json!([{ "sub": "alice", "iss": issuer, "until": UNTIL }]);
    let opaque = |id, about: &str, entry: Value| {
        answered(id, "X08", about, with("sid", json!("s-1"))).setting("revocations", entry)
    };
    vec![
        case("issuer", "X07", "the subject of this issuer is revoked", at(ISSUER)).refuse("revoked"),
        case("other-issuer", "X07", "the subject of another issuer", at("https://other.example.test"))
            .accept(),
        case("issuer-slash", "X07", "the issuer with a slash behind it", at(&format!("{ISSUER}/"))).accept(),
        opaque("revoked-opaque-sid", "the session of an opaque token", one("sid", "s-1")).refuse("revoked"),
        opaque("revoked-opaque-other", "the session of another token", one("sid", "s-2")).accept(),
    ]
}

fn order() -> Vec<Finished> {
    let expired = good(es384()).issued_at(NOW - 7200).lifetime(3600).mint();
    let bound = good(es384()).claim("cnf", json!({ "jkt": "A".repeat(43) })).mint();
    let of_jti = || one("jti", "vector");
    vec![
        case("nothing", "X10", "nothing is wrong with it", one("jti", "another")).accept(),
        case("expired", "X10", "it has expired, too", of_jti()).token(expired).refuse("expired"),
        case("bound", "X10", "it is bound to a key that was not shown, too", of_jti())
            .token(bound)
            .refuse("revoked"),
        case("scope", "X10", "it lacks a scope, too", of_jti())
            .with("scope", "write:items")
            .refuse("revoked"),
    ]
}
