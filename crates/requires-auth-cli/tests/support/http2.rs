//! Frames of HTTP/2 (RFC 9113), written by hand: what no well-behaved client would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;

pub const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;

/// A setting that says how many bytes of each answer may come.
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_CONCURRENT_STREAMS: u16 = 3;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The beginning of a connection: the preface, and one setting.
pub fn hello(setting: u16, value: u32) -> Vec<u8> {
    let mut payload = setting.to_be_bytes().to_vec();
    payload.extend(value.to_be_bytes());
    [PREFACE, &frame(SETTINGS, 0, 0, &payload), &frame(SETTINGS, ACK, 0, &[])].concat()
}

/// The head of a request on a stream; `flags` says whether a body follows.
pub fn request(stream: u32, flags: u8, method: &str, path: &str, authorization: &str) -> Vec<u8> {
    let mut block = Vec::new();
    let pairs = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", path),
        ("authorization", authorization),
    ];
    for (name, value) in pairs {
        // Literal, without a table and without Huffman (RFC 7541 §6.2.2).
        block.push(0);
        text(&mut block, name);
        text(&mut block, value);
    }
    frame(HEADERS, flags | END_HEADERS, stream, &block)
}

fn text(block: &mut Vec<u8>, text: &str) {
    let mut rest = text.len();
    if rest < 127 {
        block.push(u8::try_from(rest).expect("a byte"));
    } else {
        block.push(127);
        rest -= 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).expect("seven bits") | 128);
            rest /= 128;
        }
        block.push(u8::try_from(rest).expect("seven bits"));
    }
    block.extend(text.as_bytes());
}

/// The next frame that a server sends: kind, stream, payload.
pub fn next(stream: &mut TcpStream) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).ok()?];
    stream.read_exact(&mut payload).ok()?;
    Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// Sends bytes, if the server still takes them.
pub fn send(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).is_ok()
}
