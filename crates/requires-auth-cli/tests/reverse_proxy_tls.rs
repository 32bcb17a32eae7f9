//! `serve` as a reverse proxy in front of an application that speaks TLS.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use self::support::Server;
use self::support::application::Application;
use self::support::gateway::{AUDIENCE, ISSUER, Stage, ask, connect, status};
use self::support::run;

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::new(Vec::new()).expect("names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// Puts TLS before an application, with a certificate of this CA for this name; gives the port.
fn terminate(application: &Application, ca: &Ca, name: &str, protocol: &[u8]) -> u16 {
    let key = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new([name.to_owned()]).expect("a name").signed_by(&key, ca);
    let chain = vec![certificate.expect("a certificate").der().clone()];
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions").with_no_client_auth();
    let mut config = builder.with_single_cert(chain, private).expect("a pair");
    config.alpn_protocols = vec![protocol.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let plain = application.url.trim_start_matches("http://").to_owned();
    let (sender, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            sender.send(listener.local_addr().expect("an address").port()).expect("it is waited for");
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, plain) = (acceptor.clone(), plain.clone());
                tokio::spawn(async move {
                    let mut tls = acceptor.accept(stream).await.ok()?;
                    let mut plain = TcpStream::connect(plain).await.ok()?;
                    tokio::io::copy_bidirectional(&mut tls, &mut plain).await.ok()
                });
            }
        });
    });
    port.recv().expect("a port")
}

/// Configures a gateway in front of `https://localhost` at this port.
fn configure(stage: &Stage, port: u16, settings: &str) {
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[reverse_proxy]\nupstream = \"https://localhost:{port}\"\n{settings}\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"GET /*\"\n"
    ));
}

fn trust(stage: &Stage, ca: &Ca) {
    fs::write(stage.folder.join("ca.pem"), ca.pem()).expect("a file");
}

fn request(stage: &Stage, server: &Server, path: &str) -> (u16, String) {
    let token = stage.token("x");
    let head = format!("GET {path} HTTP/1.1\r\nHost: api.example.com\r\nAuthorization: Bearer {token}\r\n");
    ask(server.address("listen"), &head)
}

#[test]
fn requests_and_websockets_reach_an_application_over_tls() {
    let (stage, application, ca) = (Stage::new("upstream-tls"), Application::start("one"), ca());
    let port = terminate(&application, &ca, "localhost", b"http/1.1");
    trust(&stage, &ca);
    configure(&stage, port, "ca = \"ca.pem\"");
    let server = stage.start();

    let (status_of_answer, answer) = request(&stage, &server, "/orders/1");
    assert_eq!(status_of_answer, 200, "{answer}");
    let received = application.received();
    assert_eq!((received.len(), received[0].all("host")), (1, vec!["api.example.com"]));
    // Without a token nothing is sent on.
    let (refused, _) = ask(server.address("listen"), "GET /orders/1 HTTP/1.1\r\nHost: a\r\n");
    assert_eq!((refused, application.received().len()), (401, 0));

    let mut stream = connect(server.address("listen"));
    let token = stage.token("x");
    let head = format!(
        "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut read_until = |end: &str| {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("there is more");
            read.extend(byte);
        }
        String::from_utf8_lossy(&read).into_owned()
    };
    let answer = read_until("\r\n\r\n");
    assert_eq!(status(&answer), 101, "{answer}");
    stream.write_all(b"\x01no HTTP\n").expect("it reads");
    let mut echoed = [0; 9];
    stream.read_exact(&mut echoed).expect("it is echoed");
    assert_eq!(&echoed, b"\x01no HTTP\n");
}

#[test]
fn an_application_with_another_certificate_gets_nothing_and_the_log_says_why() {
    let (application, own, other) = (Application::start("one"), ca(), ca());
    for (name, host, issued_by, protocol, settings, cause) in [
        ("ca", "localhost", &other, &b"http/1.1"[..], "ca = \"ca.pem\"", "certificate"),
        ("name", "app.internal", &own, b"http/1.1", "ca = \"ca.pem\"", "not valid for name"),
        ("machine", "localhost", &own, b"http/1.1", "", "certificate"),
        ("protocol", "localhost", &own, b"h2", "ca = \"ca.pem\"", "TLS with localhost"),
    ] {
        let stage = Stage::new(&format!("upstream-tls-{name}"));
        let port = terminate(&application, issued_by, host, protocol);
        trust(&stage, &own);
        configure(&stage, port, settings);
        let mut server = stage.start();
        let (status, answer) = request(&stage, &server, "/orders/1");
        assert_eq!(status, 502, "{name}: {answer}");
        assert!(answer.contains("gateway.upstream_unreachable"), "{name}: {answer}");
        assert!(!answer.contains("certificate"), "a client is not told: {answer}");
        assert_eq!(application.received().len(), 0, "{name}");
        server.signal("TERM");
        let log = server.stderr();
        assert!(log.contains("TLS with localhost") && log.contains(cause), "{name}: {log}");
    }
}

#[test]
fn an_application_that_does_not_speak_tls_gets_nothing() {
    let (stage, application, ca) = (Stage::new("upstream-plain"), Application::start("one"), ca());
    trust(&stage, &ca);
    let port = application.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    configure(&stage, port, "ca = \"ca.pem\"");
    let server = stage.start();
    assert_eq!(request(&stage, &server, "/orders/1").0, 502);
    let received = application.received();
    assert!(received.iter().all(|received| !received.head.contains("Bearer")), "{received:?}");
}

#[test]
fn certificates_that_cannot_be_read_stop_the_start() {
    let stage = Stage::new("upstream-ca");
    configure(&stage, 1, "ca = \"ca.pem\"");
    let file = stage.file();
    let serve = || run(&["serve", file.to_str().expect("UTF-8")], "");
    let missing = serve();
    assert_eq!(missing.code(), 2, "{}", missing.stderr());
    fs::write(stage.folder.join("ca.pem"), "nothing").expect("a file");
    let empty = serve();
    assert_eq!(empty.code(), 2, "{}", empty.stderr());
    assert!(empty.stderr().contains("no certificate") && empty.stderr().contains("reverse_proxy.ca"));
}
