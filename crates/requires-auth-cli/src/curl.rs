//! The words of a `curl` line, which people paste into a shell.

/// The beginning of a line that sends a request by this method, and shows the head of the answer.
///
/// `-X HEAD` would have curl wait for a body.
pub(crate) fn begin(method: &str) -> String {
    match method {
        "GET" => "curl -i".to_owned(),
        "HEAD" => "curl -i --head".to_owned(),
        method => format!("curl -i -X {}", word(method)),
    }
}

/// A text as one word of a shell, without quotes where it needs none.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A text in quotes, as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Bytes in quotes, as one word of bash; those that a terminal does not show are escaped.
pub(crate) fn quoted_bytes(bytes: &[u8]) -> String {
    let is_shown = |byte: &u8| (b' '..=b'~').contains(byte);
    if let Ok(text) = str::from_utf8(bytes)
        && bytes.iter().all(is_shown)
    {
        return quoted(text);
    }
    let escaped: String = bytes
        .iter()
        .map(|byte| match byte {
            b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
            _ if is_shown(byte) => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect();
    format!("$'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_not_get_alone() {
        assert_eq!(begin("GET"), "curl -i");
        assert_eq!(begin("POST"), "curl -i -X POST");
        assert_eq!(begin("HEAD"), "curl -i --head");
        assert_eq!(begin("A;B"), "curl -i -X 'A;B'");
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it() {
        assert_eq!(word("http://127.0.0.1:8000/api"), "http://127.0.0.1:8000/api");
        for typed in
            ["/a'; rm -rf ~; '", "/$(id)", "/`id`", "a b", "\"$HOME\"", "a|b", "a&b", "a?b", "*", "~a", ""]
        {
            let word = word(typed);
            let inner = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).expect("quotes");
            assert_eq!(inner.replace(r"'\''", "'"), typed);
            assert!(!inner.replace(r"'\''", "").contains('\''), "{word}");
        }
    }

    #[test]
    fn bytes_that_are_not_shown_are_escaped() {
        assert_eq!(quoted_bytes(b"a'; b"), r"'a'\''; b'");
        assert_eq!(quoted_bytes(b"\xff$(x)'\\"), r"$'\xff$(x)\'\\'");
    }
}
