//! Claim rules of a vector, which are written as a route of the gateway writes them.

use requires_auth::policy::{ClaimTest, ClaimValue};
use serde_json::Value;

/// The test that a rule describes.
pub fn test(rule: &Value) -> ClaimTest {
    match rule {
        Value::Object(test) => {
            let (name, value) = test.iter().next().expect("a test");
            named(name, value)
        }
        plain => contains(plain),
    }
}

fn named(name: &str, given: &Value) -> ClaimTest {
    match (name, given) {
        ("equals", one) => ClaimTest::equals(value(one)),
        ("one_of", Value::Array(values)) => ClaimTest::one_of(values.iter().map(value)),
        ("contains", plain) => contains(plain),
        ("prefix", Value::String(text)) => ClaimTest::prefix(text),
        ("path", Value::String(name)) => ClaimTest::path(name),
        other => panic!("{other:?} is not a test of a claim"),
    }
}

fn contains(plain: &Value) -> ClaimTest {
    match plain {
        Value::Array(values) => ClaimTest::contains_any(values.iter().map(value)),
        one => ClaimTest::contains(value(one)),
    }
}

fn value(json: &Value) -> ClaimValue {
    match json {
        Value::Bool(value) => (*value).into(),
        Value::Number(number) => number.as_i64().expect("a whole number").into(),
        Value::String(text) => text.as_str().into(),
        other => panic!("{other} is not a value of a claim rule"),
    }
}
