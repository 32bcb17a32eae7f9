//! How many requests may be with the application at a time, each of which may need a connection of its own.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::gateway::connection_limit::{ConnectionLimit, Permit};
use crate::gateway::files;
use crate::gateway::listen::Peer;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// As many requests as the files of the process leave connections for; one peer may have its share of them.
#[derive(Clone)]
pub(super) struct Budget {
    requests: ConnectionLimit,
    connections: Arc<Semaphore>,
}

impl Budget {
    /// The budget of this process; `per_peer` is what one peer gets, or half of it if that is not said.
    pub(super) fn of_process(per_peer: Option<usize>) -> Self {
        let most = files::connections();
        Self { requests: ConnectionLimit::new(most, per_peer), connections: Arc::new(Semaphore::new(most)) }
    }

    /// A place for a request; `None` if there is none in time.
    pub(super) async fn request(&self, peer: Peer) -> Option<Permit> {
        match self.requests.take(peer.share()) {
            Ok(permit) => Some(permit),
            Err(_) => timeout(PATIENCE, self.requests.wait(peer.share())).await.ok(),
        }
    }

    /// A place for a connection, idle ones included.
    pub(super) async fn connection(&self) -> io::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).acquire_owned().await.map_err(io::Error::other)
    }
}
