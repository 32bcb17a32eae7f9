//! A refusal in the terms of gRPC.

use http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::GrpcBody;
use crate::error::{Denial, Reason};

/// The status of gRPC for each HTTP status of a refusal: what
/// [a client makes of it](https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
const CODES: [(u16, u8); 7] = [
    (400, 3),  // INVALID_ARGUMENT: the request is wrong, whatever the token is
    (401, 16), // UNAUTHENTICATED: another token would help
    (403, 7),  // PERMISSION_DENIED
    (413, 8),  // RESOURCE_EXHAUSTED
    (415, 3),  // INVALID_ARGUMENT
    (429, 8),  // RESOURCE_EXHAUSTED: later
    (503, 14), // UNAVAILABLE: nobody can tell at the moment, and the call may be repeated
];

/// `UNKNOWN`: no refusal has another status than those of the table.
const UNKNOWN: u8 = 2;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// What the body of a refusal over HTTP has as `code` and `reason`.
const AUTH_CODE: HeaderName = HeaderName::from_static("auth-code");
const AUTH_REASON: HeaderName = HeaderName::from_static("auth-reason");

/// What a script may read of a refusal, beside the challenge.
const EXPOSED: &str = "grpc-status, grpc-message, auth-code, auth-reason";

/// The number of the gRPC status for a refusal: 16 `UNAUTHENTICATED` for 401, 7 `PERMISSION_DENIED` for 403, 14 `UNAVAILABLE` for
/// 503, 8 `RESOURCE_EXHAUSTED` for 429 and 413, 3 `INVALID_ARGUMENT` for 400 and 415.
///
/// The layers answer so themselves. It is for a handler that checks more, as by
/// [`check`](crate::RequiresAuth::check) or [`Policy::check`](crate::Policy::check):
///
/// ```
/// use requires_auth::{AccessToken, Policy, tonic::grpc_code};
/// use tonic::{Code, Status};
///
/// fn may_publish(token: &AccessToken) -> Result<(), Status> {
///     let checked = Policy::all_of(["publish:articles"]).check(token);
///     checked.map_err(|denial| Status::new(Code::from(grpc_code(&denial)), denial.message()))
/// }
/// # let _ = may_publish;
/// ```
pub fn grpc_code(denial: &Denial) -> i32 {
    let known = CODES.iter().find(|(status, _)| *status == denial.status());
    known.map_or(UNKNOWN, |(_, code)| *code).into()
}

/// How a call is answered, by what it says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Grpc,
    Web,
    WebText,
}

impl Format {
    /// The format of a call; `None` for a request that is not one of gRPC.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let given = headers.get(CONTENT_TYPE)?.as_bytes();
        let rows = [
            ("application/grpc-web-text", Self::WebText),
            ("application/grpc-web", Self::Web),
            ("application/grpc", Self::Grpc),
        ];
        rows.into_iter().find(|(name, _)| is_of(given, name)).map(|(_, format)| format)
    }

    /// The media type of the answer. It has no message, so that the encoding of messages is not named.
    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Grpc => "application/grpc",
            Self::Web => "application/grpc-web",
            Self::WebText => "application/grpc-web-text",
        })
    }
}

/// Whether a media type is this one, with an encoding of messages or parameters behind it, or without.
fn is_of(given: &[u8], name: &str) -> bool {
    let Some((start, rest)) = given.split_at_checked(name.len()) else { return false };
    start.eq_ignore_ascii_case(name.as_bytes()) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
}

