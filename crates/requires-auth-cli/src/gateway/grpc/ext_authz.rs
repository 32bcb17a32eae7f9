//! The messages of `envoy.service.auth.v3.Authorization/Check`: of the question what the gateway reads, of the answer
//! what it writes. The numbers of the fields are those of Envoy's definitions (`external_auth.proto`,
//! `attribute_context.proto`, `base.proto`).

use std::collections::HashMap;

use super::protobuf::{Fields, Malformed, Message};
use super::unary::Code;

/// The request that Envoy asks about: `attributes.request.http` of a `CheckRequest`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HttpRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    /// `:authority`, or `Host`.
    pub(crate) host: String,
    /// Each name once; Envoy has joined the values of one that came twice.
    pub(crate) headers: HashMap<String, String>,
    /// Each header as it came, where Envoy is told to send them so (`encode_raw_headers`).
    pub(crate) header_map: Vec<(String, Vec<u8>)>,
    /// The address of who has sent it, as Envoy sees it: `attributes.source.address`.
    pub(crate) client: String,
    /// The certificate of who has sent it, as a PEM text with escapes: `attributes.source.certificate`. Empty unless Envoy is
    /// told to send it (`include_peer_certificate`).
    pub(crate) certificate: String,
}

impl HttpRequest {
    /// Reads a `CheckRequest`; there is none where it has no request.
    pub(crate) fn read(check_request: &[u8]) -> Result<Option<Self>, Malformed> {
        let (mut request, mut client, mut certificate) = (None, "", "");
        for attributes in messages(Fields::of(check_request), 1) {
            for field in attributes? {
                match field? {
                    (1, source) => {
                        client = address_of(source.message()?)?.unwrap_or(client);
                        certificate = certificate_of(source.message()?)?.unwrap_or(certificate);
                    }
                    (4, outer) => {
                        for http in messages(outer.message()?, 2) {
                            // Parts of a message that comes in parts are put together.
                            request.get_or_insert_with(Self::default).merge(http?)?;
                        }
                    }
                    _ => {}
                }
            }
        }
        let (client, certificate) = (client.to_owned(), certificate.to_owned());
        Ok(request.map(|request| Self { client, certificate, ..request }))
    }

