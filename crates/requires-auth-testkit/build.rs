//! Lists the files of vectors, so that a new file is found without a line anywhere else.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("vectors");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut list = String::new();
    for (constant, begins) in [
        ("DPOP", "dpop"),
        ("MCP", "mcp-"),
        ("METADATA", "metadata"),
        ("REQUESTS", "requests"),
        ("TOKENS", "tokens-"),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "const {constant}: &[&str] = &[");
        for path in files(&folder, begins)? {
            let _ = writeln!(list, "    include_str!({:?}),", path.display().to_string());
        }
        list.push_str("];\n");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("vector_files.rs"), list)
}

/// The JSON files whose names begin so, in alphabetical order.
fn files(folder: &Path, begins: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(begins) && path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
