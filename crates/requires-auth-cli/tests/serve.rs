//! `serve` as an operator has it: listeners, admin pages, reload and shutdown of the real binary.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use requires_auth_testkit::Defect;
use serde_json::{Value, json};

use self::support::gateway::{AUDIENCE, ISSUER, PATIENCE, Stage, ask, connect, get, wait_until};
use self::support::{Server, run};

/// What these tests need of a stage.
trait Ask {
    fn configure(&self, listen: &str, scope: &str);
    fn question(&self, scope: &str) -> String;
}

impl Ask for Stage {
    /// Caddy asks about `/orders`.
    fn configure(&self, listen: &str, scope: &str) {
        let text = format!(
            "[server]\nlisten = \"{listen}\"\nadmin = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n\
             [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
             [headers]\nX-Auth-Subject = \"sub\"\n[[routes]]\nmatch = \"GET /orders\"\nscopes = \"{scope}\"\n"
        );
        self.write(&text);
    }

    fn question(&self, scope: &str) -> String {
        question(&self.token(scope))
    }
}

/// What Caddy asks about a request for `/orders` with this token.
fn question(token: &str) -> String {
    format!(
        "GET /forward-auth/caddy HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /orders\r\n\
         Authorization: Bearer {token}\r\n"
    )
}

#[test]
fn a_request_that_can_be_read_in_two_ways_gets_400_and_ends_the_connection() {
    let stage = Stage::new("two-ways");
    stage.configure("127.0.0.1:0", "read:orders");
    let server = stage.start();
    let question = stage.question("read:orders");
    let smuggled = format!("{question}Connection: close\r\n\r\n");
    for (framing, status) in [
        ("Content-Length: 0\r\n", 200),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Content-Length: 0\r\nContent-Length: 0\r\n", 400),
        ("X-Line: ends with LF alone\n", 400),
        ("X-Line: is\r\n folded\r\n", 400),
    ] {
        let mut stream = connect(server.address("listen"));
        stream.write_all(format!("{question}{framing}\r\n").as_bytes()).expect("it reads");
        stream.write_all(smuggled.as_bytes()).ok();
        let mut answers = Vec::new();
        // A reset may take the place of the end.
        stream.read_to_end(&mut answers).ok();
        let answers = String::from_utf8_lossy(&answers);
        assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{framing:?} got {answers}");
        let expected = if status == 200 { 2 } else { 1 };
        assert_eq!(answers.matches("HTTP/1.1 ").count(), expected, "{framing:?} got {answers}");
    }
}

