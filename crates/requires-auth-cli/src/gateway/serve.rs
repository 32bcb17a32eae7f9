//! Starts the gateway, keeps it going, and lets it end in good order.

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use serde::Serialize;
use tracing::warn;

use super::config::Listen;
use super::connection_limit::ConnectionLimit;
use super::connections::Connections;
use super::current::Current;
use super::listen::{Listener, Peer};
use super::notify::{State, notify};
use super::prometheus::Prometheus;
use super::reload::{Hangups, Loaded, Reloader};
use super::{admin, files, live, telemetry};
use crate::error::Failure;
use crate::logging::{RequestId, tell};
use crate::runtime::{self, stop_signal};

/// How long requests that are under way may take once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How many operators may look at a time.
const ADMIN_CONNECTIONS: usize = 64;

/// Where the gateway listens.
#[derive(Serialize)]
pub(crate) struct Addresses {
    listen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
}

/// Serves what a configuration file says until the process is told to stop, at `listen` if that is given. Once it listens,
/// `announce` is told where.
pub(crate) fn run(
    file: PathBuf,
    listen: Option<Listen>,
    announce: impl FnOnce(&Addresses) -> io::Result<()>,
) -> Result<(), Failure> {
    files::raise_limit();
    let loaded = Loaded::read(&file, listen.as_ref(), None)?;
    // Nobody reads what is collected where there is no page for it.
    let metrics =
        loaded.server.admin.as_ref().map(|place| Ok::<_, Failure>((place.clone(), telemetry::collect()?)));
    let metrics = metrics.transpose()?;
    let reloader = Reloader::new(file, listen, loaded);
    runtime::serve(operate(reloader, metrics, announce))?
}

async fn operate(
    reloader: Reloader,
    metrics: Option<(Listen, Prometheus)>,
    announce: impl FnOnce(&Addresses) -> io::Result<()>,
) -> Result<(), Failure> {
    let (stop, hangups) = (stop_signal()?, Hangups::new()?);
    let current = Arc::clone(reloader.current());
    let tls = reloader.tls().cloned();
    let listener = Listener::bind(&reloader.server().listen).await?;
    let per_peer = reloader.server().connections_per_peer;
    let mut addresses =
        Addresses { listen: listener.name(if tls.is_some() { "https" } else { "http" }), admin: None };
    if let Some((place, handle)) = metrics {
        let listener = Listener::bind(&place).await?;
        addresses.admin = Some(listener.name("http"));
        tokio::spawn(administer(listener, Arc::clone(&current), handle));
    }
    // It starts all the same where keys are missing: the provider may come back before the first request. The guard has
    // logged what failed.
    drop(current.service().gateway().auth().warm().await);
    tell("INFO", &format!("listening on {}", addresses.listen));
    if let Some(admin) = &addresses.admin {
        tell("INFO", &format!("admin pages on {admin}"));
        // Nobody's browser opens a page behind a unix socket.
        if current.service().operators().have_secret() && admin.starts_with("http") {
            tell("INFO", &format!("the live view is {admin}{}", live::PATH));
        }
    }
    announce(&addresses)?;
    notify(State::Ready);
    let reloads = tokio::spawn(reloader.run(hangups));
    let limit = ConnectionLimit::new(files::connections(), per_peer.map(NonZeroUsize::get));
    let connections = Connections { listener, tls, limit, is_exempt: is_proxy(&current) };
    let handler = {
        let current = Arc::clone(&current);
        move |request: Request<Incoming>, caller| {
            let (service, id) = (current.service(), RequestId::of(request.headers()));
            id.during(async move { service.answer(request, caller).await })
        }
    };
    let graceful = connections.serve(handler, stop).await;
    reloads.abort();
    current.stop();
    notify(State::Stopping);
    tell("INFO", "stopping");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => warn!("requests were cut off"),
        () = stop_signal()? => tell("INFO", "stopping at once"),
    }
    Ok(())
}

/// Who is one of the proxies that the gateway trusts.
fn is_proxy(live: &Arc<Current>) -> Box<dyn Fn(Peer) -> bool + Send + Sync> {
    let current = Arc::clone(live);
    Box::new(move |peer| {
        let service = current.service();
        service.gateway().config().forward_auth.as_ref().is_some_and(|config| peer.is_trusted_by(config))
    })
}

/// Serves the admin pages until the process ends: they tell that it is stopping, too.
async fn administer(listener: Listener, current: Arc<Current>, metrics: Prometheus) {
    let connections = Connections {
        listener,
        tls: None,
        limit: ConnectionLimit::new(ADMIN_CONNECTIONS, None),
        is_exempt: Box::new(|_| false),
    };
    let metrics = Arc::new(metrics);
    let handler = move |request: Request<Incoming>, _| {
        let (current, metrics) = (Arc::clone(&current), Arc::clone(&metrics));
        async move { admin::answer(&current, &metrics, request).await }
    };
    drop(connections.serve(handler, std::future::pending::<()>()).await);
}
