//! Connections to the application.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tower_service::Service;

use super::budget::Budget;
use super::tls::Tls;
use crate::gateway::config::Upstream;
use crate::gateway::listen::Stream;

/// How long it may take to connect, TLS included.
const TIMEOUT: Duration = Duration::from_secs(5);

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// Connects to one application, whatever host a request names.
#[derive(Clone)]
pub(super) struct Connector {
    upstream: Upstream,
    tls: Option<Tls>,
    budget: Budget,
}

/// A connection to it, which has its place for as long as it is open.
pub(super) struct Wire(Box<dyn Stream>, #[expect(dead_code, reason = "it is held")] OwnedSemaphorePermit);

impl Connector {
    pub(super) const fn new(upstream: Upstream, tls: Option<Tls>, budget: Budget) -> Self {
        Self { upstream, tls, budget }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Wire>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { upstream, tls, budget } = self.clone();
        Box::pin(async move {
            let connected = tokio::time::timeout(TIMEOUT, async {
                let place = budget.connection().await?;
                Ok(Wire(connect(&upstream, tls.as_ref()).await?, place))
            });
            connected.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(TokioIo::new)
        })
    }
}

async fn connect(upstream: &Upstream, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
    match upstream {
        Upstream::Tcp(authority) => Ok(Box::new(dial(authority, HTTP).await?)),
        // Never in plain text, whatever happens.
        Upstream::Tls(authority) => {
            let tls = tls.ok_or(io::ErrorKind::Unsupported)?;
            Ok(Box::new(tls.connect(dial(authority, HTTPS).await?).await?))
        }
        #[cfg(unix)]
        Upstream::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Upstream::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

async fn dial(authority: &Authority, port: u16) -> io::Result<TcpStream> {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(port))).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
