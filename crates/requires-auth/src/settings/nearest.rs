//! The known word that a mistyped one was meant to be.

/// The known word that a mistyped one was meant to be: that with the fewest changed letters, if these are at most a third of its own, or two.
/// Case does not count, and a hyphen counts as an underscore.
///
/// ```
/// use requires_auth::settings::nearest;
///
/// assert_eq!(nearest("audiance", ["audience", "issuer"]), Some("audience"));
/// assert_eq!(nearest("something_else", ["audience", "issuer"]), None);
/// ```
pub fn nearest<'w>(typed: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let typed = typed.to_lowercase().replace('-', "_");
    let measured = words.into_iter().map(|word| (distance(&typed, word), word));
    let (changes, word) = measured.min_by_key(|(changes, _)| *changes)?;
    (changes <= (word.len() / 3).max(2) && changes < word.len()).then_some(word)
}

/// How many letters to put in, take out or replace (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    // No known word is so long; a longer one costs nothing.
    for (i, typed) in from.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, known) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(typed != *known);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let words = ["audience", "issuer", "jwks", "jwks_uri", "ca"];
        for (typed, meant) in [
            ("audiance", Some("audience")),
            ("Issuer", Some("issuer")),
            ("isuer", Some("issuer")),
            ("jwks-url", Some("jwks_uri")),
            ("", None),
            ("client_secret", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, words), meant, "{typed}");
        }
        assert_eq!(nearest(&"a".repeat(10_000), words), None);
    }

    #[test]
    fn changes_are_counted() {
        for (from, to, changes) in
            [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(from, to), changes, "{from} {to}");
        }
    }
}
