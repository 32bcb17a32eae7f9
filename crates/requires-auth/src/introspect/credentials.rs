//! The credentials of the client, read from where the settings say, and checked.

use std::path::Path;

use super::client::{Client, Method};
use super::secret_key::PrivateKey;
use crate::error::{ConfigProblem, quoted};
use crate::file::RegularFile;
use crate::settings::introspection as members;
use crate::settings::{Key, Secret, Table, variable_of};

/// The setting that the problems are told of.
const FIELD: &str = "introspection";

/// A secret or a private key may be this long.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// The ways to give one secret.
struct Places {
    what: &'static str,
    itself: Key<Secret>,
    variable: Key<String>,
    file: Key<std::path::PathBuf>,
}

const SECRET: Places = Places {
    what: "client_secret",
    itself: members::CLIENT_SECRET,
    variable: members::CLIENT_SECRET_ENV,
    file: members::CLIENT_SECRET_FILE,
};

const PRIVATE_KEY: Places = Places {
    what: "private_key",
    itself: members::PRIVATE_KEY,
    variable: members::PRIVATE_KEY_ENV,
    file: members::PRIVATE_KEY_FILE,
};

/// The client that asks, with the credentials that the settings give it.
///
/// # Errors
///
/// What is missing, cannot be read or does not fit together. No text of a secret is in a problem.
pub(crate) fn client_of(table: &Table) -> Result<Client, ConfigProblem> {
    let id = table.get(members::CLIENT_ID).unwrap_or_default();
    if let Some(unseen) = ConfigProblem::of_unseen(FIELD, &id) {
        return Err(unseen);
    }
    if id.trim().is_empty() {
        let hint = "register this API as a client at the provider, and give its id";
        return Err(problem("no client_id", "client_id", hint));
    }
    let (secret, key) = (read(table, &SECRET)?, read(table, &PRIVATE_KEY)?);
    let method = match (table.get(members::AUTH_METHOD), secret, key) {
        (_, None, None) => {
            let hint = format!(
                "give the client's secret with client_secret_env or client_secret_file (in the environment {}), or its key \
                 with private_key_file",
                variable_of("introspection_client_secret"),
            );
            return Err(problem("no credentials of the client", "a secret or a private key", hint));
        }
        (_, Some(_), Some(_)) => {
            let hint = "keep the one that the provider expects";
            return Err(problem("a secret and a private key", "one of the two", hint));
        }
        (Some("private_key_jwt"), Some(_), None) => {
            let hint = "private_key_jwt signs with a key: give private_key_file, or leave auth_method out";
            return Err(problem("auth_method private_key_jwt with a secret", "a private key", hint));
        }
        (Some("client_secret_basic" | "client_secret_post"), None, Some(_)) => {
            let hint = "leave auth_method out: a key is used for private_key_jwt";
            return Err(problem("a private key for a method with a secret", "a secret", hint));
        }
        (Some("client_secret_post"), Some(secret), None) => Method::Post(one_line(secret)?),
        (_, Some(secret), None) => Method::Basic(one_line(secret)?),
        (_, None, Some(key)) => Method::PrivateKey(PrivateKey::parse(key.text().as_bytes()).ok_or_else(|| {
            let hint = "give an unencrypted key in PEM or as a JWK: RSA from 2048 bits, P-256, P-384, P-521 or Ed25519";
            problem("a private_key that cannot be used", "a private key", hint)
        })?),
    };
    Ok(Client { id, method })
}

/// The secret, from the one place that it is given in.
fn read(table: &Table, places: &Places) -> Result<Option<Secret>, ConfigProblem> {
    // An empty text is what code reads from a variable that is not set.
    let itself = table.get(places.itself).filter(|secret| !secret.text().is_empty());
    let (variable, file) = (table.get(places.variable), table.get(places.file));
    let given = [itself.is_some(), variable.is_some(), file.is_some()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        let found = format!("several places for {}", places.what);
        return Err(problem(found, "one of them", "keep the place that has the secret"));
    }
    match (itself, variable, file) {
        (Some(secret), ..) => Ok(Some(secret)),
        (_, Some(name), _) => of_variable(&name, places).map(Some),
        (.., Some(path)) => of_file(&path, places).map(Some),
        (None, None, None) => Ok(None),
    }
}

fn of_variable(name: &str, places: &Places) -> Result<Secret, ConfigProblem> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value.map(Secret::new).ok_or_else(|| {
        // A name that looks like a secret is one that stands in the wrong place.
        let is_name = name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let shown = if is_name { quoted(name) } else { "a name that is not that of a variable".to_owned() };
        let found = format!("{}_env: {shown}, which is not set", places.what);
        problem(
            found,
            "a variable of the environment",
            "set the variable to the secret; the file names the variable alone",
        )
    })
}

/// The text of a file without the line break that an editor puts at its end.
fn of_file(path: &Path, places: &Places) -> Result<Secret, ConfigProblem> {
    let read = RegularFile::open(path).and_then(|file| file.read(MAX_SECRET_BYTES));
    let shown = quoted(&path.display().to_string());
    let bytes = read.map_err(|cause| {
        let found = format!("{}_file {shown}: {cause}", places.what);
        problem(found, "a readable file", "a path in a configuration file is relative to its folder")
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let found = format!("{}_file {shown}: bytes that are not UTF-8", places.what);
        problem(found, "a text", "write the secret into the file as text")
    })?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        let found = format!("{}_file {shown}: an empty file", places.what);
        return Err(problem(found, "a secret", "write the secret into the file"));
    }
    Ok(Secret::new(text))
}

/// A secret without white space. RFC 6749 appendix A.2 allows a space, but providers make none with it, and a copied line
/// break or space is a common mistake that would otherwise show as refused credentials.
fn one_line(secret: Secret) -> Result<Secret, ConfigProblem> {
    let text = secret.text();
    if text.is_empty() {
        return Err(problem(
            "an empty client_secret",
            "a secret",
            "copy the secret of the client from the provider",
        ));
    }
    if text.trim() != text || text.contains(char::is_whitespace) || text.contains(char::is_control) {
        let hint = "a copied secret often has a line break or a space in it; take it out";
        return Err(problem("a client_secret with white space in it", "a secret without white space", hint));
    }
    Ok(secret)
}

fn problem(found: impl Into<String>, expected: &'static str, hint: impl Into<String>) -> ConfigProblem {
    ConfigProblem::new(FIELD, found, expected, hint)
}
