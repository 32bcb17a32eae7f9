//! What one configuration makes: who decides, and who answers. A reload makes another one.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;
use requires_auth::RequiresAuth;

use super::body::Body;
use super::config::Config;
use super::connections::Caller;
use super::decide::Gateway;
use super::forward_auth::{self, grpc};
use super::operators::Operators;
use super::reverse_proxy::ReverseProxy;
use crate::error::{Failure, located};

/// The gateway of a configuration, and its way to the application, if it has one.
pub(crate) struct Service {
    gateway: Arc<Gateway>,
    reverse_proxy: Option<ReverseProxy>,
    operators: Operators,
}

impl Service {
    /// The service of a configuration. It connects to nothing yet.
    ///
    /// # Errors
    ///
    /// All of those of [`Gateway::new`], or of [`ReverseProxy::new`] and [`Operators::new`].
    pub(crate) fn new(config: &Config, auth: RequiresAuth) -> Result<Self, Vec<Failure>> {
        let gateway = Gateway::new(config, auth).map_err(|error| vec![located(&error)])?;
        let reverse_proxy = ReverseProxy::new(config, gateway.identity());
        match (reverse_proxy, Operators::new(&config.gateway.operators)) {
            (Ok(reverse_proxy), Ok(operators)) => {
                Ok(Self { gateway: Arc::new(gateway), reverse_proxy, operators })
            }
            (reverse_proxy, operators) => {
                Err([reverse_proxy.err(), operators.err()].into_iter().flatten().collect())
            }
        }
    }

    /// Goes on with the connections to the application that the service before has.
    pub(crate) fn take_over(&mut self, before: &Self) {
        if let (Some(own), Some(other)) = (&mut self.reverse_proxy, &before.reverse_proxy) {
            own.take_over(other);
        }
    }

    /// Who decides.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Who may change something on the admin pages.
    pub(crate) fn operators(&self) -> &Operators {
        &self.operators
    }

    /// Answers a request: of a client to the reverse proxy, else of a proxy that asks.
    ///
    /// A proxy's question over HTTP is what most gateways answer most of the time. The futures of the others are large, and
    /// stand in memory of their own, so that it need not be copied with them.
    pub(crate) async fn answer(&self, request: Request<Incoming>, caller: Caller) -> Response<Body> {
        if let Some(proxy) = &self.reverse_proxy {
            return Box::pin(proxy.answer(&self.gateway, request, &caller)).await;
        }
        if grpc::is_asked(&self.gateway, &request) {
            return Box::pin(grpc::answer(Arc::clone(&self.gateway), request, caller.peer)).await;
        }
        if request.uri().path().starts_with(forward_auth::PREFIX) {
            return forward_auth::answer(&self.gateway, &request, caller.peer).await.map(Either::Left);
        }
        if let Some(document) = self.gateway.metadata(&request) {
            return document.map(Either::Left);
        }
        forward_auth::plain(StatusCode::NOT_FOUND, "no such endpoint").map(Either::Left)
    }
}
