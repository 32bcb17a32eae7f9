//! The real identity provider `oidc-provider` from npm, on loopback.
//!
//! The provider and the client that fetches tokens are Node programs in `tests/providers/oidc-provider`.
//! Without Node or without `npm ci` there, each test prints one line that begins with `skipped:` and passes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const SKIPPED: &str =
    "skipped: oidc-provider needs Node 20.12 or newer, and `npm ci` in tests/providers/oidc-provider\n";
/// Opaque tokens.
pub const LEGACY: &str = "https://legacy.example.com";

/// A running provider; it ends with this value.
pub struct Provider {
    process: Child,
    pub issuer: String,
    port: u16,
}

impl Provider {
    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/providers/oidc-provider");

    /// Starts the provider with fresh keys; port 0 picks a free one. `None` where it is not installed.
    pub fn start(port: u16) -> Option<Self> {
        Self::start_with(port, &[])
    }

    /// The same with further arguments of `server.mjs`.
    pub fn start_with(port: u16, arguments: &[&str]) -> Option<Self> {
        if !Self::is_installed() {
            // Past the test harness, which would hold back what a passing test prints.
            io::stderr().write_all(SKIPPED.as_bytes()).ok();
            return None;
        }
        let mut process = Self::node("server.mjs")
            .args(["--port", &port.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("the provider did not start: run `node server.mjs` in {}", Self::FOLDER)
        });
        Some(Self {
            process,
            issuer: ready["issuer"].as_str().unwrap().to_owned(),
            port: u16::try_from(ready["port"].as_u64().unwrap()).unwrap(),
        })
    }

    /// Ends the provider and returns the port that it leaves free.
    pub fn stop(self) -> u16 {
        self.port
    }

    pub fn access_token(&self, resource: &str, scopes: &[&str]) -> String {
        self.token(&[&["access", resource], scopes].concat())
    }

    pub fn id_token(&self, nonce: Option<&str>) -> String {
        self.token(&[&["id"], nonce.as_slice()].concat())
    }

    pub fn token(&self, request: &[&str]) -> String {
        let output = Self::node("tokens.mjs").arg(&self.issuer).args(request).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn node(script: &str) -> Command {
        let mut command = Command::new("node");
        command.current_dir(Self::FOLDER).arg(script);
        command
    }

    fn is_installed() -> bool {
        Path::new(Self::FOLDER).join("node_modules/oidc-provider").is_dir()
            && node_version() >= Some((20, 12))
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub fn node_version() -> Option<(u32, u32)> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
