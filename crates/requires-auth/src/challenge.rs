//! How a refusal looks on the wire: status, `WWW-Authenticate`, body (RFC 6750 §3, RFC 9457).
//!
//! With axum and tower the layers write this answer, and nothing of this module is needed but [`BodyFormat`]. An adapter
//! for another framework asks [`RequiresAuth::challenge`](crate::RequiresAuth::challenge) for the [`Challenge`] and
//! copies its status, headers and body, all three unchanged.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::credential::Scheme;
use crate::error::{ChallengeKind, Denial};
use crate::metadata::Metadata;
use crate::policy::union;
use crate::request::Request;

mod body;
mod schemes;
#[cfg(test)]
mod tests;

pub use body::{Body, BodyFormat};
pub(crate) use schemes::Schemes;

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
