//! The clients that the issuer knows, and how each says who it is.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::assertion::UsedAssertions;
use super::random::{Fingerprint, fingerprint};
use crate::keys::VerifyingKey;

/// A client, with what it may do.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) credential: Credential,
}

/// How a client says who it is (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// Any secret, and none: the client is not known, and the issuer knows no clients.
    Anything,
    /// A secret, in the header or the body.
    Secret(Fingerprint),
    /// The signature of a key: `private_key_jwt`.
    Keys(Vec<VerifyingKey>),
}

/// The known clients; without any, every client id is accepted and its secret ignored.
#[derive(Default)]
pub(super) struct Clients {
    configured: Vec<Client>,
    assertions: Mutex<UsedAssertions>,
}

impl Clients {
    /// Knows a client with a secret.
    pub(super) fn add_secret(&mut self, id: String, secret: &str) {
        self.configured.push(Client { id, credential: Credential::Secret(fingerprint(secret)) });
    }

    /// Knows a client with a key.
    pub(super) fn add_key(&mut self, id: String, key: VerifyingKey) {
        self.configured.push(Client { id, credential: Credential::Keys(vec![key]) });
    }

    /// The clients of this id: several if it has several credentials, and any client at all where none is configured.
    pub(super) fn named(&self, id: &str) -> Vec<Client> {
        if self.configured.is_empty() {
            return vec![Client { id: id.to_owned(), credential: Credential::Anything }];
        }
        self.configured.iter().filter(|client| client.id == id).cloned().collect()
    }

    /// The assertions that have been shown. Nothing that holds the lock panics or waits, so poison is ignored.
    pub(super) fn assertions(&self) -> MutexGuard<'_, UsedAssertions> {
        self.assertions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
