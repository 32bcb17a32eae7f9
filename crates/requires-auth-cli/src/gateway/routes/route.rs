//! One rule: which requests it is for, and what it asks of them.

use requires_auth::policy::{Presence, Requirement};

use super::path::PlainPath;
use super::pattern::Pattern;
use crate::gateway::host::HostPattern;

/// One rule.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of a route by itself")]
pub(crate) struct Route {
    /// The requests that it is for: any of these.
    pub(crate) patterns: Vec<Pattern>,
    /// The hosts that they are for; none is for all.
    pub(crate) hosts: Vec<HostPattern>,
    /// What it asks of them.
    pub(crate) requirement: Requirement,
    /// Whether a preflight passes without a token. A browser cannot show one there.
    pub(crate) allows_preflight: bool,
    /// Whether a refusal is only logged, and the request let through.
    pub(crate) is_shadow: bool,
    /// Whether the application tells its paths from those that differ in case, or by a slash at the end. Where it does
    /// not, such a path under a later route would be judged by another rule than the one that is meant for it.
    pub(crate) is_case_exact: bool,
    /// Whether a segment may have encoded slashes, since the application tells them from plain ones.
    pub(crate) allows_encoded_slash: bool,
}

impl Route {
    /// A route that is on, and lets preflights pass.
    pub(crate) const fn new(patterns: Vec<Pattern>, requirement: Requirement) -> Self {
        Self {
            patterns,
            hosts: Vec::new(),
            requirement,
            allows_preflight: true,
            is_shadow: false,
            is_case_exact: false,
            allows_encoded_slash: false,
        }
    }

    /// The same, for tokens with a proof of their key alone. Of a public one nothing changes.
    pub(crate) fn with_dpop_required(mut self) -> Self {
        if self.requirement.presence() != Presence::Ignored {
            self.requirement = Requirement::token(self.requirement.policy().clone().with_dpop_required());
        }
        self
    }

    /// The path parameters that its claim rules look at, in a request that it is for: decoded once.
    pub(crate) fn path_parameters(&self, method: &str, target: &str) -> Vec<(&str, String)> {
        let mut names = self.requirement.policy().path_parameters().peekable();
        if names.peek().is_none() {
            return Vec::new();
        }
        let Ok(path) = PlainPath::with_encoded_slashes(target) else { return Vec::new() };
        let segments: Vec<_> = path.segments().collect();
        let Some(pattern) = self.patterns.iter().find(|pattern| pattern.matches(method, &segments)) else {
            return Vec::new();
        };
        let value = |name| pattern.places_of(name).next().and_then(|place| segments.get(place));
        names.filter_map(|name| Some((name, value(name)?.to_string()))).collect()
    }

    /// The first of its patterns: its name in logs and metrics.
    pub(crate) fn name(&self) -> &str {
        self.patterns.first().map_or("", Pattern::as_str)
    }

    /// Whether it is for this host.
    pub(super) fn is_for_host(&self, host: Option<&str>) -> Fits {
        match host {
            _ if self.hosts.is_empty() => Fits::Yes,
            None => Fits::Unknown,
            Some(host) if self.hosts.iter().any(|own| own.matches(host)) => Fits::Yes,
            Some(_) => Fits::No,
        }
    }
}

/// Whether a route is for the host of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fits {
    Yes,
    No,
    /// The request does not say its host.
    Unknown,
}
