//! Which issuer a token is of, where not all are configured by name: whose rules and keys count, and what is remembered.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::flow::Case;
use super::resolver::ResolveIssuer;
use super::tenants::{Route, Tenant};
use super::{Builder, Keys, RequiresAuth};
use crate::error::Denial;
use crate::keys::RemoteKeys;
use crate::verify::{AccessToken, Need, Proof, ProvenBy, Rules, Stop, claimed_issuer};

impl RequiresAuth {
    /// A builder without issuers, which asks this about every issuer: see [`ResolveIssuer`].
    pub fn resolving(resolver: impl ResolveIssuer) -> Builder {
        Builder::without_issuers().with_resolver(resolver)
    }

    /// Whether the keys that prove the token of a tenant are its current ones.
    #[cold]
    pub(super) fn is_current_tenant(&self, proof: &Proof, now: SystemTime) -> bool {
        let ProvenBy { issuer: place, keys } = proof.proven_by();
        let tenants = self.inner.tenants.as_ref();
        let tenant = tenants.and_then(|tenants| tenants.at(*place, proof.issuer(), now));
        tenant.is_some_and(|tenant| match &tenant.keys {
            Keys::Remote(remote) => keys.as_ref().is_some_and(|keys| remote.is_current(keys, now)),
            Keys::Static(_) | Keys::Unneeded => true,
        })
    }

    /// The tenant whose token a credential is, if it is one of a tenant.
    ///
    /// # Errors
    ///
    /// Whether the issuer is one of ours has to be asked.
    pub(super) fn tenant_of(&self, case: &Case<'_>, now: SystemTime) -> Result<Option<Arc<Tenant>>, Stop> {
        let Some(tenants) = &self.inner.tenants else { return Ok(None) };
        let Some(claimed) = claimed_issuer(&self.inner.rules, case.credential.bearer()?) else {
            return Ok(None);
        };
        match tenants.route(&self.inner.rules.issuers, &claimed, now) {
            Route::Fixed => Ok(None),
            Route::Tenant(tenant) => Ok(Some(tenant)),
            Route::Ask => Err(Stop::Need(Need::Issuer { claimed: claimed.into() })),
        }
    }

    /// The keys of a tenant, or else of the issuer at this place.
    pub(super) fn keys_of<'k>(&'k self, tenant: Option<&'k Tenant>, issuer: usize) -> Option<&'k Keys> {
        tenant.map_or_else(|| self.inner.keys.get(issuer), |tenant| Some(&tenant.keys))
    }

    /// What a token of this tenant, or else of an issuer that is configured by name, is measured by.
    pub(super) fn rules_of<'r>(&'r self, tenant: Option<&'r Arc<Tenant>>) -> &'r Rules {
        tenant.map_or(&self.inner.rules, |tenant| &tenant.rules)
    }

    /// Asks whether an issuer is one of ours; the answer is in the table of tenants then.
    pub(super) async fn resolve(&self, claimed: &str, deadline: Instant) -> Result<(), Denial> {
        match &self.inner.tenants {
            Some(tenants) => tenants.resolve(&self.inner.rules.issuers, claimed, deadline).await,
            None => Ok(()),
        }
    }

    /// Which of the series of allowed requests a place belongs to: that of its issuer, or of its pattern.
    pub(super) fn series_of(&self, place: usize) -> usize {
        if place < self.inner.keys.len() {
            return place;
        }
        let group = self.inner.tenants.as_ref().and_then(|tenants| tenants.group_of(place));
        group.map_or(place, |group| self.inner.keys.len() + group)
    }

    /// The fetched keys of an issuer.
    pub(super) fn remote_keys(&self, issuer: &str) -> Option<&RemoteKeys> {
        self.fixed_keys().filter_map(Keys::remote).find(|remote| **remote.issuer() == *issuer)
    }

    /// The keys of each issuer that is configured by name, in order, and then those that the tenants of a pattern share.
    pub(super) fn fixed_keys(&self) -> impl Iterator<Item = &Keys> {
        let shared = self.inner.tenants.iter().flat_map(|tenants| tenants.patterns());
        self.inner.keys.iter().chain(shared.filter_map(|(_, keys)| keys))
    }

    /// The issuer as configured, so that nothing of a token reaches a log: of a tenant it is the pattern.
    pub(super) fn issuer_of(&self, token: &AccessToken) -> Option<&str> {
        let place = self.made(token).then(|| token.proof().proven_by().issuer)?;
        if place < self.inner.keys.len() {
            return self.inner.rules.issuers[place].issuer.as_deref();
        }
        let tenants = self.inner.tenants.as_ref()?;
        tenants.patterns().nth(tenants.group_of(place)?).map(|(pattern, _)| &**pattern)
    }
}
