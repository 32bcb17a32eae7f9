//! The bytes of a client's connection, checked before the server reads them.
//!
//! A byte that is a fault never reaches the server: in its place stands one that no parser of HTTP takes, and after it
//! comes the end. So the server itself answers 400 when it is that request's turn, or breaks a body off, and closes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tracing::info;

mod fault;
mod field;
mod switch;
mod checker;
#[cfg(test)]
mod tests;

use self::checker::{Checker, Found};
use self::fault::Fault;
pub(crate) use self::switch::{Switch, may_switch};
use super::listen::Peer;

/// A byte that stands neither in a request line nor in a header nor in the frame of a chunk.
const NOWHERE: u8 = 0;

/// What follows it. A server may wait for the end of a head before it looks at it.
const END: &[u8] = b"\r\n\r\n";

/// How long, and how much of it, what is sent after a fault is still taken in, so that the client gets to read the
/// answer: a system that has unread bytes resets the connection instead (RFC 9112 §9.6).
const LINGER: Duration = Duration::from_secs(1);
const MOST_LEFT: usize = 256 * 1024;

/// A connection whose client is held to the strict form of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Checked<S> {
    stream: S,
    peer: Peer,
    checker: Checker,
    /// What the server has yet to read after a fault.
    end: Option<&'static [u8]>,
    linger: Option<Linger>,
}

/// The end of a connection that had a fault.
#[derive(Debug)]
struct Linger {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl<S> Checked<S> {
    /// Checks what comes from `stream`; `switch` tells it of a change of protocol.
    pub(crate) fn new(stream: S, peer: Peer, switch: Switch) -> Self {
        Self { stream, peer, checker: Checker::new(switch), end: None, linger: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Checked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(end) = self.end {
            let (now, later) = end.split_at(end.len().min(buf.remaining()));
            buf.put_slice(now);
            self.end = Some(later);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let new = buf.filled_mut().get_mut(before..).unwrap_or_default();
        if let Err(found) = self.checker.check(new) {
            let kept = spoil(new, found);
            buf.set_filled(before + kept);
            self.end = Some(if kept == 0 { &[] } else { END });
            info!(peer = %self.peer, "a request is refused: {}", found.fault);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Checked<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        if self.end.is_some() {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}

/// Makes unreadable what has a fault, and tells how many of the bytes are left.
fn spoil(bytes: &mut [u8], Found { at, fault }: Found) -> usize {
    let at = match fault {
        // The fault is that of the request before, whose last byte this is if it is still here to be spoilt. If it is
        // not, the client is gone as far as its answer is concerned.
        Fault::Early => at.checked_sub(1),
        _ => Some(at),
    };
    let Some(at) = at else { return 0 };
    if let Some(byte) = bytes.get_mut(at) {
        *byte = NOWHERE;
    }
    at + 1
}

impl<S: AsyncRead + Unpin> Checked<S> {
    /// Throws away what comes, until the client has closed or has had its time.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger =
            self.linger.get_or_insert_with(|| Linger { until: Box::pin(sleep(LINGER)), left: MOST_LEFT });
        let mut scratch = [0; 8 * 1024];
        while linger.until.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() && buf.filled().len() <= linger.left => {
                    linger.left -= buf.filled().len();
                }
                _ => break,
            }
        }
        Poll::Ready(())
    }
}
