//! The sources of a crate, and which file uses which: for what the architecture promises.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A source by its path of modules, such as `gateway/dialect/nginx`; `main` or `lib` is the root.
pub type Sources = BTreeMap<String, String>;

/// Every file of Rust in a folder and below it.
pub fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// All sources below `src`, without comments and without their tests.
pub fn sources(root: &Path) -> Sources {
    let mut files = Vec::new();
    rust_files(root, &mut files);
    let mut sources: Sources = files.iter().map(|path| (module(root, path), code(path))).collect();
    // A module of tests alone is not part of the program.
    let of_tests: Vec<_> = files.iter().flat_map(|path| tests_declared_in(root, path)).collect();
    sources.retain(|name, _| !of_tests.contains(name));
    sources
}

fn module(root: &Path, path: &Path) -> String {
    let name = path.strip_prefix(root).expect("below the root").with_extension("");
    name.to_string_lossy().trim_end_matches("/mod").to_owned()
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source");
    let code = text.split("#[cfg(test)]\nmod tests {").next().expect("a first part");
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The modules that a file declares for tests alone.
fn tests_declared_in(root: &Path, path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a source");
    let after = text.split("#[cfg(test)]\nmod ").skip(1);
    after
        .filter_map(|rest| Some(rest.split_once('\n')?.0.strip_suffix(';')?.to_owned()))
        .map(|name| format!("{}/{name}", module(root, path)))
        .collect()
}

/// The places that `use` lines and paths name: `crate::error::Failure`, with each name of a pair of braces on its own.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let is_within = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if !is_within {
                expand("", &code[at..], &mut found);
            }
        }
    }
    found
}

/// Follows a path to its end, into braces too; tells how many bytes it has taken.
fn expand(before: &str, rest: &str, found: &mut Vec<String>) -> usize {
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
    let path = format!("{before}{}", &rest[..end]);
    if !rest[end..].starts_with('{') || !path.ends_with("::") {
        found.push(path.trim_end_matches(':').to_owned());
        return end;
    }
    let mut at = end + 1;
    while let Some(next) = rest.get(at..).and_then(|rest| rest.find(|c: char| !c.is_whitespace() && c != ','))
    {
        at += next;
        if rest[at..].starts_with('}') {
            return at + 1;
        }
        at += expand(&path, &rest[at..], found).max(1);
    }
    at
}

/// The file that a path names, as one sees it from `file`.
fn file_of(path: &str, file: &str, sources: &Sources) -> Option<String> {
    let is_root = matches!(file, "main" | "lib");
    let mut own: Vec<&str> = if is_root { Vec::new() } else { file.split('/').collect() };
    let mut names = path.split("::").peekable();
    match names.next()? {
        "crate" => own.clear(),
        "super" => drop(own.pop()?),
        _ => {}
    }
    while names.next_if_eq(&"super").is_some() {
        own.pop()?;
    }
    for name in names {
        let longer = [own.as_slice(), &[name]].concat().join("/");
        if !sources.contains_key(&longer) {
            break;
        }
        own.push(name);
    }
    (!own.is_empty()).then(|| own.join("/"))
}

/// Each file with those that it uses, but for the modules that it only declares.
pub fn imports(sources: &Sources) -> BTreeMap<&str, BTreeSet<String>> {
    let uses = |(file, code): (&'_ String, &String)| -> BTreeSet<String> {
        let used = paths(code).into_iter().filter_map(|path| file_of(&path, file, sources));
        let children = sources.keys().filter_map(|other| other.strip_prefix(&format!("{file}/")));
        let named = children.filter(|child| {
            code.match_indices(&format!("{child}::"))
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
        });
        used.chain(named.map(|child| format!("{file}/{child}"))).filter(|used| used != file).collect()
    };
    sources.iter().map(|(file, code)| (file.as_str(), uses((file, code)))).collect()
}

