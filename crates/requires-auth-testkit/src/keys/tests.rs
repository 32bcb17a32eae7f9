use std::collections::HashSet;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn member(key: &SigningKey, name: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(key.public_jwk()[name].as_str().expect(name)).expect(name)
}

/// Checks a signature against the JWK alone, so that a wrong JWK shows as well.
fn verifies(key: &SigningKey, message: &[u8], signed: &[u8]) -> bool {
    let unparsed = |scheme: &'static dyn VerificationAlgorithm, public: Vec<u8>| {
        UnparsedPublicKey::new(scheme, public).verify(message, signed).is_ok()
    };
    let ec = |scheme| unparsed(scheme, [vec![4], member(key, "x"), member(key, "y")].concat());
    let rsa = |scheme: &'static signature::RsaParameters| {
        let components = aws_lc_rs::rsa::PublicKeyComponents { n: member(key, "n"), e: member(key, "e") };
        components.verify(scheme, message, signed).is_ok()
    };
    match key.algorithm() {
        Algorithm::Ed25519 => unparsed(&signature::ED25519, member(key, "x")),
        Algorithm::Es256 => ec(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::Es256k => ec(&signature::ECDSA_P256K1_SHA256_FIXED),
        Algorithm::Es384 => ec(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::Es512 => ec(&signature::ECDSA_P521_SHA512_FIXED),
        Algorithm::MlDsa44 => unparsed(&signature::ML_DSA_44, member(key, "pub")),
        Algorithm::MlDsa65 => unparsed(&signature::ML_DSA_65, member(key, "pub")),
        Algorithm::MlDsa87 => unparsed(&signature::ML_DSA_87, member(key, "pub")),
        Algorithm::Ps256 => rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => rsa(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Rs256 => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
    }
}

#[test]
fn every_key_signs_what_its_jwk_verifies() {
    for algorithm in Algorithm::ALL {
        let (fixed, second) = (SigningKey::fixed(algorithm), SigningKey::second(algorithm));
        for key in [fixed, second, &SigningKey::generate(algorithm)] {
            let signed = key.sign(b"message");
            assert!(verifies(key, b"message", &signed), "{algorithm}");
            assert!(!verifies(key, b"massage", &signed), "{algorithm}");
        }
        assert!(!verifies(second, b"message", &fixed.sign(b"message")), "{algorithm}");
    }
}

#[test]
fn signatures_have_the_length_that_jws_prescribes() {
    let lengths = [64, 64, 64, 96, 132, 2420, 3309, 4627, 256, 256, 256, 256, 256, 256];
    for (algorithm, length) in Algorithm::ALL.into_iter().zip(lengths) {
        assert_eq!(SigningKey::fixed(algorithm).sign(b"message").len(), length, "{algorithm}");
    }
}

#[test]
fn generated_keys_differ() {
    let keys: HashSet<String> =
        (0..3).map(|_| SigningKey::generate(Algorithm::Es256).thumbprint().to_owned()).collect();
    assert_eq!(keys.len(), 3);
}

#[test]
fn the_thumbprint_is_that_of_rfc_7638() {
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX\
                   jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8\
                   KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xB\
                   niIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let Value::Object(members) = json!({"kty": "RSA", "n": modulus, "e": "AQAB"}) else { unreachable!() };
    assert_eq!(jwk::thumbprint(&members), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn the_thumbprint_of_an_akp_key_covers_its_algorithm() {
    let names: Vec<&String> = SigningKey::fixed(Algorithm::MlDsa44).material.public.keys().collect();
    assert_eq!(names, ["kty", "alg", "pub"]);
}

#[test]
fn fixed_keys_stay_the_same_and_differ_from_each_other() {
    let thumbprints = fixed_thumbprints();
    assert_eq!(thumbprints.len(), 28);
    assert_eq!(thumbprints.iter().collect::<HashSet<_>>().len(), 28);
    assert!(thumbprints.contains(&SigningKey::second(Algorithm::Es384).thumbprint()));
}

#[test]
fn a_kid_of_its_own_leaves_the_thumbprint() {
    let key = SigningKey::fixed(Algorithm::Es384).clone().with_kid("mine");
    assert_eq!(key.kid(), "mine");
    assert_eq!(key.public_jwk()["kid"], "mine");
    assert_eq!(key.thumbprint(), SigningKey::fixed(Algorithm::Es384).kid());
}

#[test]
fn a_key_is_written_and_read_back() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::fixed(algorithm);
        let read = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8());
        assert_eq!(
            read.map(|key| key.thumbprint().to_owned()).as_deref(),
            Ok(key.thumbprint()),
            "{algorithm}"
        );
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = SigningKey::fixed(Algorithm::Es384).clone().with_kid("mine");
    assert_eq!(format!("{key:?}"), r#"SigningKey { kid: "mine", algorithm: Es384, .. }"#);
}

#[test]
fn a_key_of_another_type_is_refused() {
    let error = SigningKey::from_pkcs8(Algorithm::Es384, b"no key").expect_err("no key");
    assert_eq!(error.to_string(), "expected an unencrypted PKCS#8 private key for ES384");
}

#[test]
fn a_set_publishes_public_members_only() {
    let set = jwk_set([SigningKey::fixed(Algorithm::Es384), SigningKey::fixed(Algorithm::Rs256)]);
    let names =
        |index: usize| set["keys"][index].as_object().expect("a JWK").keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(0), ["kty", "crv", "x", "y", "kid", "use", "alg"]);
    assert_eq!(names(1), ["kty", "n", "e", "kid", "use", "alg"]);
}
