//! Error answers of the endpoints for clients, and of the authorization endpoint (RFC 6749 §4.1.2.1 and §5.2).
//!
//! A description is for the developer who reads the answer. It names parameters, never their values: a code, a secret or a token
//! may be one of them.

use axum::Json;
use axum::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The codes that an answer may have, each with its status where it is not sent by a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorCode {
    AccessDenied,
    InvalidClient,
    InvalidClientMetadata,
    InvalidDpopProof,
    InvalidGrant,
    InvalidRedirectUri,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    RequestNotSupported,
    RequestUriNotSupported,
    ServerError,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UseDpopNonce,
}

impl ErrorCode {
    /// RFC 6749, and RFC 7591 §3.2.2 of registration, RFC 8707 §2 of resources, RFC 9449 §5 and §8 of proofs, OIDC Core §3.1.2.6 of request objects.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::InvalidClient => "invalid_client",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::ServerError => "server_error",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UseDpopNonce => "use_dpop_nonce",
        }
    }

    const fn status(self) -> StatusCode {
        match self {
            Self::InvalidClient => StatusCode::UNAUTHORIZED,
            Self::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// An OAuth error code with a sentence for the developer.
#[derive(Debug)]
pub(super) struct OAuthError {
    code: ErrorCode,
    description: String,
}

impl OAuthError {
    pub(super) fn new(code: ErrorCode, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    pub(super) fn invalid_client(description: &str) -> Self {
        Self::new(ErrorCode::InvalidClient, description)
    }

    pub(super) fn invalid_grant(description: &str) -> Self {
        Self::new(ErrorCode::InvalidGrant, description)
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, description)
    }

    pub(super) fn server_error(description: &str) -> Self {
        Self::new(ErrorCode::ServerError, description)
    }

    pub(super) fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for the developer.
    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// The sentence in the characters that an answer may have: RFC 6749 §5.2 leaves out quotes, backslashes and all that
    /// is not printable ASCII.
    pub(super) fn printable_description(&self) -> String {
        let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        self.description.chars().map(|c| if allowed(c) { c } else { '\'' }).collect()
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body =
            Json(json!({ "error": self.code.name(), "error_description": self.printable_description() }));
        let status = self.code.status();
        let mut response = (status, [(CACHE_CONTROL, "no-store")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(r#"Basic realm="development issuer""#);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
