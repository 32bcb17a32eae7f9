//! What is written by hand about settings, held against their table.

use std::fs;
use std::path::{Path, PathBuf};

use requires_auth::settings::{self, Kind, Scope, Setting};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    let path = file(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_reference_page_is_made_from_the_table() {
    const PAGE: &str = "../../docs/reference/settings.md";
    let made = settings::reference();
    if std::env::var_os("WRITE_REFERENCE").is_some() {
        fs::create_dir_all(file(PAGE).parent().expect("a folder")).expect("a folder");
        fs::write(file(PAGE), &made).expect("a page");
    }
    let command = "WRITE_REFERENCE=1 cargo test -p requires-auth --all-features --test settings";
    assert!(made.contains(command), "the page says how it is written");
    assert!(
        text(PAGE) == made,
        "docs/reference/settings.md is not that of the table: write it anew with {command}"
    );
}

/// What sets a setting in Rust, as the declaration of a function begins.
fn setters(setting: &Setting) -> Vec<String> {
    let key = setting.key;
    match (key, key.strip_prefix("dangerously_"), setting.scope) {
        ("issuer" | "audience", ..) => vec!["pub fn with_issuer(".to_owned()],
        ("dangerously_any_audience", ..) => Vec::new(),
        ("accept_tokens", ..) => vec!["pub fn with_accepted_tokens(".to_owned()],
        (_, Some(name), _) => vec![format!("pub fn {name}(")],
        (_, None, Scope::Either) => vec![format!("pub fn with_{key}"), format!("pub fn with_issuer_{key}")],
        _ => vec![format!("pub fn with_{key}")],
    }
}

#[test]
fn the_builder_has_a_method_for_every_setting_and_for_nothing_else() {
    let files = [
        "mod.rs",
        "asks.rs",
        "certificates.rs",
        "claims.rs",
        "dpop.rs",
        "places.rs",
        "provider.rs",
        "resource.rs",
        "revocations.rs",
        "shared.rs",
        "tenants.rs",
    ]
    .map(|name| format!("src/guard/builder/{name}"));
    let sources = files.map(|file| text(&file)).concat() + &text("src/danger.rs");
    let is_declared = |start: &str| {
        let mut after =
            sources.match_indices(start).map(|(at, _)| sources[at + start.len()..].chars().next());
        start.ends_with('(') && sources.contains(start) || after.any(|next| matches!(next, Some('(' | '<')))
    };
    for setting in settings::ALL {
        for setter in setters(setting) {
            assert!(is_declared(&setter), "`{}` has no `{setter}`", setting.key);
        }
    }
    // What the table cannot hold: code, another guard, what stands in policies, and the ways to read settings from elsewhere.
    let others = [
        "clock",
        "fetch",
        "introspect",
        "accepted_tokens",
        "keys_of",
        "resolver",
        "revocations_in",
        "route_audiences",
        "setting",
        "issuer_setting",
        "issuer_name",
        "default_namespace",
    ];
    for declared in sources.split("pub fn with_").skip(1) {
        let name = declared.split(['(', '<']).next().expect("a name");
        let key = name.strip_prefix("issuer_").unwrap_or(name);
        assert!(others.contains(&name) || settings::find(key).is_some(), "`with_{name}` is not in the table");
    }
}

#[test]
fn what_python_writes_by_hand_has_every_setting_with_its_default() {
    let guard = text("../../python/requires_auth/_guard.py");
    let issuer = text("../../python/requires_auth/_issuer.py");
    let options = text("../../python/requires_auth/_options.py");
    for setting in settings::ALL {
        let key = setting.key;
        let argument = guard.lines().find(|line| line.starts_with(&format!("        {key}: ")));
        let argument = argument.unwrap_or_else(|| panic!("`{key}` is not an argument of the constructor"));
        let default = argument.trim_end_matches(',').split(" = ").nth(1).expect("a default");
        assert_eq!(default.replace('_', ""), in_python(setting).replace('_', ""), "{key}");
        assert!(guard.contains(&format!("\n            {key}: ")), "`{key}` is not described");
        let option = format!("\n    {key}: ");
        let is_positional = ["issuer", "audience"].contains(&key);
        assert!(is_positional || options.contains(&option), "`{key}` is not in GuardOptions");
        assert!(setting.scope == Scope::Guard || issuer.contains(&option), "`{key}` is not in Issuer");
        for alias in setting.aliases.iter().filter(|alias| **alias != "scopes_from") {
            assert!(guard.contains(&format!("\n        {alias}: ")), "`{alias}` is not an argument any more");
        }
    }
}

/// The default of an argument of the constructor in Python.
fn in_python(setting: &Setting) -> String {
    match setting.kind {
        // Its default depends on whether there is `introspection`.
        _ if setting.key == "accept_tokens" => "None".to_owned(),
        // A profile may choose a smaller one.
        _ if *setting == *settings::LEEWAY.setting => "None".to_owned(),
        // What a provider says holds where nothing is given.
        _ if *setting == *settings::PROFILE.setting => "None".to_owned(),
        Kind::Duration(limits) | Kind::Count(limits) => limits.default.to_string(),
        Kind::Choice { names, .. } => format!("{:?}", names[0]),
        Kind::Switch => "False".to_owned(),
        Kind::SwitchedOn => "True".to_owned(),
        _ => "None".to_owned(),
    }
}
