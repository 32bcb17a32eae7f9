//! The credentials of the client, read from where the settings say, and checked.

use super::client::{Client, Method};
use super::secret_key::PrivateKey;
use crate::error::ConfigProblem;
use crate::secret_places::SecretPlaces;
use crate::settings::introspection as members;
use crate::settings::{Secret, Table, variable_of};

/// The setting that the problems are told of.
const FIELD: &str = "introspection";

const SECRET: SecretPlaces = SecretPlaces {
    field: FIELD,
    what: "client_secret",
    itself: members::CLIENT_SECRET,
    variable: members::CLIENT_SECRET_ENV,
    file: members::CLIENT_SECRET_FILE,
};

const PRIVATE_KEY: SecretPlaces = SecretPlaces {
    field: FIELD,
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
    let (secret, key) = (SECRET.read(table)?, PRIVATE_KEY.read(table)?);
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
