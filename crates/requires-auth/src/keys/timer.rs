//! The timer of an issuer: keys are refreshed ahead of their end, off the request path.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::lifecycle::Cause;
use super::{Refreshed, Shared};
use crate::telemetry;

/// The timer looks at the clock at least this often, so that a jump of the clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl Shared {
    /// Starts the timer, unless it runs or there is no runtime for it to run on.
    pub(super) fn start_timer(self: &Arc<Self>) {
        if self.timer_runs.load(Ordering::Acquire) || !self.source.is_kept_fresh() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        if self.timer_runs.swap(true, Ordering::AcqRel) {
            return;
        }
        let running = Running(Arc::clone(&self.timer_runs));
        let keys = Arc::downgrade(self);
        let timer = runtime.spawn(async move {
            let _running = running;
            refresh_ahead(keys).await;
        });
        self.state().timer = Some(timer.abort_handle());
    }

    /// How long until the set is to be fetched again.
    fn until_due(&self) -> Duration {
        let now = self.source.clock.now();
        let current = self.current.load();
        let until_refresh = current
            .as_ref()
            .filter(|held| held.is_usable(now))
            .map_or(Duration::ZERO, |held| held.refresh_at.duration_since(now).unwrap_or_default());
        until_refresh.max(self.state().lifecycle.waits(now).unwrap_or_default())
    }

    /// Tells the age of the keys, and how long until they are to be fetched again.
    fn tick(&self) -> Duration {
        if let Some(held) = self.current.load().as_ref() {
            let age = self.source.clock.now().duration_since(held.fetched_at).unwrap_or_default();
            // Tenants have no series of their own.
            if self.source.tenant_of.is_none() {
                telemetry::key_age(self.source.issuer.identifier(), age);
            }
        }
        self.until_due()
    }
}

/// Says that the timer no longer runs, however it ends: also when its runtime shuts down.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Refreshes keys ahead of their end, until the last guard that uses them is gone.
async fn refresh_ahead(keys: Weak<Shared>) {
    loop {
        let Some(wait) = keys.upgrade().map(|shared| shared.tick()) else { return };
        if wait.is_zero() {
            let Some(shared) = keys.upgrade() else { return };
            let refreshed = shared.refresh(Cause::Need).await;
            drop(shared);
            if !matches!(refreshed, Refreshed::No { .. }) {
                continue;
            }
        }
        // A moment at least: a clock that stands still must not make this spin.
        tokio::time::sleep(wait.clamp(Duration::from_millis(100), LONGEST_SLEEP)).await;
    }
}
