//! A line at the end of a file that several programs may write.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::revocation::Revocation;

/// Appends an entry to a file of revocations, which must be there. Guards that watch the file use it within a second.
///
/// Several programs may do this at the same time. It waits until the line is on the disk.
///
/// # Errors
///
/// The file cannot be opened or written.
pub fn append_to_file(path: &Path, revocation: &Revocation) -> io::Result<()> {
    let mut file = File::options().read(true).append(true).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    lock(&file)?;
    // A last line that somebody has left without an end would be one with this.
    let start = if ends_within_a_line(&mut file)? { "\n" } else { "" };
    // In one piece, so that a reader sees all of it or nothing.
    file.write_all(format!("{start}{}\n", revocation.to_json()).as_bytes())?;
    file.sync_data()
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Waits until no other program appends to it. The lock goes with the file.
#[cfg(unix)]
fn lock(file: &File) -> io::Result<()> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::LockExclusive).map_err(Into::into)
}

#[cfg(not(unix))]
fn lock(_: &File) -> io::Result<()> {
    Ok(())
}
