//! The members of the setting `client_cert_header`: where a proxy tells the certificate of a client.
//!
//! In a file they are the keys of a table, or the name of the header alone stands in its place
//! (`client_cert_header = "Client-Cert"`); in the environment variables with the prefix `REQUIRES_AUTH_CLIENT_CERT_HEADER_`,
//! in Python the keys of a dict, and in Rust a [`CertificateHeader`](crate::client_certificate::CertificateHeader).

use super::row::{Key, Kind, Scope, Setting, table};
use crate::client_certificate::HeaderFormat;

table! {
    /// Every member, in the order in which a reader wants to know of them.
    MEMBERS;

    HEADER: String = "header", Guard, Kind::Text;
    doc "The name of the header.";
    without "It has to be given.";
    examples ["\"Client-Cert\"", "\"X-SSL-Client-Cert\""];

    FORMAT: HeaderFormat = "format", Guard, Kind::Choice {
        names: &["rfc9440", "escaped-pem", "traefik", "xfcc", "der-base64"],
        expected: "rfc9440, escaped-pem, traefik, xfcc or der-base64",
    };
    doc "How the certificate stands there: as RFC 9440 says, which Caddy and HAProxy write; as a PEM text with escapes, as nginx has \
         it; or as Traefik, Envoy or Azure write it.";
    examples ["\"escaped-pem\""];
}
