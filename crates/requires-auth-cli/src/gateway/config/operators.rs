//! Who may change something on the admin pages: `admin_token` and `admin_scopes` of `[server]`.

use std::path::PathBuf;

use requires_auth::Policy;
use requires_auth::config::{Entry, Reader};
use requires_auth::settings::shown_value;
use toml::de::DeValue;

const PLACES: [&str; 2] = ["env", "file"];

/// Whoever may change something on the admin pages; nobody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OperatorsConfig {
    /// Where the secret is that an operator shows.
    pub(crate) token: Option<SecretPlace>,
    /// What an access token must be allowed to do with which an operator comes.
    pub(crate) policy: Option<Policy>,
}

/// Where a secret is. It never stands in the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// In a variable of the environment.
    Variable(String),
    /// In a file, up to its first line break.
    File(PathBuf),
}

/// `admin_token`: `{ env = "NAME" }` or `{ file = "path" }`.
pub(super) fn token(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<SecretPlace> {
    let hint = "a secret stands in no configuration file: write admin_token = { env = \"ADMIN_TOKEN\" }, or name a file: \
                { file = \"admin-token\" }";
    let DeValue::Table(table) = entry.value() else {
        reader.report("server", entry.path(), "a value", "where the secret is", hint);
        return None;
    };
    let mut places = Vec::new();
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "env" => places.extend(reader.text("server", &entry).map(SecretPlace::Variable)),
            "file" => places.extend(reader.path("server", &entry).map(SecretPlace::File)),
            _ => reader.unknown("server", &entry, &PLACES),
        }
    }
    if table.is_empty() || places.len() > 1 {
        let found = if table.is_empty() { "nothing" } else { "two places" };
        reader.report("server", entry.path(), found, "the one place of the secret", hint);
        return None;
    }
    places.pop()
}

/// `admin_scopes`: every one of them.
pub(super) fn policy(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Policy> {
    let scopes = reader.texts("server", entry)?;
    match Policy::parse(&scopes.join(" ")) {
        // A scope with a space in it would be two of them.
        Ok(policy) if !scopes.iter().any(|scope| scope.contains(char::is_whitespace)) => Some(policy),
        _ => {
            let hint =
                "name the scopes that an operator's access token needs: admin_scopes = [\"revoke:tokens\"]";
            reader.report("server", entry.path(), shown_value(&scopes.join(" ")), "at least one scope", hint);
            None
        }
    }
}
