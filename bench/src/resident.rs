//! How much memory the process holds.

use std::fs;

/// The size of a page on the platforms that this is run on.
const PAGE: f64 = 4096.0;

/// What the process has in memory, in bytes.
///
/// # Panics
///
/// Anywhere but on Linux.
pub fn resident_bytes() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("the proc file system of Linux");
    let pages = statm.split_ascii_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.expect("numbers of pages") * PAGE
}
