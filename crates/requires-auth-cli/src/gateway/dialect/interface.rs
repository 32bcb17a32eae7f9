//! What every dialect is: the trait that each proxy's file implements.

use std::fmt::Debug;

use http::{HeaderMap, Method, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use requires_auth::client_certificate::HeaderFormat;

use super::original::Original;
use super::proxy_side::ProxySide;
use crate::error::Failure;
use crate::gateway::refused::Refused;
use crate::gateway::token_places::Taken;

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

    /// Whether a target that goes on so behind its name is its endpoint: path and query, as sent. A client whose path a proxy
    /// passes on as it came could else bring a question of its own through, by dot segments behind the endpoint.
    fn has_endpoint(&self, rest: &str) -> bool {
        rest.is_empty() || rest.starts_with('?')
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

    /// How this proxy usually writes the certificate of a client into a header.
    fn certificate_format(&self) -> HeaderFormat;

    /// Whether the proxy takes tokens away from a request that may pass.
    fn takes_tokens(&self) -> bool {
        false
    }

    /// Has the proxy take tokens away from a request that may pass, by the headers of the answer. Most proxies cannot.
    fn take(&self, _taken: &Taken, _answer: &mut HeaderMap) {}

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

    /// One part of that, for a file that exists already.
    ///
    /// # Errors
    ///
    /// This proxy's file has no parts.
    fn emit_part(&self, _side: &ProxySide, _part: Part) -> Result<String, Failure> {
        Err(Failure::new("this proxy's file is not printed in parts")
            .hint("leave out --part, and take what you need from the whole file"))
    }

    /// How a proxy of this kind asks about a request for some host: the target, and the headers beside the client's.
    #[cfg(test)]
    fn ask<'a>(&self, method: &'a str, target: &'a str, host: Option<&'a str>) -> Asking<'a>;
}

/// The target of a question, and its headers.
#[cfg(test)]
pub(crate) type Asking<'a> = (String, Vec<(&'static str, &'a str)>);

/// A part of a proxy's file, to be included in a block of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// For the block `http`: where the gateway is.
    Http,
    /// For the block `server`: guards all of its locations, and has the two that ask the gateway.
    Server,
    /// For each `location` that passes on to the application: who is asking, in its headers.
    Location,
    /// The script that HAProxy loads.
    Lua,
}

impl Part {
    /// Every part, by its name.
    pub(crate) const ALL: [(&'static str, Self); 4] =
        [("http", Self::Http), ("server", Self::Server), ("location", Self::Location), ("lua", Self::Lua)];
}

/// What a proxy's file is to say beyond the configuration of the gateway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Host and port of the application, unless it is the usual one.
    pub(crate) upstream: Option<String>,
    /// The port that the proxy listens on, unless it is the usual one.
    pub(crate) port: Option<u16>,
    /// The part, unless it is the whole file.
    pub(crate) part: Option<Part>,
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
    /// The host that it is asked for, where it names one alone.
    pub(crate) host: Option<&'r str>,
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
