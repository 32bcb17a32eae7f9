//! Where connections come in, and how many there may be at a time.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use requires_auth::config::gateway::{ForwardAuthConfig, Listen};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::error::Failure;

/// How many connections the gateway has at most, if the system allows that many files.
const MOST_CONNECTIONS: usize = 10_000;

/// After how long a connection on which nothing is said is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// Files that are no connections of clients: listeners, key fetches, the admin page, the standard streams.
const OTHER_FILES: usize = 64;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Address(IpAddr),
    /// Who may open the socket is a matter of the file's permissions.
    UnixSocket,
}

impl Peer {
    pub(crate) fn is_trusted_by(self, config: &ForwardAuthConfig) -> bool {
        match self {
            Self::Address(address) => config.trusts(address),
            Self::UnixSocket => true,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::UnixSocket => f.write_str("unix socket"),
        }
    }
}

/// A connection of whatever kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A place that connections come in at.
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, PathBuf),
}

impl Listener {
    pub(crate) async fn bind(place: &Listen) -> Result<Self, Failure> {
        let failed = |name: String, error: io::Error| {
            Failure::new(format!("cannot listen on {name}: {error}")).hint("is another gateway running?")
        };
        match place {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await;
                listener.map(Self::Tcp).map_err(|error| failed(address.to_string(), error))
            }
            #[cfg(unix)]
            Listen::Unix(path) => {
                // A socket that a process left behind refuses connections; one that is in use is left alone.
                if std::os::unix::net::UnixStream::connect(path)
                    .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
                {
                    std::fs::remove_file(path).ok();
                }
                let listener = tokio::net::UnixListener::bind(path);
                listener
                    .map(|listener| Self::Unix(listener, path.clone()))
                    .map_err(|error| failed(path.display().to_string(), error))
            }
            #[cfg(not(unix))]
            Listen::Unix(_) => Err(Failure::new("unix sockets are not there on this system")),
        }
    }

    /// Where it listens, for people and for scripts.
    pub(crate) fn name(&self, scheme: &str) -> String {
        match self {
            Self::Tcp(listener) => {
                let address: Option<SocketAddr> = listener.local_addr().ok();
                address.map_or_else(String::new, |address| format!("{scheme}://{address}"))
            }
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // An answer is one small write: there is nothing to wait for.
                stream.set_nodelay(true).ok();
                // Whoever is gone without a word is found out, also where nobody says anything.
                let probes = TcpKeepalive::new().with_time(SILENCE);
                SockRef::from(&stream).set_tcp_keepalive(&probes).ok();
                Ok((Box::new(stream), Peer::Address(address.ip())))
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => Ok((Box::new(listener.accept().await?.0), Peer::UnixSocket)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Self::Unix(_, path) = self {
            std::fs::remove_file(path).ok();
        }
    }
}

/// How many connections may be open at a time. Those beyond wait in the queue of the system, so that a flood takes
/// neither the files that keys are fetched with nor those of the admin page.
pub(crate) struct Room {
    permits: Arc<Semaphore>,
    most: usize,
    is_full: AtomicBool,
}

impl Room {
    pub(crate) fn new(most: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(most)), most, is_full: AtomicBool::new(false) }
    }

    /// As much as the limit of open files leaves. A connection of the reverse proxy takes two.
    pub(crate) fn of_process() -> Self {
        let files = open_files().unwrap_or(usize::MAX);
        Self::new((files.saturating_sub(OTHER_FILES) / 2).clamp(16, MOST_CONNECTIONS))
    }

    /// Waits for room for one more connection.
    pub(crate) async fn one(&self) -> Option<Seat> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            self.is_full.store(false, Ordering::Relaxed);
            return Some(Seat { _permit: Arc::new(permit) });
        }
        // Said once, and not for each connection of a flood.
        if !self.is_full.swap(true, Ordering::Relaxed) {
            warn!(most = self.most, "as many connections as there may be are open; the next one waits");
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some(Seat { _permit: Arc::new(permit) })
    }
}

/// The place of one connection, which is free again once nobody has it any more.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    _permit: Arc<OwnedSemaphorePermit>,
}

#[cfg(unix)]
fn open_files() -> Option<usize> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    usize::try_from(limit).ok()
}

#[cfg(not(unix))]
const fn open_files() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_until_one_ends() {
        let room = Room::new(1);
        let first = room.one().await.expect("there is room");
        let mut second = std::pin::pin!(room.one());
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        assert!(second.await.is_some());
    }

    #[test]
    fn the_limit_of_the_process_leaves_files_for_other_work() {
        let most = Room::of_process().most;
        assert!((16..=MOST_CONNECTIONS).contains(&most));
        let files = open_files().unwrap_or(usize::MAX);
        assert!(most == 16 || most * 2 + OTHER_FILES <= files, "{most} of {files}");
    }
}
