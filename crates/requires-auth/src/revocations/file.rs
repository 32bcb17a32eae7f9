//! A file of revocations that is watched: an entry in each line, as JSON.
//!
//! The file is the whole truth about what is listed: a line that is taken out revokes nothing any more. One that cannot be read,
//! or in which a line is not an entry, changes nothing: what was read before stays in use, and the failure is logged.
//!
//! | what is seen | what comes of it |
//! | --- | --- |
//! | the same stamp, which is old enough to be trusted | nothing is read |
//! | another stamp, and more entries than before | they are in use at once |
//! | another stamp, and an entry is gone | it is looked at again, since the file may be half written; in use once it stands still |
//! | no file, or one that cannot be read | as before, and it is tried again each time |
//! | a broken line | as before, until the file changes |

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};
use std::{io, thread};

use super::stamp::Stamp;
use super::{Inner, RevokeError, append_to_file};
use crate::file::RegularFile;
use crate::jose::digest::sha256;
use crate::revocation::{Revocation, Set, read_lines};
use crate::telemetry;

/// How often the file is looked at.
const TICK: Duration = Duration::from_millis(250);

/// How often a file is looked at before content is used that takes something away and does not stand still.
const MOST_LOOKS: u8 = 3;

/// The room for each entry, with what may stand beside it.
const BYTES_PER_ENTRY: u64 = 1024;

/// Room for entries that have ended and were not taken out.
const BYTES_TO_SPARE: u64 = 16 * 1024 * 1024;

/// The file, and what is known of it.
pub(super) struct Listed {
    path: PathBuf,
    seen: Mutex<Seen>,
}

/// What the file was like when it was last read.
#[derive(Default)]
struct Seen {
    stamp: Option<Stamp>,
    /// Whether another stamp is needed to tell that it has changed.
    is_settled: bool,
    content: Option<Content>,
    /// Content that takes something away, and may be a part of a file that is being written; and how often such was seen.
    doubtful: Option<([u8; 32], u8)>,
    failure: Option<UnreadableRevocations>,
    /// Whether entries of the file are in use: nothing else stays in use where it cannot be read.
    is_in_use: bool,
}

/// What stood in the file, by its SHA-256, and whether it could be used.
struct Content {
    digest: [u8; 32],
    length: usize,
    verdict: Result<(), UnreadableRevocations>,
}

/// Why a file of revocations cannot be used. The text names a line at most, and nothing of what stands in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct UnreadableRevocations {
    cause: String,
    /// Whether the file itself could not be had, so that it is worth another try though it looks the same.
    is_unread: bool,
}

impl UnreadableRevocations {
    pub(super) fn of_io(error: &io::Error) -> Self {
        Self { cause: error.to_string(), is_unread: true }
    }

    fn of_content(cause: &impl ToString) -> Self {
        Self { cause: cause.to_string(), is_unread: false }
    }
}

/// Looks at the file until nobody uses its entries any more.
pub(super) fn watch(inner: Weak<Inner>) -> io::Result<()> {
    let look = move || {
        loop {
            thread::sleep(TICK);
            let Some(inner) = inner.upgrade() else { return };
            if let Some(listed) = &inner.listed {
                drop(listed.look(&inner, true));
            }
        }
    };
    thread::Builder::new().name("requires-auth-revocations".to_owned()).spawn(look).map(drop)
}

impl Listed {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, seen: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn failure(&self) -> Option<UnreadableRevocations> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }

    /// Reads the file if it has changed, or may have changed; tells what is wrong with it.
    ///
    /// Who `waits` does not use content that takes something away before it stands still from one look to the next: a part of a
    /// file that is being written would let tokens pass that are revoked. What is only longer than before is used at once.
    pub(super) fn look(&self, inner: &Inner, waits: bool) -> Option<UnreadableRevocations> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it is read: what is written from now on is a change.
        let stamp = Stamp::of(&self.path);
        if seen.is_settled && seen.stamp == stamp {
            return seen.failure.clone();
        }
        let before = seen.failure.take();
        seen.failure = match self.read(&mut seen, inner, waits) {
            Some(read) => read.err(),
            None => before.clone(),
        };
        let is_unread = seen.failure.as_ref().is_some_and(|failure| failure.is_unread);
        seen.is_settled = !is_unread
            && seen.doubtful.is_none()
            && stamp.is_some_and(|stamp| stamp.is_settled(SystemTime::now()));
        seen.stamp = stamp;
        // It is tried again four times a second, and told once.
        if let Some(error) = seen.failure.as_ref().filter(|error| before.as_ref() != Some(error)) {
            telemetry::revocations_read("failed");
            // At the start whoever builds the guard is told, which is not built.
            if seen.is_in_use {
                let path = self.path.display();
                tracing::error!(%path, %error, "the revocations cannot be read; those that were read before stay in use");
            }
        }
        seen.failure.clone()
    }

    /// Reads the file, and uses its entries unless it is what it was. `None` if it is to be looked at again first.
    fn read(&self, seen: &mut Seen, inner: &Inner, waits: bool) -> Option<Result<(), UnreadableRevocations>> {
        let most_bytes = BYTES_TO_SPARE.saturating_add(BYTES_PER_ENTRY.saturating_mul(inner.most as u64));
        let bytes = match RegularFile::open(&self.path).and_then(|file| file.read(most_bytes)) {
            Ok(bytes) => bytes,
            Err(error) => return Some(Err(UnreadableRevocations::of_io(&error))),
        };
        let digest = sha256(&bytes);
        let doubtful = seen.doubtful.take();
        if let Some(known) = &seen.content {
            if known.digest == digest {
                return Some(known.verdict.clone());
            }
            let goes_on = bytes.get(..known.length).is_some_and(|start| sha256(start) == known.digest);
            let (is_still, looks) = doubtful.map_or((false, 0), |(seen, looks)| (seen == digest, looks));
            if waits && !goes_on && !is_still && looks < MOST_LOOKS {
                seen.doubtful = Some((digest, looks + 1));
                return None;
            }
        }
        let verdict = self.use_entries(&bytes, inner);
        seen.is_in_use |= verdict.is_ok();
        seen.content = Some(Content { digest, length: bytes.len(), verdict: verdict.clone() });
        Some(verdict)
    }

    /// Puts the entries of the file in the place of those that were listed before.
    fn use_entries(&self, bytes: &[u8], inner: &Inner) -> Result<(), UnreadableRevocations> {
        let now = inner.clock.now().into();
        let mut set = Set::default();
        for line in read_lines(bytes) {
            let entry = line.map_err(|error| UnreadableRevocations::of_content(&error))?;
            let added = set.add(entry, &inner.seed, now, inner.most);
            added.map_err(|full| UnreadableRevocations::of_content(&full))?;
        }
        let entries = set.len();
        inner.change(|sets, _| {
            sets.listed = set;
            Ok::<_, UnreadableRevocations>(())
        })?;
        telemetry::revocations_read("ok");
        let path = self.path.display();
        tracing::info!(%path, entries, "revocations read");
        Ok(())
    }
}

impl Inner {
    /// Appends an entry to the file, and uses it at once.
    pub(super) fn append(
        &self,
        listed: &Listed,
        entry: &Revocation,
        now: SystemTime,
    ) -> Result<(), RevokeError> {
        // The file is not read meanwhile: what was read before the line was there would take it away again.
        let _not_read = listed.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(|sets, inner| {
            let added = sets.listed.add(entry.clone(), &inner.seed, now.into(), inner.most);
            added.map_err(|_| RevokeError::Full { most: inner.most })?;
            append_to_file(&listed.path, entry).map_err(RevokeError::NotKept)
        })
    }
}
