//! Arguments of the constructor as values of settings. What each may be is in the library's table.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};
use requires_auth::Audience;
use requires_auth::credential::TokenPlace;
use requires_auth::settings::{
    Document, ERROR_BODY, Kind, Notation, Secret, Setting, Table, Value, nearest, shown_value,
};

use crate::errors::Problem;

/// A chosen value with its setting.
pub(crate) type Chosen = (&'static Setting, Value);

/// Reads the arguments of these settings. None is as good as no argument.
pub(crate) fn read(
    arguments: &Bound<'_, PyDict>,
    settings: impl Iterator<Item = &'static Setting>,
    problems: &mut Vec<Problem>,
) -> PyResult<Vec<Chosen>> {
    let mut chosen = Vec::new();
    for setting in settings {
        let Some(argument) = arguments.get_item(setting.key)?.filter(|argument| !argument.is_none()) else {
            continue;
        };
        match value(setting, &argument)? {
            Ok(value) => chosen.push((setting, value)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(chosen)
}

fn value(setting: &'static Setting, argument: &Bound<'_, PyAny>) -> PyResult<Result<Value, Problem>> {
    if let Kind::Choice { names, .. } | Kind::Name { names, .. } = setting.kind {
        return Ok(choice(setting, names, argument));
    }
    let read = match setting.kind {
        Kind::Table { short: Some(short), .. } if text(argument).is_some() => {
            return Ok(value(short, argument)?
                .map(|value| Value::Table(Table::of(short, value)))
                .map_err(|(_, found, expected, hint)| problem(setting, found, expected, &hint)));
        }
        Kind::Table { members, .. } => return table(setting, members, argument),
        Kind::Secret => text(argument).map(|secret| Value::Secret(Secret::new(secret))),
        Kind::Url | Kind::Text => text(argument).map(Value::Text),
        Kind::Words | Kind::Algorithms => words(argument).map(Value::Words),
        Kind::Audience => audience(argument).map(Value::Audience),
        Kind::Scopes => scopes(argument).map(Value::Scopes),
        Kind::Duration(_) | Kind::Count(_) if is_negative(argument) => {
            return Ok(Err(problem(
                setting,
                argument.to_string(),
                "a number that is not negative",
                "0 is the least",
            )));
        }
        Kind::Duration(_) => number(argument).map(|seconds| Value::Duration(Duration::from_secs(seconds))),
        Kind::Count(_) => number(argument).map(Value::Count),
        Kind::Places => places(argument).map(Value::Places),
        Kind::Switch | Kind::SwitchedOn => {
            argument.cast::<PyBool>().ok().map(|is_on| Value::Switch(is_on.is_true()))
        }
        Kind::Path => path(argument).map(Value::Path),
        Kind::Document { .. } => document(argument)?.map(Value::Document),
        Kind::Choice { .. } | Kind::Name { .. } => None,
    };
    Ok(read.ok_or_else(|| mismatch(setting, argument)))
}

/// A dict of members, a dataclass of them, or the three that are needed most: endpoint, client and secret.
fn table(
    setting: &'static Setting,
    members: &'static [&'static Setting],
    argument: &Bound<'_, PyAny>,
) -> PyResult<Result<Value, Problem>> {
    let Some(given) = given_members(argument)? else {
        return Ok(Err(mismatch(setting, argument)));
    };
    let mut table = Table::default();
    for (name, argument) in given {
        if argument.is_none() {
            continue;
        }
        let Some(member) = members.iter().find(|member| member.is_called(&name)) else {
            let close = nearest(&name, members.iter().map(|member| member.key));
            let keys: Vec<_> = members.iter().map(|member| member.key).collect();
            let hint = close.map_or_else(
                || format!("the keys here are {}", keys.join(", ")),
                |close| format!("did you mean `{close}`?"),
            );
            return Ok(Err(problem(
                setting,
                format!("the key {}", shown_value(&name)),
                "a known key",
                &hint,
            )));
        };
        match value(member, &argument)? {
            Ok(value) => table.put(member, value),
            Err((key, found, expected, hint)) => {
                return Ok(Err(problem(setting, format!("{key}: {found}"), expected, &hint)));
            }
        }
    }
    Ok(Ok(Value::Table(table)))
}

type Members<'py> = Vec<(String, Bound<'py, PyAny>)>;

fn given_members<'py>(argument: &Bound<'py, PyAny>) -> PyResult<Option<Members<'py>>> {
    if let Ok(three) = argument.cast::<PyTuple>() {
        let names = ["endpoint", "client_id", "client_secret"];
        let given = names.iter().map(|name| (*name).to_owned()).zip(three.iter());
        return Ok((three.len() == names.len()).then(|| given.collect()));
    }
    let dataclasses = argument.py().import("dataclasses")?;
    let is_dataclass: bool = dataclasses.call_method1("is_dataclass", (argument,))?.extract()?;
    let given = if is_dataclass && argument.cast::<PyType>().is_err() {
        dataclasses.call_method1("asdict", (argument,))?
    } else {
        argument.clone()
    };
    let Ok(given) = given.cast::<PyMapping>() else { return Ok(None) };
    let items = given.items()?;
    Ok(items.iter().map(|item| item.extract().ok()).collect())
}

