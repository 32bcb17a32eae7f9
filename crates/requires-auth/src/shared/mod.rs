//! What the instances of one API have to know of each other, in Redis or Valkey: which proofs were used before, and what is
//! revoked.
//!
//! A server is given with [`SharedState`], to [`Builder::with_shared_state`](crate::guard::Builder::with_shared_state), in a
//! file as `shared_state = "rediss://..."`. Nothing connects before the first need, so that a server starts while Redis is
//! down, and a process that forks has no connection yet; with [`SharedState::with_revocations`], a guard connects when it is
//! built.
//!
//! # What is kept
//!
//! | key | what | how long |
//! | --- | --- | --- |
//! | `ra:NAMESPACE:j:` and 22 characters | a proof was used: a number made of it by SHA-256 | until it cannot be accepted any more, and 30 seconds |
//! | `ra:NAMESPACE:rev` | revocations, with [`SharedState::with_revocations`]: a stream | 90 days |
//!
//! No token and no proof is kept, nor anything that they could be guessed from.
//!
//! # What goes wrong, and how it ends
//!
//! | Redis | requests that need it |
//! | --- | --- |
//! | does not answer in time, or cannot be reached | 503 `auth.state_unavailable`; with [`SharedState::or_memory`], each instance goes by what it has seen itself |
//! | has no memory left and evicts nothing (`noeviction`) | 503 |
//! | does not answer for longer than [`SharedState::with_max_lag`] | with revocations: 503 for every request. Until then, what was revoked before is refused |
//! | evicts keys (`allkeys-lru` and others) | a copied request could pass: a warning in the log and in [`SharedHealth`] |
//! | fails over to a replica | writes of the last moments may be lost, as replication does not wait: nonces keep a copied proof from being used later |
//! | starts again, and may have lost what it knew | proofs from before its start: 503. Those that are signed afterwards pass |
//! | is used by instances whose clocks differ | nothing is different, up to 30 seconds |
//!
//! A command that may have been executed is never sent a second time, since its own record would look like a copy.
//!
//! # Setting up the server
//!
//! - Redis from 6.2 on, or Valkey, with `maxmemory-policy noeviction`: another policy forgets proofs before their time.
//! - `appendonly yes` where revocations are kept there. Used proofs need nothing on disk.
//! - A user of its own may have `+set +xadd +xrange +xread +info +client +select ~ra:*`, and `+cluster` in a cluster.
//! - About 100 bytes for each proof, for a minute and a half: 1,000 requests a second with proofs are 10 MB.
//!
//! # Example
//!
//! ```
//! use requires_auth::RequiresAuth;
//! use requires_auth::dpop::Dpop;
//! use requires_auth::shared::SharedState;
//!
//! let redis = SharedState::at("redis://127.0.0.1:6379").with_namespace("orders");
//! let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
//!     .with_public_url("https://api.example.com")
//!     .with_dpop(Dpop::required())
//!     .with_shared_state(redis)
//!     .build()?;
//! // Nothing has connected yet.
//! # let _ = auth;
//! # Ok::<(), requires_auth::ConfigError>(())
//! ```
//!
//! A gateway and an application behind it that both check proofs have different namespaces, or the second takes each proof for a copy.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::revocations::Revocations;

mod tls;
mod info;
mod health;
mod target;
mod options;
mod state;
mod link;
mod replay;
mod stream;

pub use health::{SharedHealth, SharedStatus};
pub(crate) use link::Link;
pub(crate) use options::Options;
pub use replay::RedisReplay;
use replay::Seen;
pub use state::SharedState;
use stream::Stream;

/// The server that instances share, as a guard uses it.
pub(crate) struct Shared {
    options: Options,
    link: Arc<Link>,
    clock: Arc<dyn Clock>,
    seen: Arc<Seen>,
}

impl Shared {
    pub(crate) fn new(options: Options, clock: Arc<dyn Clock>) -> Self {
        let link = Arc::new(Link::new(options.target.clone(), options.timeout));
        let seen = Arc::new(Seen::new(&options));
        Self { options, link, clock, seen }
    }

    /// Used proofs that all instances know.
    pub(crate) fn replay(&self) -> RedisReplay {
        let (link, seen) = (Arc::clone(&self.link), Arc::clone(&self.seen));
        RedisReplay::new(link, &self.options, seen, Arc::clone(&self.clock))
    }

    /// Connects, if there is no connection. That it cannot is logged.
    pub(crate) async fn warm(&self) {
        self.link.warm().await;
    }

    /// Lets these revocations be those of all instances, where that is chosen.
    pub(crate) fn follow(&self, revocations: &Revocations) {
        if self.options.has_revocations {
            Stream::follow(revocations, &self.options, Arc::clone(&self.clock));
        }
    }

    /// Whether revocations are told to all instances.
    pub(crate) const fn has_revocations(&self) -> bool {
        self.options.has_revocations
    }

    pub(crate) fn health(&self) -> SharedHealth {
        self.link.health()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).finish_non_exhaustive()
    }
}
