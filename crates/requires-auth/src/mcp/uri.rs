//! URIs of resources, and the patterns that stand for many of them.

use std::borrow::Cow;

use url::Url;

use crate::credential::percent_decoded;

/// A pattern: one URI, or all that begin with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// All that begin so.
    Below(Box<str>),
    /// This one.
    Exactly(Box<str>),
}

impl Pattern {
    /// Reads a pattern; `None` if it has a `*` elsewhere than at its end, or an escape, as which of two spellings would
    /// be meant is not clear.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let (rest, make): (_, fn(Box<str>) -> Self) = match pattern.strip_suffix('*') {
            Some(beginning) => (beginning, Self::Below),
            None => (pattern, Self::Exactly),
        };
        let is_plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'*' | b'%'));
        (is_plain && !pattern.is_empty()).then(|| make(rest.into()))
    }

    pub(super) fn is_met_by(&self, uri: &str) -> bool {
        match self {
            Self::Below(beginning) => uri.starts_with(&**beginning),
            Self::Exactly(own) => uri == &**own,
        }
    }

    /// Of two patterns that a URI meets, the one that ranks higher says more about it.
    pub(super) fn rank(&self) -> (usize, bool) {
        match self {
            Self::Below(beginning) => (beginning.len(), false),
            Self::Exactly(own) => (own.len(), true),
        }
    }
}

/// What servers may make of a URI before they look for the resource: the text as it is, the text with its escapes
/// decoded once, and both as the URL standard normalises them (case of scheme and host, default port, dot segments).
pub(super) fn readings(uri: &str) -> Vec<Cow<'_, str>> {
    let mut readings = vec![Cow::Borrowed(uri)];
    if uri.contains('%') {
        readings.push(Cow::Owned(decoded(uri)));
    }
    let normalised = |text: &str| Url::parse(text).ok().map(|url| Cow::Owned(String::from(url)));
    let others: Vec<_> = readings.iter().filter_map(|text| normalised(text)).collect();
    readings.extend(others);
    readings
}

/// A text with its escapes decoded once. What is not an escape stays, and bytes that are not UTF-8 are replaced.
fn decoded(text: &str) -> String {
    let bytes: Vec<u8> = percent_decoded(text.as_bytes()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
