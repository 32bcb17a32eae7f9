//! wrk, and what it sends.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, io, process};

use super::AT_A_TIME;
use crate::fixture::Token;

/// What wrk sends: one token after the other. It goes with this value.
pub(super) struct Script(PathBuf);

impl Script {
    pub(super) fn write(tokens: &[Token]) -> io::Result<Self> {
        let script = Self(env::temp_dir().join(format!("requires-auth-bench-{}.lua", process::id())));
        let tokens: Vec<_> = tokens.iter().map(|token| format!("{:?}", token.value())).collect();
        fs::write(&script.0, include_str!("../wrk.lua").replace("TOKENS", &tokens.join(", ")))?;
        Ok(script)
    }

    /// Requests per second within one second; an answer other than 200 is an error.
    pub(super) fn rate(&self, address: SocketAddr, route: &str) -> Result<f64, String> {
        let output = Command::new("wrk")
            .args(["--threads", "1", "--duration", "1s", "--connections", &AT_A_TIME.to_string()])
            // All routes get the same requests.
            .arg("--script")
            .arg(&self.0)
            .arg(format!("http://{address}/{route}"))
            .output()
            .map_err(|error| format!("wrk cannot be started: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        if text.contains("Non-2xx") {
            return Err(format!("/{route} refuses"));
        }
        let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
        rate.ok_or_else(|| format!("wrk says nothing of use: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It is in the folder for temporary files.
        fs::remove_file(&self.0).ok();
    }
}
