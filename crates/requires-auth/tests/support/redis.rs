//! A Redis of one's own: Debian's `redis-server`, on a free port of loopback, with nothing on disk.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A server that ends with its value.
pub(crate) struct Redis {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
}

impl Redis {
    /// Starts a server with these arguments of `redis-server`. `None` where there is no such program, which is printed: with
    /// `TEST_REDIS_SERVER=required` it is a failure.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|free| free.local_addr())
            .expect("a port")
            .port();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut redis = Self { child: None, port, arguments };
        if redis.run() {
            return Some(redis);
        }
        let is_required = std::env::var("TEST_REDIS_SERVER").is_ok_and(|value| value == "required");
        assert!(!is_required, "redis-server is not installed");
        eprintln!("SKIPPED: redis-server is not installed (apt-get install redis-server)");
        None
    }

    /// Starts it, on the same port as before; waits until it answers. `false` if there is no such program.
    pub(crate) fn run(&mut self) -> bool {
        let port = self.port.to_string();
        let fixed =
            ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"];
        let child = Command::new("redis-server")
            .args(fixed)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else { return false };
        self.child = Some(child);
        let begun = Instant::now();
        while self.try_command(&["PING"]).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a process of ours");
            child.wait().expect("it ends");
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command, and returns the first line of the answer, or a text of it as a whole.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.try_command(words).expect("an answer")
    }

    fn try_command(&self, words: &[&str]) -> Option<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let parts = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let command = format!("*{}\r\n{}", words.len(), parts.collect::<String>());
        stream.write_all(command.as_bytes()).ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_owned();
        let Some(length) = line.strip_prefix('$').and_then(|length| length.parse().ok()) else {
            return Some(line);
        };
        let mut text = vec![0; length];
        reader.read_exact(&mut text).ok()?;
        String::from_utf8(text).ok()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What stands between a client and a server, and lets answers pass after a delay.
pub(crate) struct SlowProxy {
    port: u16,
    delay: Arc<AtomicU64>,
}

impl SlowProxy {
    pub(crate) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let delay = Arc::new(AtomicU64::new(0));
        let own = Arc::clone(&delay);
        // It ends with the process of the test.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { continue };
                let (from, to) =
                    (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
                thread::spawn(move || pass(from, to, None));
                let delay = Arc::clone(&own);
                thread::spawn(move || pass(server, client, Some(&delay)));
            }
        });
        Self { port, delay }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Each piece of an answer waits so long from now on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.delay.store(u64::try_from(delay.as_millis()).expect("a short delay"), Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, delay: Option<&AtomicU64>) {
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if let Some(delay) = delay {
            thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)));
        }
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Both));
}
