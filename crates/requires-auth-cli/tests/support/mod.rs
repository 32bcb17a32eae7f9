//! Child processes of the tests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

use serde_json::Value;

#[cfg(unix)]
pub mod application;
#[cfg(unix)]
pub mod gateway;
#[cfg(unix)]
pub mod http2;

/// The command line under test, without any setting of the environment it runs in.
pub fn requires_auth(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_requires-auth"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["RUST_LOG", "REQUIRES_AUTH_TOKEN"] {
        command.env_remove(name);
    }
    command
}

/// Runs it to its end with this on stdin.
pub fn run(args: &[&str], stdin: impl Into<Vec<u8>>) -> Run {
    let stdin = stdin.into();
    let mut child = requires_auth(args).stdin(Stdio::piped()).spawn().expect("the binary starts");
    let mut pipe = child.stdin.take().expect("stdin is piped");
    // A thread of its own: both pipes may fill up.
    let writer = thread::spawn(move || pipe.write_all(&stdin));
    let output = child.wait_with_output().expect("the binary ends");
    // A child that has seen enough closes its stdin.
    writer.join().expect("the writer does not panic").ok();
    Run(output)
}

/// A child that has ended.
#[derive(Debug)]
pub struct Run(Output);

impl Run {
    pub fn code(&self) -> i32 {
        self.0.status.code().expect("no signal ended it")
    }

    pub fn stdout(&self) -> &str {
        std::str::from_utf8(&self.0.stdout).expect("stdout is UTF-8")
    }

    pub fn stderr(&self) -> &str {
        std::str::from_utf8(&self.0.stderr).expect("stderr is UTF-8")
    }

    /// The one JSON value on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.stdout()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON lines on stdout.
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout().lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

/// A child that serves until it is dropped.
pub struct Server {
    child: Child,
    // Kept open, so that the child can write.
    _stdout: BufReader<ChildStdout>,
    /// Reads stderr all the time: a pipe that is full would hold the child.
    stderr: Option<thread::JoinHandle<String>>,
    /// What it printed first, as JSON.
    pub addresses: Value,
}

impl Server {
    /// Starts it and waits for the line with its addresses.
    pub fn start(args: &[&str]) -> Self {
        Self::begin(requires_auth(args))
    }

    /// Starts it with this many files, and no right to more.
    #[cfg(unix)]
    pub fn start_with_files(files: u32, args: &[&str]) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\"")]);
        command.arg(env!("CARGO_BIN_EXE_requires-auth")).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::begin(command)
    }

    fn begin(mut command: Command) -> Self {
        let mut child = command.args(["--output", "json"]).spawn().expect("the binary starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout can be read");
        if line.is_empty() {
            let mut reason = String::new();
            child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut reason));
            panic!("{command:?} has not started: {reason}");
        }
        let addresses = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let mut pipe = child.stderr.take().expect("stderr is piped");
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).expect("stderr is UTF-8");
            text
        });
        Self { child, _stdout: stdout, stderr: Some(stderr), addresses }
    }

    pub fn address(&self, name: &str) -> &str {
        self.addresses[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.addresses))
    }

    /// Asks it to stop, as a service manager does, and gives its exit code.
    #[cfg(unix)]
    pub fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().expect("the child ends").code()
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(status.success());
    }

    /// All that it has written to stderr, once it has ended.
    pub fn stderr(&mut self) -> String {
        let stderr = self.stderr.take().expect("stderr was not taken");
        stderr.join().expect("stderr is UTF-8")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
