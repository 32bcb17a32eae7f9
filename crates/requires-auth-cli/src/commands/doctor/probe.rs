//! The public side of an API: requests that must not pass, sent as an attacker sends them.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::finding::{Finding, Level};
use super::raw::{Answer, Target};

/// What the answer to an attack must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// 401 with a `Bearer` challenge (RFC 6750 §3, RFC 9110 §11.6.1).
    Challenge,
    /// 401, or 400 for a request that can be read in two ways.
    Unauthorized,
    /// Any refusal.
    Refused,
    /// Any refusal, or an answer that may be the proxy's or a CORS layer's own.
    Preflight,
}

/// A request that must not pass.
struct Attack {
    code: &'static str,
    method: &'static str,
    target: String,
    headers: Vec<String>,
    rule: Rule,
    hint: &'static str,
}

/// Sends every attack to the protected `path`, and the valid `token` if there is one. `identity` are the headers that the
/// application learns from who it is.
pub(super) async fn run(
    subject: &str,
    target: &Target,
    path: &str,
    token: Option<&str>,
    identity: &[&str],
    admin_port: Option<u16>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for attack in attacks(path, token, identity) {
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
    if let Some(token) = token {
        findings.push(passes(subject, target, path, token).await);
    }
    if let Some(port) = admin_port {
        findings.push(admin(subject, target, port).await);
    }
    findings
}

fn judge(subject: &str, attack: &Attack, answer: &io::Result<Answer>) -> Finding {
    // A header that shows a token is not told.
    let shown = attack.headers.iter().find(|header| !header.starts_with("Authorization"));
    let with = shown.map(|header| format!(" with {header}")).unwrap_or_default();
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

async fn passes(subject: &str, target: &Target, path: &str, token: &str) -> Finding {
    const CODE: &str = "probe.token_passes";
    let answer = target.ask("GET", path, &[format!("Authorization: Bearer {token}")]).await;
    match answer.map(|answer| answer.status) {
        Ok(status @ 200..=299) => Finding::new(Level::Ok, CODE, subject, format!("{status}")),
        Ok(status @ (401 | 403)) => {
            Finding::new(Level::Fail, CODE, subject, format!("{status}: the given token is refused"))
                .hint("look at it with `requires-auth explain`; 403 means that it lacks a scope")
        }
        Ok(status) => Finding::new(Level::Warn, CODE, subject, format!("{status} with the given token"))
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

/// All attacks; the first is the plainest request.
fn attacks(path: &str, token: Option<&str>, identity: &[&str]) -> Vec<Attack> {
    let attack = |code, method, target: &str, headers: &[&str], rule, hint| Attack {
        code,
        method,
        target: target.to_owned(),
        headers: headers.iter().map(|header| (*header).to_owned()).collect(),
        rule,
        hint,
    };
    let get = |code, headers: &[&str], rule, hint| attack(code, "GET", path, headers, rule, hint);
    let spoofs = spoofs(identity);
    let spoofs: Vec<_> = spoofs.iter().map(String::as_str).collect();
    let unsigned = format!("Authorization: Bearer {}", unsigned_token());
    let mut all = vec![
        get("probe.no_token", &[], Rule::Challenge, UNGUARDED),
        get("probe.garbage", &["Authorization: Bearer garbage"], Rule::Unauthorized, UNGUARDED),
        get("probe.alg_none", &[&unsigned], Rule::Unauthorized, UNGUARDED),
        get("probe.two_credentials", &[GARBAGE, GARBAGE], Rule::Refused, UNGUARDED),
        get(
            "probe.identity",
            &spoofs,
            Rule::Unauthorized,
            "delete identity headers that clients send, in the proxy",
        ),
    ];
    let original = "overwrite this header in the proxy, as `config emit` does";
    all.extend(
        ORIGINAL.iter().map(|header| get("probe.original_uri", &[header], Rule::Unauthorized, original)),
    );
    let variants = path_variants(path);
    all.extend(variants.iter().map(|variant| attack("probe.path", "GET", variant, &[], Rule::Refused, PATH)));
    let preflight = "no more than CORS headers may come without a token: look at who answers, and set `preflight = \"deny\"` \
                     if the API serves no browser";
    all.push(attack("probe.options", "OPTIONS", path, &[], Rule::Preflight, preflight));
    all.extend([("POST", "GET"), ("GET", "OPTIONS")].map(|(method, other)| {
        let header = format!("X-HTTP-Method-Override: {other}");
        attack("probe.method_override", method, path, &[&header], Rule::Refused, METHOD)
    }));
    let trace = "switch TRACE off: it sends headers back";
    all.push(attack("probe.trace", "TRACE", path, &[], Rule::Refused, trace));
    all.extend(["/metrics", "/readyz"].map(|page| {
        attack("probe.admin", "GET", page, &[], Rule::Refused, "keep admin pages on a listener of their own")
    }));
    if let Some(token) = token {
        let good = format!("Authorization: Bearer {token}");
        // RFC 6750 §2: more than one token in a request is refused.
        let both = "refuse requests with two Authorization headers";
        all.push(get("probe.two_credentials", &[&good, GARBAGE], Rule::Refused, both));
    }
    all
}

/// Headers by which a client claims to be somebody: those of the configuration in both spellings, and usual ones.
fn spoofs(identity: &[&str]) -> Vec<String> {
    let configured = identity.iter().flat_map(|name| [spoof(name), spoof(&name.replace('-', "_"))]);
    configured.chain(IDENTITY.iter().map(|header| (*header).to_owned())).collect()
}

const UNGUARDED: &str =
    "the request reaches the application unguarded: look at whether the proxy asks the gateway here";
const PATH: &str = "guard and application read this path differently: guard everything, and let the proxy refuse such \
                    paths; a page that answers every path is better kept on another host";
const METHOD: &str =
    "the guard and the application must see the same method, and all methods must be guarded";
const GARBAGE: &str = "Authorization: Bearer garbage";

/// A header with which a client says who it is.
fn spoof(name: &str) -> String {
    format!("{name}: admin")
}

/// What proxies and applications commonly take for a proof of identity, in several spellings.
const IDENTITY: &[&str] = &[
    "X-Auth-Subject: admin",
    "X_Auth_Subject: admin",
    "X-Auth-Request-User: admin",
    "X-Forwarded-User: admin",
    "Remote-User: admin",
    "X-User-Id: admin",
];

/// What proxies tell a guard with, and clients must not be able to.
const ORIGINAL: &[&str] = &[
    "X-Original-URI: /",
    "X-Original-URL: /",
    "X-Original-Method: OPTIONS",
    "X-Forwarded-Uri: /",
    "X-Forwarded-Method: OPTIONS",
    "X-Rewrite-URL: /",
    "X-Envoy-Original-Path: /",
];

/// Other ways to write a path, which some programs take for the same.
fn path_variants(path: &str) -> Vec<String> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    let mut variants = vec![
        format!("//{rest}"),
        format!("/./{rest}"),
        format!("/%2e/{rest}"),
        format!("/x/../{rest}"),
        format!("/x/%2e%2e/{rest}"),
        format!("/x/..;/{rest}"),
        format!("/x/..%2f{rest}"),
        format!("/x\\..\\{rest}"),
        format!("/{rest}/"),
        format!("/{rest}/."),
        format!("/{rest};x"),
        format!("/{rest}%20"),
        format!("/{rest}%00"),
        format!("/{rest}#/"),
    ];
    if let Some(letter) = rest.chars().next().filter(char::is_ascii_alphabetic) {
        let (encoded, others) = (u32::from(letter), rest.get(1..).unwrap_or_default());
        variants.push(format!("/%{encoded:02x}{others}"));
        variants.push(format!("/%25{encoded:02x}{others}"));
    }
    let swapped: String = rest
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    if swapped != rest {
        variants.push(format!("/{swapped}"));
    }
    variants
}

/// A token that nobody has signed (RFC 8725 §2.1).
pub(super) fn unsigned_token() -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let claims = r#"{"sub":"admin","scope":"admin","exp":4102444800}"#;
    format!("{}.{}.", part(r#"{"alg":"none","typ":"at+jwt"}"#), part(claims))
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
                code: "probe.test",
                method: "GET",
                target: "/".to_owned(),
                headers: Vec::new(),
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

    #[test]
    fn paths_are_varied_and_never_repeated() {
        let variants = path_variants("/orders");
        for variant in ["//orders", "/%2e/orders", "/x/..;/orders", "/%6frders", "/%256frders", "/ORDERS"] {
            assert!(variants.iter().any(|own| own == variant), "{variant}");
        }
        assert!(!variants.contains(&"/orders".to_owned()));
        assert!(path_variants("/").iter().all(|variant| variant.starts_with('/')));
    }
}
