//! What a header `WWW-Authenticate` says (RFC 9110 §11.6.1).

/// One challenge: its scheme, and its parameters in their order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter, whose name has no case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The challenges of all header lines. What cannot be read ends its line.
    pub(super) fn all(lines: &[String]) -> Vec<Self> {
        lines.iter().flat_map(|line| of_line(line)).collect()
    }
}

fn of_line(line: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (word, after) = token(rest);
        if word.is_empty() {
            return challenges;
        }
        let behind = after.trim_start_matches([' ', '\t']);
        if let (Some(value), Some(challenge)) = (behind.strip_prefix('='), challenges.last_mut()) {
            let (value, after) = text(value.trim_start_matches([' ', '\t']));
            challenge.parameters.push((word.to_owned(), value));
            rest = after;
        } else {
            challenges.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
            rest = after;
        }
    }
}

/// The token (RFC 9110 §5.6.2) at the beginning, and what follows.
fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// A token or a quoted text, and what follows.
fn text(rest: &str) -> (String, &str) {
    let Some(quoted) = rest.strip_prefix('"') else {
        let (word, after) = token(rest);
        return (word.to_owned(), after);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &[&str]) -> Vec<Challenge> {
        Challenge::all(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn several_challenges_stand_in_one_line_and_in_several() {
        let found =
            all(&[r#"Bearer realm="a, b=\"c\"", ERROR=invalid_token, DPoP algs="ES256 RS256""#, "Basic"]);
        let schemes: Vec<_> = found.iter().map(|challenge| challenge.scheme.as_str()).collect();
        assert_eq!(schemes, ["Bearer", "DPoP", "Basic"]);
        assert_eq!(found[0].get("realm"), Some("a, b=\"c\""));
        assert_eq!(found[0].get("error"), Some("invalid_token"));
        assert_eq!(found[1].get("algs"), Some("ES256 RS256"));
        assert_eq!(found[2].get("error"), None);
    }

    #[test]
    fn nonsense_ends() {
        for line in ["", ",", "=", "\"", "Bearer error=\"", "Bearer =x", "é", "Bearer error=\"a\\", "a=b=c"]
        {
            assert!(all(&[line]).len() <= 2, "{line}");
        }
    }
}
