//! tower-oauth2-resource-server: its layer around a service that does nothing, as it shows nothing smaller.

use std::convert::Infallible;
use std::future::{Ready, ready as at_once};
use std::hint::black_box;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tower::{Layer, Service, service_fn};
use tower_oauth2_resource_server::claims::DefaultClaims;
use tower_oauth2_resource_server::layer::OAuth2ResourceServerLayer;
use tower_oauth2_resource_server::server::OAuth2ResourceServer;
use tower_oauth2_resource_server::tenant::TenantConfiguration;
use tower_oauth2_resource_server::validation::ClaimsValidationSpec;

use super::{Made, Setup, Subject, ready};
use crate::fixture::{AUDIENCE, ISSUER, Token};
use crate::timing::time;

struct Peer {
    layer: OAuth2ResourceServerLayer<String, DefaultClaims>,
}

pub(super) fn make(setup: &Setup<'_>) -> Made {
    // Where it checks `nbf` it also demands it, and tokens of Logto have none.
    let claims = ClaimsValidationSpec::recommended(ISSUER, &vec![AUDIENCE.to_owned()]).nbf(false);
    let tenant = TenantConfiguration::static_builder(setup.jwks)
        .audiences(&[AUDIENCE])
        .claims_validation(claims)
        .build()
        .map_err(|error| error.to_string())?;
    let server = ready(<OAuth2ResourceServer>::builder().add_tenant(tenant).build())
        .map_err(|error| error.to_string())?;
    Ok(Box::new(Peer { layer: server.into_layer() }))
}

impl Subject for Peer {
    fn pass(&self, tokens: &[Token]) -> Duration {
        let mut service = self.layer.layer(service_fn(hello));
        let requests: Vec<_> = tokens.iter().map(request).collect();
        time(|| {
            for request in requests {
                let response = ready(service.call(request)).expect("an answer");
                assert_eq!(response.status(), StatusCode::OK);
                black_box(response);
            }
        })
    }
}

fn request(token: &Token) -> Request<()> {
    let request = Request::get("/orders").header("authorization", token.value());
    request.body(()).expect("a request")
}

fn hello(_: Request<()>) -> Ready<Result<Response<String>, Infallible>> {
    at_once(Ok(Response::new(String::new())))
}