/// The order in which a file declares its modules.
fn order(code: &str) -> Vec<&str> {
    let declared = |line: &'_ str| {
        let at = line
            .find("mod ")
            .filter(|at| ["", "pub ", "pub(crate) ", "pub(super) "].contains(&&line[..*at]))?;
        Some(at + 4)
    };
    code.lines().filter_map(|line| line[declared(line)?..].strip_suffix(';')).collect()
}

/// Files that use themselves by way of others, each with the way; `is_of` says which files count.
pub fn circles(sources: &Sources, is_of: impl Fn(&str) -> bool) -> Vec<String> {
    let mut imports = imports(sources);
    imports.retain(|file, _| is_of(file));
    let mut circles = Vec::new();
    for file in imports.keys() {
        // From each file that is reached, the one that was before it.
        let mut reached: BTreeMap<&str, &str> = BTreeMap::new();
        let mut next = vec![*file];
        while let Some(from) = next.pop() {
            for used in imports.get(from).into_iter().flatten() {
                if !reached.contains_key(used.as_str()) {
                    reached.insert(used, from);
                    next.push(used);
                }
            }
        }
        let mut way = vec![*file];
        while let Some(before) =
            way.last().and_then(|last| reached.get(last)).filter(|_| reached.contains_key(file))
        {
            way.push(before);
            if before == file {
                circles.push(way.join(" <- "));
                break;
            }
        }
    }
    circles
}

/// Uses of a module that is declared below its user, where the two part: in `mod.rs`, or in the root.
pub fn upward(sources: &Sources, root: &str) -> Vec<String> {
    let mut upward = Vec::new();
    for (file, used) in imports(sources) {
        for used in used {
            let (own, other): (Vec<_>, Vec<_>) = (file.split('/').collect(), used.split('/').collect());
            let shared = own.iter().zip(&other).take_while(|(own, other)| own == other).count();
            let (Some(own), Some(other)) = (own.get(shared), other.get(shared)) else { continue };
            let parent = used.split('/').take(shared).collect::<Vec<_>>().join("/");
            let parent = if parent.is_empty() { root } else { parent.as_str() };
            let order = order(&sources[parent]);
            let place = |name: &str| order.iter().position(|module| *module == name);
            let (Some(own), Some(other)) = (place(own), place(other)) else { continue };
            if other > own {
                upward.push(format!("{file} uses {used}"));
            }
        }
    }
    upward
}

#[test]
fn paths_are_found_in_braces_and_through_super() {
    let code =
        "use crate::{a::{B, c::D}, e};\nuse super::f::{self, G};\nlet x = crate::h::i(super::super::j);";
    let found = paths(code);
    for path in ["crate::a::B", "crate::a::c::D", "crate::e", "super::f::G", "crate::h::i", "super::super::j"]
    {
        assert!(found.iter().any(|other| other == path), "{path} in {found:?}");
    }
    let sources: Sources =
        ["a", "a/c", "e", "x", "x/y", "x/f"].map(|name| (name.to_owned(), String::new())).into();
    for (path, file, expected) in [
        ("crate::a::c::D", "x", Some("a/c")),
        ("super::f::G", "x/y", Some("x/f")),
        ("super::super::e", "x/y", Some("e")),
        ("super::Z", "x/y", Some("x")),
        ("crate::Z", "x/y", None),
    ] {
        assert_eq!(file_of(path, file, &sources).as_deref(), expected, "{path} in {file}");
    }
    let circle: Sources = [("a", "use crate::b::B;"), ("b", "use crate::a::A;")]
        .map(|(name, code)| (name.to_owned(), code.to_owned()))
        .into();
    let imports = imports(&circle);
    assert!(imports["a"].contains("b") && imports["b"].contains("a"));
    assert_eq!(circles(&circle, |_| true).len(), 2);
    assert!(circles(&circle, |file| file == "a").is_empty());
    let floors: Sources = [("lib", "pub mod a;\nmod b;\n"), ("a", "use crate::b::B;"), ("b", "")]
        .map(|(name, code)| (name.to_owned(), code.to_owned()))
        .into();
    assert_eq!(upward(&floors, "lib"), ["a uses b"]);
    assert!(circles(&floors, |_| true).is_empty());
}
