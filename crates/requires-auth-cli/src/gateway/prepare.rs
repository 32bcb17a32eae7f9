//! What is made of a configuration file before anything listens. `serve` goes on with it, a reload puts it in the place of what
//! is in use, and `check` only tells what is wrong: all three refuse the same.
//!
//! The `[[tests]]` are not among it: `serve` wants all of them to hold, and `check` tells of each.

use std::path::Path;

use requires_auth::guard::Builder;
use requires_auth::settings::{CA, JWKS};

use super::config::{Config, Listen, ServerConfig};
use super::listen::can_be_bound;
use super::service::Service;
use super::stamps::{Stamp, Stamps};
use super::tls::Tls;
use crate::error::{Failure, located};

/// A configuration file, and what is made of it.
pub(crate) struct Prepared {
    pub(crate) config: Config,
    /// Where to listen, if the file says so or it was said beside it.
    pub(super) server: Option<ServerConfig>,
    /// The files as they were before they were read.
    pub(super) files: Stamps,
    /// What serves, or all that keeps it from that: files and variables that the configuration names and that are not there,
    /// or are not what they should be.
    made: Result<Made, Vec<Failure>>,
}

/// What serves.
pub(super) struct Made {
    pub(super) service: Service,
    pub(super) tls: Option<Tls>,
}

impl Prepared {
    /// Reads a file, and all that it names. It listens at `listen`, if that is given, and not where the file says. It begins
    /// with the keys of the gateway before, if there is one. It blocks, binds nothing, and touches no network.
    ///
    /// # Errors
    ///
    /// The file has mistakes, or its guard cannot be built.
    pub(crate) fn read(
        file: &Path,
        listen: Option<&Listen>,
        before: Option<&Service>,
    ) -> Result<Self, Failure> {
        // Before it is read: what is written from now on is a change.
        let own = (file.to_owned(), Stamp::of(file));
        let with_keys = |builder: Builder| match before {
            Some(before) => builder.with_keys_of(before.gateway().auth()),
            None => builder,
        };
        let (config, auth) = Config::load(file, with_keys).map_err(|error| located(&error))?;
        let server = server(config.gateway.server.as_ref(), listen)?;
        let mut files = stamps(&config, server.as_ref());
        files.extend([own]);
        let tls = server.as_ref().map_or(Ok(None), |server| tls(server).map_err(|failure| vec![failure]));
        let made = match (tls, Service::new(&config, auth)) {
            (Ok(tls), Ok(service)) => Ok(Made { service, tls }),
            (tls, service) => Err([tls.err(), service.err()].into_iter().flatten().flatten().collect()),
        };
        Ok(Self { config, server, files, made })
    }

    /// Why it cannot serve, whoever asks it to.
    pub(crate) fn problems(&self) -> &[Failure] {
        self.made.as_ref().err().map_or(&[], Vec::as_slice)
    }

    /// Whether it can serve.
    ///
    /// # Errors
    ///
    /// All that keeps it from that.
    pub(crate) fn can_serve(self) -> Result<(), Failure> {
        self.made().map(drop)
    }

    /// What serves.
    ///
    /// # Errors
    ///
    /// As [`can_serve`](Self::can_serve).
    pub(super) fn made(self) -> Result<Made, Failure> {
        self.made.map_err(Failure::all)
    }
}

/// The certificate that is shown to clients, if the places to listen at can be such places.
fn tls(server: &ServerConfig) -> Result<Option<Tls>, Failure> {
    can_be_bound(&server.listen)?;
    server.admin.as_ref().map_or(Ok(()), can_be_bound)?;
    server.tls.as_ref().map(Tls::load).transpose()
}

/// The files that the configuration names and that are read anew when they change.
fn stamps(config: &Config, server: Option<&ServerConfig>) -> Stamps {
    let tls = server.and_then(|server| server.tls.as_ref());
    let documents =
        config.guard.issuers.iter().filter_map(|issuer| issuer.get(JWKS)).chain(config.guard.get(CA));
    let documents: Vec<_> = documents.filter_map(|document| document.file().cloned()).collect();
    let named = documents.iter().chain(tls.into_iter().flat_map(|tls| [&tls.certificate, &tls.key]));
    let of_clients = tls.and_then(|tls| tls.client_certificates.as_ref()?.ca());
    let of_upstream = config.gateway.reverse_proxy.iter().filter_map(|proxy| proxy.ca.as_ref());
    let named = named.chain(of_upstream).chain(of_clients);
    named.map(|path| (path.clone(), Stamp::of(path))).collect()
}

/// Where to listen, by the file and by what was given beside it, which overrides it.
fn server(of_file: Option<&ServerConfig>, listen: Option<&Listen>) -> Result<Option<ServerConfig>, Failure> {
    let Some(listen) = listen.cloned() else { return Ok(of_file.cloned()) };
    let server = match of_file.cloned() {
        Some(server) => ServerConfig { listen, ..server },
        None => ServerConfig { listen, admin: None, tls: None, connections_per_peer: None },
    };
    if server.admin.as_ref().is_some_and(|admin| admin.is_taken_by(&server.listen)) {
        return Err(Failure::new("--listen is where the admin pages are")
            .hint("give them a port of their own, which the outside cannot reach: `admin` in [server]"));
    }
    Ok(Some(server))
}
