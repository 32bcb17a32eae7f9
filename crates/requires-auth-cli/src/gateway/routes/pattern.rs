//! Which requests a route is for.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::path::PlainPath;

/// A method and a path with places: `GET /orders/{id}`, `/public/*`, `* /health`.
///
/// - Without a method, or with `*`, it is for every method. `GET` is for `HEAD` too.
/// - `{name}` stands for one segment that is not empty.
/// - `*` as the last segment stands for all that follows the slash before it, be it nothing.
/// - All else is compared with the decoded segment, byte for byte. A trailing slash counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    method: Option<Box<str>>,
    pub(super) segments: Box<[Segment]>,
    /// The name of each segment that is a place; empty for the others.
    names: Box<[Box<str>]>,
    /// Whether it ends in `*`.
    pub(super) open: bool,
    text: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Any,
    Exactly(Box<str>),
}

/// Why a text is not a pattern: what it is, and what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PatternError {
    /// What is wrong.
    pub(crate) found: &'static str,
    /// What to do about it.
    pub(crate) hint: &'static str,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.found, self.hint)
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Whether a request is one of those. `segments` are those of its [`PlainPath`].
    pub(super) fn matches(&self, method: &str, segments: &[Cow<'_, str>]) -> bool {
        let has_length = if self.open {
            segments.len() > self.segments.len()
        } else {
            segments.len() == self.segments.len()
        };
        let fits = |(own, segment): (&Segment, &Cow<'_, str>)| match own {
            Segment::Any => !segment.is_empty(),
            Segment::Exactly(text) => **text == **segment,
        };
        self.is_for(method) && has_length && self.segments.iter().zip(segments).all(fits)
    }

    /// Whether it is for requests of this method.
    pub(super) fn is_for(&self, method: &str) -> bool {
        match self.method.as_deref() {
            None => true,
            Some("GET") => method == "GET" || method == "HEAD",
            Some(own) => own == method,
        }
    }

    /// A method that it is for, if not for every one.
    pub(super) fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// Whether every request of `other` is one of this pattern.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let method = match (self.method.as_deref(), other.method.as_deref()) {
            (None, _) | (Some("GET"), Some("HEAD")) => true,
            (own, other) => own == other,
        };
        // What follows an open pattern's segments is free, so that the other needs at least one more.
        let length = match (self.open, other.open) {
            (true, true) => other.segments.len() >= self.segments.len(),
            (true, false) => other.segments.len() > self.segments.len(),
            (false, true) => false,
            (false, false) => other.segments.len() == self.segments.len(),
        };
        let covers = |(own, other): (&Segment, &Segment)| match (own, other) {
            (Segment::Any, Segment::Any) => true,
            (Segment::Any, Segment::Exactly(text)) => !text.is_empty(),
            (own, other) => own == other,
        };
        method && length && self.segments.iter().zip(&other.segments).all(covers)
    }

    /// Paths of its own that look like some of another pattern, as decoded segments.
    pub(super) fn like(&self, other: &Self) -> Vec<Vec<Cow<'_, str>>> {
        let own = |(place, segment): (usize, &Segment)| match (segment, other.segments.get(place)) {
            (Segment::Exactly(text), _) => text.to_string(),
            (Segment::Any, Some(Segment::Exactly(text))) if !text.is_empty() => with_other_case(text),
            (Segment::Any, _) => "x".to_owned(),
        };
        let segments: Vec<_> = self.segments.iter().enumerate().map(own).map(Cow::Owned).collect();
        if self.open {
            ["", "x"].map(|last| segments.iter().cloned().chain([Cow::Borrowed(last)]).collect()).into()
        } else {
            vec![segments]
        }
    }

    /// The segments that stand in a place of this name, counted from 0.
    pub(crate) fn places_of(&self, name: &str) -> impl Iterator<Item = usize> {
        self.names.iter().enumerate().filter(move |(_, own)| ***own == *name).map(|(place, _)| place)
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = |found, hint| Err(PatternError { found, hint });
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(method), path),
            None => (None, text),
        };
        let method = method_of(method)?;
        let mut open = false;
        // A star that stands for the rest is not a path; what stands before it must be one.
        let fixed = match path.strip_suffix("/*") {
            Some(before) => {
                open = true;
                before
            }
            None => path,
        };
        let (mut segments, mut names) = (Vec::new(), Vec::new());
        if !(open && fixed.is_empty()) {
            let Some(rest) = fixed.strip_prefix('/') else {
                return error("a path without its first slash", "write /orders");
            };
            for segment in rest.split('/') {
                segments.push(segment_of(segment)?);
                names.push(if is_place(segment) {
                    segment[1..segment.len() - 1].into()
                } else {
                    Box::default()
                });
            }
        }
        check_sample(fixed)?;
        Ok(Self { method, segments: segments.into(), names: names.into(), open, text: text.into() })
    }
}

