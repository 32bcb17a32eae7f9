//! Requests that must not pass: what an attacker sends to the public side of an API.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::sent::Sent;

/// What the answer to an attack must be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
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
pub(super) struct Attack {
    pub(super) code: &'static str,
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) headers: Vec<String>,
    /// What is told of the headers, which may hold a token: nothing of `Authorization`.
    pub(super) shown: Option<String>,
    pub(super) rule: Rule,
    pub(super) hint: &'static str,
}

/// What is asked of an API, and with what.
pub(super) struct Probe<'p> {
    /// The path that is protected.
    pub(super) path: &'p str,
    /// Where the guard reads tokens.
    pub(super) places: &'p [Sent],
    /// A token that is valid, and where it is read.
    pub(super) token: Option<&'p (Sent, &'p str)>,
    /// The headers that the application learns from who it is.
    pub(super) identity: &'p [&'p str],
}

/// All attacks; the first is the plainest request.
pub(super) fn attacks(probe: &Probe<'_>) -> Vec<Attack> {
    let Probe { path, identity, .. } = probe;
    let attack = |code, method, target: &str, headers: &[&str], rule, hint| Attack {
        code,
        method,
        target: target.to_owned(),
        headers: headers.iter().map(|header| (*header).to_owned()).collect(),
        shown: headers
            .iter()
            .find(|header| !header.starts_with("Authorization"))
            .map(|header| (*header).to_owned()),
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
    all.extend(at_places(probe));
    all
}

/// Attacks at the places where the guard reads tokens beside `Authorization`, and with a valid token beside another.
fn at_places(probe: &Probe<'_>) -> Vec<Attack> {
    let get = |code, sent: &Sent, tokens: &[&str], rule, hint| Attack {
        code,
        method: "GET",
        target: probe.path.to_owned(),
        headers: tokens.iter().map(|token| sent.line(token)).collect(),
        shown: (!sent.is_authorization()).then(|| format!("a token in {}", sent.told())),
        rule,
        hint,
    };
    let mut all = Vec::new();
    for sent in probe.places.iter().filter(|sent| !sent.is_authorization()) {
        all.push(get("probe.garbage", sent, &["garbage"], Rule::Unauthorized, UNGUARDED));
        all.push(get("probe.alg_none", sent, &[&unsigned_token()], Rule::Unauthorized, UNGUARDED));
    }
    if let Some((sent, token)) = probe.token {
        // RFC 6750 §2: more than one token in a request is refused.
        let both = "refuse requests with two tokens, such as two Authorization headers";
        all.push(get("probe.two_credentials", sent, &[token, "garbage"], Rule::Refused, both));
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
    fn paths_are_varied_and_never_repeated() {
        let variants = path_variants("/orders");
        for variant in ["//orders", "/%2e/orders", "/x/..;/orders", "/%6frders", "/%256frders", "/ORDERS"] {
            assert!(variants.iter().any(|own| own == variant), "{variant}");
        }
        assert!(!variants.contains(&"/orders".to_owned()));
        assert!(path_variants("/").iter().all(|variant| variant.starts_with('/')));
    }
}
