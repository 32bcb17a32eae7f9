//! axum-jwt-auth, on aws-lc-rs. As it comes it takes `RustCrypto`, which is several times slower.

use std::hint::black_box;
use std::time::Duration;

use axum_jwt_auth::{JwtDecoder, LocalDecoder};
use jsonwebtoken_10::crypto::aws_lc;
use jsonwebtoken_10::{Algorithm, DecodingKey, Validation, jwk::Jwk};
use serde::Deserialize;

use super::{Made, Setup, Subject, ready};
use crate::fixture::{AUDIENCE, ISSUER, Token};
use crate::timing::time;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
}

struct AxumJwtAuth {
    decoder: LocalDecoder,
}

pub(super) fn make(setup: &Setup<'_>) -> Made {
    // An error says that it is installed already.
    aws_lc::DEFAULT_PROVIDER.install_default().ok();
    let algorithm: Algorithm = setup.algorithm.name().parse().map_err(|_| "not supported".to_owned())?;
    let jwk: Jwk =
        serde_json::from_value(setup.keys.signing.public_jwk()).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
    let decoder = LocalDecoder::new(vec![key], validation).map_err(|error| error.to_string())?;
    Ok(Box::new(AxumJwtAuth { decoder }))
}

impl Subject for AxumJwtAuth {
    fn pass(&self, tokens: &[Token]) -> Duration {
        let decoder: &dyn JwtDecoder<Claims> = &self.decoder;
        time(|| {
            for token in tokens {
                let data = ready(decoder.decode(token.text())).expect("a good token");
                black_box((&data.claims.sub, &data.claims.scope));
            }
        })
    }
}
