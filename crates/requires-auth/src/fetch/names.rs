//! From names to addresses, without link-local ones, from which keys are never fetched.

use std::error::Error;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::issuer::is_link_local_address;

/// The names that the system knows.
pub(super) struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The client puts in the port.
            let look_up = move || (name.as_str(), 0).to_socket_addrs();
            let addresses: Addrs = Box::new(tokio::task::spawn_blocking(look_up).await??);
            Ok(addresses)
        })
    }
}

/// The names of another resolver, without link-local addresses: there are the metadata services of clouds,
/// and a name that leads to one is an attack or a mistake. What is left is what the client connects to, so
/// that a name cannot change its address between check and use.
pub(super) struct SafeNames {
    names: Arc<dyn Resolve>,
}

impl SafeNames {
    pub(super) fn new(names: Arc<dyn Resolve>) -> Self {
        Self { names }
    }
}

impl Resolve for SafeNames {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.names.resolve(name);
        Box::pin(async move { without_link_local(found.await?) })
    }
}

fn without_link_local(addresses: Addrs) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
    let (refused, kept): (Vec<SocketAddr>, Vec<_>) =
        addresses.partition(|address| is_link_local_address(address.ip()));
    if kept.is_empty() && !refused.is_empty() {
        return Err("the name leads to a link-local address, where keys are never fetched".into());
    }
    Ok(Box::new(kept.into_iter()))
}
