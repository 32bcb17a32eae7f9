//! Requests per second of a route without a guard, and behind one: of axum and actix-web under wrk, and calls per second of tonic.

use std::hint::black_box;
use std::net::SocketAddr;

use aws_lc_rs::digest::{SHA256, digest};
use requires_auth_testkit::Algorithm;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

use super::Effort;
use crate::fixture::{self, Keys};
use crate::timing::median;

mod wrk;
mod actix;
mod axum;
mod tonic;

use wrk::Script;

/// Connections that wrk keeps busy, and calls that a client of tonic has at a time.
const AT_A_TIME: usize = 32;

/// Tokens that it sends, in turn.
const TOKENS: usize = 1_000;

/// The routes, in the order of the table.
const ROUTES: [(&str, &str); 4] = [
    ("open", "no guard"),
    ("hash", "no guard, but the SHA-256 of the token"),
    ("warm", "behind a guard, token seen before"),
    ("cold", "behind a guard, cache off"),
];

/// How a server runs.
#[derive(Clone, Copy)]
enum Workers {
    /// As with `#[tokio::main]`; wrk competes for the cores.
    OnePerCore,
    /// wrk has the other core, so that the server alone limits: what a guard costs shows most.
    One,
}

/// All routes of one server.
#[derive(Serialize)]
pub(crate) struct Server {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) routes: Vec<Route>,
}

/// One route.
#[derive(Serialize)]
pub(crate) struct Route {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The median of the rounds.
    pub(crate) requests_per_second: f64,
    /// Times the route without a guard; the median of the ratios of the rounds.
    pub(crate) to_open: f64,
    /// Times the route that does nothing but hash the token, which is the least that remembering it by its hash costs.
    pub(crate) to_hash: f64,
}

impl Server {
    pub(crate) fn route(&self, id: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.id == id)
    }
}

/// Measures with ES384; the error says why nothing could be measured.
pub(crate) fn measure(effort: Effort) -> Result<Vec<Server>, String> {
    eprintln!("routes of axum, actix-web and tonic");
    let keys = Keys::generate(Algorithm::Es384);
    let tokens = fixture::mint(&keys.signing, TOKENS);
    let script = Script::write(&tokens).map_err(|error| format!("the script of wrk: {error}"))?;
    let (many, some) = (effort.choose(41, 3), effort.choose(15, 3));
    let of = |id, name, routes: Vec<Route>| Server { id, name, routes };
    let under_wrk = |address: SocketAddr, rounds| measure_server(rounds, |route| script.rate(address, route));
    let of_axum = |workers, rounds| under_wrk(axum::serve(keys.jwks(), workers)?, rounds);
    let of_tonic = tonic::Servers::start(&keys.jwks(), &tokens)?;
    Ok(vec![
        of("default", "axum, server threads: one per core", of_axum(Workers::OnePerCore, many)?),
        of("single", "axum, server threads: one", of_axum(Workers::One, some)?),
        of("actix", "actix-web, workers: one", under_wrk(actix::serve(keys.jwks())?, some)?),
        of(
            "tonic",
            "tonic, server threads: one; one connection with 32 calls at a time",
            measure_server(some, |route| of_tonic.rate(route))?,
        ),
    ])
}

/// The system moves threads between cores, so that one round in which a guard costs nothing stands beside one in which
/// it costs a fifth: only many rounds tell. What costs ten times as much is seen in few.
fn measure_server(
    rounds: usize,
    mut rate: impl FnMut(&'static str) -> Result<f64, String>,
) -> Result<Vec<Route>, String> {
    const ROUNDS_OF_COLD: usize = 5;
    // To warm up: connections, caches, and the token that is to be remembered.
    for (id, _) in ROUTES {
        rate(id)?;
    }
    let mut rates: [Vec<f64>; ROUTES.len()] = Default::default();
    for round in 0..rounds {
        let measured = if round < ROUNDS_OF_COLD { ROUTES.len() } else { ROUTES.len() - 1 };
        for step in 0..measured {
            // Each round starts with another one.
            let place = (round + step) % measured;
            rates[place].push(rate(ROUTES[place].0)?);
        }
    }
    let route = |(place, (id, name)): (usize, (&'static str, &'static str))| Route {
        id,
        name,
        requests_per_second: median(rates[place].iter().copied()),
        to_open: median(rates[place].iter().zip(&rates[0]).map(|(rate, open)| rate / open)),
        to_hash: median(rates[place].iter().zip(&rates[1]).map(|(rate, hash)| rate / hash)),
    };
    Ok(ROUTES.into_iter().enumerate().map(route).collect())
}

/// The runtime of a server or a client.
fn runtime(workers: Workers) -> Runtime {
    let mut builder = match workers {
        Workers::OnePerCore => Builder::new_multi_thread(),
        Workers::One => Builder::new_current_thread(),
    };
    builder.enable_all().build().expect("a runtime")
}

/// What a route does that hashes the token of its request, and no more.
fn hash(authorization: &[u8]) {
    black_box(digest(&SHA256, authorization.strip_prefix(b"Bearer ").unwrap_or(authorization)));
}
