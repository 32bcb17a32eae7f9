//! The tenants that are in use. It is bounded, and a tenant that has verified a token never makes room for one that has not.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Tenant;

/// How many tenants may be kept that have verified a token, beside those that are listed. Who was not used for longest makes
/// room.
pub(super) const MOST: usize = 1000;

/// How many may be kept that have not. The oldest makes room.
pub(super) const MOST_UNPROVEN: usize = 100;

#[derive(Default)]
pub(super) struct Table(RwLock<Tables>);

#[derive(Default)]
struct Tables {
    trusted: HashMap<Arc<str>, Arc<Tenant>>,
    unproven: HashMap<Arc<str>, Arc<Tenant>>,
}

impl Table {
    pub(super) fn get(&self, issuer: &str) -> Option<Arc<Tenant>> {
        let tables = self.read();
        tables.trusted.get(issuer).or_else(|| tables.unproven.get(issuer)).cloned()
    }

    /// Puts in a tenant, unless another request has done so meanwhile; what is in the table then.
    pub(super) fn insert(&self, tenant: Tenant) -> Arc<Tenant> {
        let mut tables = self.write();
        let known = tables.trusted.get(&tenant.issuer).or_else(|| tables.unproven.get(&tenant.issuer));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let tenant = Arc::new(tenant);
        tables.put(&tenant);
        tenant
    }

    /// Puts in a tenant in the place of whatever was known of it.
    pub(super) fn replace(&self, tenant: &Arc<Tenant>) {
        let mut tables = self.write();
        tables.remove(&tenant.issuer);
        tables.put(tenant);
    }

    /// Keeps a tenant, which has verified a token.
    pub(super) fn keep(&self, tenant: &Arc<Tenant>) {
        let mut tables = self.write();
        let other = tables.trusted.get(&tenant.issuer);
        // Another one may have taken its place meanwhile.
        if other.is_none_or(|other| other.place <= tenant.place) {
            tables.remove(&tenant.issuer);
            tables.put(tenant);
        }
    }

    pub(super) fn remove(&self, issuer: &str) {
        self.write().remove(issuer);
    }

    pub(super) fn known(&self) -> Vec<Arc<Tenant>> {
        let mut known: Vec<_> = self.read().trusted.values().cloned().collect();
        known.sort_unstable_by(|one, other| one.issuer.cmp(&other.issuer));
        known
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        // Each change is complete before anything can panic.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn put(&mut self, tenant: &Arc<Tenant>) {
        let (table, most) =
            if tenant.is_trusted() { (&mut self.trusted, MOST) } else { (&mut self.unproven, MOST_UNPROVEN) };
        // Those that are listed are bounded by their list, and stay.
        let others = || table.values().filter(|tenant| tenant.unproven.is_some());
        if tenant.unproven.is_some() && others().count() >= most {
            let last = others().min_by_key(|tenant| (tenant.used_at.load(Ordering::Relaxed), tenant.place));
            if let Some(issuer) = last.map(|tenant| Arc::clone(&tenant.issuer)) {
                table.remove(&issuer);
            }
        }
        table.insert(Arc::clone(&tenant.issuer), Arc::clone(tenant));
    }

    fn remove(&mut self, issuer: &str) {
        self.trusted.remove(issuer);
        self.unproven.remove(issuer);
    }
}