#[test]
fn where_to_listen_may_be_said_beside_the_file() {
    let stage = Stage::new("listen");
    // Nothing listens at what the file says.
    stage.configure("unix:/nonexistent/gateway.sock", "read:orders");
    let file = stage.file();
    let file = file.to_str().expect("UTF-8");
    let server = Server::start(&["serve", file, "--listen", "127.0.0.1:0"]);
    assert!(server.address("listen").starts_with("http://127.0.0.1:"));
    assert_eq!(ask(server.address("listen"), &stage.question("read:orders")).0, 200);

    let with_variable = |value: &str, more: &[&str]| {
        let mut command = support::requires_auth(&[&["serve", file], more].concat());
        let output = command.env("REQUIRES_AUTH_LISTEN", value).output().expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for value in ["9180", "unix:", "localhost:80"] {
        let (code, stderr) = with_variable(value, &[]);
        assert!(code == Some(2) && stderr.contains("an address and a port"), "{value}: {stderr}");
    }
    // Where the variable says a place that cannot be, it is the variable that counts.
    let (code, stderr) = with_variable("unix:/nonexistent/other.sock", &[]);
    assert!(code == Some(2) && stderr.contains("/nonexistent/other.sock"), "{stderr}");

    let admin = fs::read_to_string(file)
        .expect("a file")
        .replace("admin = \"127.0.0.1:0\"", "admin = \"127.0.0.1:1\"");
    stage.write(&admin);
    let refused = run(&["serve", file, "--listen", "127.0.0.1:1"], "");
    assert!(refused.code() == 2 && refused.stderr().contains("admin pages"), "{}", refused.stderr());
}

#[test]
fn admin_pages_are_on_their_own_listener_and_nowhere_else() {
    let stage = Stage::new("admin");
    stage.configure("127.0.0.1:0", "read:orders");
    let server = stage.start();
    let (listen, admin) = (server.address("listen"), server.address("admin"));
    let (status, answer) = ask(listen, &stage.question("read:orders"));
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("x-auth-subject: alice"), "{answer}");
    assert_eq!(ask(listen, &stage.question("other")).0, 403);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(admin, path).0, 200, "{path}");
        assert_eq!(get(listen, path).0, 404, "{path}");
    }
    // Whoever claims to be a probe.
    let probe = "GET /orders HTTP/1.1\r\nHost: gateway\r\nUser-Agent: GoogleHC/1.0\r\n";
    assert_eq!(ask(listen, probe).0, 404);
    assert_eq!(ask(admin, &stage.question("read:orders")).0, 404);
    let ambiguous = stage.question("read:orders").replace("Host:", "X-Original-Uri: /other\r\nHost:");
    assert_eq!(ask(listen, &ambiguous).0, 400);
    let (_, metrics) = get(admin, "/metrics");
    assert!(metrics.contains("requires_auth_decisions_total{"), "{metrics}");
    assert!(metrics.contains("code=\"insufficient_scope\""), "{metrics}");
    for line in [
        "requires_auth_gateway_decisions_total{route=\"GET /orders\",outcome=\"allowed\",code=\"\"} 1",
        "requires_auth_gateway_decisions_total{route=\"GET /orders\",outcome=\"refused\",code=\"insufficient_scope\"} 1",
        "requires_auth_gateway_decisions_total{route=\"\",outcome=\"refused\",code=\"auth.ambiguous_request\"} 1",
        "requires_auth_gateway_decision_seconds_count 3",
        "requires_auth_config_reload_failed 0",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("alice") && !metrics.contains("eyJ"), "{metrics}");
}

#[test]
fn refusals_are_logged_as_json_with_their_request_and_never_with_their_token() {
    let stage = Stage::new("log");
    stage.configure("127.0.0.1:0", "read:orders");
    let mut server = Server::start(&["serve", "--log", "json", stage.file().to_str().expect("UTF-8")]);
    let listen = server.address("listen").to_owned();
    let expired = stage.forge.token().subject("alice").defect(Defect::Expired).mint();
    let question = question(&expired) + "X-Request-Id: night-7\r\n";
    assert_eq!(ask(&listen, &question).0, 401);
    assert_eq!(ask(&listen, &question.replace("/orders", "/elsewhere")).0, 403);
    server.signal("TERM");
    let log = server.stderr();
    // Nothing but JSON: what the gateway says of itself, too.
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    for said in ["listening on http://", "admin pages on http://", "stopping"] {
        let is_said = |event: &Value| event["message"].as_str().is_some_and(|text| text.starts_with(said));
        assert!(events.iter().any(is_said), "{said} in {log}");
    }
    assert!(events.iter().all(|event| event["timestamp"].is_string() && event["level"].is_string()), "{log}");
    let refused = events.iter().find(|event| event["reason"] == "expired");
    let refused = refused.unwrap_or_else(|| panic!("no refusal in {log}"));
    assert_eq!((&refused["span"]["id"], &refused["code"]), (&json!("night-7"), &json!("invalid_token")));
    assert!(events.iter().any(|event| event["code"] == "auth.no_route"), "{log}");
    let signature = expired.rsplit('.').next().expect("three parts");
    assert!(!log.contains(signature) && !log.contains("alice") && !log.contains("eyJ"), "{log}");
}

#[test]
fn a_log_that_nobody_reads_holds_up_no_answer() {
    let stage = Stage::new("unread-log");
    stage.configure("127.0.0.1:0", "read:orders");
    let server = Server::start(&["serve", "-v", stage.file().to_str().expect("UTF-8")]);
    let listen = server.address("listen");
    // A pipe takes 64 KiB, and each refusal is more than 500 bytes for its path alone.
    let long = "a".repeat(20_000);
    let refused = stage.question("read:orders").replace("/orders", &format!("/{long}\u{202e}"));
    let mut stream = connect(listen);
    let mut answers = Vec::new();
    for _ in 0..500 {
        stream.write_all(format!("{refused}\r\n").as_bytes()).expect("it reads");
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).expect("it answers");
        answers.push(String::from_utf8_lossy(&bytes[..read]).into_owned());
    }
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 40")), "{:?}", answers.first());
    assert_eq!(ask(listen, &stage.question("read:orders")).0, 200);
}

