//! Calls of a service of tonic: the health check, as it needs no `protoc`. Each route is a server of its own.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use http::Request;
use http::header::AUTHORIZATION;
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tonic::body::Body;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::LayerExt as _;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Endpoint, Server};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::util::MapRequestLayer;

use super::{AT_A_TIME, Workers, hash, runtime};
use crate::fixture::{self, Token};

/// How long one round lasts.
const ROUND: Duration = Duration::from_secs(1);

/// The servers, which run until the process ends.
pub(super) struct Servers {
    addresses: Vec<(&'static str, SocketAddr)>,
    tokens: Vec<MetadataValue<Ascii>>,
}

impl Servers {
    pub(super) fn start(jwks: &str, tokens: &[Token]) -> Result<Self, String> {
        let (sender, addresses) = mpsc::channel();
        let jwks = jwks.to_owned();
        thread::spawn(move || {
            runtime(Workers::One).block_on(LocalSet::new().run_until(serve_all(jwks, sender)))
        });
        let addresses: Vec<_> = addresses.into_iter().take(super::ROUTES.len()).collect();
        if addresses.len() < super::ROUTES.len() {
            return Err("a server of tonic does not start".to_owned());
        }
        let tokens = tokens.iter().map(|token| token.value().parse().expect("a header")).collect();
        Ok(Self { addresses, tokens })
    }

    /// Calls per second within one second; a status other than `OK` is an error.
    pub(super) fn rate(&self, route: &str) -> Result<f64, String> {
        let (_, address) =
            self.addresses.iter().find(|(own, _)| *own == route).expect("a route of the table");
        let calls = LocalSet::new().block_on(&runtime(Workers::One), self.load(*address));
        calls.map_err(|error| format!("{route} of tonic: {error}"))
    }

    async fn load(&self, address: SocketAddr) -> Result<f64, Box<dyn std::error::Error>> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
        let (next, begun) = (Rc::new(Cell::new(0_usize)), Instant::now());
        let tokens: Rc<[MetadataValue<Ascii>]> = self.tokens.as_slice().into();
        let streams = (0..AT_A_TIME).map(|_| {
            let (mut client, next, tokens) =
                (HealthClient::new(channel.clone()), Rc::clone(&next), Rc::clone(&tokens));
            tokio::task::spawn_local(async move {
                while begun.elapsed() < ROUND {
                    let turn = next.replace(next.get() + 1);
                    let mut request = tonic::Request::new(HealthCheckRequest::default());
                    request.metadata_mut().insert("authorization", tokens[turn % tokens.len()].clone());
                    client.check(request).await?;
                }
                Ok::<_, tonic::Status>(())
            })
        });
        for stream in streams.collect::<Vec<_>>() {
            stream.await??;
        }
        Ok(next.get() as f64 / begun.elapsed().as_secs_f64())
    }
}

/// Says where each route is, and serves all of them.
async fn serve_all(jwks: String, sender: Sender<(&'static str, SocketAddr)>) {
    let warm = fixture::guard(&jwks, 10_000).await.grpc().layer();
    let cold = fixture::guard(&jwks, 0).await.grpc().layer();
    let hashing = MapRequestLayer::new(|request: Request<Body>| {
        hash(request.headers().get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes()));
        request
    });
    let health = || tonic_health::server::health_reporter().1;
    let server = Server::builder;
    let served: [(&str, Router); 4] = [
        ("open", server().add_service(health())),
        ("hash", server().add_service(hashing.named_layer(health()))),
        ("warm", server().add_service(warm.named_layer(health()))),
        ("cold", server().add_service(cold.named_layer(health()))),
    ];
    let mut running = Vec::new();
    for (route, router) in served {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        // The receiver waits for exactly these.
        sender.send((route, listener.local_addr().expect("an address"))).ok();
        running.push(tokio::task::spawn_local(router.serve_with_incoming(TcpIncoming::from(listener))));
    }
    for server in running {
        server.await.expect("a server of tonic").expect("a server of tonic");
    }
}
