//! TLS to the application: rustls on aws-lc-rs, with the protocols and suites that rustls holds for safe.

use std::io;
use std::path::Path;
use std::sync::Arc;

use http::uri::Authority;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use crate::error::Failure;
use crate::gateway::config::{ReverseProxyConfig, Upstream, server_name};

/// How the application is known. Two are the same if they take the same certificates.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
    /// What is trusted; `None` is what this machine trusts.
    trusted: Option<Vec<CertificateDer<'static>>>,
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.trusted == other.trusted
    }
}

impl Tls {
    /// That of an application over https; there is none for others. Reads the file of certificates.
    ///
    /// # Errors
    ///
    /// The file cannot be read or has no certificate, or this machine has none that it trusts.
    pub(super) fn of(config: &ReverseProxyConfig) -> Result<Option<Self>, Failure> {
        match &config.upstream {
            Upstream::Tls(authority) => Self::to(authority, config.ca.as_deref()).map(Some),
            Upstream::Tcp(_) | Upstream::Unix(_) => Ok(None),
        }
    }

    fn to(authority: &Authority, ca: Option<&Path>) -> Result<Self, Failure> {
        let name = server_name(authority)
            .ok_or_else(|| Failure::new(format!("{authority}: no certificate is for such a host")))?;
        let trusted = ca.map(certificates).transpose()?;
        let mut config = client(trusted.as_deref()).map_err(|error| {
            Failure::new(format!("the certificates for `reverse_proxy.upstream` cannot be used: {error}"))
                .hint("name the certificates to trust in PEM: ca = \"app-ca.pem\"")
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name, trusted })
    }

    /// Shakes hands over a connection. The error says with whom, and what is wrong with the certificate.
    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await.map_err(|error| {
            io::Error::new(error.kind(), format!("TLS with {}: {error}", self.name.to_str()))
        })
    }
}

/// A client that trusts these certificates, or what this machine trusts.
fn client(trusted: Option<&[CertificateDer<'static>]>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match trusted {
        None => builder.with_platform_verifier()?,
        Some(trusted) => {
            let mut roots = RootCertStore::empty();
            for certificate in trusted {
                roots.add(certificate.clone())?;
            }
            builder.with_root_certificates(roots)
        }
    };
    Ok(builder.with_no_client_auth())
}

/// The certificates in a file, of which there is at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {error}", path.display()))
            .hint("write `reverse_proxy.ca` with a file of certificates in PEM")
    };
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| failed(&error))?;
    if all.is_empty() { Err(failed(&"no certificate")) } else { Ok(all) }
}
