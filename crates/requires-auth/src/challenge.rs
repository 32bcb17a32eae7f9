//! How a refusal looks on the wire: status, `WWW-Authenticate`, body (RFC 6750 §3, RFC 9457).
//!
//! With axum and tower the layers write this answer, and nothing of this module is needed but [`BodyFormat`]. An adapter
//! for another framework asks [`RequiresAuth::challenge`](crate::RequiresAuth::challenge) for the [`Challenge`] and
//! copies its status, headers and body, all three unchanged.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::credential::Scheme;
use crate::error::{ChallengeKind, Denial, ErrorCode, Reason};
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::metadata::Metadata;
use crate::policy::union;
use crate::request::Request;

/// The answer to a refused request: what an adapter turns into a response of its framework.
///
/// ```
/// use requires_auth::{Policy, Request, RequiresAuth};
///
/// /// The response of the framework.
/// struct Response {
///     status: u16,
///     headers: Vec<(&'static str, String)>,
///     body: Vec<u8>,
/// }
///
/// /// A whole adapter: `Ok` with the subject, or the answer to send.
/// fn guard(auth: &RequiresAuth, request: &Request<'_>) -> Result<Option<String>, Response> {
///     // `authorize_now` never waits; an adapter that can wait uses `authorize`.
///     let verdict = auth.authorize_now(request, &Policy::default()).expect("the keys are there");
///     verdict.map(|token| token.subject().map(str::to_owned)).map_err(|denial| {
///         let challenge = auth.challenge(request, &denial);
///         Response {
///             status: challenge.status(),
///             // A name may come more than once, so that headers are appended, never replaced.
///             headers: challenge.headers().map(|(name, value)| (name, value.to_owned())).collect(),
///             // An answer to HEAD has no body.
///             body: if request.method() == "HEAD" { Vec::new() } else { challenge.into_body() },
///         }
///     })
/// }
///
/// # let jwks = requires_auth_testkit::jwk_set([requires_auth_testkit::SigningKey::fixed(Default::default())]);
/// # let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
/// # let auth = requires_auth::danger::allow_public_test_keys(builder.with_jwks(jwks.to_string())).build()?;
/// let no_headers: [(&str, &str); 0] = [];
/// let refusal = guard(&auth, &Request::new("GET", "/orders", &no_headers)).err().expect("no token");
/// assert_eq!(refusal.status, 401);
/// assert!(refusal.headers.contains(&("www-authenticate", "Bearer".to_owned())));
/// assert!(refusal.body.starts_with(br#"{"code":"auth.authorization_header_missing""#));
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    status: u16,
    www_authenticate: Vec<String>,
    headers: Vec<(&'static str, String)>,
    body: Body,
}

/// The headers of a refusal that a script of another origin may read, beside those that it always may.
const EXPOSED: &str = "WWW-Authenticate";
const EXPOSED_WITH_NONCE: &str = "WWW-Authenticate, DPoP-Nonce";

/// How the refusals of a guard look: the same for every request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Style {
    body: BodyFormat,
    schemes: Schemes,
    /// The resource whose metadata the challenges point to.
    resource: Option<Arc<Metadata>>,
}

/// The schemes that a guard takes.
#[derive(Clone, Debug)]
pub(crate) struct Schemes {
    takes_bearer: bool,
    /// The algorithms of proofs, space-separated, where tokens come with proofs (RFC 9449 §7.1).
    algs: Option<Arc<str>>,
}

impl Default for Schemes {
    fn default() -> Self {
        Self { takes_bearer: true, algs: None }
    }
}

impl Schemes {
    /// `DPoP` with these algorithms, and before it `Bearer` if that is taken as well: some clients read one challenge alone.
    pub(crate) fn with_dpop(takes_bearer: bool, algorithms: AlgorithmSet) -> Self {
        let mut names: Vec<_> = algorithms.iter().map(Algorithm::name).collect();
        names.sort_unstable();
        Self { takes_bearer, algs: Some(names.join(" ").into()) }
    }

