//! The requests, each with its right answer, in the order in which they are made.

use requires_auth::{ErrorCode, Reason};
use requires_auth_testkit::Defect;

use super::super::tour::TokenSource;

/// A request and its right answer.
pub(super) struct Case {
    /// What is special about it.
    pub(super) about: String,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The values of `Authorization`, in which `{}` stands for the token.
    pub(super) authorization: Vec<&'static str>,
    pub(super) token: Option<Wanted>,
    /// The proof that goes with the token.
    pub(super) proof: Option<Proof>,
    /// Other headers.
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) right: Answer,
}

/// Which token to send.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// A valid token that is minted right after the key was rotated.
    AfterRotation,
    /// A token that is bound to the key of the client.
    Bound,
    /// A valid token whose key is rotated before it is sent.
    BeforeRotation,
    /// One with this scope, and this defect if any.
    Fresh { scope: &'static str, defect: Option<Defect> },
    /// The token of the provider.
    Given,
    /// An opaque token, which the API asks the issuer about.
    Opaque,
    /// A token of a tenant: the one that the API knows, or another one.
    Tenant { is_ours: bool },
    /// A valid token with a claim changed after signing.
    Tampered,
}

/// Whose proof to send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// That of the client.
    Client,
    /// That of the client, in a request that has been sent before.
    Copied,
    /// One by the key of somebody else, who has the token.
    Thief,
}

/// The status, code, reason and challenge of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) challenge: Option<String>,
}

const BEARER: &[&str] = &["Bearer {}"];

/// All cases that these tokens allow.
pub(super) fn all(tokens: &TokenSource<'_>) -> Vec<Case> {
    let mut cases = without_token();
    match tokens {
        TokenSource::Development(_) => {
            cases.extend(with_good_tokens());
            cases.extend(with_opaque_tokens());
            cases.extend(with_bound_tokens());
            cases.extend(with_tokens_of_tenants());
            // Before the defects: they too make the guard look for new keys, which it does only so often.
            cases.extend(around_a_rotation());
            cases.extend(with_bad_tokens());
        }
        TokenSource::Provider { token: Some(_), .. } => {
            cases.push(case(
                "the provider's token",
                "GET",
                "/api/me",
                BEARER,
                Some(Wanted::Given),
                allowed(200),
            ));
        }
        TokenSource::Provider { token: None, .. } => {}
    }
    cases
}

fn without_token() -> Vec<Case> {
    let missing = || refused(ErrorCode::AuthorizationHeaderMissing);
    let unsupported = || refused(ErrorCode::AuthorizationTokenTypeNotSupported);
    let invalid_format = || refused(ErrorCode::AuthorizationTokenInvalidFormat);
    let preflight = vec![
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "authorization"),
    ];
    vec![
        case("public", "GET", "/public", &[], None, allowed(200)),
        case("no token", "GET", "/api/me", &[], None, missing()),
        case("token in the query", "GET", "/api/me?access_token=abc", &[], None, missing()),
        case("another scheme", "GET", "/api/me", &["Basic YWxpY2U6c2VjcmV0"], None, unsupported()),
        case("scheme alone", "GET", "/api/me", &["Bearer"], None, invalid_format()),
        case("two words", "GET", "/api/me", &["Bearer abc def"], None, invalid_format()),
        case(
            "two headers",
            "GET",
            "/api/me",
            &["Bearer abc", "Bearer abc"],
            None,
            refused(ErrorCode::InvalidRequest),
        ),
        case("opaque token", "GET", "/api/me", &["Bearer abc"], None, invalid(Reason::Opaque)),
        Case { headers: preflight, ..case("preflight", "OPTIONS", "/api/items", &[], None, allowed(200)) },
    ]
}

fn with_good_tokens() -> Vec<Case> {
    let fresh = |scope| Some(Wanted::Fresh { scope, defect: None });
    let two_methods = refused(ErrorCode::InvalidRequest);
    vec![
        case("a valid token", "GET", "/api/me", BEARER, fresh(""), allowed(200)),
        case("scheme in lower case", "GET", "/api/me", &["bearer  {}"], fresh(""), allowed(200)),
        case("header and query", "GET", "/api/me?access_token=abc", BEARER, fresh(""), two_methods),
        case("the right scope", "GET", "/api/items", BEARER, fresh("read:items"), allowed(200)),
        case("no scope", "GET", "/api/items", BEARER, fresh(""), lacks_scope("read:items")),
        case("another scope", "POST", "/api/items", BEARER, fresh("read:items"), lacks_scope("write:items")),
        case(
            "more than it takes",
            "POST",
            "/api/items",
            BEARER,
            fresh("read:items write:items"),
            allowed(201),
        ),
    ]
}

fn with_opaque_tokens() -> Vec<Case> {
    let made_up = &["Bearer made-up-token"];
    vec![
        case("opaque, asked about", "GET", "/opaque/me", BEARER, Some(Wanted::Opaque), allowed(200)),
        case("opaque, made up", "GET", "/opaque/me", made_up, None, invalid(Reason::Inactive)),
    ]
}

