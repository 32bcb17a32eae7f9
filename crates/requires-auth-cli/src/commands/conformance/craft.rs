//! Tokens that no issuer writes: parts exchanged, and signatures that an attacker can make.

use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, KeyPair as _,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use requires_auth_testkit::{Algorithm, SigningKey};
use serde_json::Value;

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The parts of a compact JWT; empty where there are fewer.
pub(super) fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.splitn(3, '.');
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// A part as its JSON object.
pub(super) fn object(part: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// A part as its text.
pub(super) fn text(part: &str) -> String {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap_or_default()).unwrap_or_default()
}

/// The token with another header or other claims and the signature that it had.
pub(super) fn edited(token: &str, part: usize, edit: impl FnOnce(&mut Value)) -> String {
    let mut parts = parts(token).map(str::to_owned);
    if let Some(part) = parts.get_mut(part) {
        let mut value = object(part);
        edit(&mut value);
        *part = encode(value.to_string());
    }
    parts.join(".")
}

/// The token with a text in the place of its signature.
pub(super) fn signed_as(token: &str, signature: &str) -> String {
    let [header, claims, _] = parts(token);
    format!("{header}.{claims}.{signature}")
}

/// The token under the algorithm HS256, with this secret.
pub(super) fn with_hmac(token: &str, secret: &[u8], kid: Option<&str>) -> String {
    let token = edited(token, 0, |header| {
        header["alg"] = Value::from("HS256");
        if let Some(kid) = kid {
            header["kid"] = Value::from(kid);
        }
    });
    let [header, claims, _] = parts(&token);
    let message = format!("{header}.{claims}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes())))
}

/// The public key in PEM, as a server has it in a file; that of a type without one is its JWK.
pub(super) fn public_pem(key: &SigningKey) -> String {
    let Some(der) = public_der(key) else { return key.public_jwk().to_string() };
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn public_der(key: &SigningKey) -> Option<Vec<u8>> {
    let pkcs8 = key.to_pkcs8();
    let curve = match key.algorithm() {
        Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Algorithm::Es384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Algorithm::Es512 => &ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => {
            let pair = RsaKeyPair::from_pkcs8(&pkcs8).ok()?;
            let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
            return Some(der.as_ref().to_vec());
        }
    };
    let pair = EcdsaKeyPair::from_pkcs8(curve, &pkcs8).ok()?;
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().ok()?;
    Some(der.as_ref().to_vec())
}

/// The token with its ECDSA signature in DER, as certificates have it: a sequence of two numbers.
pub(super) fn with_der_signature(token: &str) -> String {
    let signature = URL_SAFE_NO_PAD.decode(parts(token)[2]).unwrap_or_default();
    let (r, s) = signature.split_at(signature.len() / 2);
    let numbers = [integer(r), integer(s)].concat();
    signed_as(token, &encode(tagged(0x30, &numbers)))
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut number = bytes.get(start..).unwrap_or_default().to_vec();
    if number.first().is_none_or(|byte| *byte >= 0x80) {
        number.insert(0, 0);
    }
    tagged(0x02, &number)
}

/// DER of at most 255 bytes.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    let mut der = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::Forge;

    use super::*;

    #[test]
    fn public_keys_have_a_pem() {
        for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::Rs256] {
            let pem = public_pem(SigningKey::fixed(algorithm));
            assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\nM"), "{algorithm}: {pem}");
            assert!(pem.lines().all(|line| line.len() <= 64), "{algorithm}");
        }
        assert!(public_pem(SigningKey::fixed(Algorithm::Ed25519)).starts_with('{'));
    }

    #[test]
    fn parts_are_exchanged_and_the_rest_stays() {
        let key = SigningKey::fixed(Algorithm::Es256).clone();
        let token = Forge::new("i", "a", key).token().mint();
        let edited = edited(&token, 1, |claims| claims["sub"] = Value::from("admin"));
        assert_eq!((parts(&edited)[0], parts(&edited)[2]), (parts(&token)[0], parts(&token)[2]));
        assert_eq!(object(parts(&edited)[1])["sub"], "admin");
        assert_eq!(object(parts(&with_hmac(&token, b"", Some("x")))[0])["kid"], "x");
        let der = URL_SAFE_NO_PAD.decode(parts(&with_der_signature(&token))[2]).expect("base64url");
        assert_eq!((der[0], usize::from(der[1])), (0x30, der.len() - 2));
    }
}
