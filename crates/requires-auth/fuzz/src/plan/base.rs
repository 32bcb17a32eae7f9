//! The vectors as starting points: their header, their claims and their configuration.

use std::sync::LazyLock;

use requires_auth_testkit::vectors::{TokenCase, Verdict, token_cases};
use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::Value;

use crate::base64url;
use crate::setting::{KEYS, Setting};

pub(super) struct Base {
    pub(super) header: Vec<u8>,
    pub(super) claims: Vec<u8>,
    pub(super) setting: Setting,
}

/// Every vector that has three parts, a good one first.
pub(super) static BASES: LazyLock<Vec<Base>> = LazyLock::new(|| {
    let mut cases = token_cases();
    cases.sort_by_key(|case| case.id != "eddsa-accept");
    cases.iter().filter_map(base).collect()
});

fn base(case: &TokenCase) -> Option<Base> {
    let parts: Vec<_> = case.token.split('.').collect();
    let [header, claims, _] = parts.as_slice() else { return None };
    let header = with_our_key(base64url::decode(header)?, matches!(case.expect, Verdict::Accept { .. }));
    let mut setting = Setting::of(&case.config);
    // The algorithms of the vectors go where those of their headers go.
    let ours = |name: &String| if is_fixed(name) { "EdDSA".to_owned() } else { name.clone() };
    setting.algorithms = setting.algorithms.map(|names| names.iter().map(ours).collect());
    Some(Base { header, claims: base64url::decode(claims)?, setting })
}

/// The header of a vector as if our key had signed it. A header that was accepted names our key in any case; in
/// others only the names of fixed keys are replaced, so that what is wrong stays wrong.
fn with_our_key(header: Vec<u8>, accepted: bool) -> Vec<u8> {
    if accepted && let Ok(Value::Object(mut members)) = serde_json::from_slice(&header) {
        members.insert("alg".to_owned(), KEYS.ed25519.algorithm().name().into());
        if let Some(kid) = members.get_mut("kid") {
            *kid = KEYS.ed25519.kid().into();
        }
        return Value::Object(members).to_string().into();
    }
    let Ok(mut text) = String::from_utf8(header.clone()) else { return header };
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| is_fixed(algorithm.name())) {
        text = text.replace(&format!("\"{algorithm}\""), "\"EdDSA\"");
        text = text.replace(SigningKey::fixed(algorithm).kid(), KEYS.ed25519.kid());
    }
    text.into()
}

/// Whether a name is one of an algorithm that no key of ours serves.
fn is_fixed(name: &str) -> bool {
    let ours = [KEYS.ed25519.algorithm(), KEYS.es256.algorithm()];
    Algorithm::ALL.iter().any(|algorithm| algorithm.name() == name && !ours.contains(algorithm))
}
