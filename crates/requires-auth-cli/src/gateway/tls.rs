//! TLS for clients: rustls on aws-lc-rs, with the protocols and suites that rustls holds for safe.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use requires_auth::client_certificate::ClientCertificate;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tracing::debug;

use super::client_verifier;
use super::config::TlsConfig;
use super::listen::Stream;
use crate::error::Failure;

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// A connection, and the certificate that the client has shown on it.
pub(crate) type Accepted = (Box<dyn Stream>, Option<ClientCertificate>);

/// The certificate that is shown to clients. Another one can take its place while the gateway runs.
pub(crate) struct Tls(ArcSwap<ServerConfig>);

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: &TlsConfig) -> Result<Self, Failure> {
        read(files).map(|config| Self(ArcSwap::from(config)))
    }

    /// Shows what has been read from now on. Connections that are there stay as they are.
    pub(crate) fn replace(&self, other: Self) {
        self.0.store(other.0.into_inner());
    }

    /// Shakes hands with a client; `None` if that comes to nothing in time.
    pub(crate) async fn accept(&self, stream: Box<dyn Stream>) -> Option<Accepted> {
        let acceptor = TlsAcceptor::from(self.0.load_full());
        match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                // The first is that of the client itself, also where a session goes on that it was shown in.
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let certificate = shown.map(|der| ClientCertificate::from_der(der));
                Some((Box::new(stream), certificate))
            }
            Ok(Err(error)) => {
                debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                debug!("a TLS handshake took too long");
                None
            }
        }
    }
}

fn read(files: &TlsConfig) -> Result<Arc<ServerConfig>, Failure> {
    let TlsConfig { certificate, key, client_certificates } = files;
    let failed = |path: &std::path::Path, error: &dyn std::fmt::Display| {
        Failure::new(format!("{}: {error}", path.display())).hint("write `server.tls` with files in PEM")
    };
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| failed(certificate, &error))?;
    if chain.is_empty() {
        return Err(failed(certificate, &"no certificate"));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| match error {
        pem::Error::Io(error) => failed(key, &error),
        // Nothing that stands in the file of a key is shown.
        _ => failed(key, &"no private key in PEM"),
    })?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = client_certificates.as_ref().map(|wanted| client_verifier::of(wanted, &provider));
    let verifier = verifier.transpose()?.unwrap_or_else(WebPkiClientVerifier::no_client_auth);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(certificate, &error))?;
    let config = config.with_client_cert_verifier(verifier).with_single_cert(chain, private);
    let mut config = config.map_err(|error| failed(certificate, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
