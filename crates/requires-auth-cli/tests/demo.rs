//! `demo`: the answers of `--once`, and the curl lines that it prints.

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Command;

use requires_auth_testkit::Defect;
use serde_json::Value;

#[cfg(unix)]
use self::support::gateway::get;
use self::support::{Server, requires_auth, run};

const ON_FREE_PORTS: [&str; 5] = ["demo", "--port", "0", "--issuer-port", "0"];

#[test]
fn each_request_is_answered_right() {
    let demo = run(&[&ON_FREE_PORTS[..], &["--once", "--output", "json"]].concat(), "");
    assert_eq!(demo.code(), 0, "{demo:?}");
    let answers = demo.json();
    assert_eq!(answers["ok"], true);
    let requests = answers["requests"].as_array().expect("an array");
    let statuses: Vec<_> = requests.iter().filter_map(|request| request["status"].as_u64()).collect();
    for status in [200, 201, 400, 401, 403] {
        assert!(statuses.contains(&status), "no request is answered with {status}");
    }
    let answer = |about: &str| requests.iter().find(|request| request["about"] == about).expect("it is made");
    let told = |about| (answer(about)["status"].as_u64(), answer(about)["reason"].as_str());
    assert_eq!(told("a known tenant"), (Some(200), None));
    assert_eq!(told("another tenant"), (Some(401), Some("issuer_mismatch")));
    assert_eq!(told("opaque, asked about"), (Some(200), None));
    assert_eq!(told("bound, with its proof"), (Some(200), None));
    assert_eq!(told("bound, copied request"), (Some(401), Some("proof_reused")));
    for theft in ["bound, stolen: Bearer", "bound, thief's proof"] {
        assert_eq!(told(theft), (Some(401), Some("binding_mismatch")), "{theft}");
    }
    for defect in Defect::ALL {
        let is_shown = requests.iter().any(|request| request["reason"] == defect.name());
        assert!(is_shown, "no request shows {defect}");
    }
}

#[test]
fn the_table_is_for_people() {
    let demo = run(&[&ON_FREE_PORTS[..], &["--once"]].concat(), "");
    assert_eq!(demo.code(), 0, "{demo:?}");
    let line = demo.stdout().lines().find(|line| line.contains("no scope")).expect("a line");
    let cells: Vec<_> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells, ["✓ no scope", "403", "insufficient_scope"]);
    // Standard output is not a terminal here, and a plain one has 80 columns.
    for line in demo.stdout().lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(demo.stderr().contains("--output json"), "{}", demo.stderr());
    assert!(demo.stderr().ends_with("each answered right\n"), "{}", demo.stderr());
}

#[test]
fn an_mcp_client_finds_the_issuer_registers_logs_in_and_steps_up() {
    let demo = run(&[&ON_FREE_PORTS[..], &["--mcp", "--once", "--output", "json"]].concat(), "");
    assert_eq!(demo.code(), 0, "{demo:?}");
    let answers = demo.json();
    assert_eq!(answers["ok"], true);
    let steps = answers["steps"].as_array().expect("an array");
    let statuses: Vec<_> = steps.iter().filter_map(|step| step["status"].as_u64()).collect();
    assert_eq!(statuses, [401, 200, 200, 201, 302, 200, 200, 403, 302, 200, 200, 200]);
    let answer = |index: usize| steps[index]["answer"].as_str().expect("a text");
    let pointer = format!(
        "WWW-Authenticate: Bearer scope=\"read:items\", resource_metadata=\"{}\"",
        answers["mcp"].as_str().expect("a URL").replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    );
    assert_eq!(answer(0), pointer);
    assert!(answer(7).contains("scope=\"read:items write:items\""), "{}", answer(7));
    assert!(answer(10).ends_with("made by alice"), "{}", answer(10));
    // Nothing that is printed can be used: a token begins so.
    assert!(!demo.stdout().contains("eyJ"));
}

#[test]
fn the_way_of_an_mcp_client_is_for_people_too() {
    let demo = run(&[&ON_FREE_PORTS[..], &["--mcp", "--once"]].concat(), "");
    assert_eq!(demo.code(), 0, "{demo:?}");
    let marked = |mark| demo.stdout().lines().filter(|line| line.starts_with(mark)).count();
    assert_eq!((marked('✓'), marked('✗')), (12, 0));
    assert!(demo.stderr().ends_with("12 steps, each answered right\n"), "{}", demo.stderr());
    let other = run(&["demo", "--mcp", "--issuer", "https://issuer.example", "--audience", "a"], "");
    assert_eq!(other.code(), 2);
}

