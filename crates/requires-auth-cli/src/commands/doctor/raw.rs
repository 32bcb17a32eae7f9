//! A client that sends a request byte for byte as it is told: others would put the path in order first.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto};

/// How long one request may take, connection and handshake included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The head of an answer may be this long, in bytes; the rest is not looked at.
const MAX_HEAD: usize = 64 * 1024;

/// Where requests are sent.
#[derive(Clone)]
pub(super) struct Target {
    host: String,
    port: u16,
    authority: String,
    tls: Option<TlsConnector>,
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The values of a header.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Reads a head; `None` if it is not the head of an HTTP/1 answer.
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let status_line = lines.next()?.strip_prefix("HTTP/1.")?;
        let status = status_line.split(' ').nth(1).filter(|status| status.len() == 3)?.parse().ok()?;
        let header = |line: &str| {
            line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim_ascii().to_owned()))
        };
        Some(Self { status, headers: lines.filter_map(header).collect() })
    }
}

impl Target {
    /// The host of an http or https URL; an error says what is wrong with it.
    pub(super) fn new(url: &Url) -> Result<Self, String> {
        let tls = match url.scheme() {
            "http" => None,
            "https" => Some(connector().map_err(|error| format!("TLS does not start: {error}"))?),
            _ => return Err("it is neither http nor https".to_owned()),
        };
        let host = url.host_str().ok_or("it has no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("it has no port")?;
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Ok(Self { host, port, authority, tls })
    }

    /// The same host without TLS at another port.
    pub(super) fn at_port(&self, port: u16) -> Self {
        Self { port, authority: format!("{}:{port}", self.host), tls: None, host: self.host.clone() }
    }

    /// Sends a request with these header lines, and reads the head of the answer.
    ///
    /// # Errors
    ///
    /// No connection, no handshake, no answer in time, or what came back is not HTTP/1.
    pub(super) async fn ask(&self, method: &str, target: &str, headers: &[String]) -> io::Result<Answer> {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.authority);
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let answer = timeout(TIMEOUT, self.exchange(request.as_bytes())).await;
        answer.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer within 10 s"))?
    }

    async fn exchange(&self, request: &[u8]) -> io::Result<Answer> {
        let address = self.host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((address, self.port)).await?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some(connector) => {
                let name = ServerName::try_from(address.to_owned()).map_err(io::Error::other)?;
                exchange(connector.connect(name, stream).await?, request).await
            }
        }
    }
}

/// A client that trusts what this machine trusts, and speaks HTTP/1.1 only.
fn connector() -> Result<TlsConnector, tokio_rustls::rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;

    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_platform_verifier()?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> io::Result<Answer> {
    stream.write_all(request).await?;
    let mut head = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let read = stream.read(&mut chunk).await?;
        if read == 0 || head.len() > MAX_HEAD {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1"));
        }
        head.extend_from_slice(chunk.get(..read).unwrap_or_default());
    };
    let head = head.get(..end).unwrap_or_default();
    Answer::parse(head).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP/1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_nonsense_is_none() {
        let answer =
            Answer::parse(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nwww-authenticate:Basic")
                .expect("an answer");
        assert_eq!(answer.status, 401);
        assert_eq!(answer.all("WWW-Authenticate").collect::<Vec<_>>(), ["Bearer", "Basic"]);
        for nonsense in ["", "HTTP/1.1", "HTTP/1.1 x", "HTTP/2 200 OK", "HTTP/1.1 20 OK", "SSH-2.0", "\u{0}"]
        {
            assert_eq!(Answer::parse(nonsense.as_bytes()), None, "{nonsense}");
        }
    }
}
