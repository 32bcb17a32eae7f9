//! The paths below a path.

use std::borrow::Cow;

use super::path::PlainPath;
use super::pattern::{Pattern, Segment};

/// A path, and all paths below it: of `/mcp` also `/mcp/` and `/mcp/a`, and not `/mcp2`. A slash at its end counts for
/// nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Below {
    segments: Box<[Box<str>]>,
}

/// Whether a request is for a path below another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IsBelow {
    Yes,
    No,
    /// It is for a server that takes no notice of case, or decodes a path before it looks for slashes.
    Maybe,
}

impl Below {
    /// Reads the path of a URL; empty is that of a bare host, which all paths are below. `None` if servers could read it in
    /// more than one way.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        if path.is_empty() {
            return Some(Self { segments: Box::default() });
        }
        let mut segments: Vec<Box<str>> = PlainPath::of(path).ok()?.segments().map(Into::into).collect();
        if segments.last().is_some_and(|last| last.is_empty()) {
            segments.pop();
        }
        Some(Self { segments: segments.into() })
    }

    /// How many segments it has: of two that a request is below, the longer one says more about it.
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether a path is below it, which may have encoded slashes.
    pub(crate) fn look(&self, path: PlainPath<'_>) -> IsBelow {
        if self.begins(path.segments(), |own, other| own == other) {
            return IsBelow::Yes;
        }
        let is_like = self.begins(path.segments_decoded_first(), str::eq_ignore_ascii_case);
        if is_like { IsBelow::Maybe } else { IsBelow::No }
    }

    /// Whether every request of a pattern is below it.
    pub(crate) fn has(&self, pattern: &Pattern) -> bool {
        let is_own = |own: &str, other: &Segment| matches!(other, Segment::Exactly(text) if **text == *own);
        let mut pairs = self.segments.iter().zip(&pattern.segments);
        pattern.segments.len() >= self.segments.len() && pairs.all(|(own, other)| is_own(own, other))
    }

    /// Whether it is the path of another for a server that takes no notice of case.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let mut pairs = self.segments.iter().zip(&other.segments);
        self.segments.len() == other.segments.len()
            && pairs.all(|(own, other)| own.eq_ignore_ascii_case(other))
    }

    fn begins<'a>(
        &self,
        mut segments: impl Iterator<Item = Cow<'a, str>>,
        is: impl Fn(&str, &str) -> bool,
    ) -> bool {
        self.segments.iter().all(|own| segments.next().is_some_and(|other| is(own, &other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(path: &str, target: &str) -> Option<IsBelow> {
        let below = Below::parse(path).expect(path);
        PlainPath::with_encoded_slashes(target).ok().map(|path| below.look(path))
    }

    #[test]
    fn a_path_and_what_follows_a_slash_behind_it_is_below() {
        for path in ["/a/mcp", "/a/mcp/"] {
            for target in ["/a/mcp", "/a/mcp/", "/a/mcp?x=1", "/a/mcp/b/c", "/a/mcp/b%2Fc"] {
                assert_eq!(look(path, target), Some(IsBelow::Yes), "{target}");
            }
            for target in ["/", "/a", "/a/", "/a/mcp2", "/b/a/mcp", "/a/mc/p", "/x?/a/mcp"] {
                assert_eq!(look(path, target), Some(IsBelow::No), "{target}");
            }
            for target in ["/A/mcp", "/a/MCP/b", "/a%2Fmcp", "/a/mcp%2Fb", "/A%2fMcp"] {
                assert_eq!(look(path, target), Some(IsBelow::Maybe), "{target}");
            }
            for target in ["/a//mcp", "/a/./mcp", "/a/mcp;x", "/a/%6dcp", "*", "/a/mcp/../b"] {
                assert_eq!(look(path, target), None, "{target}");
            }
        }
        assert_eq!(look("", "/"), Some(IsBelow::Yes));
        assert_eq!(look("", "/any/thing"), Some(IsBelow::Yes));
    }

    #[test]
    fn a_pattern_is_below_if_all_its_requests_are() {
        let below = Below::parse("/a/mcp").expect("a path");
        let has = |pattern: &str| below.has(&pattern.parse().expect(pattern));
        assert!(["/a/mcp", "GET /a/mcp/x", "/a/mcp/*", "POST /a/mcp/{id}"].into_iter().all(has));
        assert!(!["/*", "/a/*", "/a/{id}", "/a/mcp2", "/a", "/b/mcp/x"].into_iter().any(has));
        assert!(Below::parse("").expect("a path").has(&"/*".parse().expect("a pattern")));
    }

    #[test]
    fn a_path_that_servers_read_differently_is_none() {
        for path in ["/a//b", "/a;b", "/a%2Fb", "/%61", "/a/../b"] {
            assert_eq!(Below::parse(path), None, "{path}");
        }
    }
}
