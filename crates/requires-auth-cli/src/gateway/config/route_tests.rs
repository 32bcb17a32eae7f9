//! `[[tests]]`: from TOML to a [`RouteTest`].

use http::{HeaderName, HeaderValue, StatusCode};
use requires_auth::ErrorCode;
use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::settings::{nearest, shown_value};
use toml::de::{DeTable, DeValue};

use super::common::unknown_issuer;
use super::model::RouteTest;
use crate::gateway::host::plain;

const TEST: [&str; 6] = ["request", "host", "claims", "answer", "headers", "expect"];
const EXPECT: [&str; 2] = ["status", "error"];

pub(super) fn test(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &DeTable<'_>,
    issuers: &[IssuerConfig],
) -> Option<RouteTest> {
    let within = entry.path();
    let mut test = RouteTest {
        method: "GET".to_owned(),
        target: String::new(),
        host: None,
        claims: None,
        answer: None,
        headers: Vec::new(),
        status: 0,
        error: None,
        line: reader.line(within),
    };
    for entry in reader.entries(table, within) {
        match entry.key() {
            "request" => {
                let asked = reader.text("tests", &entry)?;
                match asked.split_once(' ') {
                    Some((method, path)) => {
                        test.method = method.to_owned();
                        test.target = path.to_owned();
                    }
                    None => test.target = asked,
                }
            }
            "host" => {
                let host = reader.text("tests", &entry)?;
                if plain(&host).is_none() {
                    let hint = "write host = \"api.example.com\"";
                    reader.report("tests", entry.path(), shown_value(&host), "a host", hint);
                }
                test.host = Some(host);
            }
            "claims" => test.claims = claims(reader, &entry, issuers),
            "answer" => test.answer = answer(reader, &entry, table.contains_key("claims")),
            "headers" => test.headers = headers(reader, &entry),
            "expect" => expectation(reader, &entry, &mut test),
            _ => reader.unknown("tests", &entry, &TEST),
        }
    }
    for key in ["request", "expect"].into_iter().filter(|key| !table.contains_key(*key)) {
        let hint = "write request = \"GET /orders\" and expect = { status = 200 }";
        reader.report("tests", &format!("{within}.{key}"), "nothing", "a request and its answer", hint);
    }
    Some(test)
}

/// The claims of a token that the test mints. Their `iss` is the name of a configured issuer.
fn claims(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    issuers: &[IssuerConfig],
) -> Option<serde_json::Map<String, serde_json::Value>> {
    let Some(serde_json::Value::Object(claims)) = json(entry.value()) else {
        let hint = "write claims = { iss = \"main\", scope = \"read:orders\" }";
        reader.report("tests", entry.path(), "another value", "a table of claims", hint);
        return None;
    };
    if let Some(name) = claims.get("iss").and_then(|name| name.as_str())
        && !issuers.iter().any(|issuer| issuer.name() == name)
    {
        unknown_issuer(reader, "routes", entry.path(), name, issuers);
    }
    Some(claims)
}

/// What the issuer answers about an opaque token (RFC 7662 §2.2).
fn answer(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    has_claims: bool,
) -> Option<serde_json::Map<String, serde_json::Value>> {
    let Some(serde_json::Value::Object(answer)) = json(entry.value()) else {
        let hint = "write answer = { active = false }";
        reader.report("tests", entry.path(), "another value", "a table of an answer", hint);
        return None;
    };
    if has_claims {
        let hint = "keep `answer` for an opaque token, `claims` for a JWT";
        reader.report("tests", entry.path(), "this beside `claims`", "one of the two", hint);
    }
    Some(answer)
}

fn headers(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<(HeaderName, String)> {
    let Some(table) = reader.table("tests", entry) else { return Vec::new() };
    let mut headers = Vec::new();
    for entry in reader.entries(table, entry.path()) {
        let Some(value) = reader.text("tests", &entry) else { continue };
        match HeaderName::try_from(entry.key()) {
            Ok(name) if HeaderValue::try_from(&value).is_ok() => headers.push((name, value)),
            _ => {
                let hint = "write headers = { Cookie = \"token={token}\" }";
                reader.report("tests", entry.path(), "another name or value", "a header", hint);
            }
        }
    }
    headers
}

fn expectation(reader: &mut Reader<'_>, entry: &Entry<'_>, test: &mut RouteTest) {
    let Some(table) = reader.table("tests", entry) else { return };
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "status" => {
                let status = reader.count("tests", &entry).and_then(|status| u16::try_from(status).ok());
                if let Some(status) = status.filter(|status| StatusCode::from_u16(*status).is_ok()) {
                    test.status = status;
                } else {
                    let hint = "200 if it is allowed, else 400, 401, 403 or 503";
                    reader.report("tests", entry.path(), "another number", "a status", hint);
                }
            }
            "error" => {
                let Some(code) = reader.text("tests", &entry) else { continue };
                let codes = ErrorCode::ALL.iter().map(|code| code.as_str());
                if !codes.clone().any(|own| own == code) {
                    let hint = match nearest(&code, codes) {
                        Some(meant) => format!("did you mean \"{meant}\"?"),
                        None => "use a `code` of the answers, such as \"insufficient_scope\"".to_owned(),
                    };
                    reader.report("tests", entry.path(), shown_value(&code), "a code", hint);
                }
                test.error = Some(code);
            }
            _ => reader.unknown("tests", &entry, &EXPECT),
        }
    }
    if !table.contains_key("status") {
        let hint = "write expect = { status = 403, error = \"insufficient_scope\" }";
        reader.report("tests", &format!("{}.status", entry.path()), "nothing", "a status", hint);
    }
}

/// What a token would have; `None` for what JSON has no word for.
fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok()?.into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Datetime(_) => return None,
        DeValue::Array(list) => {
            list.iter().map(|item| json(item.get_ref())).collect::<Option<Vec<_>>>()?.into()
        }
        DeValue::Table(table) => {
            let members =
                table.iter().map(|(key, value)| Some((key.get_ref().to_string(), json(value.get_ref())?)));
            serde_json::Value::Object(members.collect::<Option<_>>()?)
        }
    })
}
