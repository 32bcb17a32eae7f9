//! The public side of an API: requests that must not pass, sent as an attacker sends them.

use std::io;

use super::attacks::{Attack, Probe, Rule, attacks};
use super::finding::{Finding, Level};
use super::raw::{Answer, Target};
use super::sent::Sent;

/// What is said of a token that no plain request can have.
pub(super) fn only_websockets(subject: &str) -> Finding {
    let what =
        "the guard reads tokens in subprotocols of WebSockets alone, so that the given one is not sent";
    Finding::new(Level::Skip, "probe.token_passes", subject, what).hint("try it with a client for WebSockets")
}

/// Sends every attack, and the valid token if there is one.
pub(super) async fn run(
    probe: &Probe<'_>,
    subject: &str,
    target: &Target,
    admin_port: Option<u16>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for attack in attacks(probe) {
        let answer = target.ask(attack.method, &attack.target, &attack.headers).await;
        let is_first = findings.is_empty();
        let finding = judge(subject, &attack, &answer);
        findings.push(finding);
        // Where nobody answers the plainest request, the others would tell nothing.
        if let (true, Err(error)) = (is_first, &answer) {
            let what = format!("it does not answer: {error}");
            let hint = "give the URL that clients use; it must be reachable from here";
            return vec![Finding::new(Level::Fail, "probe.reached", subject, what).hint(hint)];
        }
    }
    if let Some((sent, token)) = probe.token {
        findings.push(passes(subject, target, probe.path, sent, token).await);
    }
    if let Some(port) = admin_port {
        findings.push(admin(subject, target, port).await);
    }
    findings
}

fn judge(subject: &str, attack: &Attack, answer: &io::Result<Answer>) -> Finding {
    let with = attack.shown.as_ref().map(|shown| format!(" with {shown}")).unwrap_or_default();
    let request = format!("{} {}{with}", attack.method, attack.target);
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            // Closing the connection is a refusal, but so may be a server that fell over.
            let what = format!("{request}: no answer: {error}");
            return Finding::new(Level::Warn, attack.code, subject, what)
                .hint("if the proxy closes such connections on purpose, all is well");
        }
    };
    let status = answer.status;
    let has_challenge = || answer.all("www-authenticate").any(is_bearer_challenge);
    let (level, what) = match (status, attack.rule) {
        (200..=299, Rule::Preflight) => {
            (Level::Warn, format!("{request}: {status}, which may be an answer to any preflight"))
        }
        (100..=299, _) => (Level::Fail, format!("{request}: {status}, it passes")),
        // The method is not known at all: a refusal as good as any (RFC 9110 §15.6.2).
        (501, Rule::Refused | Rule::Preflight) => (Level::Ok, format!("{request}: {status}")),
        (300..=399 | 500.., _) => (Level::Warn, format!("{request}: {status}, neither passed nor refused")),
        (401, Rule::Challenge) if !has_challenge() => {
            (Level::Fail, format!("{request}: 401 without a Bearer challenge"))
        }
        // 400: a guard that sees that the request says two things need not look at its token.
        (401, _) | (400, Rule::Unauthorized) | (_, Rule::Refused | Rule::Preflight) => {
            (Level::Ok, format!("{request}: {status}"))
        }
        (_, Rule::Challenge | Rule::Unauthorized) => {
            (Level::Warn, format!("{request}: {status}, where 401 is expected"))
        }
    };
    Finding::new(level, attack.code, subject, what).hint(attack.hint)
}

/// Whether a value of `WWW-Authenticate` begins with the scheme `Bearer`, or has it in its list.
fn is_bearer_challenge(value: &str) -> bool {
    let is_bearer = |part: &str| {
        let scheme = part.trim_ascii_start().split([' ', '\t']).next().unwrap_or_default();
        scheme.eq_ignore_ascii_case("Bearer")
    };
    value.split(',').any(is_bearer)
}

async fn passes(subject: &str, target: &Target, path: &str, sent: &Sent, token: &str) -> Finding {
    const CODE: &str = "probe.token_passes";
    let at = if sent.is_authorization() { String::new() } else { format!(" in {}", sent.told()) };
    let answer = target.ask("GET", path, &[sent.line(token)]).await;
    match answer.map(|answer| answer.status) {
        Ok(status @ 200..=299) => Finding::new(Level::Ok, CODE, subject, format!("{status}{at}")),
        Ok(status @ (401 | 403)) => {
            Finding::new(Level::Fail, CODE, subject, format!("{status}: the given token{at} is refused"))
                .hint("look at it with `requires-auth explain`; 403 means that it lacks a scope")
        }
        Ok(status) => Finding::new(Level::Warn, CODE, subject, format!("{status} with the given token{at}"))
            .hint("the gateway may have let it pass; look at the application"),
        Err(error) => Finding::new(Level::Warn, CODE, subject, format!("no answer: {error}")),
    }
}

async fn admin(subject: &str, target: &Target, port: u16) -> Finding {
    const CODE: &str = "probe.admin_port";
    match target.at_port(port).ask("GET", "/metrics", &[]).await {
        Ok(answer) => Finding::new(
            Level::Fail,
            CODE,
            subject,
            format!("the admin pages answer at port {port}: {}", answer.status),
        )
        .hint("let `admin` listen on loopback or a unix socket, or close the port to the outside"),
        Err(error) => Finding::new(Level::Ok, CODE, subject, format!("port {port} is closed: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_told_from_other_schemes() {
        for (value, expected) in [
            ("Bearer", true),
            ("bearer realm=\"a\"", true),
            ("Basic realm=\"a\", Bearer", true),
            ("Basic realm=\"Bearer\"", false),
            ("BearerX", false),
            ("", false),
        ] {
            assert_eq!(is_bearer_challenge(value), expected, "{value}");
        }
    }

    #[test]
    fn a_status_is_a_refusal_or_not() {
        for (rule, ok, warn, fail) in [
            (Rule::Unauthorized, &[400, 401][..], &[302, 403, 404, 500, 501][..], &[200, 204][..]),
            (Rule::Challenge, &[], &[302, 400, 403, 500], &[200, 401]),
            (Rule::Refused, &[400, 401, 403, 404, 501], &[302, 500], &[200]),
            (Rule::Preflight, &[400, 401, 403, 501], &[200, 302, 500], &[]),
        ] {
            let attack = Attack {
                code: "probe.no_token",
                method: "GET",
                target: "/".to_owned(),
                headers: Vec::new(),
                shown: None,
                rule,
                hint: "",
            };
            for (level, statuses) in [(Level::Ok, ok), (Level::Warn, warn), (Level::Fail, fail)] {
                for status in statuses {
                    let head = format!("HTTP/1.1 {status} x\r\n\r\n");
                    let answer = Answer::parse(head.as_bytes()).expect("a head");
                    assert_eq!(judge("api", &attack, &Ok(answer)).level, level, "{status}");
                }
            }
        }
    }
}
