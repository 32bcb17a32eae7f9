//! A Redis that is reached by TLS (`rediss://`): only one whose certificate holds is told anything.

#[path = "support/redis.rs"]
#[expect(dead_code, reason = "the other tests of Redis need more of it")]
mod server;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use requires_auth::config::Config;
use requires_auth::replay::{ReplayKey, ReplayStore as _, Use};
use requires_auth::shared::{SharedState, SharedStatus};
use server::Redis;

const START: u64 = 1_800_000_000;

/// A server with a certificate for `localhost`, and the authority that has issued it.
struct Secured {
    redis: Redis,
    tls_port: u16,
    folder: PathBuf,
    ca: String,
}

impl Secured {
    fn start(name: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("requires-auth-redis-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let authority = authority();
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        let written = |name: &str, text: String| {
            let file = folder.join(name);
            fs::write(&file, text).expect("a file");
            file.to_str().expect("UTF-8").to_owned()
        };
        let ca = authority.pem();
        let (certificate, key) =
            (written("cert.pem", certificate.pem()), written("key.pem", key.serialize_pem()));
        let authority = written("ca.pem", ca.clone());
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let tls_port = free.local_addr().expect("an address").port();
        drop(free);
        let port = tls_port.to_string();
        let arguments = ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let clients = ["--tls-ca-cert-file", &authority, "--tls-auth-clients", "no"];
        let redis = Redis::start(&[&arguments[..], &clients[..]].concat());
        if redis.is_none() {
            fs::remove_dir_all(&folder).expect("it is there");
        }
        Some(Self { redis: redis?, tls_port, folder, ca })
    }

    fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.tls_port)
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// What is said of a proof, and how the server is doing then.
async fn asked(state: SharedState) -> (Use, SharedStatus, String) {
    let store = state.with_timeout(std::time::Duration::from_secs(5)).replay().expect("a store");
    let store = store.with_clock(|| std::time::UNIX_EPOCH + std::time::Duration::from_secs(START));
    let key = ReplayKey { id: [1; 16], share: [1; 16] };
    let said = store.with_longest_use(0);
    let (said, health) = (said.first_use(key, START + 65).await, said.health());
    (said, health.status(), health.last_error().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn only_a_server_whose_certificate_holds_is_told_anything() {
    let Some(server) = Secured::start("tls") else { return };
    let at = |scheme: &str, host: &str| SharedState::at(&server.url(scheme, host));
    let good = || at("rediss", "localhost").with_ca(server.ca.clone());
    let no_error = String::new();
    assert_eq!(asked(good()).await, (Use::First, SharedStatus::Up, no_error.clone()));
    assert_eq!(asked(good()).await, (Use::Again, SharedStatus::Up, no_error));
    for (state, told) in [
        (at("rediss", "localhost").with_ca(authority().pem()), "certificate"),
        // This one is of nobody whom the platform trusts.
        (at("rediss", "localhost"), "certificate"),
        // Nor is it for this name.
        (at("rediss", "127.0.0.1").with_ca(server.ca.clone()), "certificate"),
        (at("redis", "localhost"), ""),
    ] {
        let (said, status, error) = asked(state).await;
        assert_eq!((said, status), (Use::Unavailable, SharedStatus::Down), "{error}");
        assert!(!error.is_empty() && error.contains(told), "{error}");
    }
    // A client that never came through could not have said anything.
    assert_eq!(server.redis.command(&["DBSIZE"]), ":1");
}

#[tokio::test]
async fn a_file_names_the_certificates_that_are_trusted() {
    let Some(server) = Secured::start("tls-file") else { return };
    fs::write(server.folder.join("other.pem"), authority().pem()).expect("a file");
    for (ca, status) in [("ca.pem", SharedStatus::Up), ("other.pem", SharedStatus::Down)] {
        let text = format!(
            "public_url = \"https://api.example\"\ndpop = \"required\"\n\
             shared_state = {{ url = \"{}\", ca = \"{ca}\", timeout_ms = 5000 }}\n\
             [issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"a\"\njwks = \"keys.json\"\n",
            server.url("rediss", "localhost")
        );
        let key = requires_auth_testkit::SigningKey::generate(requires_auth_testkit::Algorithm::Ed25519);
        fs::write(server.folder.join("keys.json"), requires_auth_testkit::jwk_set([&key]).to_string())
            .expect("a file");
        let config = Config::parse(&text, server.folder.join("auth.toml")).expect("a configuration");
        let auth = config.build().expect("a guard");
        auth.warm().await.expect("keys are there");
        let health = auth.health();
        assert_eq!(health.shared_state().expect("a server").status(), status, "{ca}: {health:?}");
    }
}
