//! Public keys as X.509 has them: `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7), by itself or within a certificate.

use super::alg::KeyType;
use super::der::{CONTEXT_0, Der, INTEGER, NULL, OBJECT_IDENTIFIER, SEQUENCE};
use super::material::{Material, Unusable};

/// `rsaEncryption`, 1.2.840.113549.1.1.1 (RFC 3279 §2.3.1).
const RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];

/// `id-ecPublicKey`, 1.2.840.10045.2.1 (RFC 5480 §2.1.1).
const EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];

/// Curves by their parameters (RFC 5480 §2.1.1.1, SEC 2).
const CURVES: [(&[u8], &str); 4] = [
    (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7], "P-256"),
    (&[0x2B, 0x81, 4, 0, 0x22], "P-384"),
    (&[0x2B, 0x81, 4, 0, 0x23], "P-521"),
    (&[0x2B, 0x81, 4, 0, 0x0A], "secp256k1"),
];

/// `id-Ed25519`, 1.3.101.112 (RFC 8410 §3).
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];

/// Parameter sets of ML-DSA (RFC 9881 §2).
const ML_DSA: [(&[u8], &str); 3] = [
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11], "ML-DSA-44"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12], "ML-DSA-65"),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13], "ML-DSA-87"),
];

/// The key of a `SubjectPublicKeyInfo`.
pub(crate) fn of_public_key(der: &[u8]) -> Result<Material, Unusable> {
    let mut info = Der::whole(der, SEQUENCE).ok_or(Unusable::Malformed)?;
    let mut algorithm = info.nested(SEQUENCE).ok_or(Unusable::Malformed)?;
    let bits = info.bits().ok_or(Unusable::Malformed)?;
    let name = algorithm.element(OBJECT_IDENTIFIER).ok_or(Unusable::Malformed)?;
    if !info.is_empty() {
        return Err(Unusable::Malformed);
    }
    if name == RSA {
        let is_plain = algorithm.element(NULL).is_some_and(<[u8]>::is_empty) && algorithm.is_empty();
        return if is_plain { of_rsa_key(bits) } else { Err(Unusable::Malformed) };
    }
    if name == EC {
        let curve = algorithm.element(OBJECT_IDENTIFIER).ok_or(Unusable::Unsupported)?;
        let key_type = known(&CURVES, curve).and_then(KeyType::of_curve).ok_or(Unusable::Unsupported)?;
        return if algorithm.is_empty() { of_point(key_type, bits) } else { Err(Unusable::Malformed) };
    }
    // RFC 8410 §3, RFC 9881 §2: no parameters.
    if !algorithm.is_empty() {
        return Err(Unusable::Unsupported);
    }
    if name == ED25519 {
        let key_type = KeyType::of_okp("Ed25519").ok_or(Unusable::Unsupported)?;
        return Material::okp(key_type, bits.to_vec());
    }
    let key_type = known(&ML_DSA, name).and_then(KeyType::of_akp).ok_or(Unusable::Unsupported)?;
    Material::akp(key_type, bits.to_vec())
}

/// The key of an `RSAPublicKey` (RFC 8017 §A.1.1).
pub(crate) fn of_rsa_key(der: &[u8]) -> Result<Material, Unusable> {
    let mut key = Der::whole(der, SEQUENCE).ok_or(Unusable::Malformed)?;
    let (modulus, exponent) = (key.unsigned(), key.unsigned());
    match (modulus, exponent, key.is_empty()) {
        (Some(modulus), Some(exponent), true) => Material::rsa(modulus, exponent),
        _ => Err(Unusable::Malformed),
    }
}

/// The key of a certificate (RFC 5280 §4.1). Nothing else of it is looked at.
pub(crate) fn of_certificate(der: &[u8]) -> Result<Material, Unusable> {
    of_public_key(public_key_of(der).ok_or(Unusable::Malformed)?)
}

fn public_key_of(der: &[u8]) -> Option<&[u8]> {
    let mut certificate = Der::whole(der, SEQUENCE)?;
    let mut signed = certificate.nested(SEQUENCE)?;
    certificate.element(SEQUENCE)?; // signature algorithm
    certificate.bits()?;
    // The first version has no number.
    signed.element(CONTEXT_0);
    signed.element(INTEGER)?; // serial number
    for _ in ["signature algorithm", "issuer", "validity", "subject"] {
        signed.element(SEQUENCE)?;
    }
    let public_key = signed.with_header(SEQUENCE)?;
    certificate.is_empty().then_some(public_key)
}

fn of_point(key_type: KeyType, bits: &[u8]) -> Result<Material, Unusable> {
    // RFC 5480 §2.2: uncompressed, as every provider writes it.
    let point = bits.strip_prefix(&[4]).ok_or(Unusable::Unsupported)?;
    let KeyType::Ec { coordinate_bytes, .. } = key_type else { return Err(Unusable::Unsupported) };
    if point.len() != 2 * coordinate_bytes {
        return Err(Unusable::Malformed);
    }
    let (x, y) = point.split_at(coordinate_bytes);
    Material::ec(key_type, x, y)
}

fn known(table: &[(&[u8], &'static str)], identifier: &[u8]) -> Option<&'static str> {
    table.iter().find(|(own, _)| *own == identifier).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::{Algorithm, SigningKey};

    use super::*;
    use crate::jose::base64url;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head = match u8::try_from(length) {
            Ok(short @ 0..=0x7F) => vec![tag, short],
            _ => [&[tag, 0x82][..], &u16::try_from(length).expect("short").to_be_bytes()].concat(),
        };
        [head, content.to_vec()].concat()
    }

    fn member(algorithm: Algorithm, name: &str) -> Vec<u8> {
        let key = SigningKey::fixed(algorithm).public_jwk();
        base64url::decode(key[name].as_str().expect("a text")).expect("base64url")
    }

    /// A key of this algorithm with these parameters, and what stands behind it.
    fn info(name: &[u8], parameters: &[u8], key: &[u8], behind: &[u8]) -> Vec<u8> {
        let algorithm = element(SEQUENCE, &[element(OBJECT_IDENTIFIER, name), parameters.to_vec()].concat());
        let bits = element(3, &[&[0], key].concat());
        element(SEQUENCE, &[algorithm, bits, behind.to_vec()].concat())
    }

    #[test]
    fn nothing_stands_behind_a_key() {
        let key = member(Algorithm::Ed25519, "x");
        assert!(of_public_key(&info(ED25519, &[], &key, &[])).is_ok());
        let with_more = of_public_key(&info(ED25519, &[], &key, &[NULL, 0]));
        assert_eq!(with_more.err(), Some(Unusable::Malformed));
        let with_parameters = of_public_key(&info(ED25519, &[NULL, 0], &key, &[]));
        assert_eq!(with_parameters.err(), Some(Unusable::Unsupported));
    }

    #[test]
    fn a_key_for_rsa_has_null_for_its_parameters_and_nothing_else() {
        let number = |name| element(INTEGER, &[&[0], &member(Algorithm::Rs256, name)[..]].concat());
        let exponent = element(INTEGER, &member(Algorithm::Rs256, "e"));
        let key = element(SEQUENCE, &[number("n"), exponent].concat());
        assert!(of_public_key(&info(RSA, &[NULL, 0], &key, &[])).is_ok());
        for parameters in [&[][..], &[NULL, 0, NULL, 0], &[NULL, 1, 0], &[SEQUENCE, 0]] {
            let found = of_public_key(&info(RSA, parameters, &key, &[]));
            assert_eq!(found.err(), Some(Unusable::Malformed), "{parameters:?}");
        }
    }
}
