//! The server that instances share, if there is one.

#[cfg(feature = "redis")]
use std::sync::Arc;

use super::Builder;
use crate::error::ConfigProblem;
use crate::settings;
#[cfg(feature = "redis")]
use crate::shared::{Options, Shared, SharedState};

impl Builder {
    /// Where the instances of this API keep what they have to know of each other: Redis or Valkey. Default: nowhere, and each
    /// instance knows what it has seen itself. See [`shared`](crate::shared).
    #[cfg(feature = "redis")]
    pub fn with_shared_state(self, state: SharedState) -> Self {
        self.set(settings::SHARED_STATE, state.into_table())
    }

    #[cfg(feature = "redis")]
    pub(super) fn shared(&self, problems: &mut Vec<ConfigProblem>) -> Option<Arc<Shared>> {
        let table = self.given.get(settings::SHARED_STATE)?;
        // A guard in the place of another goes on with its connection, and with what it remembers.
        if let Some(earlier) = self.keys_of.as_ref().map(|guard| &guard.inner)
            && earlier.recipe.given.get(settings::SHARED_STATE).as_ref() == Some(&table)
            && let Some(shared) = &earlier.shared
        {
            return Some(Arc::clone(shared));
        }
        let options = Options::read(&table);
        let options = options.map_err(|found| problems.extend(found)).ok()?;
        Some(Arc::new(Shared::new(options, Arc::clone(&self.clock))))
    }

    #[cfg(not(feature = "redis"))]
    pub(super) fn check_shared(&self, problems: &mut Vec<ConfigProblem>) {
        if self.given.get(settings::SHARED_STATE).is_some() {
            let hint = "switch on the Cargo feature `redis`";
            problems.push(ConfigProblem::new("shared_state", "a server", "nothing without a client", hint));
        }
    }
}
