//! Holds the pages of `docs/reference` against the tables in the code. A part of a page stands between two comments,
//! and the crate that has its table owns it; this file is compiled into the tests of each of them.

use std::path::Path;

/// The variable with which the tests write the pages instead of comparing them.
const WRITE: &str = "WRITE_REFERENCE";

/// Fails unless `part` of `page` is `expected`; with [`WRITE`] in the environment, makes it so instead. One test holds
/// all parts of a page, as two that write it at a time would undo each other.
#[track_caller]
pub(crate) fn hold(page: &str, part: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(page);
    let text = std::fs::read_to_string(&path).expect("a page of docs/reference");
    let right = with_part(&text, part, expected).unwrap_or_else(|| panic!("{page} has no part {part}"));
    if text == right {
        return;
    }
    assert!(
        std::env::var_os(WRITE).is_some(),
        "docs/reference/{page} is not what the code says about {part}; to write it anew:\n\n    \
         {WRITE}=1 cargo test -p {} --all-features reference\n\nIt should say:\n{expected}",
        env!("CARGO_PKG_NAME")
    );
    std::fs::write(&path, right).expect("the page is written");
}

/// The page with `expected` as this part of it; `None` if it has no such part.
pub(crate) fn with_part(page: &str, part: &str, expected: &str) -> Option<String> {
    let (begin, end) = (format!("<!-- begin {part} -->\n"), format!("<!-- end {part} -->\n"));
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some([before, &begin, expected, &end, after].concat())
}

/// A table in Markdown.
pub(crate) fn table<const N: usize>(
    titles: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(titles.map(str::to_owned)) + &line([(); N].map(|()| "---".to_owned()));
    for row in rows {
        for cell in &row {
            assert!(!cell.contains(['|', '\n']), "a cell of one line: {cell}");
        }
        text += &line(row);
    }
    text
}

/// A name as code.
pub(crate) fn code(name: &str) -> String {
    format!("`{name}`")
}
