//! The files, and what an earlier run has left in them.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::case::Finished;
use crate::cases;

/// Every file with its text; cases whose inputs have not changed keep what the directory holds.
pub fn all(directory: &Path) -> Vec<(String, String)> {
    let mut key_sets: BTreeMap<String, Value> = BTreeMap::new();
    let mut files = Vec::new();
    for theme in cases::themes() {
        let name = format!("{}.json", theme.name);
        let earlier = earlier_cases(&directory.join(&name));
        let mut cases = Vec::new();
        for Finished { json, key_set } in theme.cases {
            if let Some(key_set) = key_set {
                let set = key_sets.entry(key_set.name.clone()).or_insert_with(|| key_set.set.clone());
                assert_eq!(*set, key_set.set, "two key sets are named {}", key_set.name);
            }
            let id = json["id"].as_str().unwrap_or_default();
            cases.push(match earlier.get(id) {
                Some(earlier) if unsigned(earlier) == unsigned(&json) => earlier.clone(),
                _ => json,
            });
        }
        files.push((name, pretty(&json!({ "about": theme.about, "cases": cases }))));
    }
    let key_sets: Map<String, Value> = key_sets.into_iter().collect();
    files.push(("key-sets.json".to_owned(), pretty(&Value::Object(key_sets))));
    files
}

fn earlier_cases(path: &Path) -> HashMap<String, Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let file: Value = serde_json::from_str(&text).unwrap_or_default();
    let cases = file["cases"].as_array().cloned().unwrap_or_default();
    cases.into_iter().map(|case| (case["id"].as_str().unwrap_or_default().to_owned(), case)).collect()
}

/// The case without the bytes of signatures: of a token or a proof with three or more parts, the first two and the length
/// count.
fn unsigned(case: &Value) -> Value {
    let mut case = case.clone();
    let cut = |value: &mut Value| {
        let text = value.as_str().unwrap_or_default();
        let mut parts = text.splitn(3, '.');
        if let (Some(header), Some(claims), Some(_)) = (parts.next(), parts.next(), parts.next()) {
            *value = json!([header, claims, text.len()]);
        }
    };
    cut(&mut case["token"]);
    // Those of requests before it stand in `before`.
    let requests =
        case.get_mut("before").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let own = case.get_mut("request").map(Value::take);
    let cut_headers = |mut request: Value| {
        let headers = request.get_mut("headers").and_then(Value::as_array_mut);
        let is_proof =
            |header: &&mut Value| header[0].as_str().is_some_and(|name| name.eq_ignore_ascii_case("DPoP"));
        headers.into_iter().flatten().filter(is_proof).for_each(|header| cut(&mut header[1]));
        request
    };
    case["requests"] = requests.into_iter().chain(own).map(cut_headers).collect();
    case
}

fn pretty(value: &Value) -> String {
    // Serializing a `Value` cannot fail: its keys are strings.
    serde_json::to_string_pretty(value).expect("JSON") + "\n"
}
