//! Issuers that are found when a token names them: the tenants of a pattern, and what a resolver knows.
//!
//! Each has rules and keys of its own, and a place that no other issuer has, so that a remembered token counts only while
//! its tenant does. For tenants that are listed, and for those that have verified a token, there is always room; all others
//! share a small table and one allowance of fetches, since whoever sends a token chooses which tenant it names.
//!
//! | an issuer | is found by | its keys are fetched |
//! | --- | --- | --- |
//! | of a pattern, listed | its text | when its first token comes |
//! | of a pattern with any tenant | its text | when its first token comes, within the allowance |
//! | of a resolver | asking, for five minutes each | when its first token comes, within the allowance |

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Keys;
use super::builder::{Common, IssuerSettings, TenantOf};
use super::resolver::ResolveIssuer;
use crate::issuer::IssuerPattern;
use crate::keys::{Allowance, Earlier, Unproven};
use crate::verify::{IssuerRules, Issuers, Rules, Tenancy};

mod resolving;
mod table;

use resolving::Resolving;
use table::Table;

/// How long the answer of a resolver holds.
const ANSWER_LIFE: Duration = Duration::from_secs(5 * 60);

/// For how long an answer is good after it was given, while the resolver fails.
const LONGEST_ANSWER_LIFE: Duration = Duration::from_secs(60 * 60);

/// A longer issuer is nobody's.
const LONGEST_ISSUER: usize = 1024;

/// A pattern with what its tenants share.
pub(super) struct Group {
    pub(super) pattern: IssuerPattern,
    pub(super) settings: IssuerSettings,
    pub(super) rules: IssuerRules,
    /// The keys, where they are the same for all of them.
    pub(super) keys: Option<Keys>,
}

/// The tenants of a guard.
pub(super) struct Tenants {
    /// What all of them are measured by, without an issuer.
    template: Rules,
    common: Common,
    groups: Vec<Group>,
    resolving: Option<Resolving>,
    /// How many issuers are configured by name: their places come first.
    fixed: usize,
    table: Table,
    allowance: Arc<Allowance>,
    serial: AtomicUsize,
}

/// One tenant.
pub(super) struct Tenant {
    pub(super) issuer: Arc<str>,
    /// Its place among the issuers of the guard.
    pub(super) place: usize,
    pub(super) rules: Rules,
    pub(super) keys: Keys,
    /// What it may fetch until it has verified a token; nothing where the configuration names it.
    unproven: Option<Arc<Unproven>>,
    /// Seconds since 1970.
    used_at: AtomicU64,
    resolved: Option<Resolved>,
}

/// What a resolver has said.
struct Resolved {
    settings: IssuerSettings,
    /// When it was said last, in seconds since 1970.
    said_at: AtomicU64,
    /// Until when it holds, in seconds since 1970.
    until: AtomicU64,
}

/// Whose rules a token is judged by.
pub(super) enum Route {
    /// Those of the issuers that are configured by name: it is one of them, or nobody.
    Fixed,
    Tenant(Arc<Tenant>),
    /// The resolver has to be asked.
    Ask,
}

impl Tenants {
    pub(super) fn new(
        template: Rules,
        fixed: usize,
        common: Common,
        groups: Vec<Group>,
        resolver: Option<Arc<dyn ResolveIssuer>>,
    ) -> Self {
        Self {
            template,
            common,
            groups,
            resolving: resolver.map(Resolving::new),
            fixed,
            table: Table::default(),
            allowance: Arc::default(),
            serial: AtomicUsize::new(0),
        }
    }

    /// Whose rules count for a token that claims to be of this issuer. Nothing is fetched for one that is not ours.
    pub(super) fn route(&self, fixed: &Issuers, issuer: &str, now: SystemTime) -> Route {
        if issuer.len() > LONGEST_ISSUER || fixed.find(issuer).is_some() {
            return Route::Fixed;
        }
        if let Some(tenant) = self.table.get(issuer).filter(|tenant| tenant.is_fresh(now)) {
            tenant.touch(now);
            return Route::Tenant(tenant);
        }
        let of_pattern = |(place, group): (usize, &Group)| Some((place, group.pattern.tenant(issuer)?));
        if let Some((place, name)) = self.groups.iter().enumerate().find_map(of_pattern) {
            return self.of_group(place, name, issuer, now).map_or(Route::Fixed, Route::Tenant);
        }
        match &self.resolving {
            Some(resolving) if !resolving.has_refused(issuer, now) => Route::Ask,
            _ => Route::Fixed,
        }
    }

    /// The tenant whose token is remembered, if it still counts.
    pub(super) fn at(&self, place: usize, issuer: &str, now: SystemTime) -> Option<Arc<Tenant>> {
        let tenant = self.table.get(issuer).filter(|tenant| tenant.place == place && tenant.is_fresh(now))?;
        tenant.touch(now);
        Some(tenant)
    }

    /// Notes that a tenant has verified a token.
    pub(super) fn prove(&self, tenant: &Arc<Tenant>) {
        if let Some(unproven) = tenant.unproven.as_ref().filter(|unproven| !unproven.is_over()) {
            unproven.end();
            self.table.keep(tenant);
        }
    }

    /// The pattern that a place belongs to, counted from the first; the resolver comes after the last.
    pub(super) fn group_of(&self, place: usize) -> Option<usize> {
        Some(place.checked_sub(self.fixed)? % (self.groups.len() + 1))
    }

