//! The yardsticks: one signature verification with a parsed key, and one SHA-256, both of aws-lc-rs.

use std::hint::black_box;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth_testkit::{Algorithm, SigningKey};

use super::{Made, Setup, Subject};
use crate::fixture::Token;
use crate::timing::time;

pub(super) fn make(setup: &Setup<'_>) -> Made {
    Ok(Box::new(Raw { key: parse(&setup.keys.signing)? }))
}

struct Raw {
    key: ParsedPublicKey,
}

impl Subject for Raw {
    fn pass(&self, tokens: &[Token]) -> Duration {
        let parts = |token: &Token| {
            let (input, signature) = token.text().rsplit_once('.').expect("three parts");
            (input.to_owned(), URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
        };
        let parts: Vec<_> = tokens.iter().map(parts).collect();
        time(|| {
            for (input, signature) in &parts {
                self.key.verify_sig(input.as_bytes(), signature).expect("a good signature");
            }
        })
    }
}

fn parse(key: &SigningKey) -> Result<ParsedPublicKey, String> {
    let jwk = key.public_jwk();
    let member = |name: &str| {
        let text = jwk[name].as_str().unwrap_or_default();
        URL_SAFE_NO_PAD.decode(text).map_err(|error| error.to_string())
    };
    let point = || Ok::<_, String>([&[4][..], &member("x")?, &member("y")?].concat());
    match key.algorithm() {
        Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point()?),
        Algorithm::Es384 => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point()?),
        Algorithm::Ed25519 => ParsedPublicKey::new(&ED25519, member("x")?),
        Algorithm::Rs256 => RsaPublicKeyComponents { n: member("n")?, e: member("e")? }
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256),
        other => return Err(format!("{other} is not measured")),
    }
    .map_err(|error| error.to_string())
}

/// The least that finding a token again can cost.
pub(crate) struct Sha256;

impl Subject for Sha256 {
    fn pass(&self, tokens: &[Token]) -> Duration {
        time(|| {
            for token in tokens {
                black_box(digest(&SHA256, black_box(token.text().as_bytes())));
            }
        })
    }
}