#[test]
fn a_flood_of_one_reason_is_one_short_harmless_line_of_the_log_in_a_second() {
    let stage = Stage::new("lines");
    stage.configure("127.0.0.1:0", "read:orders");
    let mut server = Server::start(&["serve", "-v", stage.file().to_str().expect("UTF-8")]);
    let listen = server.address("listen").to_owned();
    let forged = stage.forge.token().subject("alice").defect(Defect::SignatureMismatch).mint();
    for _ in 0..20 {
        assert_eq!(ask(&listen, &question(&forged)).0, 401);
    }
    let stretched = question(&forged).replace("/orders", &format!("/{}", "a".repeat(4000)));
    assert!(ask(&listen, &stretched).0 >= 400);
    server.signal("TERM");
    let written = server.stderr();
    let warned = written.lines().filter(|line| line.contains("WARN") && line.contains("refused")).count();
    assert!((1..=5).contains(&warned), "{warned} of 20 in about a second: {written}");
    assert!(written.contains(&"a".repeat(511)) && !written.contains(&"a".repeat(512)), "{written}");
    assert!(written.lines().all(|line| !line.contains(char::is_control)), "{written}");
}

/// Keys and the introspection endpoint: each failure is a line of its own, and none is there twice.
#[test]
fn an_issuer_that_is_out_of_reach_at_the_start_is_told_once() {
    let stage = Stage::new("out-of-reach");
    fs::write(stage.folder.join("secret"), "0123456789abcdef").expect("a file");
    let start = |introspection: &str| {
        stage.write(&format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n[issuers.main]\n\
             issuer = \"http://127.0.0.1:1/oidc\"\naudience = \"{AUDIENCE}\"\n{introspection}[[routes]]\nmatch = \"GET /\"\n"
        ));
        let mut server = stage.start();
        assert_eq!(ask(server.address("listen"), "GET /forward-auth/caddy HTTP/1.1\r\nHost: a\r\n").0, 400);
        server.signal("TERM");
        server.stderr()
    };
    let told = |log: &str, what: &str| log.lines().filter(|line| line.contains(what)).count();
    let log = start("");
    assert_eq!((told(&log, "Connection refused"), told(&log, "keys could not be fetched")), (1, 1), "{log}");
    assert_eq!(told(&log, "tokens cannot be introspected"), 0, "{log}");
    let log = start(
        "accept_tokens = \"opaque\"\nintrospection = { client_id = \"api\", client_secret_file = \"secret\" }\n",
    );
    assert_eq!(told(&log, "tokens cannot be introspected"), 1, "{log}");
}

#[test]
fn a_file_with_mistakes_is_told_as_json_where_the_log_is() {
    let stage = Stage::new("json-failure");
    stage.write("[server]\nlisten = \"9180\"\n");
    let run = run(&["serve", "--log", "json", stage.file().to_str().expect("UTF-8")], "");
    assert_eq!(run.code(), 2);
    let lines: Vec<Value> =
        run.stderr().lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["level"] == "ERROR"), "{lines:?}");
}

