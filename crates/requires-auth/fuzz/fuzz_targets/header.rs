//! The protected header, against a strict reader over `serde_json`.
//!
//! Input: the JSON of the header.

#![no_main]

use libfuzzer_sys::fuzz_target;
use requires_auth::{Reason, fuzzing};
use requires_auth_fuzz::strict::{self, Flaw};
use serde_json::Value;

fuzz_target!(|json: &[u8]| {
    let header = fuzzing::header(json);
    assert!(matches!(header, Ok(_) | Err(Reason::Malformed)));

    let members = match strict::object(json) {
        Ok(members) => members,
        Err(Flaw::NumberOutOfRange) => return,
        Err(Flaw::NotStrict) => {
            assert!(header.is_err(), "accepted what is not strict JSON: {header:?}");
            return;
        }
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let types_fit = text("alg").is_some()
        && ["kid", "typ"].iter().all(|name| members.get(*name).is_none_or(Value::is_string));
    let Ok(header) = header else {
        assert!(!types_fit, "refused a header that is as it should be");
        return;
    };
    assert!(types_fit, "accepted members of other types: {header:?}");

    let cty = text("cty").unwrap_or_default().to_ascii_lowercase();
    let cty = cty.strip_prefix("application/").unwrap_or(&cty);
    let is_critical =
        members.contains_key("crit") || members.get("b64").is_some_and(|b64| *b64 != Value::Bool(true));
    let expected = fuzzing::Header {
        algorithm: text("alg").unwrap_or_default(),
        kid: text("kid"),
        typ: text("typ"),
        is_nested: cty == "jwt" || cty.ends_with("+jwt"),
        is_critical,
    };
    assert_eq!(header, expected);
});
