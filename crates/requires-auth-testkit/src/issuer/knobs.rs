//! What a test can switch while the issuer runs: delays, failures and lies, for each endpoint.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::{Algorithm, SigningKey};

/// The key that fills up key sets; one for all, so that a set and its entity tag stay the same.
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256));

/// An endpoint that has switches and a counter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `{issuer}/authorize` (RFC 6749 §3.1).
    Authorization,
    /// `{issuer}/.well-known/openid-configuration`.
    Discovery,
    /// `{issuer}/token/introspection` (RFC 7662).
    Introspection,
    /// `{issuer}/jwks`.
    Jwks,
    /// `/.well-known/oauth-authorization-server{path}` (RFC 8414).
    OAuthMetadata,
    /// `{issuer}/register` (RFC 7591).
    Registration,
    /// `{issuer}/token`, both the `POST` of OAuth and the one-line `GET`.
    Token,
}

impl Endpoint {
    /// Every endpoint, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Authorization,
        Self::Discovery,
        Self::Introspection,
        Self::Jwks,
        Self::OAuthMetadata,
        Self::Registration,
        Self::Token,
    ];
}

/// Which of the two metadata documents the issuer has; the other one answers 404.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Discovery {
    /// Both documents (the default).
    #[default]
    Both,
    /// Only the document of RFC 8414.
    OAuth,
    /// Only the document of OIDC Discovery.
    OpenId,
}

/// A wrong answer that an endpoint gives instead of, or as part of, the right one: what a test of a client turns on with
/// [`DevelopmentIssuer::lie`](super::DevelopmentIssuer::lie). Real providers, and the proxies in front of them, have given
/// each of these answers.
///
/// A lie that has no meaning for what an endpoint answers, like a wrong issuer in a key set,
/// changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lie {
    /// A key set without a key.
    EmptyKeySet,
    /// Status 200 and a JSON content type, but a body that is not JSON.
    Garbage,
    /// Status, headers and a length, and then not one byte of the body.
    Hang,
    /// Status 200 and a page of HTML, as a captive portal answers.
    Html,
    /// Metadata that names another `jwks_uri`.
    JwksUri(String),
    /// A key set filled up with usable strangers to at least so many keys.
    ManyKeys(usize),
    /// The truth (the default).
    #[default]
    Nothing,
    /// The right document with one more member that makes it longer than so many bytes.
    Oversized(usize),
    /// Status 302 to another URL.
    Redirect(String),
    /// The right answer, whose body arrives one byte a second.
    Trickle,
    /// Metadata, an introspection answer or the answer of a login (RFC 9207) that names another issuer.
    WrongIssuer(String),
}

impl Lie {
    /// Bends the document that an endpoint is about to answer.
    pub(super) fn bend(&self, document: &mut Value) {
        let Some(members) = document.as_object_mut() else { return };
        let mut replace = |name: &str, value: Value| {
            if let Some(member) = members.get_mut(name) {
                *member = value;
            }
        };
        match self {
            Self::EmptyKeySet => replace("keys", json!([])),
            Self::JwksUri(url) => replace("jwks_uri", json!(url)),
            Self::ManyKeys(count) => {
                if let Some(Value::Array(keys)) = members.get_mut("keys") {
                    let named = |index| STRANGER.clone().with_kid(format!("stranger-{index}")).public_jwk();
                    keys.extend((keys.len()..*count).map(named));
                }
            }
            Self::Oversized(bytes) => {
                members.insert("padding".to_owned(), json!("x".repeat(*bytes)));
            }
            Self::WrongIssuer(issuer) => {
                replace("issuer", json!(issuer));
                replace("iss", json!(issuer));
            }
            Self::Garbage | Self::Hang | Self::Html | Self::Nothing | Self::Redirect(_) | Self::Trickle => {}
        }
    }
}

/// How one endpoint behaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Behavior {
    /// How long a request waits before anything is answered.
    pub(super) delay: Duration,
    /// The status that is answered instead of everything else.
    pub(super) failure: Option<u16>,
    /// What is not true in the answer.
    pub(super) lie: Lie,
}

/// The switches and counters of all endpoints, and the header of the key set.
#[derive(Debug, Default)]
pub(super) struct Knobs {
    positions: Mutex<Positions>,
}

#[derive(Debug, Default)]
struct Positions {
    behaviors: [Behavior; Endpoint::ALL.len()],
    requests: [u64; Endpoint::ALL.len()],
    cache_control: Option<String>,
}

impl Knobs {
    /// Counts a request and tells how it is to be answered.
    pub(super) fn arrive(&self, endpoint: Endpoint) -> Behavior {
        let mut positions = self.positions();
        positions.requests[endpoint as usize] += 1;
        positions.behaviors[endpoint as usize].clone()
    }

    /// Changes how an endpoint behaves from the next request on.
    pub(super) fn turn(&self, endpoint: Endpoint, change: impl FnOnce(&mut Behavior)) {
        change(&mut self.positions().behaviors[endpoint as usize]);
    }

    pub(super) fn requests(&self, endpoint: Endpoint) -> u64 {
        self.positions().requests[endpoint as usize]
    }

    pub(super) fn reset_requests(&self) {
        self.positions().requests = Default::default();
    }

    pub(super) fn cache_control(&self) -> Option<String> {
        self.positions().cache_control.clone()
    }

    pub(super) fn set_cache_control(&self, value: Option<&str>) {
        self.positions().cache_control = value.map(str::to_owned);
    }

    /// A panic while the lock was held cannot leave half a change behind, so poison is ignored.
    fn positions(&self) -> MutexGuard<'_, Positions> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
