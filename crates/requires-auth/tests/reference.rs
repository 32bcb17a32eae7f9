//! `docs/reference/codes.md` says what the tables of codes and reasons say.

#[path = "../../../tests/reference/page.rs"]
mod page;

use page::{code, hold, table, with_part};
use requires_auth::challenge::www_authenticate;
use requires_auth::{Denial, ErrorCode, Reason};

/// Codes that only the gateway gives.
const OF_THE_GATEWAY: [ErrorCode; 3] =
    [ErrorCode::AmbiguousPath, ErrorCode::AmbiguousRequest, ErrorCode::NoRoute];

fn is_of_proof(reason: Reason) -> bool {
    reason.code() == ErrorCode::InvalidDpopProof
}

fn codes(which: impl Fn(&ErrorCode) -> bool) -> String {
    let mut codes: Vec<_> = ErrorCode::ALL.iter().copied().filter(which).collect();
    codes.sort_unstable_by_key(|code| code.as_str());
    let rows = codes.into_iter().map(|error| {
        [
            code(error.as_str()),
            error.status().to_string(),
            challenge(error),
            error.message().to_owned(),
            error.hint().to_owned(),
        ]
    });
    table(["code", "status", "challenge", "when", "what to do"], rows)
}

/// The challenge without its description, which is the message of the code or of the reason.
fn challenge(error: ErrorCode) -> String {
    let challenges = www_authenticate(&Denial::new(error));
    let Some(challenge) = challenges.first() else { return "none".to_owned() };
    code(challenge.split(", error_description=").next().expect("a first part"))
}

fn reasons(which: impl Fn(&Reason) -> bool) -> String {
    let rows = Reason::ALL
        .iter()
        .filter(|reason| which(reason))
        .map(|reason| [code(reason.as_str()), reason.message().to_owned(), reason.hint().to_owned()]);
    table(["reason", "when", "what to do"], rows)
}

#[test]
fn reference_of_codes_and_reasons() {
    let of_a_guard = |code: &ErrorCode| !OF_THE_GATEWAY.contains(code);
    hold("codes.md", "codes", &codes(of_a_guard));
    hold("codes.md", "gateway-decisions", &codes(|code| OF_THE_GATEWAY.contains(code)));
    hold("codes.md", "reasons", &reasons(|reason| !is_of_proof(*reason)));
    hold("codes.md", "reasons-of-proofs", &reasons(|reason| is_of_proof(*reason)));
}

#[test]
fn a_part_that_differs_is_seen() {
    let page = "# Title\n<!-- begin a -->\nold\n<!-- end a -->\nrest\n";
    assert_eq!(with_part(page, "a", "old\n").as_deref(), Some(page));
    let other = with_part(page, "a", "new\n").expect("the part");
    assert_eq!(other, page.replace("old", "new"));
    assert_eq!(with_part(page, "b", "old\n"), None);
}
