//! What to say where an API refuses a good token, and so cannot be judged.

use super::challenge::Challenge;
use super::mint::{Attempt, Setup};
use super::send::Answer;
use crate::curl;
use crate::error::Failure;

/// The longest part of an answer that is shown, in bytes.
const LONGEST: usize = 200;

/// Why the API cannot be judged, from what it has answered to this request with a good token.
pub(super) fn not_accepted(setup: &Setup, attempt: &Attempt, answer: &Result<Answer, String>) -> Failure {
    let url = &setup.url;
    let answer = match answer {
        Ok(answer) => answer,
        Err(reason) => {
            return Failure::new(format!("{url} does not answer: {reason}"))
                .hint("start the API, or let this command wait for it: --wait 60");
        }
    };
    let mut message = format!("{url} answers {}", answer.status);
    if let Some(challenge) = answer.challenges.first() {
        message = format!("{message}, {}", shown(challenge, attempt));
    }
    message.push_str(" to a good token, and cannot be judged");
    let body = shown(&answer.body, attempt);
    if !body.is_empty() {
        message = format!("{message}\nthe body of its answer: {body}");
    }
    hints(setup, answer).into_iter().fold(Failure::new(message), Failure::hint)
}

fn hints(setup: &Setup, answer: &Answer) -> Vec<String> {
    let challenges = Challenge::all(&answer.challenges);
    if challenges.iter().any(|own| own.get("error") == Some("invalid_dpop_proof")) {
        return vec![
            format!("the proofs are for {}: write the URL as the API expects it in a proof, with its host, port and path", setup.url),
            "an API behind requires-auth expects its `public_url` there: localhost and 127.0.0.1 are two URLs".to_owned(),
            format!("the API has to take proofs that are signed by {}", setup.client.algorithm()),
        ];
    }
    let trust = format!(
        "let the API trust the issuer {} for the audience {}, with tokens signed by {}",
        setup.issuer,
        setup.audience,
        setup.forge.key().algorithm()
    );
    let scope = missing_scope(setup, &challenges);
    let more = match answer.status {
        401 => vec![
            trust.as_str(),
            "start the API after this command, which then waits for it (--wait 60): the keys are fresh",
            "an API that remembers the keys of an earlier run: --signing-key issuer.pem --new-key keeps the key for all runs",
            "docs/conformance.md shows how, for each framework",
        ],
        403 if scope.is_some() => vec![],
        403 => vec!["name the scopes that the route needs: --scope \"read:items\""],
        404 | 405 => vec!["name the URL of a route that answers with success, and its method (--method)"],
        500.. => vec![
            trust.as_str(),
            "look into the log of the API: perhaps it cannot fetch the keys of the issuer",
        ],
        _ => vec![
            "name the URL of a route that answers with success; --method, --header and --data say how it is asked",
        ],
    };
    scope.into_iter().chain(more.into_iter().map(str::to_owned)).collect()
}

/// Which scopes the API asks for (RFC 6750 §3), if the tokens do not have all of them.
fn missing_scope(setup: &Setup, challenges: &[Challenge]) -> Option<String> {
    let wanted = challenges.iter().find_map(|own| own.get("scope"))?;
    let has = |scope: &str| setup.scope.split(' ').any(|own| own == scope);
    let is_missing = wanted.len() <= LONGEST && wanted.split_whitespace().any(|scope| !has(scope));
    is_missing.then(|| format!("the API asks for these scopes: --scope {}", curl::word(wanted)))
}

/// The beginning of a text of the API in one line, without what it repeats of the request's credentials.
///
/// What could drive a terminal is escaped where the message is printed.
fn shown(text: &str, attempt: &Attempt) -> String {
    let mut text = text.to_owned();
    for (_, value) in
        attempt.headers.iter().filter(|(name, _)| ["Authorization", "DPoP"].contains(&name.as_str()))
    {
        let value = String::from_utf8_lossy(value);
        for part in value.split([' ', '.']).filter(|part| part.len() > 8) {
            text = text.replace(part, "...");
        }
    }
    let text = text.split_whitespace().map(without_jwt).collect::<Vec<_>>().join(" ");
    match text.char_indices().map(|(at, _)| at).chain([text.len()]).take_while(|at| *at <= LONGEST).last() {
        Some(end) if end < text.len() => format!("{}...", text.get(..end).unwrap_or_default()),
        _ => text,
    }
}