fn with_tokens_of_tenants() -> Vec<Case> {
    let of = |is_ours| Some(Wanted::Tenant { is_ours });
    let mismatch = invalid(Reason::IssuerMismatch);
    vec![
        case("a known tenant", "GET", "/tenants/me", BEARER, of(true), allowed(200)),
        case("another tenant", "GET", "/tenants/me", BEARER, of(false), mismatch),
    ]
}

fn with_bound_tokens() -> Vec<Case> {
    const DPOP: &[&str] = &["DPoP {}"];
    let bound = |about, scheme, proof, right| {
        let case = case(about, "GET", "/bound/me", scheme, Some(Wanted::Bound), right);
        Case { proof, ..case }
    };
    let mismatch = || by_dpop(ErrorCode::InvalidToken, Reason::BindingMismatch);
    let of_proof = |reason| by_dpop(ErrorCode::InvalidDpopProof, reason);
    vec![
        bound("bound, with its proof", DPOP, Some(Proof::Client), allowed(200)),
        bound("bound, copied request", DPOP, Some(Proof::Copied), of_proof(Reason::ProofReused)),
        bound("bound, stolen: Bearer", BEARER, None, mismatch()),
        bound("bound, stolen: no proof", DPOP, None, of_proof(Reason::ProofMissing)),
        bound("bound, thief's proof", DPOP, Some(Proof::Thief), mismatch()),
    ]
}

fn around_a_rotation() -> Vec<Case> {
    let (after, before) = (Some(Wanted::AfterRotation), Some(Wanted::BeforeRotation));
    vec![
        case("after a rotation", "GET", "/api/me", BEARER, after, allowed(200)),
        case("from before a rotation", "GET", "/api/me", BEARER, before, allowed(200)),
    ]
}

fn with_bad_tokens() -> Vec<Case> {
    let tampered = Some(Wanted::Tampered);
    let tampered = case("tampered", "GET", "/api/me", BEARER, tampered, invalid(Reason::SignatureMismatch));
    let with_defect = |defect: Defect| {
        // A defect is named after the reason that it provokes.
        let reason = Reason::ALL.iter().copied().find(|reason| reason.as_str() == defect.name())?;
        let token = Wanted::Fresh { scope: "read:items", defect: Some(defect) };
        let about = defect.name().replace('_', " ");
        Some(case(&about, "GET", "/api/items", BEARER, Some(token), invalid(reason)))
    };
    std::iter::once(tampered).chain(Defect::ALL.into_iter().filter_map(with_defect)).collect()
}

fn case(
    about: &str,
    method: &'static str,
    path: &'static str,
    authorization: &[&'static str],
    token: Option<Wanted>,
    right: Answer,
) -> Case {
    let authorization = authorization.to_vec();
    Case {
        about: about.to_owned(),
        method,
        path,
        authorization,
        token,
        proof: None,
        headers: Vec::new(),
        right,
    }
}

const fn allowed(status: u16) -> Answer {
    Answer { status, code: None, reason: None, challenge: None }
}

/// The challenges as RFC 6750 §3.1 has them, written out here rather than asked of the guard.
fn refused(code: ErrorCode) -> Answer {
    let challenge = match code {
        ErrorCode::InvalidRequest => {
            format!("Bearer error=\"invalid_request\", error_description=\"{}\"", code.message())
        }
        ErrorCode::AuthorizationTokenInvalidFormat => {
            format!("Bearer error=\"invalid_token\", error_description=\"{}\"", code.message())
        }
        _ => "Bearer".to_owned(),
    };
    Answer { status: code.status(), code: Some(code.to_string()), reason: None, challenge: Some(challenge) }
}

fn invalid(reason: Reason) -> Answer {
    let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{}\"", reason.message());
    Answer {
        status: 401,
        code: Some(ErrorCode::InvalidToken.to_string()),
        reason: Some(reason.to_string()),
        challenge: Some(challenge),
    }
}

/// The challenge of a route that takes proofs alone (RFC 9449 §7.1).
fn by_dpop(code: ErrorCode, reason: Reason) -> Answer {
    let algorithms = "ES256 ES384 ES512 Ed25519 PS256 PS384 PS512 RS256 RS384 RS512";
    let (error, description) = (code.as_str(), reason.message());
    let challenge =
        format!("DPoP error=\"{error}\", error_description=\"{description}\", algs=\"{algorithms}\"");
    Answer {
        status: 401,
        code: Some(code.to_string()),
        reason: Some(reason.to_string()),
        challenge: Some(challenge),
    }
}

fn lacks_scope(scope: &str) -> Answer {
    let code = ErrorCode::InsufficientScope;
    let description = code.message();
    let challenge = format!(
        "Bearer error=\"insufficient_scope\", error_description=\"{description}\", scope=\"{scope}\""
    );
    Answer { status: 403, code: Some(code.to_string()), reason: None, challenge: Some(challenge) }
}
