//! A connection that a client keeps, with one request after the other on it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use super::gateways::{Gateway, Place, Signed};
use super::support::gateway::connect;

pub(crate) struct Connection {
    address: String,
    place: Place,
    stream: BufReader<TcpStream>,
}

/// An answer, with its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    text: String,
}

impl Answer {
    pub(crate) fn new(status: u16, text: String) -> Self {
        Self { status, text }
    }

    /// Whether it is a refusal for this reason.
    pub(crate) fn is_refused_as(&self, reason: &str) -> bool {
        self.status == 401 && self.text.contains(&format!("\"{reason}\""))
    }

    /// Whether nobody can say at the moment if the proof was used, or the token revoked.
    pub(crate) fn is_undecided(&self) -> bool {
        self.status == 503 && self.text.contains("\"auth.state_unavailable\"")
    }
}

impl Connection {
    pub(crate) fn to(gateway: &Gateway) -> Self {
        let address = gateway.address().to_owned();
        let stream = BufReader::new(connect(&address));
        Self { address, place: gateway.place(), stream }
    }

    /// Sends a request once.
    pub(crate) fn ask(&mut self, request: &Signed) -> Answer {
        let head = format!("{}\r\n", self.place.head(request));
        self.stream.get_mut().write_all(head.as_bytes()).expect("it reads");
        let head = self.head();
        let length = field(&head, "content-length").map_or(0, |length| length.parse().expect("a number"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("a body");
        if field(&head, "connection").is_some_and(|value| value == "close") {
            self.stream = BufReader::new(connect(&self.address));
        }
        let status = super::support::gateway::status(&head);
        Answer::new(status, String::from_utf8(body).expect("UTF-8"))
    }

    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.stream.read_line(&mut head).expect("an answer");
            assert_ne!(read, 0, "it has closed after {head:?}");
        }
        head
    }
}

/// The value of a header.
fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