/// What to say of an argument of another type. Its value is not shown: it may be a secret.
fn mismatch(setting: &'static Setting, argument: &Bound<'_, PyAny>) -> Problem {
    let found =
        argument.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string());
    let text = text(argument);
    let wrong = setting.kind.mismatch(Notation::Python, found, text.as_deref());
    let hint = match setting.key {
        "issuer" => {
            "make the guard first, auth = RequiresAuth(issuer, audience), and give auth to a route; for a route or an \
             application, import RequiresAuth from requires_auth.flask, .fastapi, .starlette or .django"
                .to_owned()
        }
        _ => wrong.hint,
    };
    problem(setting, wrong.found, expected(setting.kind), &hint)
}

fn problem(setting: &Setting, found: String, expected: &'static str, hint: &str) -> Problem {
    (setting.key.to_owned(), found, expected, hint.to_owned())
}

/// What is expected, in the words of Python.
const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Words | Kind::Algorithms => "a string, or a list of strings",
        Kind::Audience => "a string, a list of strings, or a dict",
        Kind::Scopes => "a dict from scope to scopes",
        Kind::Duration(_) | Kind::Count(_) => "a whole number",
        Kind::Switch | Kind::SwitchedOn => "True or False",
        Kind::Path => "a path",
        kind => kind.expected(),
    }
}

