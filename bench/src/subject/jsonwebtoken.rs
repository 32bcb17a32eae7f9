//! jsonwebtoken 11: a decode with a key that is at hand and everything checked that can be.

use std::hint::black_box;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::Jwk};
use serde::Deserialize;

use super::{Made, Setup, Subject};
use crate::fixture::{AUDIENCE, ISSUER, Token};
use crate::timing::time;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
}

struct Jsonwebtoken {
    key: DecodingKey,
    validation: Validation,
}

pub(super) fn make(setup: &Setup<'_>) -> Made {
    let algorithm: Algorithm = setup.algorithm.name().parse().map_err(|_| "not supported".to_owned())?;
    let jwk: Jwk =
        serde_json::from_value(setup.keys.signing.public_jwk()).map_err(|error| error.to_string())?;
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
    Ok(Box::new(Jsonwebtoken { key, validation }))
}

impl Subject for Jsonwebtoken {
    fn pass(&self, tokens: &[Token]) -> Duration {
        time(|| {
            for token in tokens {
                let data = decode::<Claims>(token.text(), &self.key, &self.validation).expect("a good token");
                black_box((&data.claims.sub, &data.claims.scope));
            }
        })
    }
}