    /// The schemes that a refusal names. What is wrong with a proof, no Bearer token mends.
    fn of(&self, denial: &Denial) -> impl Iterator<Item = Scheme> {
        let is_about_proof = matches!(denial.code(), ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce);
        let bearer = (self.takes_bearer && !is_about_proof).then_some(Scheme::Bearer);
        let dpop = (self.algs.is_some() || is_about_proof).then_some(Scheme::Dpop);
        bearer.into_iter().chain(dpop)
    }

    /// The scheme whose challenge says what is wrong: the one that the token came by.
    const fn tried(&self, denial: &Denial) -> Scheme {
        let is_about_proof = matches!(denial.code(), ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce);
        if denial.is_by_dpop() || is_about_proof || !self.takes_bearer {
            Scheme::Dpop
        } else {
            Scheme::Bearer
        }
    }
}

impl Style {
    /// The same, with challenges that point to the metadata of this resource (RFC 9728 §5.1).
    pub(crate) fn of_resource(self, resource: Option<Arc<Metadata>>) -> Self {
        Self { resource, ..self }
    }

    /// The same, with challenges of these schemes.
    pub(crate) fn with_schemes(self, schemes: Schemes) -> Self {
        Self { schemes, ..self }
    }

    /// The answer to `request`, refused for `denial`.
    pub(crate) fn challenge(&self, denial: &Denial, request: &Request<'_>) -> Challenge {
        let exposed = if self.schemes.algs.is_some() { EXPOSED_WITH_NONCE } else { EXPOSED };
        Challenge::of(denial, request, &self.body, self.www_authenticate(denial), exposed)
    }

    /// The values of `WWW-Authenticate`: one for each scheme (RFC 9110 §11.6.1). What is wrong stands in the challenge of the scheme
    /// that the token came by; without a token, all of them say where to get one.
    pub(crate) fn www_authenticate(&self, denial: &Denial) -> Vec<String> {
        let Some(parameters) = parameters(denial, self.resource.as_deref()) else { return Vec::new() };
        let is_bare = denial.code().challenge() == ChallengeKind::Bare;
        let tried = self.schemes.tried(denial);
        let of_scheme = |scheme: Scheme| {
            let own = Some(&parameters).filter(|own| (is_bare || scheme == tried) && !own.is_empty());
            let algs = self.schemes.algs.as_deref().filter(|_| scheme == Scheme::Dpop);
            let all: Vec<_> = own.cloned().into_iter().chain(algs.map(|algs| quoted("algs", algs))).collect();
            let space = if all.is_empty() { "" } else { " " };
            format!("{}{space}{}", scheme.as_str(), all.join(", "))
        };
        self.schemes.of(denial).map(of_scheme).collect()
    }
}

impl From<BodyFormat> for Style {
    fn from(body: BodyFormat) -> Self {
        Self { body, ..Self::default() }
    }
}

impl Challenge {
    /// The answer to `request`, refused for `denial`, with a body in `format`.
    ///
    /// Of the request only the presence of `Origin` is read: a script of another origin needs a header to see the
    /// challenge. A server asks its guard instead, which knows the format:
    /// [`RequiresAuth::challenge`](crate::RequiresAuth::challenge).
    pub fn new(denial: &Denial, request: &Request<'_>, format: &BodyFormat) -> Self {
        Self::of(denial, request, format, www_authenticate(denial), EXPOSED)
    }

