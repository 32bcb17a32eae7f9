//! Why a header tells no certificate.

use std::fmt;

/// Why a header does not tell the certificate of a client. Its texts hold nothing of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateFault {
    /// There are two headers, two values in one, or more than the certificate of the client.
    Several,
    /// The format is RFC 9440, and the value is a PEM text with escapes.
    EscapedPem,
    /// The format is RFC 9440, and the value does not stand between two colons.
    NoColons,
    /// The value is not base64 with padding (RFC 4648 §4), or not written in the way of the format.
    Unreadable,
    /// What the value encodes is not one certificate.
    NotACertificate,
    /// The value tells two certificates that differ.
    Contradiction,
    /// The certificate has more than 16 KiB, or the header more than 64 KiB.
    TooLarge,
}

impl CertificateFault {
    /// What is wrong, in one sentence.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Several => "the header with the client certificate holds more than one certificate",
            Self::EscapedPem => {
                "the header with the client certificate holds an escaped PEM text, not RFC 9440"
            }
            Self::NoColons => "the client certificate does not stand between two colons",
            Self::Unreadable => "the header with the client certificate cannot be read in its format",
            Self::NotACertificate => "the header with the client certificate holds something else",
            Self::Contradiction => "the header with the client certificate tells two that differ",
            Self::TooLarge => "the client certificate is too large",
        }
    }

    /// What to do about it, for whoever runs the proxy.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Several => {
                "let the proxy overwrite the header with the client's own certificate, without those that issued it"
            }
            Self::EscapedPem => {
                "nginx's $ssl_client_escaped_cert is not RFC 9440: name another header for it, with the format escaped-pem"
            }
            Self::NoColons => {
                "RFC 9440 is a colon, the base64 of the DER, and a colon: compare the format with what the proxy writes"
            }
            Self::Unreadable | Self::NotACertificate | Self::Contradiction => {
                "compare the format in the configuration with what the proxy writes"
            }
            Self::TooLarge => "a certificate may have 16 KiB",
        }
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for CertificateFault {}
