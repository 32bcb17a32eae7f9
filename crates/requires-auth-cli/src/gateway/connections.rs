//! The connections of a listener: each is served in a task of its own.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tracing::{info, warn};

use super::listen::{Listener, Peer, Room, Seat};
use super::patience::Patient;
use super::tls::Tls;
use super::wire::{self, Checked, Switch};

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a client of HTTP/2 that says nothing is asked whether it is there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(30);

/// How many bytes the head of a request may have.
const MAX_HEAD: u32 = 64 * 1024;

/// How long to wait after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener with what every connection needs.
pub(crate) struct Connections {
    pub(crate) listener: Listener,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) room: Room,
}

/// Who asks, and over what.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) peer: Peer,
    pub(crate) is_tls: bool,
    /// To be kept for as long as the connection is in use.
    pub(crate) seat: Option<Seat>,
}

impl Connections {
    /// Serves until `stop`, then closes. What is returned lets requests that are under way end.
    pub(crate) async fn serve<H, F, B>(self, handler: H, stop: impl Future<Output = ()>) -> GracefulShutdown
    where
        H: Fn(Request<Incoming>, Caller) -> F + Clone + Send + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Self { listener, tls, room } = self;
        let builder = Arc::new(protocol());
        let graceful = GracefulShutdown::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let next = async { (room.one().await, listener.accept().await) };
            let (seat, accepted) = tokio::select! {
                () = &mut stop => break,
                next = next => next,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Too many open files, most of all: the connections that are there go on.
                    warn!(%error, "a connection is not accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let (builder, tls, handler) = (Arc::clone(&builder), tls.clone(), handler.clone());
            let (watcher, is_tls) = (graceful.watcher(), tls.is_some());
            tokio::spawn(async move {
                // A client that is slow to shake hands holds up no other.
                let stream = match tls {
                    Some(tls) => tls.accept(stream).await,
                    None => Some(stream),
                };
                let Some(stream) = stream else { return };
                let caller = Caller { peer, is_tls, seat };
                let switch = Switch::default();
                let stream = Checked::new(Patient::new(stream), peer, switch.clone());
                let service = service_fn(move |request| {
                    let switch = wire::may_switch(&request).then(|| switch.clone());
                    let answer = handler(request, caller.clone());
                    async move {
                        let answer = answer.await;
                        if let Some(switch) = switch {
                            switch.answer(&answer);
                        }
                        Ok::<_, Infallible>(answer)
                    }
                });
                let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
                if let Err(error) = watcher.watch(connection.into_owned()).await {
                    info!(%error, "a connection ended early");
                }
            });
        }
        graceful
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
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}
