//! Certificates of clients: which tokens may be bound to one, and where a proxy tells it.

use super::{Builder, IssuerSettings};
use crate::client_certificate::CertificateHeader;
use crate::error::{ConfigProblem, quoted};
use crate::settings::client_cert_header as members;
use crate::settings::{self, Table};

const FIELD: &str = "client_cert_header";

impl Builder {
    /// Whether a token may be bound to a certificate that its client shows on the TLS connection (RFC 8705 §3). It counts only
    /// for a client that does. Default: false, and a token that is bound to one is refused.
    ///
    /// The certificate comes with the request: [`Request::with_certificate`](crate::Request::with_certificate), or a header of
    /// a proxy by [`with_client_cert_header`](Self::with_client_cert_header). See
    /// [`client_certificate`](crate::client_certificate).
    ///
    /// ```
    /// use requires_auth::client_certificate::ClientCertificate;
    /// use requires_auth::{Reason, Request, RequiresAuth};
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example.com", key);
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_jwks(jwks)
    ///     .with_client_certificates(true)
    ///     .build()?;
    ///
    /// let token = forge.token().bound_to_certificate(b"the DER of its certificate").mint();
    /// let headers = [("authorization", format!("Bearer {token}"))];
    /// let request = Request::new("GET", "/orders", &headers);
    /// let shown = ClientCertificate::from_der(b"the DER of its certificate");
    /// let verdict = |request: &Request<'_>| auth.authenticate_now(request).expect("the keys are there");
    /// assert!(verdict(&request.with_certificate(shown.into())).is_ok());
    ///
    /// // Whoever has stolen the token has not the key of the certificate, and cannot show it.
    /// assert_eq!(verdict(&request).unwrap_err().reason(), Some(Reason::BindingMismatch));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_client_certificates(self, are_taken: bool) -> Self {
        self.set(settings::CLIENT_CERTIFICATES, are_taken)
    }

    /// Whether tokens of the issuer named last may be bound to a certificate of their client, if that differs from the other
    /// issuers. Default: as [`with_client_certificates`](Self::with_client_certificates) says.
    pub fn with_issuer_client_certificates(self, are_taken: bool) -> Self {
        self.set_for_issuer(settings::CLIENT_CERTIFICATES, are_taken)
    }

    /// The header in which a proxy tells the certificate of the client. Default: none is read.
    ///
    /// Only where every request comes through a proxy that overwrites or removes what clients send under this name: whoever
    /// reaches this server beside the proxy could show any certificate. A request that has its certificate already is left as
    /// it is. Two such headers, and a value that is not one certificate, are refused with 400.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::client_certificate::{CertificateHeader, HeaderFormat};
    ///
    /// // nginx: proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_client_certificates(true)
    ///     .with_client_cert_header(CertificateHeader::new("X-SSL-Client-Cert", HeaderFormat::EscapedPem))
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "a setting is given away, as the others are")]
    pub fn with_client_cert_header(self, header: CertificateHeader) -> Self {
        let mut table = Table::default();
        table.set(members::HEADER, header.name().to_owned());
        table.set(members::FORMAT, header.format());
        self.set(settings::CLIENT_CERT_HEADER, table)
    }

    /// Whether tokens may be bound to certificates, of issuers that say nothing else.
    pub(super) fn takes_certificates(&self) -> bool {
        self.given.is_on(settings::CLIENT_CERTIFICATES)
    }

    /// Whether those of any issuer may.
    pub(super) fn any_takes_certificates(&self) -> bool {
        let for_all = self.takes_certificates();
        for_all && self.resolver.is_some()
            || self.issuers.iter().any(|settings| settings.takes_certificates(for_all))
    }

    /// Where a proxy tells them.
    pub(super) fn certificate_header(&self, problems: &mut Vec<ConfigProblem>) -> Option<CertificateHeader> {
        let table = self.given.get(settings::CLIENT_CERT_HEADER)?;
        let expected = "the name of a header that only the proxy sets";
        let name = table.get(members::HEADER).unwrap_or_default();
        if !CertificateHeader::is_possible(&name) {
            let found = if name.is_empty() { "nothing".to_owned() } else { quoted(&name) };
            let hint = "use letters, digits and `-`: \"Client-Cert\"";
            problems.push(ConfigProblem::new(FIELD, found, expected, hint));
            return None;
        }
        if !self.any_takes_certificates() {
            let hint = "switch on `client_certificates`, or leave out the header: no token may be bound to a certificate yet";
            let found = "a header without `client_certificates`";
            problems.push(ConfigProblem::new(FIELD, found, "both or none", hint));
        }
        Some(CertificateHeader::new(
            name.to_ascii_lowercase(),
            table.get(members::FORMAT).unwrap_or_default(),
        ))
    }
}

impl IssuerSettings {
    /// Whether its tokens may be bound to a certificate; `for_all` is what the guard says.
    pub(super) fn takes_certificates(&self, for_all: bool) -> bool {
        self.given.get(settings::CLIENT_CERTIFICATES).unwrap_or(for_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_certificate::HeaderFormat;
    use crate::guard::RequiresAuth;

    fn builder() -> Builder {
        let keys =
            r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        RequiresAuth::builder("https://issuer.example", "https://api.example")
            .with_jwks(keys)
            .with_issuer("https://other.example", "https://api.example")
            .with_jwks(keys)
    }

    fn found(builder: Builder) -> Option<String> {
        let error = crate::danger::allow_public_test_keys(builder).build().err()?;
        let problem = error.problems().first().expect("a problem");
        assert_eq!(problem.field(), FIELD);
        Some(problem.found().to_owned())
    }

    #[test]
    fn a_header_is_named_where_tokens_may_be_bound() {
        let header = |name: &str| CertificateHeader::new(name, HeaderFormat::Xfcc);
        let on = || builder().with_client_certificates(true);
        assert_eq!(found(on()), None);
        assert_eq!(found(on().with_client_cert_header(header("X-Cert"))), None);
        let read = on().with_client_cert_header(header("X-Cert")).certificate_header(&mut Vec::new());
        assert_eq!(read, Some(CertificateHeader::new("x-cert", HeaderFormat::Xfcc)));
        let of_one = builder().with_issuer_client_certificates(true);
        assert_eq!(found(of_one.with_client_cert_header(header("X-Cert"))), None);
        let off = builder().with_client_cert_header(header("X-Cert"));
        assert_eq!(found(off.clone()).as_deref(), Some("a header without `client_certificates`"));
        assert!(found(off.with_issuer_client_certificates(false)).is_some());
        for name in
            ["", "Authorization", "cookie", "X_Cert", "X.Cert", "a b", "DPoP", "Connection", "X-Request-Id"]
        {
            let shown = if name.is_empty() { "nothing".to_owned() } else { format!("`{name}`") };
            assert_eq!(found(on().with_client_cert_header(header(name))), Some(shown));
        }
    }
}
