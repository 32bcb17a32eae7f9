//! The fixed keys, read from `data/fixed-keys.json` when one is first asked for.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::SigningKey;
use crate::Algorithm;

const KEYS_PER_ALGORITHM: usize = 2;

/// The PKCS#8 text of both keys, by algorithm name.
static FILE: LazyLock<HashMap<String, [String; KEYS_PER_ALGORITHM]>> = LazyLock::new(|| {
    // The file is part of this crate, and the tests read every key in it.
    serde_json::from_str(include_str!("../../data/fixed-keys.json"))
        .expect("the file of the fixed keys is JSON")
});

/// Parsed one by one, because parsing an RSA key checks its primes.
static PARSED: [[OnceLock<SigningKey>; KEYS_PER_ALGORITHM]; Algorithm::ALL.len()] =
    [const { [const { OnceLock::new() }; KEYS_PER_ALGORITHM] }; Algorithm::ALL.len()];

pub(super) fn key(algorithm: Algorithm, index: usize) -> &'static SigningKey {
    PARSED[algorithm as usize][index].get_or_init(|| {
        // Same invariant as for the file itself.
        let der = STANDARD.decode(&FILE[algorithm.name()][index]).expect("a fixed key is base64");
        SigningKey::from_pkcs8(algorithm, &der).expect("a fixed key fits its algorithm")
    })
}

/// The thumbprints of all fixed keys, whose private parts are public: a guard refuses them outside tests.
///
/// ```
/// use requires_auth_testkit::{Algorithm, SigningKey, keys::fixed_thumbprints};
///
/// let published = fixed_thumbprints();
/// assert!(published.contains(&SigningKey::fixed(Algorithm::Es384).thumbprint()));
/// assert!(!published.contains(&SigningKey::generate(Algorithm::Es384).thumbprint()));
/// ```
pub fn fixed_thumbprints() -> Vec<&'static str> {
    Algorithm::ALL
        .into_iter()
        .flat_map(|algorithm| (0..KEYS_PER_ALGORITHM).map(move |index| key(algorithm, index).thumbprint()))
        .collect()
}