#[test]
fn a_refusal_is_logged_and_counted_once_though_nginx_asks_twice() {
    let stage = Stage::new("twice");
    stage.configure("127.0.0.1:0", "read:orders");
    let text = fs::read_to_string(stage.file()).expect("written above");
    stage.write(&text.replace("\"caddy\"", "\"nginx\""));
    let mut server = Server::start(&["serve", "--log", "json", "-v", stage.file().to_str().expect("UTF-8")]);
    let (listen, admin) = (server.address("listen").to_owned(), server.address("admin").to_owned());
    let weak = stage.token("other");
    let ask = |endpoint: &str, target: &str| {
        let question = format!(
            "GET /forward-auth/nginx{endpoint} HTTP/1.1\r\nHost: gateway\r\nX-Original-Method: GET\r\n\
             X-Original-Uri: {target}\r\nAuthorization: Bearer {weak}\r\n"
        );
        ask(&listen, &question)
    };
    // One whose first question has not come here, which must not leave the counters without their series.
    assert_eq!(ask("/deny", "/orders").0, 403);
    for (target, status, code) in [
        ("/orders", 403, "insufficient_scope"),
        ("/elsewhere", 403, "auth.no_route"),
        ("//", 400, "auth.ambiguous_path"),
    ] {
        assert_eq!(ask("?deny=403", target).0, 403, "{target}");
        let (second, answer) = ask("/deny", target);
        assert_eq!((second, answer.contains(code)), (status, true), "{target}: {answer}");
    }
    let (_, metrics) = get(&admin, "/metrics");
    for line in [
        "requires_auth_gateway_decisions_total{route=\"GET /orders\",outcome=\"refused\",code=\"insufficient_scope\"} 1",
        "requires_auth_gateway_decisions_total{route=\"\",outcome=\"refused\",code=\"auth.no_route\"} 1",
        "requires_auth_gateway_decisions_total{route=\"\",outcome=\"refused\",code=\"auth.ambiguous_path\"} 1",
        "requires_auth_gateway_decision_seconds_count 3",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
    }
    let of_the_guard = |line: &&str| {
        line.starts_with("requires_auth_decisions_total{") && line.contains("insufficient_scope")
    };
    assert!(metrics.lines().find(of_the_guard).is_some_and(|line| line.ends_with("} 1")), "{metrics}");
    server.signal("TERM");
    let log = server.stderr();
    for code in ["insufficient_scope", "auth.no_route", "auth.ambiguous_path"] {
        let field = format!("\"code\":\"{code}\"");
        assert_eq!(log.lines().filter(|line| line.contains(&field)).count(), 1, "{code} in {log}");
    }
}

#[test]
fn without_keys_it_starts_and_is_not_ready() {
    let stage = Stage::new("ready");
    stage.write(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks_uri = \"http://127.0.0.1:1/keys\"\n\
         [[routes]]\nmatch = \"GET /orders\"\n"
    ));
    let server = stage.start();
    let (status, answer) = get(server.address("admin"), "/readyz");
    assert_eq!(status, 503);
    assert!(answer.contains(ISSUER), "{answer}");
    let (status, answer) = ask(server.address("listen"), &stage.question("read:orders"));
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
}

#[test]
fn a_unix_socket_is_trusted_and_removed_at_the_end() {
    let stage = Stage::new("socket");
    stage.configure("unix:gateway.sock", "read:orders");
    let server = stage.start();
    let address = server.address("listen").to_owned();
    assert_eq!(ask(&address, &stage.question("read:orders")).0, 200);
    assert_eq!(server.terminate(), Some(0));
    assert!(!Path::new(address.strip_prefix("unix:").expect("a socket")).exists());
}

/// Asks all the time, each time on a connection of its own.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    threads: Vec<thread::JoinHandle<Vec<u16>>>,
}

impl Load {
    fn new(address: &str, question: &str) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let ask_all_the_time = || {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            let (address, question) = (address.to_owned(), question.to_owned());
            thread::spawn(move || {
                let mut statuses = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    statuses.push(ask(&address, &question).0);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                statuses
            })
        };
        let threads = (0..2).map(|_| ask_all_the_time()).collect();
        Self { stop, answered, threads }
    }

    fn wait_for_more(&self) {
        let before = self.answered.load(Ordering::Relaxed);
        wait_until("more answers", || self.answered.load(Ordering::Relaxed) > before + 20);
    }

    fn end(self) -> Vec<Vec<u16>> {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().expect("every request is answered")).collect()
    }
}

