//! The last good key sets in a file, so that a restart during an outage has keys.
//!
//! The file holds public keys only, but whoever can write it can forge tokens: it is written with mode
//! 0600, atomically, and one that another user owns, or that others may write, is not believed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::timing::within_bounds;
use crate::file::RegularFile;
use crate::jose::key_set::{KeySet, KeySetLimits};

/// A larger file is not ours.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// The form of the file; another one is not read.
const VERSION: u32 = 1;

/// A file with the last good key set of each issuer.
pub(crate) struct StateFile {
    path: PathBuf,
    records: Mutex<BTreeMap<String, Record>>,
}

/// A key set out of the file.
pub(super) struct SavedKeys {
    pub(super) keys: KeySet,
    pub(super) fetched_at: SystemTime,
    pub(super) life: Duration,
}

#[derive(Serialize, Deserialize)]
struct Content<R> {
    version: u32,
    issuers: R,
}

#[derive(Clone, Serialize, Deserialize)]
struct Record {
    /// Seconds since 1970.
    fetched_at: u64,
    /// Seconds.
    life: u64,
    /// The JWK Set, to the byte as it was fetched.
    jwks: String,
}

impl StateFile {
    /// Reads the file, if it is there. One that cannot be read or believed counts as empty, with a warning.
    pub(crate) fn open(path: &Path) -> Arc<Self> {
        let records = read(path).unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                let path = path.display();
                tracing::warn!(%path, %error, "the state file is not used; it is written anew at the next good fetch");
            }
            BTreeMap::new()
        });
        Arc::new(Self { path: path.to_owned(), records: Mutex::new(records) })
    }

    /// The saved keys of an issuer, judged like a set that was just fetched.
    pub(super) fn load(&self, issuer: &str, limits: KeySetLimits) -> Option<SavedKeys> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let record = records.get(issuer)?;
        let keys = KeySet::read(record.jwks.as_bytes(), limits).ok().filter(|keys| !keys.is_empty())?;
        let fetched_at = UNIX_EPOCH.checked_add(Duration::from_secs(record.fetched_at))?;
        // A set lives no longer for having been in a file.
        let life = within_bounds(Duration::from_secs(record.life));
        Some(SavedKeys { keys, fetched_at, life })
    }

    /// Saves a key set.
    pub(super) fn save(
        self: &Arc<Self>,
        issuer: &str,
        json: Vec<u8>,
        fetched_at: SystemTime,
        life: Duration,
    ) {
        let Ok(jwks) = String::from_utf8(json) else { return };
        let record = Record { fetched_at: unix(fetched_at), life: life.as_secs(), jwks };
        self.change(issuer, |slot| *slot = Some(record));
    }

    /// Saves that the issuer has confirmed the set that it gave before.
    pub(super) fn renew(self: &Arc<Self>, issuer: &str, fetched_at: SystemTime, life: Duration) {
        self.change(issuer, move |slot| {
            if let Some(record) = slot {
                (record.fetched_at, record.life) = (unix(fetched_at), life.as_secs());
            }
        });
    }

    /// Changes the record of an issuer and writes the file, off the async threads. A failure is a warning: the
    /// keys in memory are good.
    fn change(self: &Arc<Self>, issuer: &str, change: impl FnOnce(&mut Option<Record>) + Send + 'static) {
        let (this, issuer) = (Arc::clone(self), issuer.to_owned());
        let save = move || {
            let mut records = this.records.lock().unwrap_or_else(PoisonError::into_inner);
            let mut record = records.remove(&issuer);
            change(&mut record);
            records.extend(record.map(|record| (issuer, record)));
            // Written under the lock, so that an older state never replaces a newer one.
            if let Err(error) = write(&this.path, &records) {
                let path = this.path.display();
                tracing::warn!(%path, %error, "the state file cannot be written; a restart during an outage has no keys");
            }
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(save)),
            Err(_) => save(),
        }
    }
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn read(path: &Path) -> io::Result<BTreeMap<String, Record>> {
    let file = RegularFile::open(path)?.of_own_user_alone()?;
    let content: Content<BTreeMap<String, Record>> = serde_json::from_slice(&file.read(MAX_FILE_BYTES)?)?;
    if content.version == VERSION {
        Ok(content.issuers)
    } else {
        Err(io::Error::other("the file has another version"))
    }
}

/// Writes beside the file and renames, so that a reader sees the old state or the new one, never half of one.
fn write(path: &Path, records: &BTreeMap<String, Record>) -> io::Result<()> {
    let (beside, mut file) = create_beside(path)?;
    let written = (|| {
        serde_json::to_writer(&mut file, &Content { version: VERSION, issuers: records })?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// A new file in the same folder, under a name that nobody can guess and prepare: what is there already, be it
/// a link, is not opened.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let random = RandomState::new().build_hasher().finish();
    let beside = path.with_file_name(format!(".{}.{random:016x}.tmp", name.to_string_lossy()));
    let file = create_new(&beside)?;
    Ok((beside, file))
}

#[cfg(unix)]
fn create_new(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path) -> io::Result<File> {
    File::create_new(path)
}
