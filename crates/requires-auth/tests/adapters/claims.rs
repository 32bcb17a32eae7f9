//! Claim rules of a vector, which are written as a route of the gateway writes them.

use requires_auth::policy::{ClaimTest, ClaimValue};
use serde_json::Value;

/// The test that a rule describes.
pub fn test(rule: &Value) -> ClaimTest {
    match rule {
        Value::Array(values) => ClaimTest::one_of(values.iter().map(value)),
        one => ClaimTest::equals(value(one)),
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
