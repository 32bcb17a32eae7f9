//! The bytes of a client's connection, checked before the server reads them.
//!
//! A byte that is a fault never reaches the server: in its place stands one that no parser of HTTP takes, and after it
//! comes the end. So the server itself answers 400 when it is that request's turn, or breaks a body off, and closes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::info;

mod checker;
mod fault;
mod field;
mod switch;
#[cfg(test)]
mod tests;

use self::checker::{Checker, Found};
use self::fault::Fault;
pub(crate) use self::switch::{Switch, may_switch};
use super::listen::Peer;

/// Neither in a request line nor in a header nor in the frame of a chunk.
const NOWHERE: u8 = 0;

/// How much of what was sent after a fault is still taken in, so that the client gets to read the answer: a system
/// that has unread bytes resets the connection instead.
const DRAIN: usize = 256 * 1024;

/// A connection whose client is held to the strict form of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Checked<S> {
    stream: S,
    peer: Peer,
    checker: Checker,
    is_broken: bool,
}

impl<S> Checked<S> {
    /// Checks what comes from `stream`; `switch` tells it of a change of protocol.
    pub(crate) fn new(stream: S, peer: Peer, switch: Switch) -> Self {
        Self { stream, peer, checker: Checker::new(switch), is_broken: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Checked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_broken {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let new = buf.filled_mut().get_mut(before..).unwrap_or_default();
        if let Err(found) = self.checker.check(new) {
            let kept = spoil(new, found);
            buf.set_filled(before + kept);
            self.is_broken = true;
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
        if self.is_broken {
            self.drain(cx);
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
    /// Throws away what has come, and waits for nothing.
    fn drain(&mut self, cx: &mut Context<'_>) {
        let mut scratch = [0; 8 * 1024];
        for _ in 0..DRAIN / scratch.len() {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                _ => return,
            }
        }
    }
}
