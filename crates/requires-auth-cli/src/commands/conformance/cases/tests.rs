//! The table against the requirements of the vectors, and against what the testkit can spoil.

use std::collections::BTreeSet;

use clap::ValueEnum as _;
use requires_auth_testkit::{Defect, ProofDefect};

use crate::commands::conformance::case::{Case, Make};
use crate::commands::conformance::not_judged::{DEFECTS, NOT_JUDGED};
use crate::commands::conformance::profile::Profile;

const REQUIREMENTS: &str = include_str!("../../../../../requires-auth-testkit/vectors/README.md");

fn all() -> impl Iterator<Item = &'static Case> {
    Profile::value_variants().iter().flat_map(|profile| profile.cases())
}

/// The rows of the requirements: `A01`.
fn requirements() -> BTreeSet<&'static str> {
    let row = |line: &'static str| {
        let row = line.strip_prefix("| ")?.split(' ').next()?;
        let (letter, number) = row.split_at_checked(1)?;
        let is_row = letter.chars().all(|c| c.is_ascii_uppercase())
            && number.len() == 2
            && number.chars().all(|c| c.is_ascii_digit());
        is_row.then_some(row)
    };
    REQUIREMENTS.lines().filter_map(row).collect()
}

#[test]
fn every_requirement_is_judged_or_says_why_not() {
    let requirements = requirements();
    assert!(requirements.len() > 200, "{}", requirements.len());
    let judged: BTreeSet<_> = all().map(|case| case.row).collect();
    let excused: BTreeSet<_> = NOT_JUDGED.iter().flat_map(|own| own.rows).copied().collect();
    for row in &requirements {
        let is_excused = excused.contains(row) || excused.contains(row.get(..1).unwrap_or_default());
        assert!(judged.contains(row) || is_excused, "{row} is neither judged nor excused");
        assert!(!(judged.contains(row) && excused.contains(row)), "{row} is judged and excused");
    }
    for row in judged {
        assert!(requirements.contains(row), "{row} is not a requirement");
    }
    for row in excused.iter().filter(|row| row.len() == 3) {
        assert!(requirements.contains(row), "{row} is not a requirement");
    }
}

#[test]
fn every_defect_of_the_testkit_is_a_case_or_says_why_not() {
    for defect in Defect::ALL {
        let is_judged = all().any(|case| matches!(case.make, Make::Token(own) if own == defect));
        let is_excused = DEFECTS.iter().any(|(name, _)| *name == defect.name());
        assert!(is_judged != is_excused, "{defect}");
    }
    for defect in ProofDefect::ALL {
        let is_judged =
            Profile::Dpop.cases().any(|case| matches!(case.make, Make::Proof(own) if own == defect));
        assert!(is_judged, "{defect}");
    }
}

#[test]
fn names_are_unique_and_texts_are_as_they_are_printed() {
    for profile in Profile::value_variants() {
        let mut names = BTreeSet::new();
        for case in profile.cases() {
            assert!(names.insert(case.name), "{} stands twice", case.name);
            assert!(case.name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-'));
            assert!(case.rule.starts_with("RFC ") || case.rule.starts_with("MCP"), "{}", case.rule);
            assert!(!case.about.is_empty() && !case.about.ends_with('.'), "{}", case.name);
        }
    }
}
