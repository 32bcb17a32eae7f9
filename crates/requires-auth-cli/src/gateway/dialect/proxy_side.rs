//! What a proxy's own file is made of: where the gateway and the application are, and what to copy.

use std::net::SocketAddr;
use std::path::PathBuf;

use requires_auth::client_certificate::{CertificateHeader, HeaderFormat};

use crate::error::Failure;

/// What the proxy's side is made of.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a line of the proxy's file, and none excludes another"
)]
pub(crate) struct ProxySide {
    pub(crate) gateway: Place,
    /// Host and port of the application.
    pub(crate) application: String,
    /// The port that the proxy listens on, if not its usual one.
    pub(crate) port: Option<u16>,
    /// The names of the identity headers, as they are usually written.
    pub(crate) headers: Vec<String>,
    /// The headers that the gateway reads for a token in another place than `Authorization`, in lower case.
    pub(crate) token_headers: Vec<String>,
    /// Why the application must not get `Authorization`, as a comment, if it must not.
    pub(crate) clears_authorization: Option<&'static str>,
    /// Whether proofs of keys are for the gateway alone.
    pub(crate) takes_proofs: bool,
    /// Whether answers tell clients the nonce of their next proof.
    pub(crate) tells_nonces: bool,
    /// What the resources have the proxy do beside; nothing without any.
    pub(crate) resources: Option<OfResources>,
    /// Whether a route is for some hosts alone.
    pub(crate) names_hosts: bool,
    /// The header in which the proxy is to tell the certificate of the client, if there is one.
    pub(crate) certificate: Option<CertificateHeader>,
    /// Whether tokens may be bound to a certificate of the client.
    pub(crate) takes_certificates: bool,
}

impl ProxySide {
    /// The header in which the proxy is to tell the certificate of the client, as it is usually written.
    ///
    /// # Errors
    ///
    /// This proxy writes another format, or `only` this header.
    pub(super) fn certificate_header(
        &self,
        format: HeaderFormat,
        only: Option<&str>,
    ) -> Result<Option<String>, Failure> {
        let Some(header) = &self.certificate else { return Ok(None) };
        if header.format() != format {
            return Err(Failure::new(format!("this proxy does not write {}", header.format()))
                .hint(format!("write client_certificate = {{ header = \"..\", format = \"{format}\" }}")));
        }
        if let Some(only) = only.filter(|only| !header.name().eq_ignore_ascii_case(only)) {
            let name = header.name();
            return Err(Failure::new(format!("this proxy tells certificates in {only}, not in {name}"))
                .hint(format!("write client_certificate = {{ header = \"{only}\" }}")));
        }
        Ok(Some(title_case(header.name())))
    }

    /// The headers that the application must not get, each with the reason. The client's certificate stands in `certificate`.
    pub(super) fn cleared<'s>(&self, certificate: Option<&'s str>) -> Vec<(&'static str, &'s str)> {
        let authorization = self.clears_authorization.map(|reason| (reason, "Authorization"));
        let certificate = certificate.map(|header| (FOR_THE_GATEWAY, header));
        let proof = self.takes_proofs.then_some((PROVEN, "DPoP"));
        [authorization, certificate, proof].into_iter().flatten().collect()
    }
}

/// Why a proxy takes certificates that anybody has issued, as a comment.
pub(super) const ANY_ISSUER: &str = "# Clients may show a certificate, whoever has issued it: what counts is that a token is bound to it (RFC 8705).";

/// Why the application does not get the header with the certificate, as a comment.
const FOR_THE_GATEWAY: &str = "# The certificate of the client is for the gateway alone.";

/// What resources need of a proxy.
#[derive(Debug)]
pub(crate) struct OfResources {
    /// Paths of documents that are elsewhere than below [`WELL_KNOWN`].
    pub(crate) documents: Vec<String>,
    /// Whether one of them is an MCP server, whose answers may be streams that last for hours.
    pub(crate) is_mcp: bool,
}

/// What the paths of metadata documents begin with (RFC 9728 §3).
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What the way to the documents is for, as a comment.
pub(super) const DOCUMENTS: &str =
    "# The metadata of the resources (RFC 9728) is public, and the gateway answers it.";

/// Where the proxy finds the gateway.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// `x-auth-subject` as people write it: `X-Auth-Subject`.
pub(crate) fn title_case(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Why an MCP server gets no `Authorization`.
pub(crate) const NOT_FOR_MCP: &str =
    "# A token is for the gateway alone: an MCP server must not get that of its client.";

/// Why `Authorization` is taken away where no token is read there.
pub(crate) const UNJUDGED: &str = "# No token is read from Authorization (`token_from`), so nobody has judged what it says: it must not reach the application.";

/// Why the application must not get the header `DPoP`.
const PROVEN: &str = "# A proof is for the gateway, which has used it up.";

/// Where clients find the nonce of their next proof, as a comment.
pub(super) const NONCE: &str = "# The nonce that clients are to use from now on (RFC 9449, 8.2).";

/// The first lines of what is printed.
pub(super) fn preamble(proxy: &str, note: &str) -> String {
    format!(
        "# Made by `requires-auth config emit {proxy}`: make it anew when [server] or [headers] change.\n# {note}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_as_people_do() {
        assert_eq!(title_case("x-auth-subject"), "X-Auth-Subject");
        assert_eq!(title_case("x--a-"), "X--A-");
    }
}