/// The same answer; a refusal as gRPC has it, which is headers alone (trailers-only): status and message of gRPC, and the headers
/// of the challenge as metadata.
pub(super) fn translated<R>(format: Format, mut response: Response<GrpcBody<R>>) -> Response<GrpcBody<R>> {
    let Some(denial) = response.extensions().get::<Denial>() else { return response };
    let own = [
        (CONTENT_TYPE, Some(format.content_type())),
        (CONTENT_LENGTH, None),
        (GRPC_STATUS, Some(HeaderValue::from(grpc_code(denial)))),
        (GRPC_MESSAGE, HeaderValue::from_str(&percent_encoded(denial.message())).ok()),
        (AUTH_CODE, Some(HeaderValue::from_static(denial.code().as_str()))),
        (AUTH_REASON, denial.reason().map(Reason::as_str).map(HeaderValue::from_static)),
    ];
    let headers = response.headers_mut();
    for (name, value) in own {
        headers.remove(&name);
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    if format != Format::Grpc && headers.contains_key(ACCESS_CONTROL_EXPOSE_HEADERS) {
        headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    }
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = GrpcBody::empty();
    response
}

/// A message in the header `grpc-message`: printable ASCII but `%` stands as it is.
fn percent_encoded(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte.into()),
            _ => {
                let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
                encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[test]
    fn every_code_has_a_status_of_grpc() {
        for code in ErrorCode::ALL {
            assert!(CODES.iter().any(|(status, _)| *status == code.status()), "{code}");
        }
        let of = |code| grpc_code(&Denial::new(code));
        assert_eq!(of(ErrorCode::AuthorizationHeaderMissing), 16);
        assert_eq!(of(ErrorCode::InsufficientScope), 7);
        assert_eq!(of(ErrorCode::IssuerUnavailable), 14);
        assert_eq!(of(ErrorCode::InvalidRequest), 3);
        assert_eq!(of(ErrorCode::TooManyProofs), 8);
    }

    #[test]
    fn a_call_is_known_by_its_media_type() {
        let of = |value: &str| {
            let value = HeaderValue::from_str(value).expect("a value");
            Format::of(&HeaderMap::from_iter([(CONTENT_TYPE, value)]))
        };
        for (value, format) in [
            ("application/grpc", Some(Format::Grpc)),
            ("application/grpc+proto", Some(Format::Grpc)),
            ("Application/GRPC;charset=utf-8", Some(Format::Grpc)),
            ("application/grpc-web", Some(Format::Web)),
            ("application/grpc-web+proto", Some(Format::Web)),
            ("application/grpc-web-text+proto", Some(Format::WebText)),
            ("application/grpc-webbing", None),
            ("application/grpcs", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(of(value), format, "{value}");
        }
        assert_eq!(Format::of(&HeaderMap::new()), None);
    }

    #[test]
    fn a_message_is_encoded_as_grpc_wants_it() {
        assert_eq!(percent_encoded("plain ~ text"), "plain ~ text");
        assert_eq!(percent_encoded("100%\r\n\u{e9}"), "100%25%0D%0A%C3%A9");
    }

    #[test]
    fn only_a_refusal_is_translated() {
        let answer = || {
            let response = Response::builder().status(401).header("content-type", "application/json");
            response
                .header("www-authenticate", "Bearer")
                .header("content-length", "2")
                .body(vec![1, 2].into())
        };
        let plain: Response<GrpcBody<()>> = translated(Format::Grpc, answer().expect("a response"));
        assert_eq!((plain.status().as_u16(), plain.headers().len()), (401, 3));
        let mut refusal = answer().expect("a response");
        refusal.extensions_mut().insert(Denial::invalid_token(Reason::Expired));
        let translated: Response<GrpcBody<()>> = translated(Format::Web, refusal);
        assert_eq!(translated.status(), 200);
        let header = |name| translated.headers().get(name).map(|value| value.to_str().expect("ASCII"));
        assert_eq!(header("content-type"), Some("application/grpc-web"));
        assert_eq!(header("content-length"), None);
        assert_eq!(header("grpc-status"), Some("16"));
        assert_eq!(header("grpc-message"), Some("the token has expired"));
        assert_eq!((header("auth-code"), header("auth-reason")), (Some("invalid_token"), Some("expired")));
        assert_eq!(header("www-authenticate"), Some("Bearer"));
    }
}
