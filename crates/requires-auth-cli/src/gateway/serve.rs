//! `requires-auth serve`: starts the gateway, keeps it going, and lets it end in good order.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::{Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;
use requires_auth::config::gateway::Listen;
use serde_json::json;
use tracing::{Instrument as _, warn};

use super::body::Body;
use super::connections::{Caller, Connections};
use super::forward_auth::grpc;
use super::listen::Listener;
use super::live::Live;
use super::notify::{State, notify};
use super::prometheus::Prometheus;
use super::reload::{Hangups, Loaded, Reloader};
use super::seats::Room;
use super::{Gateway, admin, files, forward_auth, request_id, telemetry};
use crate::Outcome;
use crate::cli::Format;
use crate::error::Failure;
use crate::logging::{LogFormat, tell};
use crate::output::print_json;
use crate::runtime::{self, stop_signal};

pub(crate) use super::listen::Peer;

/// How long requests that are under way may take once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How many operators may look at a time.
const ADMIN_CONNECTIONS: usize = 64;

const EXAMPLES: &str = "\
Examples:
  requires-auth serve gateway.toml
  requires-auth check gateway.toml && requires-auth serve gateway.toml
  requires-auth serve --log json /etc/requires-auth.toml    one object a line, for a log collector

It reads the file again on SIGHUP and when it has changed; one that `check` would refuse changes nothing.
SIGTERM lets requests that are under way end, a second one does not.";

/// The flags of `serve`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The configuration file; `requires-auth check FILE` tells what is wrong with it
    #[arg(value_name = "FILE", default_value = "requires-auth.toml")]
    file: PathBuf,

    /// How events are written to stderr: lines to read, or one JSON object each
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log: LogFormat,
}

/// Runs `serve` until it is told to stop.
pub(crate) fn run(args: &ServeArgs, format: Format) -> Result<Outcome, Failure> {
    files::raise_limit();
    let loaded = Loaded::read(&args.file, None)?;
    // Nobody reads what is collected where there is no page for it.
    let metrics =
        loaded.server.admin.as_ref().map(|place| Ok::<_, Failure>((place.clone(), telemetry::collect()?)));
    let metrics = metrics.transpose()?;
    let reloader = Reloader::new(args.file.clone(), loaded);
    runtime::serve(operate(reloader, metrics, format))?
}

async fn operate(
    reloader: Reloader,
    metrics: Option<(Listen, Prometheus)>,
    format: Format,
) -> Result<Outcome, Failure> {
    let (stop, hangups) = (stop_signal()?, Hangups::new()?);
    let live = Arc::clone(reloader.live());
    let tls = reloader.tls().cloned();
    let listener = Listener::bind(&reloader.server().listen).await?;
    let per_peer = reloader.server().connections_per_peer;
    let mut names = json!({ "listen": listener.name(if tls.is_some() { "https" } else { "http" }) });
    if let Some((place, handle)) = metrics {
        let listener = Listener::bind(&place).await?;
        names["admin"] = listener.name("http").into();
        tokio::spawn(administer(listener, Arc::clone(&live), handle));
    }
    if let Err(failures) = live.gateway().auth().warm().await {
        // It starts all the same: the provider may come back before the first request.
        warn!("{failures}");
    }
    for (what, at) in [("listening on", &names["listen"]), ("admin pages on", &names["admin"])] {
        if let Some(at) = at.as_str() {
            tell("INFO", &format!("{what} {at}"));
        }
    }
    if format == Format::Json {
        print_json(&names)?;
    }
    notify(State::Ready);
    let reloads = tokio::spawn(reloader.run(hangups));
    let room = Room::new(files::connections(), per_peer.map(NonZeroUsize::get));
    let connections = Connections { listener, tls, room, is_exempt: is_proxy(&live) };
    let handler = {
        let live = Arc::clone(&live);
        move |request: Request<Incoming>, caller| {
            let (gateway, span) = (live.gateway(), request_id::span(request.headers()));
            async move { answer(gateway, request, caller).await }.instrument(span)
        }
    };
    let graceful = connections.serve(handler, stop).await;
    reloads.abort();
    live.stop();
    notify(State::Stopping);
    tell("INFO", "stopping");
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => warn!("requests were cut off"),
        () = stop_signal()? => tell("INFO", "stopping at once"),
    }
    Ok(Outcome::Allow)
}

/// Who is one of the proxies that the gateway trusts.
fn is_proxy(live: &Arc<Live>) -> Box<dyn Fn(Peer) -> bool + Send + Sync> {
    let live = Arc::clone(live);
    Box::new(move |peer| {
        let gateway = live.gateway();
        gateway.config().forward_auth.as_ref().is_some_and(|config| peer.is_trusted_by(config))
    })
}

/// Serves the admin pages until the process ends: they tell that it is stopping, too.
async fn administer(listener: Listener, live: Arc<Live>, metrics: Prometheus) {
    let connections = Connections {
        listener,
        tls: None,
        room: Room::new(ADMIN_CONNECTIONS, None),
        is_exempt: Box::new(|_| false),
    };
    let handler =
        move |request: Request<Incoming>, _| std::future::ready(admin::answer(&live, &metrics, &request));
    drop(connections.serve(handler, std::future::pending::<()>()).await);
}

async fn answer(gateway: Arc<Gateway>, request: Request<Incoming>, caller: Caller) -> Response<Body> {
    if let Some(proxy) = gateway.reverse_proxy() {
        return proxy.answer(&gateway, request, &caller).await;
    }
    if grpc::is_asked(&gateway, &request) {
        return grpc::answer(gateway, request, caller.peer).await;
    }
    if request.uri().path().starts_with(forward_auth::PREFIX) {
        return forward_auth::answer(&gateway, &request, caller.peer).await.map(Either::Left);
    }
    forward_auth::plain(StatusCode::NOT_FOUND, "no such endpoint").map(Either::Left)
}
