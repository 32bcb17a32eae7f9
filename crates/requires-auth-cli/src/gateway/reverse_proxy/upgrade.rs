//! `WebSocket` (RFC 6455): a connection that is handed over once the application has agreed to that.
//!
//! The token was valid when the connection began. When it ends, so does the connection: with a close frame where one can be
//! put between two frames of the application, and without where that takes too long.

use std::io;
use std::time::Duration;

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use hyper::body::Body;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::debug;

use super::frames::{Frames, close};

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const AS_UPGRADE: HeaderValue = HeaderValue::from_static("upgrade");

/// The client's connection, if the request asks for a WebSocket. No other protocol is passed on.
pub(super) fn asked<B: Body>(request: &mut Request<B>) -> Option<OnUpgrade> {
    let is_asked = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && request.body().is_end_stream()
        && is_agreed(request.headers());
    is_asked.then(|| hyper::upgrade::on(request))
}

/// Whether these headers change the protocol to WebSocket.
pub(super) fn is_agreed(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let (Some(protocol), None) = (protocols.next(), protocols.next()) else { return false };
    let mut options =
        headers.get_all(CONNECTION).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    protocol.as_bytes().eq_ignore_ascii_case(b"websocket")
        && options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
}

/// Says that the protocol changes, on the next connection.
pub(super) fn announce(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, AS_UPGRADE);
    headers.insert(UPGRADE, WEBSOCKET);
}

