//! The command line as shell transcripts: help, verdicts, explanations, usage errors.
//!
//! `TRYCMD=overwrite` writes what the commands print into the transcripts, to be looked at.

#[test]
fn transcripts_hold() {
    trycmd::TestCases::new()
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .case("tests/cmd/*.md")
        .case("tests/cmd/*.toml");
}