/// A word without what begins like a JWT in it.
fn without_jwt(word: &str) -> String {
    let mut parts = word.split("eyJ");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str("eyJ...");
        kept.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c)));
    }
    kept
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    use reqwest::Url;

    use super::*;
    use crate::commands::conformance::mint::Mint;

    fn setup(scheme: &'static str, scope: &str) -> Setup {
        let key = SigningKey::generate(Algorithm::Es256);
        Setup {
            forge: Forge::new("https://issuer.example.test", "https://api.example.com", key.clone()),
            issuer: "https://issuer.example.test".to_owned(),
            audience: "https://api.example.com".to_owned(),
            scope: scope.to_owned(),
            url: Url::parse("http://127.0.0.1:1/api/items").expect("a URL"),
            method: "GET".to_owned(),
            body: None,
            headers: Vec::new(),
            scheme,
            client: key.clone(),
            stranger: key,
            bait: String::new(),
        }
    }

    /// What is told about this answer to a good token, which `body` may repeat.
    fn told(setup: &Setup, status: u16, challenge: &str, body: impl Fn(&str) -> String) -> String {
        let mint = Mint { setup, nonce: None };
        let token = mint.token();
        let answer = Answer {
            status,
            challenges: vec![challenge.to_owned()],
            body: body(&token),
            ..Answer::default()
        };
        let told = not_accepted(setup, &mint.send(&token), &Ok(answer)).told();
        let secrets = token.split('.').filter(|part| told.contains(part)).count();
        assert_eq!(secrets, 0, "{told}");
        told
    }

    #[test]
    fn scopes_come_from_the_challenge() {
        let setup = setup("Bearer", "read:items");
        let said = |challenge: &str| told(&setup, 403, challenge, |_| String::new());
        let wanted = said(r#"Bearer error="insufficient_scope", scope="read:orders read:items""#);
        assert!(wanted.ends_with("--scope 'read:orders read:items'"), "{wanted}");
        let hostile = said(r#"Bearer scope="a';$(id)""#);
        assert!(hostile.ends_with(r"--scope 'a'\'';$(id)'"), "{hostile}");
        for unknown in
            ["Bearer", r#"Bearer scope="read:items""#, &format!("Bearer scope=\"{}\"", "a".repeat(300))]
        {
            assert!(said(unknown).ends_with("needs: --scope \"read:items\""), "{unknown}");
        }
        let unauthorized = told(&setup, 401, r#"Bearer scope="write:items""#, |_| String::new());
        assert!(unauthorized.contains("--scope write:items; let the API trust"), "{unauthorized}");
    }

    #[test]
    fn the_body_is_shown_without_credentials_and_in_one_short_line() {
        let setup = setup("Bearer", "");
        let body = |token: &str| format!("{{\n \"detail\":  \"no key for {token}\"\n}}");
        let said = told(&setup, 401, "Bearer", body);
        let expected = "the body of its answer: { \"detail\": \"no key for .......";
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("--signing-key"), "{said}");

        let other = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl";
        let said = told(&setup, 500, "Bearer", |_| format!("x={other}&y={other}"));
        assert!(said.contains(": x=eyJ...eyJ...&y=eyJ...eyJ...;"), "{said}");

        let long = told(&setup, 401, "Bearer", |_| "é ".repeat(4000));
        let shown = long.split("answer: ").nth(1).and_then(|rest| rest.split(';').next()).expect("a body");
        assert!((195..=LONGEST + 3).contains(&shown.len()) && shown.ends_with("..."), "{shown}");
        assert!(!told(&setup, 401, "Bearer", |_| " \n".to_owned()).contains("the body"));
    }

    #[test]
    fn a_challenge_that_repeats_the_token_is_shown_without_it() {
        let setup = setup("Bearer", "");
        let mint = Mint { setup: &setup, nonce: None };
        let token = mint.token();
        let answer = Answer {
            status: 401,
            challenges: vec![format!("Bearer realm=\"{token}\"")],
            ..Answer::default()
        };
        let told = not_accepted(&setup, &mint.send(&token), &Ok(answer)).told();
        assert!(told.contains("Bearer realm=\".......") && !told.contains("eyJ"), "{told}");
    }

    #[test]
    fn a_proof_that_is_refused_gets_hints_about_its_url() {
        let setup = setup("DPoP", "");
        let said = told(&setup, 401, r#"DPoP error="invalid_dpop_proof""#, |_| String::new());
        assert!(said.contains("the proofs are for http://127.0.0.1:1/api/items"), "{said}");
        assert!(!said.contains("trust the issuer"), "{said}");
        let said = told(&setup, 401, r#"DPoP error="invalid_token""#, |_| String::new());
        assert!(said.contains("trust the issuer") && !said.contains("public_url"), "{said}");
    }
}
