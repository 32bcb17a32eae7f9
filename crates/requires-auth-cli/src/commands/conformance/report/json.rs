//! The report as one JSON object.

use serde_json::{Value, json};

use super::Report;
use crate::commands::conformance::judge::Grade;

/// The object: how many of each grade, then the rows.
pub(crate) fn value(report: &Report) -> Value {
    let mut value = json!({
        "right": report.count(Grade::Right),
        "wrong": report.count(Grade::Wrong),
        "dangerous": report.count(Grade::Dangerous),
    });
    if let (Some(all), Ok(Value::Object(own))) = (value.as_object_mut(), serde_json::to_value(report)) {
        all.extend(own);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn counts_and_rows_agree() {
        let value = value(&example());
        assert_eq!(
            (&value["right"], &value["wrong"], &value["dangerous"]),
            (&1.into(), &1.into(), &1.into())
        );
        assert_eq!(value["rows"][1]["case"], "expired");
        assert_eq!(value["rows"][1]["grade"], "dangerous");
        assert_eq!(value["rows"][1]["level"], "MUST");
        assert_eq!(value["not_judged"][0]["why"], "needs the clock of the API");
    }
}
