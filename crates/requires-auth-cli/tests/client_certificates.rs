//! Tokens that are bound to a certificate, at a gateway that ends TLS itself: whose certificates it takes, and that what a
//! client has shown counts on its connection alone.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::sync::Arc;

use axum::Router;
use http::StatusCode;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use self::support::Server;
use self::support::gateway::{AUDIENCE, ISSUER, Stage};

/// A certificate of a client with its key.
struct Client {
    der: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Client {
    /// One that nobody else has issued.
    fn self_signed() -> Self {
        let made = rcgen::generate_simple_self_signed(["client".to_owned()]).expect("a certificate");
        Self { der: made.cert.der().clone(), key: made.signing_key.serialize_der() }
    }

    fn issued_by(issuer: &CertifiedIssuer<'_, KeyPair>) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["client".to_owned()]).expect("a name");
        let made = params.signed_by(&key, issuer).expect("a certificate");
        Self { der: made.der().clone(), key: key.serialize_der() }
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A gateway in front of an application that says yes, with this about clients' certificates.
async fn start(stage: &Stage, clients: &str) -> (Server, CertificateDer<'static>) {
    let application = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = application.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(application, Router::new().fallback(async || "yes")).await });
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(stage.folder.join("key.pem"), own.signing_key.serialize_pem()).expect("a file");
    fs::write(stage.folder.join("cert.pem"), own.cert.pem()).expect("a file");
    stage.write(&format!(
        "client_certificates = true\n\
         [server]\nlisten = \"127.0.0.1:0\"\n\
         tls = {{ certificate = \"cert.pem\", key = \"key.pem\", {clients} }}\n\
         [reverse_proxy]\nupstream = \"http://{upstream}\"\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"GET /orders\"\n"
    ));
    (stage.start(), own.cert.der().clone())
}

/// The status of an answer to a client with this certificate, or none; an error is a connection that comes to nothing.
async fn status(
    (server, trusted): &(Server, CertificateDer<'static>),
    client: Option<&Client>,
    token: &str,
    told: Option<&str>,
    is_old: bool,
) -> Result<u16, Box<dyn std::error::Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone())?;
    let versions = if is_old { vec![&version::TLS12] } else { vec![&version::TLS13] };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&versions)?.with_root_certificates(roots);
    let mut config = match client {
        Some(client) => builder
            .with_client_auth_cert(vec![client.der.clone()], PrivateKeyDer::try_from(client.key.clone())?)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(server.address("listen").trim_start_matches("https://")).await?;
    let stream =
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost")?, stream).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = http::Request::get("/orders").header("host", "localhost");
    request = request.header("authorization", format!("Bearer {token}"));
    if let Some(told) = told {
        request = request.header("client-cert", told);
    }
    Ok(sender.send_request(request.body(Empty::<Bytes>::new())?).await?.status().as_u16())
}

#[tokio::test]
async fn any_certificate_may_be_shown_and_only_that_of_the_token_counts() {
    let stage = Stage::new("certificates-any");
    let gateway = start(&stage, "client_certificates = \"any\"").await;
    let (own, other) = (Client::self_signed(), Client::self_signed());
    let bound = stage.bound_token(&own.der);
    let plain = stage.token("read:orders");
    let ok = StatusCode::OK.as_u16();
    for is_old in [false, true] {
        for _ in 0..2 {
            assert_eq!(status(&gateway, Some(&own), &bound, None, is_old).await.expect("an answer"), ok);
        }
        for client in [Some(&other), None] {
            assert_eq!(status(&gateway, client, &bound, None, is_old).await.expect("an answer"), 401);
            assert_eq!(status(&gateway, client, &plain, None, is_old).await.expect("an answer"), ok);
        }
        // No header says what a client has shown.
        let told = format!(":{}:", base64_of(&own.der));
        assert_eq!(status(&gateway, None, &bound, Some(&told), is_old).await.expect("an answer"), 401);
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_makes_no_connection() {
    let stage = Stage::new("certificates-key");
    let gateway = start(&stage, "client_certificates = \"any\"").await;
    let own = Client::self_signed();
    let stolen = Client { der: own.der.clone(), key: Client::self_signed().key };
    let token = stage.bound_token(&own.der);
    for is_old in [false, true] {
        assert!(status(&gateway, Some(&stolen), &token, None, is_old).await.is_err());
        assert_eq!(status(&gateway, Some(&own), &token, None, is_old).await.expect("an answer"), 200);
    }
}

#[tokio::test]
async fn certificates_have_to_lead_to_an_authority_that_is_named() {
    let (ours, theirs) = (authority(), authority());
    let (own, stranger) = (Client::issued_by(&ours), Client::issued_by(&theirs));
    for (kind, is_optional) in [("optional", true), ("required", false)] {
        let stage = Stage::new(&format!("certificates-{kind}"));
        fs::write(stage.folder.join("clients.pem"), ours.pem()).expect("a file");
        let clients = format!("client_certificates = \"{kind}\", client_ca = \"clients.pem\"");
        let gateway = start(&stage, &clients).await;
        let (bound, plain) = (stage.bound_token(&own.der), stage.token("read:orders"));
        assert_eq!(status(&gateway, Some(&own), &bound, None, false).await.expect("an answer"), 200);
        assert!(status(&gateway, Some(&stranger), &plain, None, false).await.is_err());
        assert!(status(&gateway, Some(&Client::self_signed()), &plain, None, false).await.is_err());
        let none = status(&gateway, None, &plain, None, false).await;
        assert_eq!(none.ok(), is_optional.then_some(200), "{kind}");
    }
}

fn base64_of(der: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(der)
}
