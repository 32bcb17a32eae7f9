use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::*;
use crate::{Algorithm, Defect, ProofDefect};

// Reading all files takes a moment, so the tests share what they read.
static TOKEN_CASES: LazyLock<Vec<TokenCase>> = LazyLock::new(token_cases);
static METADATA_CASES: LazyLock<Vec<MetadataCase>> = LazyLock::new(metadata_cases);
static REQUEST_CASES: LazyLock<Vec<RequestCase>> = LazyLock::new(request_cases);
static MCP_CASES: LazyLock<Vec<McpCase>> = LazyLock::new(mcp_cases);
static PROOF_CASES: LazyLock<Vec<ProofCase>> = LazyLock::new(proof_cases);

/// How the token cases refuse.
fn refusals() -> impl Iterator<Item = &'static Refusal> {
    TOKEN_CASES.iter().filter_map(|case| match &case.expect {
        Verdict::Refuse(refusal) => Some(refusal),
        Verdict::Accept { .. } => None,
    })
}

/// Rows on tokens that are never accepted: `none`, HMAC and encrypted ones, what a provider signs for other ends, and those whose
/// body is not looked at.
const NEVER_ACCEPTED: [&str; 7] = ["C06", "C08", "C26", "S02", "S03", "S04", "U15"];

/// Rows on claims that count only where something is configured, on what is read from a token, and on a token that is bound to nothing.
const NEVER_REFUSED: [&str; 3] = ["D13", "Q12", "W06"];

/// The reason that lies in the answer of an issuer, and not in a token.
const OF_AN_ANSWER: &str = "inactive";

/// The reason that lies in a revocation.
const OF_AN_ENTRY: &str = "revoked";

const REQUIREMENTS: &str = include_str!("../../vectors/README.md");

/// The rows of the requirements, such as `C05`.
fn rows() -> impl Iterator<Item = &'static str> {
    REQUIREMENTS.lines().filter_map(|line| {
        let row = line.strip_prefix("| ")?.split(' ').next()?;
        let (group, number) = row.split_at_checked(1)?;
        (group.as_bytes()[0].is_ascii_uppercase() && number.parse::<u8>().is_ok()).then_some(row)
    })
}

#[test]
fn every_row_is_a_requirement_and_every_requirement_is_shown() {
    let tokens = TOKEN_CASES.iter().map(|case| &*case.row);
    let requests = REQUEST_CASES.iter().chain(MCP_CASES.iter().map(|case| &case.request));
    let others = requests.map(|case| &*case.row).chain(METADATA_CASES.iter().map(|case| &*case.row));
    let proofs = PROOF_CASES.iter().map(|case| &*case.request.row);
    let shown: BTreeSet<&str> = tokens.chain(others).chain(proofs).collect();
    assert_eq!(rows().collect::<BTreeSet<_>>(), shown, "vectors/README.md and the cases");
    assert_eq!(rows().count(), shown.len(), "a row stands once");
    let line = |row: &str| REQUIREMENTS.lines().find(|line| line.starts_with(&format!("| {row} |")));
    for row in rows() {
        let cells: Vec<_> = line(row).expect("a line").trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "{cells:?}");
    }
}

#[test]
fn ids_are_unique_and_in_kebab_case() {
    let tokens: Vec<&String> = TOKEN_CASES.iter().map(|case| &case.id).collect();
    let requests: Vec<&String> = REQUEST_CASES.iter().map(|case| &case.id).collect();
    let metadata: Vec<&String> = METADATA_CASES.iter().map(|case| &case.id).collect();
    let messages: Vec<&String> = MCP_CASES.iter().map(|case| &case.request.id).collect();
    let proofs: Vec<&String> = PROOF_CASES.iter().map(|case| &case.request.id).collect();
    for ids in [tokens, requests, metadata, messages, proofs] {
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        for id in ids {
            let letters =
                id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            assert!(letters && !id.starts_with('-') && !id.ends_with('-'), "{id}");
        }
    }
}

#[test]
fn there_are_enough_cases() {
    assert!(TOKEN_CASES.len() >= 550, "{}", TOKEN_CASES.len());
    assert!(REQUEST_CASES.len() >= 60, "{}", REQUEST_CASES.len());
    assert!(METADATA_CASES.len() >= 60, "{}", METADATA_CASES.len());
    assert!(PROOF_CASES.len() >= 250, "{}", PROOF_CASES.len());
}

