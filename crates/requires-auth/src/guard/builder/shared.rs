//! The server that instances share, if there is one, and what a guard keeps there.

use std::sync::Arc;
use std::time::Duration;

use super::Builder;
use crate::error::ConfigProblem;
use crate::guard::sharing::Sharing;
use crate::replay::ReplayStore;
use crate::settings::shared_state as members;
use crate::settings::{self, Given, Value};
#[cfg(feature = "redis")]
use crate::shared::{Options, Shared, SharedState};

impl Builder {
    /// Where the instances of this API keep what they have to know of each other: Redis or Valkey. Default: nowhere, and each
    /// instance knows what it has seen itself. See [`shared`](crate::shared).
    #[cfg(feature = "redis")]
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::shared::SharedState;
    ///
    /// let redis = SharedState::at("redis://127.0.0.1:6379").with_namespace("orders").with_revocations();
    /// let builder = RequiresAuth::builder("https://issuer.example", "https://api.example.com").with_shared_state(redis);
    /// # let _ = builder;
    /// ```
    pub fn with_shared_state(self, state: SharedState) -> Self {
        self.set(settings::SHARED_STATE, state.into_table())
    }

    /// The namespace in the server that instances share, where none is chosen: for a gateway, which has another one than an
    /// application behind it.
    #[doc(hidden)]
    pub fn with_default_namespace(mut self, namespace: &str) -> Self {
        if let Some(mut table) = self.given.get(settings::SHARED_STATE)
            && table.get(members::NAMESPACE).is_none()
        {
            table.set(members::NAMESPACE, namespace.to_owned());
            let named = self.given.name(settings::SHARED_STATE.setting.key).map(ToOwned::to_owned);
            self.given.put(settings::SHARED_STATE.setting, Value::Table(table), named);
        }
        self
    }

    /// The server. A guard in the place of another goes on with its connection.
    #[cfg(feature = "redis")]
    pub(super) fn sharing(&self, problems: &mut Vec<ConfigProblem>) -> Sharing {
        let Some(table) = self.given.get(settings::SHARED_STATE) else { return Sharing::default() };
        if let Some(earlier) = self.keys_of.as_ref().filter(|_| self.shares_with_earlier()) {
            return earlier.inner.sharing.clone();
        }
        let options = Options::read(&table).map_err(|found| problems.extend(found)).ok();
        Sharing { server: options.map(|options| Arc::new(Shared::new(options, Arc::clone(&self.clock)))) }
    }

    #[cfg(not(feature = "redis"))]
    pub(super) fn sharing(&self, problems: &mut Vec<ConfigProblem>) -> Sharing {
        if self.given.get(settings::SHARED_STATE).is_some() {
            let hint = "switch on the Cargo feature `redis`";
            problems.push(ConfigProblem::new("shared_state", "a server", "nothing without a client", hint));
        }
        Sharing::default()
    }
}

impl Builder {
    /// Whether the guard that this one takes the place of has the same server.
    pub(super) fn shares_with_earlier(&self) -> bool {
        let server_of = |given: &Given| given.get(settings::SHARED_STATE);
        self.keys_of
            .as_ref()
            .is_some_and(|guard| server_of(&guard.inner.recipe.given) == server_of(&self.given))
    }
}

impl Sharing {
    /// Where all instances record used proofs; a proof can be accepted for `longest_use` from its first use on.
    #[cfg(feature = "redis")]
    pub(super) fn replay(&self, longest_use: Duration) -> Option<Arc<dyn ReplayStore>> {
        let server = self.server.as_ref()?;
        Some(Arc::new(server.replay().with_longest_use(longest_use.as_secs())))
    }

    #[cfg(not(feature = "redis"))]
    #[expect(clippy::unused_self, reason = "there is something to ask where the feature is on")]
    pub(super) fn replay(&self, _: Duration) -> Option<Arc<dyn ReplayStore>> {
        None
    }
}
