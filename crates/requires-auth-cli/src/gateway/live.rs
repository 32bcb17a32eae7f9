//! What is in use, shared by all who serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::Gateway;

/// The gateway, and whether it is about to end.
pub(crate) struct Live {
    gateway: ArcSwap<Gateway>,
    is_stopping: AtomicBool,
}

impl Live {
    pub(crate) fn new(gateway: Gateway) -> Self {
        Self { gateway: ArcSwap::from_pointee(gateway), is_stopping: AtomicBool::new(false) }
    }

    /// The gateway that is in use now. Who holds it keeps it, whatever comes after.
    pub(crate) fn gateway(&self) -> Arc<Gateway> {
        self.gateway.load_full()
    }

    pub(crate) fn replace(&self, gateway: Gateway) {
        self.gateway.store(Arc::new(gateway));
    }

    /// Says that the process is about to end.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }
}
