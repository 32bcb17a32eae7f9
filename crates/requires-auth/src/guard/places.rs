//! Where requests have their tokens, and how long a connection that began with one may last.

use std::time::{Duration, SystemTime};

use super::{Admission, Authorized, Passed, RequiresAuth};
use crate::client_certificate::CertificateHeader;
use crate::credential::TokenPlace;
use crate::request::Request;
use crate::verify::AccessToken;

/// The answer to a token that a shared cache does not know as one (RFC 9111 §3.5 knows `Authorization` alone).
const PRIVATE: (&str, &str) = ("cache-control", "private");

impl RequiresAuth {
    /// The places that are read, of the guard and of all its issuers; `Authorization` alone by default.
    pub fn token_places(&self) -> &[TokenPlace] {
        const AUTHORIZATION: &[TokenPlace] = &[TokenPlace::authorization()];
        self.inner.rules.places.as_deref().map_or(AUTHORIZATION, |places| places.list())
    }

    /// Names of headers that this guard reads to find a token or the certificate of the client, in lower case; none if it reads
    /// `Authorization` alone.
    ///
    /// For an adapter that copies only those headers which are looked at. Beside these a guard looks at `authorization`,
    /// `dpop`, `origin`, `access-control-request-method`, `x-request-id`, and those of
    /// [`Request::METHOD_OVERRIDES`](crate::Request::METHOD_OVERRIDES).
    pub fn token_headers(&self) -> &[Box<str>] {
        &self.inner.token_headers
    }

    /// When a connection that was opened with this token has to be closed, such as a WebSocket: when the token ends, as far as
    /// clocks may differ. `None` if connections may outlive their tokens (`close_on_expiry`).
    pub fn closes_at(&self, token: &AccessToken) -> Option<SystemTime> {
        let leeway = self.inner.rules.leeway;
        self.inner.closes_on_expiry.then(|| token.expires_at() + leeway)
    }

    /// How long a connection that is opened now with this token may last; `None` as in [`closes_at`](Self::closes_at). By the
    /// clock of this guard.
    pub fn closes_in(&self, token: &AccessToken) -> Option<Duration> {
        let end = self.closes_at(token)?;
        Some(end.duration_since(self.inner.clock.now()).unwrap_or_default())
    }

    /// The header in which a proxy tells the certificate of the client, in lower case, if one is read. A comma in it separates
    /// nothing that an adapter may cut apart.
    pub fn certificate_header(&self) -> Option<&CertificateHeader> {
        self.inner.rules.certificate_header.as_deref()
    }

    /// Whether tokens of any issuer may be bound to a certificate of their client, so that an adapter has to tell it.
    pub fn takes_client_certificates(&self) -> bool {
        self.inner.takes_certificates
    }

    /// A request that passes with this token.
    pub(super) fn admitted(&self, request: &Request<'_>, authorized: Authorized) -> Admission {
        let Authorized { token, fresh_nonce } = authorized;
        match (&self.inner.rules.places, fresh_nonce) {
            // It came in `Authorization`, as every token with a proof does.
            (_, Some(nonce)) => Admission::with_nonce(token, &nonce, request.has_header("origin")),
            // RFC 9440 §2.4: another client gets no such answer.
            (_, None) if is_bound_to_certificate(&token) => {
                Admission::of_certificate(token, self.certificate_header().map(CertificateHeader::name))
            }
            (Some(places), None) if places.is_elsewhere(request) => Admission::with_default(token, PRIVATE),
            _ => Passed::Token(token).into(),
        }
    }
}

fn is_bound_to_certificate(token: &AccessToken) -> bool {
    token.confirmation().is_some_and(|confirmation| confirmation.certificate.is_some())
}
