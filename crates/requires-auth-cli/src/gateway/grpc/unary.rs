//! One message in, one message out (gRPC over HTTP/2): five bytes before a message tell whether it is compressed and
//! how long it is; the status stands behind the answer, or at its head where nothing else follows.

use std::error::Error;
use std::fmt;
use std::future::ready;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Bytes};

/// The flag and the length of a message.
const PREFIX: usize = 5;

/// The error of a body, which has none here.
type BoxError = Box<dyn Error + Send + Sync>;

const KIND: HeaderValue = HeaderValue::from_static("application/grpc");

/// The codes of gRPC that are answered here ("Status codes and their use in gRPC").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Ok = 0,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    PermissionDenied = 7,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

impl Code {
    pub(crate) const fn number(self) -> u32 {
        self as u32
    }
}

/// Why a question gets no message as its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    code: Code,
    /// Printable ASCII without `%`, so that it needs no encoding.
    message: &'static str,
}

impl Status {
    pub(crate) const fn new(code: Code, message: &'static str) -> Self {
        Self { code, message }
    }

    #[cfg(test)]
    pub(crate) const fn code(self) -> Code {
        self.code
    }

    fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from(self.code.number()));
        if !self.message.is_empty() {
            headers.insert("grpc-message", HeaderValue::from_static(self.message));
        }
        headers
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

/// Whether it is asked in gRPC: a POST over HTTP/2 with the content type of gRPC (gRPC over HTTP/2, "Requests").
pub(crate) fn is_grpc<B>(request: &Request<B>) -> bool {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let kind = types.next().filter(|_| types.next().is_none()).and_then(|kind| kind.to_str().ok());
    // `application/grpc-web` is another protocol.
    let rest = kind.and_then(|kind| kind.strip_prefix("application/grpc"));
    request.version() == Version::HTTP_2
        && request.method() == Method::POST
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

/// Reads the one message of a request. Of a body that is longer than it may be no more is read than tells so.
pub(crate) async fn read<B: Body<Data = Bytes>>(request: Request<B>, limit: usize) -> Result<Bytes, Status> {
    if request.headers().get("grpc-encoding").is_some_and(|encoding| encoding != "identity") {
        return Err(Status::new(Code::Unimplemented, "messages may not be compressed"));
    }
    let mut body = Box::pin(request.into_body());
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Status::new(Code::Internal, "the request broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        read.extend_from_slice(&data);
        let length = message_length(&read, limit)?;
        if length.is_some_and(|length| read.len() > PREFIX + length) {
            return Err(Status::new(Code::Internal, "there is more than one message"));
        }
    }
    match message_length(&read, limit)? {
        Some(length) if read.len() == PREFIX + length => Ok(Bytes::from(read).slice(PREFIX..)),
        _ => Err(Status::new(Code::Internal, "the message is not complete")),
    }
}

/// How long the message is, once its prefix is there.
fn message_length(read: &[u8], limit: usize) -> Result<Option<usize>, Status> {
    let Some(&[flag, ref length @ ..]) = read.first_chunk::<PREFIX>() else { return Ok(None) };
    if flag != 0 {
        return Err(Status::new(Code::Internal, "messages may not be compressed"));
    }
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(Status::new(Code::OutOfRange, "the message is too long"));
    }
    Ok(Some(length))
}

/// The answer to a question: a message and the status behind it, or the status alone.
pub(crate) fn answer(
    answered: Result<Vec<u8>, Status>,
) -> Response<impl Body<Data = Bytes, Error = BoxError> + Send> {
    let mut response = match answered {
        Ok(message) => {
            let trailers = Status::new(Code::Ok, "").headers();
            Response::new(Either::Left(framed(&message).with_trailers(ready(Some(Ok(trailers))))))
        }
        Err(status) => {
            let mut response = Response::new(Either::Right(Full::default()));
            *response.headers_mut() = status.headers();
            response
        }
    };
    response.headers_mut().insert(CONTENT_TYPE, KIND);
    response
}

fn framed(message: &[u8]) -> Full<Bytes> {
    // An answer has at most some thousand bytes.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    Full::new([&[0], &length.to_be_bytes()[..], message].concat().into())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::channel::Channel;

    use super::*;

    const LIMIT: usize = 8;

    /// A body that comes in these pieces.
    async fn read_pieces(pieces: &[&'static [u8]]) -> Result<Bytes, Code> {
        let (mut sender, body) = Channel::<Bytes, Infallible>::new(pieces.len() + 1);
        for piece in pieces {
            sender.send_data(Bytes::from_static(piece)).await.expect("a reader");
        }
        drop(sender);
        read(Request::new(body), LIMIT).await.map_err(Status::code)
    }

    #[tokio::test]
    async fn a_message_is_read_however_it_comes() {
        for pieces in [
            &[&b"\0\0\0\0\x03abc"[..]][..],
            &[b"\0\0", b"\0\0\x03ab", b"", b"c"],
            &[b"", b"\0\0\0\0\x03", b"abc"],
        ] {
            assert_eq!(read_pieces(pieces).await.as_deref(), Ok(&b"abc"[..]), "{pieces:?}");
        }
        assert_eq!(read_pieces(&[b"\0\0\0\0\0"]).await.as_deref(), Ok(&b""[..]));
        assert_eq!(read_pieces(&[b"\0\0\0\0\x08abcdefgh"]).await.as_deref(), Ok(&b"abcdefgh"[..]));
    }

    #[tokio::test]
    async fn what_is_not_one_message_is_refused() {
        for (pieces, code) in [
            (&[][..], Code::Internal),
            (&[&b"\0\0\0\0"[..]][..], Code::Internal),
            (&[b"\0\0\0\0\x03", b"ab"], Code::Internal),
            (&[b"\0\0\0\0\x03ab", b"cd"], Code::Internal),
            (&[b"\0\0\0\0\0\0\0\0\0\0"], Code::Internal),
            (&[b"\x01\0\0\0\x03abc"], Code::Internal),
            (&[b"\x02\0\0\0\x03abc"], Code::Internal),
            (&[b"\0\0\0\0\x09"], Code::OutOfRange),
            (&[b"\0\xff\xff\xff\xff"], Code::OutOfRange),
        ] {
            assert_eq!(read_pieces(pieces).await, Err(code), "{pieces:?}");
        }
        for (encoding, expected) in [("identity", Ok(())), ("gzip", Err(Code::Unimplemented))] {
            let request = Request::builder().header("grpc-encoding", encoding);
            let request = request.body(Full::new(Bytes::from_static(b"\0\0\0\0\0"))).expect("a request");
            let read = read(request, LIMIT).await;
            assert_eq!(read.map(drop).map_err(Status::code), expected, "{encoding}");
        }
    }

    #[tokio::test]
    async fn the_status_stands_behind_the_message_or_at_the_head() {
        let (parts, body) = answer(Ok(b"abc".to_vec())).into_parts();
        let body = body.collect().await.expect("a body");
        assert!(!parts.headers.contains_key("grpc-status"));
        assert_eq!(body.trailers().expect("trailers")["grpc-status"], "0");
        assert_eq!(body.to_bytes(), &b"\0\0\0\0\x03abc"[..]);

        let response = answer(Err(Status::new(Code::PermissionDenied, "this peer may not ask")));
        assert!(response.body().is_end_stream(), "nothing follows");
        assert_eq!(response.headers()["grpc-status"], "7");
        assert_eq!(response.headers()["grpc-message"], "this peer may not ask");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/grpc");
    }
}
