//! The README's commands, run as a reader would paste them. Its Rust blocks are tests of the library.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::path::Path;
use std::process::Command;

use self::support::{Server, requires_auth};

fn readme() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    std::fs::read_to_string(path).expect("README.md")
}

/// The fenced blocks with their language.
fn blocks(readme: &str) -> Vec<(&str, &str)> {
    let fenced = readme.split("```").skip(1).step_by(2);
    fenced.map(|block| block.split_once('\n').expect("a language and a body")).collect()
}

/// Runs a block in a shell that finds the command under test, and gives what it printed.
fn paste(block: &str, issuer: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_requires-auth"));
    let path = format!(
        "{}:{}",
        binary.parent().expect("a folder").display(),
        std::env::var("PATH").expect("a path")
    );
    let block = block.replace("http://127.0.0.1:9100/oidc", issuer);
    let folder = std::env::temp_dir().join(format!("requires-auth-readme-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut shell = Command::new("sh");
    let output = shell.args(["-c", &block]).env("PATH", path).current_dir(&folder).output().expect("a shell");
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{stdout}{stderr}")
}

#[test]
fn every_block_is_run_by_a_test() {
    let readme = readme();
    let languages: Vec<_> = blocks(&readme).into_iter().map(|(language, _)| language).collect();
    // Of `sh`, this file runs the first and the last, and `tests/gateway` the other, which needs nginx; those of `rust`
    // are compiled or run by rustdoc, that of `python` by `python/tests`.
    assert_eq!(languages, ["sh", "rust,no_run", "python", "sh", "sh", "rust"]);
}

/// SECURITY.md names vectors by the beginnings of their ids.
#[test]
fn every_section_of_rfc_8725_has_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../SECURITY.md");
    let page = std::fs::read_to_string(path).expect("SECURITY.md");
    let vectors = requires_auth_testkit::vectors::token_cases();
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| 3.")).collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let named: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{row}");
        for beginning in named {
            assert!(
                vectors.iter().any(|vector| vector.id.to_lowercase().starts_with(beginning)),
                "{beginning}"
            );
        }
    }
}

#[test]
fn the_readme_is_short_and_begins_with_code() {
    let readme = readme();
    assert!(readme.lines().count() <= 160);
    let first = readme.lines().position(|line| line.starts_with("```")).expect("a block");
    assert!(first < 20, "the first code is at line {}", first + 1);
}

#[test]
fn the_commands_do_what_the_text_says() {
    let readme = readme();
    let shell: Vec<_> = blocks(&readme).into_iter().filter(|(language, _)| *language == "sh").collect();
    let [(_, demo), _, (_, look)] = shell[..] else { panic!("three blocks") };

    assert_eq!(demo.trim(), "cargo run --release -- demo");
    let demo = Server::start(&["demo", "--port", "0", "--issuer-port", "0"]);
    drop(demo);
    let once =
        requires_auth(&["demo", "--once", "--port", "0", "--issuer-port", "0"]).output().expect("the demo");
    assert!(once.status.success());

    let issuer = Server::start(&["issuer", "--port", "0"]);
    let printed = paste(look, issuer.address("issuer"));
    assert!(printed.contains("allowed: the token is valid"), "{printed}");
    assert!(
        printed.contains("✗ exp") && printed.contains("refused: 401 invalid_token (expired)"),
        "{printed}"
    );
}
