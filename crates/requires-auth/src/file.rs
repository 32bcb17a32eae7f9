//! Files that an operator names: opened once, and judged by what was opened.
//!
//! A pipe, a socket or a device is an error at once. Opening a pipe that nobody writes to would wait for
//! ever, and what is behind a path can change between a look at it and its use.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// Key sets and certificates that an operator gives may be this long.
pub(crate) const MAX_GIVEN_BYTES: u64 = 16 * 1024 * 1024;

/// A regular file that is open for reading.
#[derive(Debug)]
pub(crate) struct RegularFile {
    file: File,
    metadata: Metadata,
}

impl RegularFile {
    /// Opens a file, or what a symbolic link leads to; never waits for anybody.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = open_without_waiting(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        if !metadata.is_file() {
            let cause = "it is a pipe, a socket or a device, where a regular file is expected";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, cause));
        }
        Ok(Self { file, metadata })
    }

    /// Refuses a file that another user owns, or that others than its owner may write.
    #[cfg(unix)]
    pub(crate) fn of_own_user_alone(self) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let own_user = rustix::process::geteuid().as_raw();
        check_owner(self.metadata.uid(), own_user)?;
        check_mode(self.metadata.mode())?;
        Ok(self)
    }

    /// Refuses nothing: owner and mode mean nothing here.
    #[cfg(not(unix))]
    pub(crate) fn of_own_user_alone(self) -> io::Result<Self> {
        Ok(self)
    }

    /// The whole content, if it has at most `max_bytes`.
    pub(crate) fn read(self, max_bytes: u64) -> io::Result<Vec<u8>> {
        let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, TooLarge { max_bytes });
        if self.metadata.len() > max_bytes {
            return Err(too_large());
        }
        let mut content = Vec::new();
        // It may have grown since.
        self.file.take(max_bytes + 1).read_to_end(&mut content)?;
        if content.len() as u64 > max_bytes { Err(too_large()) } else { Ok(content) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it has more than {} KiB", max_bytes / 1024)]
struct TooLarge {
    max_bytes: u64,
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    // Without NONBLOCK, a pipe is not open before somebody writes; without NOCTTY, a terminal may become ours.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(unix)]
fn check_owner(owner: u32, own_user: u32) -> io::Result<()> {
    if owner == own_user { Ok(()) } else { Err(io::Error::other("another user owns the file")) }
}

#[cfg(unix)]
fn check_mode(mode: u32) -> io::Result<()> {
    let others_may_write = mode & 0o022 != 0;
    if others_may_write { Err(io::Error::other("others than its owner may write the file")) } else { Ok(()) }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// A folder of its own, gone at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("requires-auth-file-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).expect("a folder");
            Self(folder)
        }

        fn file(&self, content: &str) -> PathBuf {
            let path = self.0.join("file");
            fs::write(&path, content).expect("a file");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_regular_file_is_read_up_to_its_limit() {
        let folder = Folder::new("regular");
        let path = folder.file("12345");
        let read = |max_bytes| RegularFile::open(&path).and_then(|file| file.read(max_bytes));
        assert_eq!(read(5).expect("the content"), b"12345");
        assert_eq!(read(4).expect_err("too much").kind(), io::ErrorKind::FileTooLarge);
        let link = folder.0.join("link");
        symlink(&path, &link).expect("a link");
        assert!(RegularFile::open(&link).is_ok(), "mounted secrets are links");
        assert_eq!(
            RegularFile::open(&folder.0.join("none")).expect_err("nothing").kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn what_is_no_regular_file_is_an_error_at_once() {
        let folder = Folder::new("others");
        let pipe = folder.0.join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
        let link = folder.0.join("link");
        symlink(&pipe, &link).expect("a link");
        let socket = folder.0.join("socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        for path in [&pipe, &link, &socket, &folder.0, Path::new("/dev/null"), Path::new("/dev/zero")] {
            assert!(RegularFile::open(path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn only_a_file_of_our_own_that_nobody_else_may_write_is_ours_alone() {
        let folder = Folder::new("mode");
        let path = folder.file("");
        for (mode, is_ours) in [(0o600, true), (0o644, true), (0o620, false), (0o602, false), (0o666, false)]
        {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
            let file = RegularFile::open(&path).expect("a file");
            assert_eq!(file.of_own_user_alone().is_ok(), is_ours, "{mode:o}");
        }
        assert!(check_owner(1000, 1000).is_ok());
        assert!(
            check_owner(1000, 1001).is_err()
                && check_owner(0, 1000).is_err()
                && check_owner(1000, 0).is_err()
        );
    }
}
