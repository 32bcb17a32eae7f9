//! jwt-authorizer: what its layer asks for each request.

use std::hint::black_box;
use std::time::Duration;

use jwt_authorizer::{Authorizer, JwtAuthorizer, RegisteredClaims, Validation};

use super::{Made, Setup, Subject, ready};
use crate::fixture::{AUDIENCE, ISSUER, Token};
use crate::timing::time;

struct Peer {
    authorizer: Authorizer<RegisteredClaims>,
}

pub(super) fn make(setup: &Setup<'_>) -> Made {
    let validation = Validation::new().iss(&[ISSUER]).aud(&[AUDIENCE]).nbf(true);
    let builder: JwtAuthorizer = JwtAuthorizer::from_jwks_text(setup.jwks).validation(validation);
    let authorizer = ready(builder.build()).map_err(|error| error.to_string())?;
    Ok(Box::new(Peer { authorizer }))
}

impl Subject for Peer {
    fn pass(&self, tokens: &[Token]) -> Duration {
        time(|| {
            for token in tokens {
                black_box(ready(self.authorizer.check_auth(token.text())).expect("a good token"));
            }
        })
    }
}