/// The method of a pattern; `None` for every method. RFC 9110 §9.1: methods are case-sensitive.
fn method_of(method: Option<&str>) -> Result<Option<Box<str>>, PatternError> {
    match method {
        None | Some("*") => Ok(None),
        Some(method) if !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') => {
            Ok(Some(method.into()))
        }
        Some(_) => Err(PatternError {
            found: "an invalid method",
            hint: "write it in capitals and one space behind it: GET /orders",
        }),
    }
}

/// The same rule as for requests: no other path could ever come here.
fn check_sample(path: &str) -> Result<(), PatternError> {
    let sample: String = path
        .split('/')
        .map(|segment| if is_place(segment) { "x" } else { segment })
        .collect::<Vec<_>>()
        .join("/");
    let sample = if sample.is_empty() { "/" } else { &sample };
    if sample.contains('?') {
        return Err(PatternError { found: "a query", hint: "write the path alone: queries are not matched" });
    }
    PlainPath::of(sample).map(|_| ()).map_err(|_ambiguity| PatternError {
        found: "a path that is refused before it is matched",
        hint: "write it without dot segments, doubled slashes, `;` and encoded letters or separators",
    })
}

fn with_other_case(text: &str) -> String {
    let upper = text.to_ascii_uppercase();
    if upper == text { text.to_ascii_lowercase() } else { upper }
}

fn is_place(segment: &str) -> bool {
    segment.len() > 2 && segment.starts_with('{') && segment.ends_with('}')
}

fn segment_of(segment: &str) -> Result<Segment, PatternError> {
    if is_place(segment) {
        let name = &segment[1..segment.len() - 1];
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Ok(Segment::Any);
        }
    }
    if segment.contains(['{', '}', '*']) {
        return Err(PatternError {
            found: "a place within a segment",
            hint: "`{name}` stands for a whole segment, and `*` for all that follows: /orders/{id}/*",
        });
    }
    let path = format!("/{segment}");
    let decoded = PlainPath::of(&path).ok().and_then(|path| path.segments().next());
    Ok(Segment::Exactly(decoded.unwrap_or_default().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, method: &str, path: &str) -> bool {
        let segments: Vec<_> = PlainPath::of(path).expect("a plain path").segments().collect();
        pattern.parse::<Pattern>().expect(pattern).matches(method, &segments)
    }

    #[test]
    fn a_pattern_is_for_these_and_no_others() {
        for (pattern, method, path, expected) in [
            ("GET /orders", "GET", "/orders", true),
            ("GET /orders", "HEAD", "/orders", true),
            ("GET /orders", "POST", "/orders", false),
            ("GET /orders", "GET", "/orders/", false),
            ("GET /orders", "GET", "/Orders", false),
            ("HEAD /orders", "GET", "/orders", false),
            ("/orders", "PATCH", "/orders", true),
            ("* /orders", "PATCH", "/orders", true),
            ("GET /orders/{id}", "GET", "/orders/7", true),
            ("GET /orders/{id}", "GET", "/orders/", false),
            ("GET /orders/{id}", "GET", "/orders/7/items", false),
            ("GET /orders/{id}/items", "GET", "/orders/7/items", true),
            ("GET /orders/*", "GET", "/orders/7/items", true),
            ("GET /orders/*", "GET", "/orders/", true),
            ("GET /orders/*", "GET", "/orders", false),
            ("GET /orders/*", "GET", "/ordersX", false),
            ("/*", "GET", "/", true),
            ("/*", "GET", "/a/b/", true),
            ("/", "GET", "/", true),
            ("/", "GET", "/a", false),
            ("/a%20b", "GET", "/a%20b", true),
            ("/caf%C3%A9", "GET", "/caf%c3%a9", true),
        ] {
            assert_eq!(matches(pattern, method, path), expected, "{pattern} {method} {path}");
        }
    }

    #[test]
    fn what_is_no_pattern() {
        for text in [
            "",
            "orders",
            "get /orders",
            "GET  /orders",
            "GET /orders ",
            "GET /a//b",
            "GET /a/../b",
            "/a;b",
            "/%61",
            "/a*b",
            "/*/a",
            "/{id",
            "/x{id}",
            "/{}",
            "/{a-b}",
            "/a?b",
            "GET",
            "*",
            "/a#b",
        ] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn one_covers_another() {
        for (one, other, expected) in [
            ("/*", "GET /orders", true),
            ("/*", "/", true),
            ("GET /*", "HEAD /orders", true),
            ("GET /*", "/orders", false),
            ("/orders/*", "/orders", false),
            ("/orders/*", "/orders/{id}", true),
            ("/orders/*", "/orders/*", true),
            ("/orders/*", "/*", false),
            ("/orders/{id}", "/orders/7", true),
            ("/orders/{id}", "/orders/", false),
            ("/orders/7", "/orders/{id}", false),
            ("/orders/{id}", "/orders/*", false),
        ] {
            let [one, other] = [one, other].map(|text| text.parse::<Pattern>().expect(text));
            assert_eq!(one.covers(&other), expected, "{} {}", one.as_str(), other.as_str());
        }
    }
}
