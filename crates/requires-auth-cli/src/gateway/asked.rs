//! A request that is to be decided about.

use std::net::IpAddr;

use http::HeaderMap;
use requires_auth::Request;
use requires_auth::client_certificate::ClientCertificate;

/// A request, as an adapter has read it.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// Path and query as they came over the wire.
    pub(crate) target: &'a str,
    /// The host that the client has asked for, where it is known; with a port, if that is said.
    pub(crate) host: Option<&'a str>,
    /// Who has sent it, where that is known: what an issuer is asked about opaque tokens is shared between clients.
    pub(crate) client: Option<IpAddr>,
    /// The certificate that the client has shown, as the connection or a trusted proxy tells it.
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) headers: &'a HeaderMap,
    /// A preflight has none (finding of oauth2-proxy: one with a body is not a preflight).
    pub(crate) has_body: bool,
    /// Whether it is asked about only to tell why it was refused: its proof is not used up.
    pub(crate) is_trial: bool,
}

impl<'a> Asked<'a> {
    /// The request as the guard reads it.
    pub(crate) fn request(&self) -> Request<'a> {
        let request = Request::new(self.method, self.target, self.headers);
        let request = if self.is_trial { request.as_trial() } else { request };
        let request = self.client.map_or(request, |client| request.from_client(client));
        self.certificate.map_or(request, |certificate| request.with_certificate(certificate.into()))
    }
}