/// Carries bytes both ways until one side ends, or `until` a time. What is `held` is free after that: above all the
/// client's permit.
pub(super) async fn tunnel<H: Send>(
    client: OnUpgrade,
    application: OnUpgrade,
    until: Option<Instant>,
    held: H,
) {
    let connections = tokio::try_join!(client, application);
    let carried = match connections {
        Ok((client, application)) => {
            let (mut client, mut application) = (TokioIo::new(client), TokioIo::new(application));
            let carried = match until {
                None => tokio::io::copy_bidirectional(&mut client, &mut application).await.map(drop),
                Some(until) => carry_until(&mut client, &mut application, until).await,
            };
            carried.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = carried {
        debug!(error, "a websocket ended early");
    }
    drop(held);
}

/// RFC 6455 §7.4.1: a policy is violated.
const POLICY_VIOLATION: u16 = 1008;

/// How long the end of a connection may take: the frame that the application has begun, and the client's reading.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Carries bytes both ways until one side ends. At `until` nothing of the client is carried any more, and the client is told.
async fn carry_until<C, A>(client: &mut C, application: &mut A, until: Instant) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    A: AsyncRead + AsyncWrite + Unpin,
{
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_application, mut to_application) = tokio::io::split(application);
    let mut down = Down::new();
    let both = async {
        let up = async {
            tokio::io::copy(&mut from_client, &mut to_application).await?;
            to_application.shutdown().await
        };
        tokio::try_join!(up, down.carry(&mut from_application, &mut to_client)).map(drop)
    };
    if let Ok(ended) = timeout_at(until, both).await {
        return ended;
    }
    let end = down.end(&mut from_application, &mut to_client);
    // Whether the client has read it or not: what is carried no further is dropped.
    timeout(LONGEST_END, end).await.unwrap_or(Ok(()))
}

/// The way from the application to the client, which knows where frames end.
struct Down {
    buffer: Box<[u8]>,
    /// What of the buffer is still to be sent.
    start: usize,
    end: usize,
    frames: Frames,
}

impl Down {
    fn new() -> Self {
        Self { buffer: vec![0; 8 * 1024].into(), start: 0, end: 0, frames: Frames::default() }
    }

    /// Carries all there is. It can be given up at any time: what was sent is known.
    async fn carry(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        while self.fill(from).await? {
            self.send(to, self.end).await?;
        }
        to.shutdown().await
    }

    /// Sends the rest of a frame that has begun, then a close frame.
    async fn end(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        while !self.frames.is_between() && self.fill(from).await? {
            let rest = self.frames.rest_of_frame(&self.buffer[self.start..self.end]);
            self.send(to, self.start + rest).await?;
        }
        if self.frames.is_between() && !self.frames.has_closed() {
            to.write_all(&close(POLICY_VIOLATION, "the token has expired")).await?;
        }
        to.shutdown().await
    }

    /// Whether there is something to send, after reading if need be.
    async fn fill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<bool> {
        if self.start == self.end {
            let read = from.read(&mut self.buffer).await?;
            (self.start, self.end) = (0, read);
        }
        Ok(self.start < self.end)
    }

    /// Sends the buffer up to this place.
    async fn send(&mut self, to: &mut (impl AsyncWrite + Unpin), place: usize) -> io::Result<()> {
        while self.start < place {
            let sent = to.write(&self.buffer[self.start..place]).await?;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.frames.advance(&self.buffer[self.start..self.start + sent]);
            self.start += sent;
        }
        to.flush().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::time::sleep;

    use super::*;

    const LIFE: Duration = Duration::from_secs(60);

    /// A connection that lasts a minute: the client's end, the application's end, and what comes of it.
    fn connection(buffer: usize) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<io::Result<()>>) {
        let ((client, mut inner_client), (mut inner_application, application)) =
            (duplex(buffer), duplex(buffer));
        let until = Instant::now() + LIFE;
        let carried =
            tokio::spawn(async move { carry_until(&mut inner_client, &mut inner_application, until).await });
        (client, application, carried)
    }

    async fn all_of(stream: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("bytes");
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_with_its_token_and_says_why() {
        let (mut client, mut application, carried) = connection(1024);
        application.write_all(b"\x81\x02hi").await.expect("a message");
        client.write_all(b"early").await.expect("a message");
        sleep(LIFE.saturating_sub(Duration::from_secs(1))).await;
        let mut early = [0; 5];
        application.read_exact(&mut early).await.expect("it is carried while the token is good");
        sleep(Duration::from_secs(2)).await;
        client.write_all(b"late").await.ok();
        carried.await.expect("no panic").expect("no error");
        let told = all_of(&mut client).await;
        assert_eq!(told, [&b"\x81\x02hi"[..], &close(1008, "the token has expired")].concat());
        assert_eq!(all_of(&mut application).await, b"", "nothing later than the token's end is carried");
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_has_begun_is_sent_to_its_end() {
        let (mut client, mut application, carried) = connection(1024);
        application.write_all(b"\x81\x04ab").await.expect("half a message");
        sleep(LIFE + Duration::from_secs(1)).await;
        application.write_all(b"cd\x81\x02ef").await.expect("the rest, and another");
        carried.await.expect("no panic").expect("no error");
        assert_eq!(
            all_of(&mut client).await,
            [&b"\x81\x04abcd"[..], &close(1008, "the token has expired")].concat()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_never_ends_is_cut() {
        let (mut client, mut application, carried) = connection(1024);
        application.write_all(b"\x81\x04ab").await.expect("half a message");
        let begun = Instant::now();
        carried.await.expect("no panic").expect("no error");
        assert!(begun.elapsed() <= LIFE + LONGEST_END + Duration::from_secs(1));
        assert_eq!(all_of(&mut client).await, b"\x81\x04ab", "no close frame inside of a frame");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_holds_nothing() {
        let (_client, mut application, carried) = connection(8);
        application.write_all(b"\x82\x06abcdef").await.expect("a message that fills it");
        let begun = Instant::now();
        carried.await.expect("no panic").expect("no error");
        assert!(begun.elapsed() <= LIFE + LONGEST_END + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_ends_by_itself_is_not_told_of_a_token() {
        let (mut client, application, carried) = connection(1024);
        drop(application);
        client.shutdown().await.expect("an end");
        carried.await.expect("no panic").ok();
        assert_eq!(all_of(&mut client).await, b"");
    }
}
