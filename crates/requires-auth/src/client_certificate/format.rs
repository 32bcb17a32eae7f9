//! The table of formats in which proxies write a certificate.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CertificateFault, ClientCertificate, MOST_TEXT, pem, xfcc};

/// How a certificate stands in a header.
///
/// | name | what stands there | who writes it |
/// | --- | --- | --- |
/// | `rfc9440` | `:`, the base64 of the DER, `:` | Caddy, `HAProxy`, Google Cloud, Cloudflare, Envoy's `client_cert` |
/// | `escaped-pem` | a PEM text with percent escapes | nginx (`$ssl_client_escaped_cert`), AWS (`X-Amzn-Mtls-Clientcert-Leaf`) |
/// | `traefik` | the base64 of the DER; those that issued it follow, after commas | Traefik's `PassTLSClientCert` with `pem` |
/// | `xfcc` | `Hash=` the SHA-256, or `Cert=` an escaped PEM text | Envoy (`X-Forwarded-Client-Cert`) |
/// | `der-base64` | the base64 of the DER | Azure (`X-ARR-ClientCert`) |
///
/// In each of them an empty value, and `::` in the first, tells that the client has shown no certificate.
///
/// ```
/// use requires_auth::client_certificate::HeaderFormat;
///
/// for format in HeaderFormat::ALL {
///     assert_eq!(HeaderFormat::named(format.as_str()), Some(*format));
/// }
/// assert_eq!(HeaderFormat::named("RFC 9440"), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderFormat {
    /// `rfc9440`: RFC 9440 §2.1.
    #[default]
    Rfc9440,
    /// `escaped-pem`.
    EscapedPem,
    /// `traefik`.
    Traefik,
    /// `xfcc`.
    Xfcc,
    /// `der-base64`.
    DerBase64,
}

struct Row {
    name: &'static str,
    /// Reads a value that is ASCII and not empty.
    read: fn(&str) -> Result<Option<ClientCertificate>, CertificateFault>,
}

impl HeaderFormat {
    /// Every format.
    pub const ALL: &'static [Self] =
        &[Self::Rfc9440, Self::EscapedPem, Self::Traefik, Self::Xfcc, Self::DerBase64];

    const fn row(self) -> Row {
        match self {
            Self::Rfc9440 => Row { name: "rfc9440", read: rfc9440 },
            Self::EscapedPem => Row { name: "escaped-pem", read: |text| pem::read(text).map(Some) },
            Self::Traefik => Row { name: "traefik", read: |text| traefik(text).map(Some) },
            Self::Xfcc => Row { name: "xfcc", read: |text| xfcc::read(text).map(Some) },
            Self::DerBase64 => Row { name: "der-base64", read: |text| base64(text).map(Some) },
        }
    }

    /// Its name in a configuration.
    pub const fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The format of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == name)
    }

    /// The certificate in the value of a header; `None` if that says that there is none.
    ///
    /// It costs no more than the length of the value, whatever stands there.
    ///
    /// # Errors
    ///
    /// The value is not one certificate in this format.
    ///
    /// ```
    /// use requires_auth::client_certificate::HeaderFormat;
    ///
    /// // No certificate was shown.
    /// assert_eq!(HeaderFormat::Rfc9440.read(b"::"), Ok(None));
    /// assert_eq!(HeaderFormat::EscapedPem.read(b""), Ok(None));
    ///
    /// // Not a certificate, and a format of another proxy.
    /// assert!(HeaderFormat::Rfc9440.read(b":AAAA:").is_err());
    /// assert!(HeaderFormat::Rfc9440.read(b"-----BEGIN%20CERTIFICATE-----").is_err());
    /// ```
    pub fn read(self, value: &[u8]) -> Result<Option<ClientCertificate>, CertificateFault> {
        if value.len() > MOST_TEXT {
            return Err(CertificateFault::TooLarge);
        }
        let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii());
        match text.ok_or(CertificateFault::Unreadable)?.trim_matches([' ', '\t']) {
            "" => Ok(None),
            text => (self.row().read)(text),
        }
    }
}

impl fmt::Display for HeaderFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// RFC 9440 §2.1: one byte sequence of RFC 8941 §3.3.5, without parameters.
fn rfc9440(text: &str) -> Result<Option<ClientCertificate>, CertificateFault> {
    let Some(inner) = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')) else {
        // An unfinished or second one begins with a colon, too.
        return Err(match () {
            () if text.starts_with(':') && text.contains(',') => CertificateFault::Several,
            () if pem::is_meant(text) => CertificateFault::EscapedPem,
            () => CertificateFault::NoColons,
        });
    };
    match inner {
        // Caddy writes this where the client has shown no certificate.
        "" => Ok(None),
        inner if inner.contains(':') => Err(CertificateFault::Several),
        inner => base64(inner).map(Some),
    }
}

/// The first of a list. The others have issued it, and do not count.
fn traefik(text: &str) -> Result<ClientCertificate, CertificateFault> {
    let mut all = text.split(',');
    let leaf = all.next().map_or(Err(CertificateFault::Unreadable), base64)?;
    // What cannot be read behind it is not what Traefik writes.
    all.try_for_each(|issuer| base64(issuer).map(drop))?;
    Ok(leaf)
}

/// The base64 of the DER, with padding, in its one spelling (RFC 4648 §3.5, §4).
pub(super) fn base64(text: &str) -> Result<ClientCertificate, CertificateFault> {
    if text.contains(',') {
        return Err(CertificateFault::Several);
    }
    let der = STANDARD.decode(text).map_err(|_| CertificateFault::Unreadable)?;
    ClientCertificate::in_text(&der)
}
