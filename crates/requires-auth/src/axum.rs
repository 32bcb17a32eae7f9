//! The access token as an argument of an axum handler.
//!
//! # What it decides
//!
//! 1. Behind a guard, [`AccessToken`] is the token that the request has passed with, and
//!    `Option<AccessToken>` is `None` for an anonymous request.
//! 2. An anonymous request, or a preflight, that reaches a handler with a required [`AccessToken`] is refused:
//!    401 `auth.authorization_header_missing`, in the guard's own format.
//! 3. Without a guard around the route there is no token to judge by: both answer 500 and log an error. A
//!    forgotten layer opens nothing.
//!
//! # Caveats
//!
//! - **A layer of a method router guards the methods before it, and no other.** In
//!   `get(list).layer(auth.require("read")).post(create)` the `POST` is open, unless a layer of the router stands
//!   around it; in `post(create).layer(auth.require("write")).get(list).layer(auth.require("read"))` it wants both
//!   scopes. Give each method a line of its own, as below, or use
//!   [`methods`](crate::RequiresAuth::methods), which cannot be written in the wrong order.
//! - `Router::layer` guards the routes above it. A route that is added after it is public.
//! - CORS: `CorsLayer` goes outside the guard, so that a refusal too carries `Access-Control-Allow-Origin`:
//!   `.layer(auth.layer()).layer(cors)`. Preflights get through in either order.
//! - Behind two guards the token is that of the inner one.
//! - Browsers cannot send the header with a WebSocket or an `EventSource`. Judge a token that comes in the first
//!   message with [`verify`](crate::RequiresAuth::verify), which says more; for a stream of events use `fetch`.
//! - A handler of `any` or `options` also sees preflights, which pass without a token; one that takes an
//!   [`AccessToken`] refuses them.
//!
//! # Example
//!
//! ```
//! use axum::Router;
//! use axum::routing::{get, post};
//! use requires_auth::{AccessToken, RequiresAuth};
//!
//! # fn routes() -> Result<Router, requires_auth::ConfigError> {
//! let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
//! let app = Router::new()
//!     .route("/user/info", get(user_info))
//!     // Two methods of one path are two lines.
//!     .route("/orders", get(list_orders).layer(auth.require("read:orders")))
//!     .route("/orders", post(create_order).layer(auth.require("write:orders")))
//!     .layer(auth.layer());
//! # Ok(app)
//! # }
//! # routes().unwrap();
//!
//! async fn user_info(token: AccessToken) -> String {
//!     token.subject().unwrap_or("no subject").to_owned()
//! }
//!
//! async fn list_orders() -> &'static str {
//!     "orders"
//! }
//!
//! async fn create_order() -> &'static str {
//!     "created"
//! }
//! ```
//!
//! `token.claims::<T>()?` reads the claims into a type of your own; a handler whose error is
//! [`ClaimsError`] answers 403 when they do not fit.
//!
//! # Links
//!
//! - The layers, and what they decide: [`tower`](crate::tower)
//! - A server to start from: `cargo run -p requires-auth --example axum --features axum`

use std::fmt;

use ::axum::extract::{FromRequestParts, OptionalFromRequestParts};
use ::axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::challenge::{BodyFormat, Challenge};
use crate::error::Denial;
use crate::guard::RequiresAuth;
use crate::request::Request;
use crate::tower::{Passed, refusal, response, view};
use crate::verify::{AccessToken, ClaimsError};

mod methods;

pub use methods::GuardedMethods;

const NO_GUARD: &str = "no access-token guard stands before this route: add `.layer(auth.layer())`";

/// Refuses an anonymous request; without a guard around the route it answers 500.
impl<S: Sync> FromRequestParts<S> for AccessToken {
    type Rejection = AccessTokenRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        match Passed::of(&parts.extensions) {
            Some(Passed::Token(token)) => Ok(token.clone()),
            Some(Passed::NoToken(auth)) => Err(AccessTokenRejection::anonymous(auth, parts)),
            None => Err(AccessTokenRejection::no_guard(parts)),
        }
    }
}

/// `None` is an anonymous request. Without a guard around the route it answers 500.
impl<S: Sync> OptionalFromRequestParts<S> for AccessToken {
    type Rejection = AccessTokenRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        match Passed::of(&parts.extensions) {
            Some(Passed::Token(token)) => Ok(Some(token.clone())),
            Some(Passed::NoToken(_)) => Ok(None),
            None => Err(AccessTokenRejection::no_guard(parts)),
        }
    }
}

/// A handler asks for an [`AccessToken`], and the request has none.
///
/// It is a response already; a handler sees it only if it takes `Result<AccessToken, AccessTokenRejection>`.
pub struct AccessTokenRejection {
    // Boxed, as a response is large and a rejection is rare.
    response: Box<Response>,
}

impl AccessTokenRejection {
    fn anonymous(auth: &RequiresAuth, parts: &Parts) -> Self {
        let seen = view(&parts.method, &parts.uri, &parts.headers);
        let denial = auth.refuse_anonymous(&seen);
        Self { response: Box::new(refusal(auth, &seen, denial)) }
    }

    fn no_guard(parts: &Parts) -> Self {
        tracing::error!(method = parts.method.as_str(), path = parts.uri.path(), "{NO_GUARD}");
        Self { response: Box::new((StatusCode::INTERNAL_SERVER_ERROR, NO_GUARD).into_response()) }
    }

    /// The status of the answer: 401, or 500 if no guard stands before the route.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Why the request is refused; `None` if no guard stands before the route.
    pub fn denial(&self) -> Option<&Denial> {
        self.response.extensions().get()
    }
}

impl fmt::Debug for AccessTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenRejection")
            .field("status", &self.status())
            .field("denial", &self.denial())
            .finish()
    }
}

impl fmt::Display for AccessTokenRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denial() {
            Some(denial) => denial.fmt(f),
            None => f.write_str(NO_GUARD),
        }
    }
}

impl std::error::Error for AccessTokenRejection {}

impl IntoResponse for AccessTokenRejection {
    fn into_response(self) -> Response {
        *self.response
    }
}

/// 403 `access_denied`, as JSON: the token is good, and a claim that the handler needs is absent or of another type.
///
/// It is logged, as the mistake may as well be in the type that was asked for.
impl IntoResponse for ClaimsError {
    fn into_response(self) -> Response {
        tracing::warn!(error = %self, "a handler cannot read a good token as the type that it asks for");
        // It is not known for which request or which guard: the format is the default.
        let headers: [(&str, &str); 0] = [];
        let (request, denial) = (Request::new("-", "-", &headers), self.into());
        response(Challenge::new(&denial, &request, &BodyFormat::default()), denial)
    }
}
