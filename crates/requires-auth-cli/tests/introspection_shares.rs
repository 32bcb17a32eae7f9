//! `serve` as a reverse proxy: an address that floods with unknown opaque tokens does not take the calls to the provider
//! that another one needs. All addresses of 127.0.0.0/8 are this machine on Linux alone.
#![cfg(target_os = "linux")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use requires_auth_testkit::issuer::DevelopmentIssuer;
use socket2::{Domain, Socket, Type};

use self::support::application::Application;
use self::support::gateway::{PATIENCE, Stage, status};

/// What a client at this address is answered.
fn ask(from: Ipv4Addr, gateway: &str, token: &str) -> u16 {
    let gateway: SocketAddr = gateway.trim_start_matches("http://").parse().expect("an address");
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((from, 0)).into()).expect("it is of this machine");
    socket.connect(&gateway.into()).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut socket = std::net::TcpStream::from(socket);
    let request =
        format!("GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("it answers");
    status(&answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn another_address_is_served_while_one_floods() {
    let issuer = DevelopmentIssuer::builder().client("api", "secret").start().await.expect("an issuer");
    let (stage, application) = (Stage::new("shares"), Application::start("one"));
    std::fs::write(stage.folder.join("secret"), "secret").expect("a file");
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[reverse_proxy]\nupstream = \"{}\"\n[issuers.main]\nissuer = \"{}\"\n\
         audience = \"{}\"\n[issuers.main.introspection]\nclient_id = \"api\"\n\
         client_secret_file = \"secret\"\ncalls_per_second = 2\n[[routes]]\nmatch = \"GET /*\"\n",
        application.url,
        issuer.issuer(),
        issuer.audience(),
    ));
    let good = issuer.opaque_token("x", "alice");
    let asked = tokio::task::spawn_blocking(move || {
        let server = stage.start();
        let gateway = server.address("listen");
        let flooding = Ipv4Addr::LOCALHOST;
        // Of two calls a second, one is kept for others.
        let is_held_back = (0..200).any(|number| ask(flooding, gateway, &format!("made-up-{number}")) == 503);
        let other = ask(Ipv4Addr::new(127, 0, 0, 2), gateway, &good);
        drop(application);
        (is_held_back, other)
    });
    assert_eq!(asked.await.expect("no panic"), (true, 200));
}
