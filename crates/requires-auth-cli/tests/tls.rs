//! `serve` with TLS: both protocols, another certificate while it runs, and nothing in plain text.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use self::support::Server;
use self::support::gateway::{AUDIENCE, ISSUER, PATIENCE, Stage, connect};

/// Puts a fresh certificate into the stage.
fn certify(stage: &Stage) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(stage.folder.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
    fs::write(stage.folder.join("cert.pem"), made.cert.pem()).expect("a file");
    made.cert.der().clone()
}

fn start(stage: &Stage) -> Server {
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\ntls = {{ certificate = \"cert.pem\", key = \"key.pem\" }}\n\
         [forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"GET /orders\"\nscopes = \"read:orders\"\n"
    ));
    stage.start()
}

/// Shakes hands as a client that trusts this certificate and no other.
async fn shake_hands(
    server: &Server,
    trusted: &CertificateDer<'static>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let stream = TcpStream::connect(server.address("listen").trim_start_matches("https://")).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn question(stage: &Stage) -> http::Request<Empty<Bytes>> {
    http::Request::get("https://localhost/forward-auth/caddy")
        .header("host", "localhost")
        .header("x-forwarded-method", "GET")
        .header("x-forwarded-uri", "/orders")
        .header("authorization", format!("Bearer {}", stage.token("read:orders")))
        .body(Empty::new())
        .expect("a request")
}

#[tokio::test]
async fn both_protocols_are_spoken() {
    let stage = Stage::new("tls");
    let certificate = certify(&stage);
    let server = start(&stage);
    assert!(server.address("listen").starts_with("https://"));

    let stream = shake_hands(&server, &certificate, b"http/1.1").await.expect("a connection");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let mut request = question(&stage);
    *request.uri_mut() = "/forward-auth/caddy".parse().expect("a path");
    assert_eq!(sender.send_request(request).await.expect("an answer").status(), 200);

    let stream = shake_hands(&server, &certificate, b"h2").await.expect("a connection");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    let answer = sender.send_request(question(&stage)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.expect("a body");
}

#[test]
fn what_is_no_tls_gets_no_answer() {
    let stage = Stage::new("tls-plain");
    certify(&stage);
    let server = start(&stage);
    let mut stream = connect(server.address("listen").trim_start_matches("https://"));
    let token = stage.token("read:orders");
    let plain = format!(
        "GET /forward-auth/caddy HTTP/1.1\r\nHost: a\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /orders\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(plain.as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
}

/// The greeting of a client that speaks this version at most, and the suites of all of them.
fn greeting(version: [u8; 2]) -> Vec<u8> {
    let sized = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).expect("it is short");
        [&length.to_be_bytes()[..], bytes].concat()
    };
    let suites = sized(&[0xc0, 0x2b, 0xc0, 0x09, 0xc0, 0x0a, 0x00, 0x2f]);
    // Groups (P-256), formats of points, signatures (ECDSA with SHA-256).
    let extensions = sized(&[0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3]);
    let hello = [&version[..], &[7; 32], &[0], &suites, &[1, 0], &extensions].concat();
    [&[0x16, 3, 1][..], &sized(&[&[1, 0][..], &sized(&hello)].concat())].concat()
}

#[test]
fn a_version_that_is_not_safe_is_refused() {
    // An alert, fatal, protocol_version (RFC 8446 §6); RFC 8996 §5 wants it for TLS 1.1 and before.
    const REFUSED: [u8; 2] = [2, 70];
    let stage = Stage::new("tls-versions");
    certify(&stage);
    let server = start(&stage);
    for (version, is_spoken) in [([3, 0], false), ([3, 1], false), ([3, 2], false), ([3, 3], true)] {
        let mut stream = connect(server.address("listen").trim_start_matches("https://"));
        stream.write_all(&greeting(version)).expect("it reads");
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(answer[0] == 0x16, is_spoken, "{version:?}: {answer:?}");
        assert_eq!(answer[0] == 0x15 && answer[5..] == REFUSED, !is_spoken, "{version:?}: {answer:?}");
    }
}

#[tokio::test]
async fn another_certificate_is_shown_after_a_reload_and_a_broken_one_is_not() {
    let stage = Stage::new("tls-reload");
    let first = certify(&stage);
    let server = start(&stage);
    shake_hands(&server, &first, b"h2").await.expect("the first certificate");

    fs::write(stage.folder.join("cert.pem"), "no certificate").expect("a file");
    server.signal("HUP");
    // The file is read again at once and by the clock; for as long as it is broken, the first one is shown.
    shake_hands(&server, &first, b"h2").await.expect("the first certificate");

    let second = certify(&stage);
    server.signal("HUP");
    let until = tokio::time::Instant::now() + PATIENCE;
    while shake_hands(&server, &second, b"h2").await.is_err() {
        assert!(tokio::time::Instant::now() < until, "the second certificate is not shown");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(shake_hands(&server, &first, b"h2").await.is_err(), "the first one is gone");
}
