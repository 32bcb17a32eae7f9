//! The reference page of the settings, as text in Markdown.

use std::fmt::Write as _;

use serde_json::Value;

use super::row::{Kind, Limits, Scope, Setting, variable_of};
use super::table::{ACCEPT_TOKENS, ALL, AUDIENCE, ISSUER};
use super::text;

const INTRODUCTION: &str = "\
# Settings

Every setting of a guard, made from the table in `crates/requires-auth/src/settings/table.rs`. To write this page anew:

    WRITE_REFERENCE=1 cargo test -p requires-auth --all-features --test settings

| where | how a setting is called |
| --- | --- |
| a file in TOML | its key: `leeway = \"30s\"`. Settings of an issuer stand in its table `[issuers.NAME]`, all others above it |
| the environment | in upper case: `REQUIRES_AUTH_LEEWAY=30s`. Lists are separated by spaces or commas, and an empty variable is as good as none |
| Python | an argument of its name: `RequiresAuth(issuer, audience, leeway=30)` |
| Flask, Django | in upper case: `REQUIRES_AUTH_LEEWAY = 30` in `app.config` or the settings |
| Rust | a method of the builder: `with_leeway(Duration::from_secs(30))` |

A duration is a number of seconds; in a file also `\"30s\"`, `\"5m\"` or `\"1h\"`, and in the environment `30s`, `5m` or `1h`.
Paths in a file are relative to its folder. A value that cannot work is an error when the guard is made, with the name of
the setting as it was written. A variable that begins with `REQUIRES_AUTH_` and is not a setting is a warning that names the nearest one.
";

/// The page `docs/reference/settings.md`.
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let parts = [
        ("Of an issuer", Scope::Issuer),
        ("Of the guard, or of an issuer", Scope::Either),
        ("Of the guard", Scope::Guard),
    ];
    for (title, scope) in parts {
        let settings = ALL.iter().filter(|setting| setting.scope == scope);
        // Writing to a string cannot fail.
        let _ = write!(page, "\n## {title}\n");
        settings.for_each(|setting| page.push_str(&one(setting)));
    }
    page
}

fn one(setting: &Setting) -> String {
    let Setting { key, doc, .. } = setting;
    let mut part = format!("\n### `{key}`\n\n{doc}\n\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(part, "- {name}: {value}");
    };
    if !setting.members().is_empty() {
        return part + &table(setting);
    }
    line("Value", &kind(setting.kind));
    line("Default", &default(setting));
    let examples = setting.examples.iter().map(|example| format!("`{key} = {}`", toml(example)));
    line("In a file", &examples.collect::<Vec<_>>().join(", "));
    if setting.is_in_environment() {
        line("In the environment", &format!("`{}`", setting.variable()));
    }
    line("In Rust", &in_rust(setting));
    if !setting.aliases.is_empty() {
        let names: Vec<_> = setting.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        line("Earlier name, still read", &names.join(", "));
    }
    part
}

/// A setting that is a table: a row for each of its members.
fn table(setting: &Setting) -> String {
    let mut part = format!(
        "- Value: {}\n- In a file: {}\n- In the environment: {} and so on\n- In Rust: {}\n\n\
         | member | value | default | what |\n| --- | --- | --- | --- |\n",
        kind(setting.kind),
        in_a_file(setting),
        in_environment(setting),
        in_rust(setting),
    );
    for member in setting.members() {
        let cells = [format!("`{}`", member.key), kind(member.kind), default(member), member.doc.to_owned()];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(part, "| {} |", cells.join(" | "));
    }
    part
}

fn in_a_file(setting: &Setting) -> String {
    let key = setting.key;
    let within = if setting.is_of_guard() { key.to_owned() } else { format!("issuers.NAME.{key}") };
    let table = format!("`{key} = {{ .. }}`, or `[{within}]`");
    let Kind::Table { short: Some(_), .. } = setting.kind else { return table };
    let examples = setting.examples.iter().map(|example| format!("`{key} = {}`, ", toml(example)));
    examples.chain([table]).collect()
}

