//! Requests per second of an axum route without a guard, and behind one, under wrk.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::{env, fs, io, process, thread};

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::get;
use requires_auth_testkit::Algorithm;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use super::Effort;
use crate::fixture::{self, Keys, Token};
use crate::timing::median;

/// Connections that wrk keeps busy.
const CONNECTIONS: usize = 32;

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
    eprintln!("an axum route under wrk");
    let server =
        |id, name, workers, rounds| measure_server(workers, rounds).map(|routes| Server { id, name, routes });
    Ok(vec![
        server("default", "server threads: one per core", Workers::OnePerCore, effort.choose(41, 3))?,
        server("single", "server threads: one", Workers::One, effort.choose(15, 3))?,
    ])
}

/// The system moves threads between cores, so that one round in which a guard costs nothing stands beside one in which
/// it costs a fifth: only many rounds tell. What costs ten times as much is seen in few.
fn measure_server(workers: Workers, rounds: usize) -> Result<Vec<Route>, String> {
    const ROUNDS_OF_COLD: usize = 5;
    let keys = Keys::generate(Algorithm::Es384);
    let tokens = fixture::mint(&keys.signing, TOKENS);
    let address = serve(keys.jwks(), workers)?;
    let script = Script::write(&tokens).map_err(|error| format!("the script of wrk: {error}"))?;
    let rate = |id| wrk(address, id, &script);
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

/// Serves until the process ends.
fn serve(jwks: String, workers: Workers) -> Result<SocketAddr, String> {
    let (sender, address) = mpsc::channel();
    thread::spawn(move || {
        let mut builder = match workers {
            Workers::OnePerCore => Builder::new_multi_thread(),
            Workers::One => Builder::new_current_thread(),
        };
        let runtime = builder.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let warm = fixture::guard(&jwks, 10_000).await;
            let cold = fixture::guard(&jwks, 0).await;
            let app = Router::new()
                .route("/warm", get(hello).layer(warm.layer()))
                .route("/cold", get(hello).layer(cold.layer()))
                .route("/hash", get(hello_after_hash))
                .route("/open", get(hello));
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            // The receiver waits for exactly this.
            sender.send(listener.local_addr()?).ok();
            axum::serve(listener, app).await
        })
    });
    address.recv().map_err(|_| "the server does not start".to_owned())
}

async fn hello() -> &'static str {
    "hello"
}

async fn hello_after_hash(headers: HeaderMap) -> &'static str {
    let token = headers.get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
    black_box(digest(&SHA256, token.strip_prefix(b"Bearer ").unwrap_or(token)));
    hello().await
}

/// What wrk sends: one token after the other. It goes with this value.
struct Script(PathBuf);

impl Script {
    fn write(tokens: &[Token]) -> io::Result<Self> {
        let script = Self(env::temp_dir().join(format!("requires-auth-bench-{}.lua", process::id())));
        let tokens: Vec<_> = tokens.iter().map(|token| format!("{:?}", token.value())).collect();
        fs::write(&script.0, include_str!("wrk.lua").replace("TOKENS", &tokens.join(", ")))?;
        Ok(script)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It is in the folder for temporary files.
        fs::remove_file(&self.0).ok();
    }
}

/// Requests per second within one second; an answer other than 200 is an error.
fn wrk(address: SocketAddr, route: &str, script: &Script) -> Result<f64, String> {
    let output = Command::new("wrk")
        .args(["--threads", "1", "--duration", "1s", "--connections", &CONNECTIONS.to_string()])
        // All routes get the same requests.
        .arg("--script")
        .arg(&script.0)
        .arg(format!("http://{address}/{route}"))
        .output()
        .map_err(|error| format!("wrk cannot be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Non-2xx") {
        return Err(format!("/{route} refuses"));
    }
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    rate.ok_or_else(|| format!("wrk says nothing of use: {}", String::from_utf8_lossy(&output.stderr)))
}
