//! The revocations that are in use, shared by the guards of a server, and where they come from: a file, and whoever adds one.
//!
//! | where from | how | in effect |
//! | --- | --- | --- |
//! | a file | the setting `revocations` | within a second after the file has changed |
//! | the application | [`RequiresAuth::revoke`](crate::RequiresAuth::revoke), [`Revocations::add`] | at once here, and within a second for others with the same file |
//! | an operator | `requires-auth revoke`, or `POST /revocations` of the gateway | as for the file |
//! | another instance | `shared_state` with `revocations = true` | within a second everywhere |
//!
//! # What can go wrong
//!
//! - The file is not there at start, or has a broken line: the guard is not built. A wrong name would revoke nothing.
//! - The file cannot be read later, or has a broken line then: what was read before stays in use, and an error is logged. Health has it
//!   ([`Health::revocations`](crate::guard::Health::revocations)), and so has the metric `requires_auth_revocation_reads_total`.
//! - There is no room: the new entry is refused, and the caller is told. None is dropped for it.
//! - The entry cannot be written, or cannot be told to the other instances: the caller is told, with what has happened until then.
//!
//! Every use of a token looks here after its times, so that a remembered token is refused as well. A connection that is open is not
//! closed: ask [`RequiresAuth::check`](crate::RequiresAuth::check) before each of its steps.

use std::fmt;
use std::hash::RandomState;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use crate::clock::{Clock, SystemClock};
use crate::revocation::{InvalidRevocation, Revocation, Seed, Sets};
use crate::telemetry;

mod file;
mod stamp;
mod write;

use file::Listed;
pub use file::UnreadableRevocations;
pub use write::append_to_file;

/// The revocations of a server. A clone is the same set, and so is that of every guard that was given it.
///
/// A guard has one by the setting `revocations`, which names a file. For an application with a feed of its own, such as a table
/// of a database, there is [`in_memory`](Self::in_memory):
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use std::time::{Duration, SystemTime};
///
/// use requires_auth::revocation::Revocation;
/// use requires_auth::revocations::Revocations;
/// use requires_auth::{Policy, Reason, RequiresAuth};
///
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// let revocations = Revocations::in_memory(10_000);
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_revocations_in(&revocations)
/// #   .with_jwks(jwks)
///     .build()?;
/// let token = forge.token().claim("sid", "s-17").mint();
/// assert!(auth.verify_now(&token, &Policy::default()).expect("the keys are there").is_ok());
///
/// let now = SystemTime::now();
/// revocations.add(&Revocation::of_session("s-17", now + Duration::from_secs(3600)), now)?;
/// let denial = auth.verify_now(&token, &Policy::default()).expect("the keys are there").unwrap_err();
/// assert_eq!(denial.reason(), Some(Reason::Revoked));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Revocations {
    inner: Arc<Inner>,
}

/// What tokens are looked up by: the same in every set, so that the token of one guard may be looked up in that of another.
static SEED: LazyLock<Seed> = LazyLock::new(|| Seed::new(RandomState::new()));

