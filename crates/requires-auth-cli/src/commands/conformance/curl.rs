//! A request as a line for a shell.

use super::mint::Attempt;
use crate::curl;

/// The `curl` line of a request; it sends the request once.
pub(super) fn line(attempt: &Attempt) -> String {
    let mut line = curl::begin(&attempt.method);
    for (name, value) in &attempt.headers {
        line.push_str(" -H ");
        line.push_str(&curl::quoted_bytes(&[name.as_bytes(), b": ", value].concat()));
    }
    if let Some(body) = &attempt.body {
        line.push_str(" --data-raw ");
        line.push_str(&curl::quoted_bytes(body.as_bytes()));
    }
    format!("{line} {}", curl::quoted(attempt.url.as_str()))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::*;

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
            keeps_body: false,
        };
        let expected = r"curl -i -X POST -H 'Authorization: Bearer a'\''; rm -rf b' -H $'Authorization: Bearer \xff$(x)\'\\' --data-raw '{}' 'http://127.0.0.1:1/a?b=c'";
        assert_eq!(line(&attempt), expected);
    }
}