    fn of(
        denial: &Denial,
        request: &Request<'_>,
        format: &BodyFormat,
        www_authenticate: Vec<String>,
        exposed: &str,
    ) -> Self {
        let body = format.write(denial);
        let mut headers = vec![("content-type", body.content_type.clone())];
        if denial.status() < 500 {
            // A refusal must not be served to somebody else, nor after the client got a better token.
            headers.push(("cache-control", "no-store".to_owned()));
        }
        if let Some(seconds) = denial.retry_after() {
            headers.push(("retry-after", seconds.to_string()));
        }
        if request.has_header("origin") {
            // Without this a script of another origin cannot read the challenge (Fetch standard).
            headers.push(("access-control-expose-headers", exposed.to_owned()));
        }
        // RFC 9449 §8.1: at most one.
        headers.extend(denial.dpop_nonce().map(|nonce| ("dpop-nonce", nonce.to_owned())));
        headers.extend(www_authenticate.iter().map(|challenge| ("www-authenticate", challenge.clone())));
        Self { status: denial.status(), www_authenticate, headers, body }
    }

    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The values of `WWW-Authenticate`, one per scheme; none if another credential would not help.
    pub fn www_authenticate(&self) -> &[String] {
        &self.www_authenticate
    }

    /// All headers of the answer, names in lower case, `www-authenticate` and `content-type` included.
    ///
    /// Beside these there are `cache-control: no-store`, so that a refusal is not served to somebody else or after the
    /// client has a better token; `retry-after` in seconds when the issuer is out of reach; and
    /// `access-control-expose-headers` for a request of another origin. A name may come more than once. The length of
    /// the body is left to the framework.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether the body is an error of JSON-RPC, for a message of MCP that could not be read. Such a body is sent as it is,
    /// also where an adapter has a format of its own.
    pub const fn is_json_rpc(&self) -> bool {
        self.body.is_json_rpc
    }

    /// The body, in the format of the guard; [`headers`](Self::headers) has its media type. An answer to `HEAD` leaves
    /// it out.
    pub fn body(&self) -> &[u8] {
        &self.body.bytes
    }

    /// The body, without a copy.
    pub fn into_body(self) -> Vec<u8> {
        self.body.bytes
    }
}

/// The values of `WWW-Authenticate` for a refusal (RFC 6750 §3), one per scheme; empty where another credential would not
/// help: for 403 `access_denied` and for 503.
///
/// This is for answers that are not HTTP responses of a route, such as the refusal of a WebSocket or of a call over
/// another protocol. Everywhere else the [`Challenge`] has these values among its headers. They are those of a guard without a
/// resource: see [`RequiresAuth::www_authenticate`](crate::RequiresAuth::www_authenticate) for one that has one.
///
/// ```
/// use requires_auth::challenge::www_authenticate;
/// use requires_auth::{Denial, ErrorCode};
///
/// // A request without a token learns the scheme, and not that something is wrong with it (RFC 6750 §3.1).
/// assert_eq!(www_authenticate(&Denial::new(ErrorCode::AuthorizationHeaderMissing)), ["Bearer"]);
/// assert!(www_authenticate(&Denial::new(ErrorCode::AccessDenied)).is_empty());
/// ```
pub fn www_authenticate(denial: &Denial) -> Vec<String> {
    Style::default().www_authenticate(denial)
}

/// The parameters of a challenge, none for a bare one; `None` if there is no challenge, as another credential would not
/// help.
fn parameters(denial: &Denial, resource: Option<&Metadata>) -> Option<String> {
    let mut parameters = match denial.code().challenge() {
        ChallengeKind::Absent => return None,
        ChallengeKind::Bare => Vec::new(),
        ChallengeKind::Error(error) => {
            vec![quoted("error", error), quoted("error_description", denial.message())]
        }
    };
    parameters.extend(scope(denial, resource).map(|scope| quoted("scope", scope)));
    parameters.extend(denial.acr_values().map(|acr_values| quoted("acr_values", acr_values)));
    parameters.extend(denial.max_age().map(|max_age| quoted("max_age", max_age)));
    parameters.extend(resource.map(|resource| quoted("resource_metadata", resource.url())));
    Some(parameters.join(", "))
}

