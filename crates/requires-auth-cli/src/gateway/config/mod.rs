//! The configuration file of a gateway: the settings of its guard, which the library reads, and sections of its own, read
//! with the library's [`Reader`](requires_auth::config::Reader).

use std::cell::RefCell;
use std::path::Path;

use requires_auth::config::{IssuerConfig, Reader};
use requires_auth::guard::Builder;
use requires_auth::settings::{CLIENT_CERTIFICATES, RESOURCE};
use requires_auth::{ConfigError, RequiresAuth};
use toml::de::DeTable;

mod peers;
mod operators;
mod client_certificates;
mod reverse_proxy;
mod common;
mod resources;
mod proofs;
mod model;
mod certificate_rules;
mod claim_rules;
mod headers;
mod server;
mod routes;
mod resource_rules;
mod route_tests;
mod sections;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod certificate_tests;
#[cfg(test)]
mod resource_tests;

pub(crate) use self::model::{
    ClientCertificates, Encoding, ForwardAuthConfig, GatewayConfig, IdentityHeader, IdentitySource, Listen,
    RouteTest, ServerConfig, TlsConfig,
};
pub(crate) use self::operators::{OperatorsConfig, SecretPlace};
pub(crate) use self::peers::Network;
pub(crate) use self::proofs::{Proofs, mode_of};
pub(crate) use self::resources::ResourceConfig;
pub(crate) use self::reverse_proxy::{ReverseProxyConfig, Upstream, server_name};

/// A configuration file. Its shape is right: every key is known, every value of its type.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The settings of the guard.
    pub(crate) guard: requires_auth::config::Config,
    /// The sections of the gateway.
    pub(crate) gateway: GatewayConfig,
}

impl Config {
    /// Reads a configuration from its text; `name` is the path of the file that it stands in. Nothing is opened.
    ///
    /// # Errors
    ///
    /// All mistakes in the shape at once, those of the guard's settings and those of the gateway's sections.
    pub(crate) fn parse(text: &str, name: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let (guard, gateway) = requires_auth::config::Config::parse_with(text, name, sections::read)?;
        Ok(Self { guard, gateway })
    }

    /// Reads a configuration file and builds its guard, to which `adjust` adds what no file can say.
    ///
    /// # Errors
    ///
    /// All mistakes at once: those of [`parse`](Self::parse), and values that cannot work.
    pub(crate) fn load(
        path: impl AsRef<Path>,
        adjust: impl FnOnce(Builder) -> Builder,
    ) -> Result<(Self, RequiresAuth), ConfigError> {
        // The sections are read before the guard is built.
        let audiences = RefCell::new((Vec::new(), Vec::new()));
        let sections = |reader: &mut Reader<'_>, document: &DeTable<'_>, issuers: &[IssuerConfig]| {
            let gateway = sections::read(reader, document, issuers);
            audiences.borrow_mut().0.extend(gateway.routes.audiences().map(str::to_owned));
            audiences.borrow_mut().1.extend(gateway.audiences_of_resources());
            gateway
        };
        let adjust = |builder| {
            let (of_routes, of_resources) = audiences.take();
            with_audiences(adjust(builder), of_routes, of_resources)
        };
        let (guard, auth, gateway) = requires_auth::config::Config::load_with(path, adjust, sections)?;
        Ok((Self { guard, gateway }, auth))
    }

    /// Builds the guard that its routes need, to which `adjust` adds what no file can say.
    ///
    /// # Errors
    ///
    /// Values that cannot work.
    pub(crate) fn build_with(
        &self,
        adjust: impl FnOnce(Builder) -> Builder,
    ) -> Result<RequiresAuth, ConfigError> {
        let of_routes = self.gateway.routes.audiences().map(str::to_owned).collect();
        let of_resources = self.gateway.audiences_of_resources().collect();
        self.guard.build_with(|builder| adjust(with_audiences(builder, of_routes, of_resources)))
    }

    /// Whether tokens of any issuer may be bound to a certificate of their client.
    pub(crate) fn takes_certificates(&self) -> bool {
        let of_issuer = |issuer: &IssuerConfig| issuer.get(CLIENT_CERTIFICATES);
        let for_all = self.guard.get(CLIENT_CERTIFICATES).unwrap_or(false);
        self.guard.issuers.iter().any(|issuer| of_issuer(issuer).unwrap_or(for_all))
    }

    /// What becomes of proofs of keys, which tokens may come with.
    pub(crate) fn proofs(&self) -> Proofs {
        Proofs::of(&self.guard)
    }

    /// Whether every issuer says itself whom its tokens are for, and not only the resources do.
    pub(crate) fn has_audience(&self) -> bool {
        self.guard.get(RESOURCE).is_some() || self.guard.issuers.iter().all(resource_rules::has_audience)
    }

    /// The configuration in a file, whose guard can be built.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub(crate) fn check(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::load(path, |builder| builder).map(|(config, _)| config)
    }
}

/// A guard that takes tokens for these routes, and whose issuers without an audience take those for these resources.
fn with_audiences(builder: Builder, of_routes: Vec<String>, of_resources: Vec<String>) -> Builder {
    let builder = builder.with_route_audiences(of_routes).with_default_namespace("gateway");
    if of_resources.is_empty() { builder } else { builder.with_default_audience(of_resources) }
}
