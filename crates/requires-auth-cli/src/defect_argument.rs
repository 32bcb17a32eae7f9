//! What is to be wrong with a token or a proof, as an argument; `list` tells all that can be.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::str::FromStr;

use serde_json::json;

use crate::context::Format;
use crate::output::print_json;

/// What `--defect` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<D> {
    List,
    One(D),
}

impl<D: Copy> Wanted<D> {
    /// The defect, unless the list of them is wanted.
    pub(crate) const fn one(self) -> Option<D> {
        match self {
            Self::List => None,
            Self::One(defect) => Some(defect),
        }
    }
}

/// A defect by its name, or `list`.
pub(crate) fn defect<D: FromStr<Err: Display>>(name: &str) -> Result<Wanted<D>, String> {
    match name {
        "list" => Ok(Wanted::List),
        name => name.parse().map(Wanted::One).map_err(|unknown| format!("{unknown}; `list` explains them")),
    }
}

/// A name of each defect, and what is wrong then.
pub(crate) type Defects = Vec<(&'static str, &'static str)>;

/// One line for each.
pub(crate) fn lines(defects: &Defects) -> String {
    let width = defects.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, about): &(_, _)| format!("  {name:width$} {about}");
    defects.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Prints them to stdout.
pub(crate) fn print(defects: &Defects, format: Format) -> io::Result<()> {
    let object = |(name, about): &(_, _)| json!({ "name": name, "about": about });
    match format {
        Format::Json => print_json(&defects.iter().map(object).collect::<Vec<_>>()),
        Format::Text => writeln!(io::stdout(), "{}", lines(defects)),
    }
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::{Defect, ProofDefect};

    use super::*;

    #[test]
    fn a_defect_is_known_by_its_name() {
        assert_eq!(defect("expired"), Ok(Wanted::One(Defect::Expired)));
        assert_eq!(defect::<ProofDefect>("list").map(Wanted::one), Ok(None));
        let unknown = defect::<ProofDefect>("stale").expect_err("there is none");
        assert!(unknown.ends_with("; `list` explains them"), "{unknown}");
    }
}
