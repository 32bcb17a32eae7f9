//! The certificate that a client has shown on its TLS connection (RFC 8705 §3), as TLS itself or a proxy tells it.
//!
//! A token may be bound to a certificate: its claim `cnf` has the SHA-256 of it as `x5t#S256`. Then it counts only for a
//! client that shows this certificate. A server that ends TLS itself knows it; behind a proxy that does, it stands in a
//! header which the proxy sets. Nothing in such a header shows who has written it: read it only where every request
//! comes through a proxy that overwrites or removes what clients send under that name.
//!
//! ```
//! use requires_auth::Request;
//! use requires_auth::client_certificate::{CertificateHeader, HeaderFormat};
//!
//! # let der = [0x30, 9, 0x30, 0, 0x30, 0, 0x03, 3, 0, 1, 2];
//! # let value = ":MAkwADAAAwMAAQI=:";
//! # let headers = [("authorization", "Bearer abc.def.ghi"), ("client-cert", value)];
//! // Caddy and HAProxy write RFC 9440, and this server is reached through one of them alone.
//! let told = CertificateHeader::new("Client-Cert", HeaderFormat::Rfc9440);
//! let mut request = Request::new("GET", "/orders", &headers);
//! if let Some(certificate) = told.read(&headers)? {
//!     request = request.with_certificate(certificate.into());
//! }
//! assert!(request.certificate().is_some());
//! # Ok::<(), requires_auth::client_certificate::CertificateFault>(())
//! ```
//!
//! # Who tells the certificate
//!
//! | what ends TLS | what to do |
//! | --- | --- |
//! | this server | put a [`ClientCertificate`] into the extensions of each request, or give it to [`Request::with_certificate`](crate::Request::with_certificate) |
//! | nginx | `proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;` and [`HeaderFormat::EscapedPem`] |
//! | Caddy, `HAProxy` | `Client-Cert` as RFC 9440 has it, and [`HeaderFormat::Rfc9440`] |
//! | Traefik | `PassTLSClientCert` with `pem`, and [`HeaderFormat::Traefik`] |
//! | Envoy | `forward_client_cert_details: SANITIZE_SET`, and [`HeaderFormat::Xfcc`] |
//! | Azure | `X-ARR-ClientCert`, and [`HeaderFormat::DerBase64`] |
//!
//! `requires-auth config emit` prints the proxy's side for the gateway.
//!
//! # What is refused
//!
//! | the header has | answer |
//! | --- | --- |
//! | two values, or a chain where one certificate has to stand | 400 `auth.ambiguous_request` |
//! | anything that is not one certificate in the format that was named | 400 `auth.ambiguous_request` |
//! | an escaped PEM text under the name `Client-Cert`, which some guides advise | 400, and the log says what it is |
//! | nothing | a token that is bound to a certificate is 401 `invalid_token`, reason `binding_mismatch` |
//! | another certificate than that of the token | 401, the same |
//!
//! Who has issued the certificate makes no difference here: the authorization server has decided that when it bound the token to it. TLS
//! has made sure that the client has the private key.

use std::fmt;

use crate::jose::der::{BIT_STRING, Der, SEQUENCE};
use crate::jose::digest::sha256;
use crate::request::{Certificate, HeaderValues, Headers, has_a_meaning};

mod fault;
mod format;
mod pem;
mod xfcc;

pub use fault::CertificateFault;
pub use format::HeaderFormat;

/// How many bytes a certificate may have.
const MOST_DER: usize = 16 * 1024;

/// How many bytes a header with a certificate may have: base64 of it in which each letter is an escape, or a chain behind it.
const MOST_TEXT: usize = 64 * 1024;

/// A client's certificate, of which only the SHA-256 counts. It is made once for a connection or a header.
///
/// A server that ends TLS itself puts it into the extensions of each request of the connection, where the layers of the
/// module `tower` and the extractors of the module `axum` look for it.
///
/// ```
/// use requires_auth::client_certificate::ClientCertificate;
/// use requires_auth::request::Certificate;
///
/// # let peer_certificate = b"the DER of the first certificate of rustls' `peer_certificates`";
/// let certificate = ClientCertificate::from_der(peer_certificate);
/// assert!(Certificate::from(certificate) == Certificate::Sha256(*certificate.sha256()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientCertificate([u8; 32]);

impl ClientCertificate {
    /// The certificate with this DER: what a TLS library gives as the first one of the peer. It is not looked into.
    pub fn from_der(der: &[u8]) -> Self {
        Self(sha256(der))
    }

    /// The certificate whose DER has this SHA-256.
    pub const fn from_sha256(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The SHA-256 of its DER: `x5t#S256` of a token that is bound to it is the base64url of this (RFC 8705 §3.1).
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.0
    }

    /// The certificate that these bytes are, wherever a proxy has put them.
    fn in_text(der: &[u8]) -> Result<Self, CertificateFault> {
        if der.len() > MOST_DER {
            return Err(CertificateFault::TooLarge);
        }
        if !is_certificate(der) {
            return Err(CertificateFault::NotACertificate);
        }
        Ok(Self::from_der(der))
    }
}

impl From<ClientCertificate> for Certificate<'_> {
    fn from(certificate: ClientCertificate) -> Self {
        Self::Sha256(certificate.0)
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}

/// Whether these bytes are one certificate and nothing else: three elements in one (RFC 5280 §4.1).
fn is_certificate(der: &[u8]) -> bool {
    let Some(mut parts) = Der::whole(der, SEQUENCE) else { return false };
    let kinds = [SEQUENCE, SEQUENCE, BIT_STRING];
    kinds.into_iter().all(|kind| parts.element(kind).is_some()) && parts.is_empty()
}

/// A header in which a proxy tells the certificate of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateHeader {
    name: String,
    format: HeaderFormat,
}

impl CertificateHeader {
    /// Whether a header of this name can be one that only a proxy sets: letters, digits and `-`, and no name that means something
    /// else, such as `Host`. A proxy may leave out a name with another letter, and a client's own would be read then.
    ///
    /// ```
    /// use requires_auth::client_certificate::CertificateHeader;
    ///
    /// assert!(CertificateHeader::is_possible("Client-Cert"));
    /// assert!(!CertificateHeader::is_possible("Client_Cert") && !CertificateHeader::is_possible("Host"));
    /// ```
    pub fn is_possible(name: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !name.is_empty() && name.bytes().all(is_plain) && !has_a_meaning(name)
    }

    /// The header of this name, in any case.
    pub fn new(name: impl Into<String>, format: HeaderFormat) -> Self {
        Self { name: name.into(), format }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a certificate stands in it.
    pub const fn format(&self) -> HeaderFormat {
        self.format
    }

    /// The certificate in the headers of a request; `None` where the header is missing or empty, as the client has shown
    /// none.
    ///
    /// # Errors
    ///
    /// There are two such headers, or what stands there is not one certificate in this format. Answer 400: the proxy tells
    /// what cannot be read, or a client has reached this server beside it.
    pub fn read(&self, headers: &dyn Headers) -> Result<Option<ClientCertificate>, CertificateFault> {
        match HeaderValues::of(headers, &self.name) {
            HeaderValues::Absent => Ok(None),
            HeaderValues::One(value) => self.format.read(value),
            HeaderValues::Several => Err(CertificateFault::Several),
        }
    }
}

#[cfg(test)]
mod tests;
