//! What every dialect is: the trait that each proxy's file implements.

use std::fmt::Debug;

use http::{HeaderMap, Method, Response};
use http_body_util::Full;
use hyper::body::Bytes;

use super::original::Original;
use super::proxy_side::ProxySide;
use crate::error::Failure;
use crate::gateway::refused::Refused;

/// The answer of this gateway to a proxy.
pub(crate) type Answer = Response<Full<Bytes>>;

/// How a proxy asks whether a request may pass.
pub(crate) trait Dialect: Debug + Sync {
    /// Its name: in the configuration, in the path of its endpoint, and in `config emit`.
    fn name(&self) -> &'static str;

    /// How its question comes here. Only a dialect over HTTP has an endpoint.
    fn transport(&self) -> Transport {
        Transport::Http
    }

    /// Reads the request that the proxy asks about where this dialect has it, and nowhere else.
    ///
    /// # Errors
    ///
    /// What is wrong with the question. Such a request is refused.
    fn read<'r>(&self, question: &Question<'r>) -> Result<Original<'r>, &'static str>;

    /// Whether this is the second question about a request that was refused at the first: it is answered with the
    /// refusal, and never with an allow.
    fn is_second(&self, _question: &Question<'_>) -> bool {
        false
    }

    /// The answer to a request that is refused.
    fn refuse(&self, _question: &Question<'_>, refused: Refused) -> Answer {
        refused.into_response()
    }

    /// What decides in the proxy's own file whether an outage of the gateway lets requests pass, if anything does.
    fn caution(&self) -> Option<Caution> {
        None
    }

    /// The name of the file that is shipped in `docs/gateway`: what `emit` makes of the example there.
    #[cfg(test)]
    fn shipped_as(&self) -> &'static str;

    /// The proxy's side of a configuration, as a file of the proxy's own.
    ///
    /// # Errors
    ///
    /// What this proxy cannot do.
    fn emit(&self, side: &ProxySide) -> Result<String, Failure>;

    /// How a proxy of this kind asks about a request: the target, and the headers beside those of the client.
    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str) -> (String, Vec<(&'static str, &'a str)>);
}

impl PartialEq for dyn Dialect + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for dyn Dialect + '_ {}

/// How a question comes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// As a request for an endpoint below `/forward-auth/`.
    Http,
    /// As a call over gRPC, for which there is one service.
    Grpc,
}

/// A question over HTTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'r> {
    pub(crate) method: &'r Method,
    pub(crate) headers: &'r HeaderMap,
    /// What follows the endpoint in the target: path and query, as sent.
    pub(crate) rest: &'r str,
}

/// What nobody can see from outside a proxy, and what to look for there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caution {
    /// For programs: `gateway.envoy`.
    pub(crate) code: &'static str,
    pub(crate) what: &'static str,
    pub(crate) hint: &'static str,
}
