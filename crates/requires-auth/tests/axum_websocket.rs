//! The example of a WebSocket in axum, on loopback: it lives as long as its token.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::Ipv4Addr;
use std::time::Duration;

use requires_auth::guard::Builder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{advance, pause};

#[path = "../examples/axum_websocket.rs"]
#[allow(dead_code, reason = "it is a program, of which the router is tested")]
mod example;
mod fixture;

/// The head of a handshake (RFC 6455 §4.1), with the token in `Authorization`.
fn handshake(token: &str) -> String {
    format!(
        "GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
}

/// A connection to the example, and the status of its handshake.
async fn connect(builder: Builder, token: &str) -> (TcpStream, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = example::app(&builder.build().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(handshake(token).as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let status = String::from_utf8(head).unwrap().split(' ').nth(1).unwrap().to_owned();
    (stream, status)
}

/// The first byte of a frame, and what it holds (RFC 6455 §5.2); frames here are short.
async fn frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let (kind, length) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
    let mut content = vec![0; length.into()];
    stream.read_exact(&mut content).await.unwrap();
    (kind, content)
}

/// Says something, and waits for its echo.
async fn is_answered(stream: &mut TcpStream) {
    // A text of two letters, under a mask of zeros.
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
    assert_eq!(frame(stream).await, (0x81, b"hi".to_vec()));
}

#[tokio::test]
async fn it_is_closed_when_its_token_ends() {
    let (mut stream, status) = connect(fixture::builder(), &fixture::token().mint()).await;
    assert_eq!(status, "101");
    is_answered(&mut stream).await;
    pause();
    advance(Duration::from_secs(24 * 60 * 60)).await;
    let (kind, content) = frame(&mut stream).await;
    let (code, reason) = content.split_at(2);
    assert_eq!((kind, code, reason), (0x88, &1008_u16.to_be_bytes()[..], &b"the token has expired"[..]));
}

#[tokio::test]
async fn it_stays_where_that_is_chosen() {
    let (mut stream, _) =
        connect(fixture::builder().with_close_on_expiry(false), &fixture::token().mint()).await;
    is_answered(&mut stream).await;
    pause();
    advance(Duration::from_secs(24 * 60 * 60)).await;
    is_answered(&mut stream).await;
}

#[tokio::test]
async fn it_does_not_open_without_a_valid_token() {
    let (_, status) = connect(fixture::builder(), &fixture::expired_token()).await;
    assert_eq!(status, "401");
}
