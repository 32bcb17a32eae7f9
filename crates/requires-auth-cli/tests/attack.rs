//! Clients that try to hold the gateway. `scripts/attack.sh` does the same with 1,024 files, and for minutes.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use self::support::Server;
use self::support::application::Application;
use self::support::gateway::{AUDIENCE, ISSUER, PATIENCE, Stage, ask, get, wait_until};
use self::support::http2;

/// So few that all can be taken in a moment: 32 connections of clients, 16 of them for one peer.
const FILES: u32 = 192;
const SHARE: usize = 16;

fn start(stage: &Stage, settings: &str, upstream: &str) -> Server {
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{settings}\
         [reverse_proxy]\nupstream = \"{upstream}\"\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"/orders/*\"\nscopes = \"read:orders\"\n"
    ));
    Server::start_with_files(FILES, &["serve", stage.file().to_str().expect("UTF-8")])
}

/// A connection from another address of this machine than that of everybody else.
fn attack(address: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let own: SocketAddr = "127.0.0.2:0".parse().expect("an address");
    socket.bind(&own.into()).expect("the loopback network has it");
    let place: SocketAddr = address.trim_start_matches("http://").parse().expect("an address");
    socket.connect(&place.into()).expect("it listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Whether the server has closed it. What it says before that is left out.
fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("it can be set");
    let mut bytes = [0; 1024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// A stranger with a good token is answered, and soon.
#[track_caller]
fn assert_served(server: &Server, stage: &Stage) {
    let begun = Instant::now();
    let head = format!(
        "GET /orders/1 HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {}\r\n",
        stage.token("read:orders")
    );
    let (status, answer) = ask(server.address("listen"), &head);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(get(server.address("admin"), "/healthz").0, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn who_says_nothing_takes_a_share_of_the_seats_and_is_closed_in_time() {
    let (stage, application) = (Stage::new("silent"), Application::start("app"));
    let server = start(&stage, "", &application.url);
    let begun = Instant::now();
    let said: [&[u8]; 4] = [b"", b"P", &http2::PREFACE[..23], b"GET /orders/1 HT"];
    let mut silent = Vec::new();
    for place in ["listen", "admin"] {
        for number in 0..40 {
            let mut stream = attack(server.address(place));
            // It may have been closed at once.
            stream.write_all(said[number % said.len()]).ok();
            silent.push(stream);
        }
        assert_served(&server, &stage);
    }
    let open = silent.iter().take(40).filter(|stream| !is_closed(stream)).count();
    assert!(open <= SHARE, "{open} of one peer");
    for stream in &silent {
        wait_until("the end of a silent connection", || is_closed(stream));
    }
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    assert_served(&server, &stage);
}

#[test]
fn one_client_of_http2_leaves_connections_to_the_application_for_others() {
    let (stage, application) = (Stage::new("streams"), Application::start("app"));
    let server = start(&stage, "", &application.url);
    let token = format!("Bearer {}", stage.token("read:orders"));
    // Answers that nobody takes, and then bodies that do not end.
    for (window, flags, method) in [(0, http2::END_STREAM, "GET"), (65_535, 0, "POST")] {
        let mut connections = Vec::new();
        for _ in 0..6 {
            let mut stream = attack(server.address("listen"));
            assert!(http2::send(&mut stream, &http2::hello(http2::INITIAL_WINDOW_SIZE, window)));
            for number in 0..100 {
                let head = http2::request(2 * number + 1, flags, method, "/orders/1", &token);
                http2::send(&mut stream, &head);
                if flags == 0 {
                    http2::send(&mut stream, &http2::frame(http2::DATA, 0, 2 * number + 1, b"x"));
                }
            }
            connections.push(stream);
        }
        for _ in 0..3 {
            assert_served(&server, &stage);
        }
        let (kind, _, settings) = http2::next(&mut connections[0]).expect("it says what it allows");
        assert_eq!(kind, http2::SETTINGS);
        let most = settings.chunks(6).find(|pair| pair[..2] == http2::MAX_CONCURRENT_STREAMS.to_be_bytes());
        assert_eq!(most.map(|pair| &pair[2..]), Some(&[0, 0, 0, 100][..]));
    }
}

#[test]
fn a_peer_can_be_given_more_or_less() {
    let (stage, application) = (Stage::new("share"), Application::start("app"));
    let server = start(&stage, "connections_per_peer = 2\n", &application.url);
    let open: Vec<_> = (0..4).map(|_| attack(server.address("listen"))).collect();
    wait_until("the end of two", || open.iter().filter(|stream| is_closed(stream)).count() == 2);
    assert_served(&server, &stage);
    drop(open);
}
