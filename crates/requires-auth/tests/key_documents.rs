//! Keys that do not come as a JWK Set: public keys and certificates in PEM, real certificates, and what is neither.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _, SignatureAlgorithm};
use requires_auth::verify::{KeySet, KeySetError, Unusable};
use requires_auth::{ConfigError, Policy, RequiresAuth};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example";

/// A key of rcgen, its certificate in DER, and the same key for signing.
struct Certified {
    key: KeyPair,
    certificate: Vec<u8>,
    signing: SigningKey,
}

impl Certified {
    fn new(kind: &'static SignatureAlgorithm, algorithm: Algorithm) -> Self {
        let key = KeyPair::generate_for(kind).expect("a key");
        let params = CertificateParams::new(vec!["issuer.example".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate").der().to_vec();
        let signing = SigningKey::from_pkcs8(algorithm, &key.serialize_der()).expect("the same key");
        Self { key, certificate, signing }
    }

    fn p256() -> Self {
        Self::new(&rcgen::PKCS_ECDSA_P256_SHA256, Algorithm::Es256)
    }

    fn token(&self) -> String {
        Forge::new(ISSUER, AUDIENCE, self.signing.clone()).token().mint()
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        let _ = writeln!(pem, "{}", String::from_utf8_lossy(line));
    }
    pem + &format!("-----END {label}-----\n")
}

fn guard(keys: &str) -> Result<RequiresAuth, ConfigError> {
    RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(keys).build()
}

fn accepts(keys: &str, token: &str) -> bool {
    let guard = guard(keys).unwrap_or_else(|error| panic!("{error}\n{keys}"));
    guard.verify_now(token, &Policy::default()).expect("the keys are there").is_ok()
}

#[test]
fn a_public_key_or_a_certificate_in_pem_verifies_tokens() {
    for (kind, algorithm) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, Algorithm::Es256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, Algorithm::Es384),
        (&rcgen::PKCS_ED25519, Algorithm::Ed25519),
        (&rcgen::PKCS_RSA_SHA256, Algorithm::Rs256),
    ] {
        let (own, other) = (Certified::new(kind, algorithm), Certified::new(kind, algorithm));
        let public = pem("PUBLIC KEY", &own.key.subject_public_key_info());
        let certificate = pem("CERTIFICATE", &own.certificate);
        let squeezed = public.replace('\n', " ");
        let escaped = public.replace('\n', "\\n");
        let explained = format!("subject=CN = issuer\n\n{certificate}");
        let bare = STANDARD.encode(own.key.subject_public_key_info());
        let bare_certificate = STANDARD.encode(&own.certificate);
        for keys in [&public, &certificate, &squeezed, &escaped, &explained, &bare, &bare_certificate] {
            assert!(accepts(keys, &own.token()), "{algorithm}: {keys}");
            assert!(!accepts(keys, &other.token()), "{algorithm}: {keys}");
        }
    }
}

#[test]
fn an_rsa_key_of_its_own_kind_is_read() {
    let key = SigningKey::generate(Algorithm::Rs256);
    let jwk = key.public_jwk();
    let number = |name: &str| {
        let text = jwk[name].as_str().expect("a number");
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
    };
    let (modulus, exponent) = (number("n"), number("e"));
    let element = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).expect("short").to_be_bytes();
        let length = if content.len() < 128 { vec![length[1]] } else { [&[0x82][..], &length].concat() };
        [&[tag][..], &length, content].concat()
    };
    let numbers = [element(2, &[&[0][..], &modulus].concat()), element(2, &exponent)].concat();
    let keys = pem("RSA PUBLIC KEY", &element(0x30, &numbers));
    let token = Forge::new(ISSUER, AUDIENCE, key).token().mint();
    assert!(accepts(&keys, &token));
    assert!(!accepts(&pem("CERTIFICATE", &Certified::p256().certificate), &token));
}

