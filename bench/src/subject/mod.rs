//! What is measured: one wrapper per verifier, all with keys loaded before the clock runs.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use requires_auth_testkit::Algorithm;

use crate::fixture::{Keys, Token};

mod raw;
mod guard;
mod axum_jwt_auth;
mod jsonwebtoken;
mod jwt_authorizer;
mod oauth_resource_server;
mod tower_oauth2_resource_server;

pub(crate) use guard::remembering;
pub(crate) use raw::Sha256;

/// A verifier.
pub(crate) trait Subject: Send + Sync {
    /// Verifies each token once and returns how long that took; what is only preparation is not counted.
    ///
    /// # Panics
    ///
    /// When a token is refused: they are all good.
    fn pass(&self, tokens: &[Token]) -> Duration;

    /// How often a pass really verifies each token, if it is measured from outside.
    fn repeats(&self) -> usize {
        1
    }
}

/// A verifier, or why there is none.
pub(crate) type Made = Result<Box<dyn Subject>, String>;

/// What a wrapper is made of.
pub(crate) struct Setup<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) keys: &'a Keys,
    pub(crate) jwks: &'a str,
    /// Tokens that fill a cache; they are signed by the second key of the set.
    pub(crate) filling: &'a [Token],
}

/// A line of the table.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Its name in the JSON.
    pub(crate) id: &'static str,
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Makes the verifier; the error says why it cannot do this algorithm. It is called within a tokio runtime.
    pub(crate) make: fn(&Setup<'_>) -> Made,
}

/// The raw signature first, then this library, then the peers.
pub(crate) const ENTRIES: [Entry; 10] = [
    Entry { id: "raw", name: "aws-lc-rs, the signature alone", make: raw::make },
    Entry { id: "cold", name: "requires-auth, cache off", make: guard::cold },
    Entry { id: "first_sight", name: "requires-auth, first sight", make: guard::first_sight },
    Entry {
        id: "first_sight_full",
        name: "requires-auth, first sight, cache full",
        make: guard::first_sight_full,
    },
    Entry { id: "warm", name: "requires-auth, seen before", make: guard::warm },
    Entry { id: "jsonwebtoken", name: "jsonwebtoken 11 (aws-lc-rs)", make: jsonwebtoken::make },
    Entry { id: "jwt_authorizer", name: "jwt-authorizer 0.15", make: jwt_authorizer::make },
    Entry {
        id: "tower_oauth2_resource_server",
        name: "tower-oauth2-resource-server 0.12",
        make: tower_oauth2_resource_server::make,
    },
    Entry {
        id: "oauth_resource_server",
        name: "oauth-resource-server 0.4",
        make: oauth_resource_server::make,
    },
    Entry { id: "axum_jwt_auth", name: "axum-jwt-auth 0.7 (aws-lc-rs)", make: axum_jwt_auth::make },
];

/// The output of a future that has nothing to wait for, as the keys are there.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
        // Another thread holds a lock of the peer.
        std::thread::yield_now();
    }
}
