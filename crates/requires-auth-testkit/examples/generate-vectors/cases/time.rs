//! Expiry, start and time of issue.

use std::fmt::Display;

use serde_json::Value;

use crate::case::{Case, Finished};
use crate::tokens::{NOW, Text, es384, good, with_claims};

pub fn cases() -> Vec<Finished> {
    let mut cases = expiry();
    cases.extend(start());
    cases.extend(issue());
    cases.extend(numeric_dates());
    cases
}

/// A token in which one time is this JSON text.
fn with(name: &str, json: impl Display) -> String {
    with_claims(Text::claims().set(name, &format!("{json}")).json())
}

fn case(id: &str, row: &'static str, about: &str) -> Case {
    Case::new(id, row, about)
}

fn expiry() -> Vec<Finished> {
    let case = |id: &str, about: &str| case(&format!("exp-{id}"), "D04", about);
    let at = |seconds: i64| with("exp", NOW + seconds);
    let exact = |id, about: &str, seconds: i64| case(id, about).with("leeway", 0).token(at(seconds));
    vec![
        case("later", "an hour later").token(at(3600)).accept(),
        case("far-later", "in the year 2286").token(with("exp", 9_999_999_999_i64)).accept(),
        case("within-leeway", "29 seconds ago, leeway 30").token(at(-29)).accept(),
        case("at-leeway", "30 seconds ago, leeway 30").token(at(-30)).refuse("expired"),
        case("past-leeway", "31 seconds ago, leeway 30").token(at(-31)).refuse("expired"),
        exact("now", "now, leeway 0", 0).refuse("expired"),
        exact("next-second", "in a second, leeway 0", 1).accept(),
        exact("last-second", "a second ago, leeway 0", -1).refuse("expired"),
        case("within-long-leeway", "299 seconds ago, leeway 300")
            .with("leeway", 300)
            .token(at(-299))
            .accept(),
        case("at-long-leeway", "300 seconds ago, leeway 300")
            .with("leeway", 300)
            .token(at(-300))
            .refuse("expired"),
        case("leeway-configured-30", "29 seconds ago, leeway 30 spelled out")
            .with("leeway", 30)
            .token(at(-29))
            .accept(),
        case("long-ago", "in 1970").token(with("exp", 1)).refuse("expired"),
        case("zero", "the start of 1970").token(with("exp", 0)).refuse("expired"),
        case("before-issue", "before iat").token(good(es384()).lifetime(-3600).mint()).refuse("expired"),
        case("absent", "no exp")
            .token(with_claims(Text::claims().without("exp").json()))
            .refuse("claim_missing"),
    ]
}

fn start() -> Vec<Finished> {
    let case = |id: &str, about: &str| case(&format!("nbf-{id}"), "D05", about);
    let at = |seconds: i64| with("nbf", NOW + seconds);
    vec![
        case("absent", "no nbf").token(good(es384()).mint()).accept(),
        case("past", "an hour ago").token(at(-3600)).accept(),
        case("zero", "the start of 1970").token(with("nbf", 0)).accept(),
        case("now", "now, leeway 0").with("leeway", 0).token(at(0)).accept(),
        case("next-second", "in a second, leeway 0").with("leeway", 0).token(at(1)).refuse("not_yet_valid"),
        case("at-leeway", "in 30 seconds, leeway 30").token(at(30)).accept(),
        case("past-leeway", "in 31 seconds, leeway 30").token(at(31)).refuse("not_yet_valid"),
        case("hour", "in an hour").token(at(3600)).refuse("not_yet_valid"),
        case("at-long-leeway", "in 300 seconds, leeway 300").with("leeway", 300).token(at(300)).accept(),
        case("past-long-leeway", "in 301 seconds, leeway 300")
            .with("leeway", 300)
            .token(at(301))
            .refuse("not_yet_valid"),
        case("fraction-past-leeway", "in 30.5 seconds, leeway 30")
            .token(with("nbf", format!("{}.5", NOW + 30)))
            .refuse("not_yet_valid"),
        case("fraction-within-leeway", "in 29.5 seconds, leeway 30")
            .token(with("nbf", format!("{}.5", NOW + 29)))
            .accept(),
    ]
}

