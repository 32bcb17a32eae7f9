//! Which provider an issuer belongs to, told from its URL alone.

use super::{ALL, Provider};

/// A provider that an issuer looks like.
/// Hints about a certain provider replace the general ones; about any other they stand beside the general ones, with its
/// name.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Recognised {
    /// Its row.
    pub provider: &'static Provider,
    /// Whether its host or its path are this provider's alone. Otherwise the path is like that of a server of one's own, and
    /// other software may have the same.
    pub is_certain: bool,
}

impl Recognised {
    /// A provider that is named.
    pub(crate) const fn for_certain(provider: &'static Provider) -> Self {
        Self { provider, is_certain: true }
    }
}

/// The provider of an issuer, if its URL tells.
///
/// ```
/// use requires_auth::providers::recognise;
///
/// let found = recognise("https://id.example.com/realms/shop").ok_or("it has the form of Keycloak")?;
/// assert_eq!((found.provider.name, found.is_certain), ("keycloak", true));
/// assert!(recognise("https://issuer.example").is_none());
/// # Ok::<(), &str>(())
/// ```
/// Nothing is fetched, and the URL need not be a good one. A host counts before a path.
pub fn recognise(issuer: &str) -> Option<Recognised> {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = authority.rsplit('@').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let hosted = ALL.iter().find(|provider| provider.form.hosts.iter().any(|own| is_host(own, host)));
    if let Some(provider) = hosted {
        return Some(Recognised { provider, is_certain: true });
    }
    ALL.iter().find_map(|provider| {
        let pattern = provider.form.paths.iter().find(|own| is_path(own, path))?;
        // A path with a name in it is hardly anybody else's.
        Some(Recognised { provider, is_certain: pattern.ends_with('*') })
    })
}

/// The provider whose metadata these are, wherever it runs. `member` gives the texts of a member of the document: the member
/// itself if it is a text, or those in its list.
///
/// ```
/// use requires_auth::providers::recognise_metadata;
///
/// let endpoint = "https://id.example.com/auth/realms/shop/protocol/openid-connect/auth";
/// let found = recognise_metadata(|member| (member == "authorization_endpoint").then_some(endpoint));
/// assert_eq!(found.map(|provider| provider.name), Some("keycloak"));
/// assert!(recognise_metadata(|_| None::<&str>).is_none());
/// ```
pub fn recognise_metadata<'m, T>(member: impl Fn(&str) -> T) -> Option<&'static Provider>
where
    T: IntoIterator<Item = &'m str>,
{
    let has = |(name, part): &(&str, &str)| member(name).into_iter().any(|text| text.contains(part));
    let is_its =
        |provider: &&&Provider| !provider.form.metadata.is_empty() && provider.form.metadata.iter().all(has);
    ALL.iter().copied().find(|provider| is_its(&provider))
}

/// `*.logto.app` is each host below it, `cognito-idp.*` each that begins so.
fn is_host(pattern: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if let Some(end) = pattern.strip_prefix('*') {
        return host.len() > end.len() && host.ends_with(end);
    }
    match pattern.strip_suffix('*') {
        Some(start) => host.len() > start.len() && host.starts_with(start),
        None => host == pattern,
    }
}

/// `/realms/*` anywhere in the path, `/oidc` as the whole of it.
fn is_path(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(part) => path.find(part).is_some_and(|at| path.len() > at + part.len()),
        None => path == pattern,
    }
}
