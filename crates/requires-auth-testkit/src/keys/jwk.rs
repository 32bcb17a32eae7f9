//! Public JWK members and their thumbprint.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::pair::{Pair, PublicKey};
use crate::Algorithm;

/// The members that identify the key (RFC 7518 §6, RFC 8037 §2, RFC 9964 §3), without `kid`, `use`
/// and, save for AKP keys, `alg`.
pub(super) fn public_members(algorithm: Algorithm, pair: &Pair) -> Map<String, Value> {
    let members = match pair.public_key() {
        PublicKey::Akp { public } => {
            vec![("kty", "AKP".to_owned()), ("alg", algorithm.name().to_owned()), ("pub", encode(&public))]
        }
        PublicKey::Ec { curve, x, y } => {
            vec![("kty", "EC".to_owned()), ("crv", curve.to_owned()), ("x", encode(&x)), ("y", encode(&y))]
        }
        PublicKey::Okp { x } => {
            vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", encode(&x))]
        }
        PublicKey::Rsa { modulus, exponent } => {
            vec![("kty", "RSA".to_owned()), ("n", encode(&modulus)), ("e", encode(&exponent))]
        }
    };
    members.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

/// RFC 7638 §3: SHA-256 of the required members, sorted by name, without white space.
pub(super) fn thumbprint(required: &Map<String, Value>) -> String {
    let mut members: Vec<_> = required.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    let members: Vec<String> =
        members.into_iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    let text = format!("{{{}}}", members.join(","));
    encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
