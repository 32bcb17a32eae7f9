//! The places in the path of a request that its route has a name for.

/// The path parameters of a request, such as `org` in `/orgs/{org}/items`: see
/// [`Request::with_path_parameters`](super::Request::with_path_parameters).
///
/// Implemented for slices, arrays and vectors of `(name, value)` pairs.
pub trait PathParameters: Sync {
    /// The value of the parameter, decoded once; `None` if the route has none of this name.
    fn get(&self, name: &str) -> Option<&str>;
}

impl<N: AsRef<str> + Sync, V: AsRef<str> + Sync> PathParameters for &[(N, V)] {
    fn get(&self, name: &str) -> Option<&str> {
        find(self, name)
    }
}

impl<N: AsRef<str> + Sync, V: AsRef<str> + Sync, const K: usize> PathParameters for [(N, V); K] {
    fn get(&self, name: &str) -> Option<&str> {
        find(self, name)
    }
}

impl<N: AsRef<str> + Sync, V: AsRef<str> + Sync> PathParameters for Vec<(N, V)> {
    fn get(&self, name: &str) -> Option<&str> {
        find(self, name)
    }
}

fn find<'p, N: AsRef<str>, V: AsRef<str>>(pairs: &'p [(N, V)], name: &str) -> Option<&'p str> {
    pairs.iter().find(|(own, _)| own.as_ref() == name).map(|(_, value)| value.as_ref())
}

/// The value of a parameter that a claim may be compared with: one segment of a path, which is not empty. A slash in it
/// was encoded, or stands between several segments; an encoded slash in it was encoded twice. What the application makes
/// of either is not known here.
pub(crate) fn one_segment<'p>(parameters: Option<&'p dyn PathParameters>, name: &str) -> Option<&'p str> {
    let value = parameters?.get(name)?;
    let has_slash = value.contains(['/', '\\']) || value.to_ascii_lowercase().contains("%2f");
    (!value.is_empty() && !has_slash).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_whole_segment_is_compared() {
        let parameters = |value: &'static str| [("org", value)];
        for (value, is_taken) in [
            ("acme", true),
            ("a b", true),
            ("42", true),
            ("", false),
            ("a/b", false),
            ("a%2Fb", false),
            ("a%2fb", false),
            ("a\\b", false),
        ] {
            let own = parameters(value);
            assert_eq!(one_segment(Some(&own), "org").is_some(), is_taken, "{value}");
            assert_eq!(one_segment(Some(&own), "other"), None);
        }
        assert_eq!(one_segment(None, "org"), None);
    }
}
