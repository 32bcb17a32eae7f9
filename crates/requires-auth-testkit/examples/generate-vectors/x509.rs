//! Public keys in the forms of X.509, written out here: whoever reads them must not be who writes them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use requires_auth_testkit::SigningKey;

use crate::tokens::decode;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const NULL: &[u8] = &[0x05, 0];
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const VERSION_3: &[u8] = &[0xA0, 3, 2, 1, 2];

/// Object identifiers, whole.
const RSA: &[u8] = &[6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1];
const EC: &[u8] = &[6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const P256: &[u8] = &[6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
const P384: &[u8] = &[6, 5, 0x2B, 0x81, 4, 0, 0x22];
const P521: &[u8] = &[6, 5, 0x2B, 0x81, 4, 0, 0x23];
const SECP256K1: &[u8] = &[6, 5, 0x2B, 0x81, 4, 0, 0x0A];
const ED25519: &[u8] = &[6, 3, 0x2B, 0x65, 0x70];
const ML_DSA_44: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x11];
const ML_DSA_65: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x12];
const ML_DSA_87: &[u8] = &[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 0x13];

/// The `SubjectPublicKeyInfo` of a key (RFC 5280 §4.1.2.7).
pub fn public_key(key: &SigningKey) -> Vec<u8> {
    let jwk = key.public_jwk();
    let text = |name: &str| jwk[name].as_str().unwrap_or_default().to_owned();
    let bytes = |name: &str| decode(&text(name));
    let (algorithm, bits) = match (&*text("kty"), &*text("crv"), &*text("alg")) {
        ("RSA", _, _) => {
            let numbers = [number(&bytes("n")), number(&bytes("e"))].concat();
            ([RSA, NULL].concat(), element(SEQUENCE, &numbers))
        }
        ("EC", curve, _) => {
            let curve = match curve {
                "P-256" => P256,
                "P-384" => P384,
                "P-521" => P521,
                _ => SECP256K1,
            };
            ([EC, curve].concat(), [vec![4], bytes("x"), bytes("y")].concat())
        }
        ("OKP", _, _) => (ED25519.to_vec(), bytes("x")),
        (_, _, "ML-DSA-44") => (ML_DSA_44.to_vec(), bytes("pub")),
        (_, _, "ML-DSA-65") => (ML_DSA_65.to_vec(), bytes("pub")),
        _ => (ML_DSA_87.to_vec(), bytes("pub")),
    };
    let bits = element(BIT_STRING, &[vec![0], bits].concat());
    element(SEQUENCE, &[element(SEQUENCE, &algorithm), bits].concat())
}

/// A certificate of a key (RFC 5280 §4.1), with names that are empty and a signature that is none: nobody asks for them.
pub fn certificate(key: &SigningKey) -> Vec<u8> {
    let signature_algorithm = element(SEQUENCE, ED25519);
    let name = element(SEQUENCE, &[]);
    let times = [element(UTC_TIME, b"250101000000Z"), element(UTC_TIME, b"350101000000Z")].concat();
    let signed = [
        VERSION_3.to_vec(),
        number(&[1]),
        signature_algorithm.clone(),
        name.clone(),
        element(SEQUENCE, &times),
        name,
        public_key(key),
    ];
    let signature = element(BIT_STRING, &[0; 65]);
    element(SEQUENCE, &[element(SEQUENCE, &signed.concat()), signature_algorithm, signature].concat())
}

/// As a member of `x5c` (RFC 7517 §4.7).
pub fn base64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

/// As PEM (RFC 7468).
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn number(bytes: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if bytes.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    element(INTEGER, &[sign, bytes].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.iter().copied().skip_while(|digit| *digit == 0).collect();
    let mut element = vec![tag];
    match digits.as_slice() {
        [] => element.push(0),
        [short] if *short < 0x80 => element.push(*short),
        digits => {
            element.push(0x80 | digits.len().to_le_bytes()[0]);
            element.extend(digits);
        }
    }
    element.extend(content);
    element
}
