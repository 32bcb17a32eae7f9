//! A request as a line for a shell.

use std::fmt::Write as _;

use super::mint::Attempt;

/// The `curl` line of a request; it sends the request once.
pub(super) fn line(attempt: &Attempt) -> String {
    let mut line = "curl -i".to_owned();
    if attempt.method != "GET" {
        // Writing to a string cannot fail.
        let _ = write!(line, " -X {}", attempt.method);
    }
    for (name, value) in &attempt.headers {
        line.push_str(" -H ");
        line.push_str(&quoted(&[name.as_bytes(), b": ", value].concat()));
    }
    if let Some(body) = &attempt.body {
        line.push_str(" --data-raw ");
        line.push_str(&quoted(body.as_bytes()));
    }
    format!("{line} {}", quoted(attempt.url.as_str().as_bytes()))
}

/// A text as one word of a shell, without quotes where it needs none.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:/@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { quoted(text.as_bytes()) }
}

/// A word of bash; bytes that a terminal does not show are escaped.
fn quoted(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        let text: String = bytes.iter().copied().map(char::from).collect();
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let escaped: String = bytes
        .iter()
        .map(|byte| match byte {
            b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect();
    format!("$'{escaped}'")
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_it() {
        assert_eq!(word("http://127.0.0.1:8000/api"), "http://127.0.0.1:8000/api");
        for text in ["", "a b", "$(x)", "a&b", "a;b", "a?b", "*", "~a"] {
            assert!(word(text).contains('\''), "{text}");
        }
    }

    #[test]
    fn a_line_has_each_header_and_runs_nothing_else() {
        let attempt = Attempt {
            method: "POST".to_owned(),
            url: Url::parse("http://127.0.0.1:1/a?b=c").expect("a URL"),
            headers: vec![
                ("Authorization".to_owned(), b"Bearer a'; rm -rf b".to_vec()),
                ("Authorization".to_owned(), b"Bearer \xff$(x)'\\".to_vec()),
            ],
            body: Some("{}".to_owned()),
            times: 1,
        };
        let expected = r"curl -i -X POST -H 'Authorization: Bearer a'\''; rm -rf b' -H $'Authorization: Bearer \xff$(x)\'\\' --data-raw '{}' 'http://127.0.0.1:1/a?b=c'";
        assert_eq!(line(&attempt), expected);
    }
}
