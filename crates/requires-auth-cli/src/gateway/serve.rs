//! `requires-auth serve`: listens, and passes each connection to its door.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use requires_auth::config::gateway::{ForwardAuthConfig, Listen};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tracing::{info, warn};

use super::forward_auth::{self, Answer};
use super::{Gateway, forward_auth::plain};
use crate::Outcome;
use crate::cli::Format;
use crate::error::Failure;
use crate::output::say;
use crate::runtime::{block_on, stop_signal};

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that are under way may take once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How many bytes the head of a request may have.
const MAX_HEAD: usize = 64 * 1024;

const EXAMPLES: &str = "\
Examples:
  requires-auth serve gateway.toml
  requires-auth check gateway.toml && requires-auth serve gateway.toml";

/// The flags of `serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The configuration file; `requires-auth check FILE` tells what is wrong with it
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,
}

/// Runs `serve` until it is told to stop.
pub(crate) fn run(args: &ServeArgs, _format: Format) -> Result<Outcome, Failure> {
    let gateway = Gateway::load(&args.file).map_err(Failure::from)?;
    let Some(server) = gateway.config().server.clone() else {
        return Err(Failure::new(format!("{}: no [server]", args.file.display()))
            .hint("write [server], and below it listen = \"127.0.0.1:9180\""));
    };
    block_on(async {
        let stop = stop_signal()?;
        if let Err(failures) = gateway.auth().warm().await {
            // It starts all the same: the provider may come back before the first request.
            warn!("{failures}");
        }
        let listener = Listener::bind(&server.listen).await?;
        say(&format!("listening on {}", listener.name()));
        serve(listener, Arc::new(gateway), stop).await;
        Ok(Outcome::Allow)
    })?
}

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

/// A place that connections come in at.
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, PathBuf),
}

/// A connection of whatever kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

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

    /// Where it listens, for people.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                let address: Option<SocketAddr> = listener.local_addr().ok();
                address.map_or_else(String::new, |address| format!("http://{address}"))
            }
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // An answer is one small write: there is nothing to wait for.
                stream.set_nodelay(true).ok();
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

/// Serves until `stop`, and lets requests that are under way end.
pub(crate) async fn serve(listener: Listener, gateway: Arc<Gateway>, stop: impl Future<Output = ()>) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(MAX_HEAD as u32);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, most of all: the connections that are there go on.
                    warn!(%error, "a connection is not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let gateway = Arc::clone(&gateway);
        let service = service_fn(move |request| {
            let gateway = Arc::clone(&gateway);
            async move { Ok::<_, Infallible>(answer(&gateway, request, peer).await) }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let watched = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = watched.await {
                info!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    say("stopping");
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        warn!("requests were cut off");
    }
}

async fn answer(gateway: &Gateway, request: Request<Incoming>, peer: Peer) -> Answer {
    if request.uri().path().starts_with(forward_auth::PREFIX) {
        return forward_auth::answer(gateway, &request, peer).await;
    }
    plain(StatusCode::NOT_FOUND, "no such endpoint")
}