#[test]
fn every_rule_is_shown_accepting_and_refusing() {
    let mut accepted = BTreeSet::new();
    let mut refused = BTreeSet::new();
    let messages = MCP_CASES.iter().map(|case| &case.request);
    let proofs = PROOF_CASES.iter().map(|case| &case.request);
    for case in REQUEST_CASES.iter().chain(messages).chain(proofs) {
        match case.outcome {
            Outcome::Deny(_) => refused.insert(&*case.row),
            Outcome::Allow | Outcome::Anonymous | Outcome::Preflight => accepted.insert(&*case.row),
        };
    }
    for case in TOKEN_CASES.iter() {
        match case.expect {
            Verdict::Accept { .. } => accepted.insert(&*case.row),
            Verdict::Refuse(_) => refused.insert(&*case.row),
        };
    }
    let judged = || {
        rows().filter(|row| {
            row.starts_with(['C', 'D', 'E', 'J', 'N', 'O', 'P', 'Q', 'R', 'S', 'U', 'V', 'W', 'X', 'Y'])
        })
    };
    let lacks = |found: &BTreeSet<&str>, spared: &[&str]| {
        judged().filter(|row| !found.contains(row) && !spared.contains(row)).collect::<Vec<_>>()
    };
    let accepts_nothing = lacks(&accepted, &NEVER_ACCEPTED);
    let refuses_nothing = lacks(&refused, &NEVER_REFUSED);
    assert!(
        accepts_nothing.is_empty() && refuses_nothing.is_empty(),
        "rows without a case that is accepted: {accepts_nothing:?}; without one that is refused: {refuses_nothing:?}"
    );
}

#[test]
fn every_row_on_requests_is_shown_by_a_request() {
    let shown: BTreeSet<&str> = REQUEST_CASES.iter().map(|case| &*case.row).collect();
    for row in rows().filter(|row| row.starts_with(['A', 'B', 'M'])) {
        assert!(shown.contains(row), "{row}");
    }
}

#[test]
fn every_algorithm_is_accepted_and_refused() {
    let mut verdicts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in TOKEN_CASES.iter() {
        let (accepted, refused) = verdicts.entry(case.alg.as_deref().unwrap_or_default()).or_default();
        match case.expect {
            Verdict::Accept { .. } => *accepted += 1,
            Verdict::Refuse(_) => *refused += 1,
        }
    }
    for name in Algorithm::ALL.map(Algorithm::name).into_iter().chain(["Ed25519"]) {
        let (accepted, refused) = verdicts[name];
        assert!(accepted >= 2 && refused >= 15, "{name}: {accepted} accepted, {refused} refused");
    }
}

#[test]
fn every_reason_of_a_single_token_is_provoked() {
    let reasons: BTreeSet<&str> = refusals().filter_map(|refusal| refusal.reason.as_deref()).collect();
    let defects = Defect::ALL.iter().map(|defect| defect.name());
    assert_eq!(reasons, defects.chain([OF_AN_ANSWER, OF_AN_ENTRY]).collect());
}

#[test]
fn challenges_hold_only_what_rfc_6750_allows() {
    let requests = REQUEST_CASES.iter().filter_map(|case| match &case.outcome {
        Outcome::Deny(refusal) => Some(refusal),
        _ => None,
    });
    for refusal in refusals().chain(requests) {
        let challenge = refusal.challenge.as_deref().unwrap_or("Bearer");
        let needs_none = refusal.status == 503
            || ["access_denied", "auth.ambiguous_request", "auth.cross_site"]
                .contains(&refusal.code.as_str());
        assert_eq!(refusal.challenge.is_none(), needs_none, "{refusal:?}");
        assert_eq!(refusal.reason.is_some(), refusal.code == "invalid_token", "{refusal:?}");
        assert!(
            challenge.starts_with("Bearer") && challenge.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        );
        assert_eq!(challenge.matches('"').count() % 2, 0, "{challenge}");
        assert!(!challenge.contains('\\'), "{challenge}");
    }
}

