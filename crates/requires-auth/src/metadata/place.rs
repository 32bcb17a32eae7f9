//! Where a document is served.

use super::{Resource, WELL_KNOWN};
use crate::credential::percent_decoded;

/// A place of the document on this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: Box<str>,
    /// The query that a request must have; without one, any will do.
    query: Option<Box<str>>,
    /// Whether the place is that of every resource of this server.
    pub(super) is_shared: bool,
}

impl Place {
    fn new(path: impl Into<Box<str>>, query: Option<&str>) -> Self {
        Self { path: path.into(), query: query.map(Into::into), is_shared: false }
    }

    pub(super) fn is_at(&self, path: &str, query: &str) -> bool {
        self.is_path(path) && self.query.as_deref().is_none_or(|own| own == query)
    }
}

impl Place {
    /// Whether a path is that of this place. Where it has escapes, any spelling of them will do: many servers decode a path
    /// before an application sees it.
    fn is_path(&self, path: &str) -> bool {
        let is_decoded_same = || percent_decoded(self.path.as_bytes()).eq(percent_decoded(path.as_bytes()));
        *self.path == *path || (self.path.contains('%') && is_decoded_same())
    }
}

/// Before the path of the resource (RFC 9728 §3.1), behind it, at the root, and where it is said to be.
///
/// Clients try all of the first three. A proxy that strips `prefix` from paths makes two of each.
pub(super) fn places(resource: &Resource, url: Option<&str>, prefix: &str) -> Vec<Place> {
    let (path, query) = (resource.path(), resource.query());
    let mut places = vec![Place::new(format!("{WELL_KNOWN}{path}"), query)];
    if let Some(url) = url {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let target = rest.find('/').map_or("/", |at| &rest[at..]);
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        places.push(Place::new(path, query));
    }
    places.push(Place::new(format!("{}{WELL_KNOWN}", path.strip_suffix('/').unwrap_or(path)), query));
    let stripped: Vec<_> = places.iter().filter_map(|place| place.without(prefix)).collect();
    places.extend(stripped);
    let root = Place { is_shared: true, ..Place::new(WELL_KNOWN, None) };
    // At the root by right: the resource is the host itself, or its document is said to be there.
    if !places.iter().any(|place| place.path == root.path && place.query.is_none()) {
        places.push(root);
    }
    places
}

impl Place {
    fn without(&self, prefix: &str) -> Option<Self> {
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let path =
            self.path.strip_prefix(prefix).filter(|path| path.starts_with('/') && !prefix.is_empty())?;
        Some(Self { path: path.into(), ..self.clone() })
    }
}
