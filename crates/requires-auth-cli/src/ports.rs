//! Ports that commands share, and what to say when one of them is taken.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::error::Failure;

/// Where the development issuer listens, if the port is free.
pub(crate) const ISSUER_PORT: u16 = 9100;

/// No socket to listen on.
pub(crate) fn cannot_listen(host: IpAddr, port: u16, error: &io::Error) -> Failure {
    Failure::new(format!("cannot listen on {}: {error}", SocketAddr::new(host, port)))
        .hint("choose another port with --port; 0 is any free one")
}

/// What to say when another port is used than the one that was wanted.
pub(crate) fn taken(wanted: u16, used: u16) -> Option<String> {
    (wanted != 0 && wanted != used).then(|| format!("port {wanted} is taken, {used} is the next free one"))
}