/// The scopes to ask for. Of a resource, a 401 names those of every request, and the refusal for a scope these, those of the
/// operation, and those that the token has: a client that asks for exactly this loses none.
fn scope<'d>(denial: &'d Denial, resource: Option<&'d Metadata>) -> Option<Cow<'d, str>> {
    let Some(resource) = resource else { return denial.scope().map(Cow::Borrowed) };
    let base = resource.scopes.base.as_deref();
    match (denial.status(), denial.scope(), denial.base()) {
        (401, None, None) => base.map(Cow::Borrowed),
        (401, _, own) | (_, Some(_), own) => {
            let lists = [base, own, denial.scope(), denial.kept()].into_iter().flatten();
            union(lists).map(Cow::Owned)
        }
        _ => None,
    }
}

/// A parameter of a challenge. Every value is made of our own tables or of checked configuration, and needs
/// no escaping.
fn quoted(name: &str, value: impl fmt::Display) -> String {
    format!("{name}=\"{value}\"")
}

/// A body with its media type: what the function of [`BodyFormat::custom`] returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    content_type: String,
    bytes: Vec<u8>,
    is_json_rpc: bool,
}

impl Body {
    /// A body of your own. `content_type` is the value of the header `Content-Type`; one that cannot be a header value is
    /// left out by the adapters of this crate.
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content_type: content_type.into(), bytes: bytes.into(), is_json_rpc: false }
    }
}

/// What the bodies of refusals look like; chosen for a guard with
/// [`Builder::with_error_body`](crate::guard::Builder::with_error_body).
///
/// Status and headers are the same in every format. The media type is that of the format, whatever the request accepts. A
/// message of MCP that cannot be read is answered with an error of JSON-RPC in every format, which has the members of
/// [`Json`](Self::Json) as its `data`.
///
/// ```
/// # use requires_auth::{ConfigError, Denial, ErrorCode, Request};
/// use requires_auth::RequiresAuth;
/// use requires_auth::challenge::BodyFormat;
///
/// // RFC 9457, for APIs whose other errors are problem details too.
/// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
///     .with_error_body(BodyFormat::ProblemDetails)
///     .build()?;
/// # let headers: [(&str, &str); 0] = [];
/// # let refusal = Denial::new(ErrorCode::AccessDenied);
/// # let challenge = auth.challenge(&Request::new("GET", "/", &headers), &refusal);
/// let body: serde_json::Value = serde_json::from_slice(challenge.body()).expect("JSON");
/// assert_eq!((&body["title"], &body["code"]), (&"Forbidden".into(), &"access_denied".into()));
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum BodyFormat {
    /// Your own, made from the refusal: see [`BodyFormat::custom`].
    Custom(Arc<dyn Fn(&Denial) -> Body + Send + Sync>),
    /// `{"code", "status", "message"}`, with `"reason"` for `invalid_token` and `invalid_dpop_proof`.
    #[default]
    Json,
    /// Problem details (RFC 9457), with `code` and `reason` as extension members.
    ProblemDetails,
}

impl BodyFormat {
    /// A body of your own, made from the refusal: for an API whose errors already have a shape.
    ///
    /// The function is called for each refusal, so it must not block or panic. Let clients match on
    /// [`Denial::code`], which never changes, and show people [`Denial::message`]. [`Denial::hint`] is for whoever runs the
    /// API, and does not belong in a body.
    ///
    /// ```
    /// use requires_auth::challenge::{Body, BodyFormat};
    /// # use requires_auth::{ConfigError, Denial, ErrorCode, Request, RequiresAuth};
    ///
    /// let format = BodyFormat::custom(|denial| {
    ///     let error = serde_json::json!({ "error": { "type": denial.code().as_str(), "text": denial.message() } });
    ///     Body::new("application/vnd.example+json", error.to_string())
    /// });
    /// # let builder = RequiresAuth::builder("https://issuer.example", "https://api.example");
    /// # let auth = builder.with_error_body(format).build()?;
    /// # let headers: [(&str, &str); 0] = [];
    /// # let denial = Denial::new(ErrorCode::AccessDenied);
    /// # let challenge = auth.challenge(&Request::new("GET", "/", &headers), &denial);
    /// assert!(challenge.headers().any(|header| header == ("content-type", "application/vnd.example+json")));
    /// assert!(challenge.body().starts_with(br#"{"error":"#));
    /// # Ok::<(), ConfigError>(())
    /// ```
    pub fn custom(write: impl Fn(&Denial) -> Body + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(write))
    }

    fn write(&self, denial: &Denial) -> Body {
        if let Some(body) = JsonRpc::of(denial) {
            return Body { is_json_rpc: true, ..json("application/json", &body) };
        }
        let (code, status, message) = (denial.code().as_str(), denial.status(), denial.message());
        let reason = denial.reason().map(Reason::as_str);
        match self {
            Self::Custom(write) => write(denial),
            Self::Json => json("application/json", &Plain { code, status, message, reason }),
            Self::ProblemDetails => {
                let title = status_phrase(status);
                let problem = Problem { r#type: "about:blank", title, status, detail: message, code, reason };
                json("application/problem+json", &problem)
            }
        }
    }
}

