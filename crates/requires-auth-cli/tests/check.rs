//! `check` and `serve` on the same configuration: what one refuses, the other does, in the same words.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::fs;

use self::support::gateway::{AUDIENCE, ISSUER, Stage, get, wait_until};
use self::support::{Run, Server, run};

/// What a configuration with these sections says beside its issuer. Of the lines that `check` and `serve` write, those of a
/// mistake are the same.
fn refused(stage: &Stage, above: &str, server: &str) -> String {
    configure(stage, above, server);
    let file = stage.file();
    let file = file.to_str().expect("UTF-8");
    let (checked, started) = (run(&["check", file], ""), run(&["serve", file], ""));
    assert_eq!((checked.code(), started.code()), (2, 2), "{server}: {checked:?} {started:?}");
    let told = |run: &Run| {
        let lines = run.stderr().lines().filter(|line| !line.starts_with("hint: `serve` would not start"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(&checked), told(&started), "{server}");
    checked.stderr().to_owned()
}

fn configure(stage: &Stage, above: &str, server: &str) {
    stage.write(&format!(
        "{above}\n[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{server}\n[forward_auth]\ndialects = [\"caddy\"]\n\
         [issuers.main]\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\njwks = \"keys.json\"\n\
         [[routes]]\nmatch = \"GET /orders\"\n"
    ));
}

fn check(stage: &Stage, more: &[&str]) -> Run {
    run(&[&["check", stage.file().to_str().expect("UTF-8")], more].concat(), "")
}

#[test]
fn what_serve_needs_and_does_not_find_is_told_by_check() {
    let stage = Stage::new("check-files");
    let write = |name: &str, text: &str| fs::write(stage.folder.join(name), text).expect("a file");
    write("short", "abcdef\n");
    write("other.pem", "not a key\n");
    let long = "s".repeat(200);
    for (server, told) in [
        ("admin_token = { file = \"absent\" }", "make it with: openssl rand -hex 32 > "),
        ("admin_token = { file = \"short\" }", "is not a secret of at least 16 characters"),
        ("admin_token = { env = \"REQUIRES_AUTH_TEST_NOT_SET\" }", "REQUIRES_AUTH_TEST_NOT_SET is not set"),
        ("tls = { certificate = \"absent.pem\", key = \"absent.pem\" }", "absent.pem"),
        ("tls = { certificate = \"other.pem\", key = \"other.pem\" }", "no certificate"),
    ] {
        let stderr = refused(&stage, "", server);
        assert!(stderr.contains(told), "{server}: {stderr}");
    }
    let stderr = refused(&stage, "revocations = \"absent.jsonl\"", "");
    assert!(stderr.contains("a file with a revocation in each line"), "{stderr}");
    assert!(!stderr.contains("stay in use"), "none were read before: {stderr}");

    let socket = format!("listen = \"unix:/tmp/{long}\"");
    configure(&stage, "", "");
    let text = fs::read_to_string(stage.file()).expect("a file").replace("listen = \"127.0.0.1:0\"", &socket);
    stage.write(&text);
    let told = check(&stage, &[]);
    assert!(told.code() == 2 && told.stderr().contains("a shorter path"), "{told:?}");
}

#[test]
fn all_that_is_missing_is_told_at_once_and_the_tests_of_the_file_all_the_same() {
    let stage = Stage::new("check-all");
    let server = "admin_token = { file = \"absent-token\" }\ntls = { certificate = \"absent.pem\", key = \"absent.pem\" }";
    let stderr = refused(&stage, "", server);
    assert!(stderr.contains("absent-token") && stderr.contains("absent.pem"), "{stderr}");
    assert!(stderr.contains("run `check` there"), "{stderr}");
    let text = fs::read_to_string(stage.file()).expect("a file");
    stage.write(&format!("{text}[[tests]]\nrequest = \"GET /orders\"\nexpect = {{ status = 401 }}\n"));
    let told = check(&stage, &[]);
    assert!(told.code() == 2 && told.stdout().contains("1 test, 0 failed"), "{told:?}");
    let json = check(&stage, &["--output", "json"]);
    let report = json.json();
    assert_eq!((json.code(), &report["ok"]), (2, &false.into()));
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(report["tests"][0]["holds"], true);
}

#[test]
fn what_serve_finds_is_not_told() {
    let stage = Stage::new("check-good");
    fs::write(stage.folder.join("admin-token"), "0123456789abcdef\n").expect("a file");
    fs::write(stage.folder.join("revoked.jsonl"), "").expect("a file");
    configure(&stage, "revocations = \"revoked.jsonl\"", "admin_token = { file = \"admin-token\" }");
    let told = check(&stage, &["--output", "json"]);
    assert_eq!(
        (told.code(), &told.json()["ok"], &told.json()["problems"]),
        (0, &true.into(), &[(); 0].as_slice().into())
    );
    let notes = told.json()["warnings"].to_string();
    assert!(
        !notes.contains("admin_token") && !notes.contains("[server]") && !notes.contains("[forward_auth]"),
        "{notes}"
    );
    drop(stage.start());
}

#[test]
fn what_does_nothing_is_noted_by_both() {
    let stage = Stage::new("check-notes");
    fs::write(stage.folder.join("admin-token"), "0123456789abcdef\n").expect("a file");
    configure(&stage, "", "admin_token = { file = \"admin-token\" }");
    let whole = fs::read_to_string(stage.file()).expect("a file");
    for (taken_out, note) in [
        ("admin = \"127.0.0.1:0\"\n", "admin_token: it does nothing without `admin`"),
        ("[forward_auth]\ndialects = [\"caddy\"]\n", "the gateway answers no request"),
    ] {
        assert!(!check(&stage, &[]).stdout().contains(note));
        stage.write(&whole.replace(taken_out, ""));
        let told = check(&stage, &[]);
        assert!(told.code() == 0 && told.stdout().contains(note), "{told:?}");
        let mut server = stage.start();
        server.signal("TERM");
        assert!(server.stderr().contains(note));
        stage.write(&whole);
    }
}

/// A service manager makes such a folder at start, so that it is no mistake before.
#[test]
fn the_folder_of_a_socket_is_noted_where_it_is_not_there() {
    let stage = Stage::new("check-folder");
    configure(&stage, "", "");
    let text = fs::read_to_string(stage.file()).expect("a file");
    stage.write(&text.replace("listen = \"127.0.0.1:0\"", "listen = \"unix:run/gateway.sock\""));
    let told = check(&stage, &[]);
    assert!(told.code() == 0 && told.stdout().contains("there is no folder"), "{told:?}");
    let file = stage.file();
    let refused = run(&["serve", file.to_str().expect("UTF-8")], "");
    assert!(refused.code() == 2 && refused.stderr().contains("make the folder of the socket"), "{refused:?}");
    fs::create_dir(stage.folder.join("run")).expect("a folder");
    assert!(!check(&stage, &[]).stdout().contains("there is no folder"));
    drop(stage.start());
}

/// What cannot be known without listening is told by `serve` alone, in words of its own.
#[test]
fn a_place_that_is_taken_is_told_from_one_that_is_not_here() {
    let stage = Stage::new("check-taken");
    configure(&stage, "", "");
    let server = stage.start();
    let taken = server.address("listen").trim_start_matches("http://").to_owned();
    let file = stage.file();
    for (listen, hint) in
        [(&*taken, "is another gateway running?"), ("192.0.2.1:9180", "no interface of this machine")]
    {
        let refused = run(&["serve", file.to_str().expect("UTF-8"), "--listen", listen], "");
        assert!(refused.code() == 2 && refused.stderr().contains(hint), "{listen}: {refused:?}");
    }
}

#[test]
fn a_file_without_a_place_to_listen_at_is_noted_and_refused_by_serve_alone() {
    let stage = Stage::new("check-nowhere");
    configure(&stage, "", "");
    let text = fs::read_to_string(stage.file()).expect("a file");
    let note = "there is no [server]";
    assert!(!check(&stage, &[]).stdout().contains(note));
    let (start, end) =
        (text.find("[server]").expect("it is there"), text.find("[forward_auth]").expect("it is there"));
    stage.write(&format!("{}{}", &text[..start], &text[end..]));
    let told = check(&stage, &[]);
    assert!(told.code() == 0 && told.stdout().contains(note), "{told:?}");
    let file = stage.file();
    let file = file.to_str().expect("UTF-8");
    let refused = run(&["serve", file], "");
    assert!(refused.code() == 2 && refused.stderr().contains("no [server]"), "{refused:?}");
    drop(Server::start(&["serve", file, "--listen", "127.0.0.1:0"]));
}

#[test]
fn revocations_that_were_read_stay_in_use_and_the_log_says_so() {
    let stage = Stage::new("check-revocations");
    fs::write(stage.folder.join("revoked.jsonl"), "").expect("a file");
    configure(&stage, "revocations = \"revoked.jsonl\"", "");
    let mut server = stage.start();
    let admin = server.address("admin").to_owned();
    fs::remove_file(stage.folder.join("revoked.jsonl")).expect("a file");
    let is_seen =
        || get(&admin, "/metrics").1.contains("requires_auth_revocation_reads_total{result=\"failed\"} 1");
    wait_until("the file is looked at", is_seen);
    server.signal("TERM");
    let log = server.stderr();
    assert!(log.contains("those that were read before stay in use"), "{log}");
}
