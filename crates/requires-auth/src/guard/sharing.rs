//! The server that instances share, as a part of a guard: none where the feature `redis` is off.

#[cfg(feature = "redis")]
use std::sync::Arc;

use crate::revocations::Revocations;
#[cfg(feature = "redis")]
use crate::shared::{Shared, SharedHealth};

/// The server, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Sharing {
    #[cfg(feature = "redis")]
    pub(super) server: Option<Arc<Shared>>,
}

impl Sharing {
    /// Whether there is one.
    #[cfg_attr(
        not(feature = "redis"),
        expect(clippy::unused_self, reason = "there is a server where the feature is on")
    )]
    pub(super) const fn is_on(&self) -> bool {
        #[cfg(feature = "redis")]
        return self.server.is_some();
        #[cfg(not(feature = "redis"))]
        false
    }

    /// Whether revocations are told to all instances.
    #[cfg_attr(
        not(feature = "redis"),
        expect(clippy::unused_self, reason = "there is a server where the feature is on")
    )]
    pub(super) fn has_revocations(&self) -> bool {
        #[cfg(feature = "redis")]
        return self.server.as_ref().is_some_and(|server| server.has_revocations());
        #[cfg(not(feature = "redis"))]
        false
    }

    /// Lets these revocations be those of all instances, where that is chosen.
    #[cfg_attr(
        not(feature = "redis"),
        expect(clippy::unused_self, reason = "there is a server where the feature is on")
    )]
    pub(super) fn follow(&self, revocations: Option<&Revocations>) {
        #[cfg(feature = "redis")]
        if let (Some(server), Some(revocations)) = (&self.server, revocations) {
            server.follow(revocations);
        }
        #[cfg(not(feature = "redis"))]
        let _ = revocations;
    }

    /// Connects, if there is no connection. That it cannot is logged.
    #[cfg_attr(
        not(feature = "redis"),
        expect(clippy::unused_async, reason = "it waits where the feature is on")
    )]
    pub(super) async fn warm(&self) {
        #[cfg(feature = "redis")]
        if let Some(server) = &self.server {
            server.warm().await;
        }
    }

    #[cfg(feature = "redis")]
    pub(super) fn health(&self) -> Option<SharedHealth> {
        self.server.as_ref().map(|server| server.health())
    }
}