    fn merge(&mut self, fields: Fields<'_>) -> Result<(), Malformed> {
        for field in fields {
            match field? {
                (2, value) => value.text()?.clone_into(&mut self.method),
                (3, value) => {
                    let (name, value) = pair(value.message()?)?;
                    self.headers.insert(name, value);
                }
                (4, value) => value.text()?.clone_into(&mut self.path),
                (5, value) => value.text()?.clone_into(&mut self.host),
                (13, value) => {
                    for header in messages(value.message()?, 1) {
                        self.header_map.push(header_value(header?)?);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The messages in the fields of this number. The others are checked for their form and skipped.
fn messages(fields: Fields<'_>, number: u32) -> impl Iterator<Item = Result<Fields<'_>, Malformed>> {
    fields.filter_map(move |field| match field {
        Ok((found, value)) if found == number => Some(value.message()),
        Ok(_) => None,
        Err(malformed) => Some(Err(malformed)),
    })
}

/// The address of a `Peer`, where it says one; empty if that is not one of a socket.
fn address_of(peer: Fields<'_>) -> Result<Option<&str>, Malformed> {
    let mut found = None;
    for address in messages(peer, 1) {
        for kind in address? {
            let (number, value) = kind?;
            // Of the kinds of addresses the last one counts.
            if matches!(number, 2 | 3) {
                found = Some("");
            } else if number == 1 {
                for field in value.message()? {
                    if let (2, text) = field? {
                        found = Some(text.text()?);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// The certificate of a `Peer`, where it says one.
fn certificate_of(peer: Fields<'_>) -> Result<Option<&str>, Malformed> {
    let mut found = None;
    for field in peer {
        if let (5, text) = field? {
            found = Some(text.text()?);
        }
    }
    Ok(found)
}

/// An entry of a map of texts.
fn pair(fields: Fields<'_>) -> Result<(String, String), Malformed> {
    let mut pair = (String::new(), String::new());
    for field in fields {
        match field? {
            (1, value) => value.text()?.clone_into(&mut pair.0),
            (2, value) => value.text()?.clone_into(&mut pair.1),
            _ => {}
        }
    }
    Ok(pair)
}

/// A `HeaderValue`: its value is text or, where that is empty, bytes.
fn header_value(fields: Fields<'_>) -> Result<(String, Vec<u8>), Malformed> {
    let (mut name, mut text, mut raw) = (String::new(), "", &b""[..]);
    for field in fields {
        match field? {
            (1, value) => value.text()?.clone_into(&mut name),
            (2, value) => text = value.text()?,
            (3, value) => raw = value.bytes()?,
            _ => {}
        }
    }
    Ok((name, if raw.is_empty() { text.as_bytes() } else { raw }.to_vec()))
}

/// A header that Envoy is to set.
#[derive(Clone, Debug)]
pub(crate) struct HeaderOption {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) action: AppendAction,
}

/// `HeaderAppendAction`: what happens to a header of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppendAction {
    AppendIfExistsOrAdd = 0,
    AddIfAbsent = 1,
    OverwriteIfExistsOrAdd = 2,
}

/// A `CheckResponse`.
#[derive(Clone, Debug)]
pub(crate) enum CheckResponse {
    /// An `OkHttpResponse`.
    Allowed {
        /// Set on the request to the application.
        headers: Vec<HeaderOption>,
        /// Taken away from it.
        headers_to_remove: Vec<String>,
        /// Added to the answer of the application.
        response_headers_to_add: Vec<HeaderOption>,
    },
    /// A `DeniedHttpResponse`: the answer to the client.
    Denied { code: Code, status: u16, headers: Vec<HeaderOption>, body: String },
}

impl CheckResponse {
    /// The bytes. The status is always there: Envoy takes a missing one for zero, which is an allow.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let (code, field, response) = match self {
            Self::Allowed { headers, headers_to_remove, response_headers_to_add } => {
                let mut ok = options(Message::default(), 2, &headers);
                for name in &headers_to_remove {
                    ok = ok.with_text(5, name);
                }
                (Code::Ok, 3, options(ok, 6, &response_headers_to_add))
            }
            Self::Denied { code, status, headers, body } => {
                let status = Message::default().with_number(1, status.into());
                let denied = options(Message::default().with_message(1, &status), 2, &headers);
                (code, 2, denied.with_text(3, &body))
            }
        };
        let status = Message::default().with_number(1, code.number());
        Message::default().with_message(1, &status).with_message(field, &response).into_bytes()
    }
}

/// Writes a `HeaderValueOption` for each.
fn options(message: Message, field: u32, options: &[HeaderOption]) -> Message {
    options.iter().fold(message, |message, HeaderOption { name, value, action }| {
        let header = Message::default().with_text(1, name).with_text(2, value);
        let keep_empty_value = 1;
        let option = Message::default()
            .with_message(1, &header)
            .with_number(3, *action as u32)
            .with_number(4, keep_empty_value);
        message.with_message(field, &option)
    })
}

#[cfg(test)]
mod tests {
    use envoy_types::ext_authz::v3::pb::{self, CheckRequest, HeaderAppendAction, HttpResponse};
    use envoy_types::pb::envoy::config::core::v3::{
        Address, HeaderMap, HeaderValue, Pipe, SocketAddress, address,
    };
    use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
    use envoy_types::pb::envoy::service::auth::v3::attribute_context::{self, Peer};
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    /// The request as Envoy's own definitions have it, and the same one as it is read here.
    fn expected(question: CheckRequest) -> Option<HttpRequest> {
        let attributes = question.attributes?;
        let certificate =
            attributes.source.as_ref().map_or_else(String::new, |source| source.certificate.clone());
        let client = match attributes.source.and_then(|source| source.address?.address) {
            Some(address::Address::SocketAddress(socket)) => socket.address,
            _ => String::new(),
        };
        let http = attributes.request?.http?;
        let raw = http.header_map.map_or_else(Vec::new, |map| map.headers);
        let raw = raw.into_iter().map(|HeaderValue { key, value, raw_value }| {
            (key, if raw_value.is_empty() { value.into_bytes() } else { raw_value })
        });
        Some(HttpRequest {
            method: http.method,
            path: http.path,
            host: http.host,
            headers: http.headers,
            header_map: raw.collect(),
            client,
            certificate,
        })
    }

    fn http_request() -> impl Strategy<Value = attribute_context::HttpRequest> {
        let pair = || (".{0,8}", ".{0,8}");
        let raw = (".{0,8}", ".{0,4}", prop::collection::vec(any::<u8>(), 0..4));
        let raw = raw.prop_map(|(key, value, raw_value)| HeaderValue { key, value, raw_value });
        let map = prop::option::of(prop::collection::vec(raw, 0..4));
        let map = map.prop_map(|headers| headers.map(|headers| HeaderMap { headers }));
        let texts = (".{0,8}", ".{0,200}", ".{0,8}", ".{0,8}");
        (texts, prop::collection::hash_map(pair().0, pair().1, 0..8), map, any::<i64>()).prop_map(
            |((method, path, host, body), headers, header_map, size)| attribute_context::HttpRequest {
                method,
                path,
                host,
                headers,
                header_map,
                body,
                size,
                ..Default::default()
            },
        )
    }

    fn question(http: Option<attribute_context::HttpRequest>) -> CheckRequest {
        let (principal, certificate) = ("CN=a".to_owned(), format!("%2D{}", http.is_some()));
        let request = attribute_context::Request { http, ..Default::default() };
        let socket = SocketAddress { address: "192.0.2.1".to_owned(), ..Default::default() };
        let address = Some(Address { address: Some(address::Address::SocketAddress(socket)) });
        let source =
            Peer { service: "edge".to_owned(), address, principal, certificate, ..Default::default() };
        let attributes =
            AttributeContext { source: Some(source), request: Some(request), ..Default::default() };
        CheckRequest { attributes: Some(attributes) }
    }

    proptest! {
        #[test]
        fn a_question_is_read_as_envoy_means_it(http in prop::option::of(http_request())) {
            let question = question(http);
            let bytes = question.encode_to_vec();
            prop_assert_eq!(HttpRequest::read(&bytes), Ok(expected(question)));
        }

        /// Two messages one after the other are one message.
        #[test]
        fn a_question_in_parts_is_put_together(first in http_request(), second in http_request()) {
            let mut bytes = question(Some(first)).encode_to_vec();
            bytes.extend(question(Some(second)).encode_to_vec());
            let whole = CheckRequest::decode(&bytes[..]).expect("a message");
            prop_assert_eq!(HttpRequest::read(&bytes), Ok(expected(whole)));
        }

        /// What other readers take is read the same, or not at all; nothing panics.
        #[test]
        fn no_bytes_are_read_as_something_else(
            http in http_request(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = question(Some(http)).encode_to_vec();
            for (index, byte) in changes {
                let place = index.index(bytes.len());
                bytes[place] = byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            if let (Ok(theirs), Ok(ours)) = (CheckRequest::decode(&bytes[..]), HttpRequest::read(&bytes)) {
                prop_assert_eq!(ours, expected(theirs));
            }
        }
    }

    #[test]
    fn only_a_socket_has_the_address_of_a_client() {
        let pipe = address::Address::Pipe(Pipe { path: "/run/envoy".to_owned(), ..Default::default() });
        let mut other = question(Some(attribute_context::HttpRequest::default()));
        let client = |question: &CheckRequest| {
            HttpRequest::read(&question.encode_to_vec()).expect("a message").expect("a request").client
        };
        assert_eq!(client(&other), "192.0.2.1");
        let attributes = other.attributes.as_mut().expect("attributes");
        attributes.source =
            Some(Peer { address: Some(Address { address: Some(pipe) }), ..Default::default() });
        assert_eq!(client(&other), "");
    }

    #[test]
    fn what_is_not_a_question_is_malformed() {
        assert_eq!(HttpRequest::read(b""), Ok(None));
        assert_eq!(HttpRequest::read(b"\x0a\x04\x22\x02\x12\x00"), Ok(Some(HttpRequest::default())));
        for bytes in [
            // A number where the attributes are, and a text that is longer than its message.
            &b"\x08\x01"[..],
            b"\x0a\x04\x22\x02\x12\x01",
            // A method that is not UTF-8.
            b"\x0a\x07\x22\x05\x12\x03\x12\x01\xff",
            // The same in the name of a header.
            b"\x0a\x09\x22\x07\x12\x05\x1a\x03\x0a\x01\xff",
        ] {
            assert_eq!(HttpRequest::read(bytes), Err(Malformed), "{bytes:x?}");
        }
    }

    fn header(action: AppendAction) -> HeaderOption {
        HeaderOption { name: "x-a".to_owned(), value: String::new(), action }
    }

    fn decode(response: CheckResponse) -> (i32, HttpResponse) {
        let response = pb::CheckResponse::decode(&response.into_bytes()[..]).expect("a message");
        (response.status.expect("a status").code, response.http_response.expect("an answer"))
    }

    #[test]
    fn an_allow_is_written_as_envoy_reads_it() {
        let (code, response) = decode(CheckResponse::Allowed {
            headers: vec![header(AppendAction::OverwriteIfExistsOrAdd)],
            headers_to_remove: vec!["x_a".to_owned(), "x.a".to_owned()],
            response_headers_to_add: vec![header(AppendAction::AppendIfExistsOrAdd)],
        });
        let HttpResponse::OkResponse(ok) = response else { panic!("{response:?}") };
        assert_eq!(code, 0);
        assert_eq!(ok.headers.len(), 1);
        assert_eq!(ok.headers[0].append_action, i32::from(HeaderAppendAction::OverwriteIfExistsOrAdd));
        assert!(ok.headers[0].keep_empty_value);
        assert_eq!(ok.headers_to_remove, ["x_a", "x.a"]);
        let added = &ok.response_headers_to_add[0];
        assert_eq!(added.header.as_ref().expect("a header").key, "x-a");
        assert_eq!(added.append_action, i32::from(HeaderAppendAction::AppendIfExistsOrAdd));
    }

    #[test]
    fn a_refusal_is_written_as_envoy_reads_it() {
        let headers = vec![header(AppendAction::AppendIfExistsOrAdd)];
        let (code, response) = decode(CheckResponse::Denied {
            code: Code::Unauthenticated,
            status: 401,
            headers,
            body: "{}".to_owned(),
        });
        let HttpResponse::DeniedResponse(denied) = response else { panic!("{response:?}") };
        assert_eq!((code, denied.status.expect("a status").code), (16, 401));
        assert_eq!((denied.body.as_str(), denied.headers.len()), ("{}", 1));
    }
}
