//! The connections of a listener: each is served in a task of its own.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use requires_auth::client_certificate::ClientCertificate;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{info, warn};

use super::connection_limit::{ConnectionLimit, NoPermit, Permit, Share};
use super::life::{Busy, End, Life, Lives};
use super::listen::{Listener, Peer, Stream};
use super::tls::{Accepted, Tls};
use super::wire::{self, Checked, Switch};
use super::write_timeout::WriteTimeout;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a client of HTTP/2 that says nothing is asked whether it is there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(30);

/// How many bytes the head of a request may have.
const MAX_HEAD: u32 = 64 * 1024;

/// How many requests one connection of HTTP/2 may have under way, and how many bytes of each answer wait for a client
/// that does not read.
const MOST_STREAMS: u32 = 100;
const MOST_UNREAD: usize = 16 * 1024;

/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// How long to wait for a free permit before an idle connection is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a peer that has its share waits for the end of the idlest of its own. Others wait behind it.
const OWN_IDLEST: Duration = Duration::from_millis(100);

/// A listener with what every connection needs.
pub(crate) struct Connections {
    pub(crate) listener: Listener,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) limit: ConnectionLimit,
    /// Whose connections count to nobody's share: a proxy is one peer, and has many clients.
    pub(crate) is_exempt: Box<dyn Fn(Peer) -> bool + Send + Sync>,
}

/// Who asks, and over what.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) peer: Peer,
    pub(crate) is_tls: bool,
    /// The certificate that the client has shown on its connection.
    pub(crate) certificate: Option<ClientCertificate>,
    /// To be kept for as long as the connection is in use.
    #[expect(dead_code, reason = "it is held")]
    pub(crate) permit: Permit,
    /// To be kept for as long as the request is being answered.
    pub(crate) busy: Busy,
}

/// What all connections of a listener have in common.
struct Shared<H> {
    builder: auto::Builder<TokioExecutor>,
    tls: Option<Arc<Tls>>,
    handler: H,
}

/// Connections that may still be open after their listener has closed.
pub(crate) struct Open {
    stop: watch::Sender<()>,
    looking: JoinHandle<()>,
}

impl Open {
    /// Lets requests that are under way end, and waits for that.
    pub(crate) async fn shutdown(self) {
        self.stop.send_replace(());
        self.stop.closed().await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

impl Connections {
    /// Serves until `stop`, then closes. What is returned lets requests that are under way end.
    pub(crate) async fn serve<H, F, B>(self, handler: H, stop: impl Future<Output = ()>) -> Open
    where
        H: Fn(Request<Incoming>, Caller) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let lives = Arc::new(Lives::default());
        let looking = tokio::spawn(Arc::clone(&lives).look_after());
        let open = Open { stop: watch::Sender::new(()), looking };
        let shared = Arc::new(Shared { builder: protocol(), tls: self.tls.clone(), handler });
        let mut stop = std::pin::pin!(stop);
        loop {
            let next = async {
                let (stream, peer) = self.listener.accept().await?;
                let share = peer.share().filter(|_| !(self.is_exempt)(peer));
                Ok::<_, io::Error>((stream, peer, share, self.permit(&lives, share).await))
            };
            let accepted = tokio::select! {
                () = &mut stop => break,
                accepted = next => accepted,
            };
            match accepted {
                Ok((stream, peer, share, Ok(permit))) => {
                    let (life, stopping) = (lives.begin(share), open.stop.subscribe());
                    let served = Served { peer, permit, life, stopping };
                    tokio::spawn(served.run(stream, Arc::clone(&shared)));
                }
                Ok((_, peer, _, Err(NoPermit::Share))) => {
                    warn!(%peer, "a peer has as many connections as one may have; the next one is closed");
                }
                Ok((_, peer, _, Err(NoPermit::Full))) => warn!(%peer, "no connection is free for a peer"),
                Err(error) => {
                    // Too many open files, most of all: the connections that are there go on.
                    warn!(%error, "a connection is not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        open
    }

    /// A permit for one more connection: at once, or once another connection has ended to make room. Where no permit is
    /// free, the next connections wait in the queue of the system.
    async fn permit(&self, lives: &Lives, share: Option<Share>) -> Result<Permit, NoPermit> {
        loop {
            match self.limit.take(share) {
                Err(NoPermit::Full) => {
                    if !lives.end_idlest(None) {
                        warn!("as many connections as there may be are open; the next one waits");
                    }
                    if let Ok(permit) = timeout(LOOK_AGAIN, self.limit.wait(share)).await {
                        return Ok(permit);
                    }
                }
                Err(NoPermit::Share) if lives.end_idlest(share) => {
                    return timeout(OWN_IDLEST, self.limit.wait(share)).await.map_err(|_| NoPermit::Share);
                }
                taken => return taken,
            }
        }
    }
}

/// One connection.
struct Served {
    peer: Peer,
    permit: Permit,
    life: Arc<Life>,
    /// Whoever waits for the end of all connections waits until this is dropped.
    stopping: watch::Receiver<()>,
}

impl Served {
    async fn run<H, F, B>(mut self, stream: Box<dyn Stream>, shared: Arc<Shared<H>>)
    where
        H: Fn(Request<Incoming>, Caller) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        // A client that is slow to shake hands holds up no other.
        let Some((stream, certificate)) = self.shake_hands(stream, shared.tls.as_deref()).await else {
            return;
        };
        let (peer, is_tls) = (self.peer, shared.tls.is_some());
        let switch = Switch::default();
        let stream = Checked::new(WriteTimeout::new(stream, Arc::clone(&self.life)), peer, switch.clone());
        let (permit, life, handler) = (self.permit, self.life.clone(), shared.handler.clone());
        let service = service_fn(move |request| {
            let switch = wire::may_switch(&request).then(|| switch.clone());
            let caller = Caller { peer, is_tls, certificate, permit: permit.clone(), busy: life.begin() };
            let answer = handler(request, caller);
            async move {
                let answer = answer.await;
                if let Some(switch) = switch {
                    switch.answer(&answer);
                }
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = shared.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut is_stopping = false;
        loop {
            tokio::select! {
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        info!(%error, "a connection ended early");
                    }
                    return;
                }
                end = self.life.ends() => match end {
                    End::Soon => connection.as_mut().graceful_shutdown(),
                    End::Now => return,
                },
                _ = self.stopping.changed(), if !is_stopping => {
                    is_stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }

    async fn shake_hands(&self, stream: Box<dyn Stream>, tls: Option<&Tls>) -> Option<Accepted> {
        let Some(tls) = tls else { return Some((stream, None)) };
        tokio::select! {
            stream = tls.accept(stream) => stream,
            // It is the idlest, and another one waits for its permit.
            _ = self.life.ends() => None,
        }
    }
}

fn protocol() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD)
        .max_concurrent_streams(MOST_STREAMS)
        .max_send_buf_size(MOST_UNREAD)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