    /// The patterns, each with its keys where they are the same for all of its tenants.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&Arc<str>, Option<&Keys>)> {
        self.groups.iter().map(|group| (group.pattern.text(), group.keys.as_ref()))
    }

    /// Tenants that are listed and used, or have verified a token, in the order of their issuers.
    pub(super) fn known(&self) -> Vec<Arc<Tenant>> {
        self.table.known()
    }

    /// Every tenant that the configuration names.
    pub(super) fn listed(&self, now: SystemTime) -> Vec<Arc<Tenant>> {
        let mut tenants = Vec::new();
        for (place, group) in self.groups.iter().enumerate() {
            let mut names: Vec<_> = group.pattern.listed().into_iter().flatten().collect();
            names.sort_unstable();
            for name in names {
                let issuer = group.pattern.issuer(name);
                let known = self.table.get(&issuer).or_else(|| self.of_group(place, name, &issuer, now));
                tenants.extend(known);
            }
        }
        tenants
    }

    /// Takes over what an earlier guard knows of tenants that are still ours.
    pub(super) fn take_over(&self, earlier: &Self, now: SystemTime) {
        for known in earlier.known() {
            let of_pattern =
                |(place, group): (usize, &Group)| Some((place, group.pattern.tenant(&known.issuer)?));
            if let Some((place, name)) = self.groups.iter().enumerate().find_map(of_pattern)
                && let Some(tenant) = self.made(place, name, &known.issuer, Some(&known.keys), now)
            {
                tenant.unproven.iter().for_each(|unproven| unproven.end());
                self.table.keep(&Arc::new(tenant));
            }
        }
    }

    /// A tenant of a pattern, which is made when it is first named. Nothing is fetched yet.
    fn of_group(&self, place: usize, name: &str, issuer: &str, now: SystemTime) -> Option<Arc<Tenant>> {
        Some(self.table.insert(self.made(place, name, issuer, None, now)?))
    }

    fn made(
        &self,
        place: usize,
        name: &str,
        issuer: &str,
        earlier: Option<&Keys>,
        now: SystemTime,
    ) -> Option<Tenant> {
        let group = self.groups.get(place)?;
        let is_listed = group.pattern.listed().is_some();
        let unproven = (!is_listed).then(|| Arc::new(Unproven::new(Arc::clone(&self.allowance))));
        let keys = if let Some(keys) = &group.keys {
            keys.clone()
        } else {
            let settings = group.settings.of_tenant(&group.pattern, name);
            let of = TenantOf {
                label: Arc::clone(group.pattern.text()),
                unproven: unproven.clone(),
                is_saved: is_listed,
            };
            self.common
                .keys(&settings, Some(of), earlier.and_then(Keys::remote).map(Earlier::Copied))
                .ok()
                .flatten()?
        };
        let claims = group.settings.tenant_claims();
        let rules = IssuerRules {
            issuer: Some(issuer.into()),
            tenant: Some(Tenancy { name: Some(name.into()), claims }),
            ..group.rules.clone()
        };
        Some(self.tenant(place, issuer, rules, keys, unproven, None, now))
    }

    #[expect(clippy::too_many_arguments, reason = "they are the members of what is made")]
    fn tenant(
        &self,
        group: usize,
        issuer: &str,
        rules: IssuerRules,
        keys: Keys,
        unproven: Option<Arc<Unproven>>,
        resolved: Option<Resolved>,
        now: SystemTime,
    ) -> Tenant {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let place = self.fixed + serial * (self.groups.len() + 1) + group;
        let rules = Rules { issuers: Issuers::of_tenant(place, rules), ..self.template.clone() };
        let used_at = AtomicU64::new(seconds(now));
        Tenant { issuer: issuer.into(), place, rules, keys, unproven, used_at, resolved }
    }
}

impl Tenant {
    /// What stands for it in the pattern.
    pub(super) fn name(&self) -> Option<&str> {
        self.rules.issuers[self.place].tenant.as_ref()?.name.as_deref()
    }

    /// Whether the configuration names it, or it has verified a token.
    pub(super) fn is_trusted(&self) -> bool {
        self.unproven.as_ref().is_none_or(|unproven| unproven.is_over())
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        let until = |resolved: &Resolved| resolved.until.load(Ordering::Relaxed);
        // After a jump back of the clock an answer would hold for the length of the jump.
        let holds = |until| (seconds(now)..=seconds(now) + ANSWER_LIFE.as_secs()).contains(&until);
        self.resolved.as_ref().map(until).is_none_or(holds)
    }

    fn touch(&self, now: SystemTime) {
        self.used_at.store(seconds(now), Ordering::Relaxed);
    }
}

impl Resolved {
    fn new(settings: IssuerSettings, now: SystemTime) -> Self {
        let (said_at, until) = (AtomicU64::default(), AtomicU64::default());
        let resolved = Self { settings, said_at, until };
        resolved.renew(now);
        resolved
    }

    /// The resolver has said the same again.
    fn renew(&self, now: SystemTime) {
        self.said_at.store(seconds(now), Ordering::Relaxed);
        self.until.store(seconds(now + ANSWER_LIFE), Ordering::Relaxed);
    }

    /// Lets the answer hold for so much longer, as the resolver has failed. False if it is too old for that.
    fn prolong(&self, grace: Duration, now: SystemTime) -> bool {
        let said_at = self.said_at.load(Ordering::Relaxed);
        let end = said_at + LONGEST_ANSWER_LIFE.as_secs();
        // After a jump back of the clock nobody knows how old it is.
        let is_good = (said_at..end).contains(&seconds(now));
        if is_good {
            self.until.store(seconds(now + grace).min(end), Ordering::Relaxed);
        }
        is_good
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