fn choice(
    setting: &'static Setting,
    names: &[&'static str],
    argument: &Bound<'_, PyAny>,
) -> Result<Value, Problem> {
    let given = text(argument);
    if let Some(name) = names.iter().find(|name| given.as_deref() == Some(**name)) {
        return Ok(Value::Choice(name));
    }
    let wrong = mismatch(setting, argument);
    let found = given.map_or(wrong.1, |text| shown_value(&text));
    // A function is read before.
    let is_body = *setting == *ERROR_BODY.setting;
    let expected = if is_body { "json, problem or a function" } else { wrong.2 };
    Err((wrong.0, found, expected, wrong.3))
}

fn text(argument: &Bound<'_, PyAny>) -> Option<String> {
    argument.cast::<PyString>().ok()?.extract().ok()
}

/// One string counts as one word: its letters are not words.
fn words(argument: &Bound<'_, PyAny>) -> Option<Vec<String>> {
    if let Some(word) = text(argument) {
        return Some(vec![word]);
    }
    // A collection: what can be asked only once, or has keys, is something else.
    if argument.len().is_err() || argument.is_instance_of::<PyBytes>() || argument.cast::<PyMapping>().is_ok()
    {
        return None;
    }
    argument.try_iter().ok()?.map(|word| text(&word.ok()?)).collect()
}

/// Names, `{"prefix": "one:"}` or `{"claim": "client_id", "one_of": ["one"]}`.
fn audience(argument: &Bound<'_, PyAny>) -> Option<Audience> {
    let Ok(rule) = argument.cast::<PyMapping>() else { return words(argument).map(Into::into) };
    let member = |name| rule.get_item(name).ok();
    match (rule.len().ok()?, member("prefix"), member("claim"), member("one_of")) {
        (1, Some(prefix), None, None) => text(&prefix).map(Audience::Prefix),
        (2, None, Some(path), Some(one_of)) => {
            Some(Audience::Claim { path: text(&path)?, one_of: words(&one_of)? })
        }
        _ => None,
    }
}

/// A list of places, or one alone.
fn places(argument: &Bound<'_, PyAny>) -> Option<Vec<TokenPlace>> {
    if text(argument).is_some() || argument.cast::<PyMapping>().is_ok() {
        return Some(vec![place(argument)?]);
    }
    if argument.len().is_err() || argument.is_instance_of::<PyBytes>() {
        return None;
    }
    argument.try_iter().ok()?.map(|own| place(&own.ok()?)).collect()
}

/// `"authorization"`, or a dict with one member: `{"header": "NAME"}`, `{"subprotocol": {"after": "NAME"}}`.
fn place(argument: &Bound<'_, PyAny>) -> Option<TokenPlace> {
    if let Some(name) = text(argument) {
        return TokenPlace::from_parts(&name, None)?.ok();
    }
    let (kind, name) = only_member(argument)?;
    if kind == "subprotocol" {
        let (how, name) = only_member(&name)?;
        return TokenPlace::from_parts(&format!("{kind}.{how}"), Some(&text(&name)?))?.ok();
    }
    TokenPlace::from_parts(&kind, Some(&text(&name)?))?.ok()
}

fn only_member<'py>(argument: &Bound<'py, PyAny>) -> Option<(String, Bound<'py, PyAny>)> {
    let items: Bound<'_, PyList> = argument.cast::<PyMapping>().ok()?.items().ok()?;
    if items.len() != 1 {
        return None;
    }
    let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = items.get_item(0).ok()?.extract().ok()?;
    Some((text(&key)?, value))
}

fn scopes(argument: &Bound<'_, PyAny>) -> Option<Vec<(String, String)>> {
    let items: Bound<'_, PyList> = argument.cast::<PyMapping>().ok()?.items().ok()?;
    let implied = |item: Bound<'_, PyAny>| {
        let (scope, included): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract().ok()?;
        Some((text(&scope)?, words(&included)?.join(" ")))
    };
    items.iter().map(implied).collect()
}

fn is_number(argument: &Bound<'_, PyAny>) -> bool {
    argument.is_instance_of::<PyInt>() && !argument.is_instance_of::<PyBool>()
}

fn is_negative(argument: &Bound<'_, PyAny>) -> bool {
    is_number(argument) && argument.lt(0).unwrap_or(false)
}

fn number(argument: &Bound<'_, PyAny>) -> Option<u64> {
    // What no counter can hold is as large as one gets.
    is_number(argument).then(|| argument.extract().unwrap_or(u64::MAX))
}

fn path(argument: &Bound<'_, PyAny>) -> Option<PathBuf> {
    argument.extract().ok()
}

/// The text itself, or the path of a file that has it.
fn document(argument: &Bound<'_, PyAny>) -> PyResult<Option<Document>> {
    if argument.cast::<PyMapping>().is_ok() {
        let json = argument.py().import("json")?.call_method1("dumps", (argument,))?;
        return Ok(Some(Document::Bytes(json.extract::<String>()?.into_bytes())));
    }
    if let Ok(bytes) = argument.cast::<PyBytes>() {
        return Ok(Some(Document::Bytes(bytes.as_bytes().to_vec())));
    }
    let itself = text(argument).and_then(|text| Document::itself(&text));
    Ok(itself.or_else(|| path(argument).map(Document::File)))
}