fn issue() -> Vec<Finished> {
    let case = |id: &str, about: &str| case(&format!("iat-{id}"), "D08", about);
    let at = |seconds: i64| with("iat", NOW + seconds);
    vec![
        case("absent", "no iat, which this profile does not demand")
            .token(with_claims(Text::claims().without("iat").json()))
            .accept(),
        case("now", "now").token(at(0)).accept(),
        case("old", "ten years ago").token(at(-315_360_000)).accept(),
        case("at-leeway", "in 30 seconds, leeway 30").token(at(30)).accept(),
        case("past-leeway", "in 31 seconds, leeway 30").token(at(31)).refuse("not_yet_valid"),
        case("next-second", "in a second, leeway 0").with("leeway", 0).token(at(1)).refuse("not_yet_valid"),
        case("hour", "in an hour").token(at(3600)).refuse("not_yet_valid"),
    ]
}

fn numeric_dates() -> Vec<Finished> {
    let accept = |id: &str, about: &str, name: &str, json: String| {
        case(&format!("date-{name}-{id}"), "D06", &format!("{name}: {about}"))
            .token(with(name, json))
            .accept()
    };
    let malformed = |id: &str, about: &str, name: &str, json: &str| {
        case(&format!("date-{name}-{id}"), "D06", &format!("{name}: {about}"))
            .token(with(name, json))
            .refuse("claim_malformed")
    };
    let mut cases = vec![
        accept("fraction", "a fraction", "exp", format!("{}.25", NOW + 60)),
        accept("exponent", "an exponent", "exp", "1.8000036e9".to_owned()),
        accept("exponent-upper", "an exponent with a sign", "exp", "18000036E+2".to_owned()),
        accept("whole-fraction", "a fraction of zero", "exp", format!("{}.0", NOW + 60)),
        accept("2-53", "2^53", "exp", "9007199254740992".to_owned()),
        accept("fraction", "a fraction", "nbf", format!("{}.75", NOW - 60)),
        accept("fraction", "a fraction", "iat", format!("{}.75", NOW - 60)),
        accept("exponent", "an exponent", "iat", "1.8e9".to_owned()),
        case("date-exp-fraction-within-leeway", "D06", "exp: 29.5 seconds ago, leeway 30")
            .token(with("exp", format!("{}.5", NOW - 30)))
            .accept(),
        case("date-exp-fraction-past-leeway", "D06", "exp: 30.5 seconds ago, leeway 30")
            .token(with("exp", format!("{}.5", NOW - 31)))
            .refuse("expired"),
        case("date-exp-fraction-now", "D06", "exp: in half a second, leeway 0")
            .with("leeway", 0)
            .token(with("exp", format!("{NOW}.5")))
            .accept(),
    ];
    for name in ["exp", "nbf", "iat"] {
        cases.extend([
            malformed("null", "null", name, "null"),
            malformed("string", "a string of digits", name, &format!("\"{NOW}\"")),
            malformed("date-string", "a date in words", name, "\"2027-01-15T08:00:00Z\""),
            malformed("true", "true", name, "true"),
            malformed("array", "an array", name, &format!("[{NOW}]")),
            malformed("object", "an object", name, "{}"),
            malformed("negative", "negative", name, "-1"),
            malformed("negative-fraction", "a negative fraction", name, "-0.5"),
            malformed("over-2-53", "2^53 + 2", name, "9007199254740994"),
            malformed("over-2-64", "2^64", name, "18446744073709551616"),
            malformed("great-exponent", "1e300", name, "1e300"),
            malformed("infinite", "1e400, which is infinite for some parsers", name, "1e400"),
            malformed("empty-string", "an empty string", name, "\"\""),
        ]);
    }
    cases.push(
        case("date-milliseconds", "D06", "exp in milliseconds is a date in the far future, still below 2^53")
            .token(with("exp", Value::from((NOW + 60) * 1000)))
            .accept(),
    );
    cases
}