#[test]
fn every_defect_of_a_proof_is_a_case_and_challenges_name_each_scheme_once() {
    let mut reasons = BTreeSet::new();
    for case in PROOF_CASES.iter() {
        let Outcome::Deny(refusal) = &case.request.outcome else {
            assert!(case.challenges.is_empty(), "{}", case.request.id);
            continue;
        };
        reasons.extend(refusal.reason.as_deref());
        assert_eq!(refusal.challenge.as_deref(), Some(&*case.challenges.join(", ")), "{}", case.request.id);
        let schemes: Vec<_> =
            case.challenges.iter().map(|line| line.split(' ').next().expect("a word")).collect();
        assert!([&["Bearer"][..], &["DPoP"], &["Bearer", "DPoP"]].contains(&&*schemes), "{schemes:?}");
        // One of them says what is wrong, if there is something to say.
        let errors = case.challenges.iter().filter(|line| line.contains("error=")).count();
        assert!(
            errors <= 1
                && (errors == 1) == refusal.challenge.as_deref().is_some_and(|all| all.contains("error="))
        );
    }
    for defect in ProofDefect::ALL {
        assert!(reasons.contains(defect.reason()), "{defect}");
    }
}

#[test]
fn a_proof_that_counts_once_follows_one_that_was_allowed() {
    let before = |case: &&ProofCase| !case.before.is_empty();
    assert!(PROOF_CASES.iter().filter(before).count() >= 12);
    for case in PROOF_CASES.iter() {
        let is_reused = matches!(&case.request.outcome, Outcome::Deny(refusal) if refusal.reason.as_deref() == Some("proof_reused"));
        assert!(!is_reused || case.before.iter().any(|earlier| earlier.is_allowed), "{}", case.request.id);
        assert!(case.before.iter().all(|earlier| earlier.request.headers.len() == 2), "{}", case.request.id);
    }
}

#[test]
fn a_message_is_refused_with_a_challenge_where_a_token_would_help() {
    assert!(MCP_CASES.len() >= 100, "{}", MCP_CASES.len());
    for case in MCP_CASES.iter() {
        let Outcome::Deny(refusal) = &case.request.outcome else { continue };
        let helps = refusal.status == 401 || refusal.code == "insufficient_scope";
        assert_eq!(refusal.challenge.is_some(), helps, "{refusal:?}");
        let is_json_rpc = [400, 413, 415].contains(&refusal.status);
        assert_eq!(case.json_rpc.is_some(), is_json_rpc, "{refusal:?}");
    }
}

#[test]
fn placeholders_are_filled_in() {
    let proofs = PROOF_CASES.iter().map(|case| &case.request);
    for case in REQUEST_CASES.iter().chain(MCP_CASES.iter().map(|case| &case.request)).chain(proofs) {
        assert!(!case.url.contains("{token}"), "{}", case.id);
        for (name, value) in &case.headers {
            assert!(!String::from_utf8_lossy(value).contains("{token}"), "{}: {name}", case.id);
        }
    }
}

#[test]
fn headers_need_not_be_utf_8() {
    let case = REQUEST_CASES.iter().find(|case| case.id == "token-high-byte").expect("a case");
    assert_eq!(case.headers, [("Authorization".to_owned(), b"Bearer a.b.\xff".to_vec())]);
}

#[test]
fn batch_lines_carry_the_whole_case() {
    let line = |id: &str| TOKEN_CASES.iter().find(|case| case.id == id).expect(id).batch_line();
    let strict = line("strict-complete");
    assert_eq!(strict["id"], "strict-complete");
    assert_eq!(strict["profile"], "at+jwt");
    assert_eq!(strict["issuer"], "https://issuer.example.test/oidc");
    assert_eq!(strict["audience"], "https://api.example.test");
    assert_eq!(strict["jwks"]["keys"][0]["crv"], "P-384");
    assert_eq!(strict.get("leeway"), None);
    assert_eq!(line("scope-all-in-string")["scope"], serde_json::json!(["c", "a"]));
    assert_eq!(line("exp-now")["leeway"], 0);
    assert_eq!(line("alg-list-empty")["alg"], serde_json::json!([]));
}

#[test]
fn settings_are_written_as_toml() {
    let case = TOKEN_CASES.iter().find(|case| case.id == "scope-claims-role").expect("a case");
    let text = case.config.to_toml(|key| ["issuer", "audience", "scope_claims"].contains(&key));
    let expected = r#"[issuers.main]
"issuer" = "https://issuer.example.test/oidc"
"audience" = ["https://api.example.test"]
"scope_claims" = ["scope", "realm_access.roles"]
"#;
    assert_eq!(text, expected);
    let of_guard = TOKEN_CASES.iter().find(|case| case.id == "implied-scope").expect("a case");
    let text = of_guard.config.to_toml(|key| key != "implied_scopes");
    assert!(
        text.starts_with("\"implied_scopes\" = { \"admin\" = \"read write\" }\n[issuers.main]\n"),
        "{text}"
    );
    assert!(!of_guard.config.is_for_batch());
}