/// Another number each time.
fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(Sets::NO_VERSION + 1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

struct Inner {
    seed: Seed,
    /// How many entries a file may have, and how many may come in other ways.
    most: usize,
    sets: ArcSwap<Sets>,
    /// Held by whoever makes another set of the one in use.
    writing: Mutex<()>,
    listed: Option<Listed>,
    clock: Arc<dyn Clock>,
    feed: OnceLock<Arc<dyn Feed>>,
}

/// Where revocations are told to all instances, and come from.
pub(crate) trait Feed: Send + Sync {
    /// Tells an entry to all instances, and waits until that is done.
    fn publish(&self, entry: &Revocation) -> Result<(), String>;

    /// Whether what others have revoked is known.
    fn is_current(&self) -> bool;
}

/// Why a revocation is not in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The guard is told of no revocations: its setting `revocations` names no file.
    #[error("the guard has no revocations: name a file for them in the setting `revocations`")]
    Off,
    /// It cannot be one.
    #[error(transparent)]
    Invalid(#[from] InvalidRevocation),
    /// There is no room for it. None of those that are there is dropped for another.
    #[error("there are {most} revocations already, and there is room for no more: raise `max_revocations`")]
    Full {
        /// How many there may be.
        most: usize,
    },
    /// The file could not be written, so that nothing was revoked.
    #[error("nothing was revoked, as the file of revocations cannot be written: {0}")]
    NotKept(io::Error),
    /// It is in use here, and could not be told to the other instances. To revoke it again does no harm.
    #[error("it is revoked here, and could not be told to the other instances: {0}")]
    NotShared(String),
    /// The token has no `jti`. Its subject, its session and its client can be revoked.
    #[error("the token has no `jti` by which it could be revoked alone: revoke its subject or its session")]
    NoTokenId,
}

impl Revocations {
    /// No revocations yet, and room for this many. They are gone when the process ends, and no other process knows them.
    pub fn in_memory(most: usize) -> Self {
        Self::new(most, None, Arc::new(SystemClock))
    }

    /// None yet, for a guard that is told of them by the server that instances share.
    pub(crate) fn of_server(most: usize, clock: Arc<dyn Clock>) -> Self {
        Self::new(most, None, clock)
    }

    /// Whether they come from such a server alone, with the same room.
    pub(crate) fn are_of_server(&self, most: usize) -> bool {
        self.inner.most == most && self.inner.listed.is_none() && self.inner.feed.get().is_some()
    }

    /// Those of a file, which is read now, and anew whenever it changes.
    pub(crate) fn of_file(
        path: &Path,
        most: usize,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, UnreadableRevocations> {
        let revocations = Self::new(most, Some(Listed::new(path.to_owned())), clock);
        revocations.read_file_again().map_or(Ok(()), Err)?;
        file::watch(Arc::downgrade(&revocations.inner))
            .map_err(|error| UnreadableRevocations::of_io(&error))?;
        Ok(revocations)
    }

    fn new(most: usize, listed: Option<Listed>, clock: Arc<dyn Clock>) -> Self {
        let inner = Inner {
            seed: SEED.clone(),
            most,
            sets: ArcSwap::from_pointee(Sets::new(next_version())),
            writing: Mutex::default(),
            listed,
            clock,
            feed: OnceLock::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Refuses what an entry is for from now on, in every guard that has this set. Where there is a file, it is appended to it
    /// first, for the next start and for other processes; so this writes to a disk, and waits for that.
    ///
    /// # Errors
    ///
    /// The entry cannot be one, there is no room for it, or the file cannot be written: nothing was revoked then. Or it could
    /// not be told to the other instances: it is revoked here ([`RevokeError::NotShared`]).
    pub fn add(&self, revocation: &Revocation, now: SystemTime) -> Result<(), RevokeError> {
        revocation.check()?;
        match &self.inner.listed {
            Some(listed) => self.inner.append(listed, revocation, now)?,
            None => self.receive([revocation.clone()], now)?,
        }
        self.inner.feed.get().map_or(Ok(()), |feed| feed.publish(revocation)).map_err(RevokeError::NotShared)
    }

    /// Whether what is revoked is known: not where it comes from a server that has not answered for a while.
    pub(crate) fn are_current(&self) -> bool {
        self.inner.feed.get().is_none_or(|feed| feed.is_current())
    }

    /// Lets entries come from there, and go there. `false`, and nothing is changed, where there is a feed already.
    #[cfg(feature = "redis")]
    pub(crate) fn feed_from(&self, feed: Arc<dyn Feed>) -> bool {
        self.inner.feed.set(feed).is_ok()
    }

    #[cfg(feature = "redis")]
    pub(crate) fn downgrade(&self) -> WeakRevocations {
        WeakRevocations(Arc::downgrade(&self.inner))
    }

    /// Uses entries that another process has revoked, and that are kept elsewhere. Either all of them are in use then, or none.
    ///
    /// # Errors
    ///
    /// One cannot be an entry, or there is no room for it.
    pub(crate) fn receive(
        &self,
        revocations: impl IntoIterator<Item = Revocation>,
        now: SystemTime,
    ) -> Result<(), RevokeError> {
        self.inner.change(|sets, inner| {
            for revocation in revocations {
                revocation.check()?;
                let added = sets.added.add(revocation, &inner.seed, now.into(), inner.most);
                added.map_err(|_| RevokeError::Full { most: inner.most })?;
            }
            Ok(())
        })
    }

    /// The entries, in no order. Some may have ended.
    pub fn list(&self) -> Vec<Revocation> {
        self.sets().iter().cloned().collect()
    }

    /// How many entries there are; some may have ended.
    pub fn len(&self) -> usize {
        self.sets().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file, if they have one.
    pub fn file(&self) -> Option<&Path> {
        self.inner.listed.as_ref().map(Listed::path)
    }

    /// Why the file could not be read when it was last tried; `None` if it could. The entries that were read before stay in use.
    pub fn failure(&self) -> Option<UnreadableRevocations> {
        self.inner.listed.as_ref()?.failure()
    }

    /// Looks at the file now, and reads it if it has changed. There is no need to: it is looked at four times a second.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line of it is not an entry. The entries that were read before stay in use.
    pub fn refresh(&self) -> Result<(), UnreadableRevocations> {
        self.read_file_again().map_or(Ok(()), Err)
    }

    fn read_file_again(&self) -> Option<UnreadableRevocations> {
        self.inner.listed.as_ref()?.look(&self.inner, false)
    }

    /// The entries of this moment.
    pub(crate) fn sets(&self) -> arc_swap::Guard<Arc<Sets>> {
        self.inner.sets.load()
    }

    /// What tokens are looked up by.
    pub(crate) fn seed(&self) -> Seed {
        self.inner.seed.clone()
    }

    /// Whether they are those of this file, with the same room.
    pub(crate) fn are_of(&self, path: &Path, most: usize) -> bool {
        self.inner.most == most && self.file() == Some(path)
    }
}

/// Revocations that somebody else keeps.
#[cfg(feature = "redis")]
pub(crate) struct WeakRevocations(std::sync::Weak<Inner>);

#[cfg(feature = "redis")]
impl WeakRevocations {
    /// The revocations, if anybody needs them yet.
    pub(crate) fn upgrade(&self) -> Option<Revocations> {
        self.0.upgrade().map(|inner| Revocations { inner })
    }
}

impl Inner {
    /// Puts a changed copy of the sets in their place, unless the change fails.
    fn change<E>(&self, change: impl FnOnce(&mut Sets, &Self) -> Result<(), E>) -> Result<(), E> {
        let _only_one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sets = Sets::clone(&self.sets.load());
        change(&mut sets, self)?;
        sets.version = next_version();
        telemetry::revocations(sets.len());
        self.sets.store(Arc::new(sets));
        Ok(())
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations")
            .field("len", &self.len())
            .field("file", &self.file())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
