//! Which proofs of possession were used before: a copied request is refused the second time (RFC 9449 §11.1).
//!
//! A guard asks its [`ReplayStore`] last of all, when everything else about a request is good: nothing is recorded for a
//! request that is refused. A proof is known by its [`ReplayKey`] and is remembered until it could no longer be accepted
//! anyway. Where the store cannot tell, the request is refused with 503, never allowed.
//!
//! Times are seconds since 1970, as in `iat` of a proof.
//!
//! | store | for | what it costs |
//! | --- | --- | --- |
//! | [`MemoryReplay`] | one instance; the default | about 25 bytes for each proof, and no wait |
//! | Redis or Valkey, by `with_shared_state` | several instances | one round trip for each request with a proof |
//! | one of your own | another server that instances share | what that server costs |
//!
//! # A store of your own
//!
//! It has to do one thing that cannot be taken apart: to record a use, and to say whether it was recorded before. A look-up that is
//! followed by a write lets two copies pass that come at the same time. Databases have a command for it: `INSERT .. ON CONFLICT DO
//! NOTHING` says by its count of rows which of two was first, as `SET .. NX` does in Redis.
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Mutex;
//!
//! use requires_auth::replay::{ReplayKey, ReplayStore, Use, UseFuture};
//!
//! /// Keeps what ends later than now. A real one keeps it elsewhere, for all instances.
//! #[derive(Default)]
//! struct Table(Mutex<HashMap<[u8; 16], u64>>);
//!
//! impl ReplayStore for Table {
//!     fn first_use_now(&self, key: &ReplayKey, until: u64, now: u64) -> Option<Use> {
//!         let mut used = self.0.lock().ok()?;
//!         used.retain(|_, until| *until >= now);
//!         Some(match used.insert(key.id, until) {
//!             None => Use::First,
//!             Some(_) => Use::Again,
//!         })
//!     }
//!
//!     /// Is only asked where `first_use_now` has no answer.
//!     fn first_use(&self, _key: ReplayKey, _until: u64) -> UseFuture<'_> {
//!         Box::pin(async { Use::Unavailable })
//!     }
//! }
//!
//! let (table, key) = (Table::default(), ReplayKey { id: [1; 16], share: [2; 16] });
//! assert_eq!(table.first_use_now(&key, 65, 0), Some(Use::First));
//! assert_eq!(table.first_use_now(&key, 65, 1), Some(Use::Again));
//! ```
//!
//! A store that waits answers `None` at once, and does its work in [`first_use`](ReplayStore::first_use). Three rules hold for it:
//!
//! 1. It ends within a bounded time, such as 150 ms, whatever its server does.
//! 2. It asks once. If an answer is lost, nobody can say whether the use was recorded: that is [`Use::Unavailable`], and the client
//!    makes another proof. A second question would find its own record, and call an honest client a thief.
//! 3. It forgets nothing before `until`. A server that drops entries when its memory is full lets copies pass.
//!
//! # What a guard answers
//!
//! | the store says | the request |
//! | --- | --- |
//! | [`Use::First`] | passes |
//! | [`Use::Again`] | 401 `invalid_dpop_proof` with the reason `proof_reused` |
//! | [`Use::Full`], [`Use::Unavailable`] | 503 `auth.state_unavailable` with `Retry-After` |
//! | [`Use::OverShare`] | 429 `auth.too_many_proofs`, for this client alone |

use std::future::Future;
use std::pin::Pin;

mod table;
mod forgotten;
mod share_counts;
mod shard;
mod memory;
#[cfg(feature = "redis")]
mod shares;

pub use memory::MemoryReplay;
#[cfg(feature = "redis")]
pub(crate) use shares::Shares;

/// Remembers the first use of each proof. Several threads ask it at the same time, and of two that ask about the same
/// proof only one may get [`Use::First`].
pub trait ReplayStore: Send + Sync + 'static {
    /// Records the use of a proof and says whether it was the first, without waiting. `until` is the last second in which
    /// the proof could be accepted, and `now` the time of the guard.
    ///
    /// `None` means that nothing is recorded yet and that the answer takes a wait, as that of a store in the network does:
    /// the guard then calls [`first_use`](Self::first_use). It must not block.
    fn first_use_now(&self, key: &ReplayKey, until: u64, now: u64) -> Option<Use>;

    /// Records the use of a proof and says whether it was the first. `until` is the last second in which the proof could
    /// be accepted.
    ///
    /// The future ends within a bounded time. If it cannot know whether the use was recorded it answers
    /// [`Use::Unavailable`]: it must not ask a second time, since its own record would look like a replay.
    fn first_use(&self, key: ReplayKey, until: u64) -> UseFuture<'_>;

    /// Says whether the use of a proof is recorded, and records nothing: [`Use::Again`], or [`Use::First`] if it is not. A
    /// guard asks it about a [trial](crate::Request::as_trial) alone, which passes nothing on.
    ///
    /// By default it answers [`Use::First`], so that a copied request is told to try again instead of why it was refused.
    fn look_up(&self, _key: ReplayKey, _until: u64) -> UseFuture<'_> {
        Box::pin(std::future::ready(Use::First))
    }
}

/// What [`ReplayStore::first_use`] returns.
pub type UseFuture<'a> = Pin<Box<dyn Future<Output = Use> + Send + 'a>>;

/// By what a proof is known, and to whose share of the store it counts. Both are the first 16 bytes of a SHA-256, so a
/// store learns nothing of the token or the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is these two names, and a store reads both")]
pub struct ReplayKey {
    /// The guard's namespace, the thumbprint of the proof's key, the URL by the guard's own reckoning, and the `jti`: each
    /// with its length in front. Neither the signature, which its holder can change without breaking it, nor the `jti`
    /// alone, by which one client could block another.
    pub id: [u8; 16],
    /// The issuer, the client (or the subject, where there is no client) and the thumbprint of the proof's key: each with
    /// its length in front.
    pub share: [u8; 16],
}

/// What a store says about the use of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a guard has an answer to each")]
pub enum Use {
    /// The first: it is recorded now, and the request may pass.
    First,
    /// The proof was used before. The request is refused with 401 and the reason `proof_reused`.
    Again,
    /// The store has no room for another proof. The request is refused with 503 and `Retry-After`.
    Full,
    /// This client has used up its share of the store. The request is refused with 429; those of others pass.
    OverShare,
    /// Whether it was the first cannot be known. The request is refused with 503.
    Unavailable,
}
