//! A connection whose answers can be held back or dripped, and that can be cut from outside.
//!
//! The HTTP server above writes a correct answer and knows nothing of this, so that what a client
//! sees is a real peer that stalls or dies, byte for byte.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The pause between two bytes of a dripped body.
const DRIP: Duration = Duration::from_secs(1);

/// How the body of an answer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// One byte a second.
    Drip,
    /// Not at all.
    Hold,
}

/// What may be written at the moment.
#[derive(Clone, Copy, Debug, Default)]
enum Flow {
    /// The body of an answer, at this pace.
    Body(Pace),
    /// Nothing, and nothing may be read: the connection is dead.
    Cut,
    /// Everything.
    #[default]
    Free,
    /// The head of an answer at once, its body at this pace.
    Head(Pace),
}

/// The remote control of one connection; clones control the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Arc<Mutex<Control>>);

#[derive(Debug, Default)]
struct Control {
    flow: Flow,
    /// The task that serves the connection, to be told when it is cut.
    server: Option<Waker>,
}

impl Line {
    /// Lets the head of the next answer pass, and its body at this pace.
    pub(super) fn pace(&self, pace: Pace) {
        self.turn(Flow::Head(pace));
    }

    /// Fails all that is read and written from now on.
    fn cut(&self) {
        let mut control = self.control();
        control.flow = Flow::Cut;
        if let Some(server) = control.server.take() {
            server.wake();
        }
    }

    fn turn(&self, flow: Flow) {
        let mut control = self.control();
        if !matches!(control.flow, Flow::Cut) {
            control.flow = flow;
        }
    }

    fn control(&self) -> MutexGuard<'_, Control> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Middleware that frees a kept-alive connection from the pace of its previous answer.
pub(super) async fn free(ConnectInfo(line): ConnectInfo<Line>, request: Request, next: Next) -> Response {
    line.turn(Flow::Free);
    next.run(request).await
}

/// The open connections of a server; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<Weak<Mutex<Control>>>>>);

impl Lines {
    /// Registers a new connection.
    pub(super) fn open(&self) -> Line {
        let line = Line::default();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(&line.0));
        line
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        let lines = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for line in lines.iter().filter_map(Weak::upgrade) {
            Line(line).cut();
        }
    }
}

/// A TCP connection under the control of its [`Line`].
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    line: Line,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, line: Line) -> Self {
        Self { stream, line, pause: None }
    }

    pub(super) fn line(&self) -> Line {
        self.line.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let mut control = wire.line.control();
        if matches!(control.flow, Flow::Cut) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        control.server = Some(context.waker().clone());
        drop(control);
        Pin::new(&mut wire.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let flow = wire.line.control().flow;
        let allowed = match flow {
            Flow::Body(Pace::Drip) => {
                if let Some(pause) = &mut wire.pause {
                    ready!(pause.as_mut().poll(context));
                }
                1
            }
            // The server also waits for a read, which fails when the client or a cut ends this.
            Flow::Body(Pace::Hold) => return Poll::Pending,
            Flow::Cut => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Flow::Free => bytes.len(),
            // The server hands over a head in one piece; without its end all is head.
            Flow::Head(_) => end_of_head(bytes).unwrap_or(bytes.len()),
        };
        let allowed = &bytes[..allowed.min(bytes.len())];
        let written = ready!(Pin::new(&mut wire.stream).poll_write(context, allowed))?;
        match flow {
            Flow::Body(Pace::Drip) => wire.pause = Some(Box::pin(sleep(DRIP))),
            Flow::Head(pace) if allowed[..written].ends_with(END_OF_HEAD) => {
                wire.pause = None;
                wire.line.turn(Flow::Body(pace));
            }
            _ => {}
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let start = bytes.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD)?;
    Some(start + END_OF_HEAD.len())
}

#[cfg(test)]
mod tests {
    use super::end_of_head;

    #[test]
    fn a_head_ends_after_its_first_empty_line() {
        assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\na: b\r\n\r\nbody\r\n\r\n"), Some(25));
        assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\na: b\r\n"), None);
        assert_eq!(end_of_head(b""), None);
    }
}
