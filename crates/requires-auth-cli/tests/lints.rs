//! One list of lints for all Rust code of the repository.
//!
//! The members of the workspace inherit it. Cargo has no way for other workspaces to do so, so each of these repeats it,
//! and may differ only where it says why here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What is in one list only: a workspace of its own, the lines that it lacks, the lines that it has instead.
const DIFFERENCES: [(&str, &[&str], &[&str]); 5] = [
    // PyO3's macros write unsafe code and allow it for themselves, which `forbid` refuses.
    ("python", &["unsafe_code = \"forbid\""], &["unsafe_code = \"deny\""]),
    // No number there is anywhere near 2^52.
    ("bench", &[], &["cast_precision_loss = \"allow\""]),
    ("bench/gateway", &[], &["cast_precision_loss = \"allow\""]),
    ("examples/mcp-rmcp", &[], &[]),
    // The macro of a target writes unsafe code, and a panic is how a target reports.
    (
        "crates/requires-auth/fuzz",
        &["unsafe_code = \"forbid\"", "missing_panics_doc = \"warn\"", "unwrap_used = \"warn\""],
        &["missing_panics_doc = \"allow\"", "unwrap_used = \"allow\""],
    ),
];

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines of the tables whose names begin so, without comments.
fn lines_of(manifest: &str, prefix: &str) -> BTreeSet<String> {
    let mut is_inside = false;
    let mut lines = BTreeSet::new();
    for line in manifest.lines().map(|line| line.split(" #").next().unwrap_or(line).trim()) {
        if line.starts_with('[') {
            is_inside = line.starts_with(prefix);
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            lines.insert(line.to_owned());
        }
    }
    lines
}

#[test]
fn every_crate_has_the_same_list() {
    let root = read("Cargo.toml");
    let list = lines_of(&root, "[workspace.lints.");
    assert!(list.len() > 20, "{list:?}");
    let members = lines_of(&root, "[workspace]").into_iter().find(|line| line.starts_with("members"));
    let members = members.expect("members");
    for member in members.split('"').skip(1).step_by(2) {
        let lints = lines_of(&read(&format!("{member}/Cargo.toml")), "[lints");
        assert_eq!(lints, BTreeSet::from(["workspace = true".to_owned()]), "{member}");
    }
    for (folder, lacks, has) in DIFFERENCES {
        let lints = lines_of(&read(&format!("{folder}/Cargo.toml")), "[lints.");
        let differ = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
            one.difference(other).cloned().collect::<BTreeSet<_>>()
        };
        let set = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(differ(&list, &lints), set(lacks), "{folder} lacks");
        assert_eq!(differ(&lints, &list), set(has), "{folder} has");
    }
}
