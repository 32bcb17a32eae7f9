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

/// The members that a thumbprint covers, by the type of key, sorted by name (RFC 7638 §3.2, RFC 8037 §2, RFC 9964 §6).
const REQUIRED: [(&str, &[&str]); 5] = [
    ("AKP", &["alg", "kty", "pub"]),
    ("EC", &["crv", "kty", "x", "y"]),
    ("OKP", &["crv", "kty", "x"]),
    ("RSA", &["e", "kty", "n"]),
    ("oct", &["k", "kty"]),
];

/// The SHA-256 thumbprint of a JWK (RFC 7638), base64url: what `cnf.jkt` of a token has to be. Members that do not identify
/// the key, such as `kid`, do not count.
///
/// `None` where a member that counts is missing or not a text, or the type is none of EC, OKP, RSA, AKP and oct.
///
/// ```
/// use requires_auth_testkit::{Algorithm, SigningKey, keys::jwk_thumbprint};
///
/// let key = SigningKey::generate(Algorithm::Es256).with_kid("mine");
/// assert_eq!(jwk_thumbprint(&key.public_jwk()).as_deref(), Some(key.thumbprint()));
/// ```
pub fn jwk_thumbprint(jwk: &Value) -> Option<String> {
    let kind = jwk.get("kty")?.as_str()?;
    let (_, names) = REQUIRED.into_iter().find(|(name, _)| *name == kind)?;
    let member = |name: &&str| Some(((*name).to_owned(), json!(jwk.get(*name)?.as_str()?)));
    names.iter().map(member).collect::<Option<_>>().map(|members| thumbprint(&members))
}

/// The SHA-256 of a certificate (DER), base64url: what `cnf.x5t#S256` of a token has to be (RFC 8705 §3.1).
pub fn certificate_thumbprint(der: &[u8]) -> String {
    encode(digest::digest(&digest::SHA256, der).as_ref())
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
