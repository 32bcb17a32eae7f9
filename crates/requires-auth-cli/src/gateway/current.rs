//! What is in use, shared by all who serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;

use super::service::Service;

/// The service that is in use, and whether the process is about to end.
pub(crate) struct Current {
    service: ArcSwap<Service>,
    is_stopping: AtomicBool,
}

impl Current {
    pub(crate) fn new(service: Service) -> Self {
        Self { service: ArcSwap::from_pointee(service), is_stopping: AtomicBool::new(false) }
    }

    /// The service that is in use now. Whoever holds it keeps it, also after a reload.
    pub(crate) fn service(&self) -> Arc<Service> {
        self.service.load_full()
    }

    pub(crate) fn replace(&self, service: Service) {
        self.service.store(Arc::new(service));
    }

    /// Says that the process is about to end.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }
}
