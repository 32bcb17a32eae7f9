//! Where connections come in.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use super::config::{ForwardAuthConfig, Listen, Network};
use super::connection_limit::Share;
use crate::error::Failure;

/// After how long a connection on which nothing is said is asked whether it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Address(IpAddr),
    /// Who may open the socket is a matter of the file's permissions.
    UnixSocket,
}

impl Peer {
    pub(crate) fn is_trusted_by(self, config: &ForwardAuthConfig) -> bool {
        self.is_among(&config.trusted_peers)
    }

    /// Whether it is in one of these networks, or behind a unix socket.
    pub(crate) fn is_among(self, networks: &[Network]) -> bool {
        match self {
            Self::Address(address) => networks.iter().any(|network| network.contains(address)),
            Self::UnixSocket => true,
        }
    }

    /// Its address, unless it is a proxy behind a unix socket.
    pub(crate) const fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::UnixSocket => None,
        }
    }

    /// To whose share its connections count; nobody's behind a unix socket, where a proxy brings many clients.
    pub(crate) fn share(self) -> Option<Share> {
        self.address().map(Share::of)
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

/// Whether a place can be listened at, as far as that can be told without doing it.
///
/// # Errors
///
/// It is a unix socket whose path the system has no room for.
pub(super) fn can_be_bound(place: &Listen) -> Result<(), Failure> {
    #[cfg(unix)]
    if let Listen::Unix(path) = place {
        std::os::unix::net::SocketAddr::from_pathname(path).map_err(|error| {
            Failure::new(format!("cannot listen on {}: {error}", path.display()))
                .hint("give the socket a shorter path: about 100 bytes are what a system has room for")
        })?;
    }
    #[cfg(not(unix))]
    let _ = place;
    Ok(())
}

/// What to do about a place that cannot be listened at.
const fn hint_at(place: &Listen, kind: io::ErrorKind) -> Option<&'static str> {
    Some(match (kind, place) {
        (io::ErrorKind::AddrInUse, _) => "is another gateway running?",
        (io::ErrorKind::AddrNotAvailable, _) => {
            "no interface of this machine has that address; 0.0.0.0 and [::] stand for all of them"
        }
        (io::ErrorKind::NotFound, Listen::Unix(_)) => "make the folder of the socket first",
        (io::ErrorKind::PermissionDenied, Listen::Unix(_)) => {
            "let its user write into the folder of the socket"
        }
        (io::ErrorKind::PermissionDenied, Listen::Tcp(_)) => {
            "choose a port from 1024 on, or give it the capability CAP_NET_BIND_SERVICE"
        }
        _ => return None,
    })
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
            let failure = Failure::new(format!("cannot listen on {name}: {error}"));
            match hint_at(place, error.kind()) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
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
