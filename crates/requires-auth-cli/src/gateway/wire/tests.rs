use proptest::prelude::*;

use super::*;

/// Bytes of a client, and the fault in them, if any, with the text before it.
struct Case {
    bytes: &'static str,
    fault: Option<(Fault, &'static str)>,
}

const fn fine(bytes: &'static str) -> Case {
    Case { bytes, fault: None }
}

const fn wrong(fault: Fault, before: &'static str, bytes: &'static str) -> Case {
    Case { bytes, fault: Some((fault, before)) }
}

/// What a server takes, and what two servers may read in two ways.
const CASES: &[Case] = &[
    fine("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    fine("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nEmpty:\r\n\r\nGET / HTTP/1.0\r\n\r\n"),
    fine("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n\n\r\n\0GET / HTTP/1.1\r\n\r\n"),
    fine("POST / HTTP/1.1\r\ncontent-length:\t0 \r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    fine(
        "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\n\r\n;\r\n0a\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ),
    fine(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ),
    fine("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    fine("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
    fine("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\0no HTTP/1.1 at all"),
    wrong(Fault::Fragment, "GET /admin", "GET /admin#/public HTTP/1.1\r\nHost: a\r\n\r\n"),
    wrong(Fault::BareLf, "PRI * HTTP/2.0\r\n\r\nSM\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\n"),
    wrong(Fault::BareLf, "", "\nGET / HTTP/1.1\r\n\r\n"),
    wrong(Fault::BareLf, "GET / HTTP/1.1", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    wrong(Fault::BareLf, "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
    wrong(
        Fault::BareLf,
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\nGET /b HTTP/1.1\r\n\r\n",
    ),
    wrong(Fault::BareCr, "\r", "\rGET / HTTP/1.1\r\n\r\n"),
    wrong(Fault::BareCr, "GET / HTTP/1.1\r", "GET / HTTP/1.1\rHost: a\r\n\r\n"),
    wrong(Fault::BareCr, "GET / HTTP/1.1\r\nHost: a\r", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    wrong(Fault::BareCr, "GET / HTTP/1.1\r\n\r", "GET / HTTP/1.1\r\n\rX: b\r\n\r\n"),
    wrong(Fault::Fold, "GET / HTTP/1.1\r\nX: a\r\n", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n"),
    wrong(Fault::Fold, "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\tX: a\r\n\r\n"),
    wrong(
        Fault::FieldName,
        "GET / HTTP/1.1\r\nContent-Length",
        "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc",
    ),
    wrong(Fault::FieldName, "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n: 3\r\n\r\n"),
    wrong(Fault::FieldName, "GET / HTTP/1.1\r\nX", "GET / HTTP/1.1\r\nX\r\n\r\n"),
    wrong(
        Fault::LengthTwice,
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    ),
    wrong(
        Fault::LengthForm,
        "POST / HTTP/1.1\r\nContent-Length: 3, 3\r",
        "POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc",
    ),
    wrong(
        Fault::LengthForm,
        "POST / HTTP/1.1\r\nContent-Length: +3\r",
        "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc",
    ),
    wrong(
        Fault::LengthForm,
        "POST / HTTP/1.1\r\nContent-Length:\r",
        "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
    ),
    wrong(
        Fault::LengthForm,
        "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r",
        "POST / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n",
    ),
    wrong(
        Fault::LengthForm,
        "POST / HTTP/1.1\r\nContent-Length: 0000000000000000000000000\r",
        "POST / HTTP/1.1\r\nContent-Length: 0000000000000000000000000\r\n\r\n",
    ),
    wrong(
        Fault::LengthAndEncoding,
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    wrong(
        Fault::LengthAndEncoding,
        "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\ncontent-length:0\r\n\r",
        "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\ncontent-length:0\r\n\r\n0\r\n\r\n",
    ),
    wrong(
        Fault::EncodingTwice,
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    wrong(
        Fault::Encoding,
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ),
    wrong(
        Fault::Encoding,
        "POST / HTTP/1.1\r\nTransfer-Encoding: \u{c}chunked\r",
        "POST / HTTP/1.1\r\nTransfer-Encoding: \u{c}chunked\r\n\r\n0\r\n\r\n",
    ),
    wrong(
        Fault::Encoding,
        "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r",
        "POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n",
    ),
    wrong(
        Fault::EncodingInHttp10,
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    wrong(Fault::ChunkExtension, "", "3;a=b\r\nabc\r\n0\r\n\r\n"),
    wrong(Fault::ChunkExtension, "", "3 \r\nabc\r\n0\r\n\r\n"),
    wrong(Fault::ChunkSize, "", "0x3\r\nabc\r\n0\r\n\r\n"),
    wrong(Fault::ChunkSize, "", "\r\nabc\r\n0\r\n\r\n"),
    wrong(Fault::ChunkSize, "", "-3\r\nabc\r\n0\r\n\r\n"),
    wrong(Fault::ChunkSize, "", "11111111111111111\r\nabc\r\n0\r\n\r\n"),
    wrong(Fault::BareLf, "", "3\nabc\r\n0\r\n\r\n"),
    wrong(Fault::BareCr, "", "3\rabc\r\n0\r\n\r\n"),
    wrong(Fault::ChunkEnd, "", "3\r\nabcd\r\n0\r\n\r\n"),
    wrong(Fault::ChunkEnd, "", "3\r\nabc\n0\r\n\r\n"),
    wrong(Fault::ChunkEnd, "", "3\r\nabc\rd0\r\n\r\n"),
    wrong(Fault::FramingInTrailer, "", "0\r\nContent-Length: 3\r\n\r\n"),
    wrong(Fault::FramingInTrailer, "", "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    wrong(Fault::BareLf, "", "0\r\nX: y\n\r\n"),
    wrong(Fault::Fold, "", "0\r\nX: y\r\n z\r\n\r\n"),
    wrong(
        Fault::Early,
        "GET / HTTP/1.1\r\nupgrade: WebSocket\r\n\r\n",
        "GET / HTTP/1.1\r\nupgrade: WebSocket\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ),
    wrong(
        Fault::Early,
        "CONNECT a.example:443 HTTP/1.1\r\n\r\n",
        "CONNECT a.example:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ),
];

const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The bytes of a case; one that begins with a chunk stands behind a head.
fn bytes_of(case: &Case) -> String {
    let is_body = case.fault.is_some_and(|(_, before)| before.is_empty()) && !case.bytes.contains("HTTP/1.1");
    if is_body { format!("{CHUNKED}{}", case.bytes) } else { case.bytes.to_owned() }
}

/// Shows a checker these parts one after the other.
fn check<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Option<(usize, Fault)> {
    let mut checker = Checker::new(Switch::default());
    let mut at = 0;
    for part in parts {
        if let Err(found) = checker.check(part) {
            return Some((at + found.at, found.fault));
        }
        at += part.len();
    }
    None
}

#[test]
fn what_can_be_read_in_two_ways_is_a_fault_where_it_begins_to_be_one() {
    for case in CASES {
        let bytes = bytes_of(case);
        let found = check([bytes.as_bytes()]);
        assert_eq!(found.map(|(_, fault)| fault), case.fault.map(|(fault, _)| fault), "{bytes:?}");
        if let (Some((at, _)), Some((_, before))) =
            (found, case.fault.filter(|(_, before)| !before.is_empty()))
        {
            assert_eq!(bytes.get(..at), Some(before));
        }
    }
}

#[test]
fn it_does_not_matter_how_the_bytes_arrive() {
    for case in CASES {
        let bytes = bytes_of(case);
        let whole = check([bytes.as_bytes()]);
        assert_eq!(check(bytes.as_bytes().chunks(1)), whole, "{bytes:?} one by one");
        for cut in 0..bytes.len() {
            let (one, two) = bytes.as_bytes().split_at(cut);
            assert_eq!(check([one, two]), whole, "{bytes:?} cut at {cut}");
        }
    }
}

proptest! {
    #[test]
    fn mutated_requests_get_one_verdict_however_they_are_cut(
        which in 0..CASES.len(), next in 0..CASES.len(), at in any::<prop::sample::Index>(), byte in any::<u8>(), size in 1_usize..64,
    ) {
        let mut bytes = [bytes_of(&CASES[which]), bytes_of(&CASES[next])].concat().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        prop_assert_eq!(check(bytes.chunks(size)), check([bytes.as_slice()]));
    }

    #[test]
    fn bodies_of_any_content_pass(body in prop::collection::vec(any::<u8>(), 0..300), chunk in 1_usize..40) {
        let mut bytes = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(CHUNKED.as_bytes());
        for chunk in body.chunks(chunk) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n");
        prop_assert_eq!(check([bytes.as_slice()]), None);
    }
}

#[test]
fn the_answer_decides_how_bytes_after_an_upgrade_are_read() {
    const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n";
    let answer = |status| {
        let switch = Switch::default();
        let mut checker = Checker::new(switch.clone());
        checker.check(UPGRADE).expect("a request");
        let mut response = http::Response::new(());
        *response.status_mut() = status;
        switch.answer(&response);
        checker
    };
    let mut switched = answer(http::StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(switched.check(b"\x81\n\n\0"), Ok(()));
    let mut stayed = answer(http::StatusCode::UNAUTHORIZED);
    assert_eq!(stayed.check(UPGRADE), Ok(()), "another request");
    let early = stayed.check(b"G").map_err(|found| found.fault);
    assert_eq!(early, Err(Fault::Early), "the answer before does not count for it");
}

/// The statuses that a server of ours gives to these bytes, with the checker before it or without. They arrive in pieces
/// of this size.
async fn statuses(bytes: &[u8], is_checked: bool, size: usize) -> Vec<u16> {
    use http_body_util::{BodyExt as _, Empty};
    use hyper::body::Bytes;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (client, server) = tokio::io::duplex(size);
    let server: Box<dyn super::super::listen::Stream> = if is_checked {
        Box::new(Checked::new(server, Peer::UnixSocket, Switch::default()))
    } else {
        Box::new(server)
    };
    let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async {
        // A body that breaks off is answered by closing the connection.
        request.into_body().collect().await.map(|_| http::Response::new(Empty::<Bytes>::new()))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().half_close(true);
    let serving = builder.serve_connection(TokioIo::new(server), service);
    let (mut reader, mut writer) = tokio::io::split(client);
    let mut answer = String::new();
    let writing = async {
        // It may close before it has read all.
        writer.write_all(bytes).await.ok();
        writer.shutdown().await.ok();
    };
    let (_, (), read) = tokio::join!(serving, writing, reader.read_to_string(&mut answer));
    read.expect("an answer");
    answer.split("HTTP/1.").skip(1).filter_map(|rest| rest.get(2..5)?.parse().ok()).collect()
}

#[tokio::test]
async fn a_server_behind_it_answers_400_or_nothing_and_never_takes_the_request() {
    for case in CASES.iter().filter(|case| !case.bytes.starts_with("PRI")) {
        let bytes = bytes_of(case);
        let requests = bytes.matches("HTTP/1.").count();
        for size in [1, 7, 1 << 16] {
            let statuses = statuses(bytes.as_bytes(), true, size).await;
            match case.fault {
                None => assert_eq!(statuses, vec![200; requests], "{bytes:?} by {size}"),
                // A body that breaks off gets what the one who reads it answers: here nothing.
                Some(_) if bytes.starts_with(CHUNKED) => assert!(statuses.is_empty(), "{bytes:?} by {size}"),
                // What has been read before cannot be taken back: it is the request's client that is gone.
                Some((Fault::Early, _)) if size < 1 << 16 => {
                    assert!(statuses.len() <= 1, "{bytes:?} by {size}");
                }
                Some(_) => assert_eq!(statuses, [400], "{bytes:?} by {size}"),
            }
        }
    }
}

#[tokio::test]
async fn without_it_the_server_takes_some_of_these_requests() {
    let mut taken = Vec::new();
    for case in CASES {
        let Some((fault, _)) = case.fault else { continue };
        if statuses(bytes_of(case).as_bytes(), false, 1 << 16).await.contains(&200) && !taken.contains(&fault)
        {
            taken.push(fault);
        }
    }
    // What hyper forgives; if it forgives less one day, this list gets shorter.
    for fault in [Fault::BareLf, Fault::LengthTwice, Fault::LengthAndEncoding, Fault::ChunkExtension] {
        assert!(taken.contains(&fault), "{fault:?} is not among {taken:?}");
    }
}