#[test]
fn what_is_not_one_public_key_is_a_configuration_error_that_prints_nothing_of_it() {
    let (own, other) = (Certified::p256(), Certified::p256());
    let (leaf, issuer) = (pem("CERTIFICATE", &own.certificate), pem("CERTIFICATE", &other.certificate));
    let public = pem("PUBLIC KEY", &own.key.subject_public_key_info());
    let private = own.key.serialize_pem();
    for (text, expected) in [
        (format!("{leaf}{issuer}"), KeySetError::SeveralInPem),
        (format!("{public}{public}"), KeySetError::SeveralInPem),
        (private.clone(), KeySetError::PrivateKey),
        (format!("{leaf}{private}"), KeySetError::PrivateKey),
        (private.replace("PRIVATE", "EC PRIVATE"), KeySetError::PrivateKey),
        (leaf.replace("CERTIFICATE", "X509 CRL"), KeySetError::NotPem),
        (leaf.replace("CERTIFICATE", "PUBLIC KEY"), KeySetError::NotPem),
        (public.replace("PUBLIC KEY", "CERTIFICATE"), KeySetError::NotPem),
        (leaf.replace("END CERTIFICATE", "END PUBLIC KEY"), KeySetError::NotPem),
        (leaf.replace("-----END CERTIFICATE-----", ""), KeySetError::NotPem),
        (pem("CERTIFICATE", &own.certificate[..200]), KeySetError::NotPem),
        (pem("CERTIFICATE", b""), KeySetError::NotPem),
        ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A".to_owned(), KeySetError::NotJson),
    ] {
        assert_eq!(KeySet::parse(&text).err(), Some(expected), "{text}");
        let error = guard(&text).expect_err("no key");
        let told = format!("{error}");
        assert_eq!(error.problems()[0].field(), "jwks");
        assert!(!text.lines().any(|line| line.len() > 30 && told.contains(line)), "{told}");
    }
}

#[test]
fn a_key_in_pem_that_may_not_be_used_is_told_so() {
    let weak = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let mut info = weak.subject_public_key_info();
    let last = info.len() - 1;
    info[last] ^= 1;
    let set = KeySet::parse(pem("PUBLIC KEY", &info)).expect("a key that is not valid");
    assert_eq!(set.skipped()[0].reason(), Unusable::Invalid, "the point is not on the curve");
    let published = SigningKey::fixed(Algorithm::Es256).public_jwk();
    let set = KeySet::parse(serde_json::json!({ "keys": [published] }).to_string()).expect("a set");
    assert_eq!(set.len(), 1, "the key itself is fine");
}

#[test]
fn real_certificates_stand_in_x5c_and_in_a_map() {
    let (own, other) = (Certified::p256(), Certified::p256());
    let kid = own.signing.kid();
    let x5c = |certificate: &[u8]| serde_json::json!([STANDARD.encode(certificate)]);
    let mut beside = jwk_set([&own.signing]);
    beside["keys"][0]["x5c"] = x5c(&own.certificate);
    assert!(accepts(&beside.to_string(), &own.token()));
    beside["keys"][0]["x5c"] = x5c(&other.certificate);
    let set = KeySet::parse(beside.to_string()).expect("a set");
    assert_eq!(set.skipped()[0].reason(), Unusable::CertificateMismatch);
    let error = guard(&beside.to_string()).expect_err("no usable key").to_string();
    assert!(error.contains("its x5c is the certificate of another key"), "{error}");

    let alone = serde_json::json!({ "keys": [{ "kid": kid, "kty": "EC", "x5c": x5c(&own.certificate) }] });
    assert!(accepts(&alone.to_string(), &own.token()) && !accepts(&alone.to_string(), &other.token()));
    let map = serde_json::json!({ kid: pem("CERTIFICATE", &own.certificate), "b": pem("CERTIFICATE", &other.certificate) });
    assert!(accepts(&map.to_string(), &own.token()) && !accepts(&map.to_string(), &other.token()));
    let with_private =
        serde_json::json!({ kid: pem("CERTIFICATE", &own.certificate), "b": other.key.serialize_pem() });
    let set = KeySet::parse(with_private.to_string()).expect("a map");
    assert_eq!((set.len(), set.skipped()[0].reason()), (1, Unusable::Private));
}

proptest! {
    /// Whatever is done to a certificate, it is read or refused.
    #[test]
    fn damaged_der_is_read_or_refused(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        static CERTIFICATE: std::sync::LazyLock<Certified> = std::sync::LazyLock::new(Certified::p256);
        let mut der = CERTIFICATE.certificate.clone();
        let place = place.index(der.len());
        der[place] = byte;
        for der in [&der[..], &der[..cut.index(der.len())]] {
            drop(KeySet::parse(pem("CERTIFICATE", der)));
            let set = serde_json::json!({ "keys": [{ "kty": "EC", "x5c": [STANDARD.encode(der)] }] });
            let set = KeySet::parse(set.to_string()).expect("a set");
            prop_assert_eq!(set.len() + set.skipped().len(), 1);
        }
    }
}