impl fmt::Debug for BodyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Custom(_) => "Custom(..)",
            Self::Json => "Json",
            Self::ProblemDetails => "ProblemDetails",
        })
    }
}

#[derive(Serialize)]
struct Plain {
    code: &'static str,
    status: u16,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// The error of JSON-RPC 2.0 (§5.1) that a refused message of MCP is answered with, in every format: a client takes a
/// 400 with another body for a server that does not know its protocol version.
#[derive(Serialize)]
struct JsonRpc {
    jsonrpc: &'static str,
    /// That of the message is not told: what cannot be read has none.
    id: (),
    error: JsonRpcError,
}

#[derive(Serialize)]
struct JsonRpcError {
    code: i32,
    message: &'static str,
    data: Plain,
}

impl JsonRpc {
    fn of(denial: &Denial) -> Option<Self> {
        let code = match denial.code() {
            ErrorCode::McpBodyNotJson => -32_700,
            ErrorCode::McpBodyEncoded | ErrorCode::McpBodyTooLarge | ErrorCode::McpMessageInvalid => -32_600,
            // The transport of MCP 2026-07-28, "Server Validation".
            ErrorCode::McpHeaderMismatch => -32_020,
            _ => return None,
        };
        let (status, message) = (denial.status(), denial.message());
        let data = Plain { code: denial.code().as_str(), status, message, reason: None };
        Some(Self { jsonrpc: "2.0", id: (), error: JsonRpcError { code, message, data } })
    }
}

fn json(content_type: &str, body: &impl Serialize) -> Body {
    // Strings and numbers always serialize; an empty body would still carry the status and the challenge.
    Body::new(content_type, serde_json::to_vec(body).unwrap_or_default())
}

/// RFC 9457 §4.2.1: with `about:blank` the title is that of the status.
const fn status_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(denial: &Denial, format: &BodyFormat) -> (Vec<(&'static str, String)>, String) {
        let headers = [("origin", "https://app.example")];
        let challenge = Challenge::new(denial, &Request::new("GET", "/", &headers), format);
        let headers = challenge.headers().map(|(name, value)| (name, value.to_owned())).collect();
        (headers, String::from_utf8(challenge.into_body()).expect("UTF-8"))
    }

    #[test]
    fn an_invalid_token_is_told_why() {
        let (headers, body) = answer(&Denial::invalid_token(Reason::Expired), &BodyFormat::Json);
        assert_eq!(
            body,
            r#"{"code":"invalid_token","status":401,"message":"the token has expired","reason":"expired"}"#
        );
        let challenge = r#"Bearer error="invalid_token", error_description="the token has expired""#;
        assert_eq!(
            headers,
            [
                ("content-type", "application/json".to_owned()),
                ("cache-control", "no-store".to_owned()),
                ("access-control-expose-headers", "WWW-Authenticate".to_owned()),
                ("www-authenticate", challenge.to_owned()),
            ]
        );
    }

    #[test]
    fn every_status_has_its_phrase_and_every_challenge_is_told() {
        let no_headers: [(&str, &str); 0] = [];
        let request = Request::new("GET", "/", &no_headers);
        for (code, title) in [
            (ErrorCode::InvalidRequest, "Bad Request"),
            (ErrorCode::InvalidToken, "Unauthorized"),
            (ErrorCode::AccessDenied, "Forbidden"),
            (ErrorCode::IssuerUnavailable, "Service Unavailable"),
        ] {
            let denial = Denial::new(code);
            let challenge = Challenge::new(&denial, &request, &BodyFormat::ProblemDetails);
            assert_eq!(challenge.www_authenticate(), www_authenticate(&denial), "{code}");
            assert_eq!(challenge.status(), code.status());
            let body = String::from_utf8(challenge.into_body()).expect("UTF-8");
            assert!(body.contains(&format!("\"title\":\"{title}\"")), "{body}");
        }
    }

    #[test]
    fn an_outage_says_when_to_come_back_and_challenges_nobody() {
        let (headers, body) = answer(&Denial::issuer_unavailable(7), &BodyFormat::Json);
        assert!(headers.contains(&("retry-after", "7".to_owned())));
        assert!(!headers.iter().any(|(name, _)| matches!(*name, "www-authenticate" | "cache-control")));
        assert!(!body.contains("reason"), "{body}");
    }

    #[test]
    fn a_login_challenge_has_the_parameters_of_rfc_9470() {
        let denial = Denial::insufficient_user_authentication(Some("gold silver".into()), Some(300));
        let expected = "Bearer error=\"insufficient_user_authentication\", error_description=\"a stronger or more \
                        recent login is required\", acr_values=\"gold silver\", max_age=\"300\"";
        assert_eq!(www_authenticate(&denial), [expected]);
    }

    fn with_dpop(takes_bearer: bool) -> Style {
        let algorithms = [Algorithm::Ed25519, Algorithm::Es256].into_iter().collect();
        Style::default().with_schemes(Schemes::with_dpop(takes_bearer, algorithms))
    }

    /// RFC 9449 §7.1, §7.2: figures 16 to 19.
    #[test]
    fn each_scheme_has_its_challenge_and_the_tried_one_says_what_is_wrong() {
        let (allowed, required) = (with_dpop(true), with_dpop(false));
        let nothing = Denial::new(ErrorCode::AuthorizationHeaderMissing);
        let algs = "algs=\"ES256 Ed25519\"";
        assert_eq!(allowed.www_authenticate(&nothing), ["Bearer".to_owned(), format!("DPoP {algs}")]);
        assert_eq!(required.www_authenticate(&nothing), [format!("DPoP {algs}")]);
        assert_eq!(Style::default().www_authenticate(&nothing), ["Bearer"]);

        let expired = || Denial::invalid_token(Reason::Expired);
        let told = "error=\"invalid_token\", error_description=\"the token has expired\"";
        let by_bearer = [format!("Bearer {told}"), format!("DPoP {algs}")];
        assert_eq!(allowed.www_authenticate(&expired()), by_bearer);
        let by_dpop = ["Bearer".to_owned(), format!("DPoP {told}, {algs}")];
        assert_eq!(allowed.www_authenticate(&expired().by_dpop(true)), by_dpop);
        assert_eq!(required.www_authenticate(&expired()), by_dpop[1..]);
        assert!(allowed.www_authenticate(&Denial::new(ErrorCode::AccessDenied)).is_empty());

        let proof = Denial::invalid_proof(Reason::ProofReused).by_dpop(true);
        let told = "DPoP error=\"invalid_dpop_proof\", error_description=\"the DPoP proof was used before\", algs=\"ES256 Ed25519\"";
        assert_eq!(allowed.www_authenticate(&proof), [told]);
        assert_eq!(required.www_authenticate(&proof), [told]);
    }

    #[test]
    fn the_tried_scheme_says_which_scopes_or_login_are_needed() {
        let scope = || Denial::insufficient_scope("read:orders".into());
        let of_scope = |denial| with_dpop(true).www_authenticate(&denial);
        assert!(
            of_scope(scope())[0].ends_with(", scope=\"read:orders\"")
                && of_scope(scope())[1].starts_with("DPoP algs")
        );
        let by_dpop = of_scope(scope().by_dpop(true));
        assert_eq!(by_dpop[0], "Bearer");
        assert!(by_dpop[1].ends_with(", scope=\"read:orders\", algs=\"ES256 Ed25519\""), "{by_dpop:?}");
        let login = Denial::insufficient_user_authentication(Some("gold".into()), Some(300)).by_dpop(true);
        let login = with_dpop(true).www_authenticate(&login);
        assert!(login[1].contains("acr_values=\"gold\", max_age=\"300\", algs="), "{login:?}");
    }

    /// RFC 9449 §8.1, §9: one header, which scripts of other origins can read.
    #[test]
    fn a_nonce_goes_with_the_answer() {
        let headers = [("origin", "https://app.example")];
        let request = Request::new("GET", "/", &headers);
        let denial = Denial::use_dpop_nonce("one".into()).by_dpop(true);
        let challenge = with_dpop(true).challenge(&denial, &request);
        let all: Vec<_> = challenge.headers().collect();
        assert!(all.contains(&("dpop-nonce", "one")) && all.contains(&("cache-control", "no-store")));
        assert!(all.contains(&("access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce")));
        assert_eq!(challenge.www_authenticate().len(), 1);
        assert!(challenge.www_authenticate()[0].starts_with("DPoP error=\"use_dpop_nonce\", "));
        let other = with_dpop(true).challenge(&Denial::invalid_token(Reason::Expired), &request);
        assert!(other.headers().all(|(name, _)| name != "dpop-nonce"));
        assert!(!format!("{denial:?}").contains("one"), "{denial:?}");
    }

    #[test]
    fn a_message_of_mcp_is_answered_with_an_error_of_json_rpc_in_every_format() {
        let own = BodyFormat::custom(|_| Body::new("text/plain", "no"));
        let denial = Denial::new(ErrorCode::McpHeaderMismatch);
        let expected = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32020,\"message\":\"Mcp-Method or Mcp-Name does \
                        not agree with the body of the message\",\"data\":{\"code\":\"auth.mcp_header_mismatch\",\"status\":400,\
                        \"message\":\"Mcp-Method or Mcp-Name does not agree with the body of the message\"}}}";
        for format in [BodyFormat::Json, BodyFormat::ProblemDetails, own] {
            let (headers, body) = answer(&denial, &format);
            assert_eq!((&*headers[0].1, &*body), ("application/json", expected));
        }
        for (code, number) in [
            (ErrorCode::McpBodyNotJson, -32_700),
            (ErrorCode::McpMessageInvalid, -32_600),
            (ErrorCode::McpBodyTooLarge, -32_600),
            (ErrorCode::McpBodyEncoded, -32_600),
        ] {
            let body = answer(&Denial::new(code), &BodyFormat::Json).1;
            assert!(body.contains(&format!("\"error\":{{\"code\":{number},")), "{body}");
        }
        // A refusal for want of a rule is one of the guard, and has the format of the guard.
        let body = answer(&Denial::new(ErrorCode::McpOperationUnknown), &BodyFormat::Json).1;
        assert!(body.starts_with("{\"code\":\"auth.mcp_operation_unknown\""), "{body}");
    }

    #[test]
    fn problem_details_and_own_bodies() {
        let denial = Denial::new(ErrorCode::AccessDenied);
        let (headers, body) = answer(&denial, &BodyFormat::ProblemDetails);
        assert_eq!(headers[0].1, "application/problem+json");
        assert_eq!(
            body,
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"the claims of the token do not allow this request","code":"access_denied"}"#
        );
        let own = BodyFormat::custom(|denial| Body::new("text/plain", format!("no: {}", denial.code())));
        assert_eq!(answer(&denial, &own).1, "no: access_denied");
    }
}
