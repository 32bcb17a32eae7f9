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
//! - Of a guard with a [`resource`](RequiresAuth::resource), a layer of the whole router also serves the metadata document. Where
//!   routers are merged or nested, or where layers stand around single routes, merge
//!   [`metadata_router`](RequiresAuth::metadata_router) into the outermost router.
//! - CORS: `CorsLayer` goes outside the guard, so that a refusal too carries `Access-Control-Allow-Origin`:
//!   `.layer(auth.layer()).layer(cors)`. Preflights get through in either order.
//! - Behind two guards the token is that of the inner one.
//! - Browsers cannot send the header with a WebSocket or an `EventSource`. Let the guard read a subprotocol or a cookie
//!   ([`with_token_from`](crate::guard::Builder::with_token_from)), or judge a token that comes in the first message with
//!   [`verify`](crate::RequiresAuth::verify), which says more; for a stream of events use `fetch`. A WebSocket is closed when
//!   its token ends with [`TokenEnd`](crate::guard::TokenEnd).
//! - A handler of `any` or `options` also sees preflights, which pass without a token; one that takes an
//!   [`AccessToken`] refuses them.
//!
//! # What a handler asks for
//!
//! | argument | behind [`layer`](RequiresAuth::layer), [`require`](RequiresAuth::require) or [`methods`](RequiresAuth::methods) | behind [`optional_layer`](RequiresAuth::optional_layer), without a token |
//! | --- | --- | --- |
//! | none | runs | runs |
//! | [`AccessToken`] | runs | 401 |
//! | `Option<AccessToken>` | runs with `Some` | runs with `None` |
//! | `Result<AccessToken, AccessTokenRejection>` | runs with `Ok` | runs with `Err`, for an answer of your own |
//!
//! Without a guard around the route the last three answer 500. The extractor only reads what the guard has found: it
//! verifies nothing, and a clone of the token is cheap.
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
//! # A user of your own
//!
//! Where every handler needs the same few claims, write one extractor for them. It uses that of [`AccessToken`], and so
//! refuses in the same way.
//!
//! ```
//! use axum::extract::FromRequestParts;
//! use axum::response::{IntoResponse, Response};
//! use http::request::Parts;
//! use requires_auth::AccessToken;
//!
//! struct Member {
//!     id: String,
//!     tenant: String,
//! }
//!
//! impl<S: Sync> FromRequestParts<S> for Member {
//!     type Rejection = Response;
//!
//!     async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
//!         let token = <AccessToken as FromRequestParts<S>>::from_request_parts(parts, state)
//!             .await
//!             .map_err(IntoResponse::into_response)?;
//!         // A token of another kind, such as a machine's, has no tenant: say so here, once.
//!         match (token.subject(), token.claim("tenant")) {
//!             (Some(id), Some(tenant)) => Ok(Self { id: id.to_owned(), tenant }),
//!             _ => Err((http::StatusCode::FORBIDDEN, "only members may call this API").into_response()),
//!         }
//!     }
//! }
//!
//! async fn orders(member: Member) -> String {
//!     format!("the orders of {} at {}", member.id, member.tenant)
//! }
//! # let _: axum::Router = axum::Router::new().route("/orders", axum::routing::get(orders));
//! ```
//!
//! # Test the routes
//!
//! A router is a service, so that its guard can be tested without a socket and without the issuer: give the guard a key
//! of the test with [`with_jwks`](crate::guard::Builder::with_jwks), and mint tokens with `requires-auth-testkit`.
//!
//! ```
//! use axum::{Router, body::Body, routing::get};
//! use http::{Request, StatusCode};
//! use requires_auth::RequiresAuth;
//! use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
//! use tower::ServiceExt;
//!
//! // The function that the server calls, with its guard as an argument.
//! fn app(auth: &RequiresAuth) -> Router {
//!     Router::new().route("/orders", get(async || "orders").layer(auth.require("read:orders")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::Es256);
//! let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
//!     .with_jwks(jwk_set([&key]).to_string())
//!     .build()?;
//! let forge = Forge::new("https://issuer.example", "https://api.example", key);
//!
//! let status = async |token: String| {
//!     let request = Request::get("/orders").header("authorization", format!("Bearer {token}"));
//!     app(&auth).oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
//! };
//! assert_eq!(status(forge.token().scope("read:orders").mint()).await, StatusCode::OK);
//! assert_eq!(status(forge.token().scope("read:stock").mint()).await, StatusCode::FORBIDDEN);
//! let forged = forge.token().scope("read:orders").defect(Defect::SignatureMismatch).mint();
//! assert_eq!(status(forged).await, StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # Behind CORS
//!
//! The last layer is the outermost. With CORS outside the guard a script of the page can read why it was refused:
//!
//! ```
//! use axum::{Router, body::Body, routing::get};
//! use http::Request;
//! # use requires_auth::RequiresAuth;
//! use tower::ServiceExt;
//! use tower_http::cors::CorsLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
//! let app: Router =
//!     Router::new().route("/orders", get(async || "orders")).layer(auth.layer()).layer(CorsLayer::permissive());
//!
//! let request = Request::get("/orders").header("origin", "https://app.example").body(Body::empty())?;
//! let refusal = app.oneshot(request).await?;
//! assert_eq!(refusal.status(), 401);
//! assert_eq!(refusal.headers()["access-control-allow-origin"], "*");
//! # Ok(())
//! # }
//! ```
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
use crate::tower::request::{Passed, view};
use crate::tower::response::{refusal, response};
use crate::verify::{AccessToken, ClaimsError};

