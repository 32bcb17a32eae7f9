//! Asking the resolver: once at a time for each issuer, within the allowance, and not again for an issuer that it has refused.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{Resolved, Route, Tenant, Tenants};
use crate::error::{ConfigProblem, Denial};
use crate::guard::builder::TenantOf;
use crate::guard::resolver::{Issuer, ResolveError, ResolveIssuer};
use crate::keys::{Earlier, Unproven, whole_seconds};
use crate::verify::{Issuers, Tenancy};

/// How long an issuer that the resolver has refused is not asked about again.
const REFUSAL_LIFE: Duration = Duration::from_secs(60);

/// How many refused issuers are remembered. The oldest make room.
const MOST_REFUSALS: usize = 1024;

/// How much longer an earlier answer holds when the resolver fails, until it is an hour old.
const GRACE: Duration = Duration::from_secs(30);

pub(super) struct Resolving {
    resolver: Arc<dyn ResolveIssuer>,
    /// By a hash that nobody outside can foresee.
    refused: Mutex<Vec<(u64, SystemTime)>>,
    hasher: RandomState,
    /// One turn at a time for each issuer.
    turns: Mutex<HashMap<Box<str>, Arc<tokio::sync::Mutex<()>>>>,
}

impl Resolving {
    pub(super) fn new(resolver: Arc<dyn ResolveIssuer>) -> Self {
        Self { resolver, refused: Mutex::default(), hasher: RandomState::new(), turns: Mutex::default() }
    }

    /// Whether the resolver has said lately that this issuer is not ours.
    pub(super) fn has_refused(&self, issuer: &str, now: SystemTime) -> bool {
        let mark = self.hasher.hash_one(issuer);
        let is_recent = |then: SystemTime| now.duration_since(then).is_ok_and(|age| age < REFUSAL_LIFE);
        lock(&self.refused).iter().any(|&(refused, then)| refused == mark && is_recent(then))
    }

    fn refuse(&self, issuer: &str, now: SystemTime) {
        let mark = self.hasher.hash_one(issuer);
        let mut refused = lock(&self.refused);
        refused.retain(|&(other, _)| other != mark);
        refused.push((mark, now));
        let excess = refused.len().saturating_sub(MOST_REFUSALS);
        refused.drain(..excess);
    }

    fn turn(&self, issuer: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(lock(&self.turns).entry(issuer.into()).or_default())
    }

    /// Forgets a turn that nobody waits for.
    fn end(&self, issuer: &str) {
        let mut turns = lock(&self.turns);
        if turns.get(issuer).is_some_and(|turn| Arc::strong_count(turn) <= 2) {
            turns.remove(issuer);
        }
    }
}

impl Tenants {
    /// Asks the resolver about an issuer, unless another request has done so meanwhile. What it says is in the table then.
    ///
    /// # Errors
    ///
    /// Nobody can tell: the resolver has failed, or may not be asked now.
    pub(in crate::guard) async fn resolve(
        &self,
        fixed: &Issuers,
        issuer: &str,
        deadline: Instant,
    ) -> Result<(), Denial> {
        let Some(resolving) = &self.resolving else { return Ok(()) };
        let turn = Turn { resolving, issuer, mutex: resolving.turn(issuer) };
        match until(deadline, turn.mutex.lock()).await {
            Some(_alone) => self.resolve_alone(resolving, fixed, issuer, deadline).await,
            None => Err(Denial::undecided(1)),
        }
    }

    async fn resolve_alone(
        &self,
        resolving: &Resolving,
        fixed: &Issuers,
        issuer: &str,
        deadline: Instant,
    ) -> Result<(), Denial> {
        let now = self.common.clock.now();
        if !matches!(self.route(fixed, issuer, now), Route::Ask) {
            return Ok(());
        }
        let earlier = self.table.get(issuer);
        if !earlier.as_ref().is_some_and(|tenant| tenant.is_trusted()) {
            self.allowance.take(now).map_err(|wait| Denial::undecided(whole_seconds(wait)))?;
        }
        let answer = until(deadline, resolving.resolver.resolve(issuer)).await;
        let failure = match answer.unwrap_or_else(|| Err("it took too long".into())) {
            Ok(None) => {
                self.table.remove(issuer);
                resolving.refuse(issuer, now);
                return Ok(());
            }
            Ok(Some(found)) => match self.resolved(issuer, found, earlier.as_ref(), now) {
                Ok(()) => return Ok(()),
                Err(problem) => ResolveError::from(problem.to_string()),
            },
            Err(failure) => failure,
        };
        // The issuer is not told: nobody vouches for what it says.
        tracing::error!(error = %failure, "the resolver of issuers has failed");
        match earlier.as_deref().and_then(|tenant| tenant.resolved.as_ref().filter(|_| tenant.is_trusted())) {
            Some(resolved) if resolved.prolong(GRACE, now) => Ok(()),
            Some(_) | None => Err(Denial::undecided(1)),
        }
    }

