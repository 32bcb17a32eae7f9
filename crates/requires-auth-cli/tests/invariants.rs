//! What the architecture promises of the command line, read off the sources themselves.

use std::collections::BTreeSet;
use std::path::Path;

#[path = "../../requires-auth/tests/support/sources.rs"]
mod sources;

use self::sources::{Sources, circles, imports, upward};

/// Uses of a module that is declared below its user. There may be at most two.
const UPWARD: [&str; 0] = [];

/// What a gateway has no use for: it is asked by proxies and clients, and not by a shell.
const NOT_IN_THE_GATEWAY: [&str; 5] = ["clap", "Format", "context::", "commands::", "cli::"];

fn sources() -> Sources {
    sources::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let sources = sources();
    let count: usize = imports(&sources).values().map(BTreeSet::len).sum();
    assert!(count > 150, "{count} imports: they are not found any more");
    assert_eq!(circles(&sources, |_| true), [""; 0]);
}

#[test]
fn a_module_uses_only_modules_above_it() {
    assert_eq!(upward(&sources(), "main"), UPWARD);
    assert!(UPWARD.len() <= 2);
}

#[test]
fn architecture_names_every_module() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("../../ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let sources = sources();
    for parent in ["", "commands/", "gateway/"] {
        let modules = sources.keys().filter_map(|file| file.strip_prefix(parent));
        // `body` is a type, and `main` the root itself.
        for module in modules.filter(|module| !module.contains('/') && !["body", "main"].contains(module)) {
            assert!(
                text.contains(&format!("`{module}`")) || text.contains(&format!("`{module}.rs`")),
                "{parent}{module}"
            );
        }
    }
}

#[test]
fn the_gateway_knows_no_command() {
    for (file, code) in sources().iter().filter(|(file, _)| file.starts_with("gateway")) {
        for word in NOT_IN_THE_GATEWAY {
            let is_named = code.match_indices(word).any(|(at, _)| {
                let is_whole = |text: &str| text.starts_with(|c: char| c.is_alphanumeric() || c == '_');
                !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    && (word.ends_with(':') || !is_whole(&code[at + word.len()..]))
            });
            assert!(!is_named, "{file} names `{word}`");
        }
    }
}

#[test]
fn only_the_command_line_starts_a_process_or_ends_it() {
    let sources = sources();
    for (file, code) in sources.iter().filter(|(file, _)| *file != "main") {
        for word in ["process::exit", "process::Command", "process::{Command", "ExitCode"] {
            // The browser of whoever says --open is a process of its own.
            let is_browser = file == "browser" && word.ends_with("Command");
            assert!(is_browser || !code.contains(word), "{file} has `{word}`");
        }
    }
    assert!(sources["browser"].contains("process::{Command"));
}

#[test]
fn files_stay_small() {
    for (file, code) in sources() {
        let lines = code.lines().count();
        assert!(lines <= 300, "{file} has {lines} lines of code");
    }
}
