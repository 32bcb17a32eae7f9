//! oauth-resource-server: its validator, with the key set given.

use std::hint::black_box;
use std::time::Duration;

use oauth_resource_server::{KeyNaming, OAuthConfig, OAuthValidator};

use super::{Made, Setup, Subject, ready};
use crate::fixture::{AUDIENCE, ISSUER, Token};
use crate::timing::time;

struct Peer {
    validator: OAuthValidator,
}

pub(super) fn make(setup: &Setup<'_>) -> Made {
    let config = OAuthConfig {
        enabled: true,
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        resource: AUDIENCE.to_owned(),
        allow_unscoped_tokens: true,
        ..OAuthConfig::default()
    };
    let resolved = config
        .resolve(KeyNaming::Dotted("oauth"))
        .map_err(|error| error.to_string())?
        .ok_or_else(|| "it is switched off".to_owned())?;
    let validator = OAuthValidator::builder(&resolved)
        .initial_jwks(setup.jwks)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Box::new(Peer { validator }))
}

impl Subject for Peer {
    fn pass(&self, tokens: &[Token]) -> Duration {
        time(|| {
            for token in tokens {
                black_box(ready(self.validator.validate(token.text())).expect("a good token"));
            }
        })
    }
}