#[test]
fn a_provider_can_take_the_place_of_the_issuer() {
    let issuer = Server::start(&["issuer", "--port", "0", "--audience", "https://orders.example"]);
    let url = issuer.address("issuer");
    let once = |token: Option<&str>| {
        let args = ["demo", "--once", "--port", "0", "--issuer", url, "--audience", "https://orders.example"];
        let mut command = requires_auth(&[&args[..], &["--output", "json"]].concat());
        command.envs(token.map(|token| ("REQUIRES_AUTH_TOKEN", token)));
        let output = command.output().expect("the demo runs");
        let answers: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), answers["requests"].as_array().map(Vec::len))
    };
    let mint =
        |args: &[&str]| run(&[&["token", "--issuer", url][..], args].concat(), "").stdout().trim().to_owned();
    let (code, requests) = once(None);
    assert_eq!(code, Some(0));
    assert_eq!(once(Some(&mint(&[]))), (Some(0), requests.map(|count| count + 1)));
    // An answer other than the right one is exit 1.
    assert_eq!(once(Some(&mint(&["--defect", "expired"]))).0, Some(1));
}

#[test]
fn a_provider_without_keys_is_found_at_start() {
    let args = ["demo", "--once", "--port", "0", "--issuer", "http://127.0.0.1:1/oidc", "--audience", "a"];
    let demo = run(&args, "");
    assert_eq!((demo.code(), demo.stdout()), (2, ""));
    assert!(
        demo.stderr().starts_with(
            "error: the keys of the issuer could not be fetched\nhint: http://127.0.0.1:1/oidc: "
        )
    );
}

#[test]
fn a_taken_port_gives_way_to_the_next() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port();
    let demo = Server::start(&["demo", "--port", &port.to_string(), "--issuer-port", &port.to_string()]);
    let used = |name: &str| {
        let address = demo.address(name).trim_start_matches("http://127.0.0.1:");
        address.split('/').next().expect("a port").parse::<u16>().expect("a port")
    };
    let (api, issuer) = (used("api"), used("issuer"));
    assert!(api > port && issuer > port && api != issuer, "{port} {api} {issuer}");
}

#[cfg(unix)]
#[test]
fn the_issuer_lists_the_scopes_that_it_grants_alone() {
    let issuer = Server::start(&["issuer", "--port", "0", "--scope", "read:items write:items"]);
    let metadata = issuer.address("oauth_metadata").trim_start_matches("http://");
    let (address, path) = metadata.split_once('/').expect("a path");
    let (status, answer) = get(address, &format!("/{path}"));
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#""scopes_supported":["read:items","write:items"]"#), "{answer}");
    for endpoint in ["authorization_endpoint", "registration_endpoint", "token_endpoint"] {
        assert!(answer.contains(&format!("\"{endpoint}\":\"{}\"", issuer.address(endpoint))), "{answer}");
    }
}

#[cfg(unix)]
#[test]
fn it_stops_when_it_is_told_to() {
    assert_eq!(Server::start(&ON_FREE_PORTS).terminate(), Some(0));
    assert_eq!(Server::start(&[&ON_FREE_PORTS[..], &["--mcp"]].concat()).terminate(), Some(0));
    assert_eq!(Server::start(&["issuer", "--port", "0"]).terminate(), Some(0));
}

/// Each line is pasted into a shell; its title starts with the status that comes back.
#[cfg(unix)]
#[test]
fn the_curl_lines_work() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: there is no curl on this machine");
        return;
    }
    let mut demo = requires_auth(&ON_FREE_PORTS).spawn().expect("the demo starts");
    let mut lines = BufReader::new(demo.stdout.take().expect("stdout is piped"))
        .lines()
        .map(|line| line.expect("a line"));
    let mut tried = 0;
    // The last line of the tour is the one after the rotation.
    let mut is_last = false;
    while !is_last {
        let title = lines.by_ref().find(|line| line.starts_with("# ")).expect("a title");
        let command = lines.next().expect("a line after its title");
        is_last = title.contains("new key");
        let output = Command::new("sh")
            .args(["-c", &format!("{command} -s -o /dev/null -w '%{{http_code}}'")])
            .env("NO_PROXY", "*")
            .output()
            .expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), title[2..5], "{title}\n{command}");
        tried += 1;
    }
    assert_eq!(tried, 15);
    demo.kill().and_then(|()| demo.wait()).expect("the demo ends");
}
