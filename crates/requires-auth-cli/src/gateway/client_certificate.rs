//! The certificate of a client, as the connection or a trusted proxy tells it.

use http::{HeaderMap, HeaderName};
use requires_auth::client_certificate::{
    CertificateFault, CertificateHeader, ClientCertificate, HeaderFormat,
};
use tracing::warn;

use super::dialect::Original;
use super::header_names::is_folded_like;

/// What a request is refused for that tells a certificate which cannot be read.
const PROBLEM: &str = "the certificate of the client cannot be read";

/// The certificate that a trusted proxy tells about a client in this header.
///
/// # Errors
///
/// What it says there is not one certificate.
pub(crate) fn in_header(
    header: &CertificateHeader,
    headers: &HeaderMap,
) -> Result<Option<ClientCertificate>, &'static str> {
    header.read(headers).map_err(|fault| {
        log(fault);
        PROBLEM
    })
}

/// The certificate that a proxy tells about the client of a request that it asks about: in the header, if one is
/// configured, else beside the headers, where a dialect has a place for it.
///
/// # Errors
///
/// As [`in_header`].
pub(crate) fn of_question(
    header: Option<&CertificateHeader>,
    original: &Original<'_>,
    headers: &HeaderMap,
) -> Result<Option<ClientCertificate>, &'static str> {
    if let Some(header) = header {
        return in_header(header, headers);
    }
    let beside = original.certificate.map(|text| HeaderFormat::EscapedPem.read(text.as_bytes()));
    beside.transpose().map(Option::flatten).map_err(|fault| {
        log(fault);
        PROBLEM
    })
}

/// The headers of a client that an application could read as the one with its certificate.
pub(crate) fn aliases_in<'h>(
    header: Option<&CertificateHeader>,
    headers: &'h HeaderMap,
) -> impl Iterator<Item = &'h HeaderName> {
    let is_alias = move |name: &&HeaderName| {
        let is_like = |header: &CertificateHeader| {
            is_folded_like(header.name(), name.as_str()) && !name.as_str().eq_ignore_ascii_case(header.name())
        };
        header.is_some_and(is_like)
    };
    headers.keys().filter(is_alias)
}

/// Tells whoever runs the proxy. Nothing of the header is in it.
fn log(fault: CertificateFault) {
    warn!(problem = fault.message(), hint = fault.hint(), "refused");
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_alias_is_another_name_that_an_application_cannot_tell_apart() {
        let header = CertificateHeader::new("x-client-cert", HeaderFormat::Rfc9440);
        let mut headers = HeaderMap::new();
        for name in ["x-client-cert", "x_client_cert", "x_client-cert", "x-client-certs", "x-other"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("a"));
        }
        let mut found: Vec<_> = aliases_in(Some(&header), &headers).map(HeaderName::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, ["x_client-cert", "x_client_cert"]);
        assert_eq!(aliases_in(None, &headers).count(), 0, "no header is named");
    }

    #[test]
    fn what_cannot_be_read_is_refused_wherever_it_is_told() {
        let header = CertificateHeader::new("x-client-cert", HeaderFormat::Rfc9440);
        let told = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-client-cert", HeaderValue::from_static(value));
            in_header(&header, &headers).map(|found| found.is_some())
        };
        assert_eq!(told(":MAkwADAAAwMAAQI=:"), Ok(true));
        assert_eq!(told(""), Ok(false));
        assert_eq!(told("MAkwADAAAwMAAQI="), Err(PROBLEM));
    }
}
