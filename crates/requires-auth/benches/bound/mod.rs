//! A token that is bound to a key, and proofs of that key, each of which counts once.

use std::cell::Cell;

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth::guard::Builder;
use requires_auth::{Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, Forge, ProofBuilder, SigningKey, jwk_set};

pub(crate) const ISSUER: &str = "https://tenant-id.logto.app/oidc";
pub(crate) const AUDIENCE: &str = "https://api.example.com";

pub(crate) struct Bound {
    pub(crate) guard: RequiresAuth,
    requests: Vec<[(&'static str, String); 2]>,
    next: Cell<usize>,
    next_raw: Cell<usize>,
    raw: ParsedPublicKey,
    /// As many different ones: the processor learns how one and the same signature is verified, and is quicker then.
    signatures: Vec<(String, Vec<u8>)>,
}

impl Bound {
    /// So many proofs, signed at `now` in seconds since 1970, for a guard that `complete` makes ready for them.
    pub(crate) fn new(
        algorithm: Algorithm,
        proofs: usize,
        now: u64,
        complete: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let (key, client) = (SigningKey::fixed(Algorithm::Es256), SigningKey::generate(algorithm));
        let forge = Forge::new(ISSUER, AUDIENCE, key.clone());
        let issued_at = i64::try_from(now).expect("a date");
        let token = forge.token().issued_at(issued_at).scope("read:orders").bound_to(&client).mint();
        let builder = RequiresAuth::builder(ISSUER, AUDIENCE)
            .with_jwks(jwk_set([key]).to_string())
            .with_public_url(AUDIENCE);
        let proof = || {
            let proof = ProofBuilder::new(&client, "GET", format!("{AUDIENCE}/orders"));
            proof.token(&token).issued_at(issued_at).mint()
        };
        let signature = |proof: String| {
            let (signing_input, signature) = proof.rsplit_once('.').expect("three parts");
            (signing_input.to_owned(), URL_SAFE_NO_PAD.decode(signature).expect("base64url"))
        };
        Self {
            guard: danger::allow_public_test_keys(complete(builder)).build().expect("a configuration"),
            requests: (0..proofs)
                .map(|_| [("authorization", format!("DPoP {token}")), ("dpop", proof())])
                .collect(),
            next: Cell::new(0),
            next_raw: Cell::new(0),
            raw: parse(&client.public_jwk(), algorithm),
            signatures: (0..proofs).map(|_| signature(proof())).collect(),
        }
    }

    /// The signature of another proof alone.
    pub(crate) fn raw(&self) {
        let next = (self.next_raw.get() + 1) % self.signatures.len();
        self.next_raw.set(next);
        let (signing_input, signature) = &self.signatures[next];
        self.raw.verify_sig(signing_input.as_bytes(), signature).expect("a valid signature");
    }

    /// A request that was not sent before.
    pub(crate) fn request(&self) -> Request<'_> {
        let headers = &self.requests[self.next.get()];
        self.next.set(self.next.get() + 1);
        Request::new("GET", "/orders", headers)
    }
}

/// The public key of a JWK, as aws-lc-rs verifies with it.
pub(crate) fn parse(jwk: &serde_json::Value, algorithm: Algorithm) -> ParsedPublicKey {
    let member =
        |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().expect("a string")).expect("base64url");
    let point = || [&[4][..], &member("x"), &member("y")].concat();
    match algorithm {
        Algorithm::Es256 => ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point()),
        Algorithm::Es384 => ParsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point()),
        Algorithm::Ed25519 => ParsedPublicKey::new(&signature::ED25519, member("x")),
        _ => {
            return RsaPublicKeyComponents { n: member("n"), e: member("e") }
                .to_parsed_public_key(&signature::RSA_PKCS1_2048_8192_SHA256)
                .expect("a key");
        }
    }
    .expect("a key")
}