    /// Takes what the resolver has said of an issuer.
    fn resolved(
        &self,
        issuer: &str,
        found: Issuer,
        earlier: Option<&Arc<Tenant>>,
        now: SystemTime,
    ) -> Result<(), ConfigProblem> {
        let (settings, name) = found.into_settings(issuer);
        let same = earlier.and_then(|tenant| {
            let resolved = tenant.resolved.as_ref()?;
            (resolved.settings == settings && tenant.name() == name.as_deref()).then_some(resolved)
        });
        if let Some(same) = same {
            same.renew(now);
            return Ok(());
        }
        let unproven = Arc::new(Unproven::new(Arc::clone(&self.allowance)));
        let of = TenantOf { label: "".into(), unproven: Some(Arc::clone(&unproven)), is_saved: false };
        let mut rules = self.common.rules(&settings)?;
        let earlier_keys = earlier.and_then(|tenant| tenant.keys.remote());
        let Some(keys) = self.common.keys(&settings, Some(of), earlier_keys.map(Earlier::Copied))? else {
            return Ok(());
        };
        rules.tenant = Some(Tenancy { name: name.map(Into::into), claims: settings.tenant_claims() });
        if earlier.is_some_and(|tenant| tenant.is_trusted()) {
            unproven.end();
        }
        let resolved = Resolved::new(settings, now);
        let group = self.groups.len();
        let tenant = self.tenant(group, issuer, rules, keys, Some(unproven), Some(resolved), now);
        self.table.replace(&Arc::new(tenant));
        Ok(())
    }
}

/// The turn of one request, which is forgotten however it ends.
struct Turn<'r> {
    resolving: &'r Resolving,
    issuer: &'r str,
    mutex: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.resolving.end(self.issuer);
    }
}

/// Waits until the deadline. Outside a runtime there is no timer, and nothing to wait for.
async fn until<T>(deadline: Instant, future: impl Future<Output = T>) -> Option<T> {
    if Handle::try_current().is_err() {
        return Some(future.await);
    }
    tokio::time::timeout_at(deadline, future).await.ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is complete before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn resolving() -> Resolving {
        Resolving::new(Arc::new(|_: String| async { Ok(None) }))
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
    }

    #[test]
    fn a_refusal_is_remembered_for_its_time_and_so_many_of_them() {
        let resolving = resolving();
        resolving.refuse("one", at(0));
        resolving.refuse("two", at(1));
        assert!(resolving.has_refused("one", at(59)) && resolving.has_refused("two", at(60)));
        assert!(!resolving.has_refused("one", at(60)) && !resolving.has_refused("three", at(1)));
        assert!(!resolving.has_refused("one", UNIX_EPOCH), "the clock was set back");
        for number in 0..2 * MOST_REFUSALS {
            resolving.refuse(&number.to_string(), at(2));
            resolving.refuse("again", at(2));
        }
        assert_eq!(lock(&resolving.refused).len(), MOST_REFUSALS);
        assert!(resolving.has_refused("again", at(2)) && !resolving.has_refused("one", at(2)));
    }

    #[test]
    fn a_turn_is_forgotten_once_nobody_waits_for_it() {
        let resolving = resolving();
        let (first, second) = (resolving.turn("x"), resolving.turn("x"));
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &resolving.turn("y")));
        resolving.end("y");
        resolving.end("x");
        assert_eq!(lock(&resolving.turns).keys().map(|key| &**key).collect::<Vec<_>>(), ["x"]);
        drop((first, second));
        // However the request ends.
        drop(Turn { resolving: &resolving, issuer: "x", mutex: resolving.turn("x") });
        assert!(lock(&resolving.turns).is_empty());
    }
}