/// The setting itself if a variable can hold it, and one of its members.
fn in_environment(setting: &Setting) -> String {
    let is_short = |member: &&&Setting| matches!(setting.kind, Kind::Table { short: Some(short), .. } if short == **member);
    let member = match setting.key {
        "introspection" => "client_id",
        _ => setting.members().iter().find(|member| !is_short(member)).map_or("", |member| member.key),
    };
    let itself = setting.is_in_environment().then(|| format!("`{}`, ", setting.variable()));
    format!("{}`{}`", itself.unwrap_or_default(), variable_of(&format!("{}_{member}", setting.key)))
}

fn kind(kind: Kind) -> String {
    let limited = |what: &str, Limits { least, most, .. }: Limits, shown: fn(u64) -> String| {
        let least = (least > 0).then(|| format!("at least {}", shown(least)));
        let most = (most < u64::MAX).then(|| format!("at most {}", shown(most)));
        [Some(what.to_owned()), least, most].into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    match kind {
        Kind::Url => "a URL".to_owned(),
        Kind::Text => "a text".to_owned(),
        Kind::Secret => "a secret; in a file `{ env = \"NAME\" }` or `{ file = \"path\" }`".to_owned(),
        Kind::Table { short: Some(short), .. } => format!("{}, or a table; in Python a dict", self::kind(short.kind)),
        Kind::Table { short: None, .. } => {
            "a table; in Python a dict, or a tuple of endpoint, client and secret".to_owned()
        }
        Kind::Words => "a text or a list of texts".to_owned(),
        Kind::Audience => {
            "a text, a list of texts, a prefix, or a claim with the texts that it may be".to_owned()
        }
        Kind::Algorithms => "the name of a signature algorithm, or a list of them".to_owned(),
        Kind::Scopes => "a table from a scope to those that it includes".to_owned(),
        Kind::Duration(limits) => limited("a duration", limits, text::shown_duration),
        Kind::Count(limits) => limited("a whole number", limits, |number| number.to_string()),
        Kind::Choice { names, .. } => {
            names.iter().map(|name| format!("`\"{name}\"`")).collect::<Vec<_>>().join(" or ")
        }
        // Each has a page of its own, and there are many.
        Kind::Name { expected, .. } => expected.to_owned(),
        Kind::Switch | Kind::SwitchedOn => "`true` or `false`".to_owned(),
        Kind::Places => "a list of places: `\"authorization\"`, `{ header = \"NAME\" }`, `{ cookie = \"NAME\" }`, \
                         `{ subprotocol = { prefix = \"PREFIX\" } }`, `{ subprotocol = { after = \"NAME\" } }`"
            .to_owned(),
        Kind::Path => "the path of a file".to_owned(),
        Kind::Document { .. } => "the path of a file; in Rust and Python also its text".to_owned(),
    }
}

fn default(setting: &Setting) -> String {
    match (setting.default(), setting.kind) {
        (Some(default), Kind::Duration(_) | Kind::Choice { .. }) => format!("`\"{default}\"`"),
        (Some(default), _) => format!("`{default}`"),
        (None, _) if setting.without.is_empty() => "none; it has to be given".to_owned(),
        (None, _) => setting.without.to_owned(),
    }
}

/// What sets it in Rust: the rule that the methods of the builder follow.
fn in_rust(setting: &Setting) -> String {
    let key = setting.key;
    if [ISSUER.setting, AUDIENCE.setting].contains(&setting) {
        return "`RequiresAuth::new(issuer, audience)`, or `with_issuer(issuer, audience)` for a further one"
            .to_owned();
    }
    if *setting == *ACCEPT_TOKENS.setting {
        return "`with_accepted_tokens`".to_owned();
    }
    match (key.strip_prefix("dangerously_"), setting.scope) {
        (Some("any_audience"), _) => "`Audience::Any`".to_owned(),
        (Some(name), _) => format!("`danger::{name}(builder)`"),
        (None, Scope::Either) => format!("`with_{key}`, and for the issuer named last `with_issuer_{key}`"),
        (None, _) => format!("`with_{key}`"),
    }
}

/// An example in JSON, as TOML has it.
fn toml(example: &str) -> String {
    serde_json::from_str(example).map_or_else(|_| example.to_owned(), |value| toml_value(&value))
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(toml_value).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let member = |(key, member): (&String, &Value)| format!("{key} = {}", toml_value(member));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
