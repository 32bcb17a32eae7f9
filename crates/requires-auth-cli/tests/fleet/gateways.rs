//! Four gateways, each a process of its own, with the one Redis that they share.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use requires_auth_testkit::{Algorithm, SigningKey};

use super::connection::Answer;
use super::server::Redis;
use super::support::Server;
use super::support::application::Application;
use super::support::gateway::{AUDIENCE, ISSUER, PATIENCE, Stage, ask, exchange, get};

pub(crate) const GATEWAYS: usize = 4;

/// What proofs are made for.
const PUBLIC_URL: &str = "https://api.example.com";

/// What an operator shows.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

pub(crate) struct Fleet {
    pub(crate) redis: Redis,
    pub(crate) stage: Stage,
    pub(crate) gateways: Vec<Gateway>,
    _application: Application,
}

/// A gateway. How it is asked depends on where it stands.
pub(crate) struct Gateway {
    server: Server,
    place: Place,
}

#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// In front of the application.
    Before,
    /// Beside a proxy, which asks it.
    Beside,
}

impl Fleet {
    /// Starts all. `None` without Redis, which is printed.
    pub(crate) fn start(dpop: &str) -> Option<Self> {
        let redis = Redis::start(&[])?;
        let (stage, application) = (Stage::new("fleet"), Application::start("orders"));
        fs::write(stage.folder.join("admin-token"), SECRET).expect("a file");
        let gateways = [Place::Before, Place::Beside].into_iter().cycle().take(GATEWAYS).enumerate();
        let gateways = gateways.map(|(number, place)| {
            let file = stage.folder.join(format!("gateway-{number}.toml"));
            let section = match place {
                Place::Before => format!("[reverse_proxy]\nupstream = \"{}\"", application.url),
                Place::Beside => "[forward_auth]\ndialects = \"caddy\"".to_owned(),
            };
            let redis = redis.url();
            let text = format!(
                "dpop = {{ {dpop} }}\n\
                 shared_state = {{ url = \"{redis}\", revocations = true, timeout_ms = 5000 }}\n\
                 [server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\npublic_url = \"{PUBLIC_URL}\"\n\
                 admin_token = {{ file = \"admin-token\" }}\n{section}\n\
                 [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
                 [[routes]]\nmatch = \"GET /orders/*\"\n"
            );
            fs::write(&file, text).expect("a file");
            Gateway { server: Server::start(&["serve", file.to_str().expect("UTF-8")]), place }
        });
        let gateways = gateways.collect();
        Some(Self { redis, stage, gateways, _application: application })
    }

    /// Until a request that is signed now passes at each gateway: a Redis that has just started may have forgotten what is
    /// older than it.
    pub(crate) fn wait_until_all_accept(&self) {
        let holder = Holder::new(&self.stage, "prober");
        for gateway in &self.gateways {
            let begun = Instant::now();
            loop {
                let answer = gateway.ask(&holder.sign("/orders/ready"));
                if answer.status == 200 {
                    break;
                }
                assert!(answer.status == 503 && begun.elapsed() < PATIENCE, "{answer:?}");
                thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// Until each gateway says this of Redis to whoever asks if it is ready. It is ready either way.
    pub(crate) fn wait_until_all_say(&self, status: &str) {
        let (place, begun) = (self.redis.url(), Instant::now());
        for gateway in &self.gateways {
            loop {
                let (code, answer) = get(gateway.server.address("admin"), "/readyz");
                assert_eq!(code, 200, "{answer}");
                if answer.ends_with(&format!("ready\nshared state {place}: {status}\n")) {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE, "{answer}");
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

impl Gateway {
    /// Where requests go.
    pub(crate) fn address(&self) -> &str {
        self.server.address("listen")
    }

    /// The place, as a client has to know it.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The answer to a request, on a connection of its own.
    pub(crate) fn ask(&self, request: &Signed) -> Answer {
        let (status, text) = ask(self.address(), &self.place.head(request));
        Answer::new(status, text)
    }

    /// Revokes all tokens of a subject, as an operator does; whether that could be told to the others.
    pub(crate) fn revoke(&self, subject: &str) -> bool {
        let until = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let body = format!("{{\"sub\":\"{subject}\",\"until\":{}}}", until.as_secs() + 3_600);
        let head = format!(
            "POST /revocations HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {SECRET}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let (status, answer) = exchange(self.server.address("admin"), &head);
        assert!([200, 503].contains(&status), "{answer}");
        status == 200
    }
}

impl Place {
    /// The head of a request but for its last line.
    pub(crate) fn head(self, request: &Signed) -> String {
        let Signed { path, token, proof } = request;
        let credentials = format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n");
        match self {
            Self::Before => format!("GET {path} HTTP/1.1\r\nHost: gateway\r\n{credentials}"),
            Self::Beside => format!(
                "GET /forward-auth/caddy HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-Method: GET\r\n\
                 X-Forwarded-Uri: {path}\r\n{credentials}"
            ),
        }
    }
}

/// A client with a key, and a token that is bound to it.
pub(crate) struct Holder {
    key: SigningKey,
    token: String,
}

/// A request that its client has signed.
pub(crate) struct Signed {
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) proof: String,
}

impl Holder {
    pub(crate) fn new(stage: &Stage, subject: &str) -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519);
        let token = stage.forge.token().subject(subject).bound_to(&key).lifetime(3_600).mint();
        Self { key, token }
    }

    /// A request that nobody has sent yet.
    pub(crate) fn sign(&self, path: &str) -> Signed {
        let proof = requires_auth_testkit::ProofBuilder::new(&self.key, "GET", format!("{PUBLIC_URL}{path}"));
        let proof = proof.token(&self.token).mint();
        Signed { path: path.to_owned(), token: self.token.clone(), proof }
    }
}
