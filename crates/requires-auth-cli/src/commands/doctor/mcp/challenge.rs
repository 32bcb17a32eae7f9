//! What stands in `WWW-Authenticate` (RFC 9110 §11.6.1).

/// A challenge of one scheme.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// Reads a value of the header: a list of challenges, each with a list of parameters. What cannot be read is left out.
    pub(super) fn parse(value: &str) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for part in split(value) {
            let part = part.trim_ascii();
            if let (Some(parameter), Some(last)) = (parameter(part), found.last_mut()) {
                last.parameters.push(parameter);
                continue;
            }
            let (scheme, rest) = part.split_once([' ', '\t']).unwrap_or((part, ""));
            if scheme.is_empty() {
                continue;
            }
            let parameters = parameter(rest.trim_ascii()).into_iter().collect();
            found.push(Self { scheme: scheme.to_owned(), parameters });
        }
        found
    }

    pub(super) fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Bearer")
    }

    /// Whether nothing follows the scheme.
    pub(super) fn is_bare(&self) -> bool {
        self.parameters.is_empty()
    }

    /// The first parameter of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
    }

    /// All parameters.
    pub(super) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }
}

/// The parts between commas that stand outside of quotes.
fn split(value: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                parts.extend(value.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(value.get(start..));
    parts
}

/// `name=value`, where the value may be in quotes.
fn parameter(part: &str) -> Option<(String, String)> {
    let (name, value) = part.split_once('=')?;
    let name = name.trim_ascii();
    let is_token = |text: &str| !text.is_empty() && !text.contains([' ', '\t', '"']);
    if !is_token(name) {
        return None;
    }
    let value = value.trim_ascii();
    let Some(quoted) = value.strip_prefix('"') else {
        return Some((name.to_ascii_lowercase(), value.to_owned()));
    };
    let mut text = String::new();
    let mut characters = quoted.strip_suffix('"').unwrap_or(quoted).chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    Some((name.to_ascii_lowercase(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_with_their_parameters() {
        let found = Challenge::parse(
            r#"Bearer realm="a, b", Scope="read:a write:\"b\"" , error=invalid_token, Basic realm="c""#,
        );
        let [bearer, basic] = &*found else { panic!("{found:?}") };
        assert!(bearer.is_bearer() && !bearer.is_bare() && !basic.is_bearer());
        assert_eq!(bearer.get("realm"), Some("a, b"));
        assert_eq!(bearer.get("scope"), Some("read:a write:\"b\""));
        assert_eq!(bearer.get("error"), Some("invalid_token"));
        assert_eq!((bearer.get("none"), bearer.parameters().len()), (None, 3));
        assert_eq!(basic.get("realm"), Some("c"));
    }

    #[test]
    fn what_is_not_a_challenge_does_no_harm() {
        for bare in ["Bearer", "bearer ", "Negotiate abc", "Bearer,"] {
            let found = Challenge::parse(bare);
            assert!(found.len() == 1 && found[0].is_bare(), "{bare}: {found:?}");
        }
        for odd in ["", ",", " , ,", "\"", "=", "=\"", "Bearer scope=\"\\", "é=é,é é=\"é\\é"] {
            Challenge::parse(odd);
        }
        assert_eq!(Challenge::parse(""), []);
    }
}
