//! The keys of an issuer: which are used, which are not, and what they are for.

use requires_auth::verify::{KeySet, Unusable};
use serde_json::Value;

use super::configured::Configured;
use super::finding::{Finding, Level};

/// What can be used of a key set, and whether it serves what is configured.
pub(super) fn look(configured: &Configured, body: &[u8]) -> Vec<Finding> {
    let name = &configured.issuer;
    let set = match KeySet::parse(body) {
        Ok(set) => set,
        Err(error) => {
            let finding = Finding::new(Level::Fail, "keys.usable", name, error.to_string());
            return vec![finding.hint("the jwks_uri must answer with a JWK Set: {\"keys\": [...]}")];
        }
    };
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let members = document.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_used = |index: usize| set.skipped().iter().all(|key| key.index() != index);
    let used_keys: Vec<_> =
        members.iter().enumerate().filter(|(index, _)| is_used(*index)).map(|(_, key)| key).collect();
    let shown: Vec<_> = used_keys.iter().map(|key| label(key)).collect();
    let level = if set.is_empty() { Level::Fail } else { Level::Ok };
    let what = format!("{} of {}: {}", set.len(), members.len(), shown.join(", "));
    let mut findings = vec![
        Finding::new(level, "keys.usable", name, what).hint("without a usable key every token is refused"),
    ];
    for skipped in set.skipped() {
        let known_as = members.get(skipped.index()).map(label).unwrap_or_default();
        let what = format!("key {} ({known_as}) is not used: {}", skipped.index(), skipped.reason());
        let (level, hint) = match skipped.reason() {
            Unusable::Private => {
                (Level::Fail, "whoever reads it can sign tokens: withdraw it, and make a new key")
            }
            _ => (Level::Warn, "nothing to do, unless access tokens are signed with it"),
        };
        findings.push(Finding::new(level, "keys.skipped", name, what).hint(hint));
    }
    findings.extend(algorithms(configured, &used_keys));
    findings
}

/// How people know a key: its id and algorithm.
fn label(key: &Value) -> String {
    let text = |member| key.get(member).and_then(Value::as_str);
    let purpose = text("alg").or_else(|| text("crv")).or_else(|| text("kty")).unwrap_or("?");
    // A thumbprint (RFC 7638) has 43 characters, one of SHA-512 86.
    let kid: String = text("kid").unwrap_or("no kid").chars().take(128).collect();
    format!("{kid} {purpose}")
}

/// Whether a key can serve an algorithm: by its `alg`, or else by its type (RFC 7518 §6, RFC 8037 §2).
fn serves(key: &Value, algorithm: &str) -> bool {
    let text = |member| key.get(member).and_then(Value::as_str);
    if let Some(own) = text("alg") {
        return own == algorithm;
    }
    match (text("kty"), text("crv")) {
        (Some("RSA"), _) => algorithm.starts_with("RS") || algorithm.starts_with("PS"),
        (Some("EC"), Some("P-256")) => algorithm == "ES256",
        (Some("EC"), Some("P-384")) => algorithm == "ES384",
        (Some("EC"), Some("P-521")) => algorithm == "ES512",
        (Some("EC"), Some("secp256k1")) => algorithm == "ES256K",
        (Some("OKP"), _) => algorithm.starts_with("Ed"),
        _ => false,
    }
}

fn algorithms(configured: &Configured, used: &[&Value]) -> Option<Finding> {
    const CODE: &str = "keys.algorithms";
    let wanted = configured.algorithms.as_ref()?;
    let (served, missing): (Vec<_>, Vec<_>) = wanted
        .iter()
        .map(ToString::to_string)
        .partition(|algorithm| used.iter().any(|key| serves(key, algorithm)));
    let (level, what) = if served.is_empty() {
        (Level::Fail, format!("no key is for {}", missing.join(", ")))
    } else if missing.is_empty() {
        (Level::Ok, format!("keys for {}", served.join(", ")))
    } else {
        (Level::Warn, format!("keys for {}, none for {}", served.join(", "), missing.join(", ")))
    };
    Some(
        Finding::new(level, CODE, &configured.issuer, what)
            .hint("`algorithms` need only name what the issuer uses"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_as_long_as_a_thumbprint_is_shown_whole() {
        let kid = "a".repeat(43);
        let shown = label(&serde_json::json!({ "kid": kid, "alg": "ES256" }));
        assert_eq!(shown, format!("{kid} ES256"));
        assert_eq!(label(&serde_json::json!({ "kid": "a".repeat(1000), "kty": "RSA" })).len(), 132);
    }

    #[test]
    fn keys_serve_what_they_say_or_what_their_type_allows() {
        let key = |text| serde_json::from_str::<Value>(text).expect("JSON");
        assert!(serves(&key(r#"{"kty":"RSA"}"#), "PS256"));
        assert!(!serves(&key(r#"{"kty":"RSA","alg":"RS256"}"#), "PS256"));
        assert!(serves(&key(r#"{"kty":"EC","crv":"P-256"}"#), "ES256"));
        assert!(!serves(&key(r#"{"kty":"EC","crv":"P-256"}"#), "ES384"));
    }
}
