//! What to do about a verdict that comes from a flag which is not there.

use requires_auth::Reason;
use serde_json::Value;

use super::anatomy::Anatomy;
use crate::curl::quoted;

/// What to do about a token that is bound to a key, and came without a proof of it.
pub(in crate::commands) fn of_missing_proof(
    reason: Option<Reason>,
    anatomy: &Anatomy,
    has_proof: bool,
) -> Option<&'static str> {
    let is_bound = || anatomy.claim("cnf").is_some_and(|cnf| cnf.get("jkt").is_some());
    let lacks_proof = !has_proof && reason == Some(Reason::BindingMismatch) && is_bound();
    lacks_proof.then_some(
        "the token is bound to a key: give the proof that came with it by --proof, and the request by --method and --url",
    )
}

/// The flags that would judge a token by what it says of itself.
pub(super) fn of_missing_issuer(anatomy: &Anatomy) -> Option<String> {
    let text = |value: Value| value.as_str().map(str::to_owned).filter(|text| !text.is_empty());
    let issuer = anatomy.claim("iss").and_then(text)?;
    let audiences = match anatomy.claim("aud") {
        Some(Value::Array(all)) => all.into_iter().filter_map(text).collect(),
        other => other.and_then(text).into_iter().collect::<Vec<_>>(),
    };
    let audiences = audiences.iter().map(|audience| format!(" --audience {}", quoted(audience)));
    Some(format!(
        "the token itself says --issuer {}{}: check that they are yours before you use them, as anybody can write them into a token",
        quoted(&issuer),
        audiences.collect::<String>()
    ))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn anatomy(claims: &str) -> Anatomy {
        Anatomy::of(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn a_token_that_is_bound_to_a_key_needs_its_proof() {
        let mismatch = Some(Reason::BindingMismatch);
        let bound = anatomy(r#"{"cnf":{"jkt":"a"}}"#);
        let hint = of_missing_proof(mismatch, &bound, false).expect("a hint");
        assert!(["--proof", "--method", "--url"].iter().all(|flag| hint.contains(flag)), "{hint}");
        assert_eq!(of_missing_proof(mismatch, &bound, true), None);
        assert_eq!(of_missing_proof(Some(Reason::Expired), &bound, false), None);
        for other in [r#"{"cnf":{"x5t#S256":"a"}}"#, r#"{"cnf":"jkt"}"#, "{}", "no"] {
            assert_eq!(of_missing_proof(mismatch, &anatomy(other), false), None, "{other}");
        }
    }

    #[test]
    fn what_a_token_says_is_told_as_flags_to_check() {
        let hint = |claims: &str| of_missing_issuer(&anatomy(claims));
        let one = hint(r#"{"iss":"https://a.example","aud":"b"}"#).expect("a hint");
        assert!(one.contains("--issuer 'https://a.example' --audience 'b': check"), "{one}");
        let two = hint(r#"{"iss":"https://a.example","aud":["b",3,"c d"]}"#).expect("a hint");
        assert!(two.contains(" --audience 'b' --audience 'c d': check"), "{two}");
        let quoted = hint(r#"{"iss":"a'; rm -r /"}"#).expect("a hint");
        assert!(quoted.contains(r"--issuer 'a'\''; rm -r /': check"), "{quoted}");
        for none in [r#"{"iss":3,"aud":"b"}"#, r#"{"iss":""}"#, "{}", "no"] {
            assert_eq!(hint(none), None, "{none}");
        }
    }
}
