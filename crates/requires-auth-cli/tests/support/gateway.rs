//! A gateway with its files and an application, and requests as bytes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

use super::Server;
use super::application::Application;

pub const ISSUER: &str = "https://issuer.example";
pub const AUDIENCE: &str = "https://api.example.com";

/// How long anything here may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a configuration and its keys.
pub struct Stage {
    pub folder: PathBuf,
    pub forge: Forge,
}

impl Stage {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("requires-auth-serve-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let key = SigningKey::generate(Algorithm::Es256);
        fs::write(folder.join("keys.json"), jwk_set([&key]).to_string()).expect("a file");
        Self { folder, forge: Forge::new(ISSUER, AUDIENCE, key) }
    }

    pub fn file(&self) -> PathBuf {
        self.folder.join("gateway.toml")
    }

    /// Writes the configuration as an editor does: a new file takes the place of the old one.
    pub fn write(&self, text: &str) {
        let new = self.folder.join("new.toml");
        fs::write(&new, text).expect("a file");
        fs::rename(new, self.file()).expect("it takes its place");
    }

    pub fn start(&self) -> Server {
        Server::start(&["serve", self.file().to_str().expect("UTF-8")])
    }

    pub fn token(&self, scope: &str) -> String {
        self.forge.token().subject("alice").scope(scope).mint()
    }

    /// A token that is bound to a certificate of its client, in DER.
    pub fn bound_token(&self, der: &[u8]) -> String {
        self.forge.token().subject("alice").bound_to_certificate(der).mint()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A gateway in front of an application. Each test gives it a constructor and questions of its own.
pub struct Proxy {
    pub stage: Stage,
    pub application: Application,
    pub server: Server,
}

impl Proxy {
    /// Starts both; `configure` writes the configuration, with the URL of the application.
    pub fn start(name: &str, configure: impl FnOnce(&Stage, &str)) -> Self {
        let (stage, application) = (Stage::new(name), Application::start("one"));
        configure(&stage, &application.url);
        let server = stage.start();
        Self { stage, application, server }
    }

    pub fn address(&self) -> &str {
        self.server.address("listen")
    }
}

/// A connection to a listener, as it names itself.
pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address.trim_start_matches("http://")).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Status and whole answer to a request, on a connection of its own.
pub fn ask(address: &str, head: &str) -> (u16, String) {
    exchange(address, &format!("{head}Connection: close\r\n\r\n"))
}

/// The same for a whole request, which closes the connection.
pub fn exchange(address: &str, request: &str) -> (u16, String) {
    let mut answer = String::new();
    if let Some(path) = address.strip_prefix("unix:") {
        let mut stream = UnixStream::connect(path).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        stream.read_to_string(&mut answer).expect("it answers");
    } else {
        let mut stream = connect(address);
        stream.write_all(request.as_bytes()).expect("it reads");
        stream.read_to_string(&mut answer).expect("it answers");
    }
    (status(&answer), answer)
}

/// The status of an answer.
#[track_caller]
pub fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status in {answer:?}"))
}

pub fn get(address: &str, path: &str) -> (u16, String) {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: gateway\r\n"))
}

/// Waits until `done`, which a reload or a drain makes true.
#[track_caller]
pub fn wait_until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < PATIENCE, "{what} has not come");
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let (mut text, mut byte) = (String::new(), [0]);
    while !text.ends_with(end) {
        let read = stream.read(&mut byte).unwrap_or_else(|error| panic!("{error} after {text:?}"));
        assert_ne!(read, 0, "it ended after {text:?}");
        text.push(char::from(byte[0]));
    }
    text
}