mod metadata;
mod methods;

pub use methods::GuardedMethods;

const NO_GUARD: &str = "no access-token guard stands before this route: add `.layer(auth.layer())`";

/// The token that the request has passed the guard with. Refuses an anonymous request with 401; without a guard around
/// the route it answers 500.
///
/// ```
/// use axum::{Router, routing::get};
/// use requires_auth::verify::ClaimsError;
/// use requires_auth::{AccessToken, RequiresAuth};
///
/// #[derive(serde::Deserialize)]
/// struct Profile {
///     email: String,
/// }
///
/// // `?` on the claims is a 403 `access_denied`, and the log says where the type does not fit.
/// async fn email(token: AccessToken) -> Result<String, ClaimsError> {
///     let profile: Profile = token.claims()?;
///     Ok(profile.email)
/// }
///
/// fn routes(auth: &RequiresAuth) -> Router {
///     Router::new().route("/email", get(email)).layer(auth.layer())
/// }
/// ```
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

/// `None` is an anonymous request, which only [`optional_layer`](RequiresAuth::optional_layer) lets through. Without a
/// guard around the route it answers 500: a forgotten layer must not make everybody anonymous.
///
/// A bad token never gets here as `None`: the guard refuses it, so that a client notices that its token has expired.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use http::Request;
/// use requires_auth::{AccessToken, RequiresAuth};
/// use tower::ServiceExt;
///
/// async fn prices(token: Option<AccessToken>) -> &'static str {
///     match token {
///         Some(token) if token.has_scope("wholesale") => "1.20",
///         _ => "1.90",
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
/// let app: Router = Router::new().route("/prices", get(prices)).layer(auth.optional_layer());
///
/// let anonymous = Request::get("/prices").body(Body::empty())?;
/// assert_eq!(app.clone().oneshot(anonymous).await?.status(), 200);
/// let bad_token = Request::get("/prices").header("authorization", "Bearer opaque").body(Body::empty())?;
/// assert_eq!(app.oneshot(bad_token).await?.status(), 401);
/// # Ok(())
/// # }
/// ```
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
/// It is a response already; a handler sees it only if it takes `Result<AccessToken, AccessTokenRejection>`, which is for
/// answers of its own, such as a page instead of JSON:
///
/// ```
/// use axum::response::{Html, IntoResponse, Response};
/// use requires_auth::AccessToken;
/// use requires_auth::axum::AccessTokenRejection;
///
/// async fn dashboard(token: Result<AccessToken, AccessTokenRejection>) -> Response {
///     match token {
///         Ok(token) => Html(format!("<p>{} scopes</p>", token.scopes().count())).into_response(),
///         // Nobody is logged in. Keep the status, so that a cache or a crawler sees it too.
///         Err(rejection) if rejection.denial().is_some() => {
///             (rejection.status(), Html(r#"<a href="/login">log in</a>"#)).into_response()
///         }
///         // No guard is around the route: a mistake of ours, and a 500.
///         Err(rejection) => rejection.into_response(),
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(dashboard));
/// ```
///
/// For another format of all refusals see [`Builder::with_error_body`](crate::guard::Builder::with_error_body).
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

    /// The status of the answer: 401, or 500 if there is no guard around the route.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Why the request is refused; `None` if there is no guard around the route, which is a mistake of the server.
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
/// It is logged, as the mistake may as well be in the type that was asked for. The body has the default format, since
/// the error does not know which guard the request has passed; convert it to a [`Denial`] for another one.
impl IntoResponse for ClaimsError {
    fn into_response(self) -> Response {
        tracing::warn!(error = %self, "a handler cannot read a good token as the type that it asks for");
        // It is not known for which request or which guard: the format is the default.
        let headers: [(&str, &str); 0] = [];
        let (request, denial) = (Request::new("-", "-", &headers), self.into());
        response(Challenge::new(&denial, &request, &BodyFormat::default()), denial)
    }
}
