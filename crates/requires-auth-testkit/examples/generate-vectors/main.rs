//! Writes the vectors in `vectors/`: cases, each with the verdict that the requirements prescribe.
//!
//! `cargo run -p requires-auth-testkit --example generate-vectors`
//!
//! The verdicts are written by hand, case by case; no verifier is asked. A case whose inputs have not
//! changed keeps its token, because most signature schemes never sign the same way twice. To sign all
//! cases anew, delete the files first.

#![expect(unreachable_pub, reason = "an example exports nothing, and `pub` reads better")]

mod answers;
mod case;
mod cases;
mod files;
mod key_sets;
mod models;
mod recorded;
mod tokens;
mod x509;

use std::path::PathBuf;
use std::{fs, io};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn main() -> io::Result<()> {
    let directory = directory();
    fs::create_dir_all(&directory)?;
    for (name, text) in files::all(&directory) {
        println!("{name}: {} bytes", text.len());
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::{directory, files};

    #[test]
    fn the_committed_files_are_up_to_date() {
        let files = files::all(&directory());
        for (name, text) in &files {
            let committed = fs::read_to_string(directory().join(name)).unwrap_or_default();
            assert!(committed == *text, "{name} is not what the generator writes: run it");
        }
        let expected: BTreeSet<_> = files.into_iter().map(|(name, _)| name).collect();
        let found: BTreeSet<_> = fs::read_dir(directory())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| name != "README.md")
            .collect();
        assert_eq!(found, expected);
    }
}