#[test]
fn another_configuration_takes_over_under_load_and_a_broken_one_does_not() {
    let stage = Stage::new("reload");
    stage.configure("127.0.0.1:0", "read:orders");
    let server = stage.start();
    let (listen, admin) = (server.address("listen").to_owned(), server.address("admin").to_owned());
    let question = stage.question("read:orders");
    let metric = |line: &str| get(&admin, "/metrics").1.contains(line);

    let load = Load::new(&listen, &question);
    load.wait_for_more();
    stage.write("[server]\nlisten = \"127.0.0.1:0\"\n[[routes]]\nmatch = \"/*\"\npublic = tru\n");
    wait_until("the failed reload", || metric("requires_auth_config_reload_failed 1"));
    load.wait_for_more();
    for statuses in load.end() {
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    }

    let load = Load::new(&listen, &question);
    load.wait_for_more();
    stage.configure("127.0.0.1:0", "write:orders");
    wait_until("the reload", || metric("requires_auth_config_generation 2"));
    load.wait_for_more();
    for statuses in load.end() {
        // First all of the one, then all of the other.
        let flip = statuses.iter().position(|status| *status == 403).expect("the new rule");
        assert!(statuses[..flip].iter().all(|status| *status == 200), "{statuses:?}");
        assert!(statuses[flip..].iter().all(|status| *status == 403), "{statuses:?}");
    }
    assert!(metric("requires_auth_config_reload_failed 0"));
}

#[test]
fn a_reload_needs_no_provider_for_keys_that_are_there() {
    let stage = Stage::new("outage");
    let provider = Server::start(&["issuer", "--port", "0"]);
    let issuer = provider.address("issuer").to_owned();
    let minted = run(&["token", "--issuer", &issuer, "--scope", "read:orders"], "");
    let question = question(minted.stdout().trim());
    let configure = |scope: &str| {
        stage.write(&format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"caddy\"]\n\
             [issuers.main]\nissuer = \"{issuer}\"\naudience = \"{AUDIENCE}\"\n\
             [[routes]]\nmatch = \"GET /orders\"\nscopes = \"{scope}\"\n"
        ));
    };
    configure("read:orders");
    let server = stage.start();
    let (listen, admin) = (server.address("listen"), server.address("admin"));
    assert_eq!(ask(listen, &question).0, 200);
    drop(provider);
    configure("write:orders");
    wait_until("the reload", || get(admin, "/metrics").1.contains("requires_auth_config_generation 2"));
    assert_eq!(ask(listen, &question).0, 403);
    assert_eq!(get(admin, "/readyz").0, 200);
}

#[test]
fn tests_of_the_file_must_hold_before_it_is_taken() {
    let stage = Stage::new("tests");
    stage.configure("127.0.0.1:0", "read:orders");
    let server = stage.start();
    let admin = server.address("admin").to_owned();
    let text = fs::read_to_string(stage.file()).expect("it is there").replace("read:orders", "write:orders");
    stage.write(&format!("{text}[[tests]]\nrequest = \"GET /orders\"\nexpect = {{ status = 200 }}\n"));
    wait_until("the failed reload", || {
        get(&admin, "/metrics").1.contains("requires_auth_config_reload_failed 1")
    });
    assert_eq!(ask(server.address("listen"), &stage.question("read:orders")).0, 200);
}

#[test]
fn a_request_that_is_under_way_ends_before_the_process_does() {
    let stage = Stage::new("drain");
    stage.configure("127.0.0.1:0", "read:orders");
    let server = stage.start();
    let listen = server.address("listen").to_owned();
    let mut slow = TcpStream::connect(listen.trim_start_matches("http://")).expect("it listens");
    let question = stage.question("read:orders");
    slow.write_all(question.as_bytes()).expect("it reads");
    // Its head is not at its end yet: the next one is only sent once the process has been told to stop.
    assert_eq!(ask(&listen, &question).0, 200);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(server.terminate()));
    wait_until("the end of listening", || TcpStream::connect(listen.trim_start_matches("http://")).is_err());
    slow.write_all(b"Connection: close\r\n\r\n").expect("it still reads");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("it still answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    assert_eq!(ended.recv_timeout(PATIENCE).expect("it ends"), Some(0));
}

#[test]
fn what_is_wrong_with_the_file_is_told_before_anything_listens() {
    let stage = Stage::new("wrong");
    stage.write("[server]\nlisten = \"127.0.0.1:0\"\n[forward_auth]\ndialects = [\"ngnix\"]\n");
    let binary = env!("CARGO_BIN_EXE_requires-auth");
    let output = Command::new(binary).arg("serve").arg(stage.file()).output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("gateway.toml:4: forward_auth.dialects"), "{told}");
    assert!(told.contains("did you mean \"nginx\"?"), "{told}");
}
