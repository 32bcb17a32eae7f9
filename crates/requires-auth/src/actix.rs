//! Middleware for actix-web, and the access token as an argument of a handler.
//!
//! # Which middleware
//!
//! | a request passes with | middleware |
//! | --- | --- |
//! | any valid token | [`RequiresAuth::middleware`] |
//! | a token that has every scope of a list | [`RequiresAuth::requires`] |
//! | a token that a [`Policy`](crate::Policy) allows: one of several scopes, a claim, a recent login | [`RequiresAuth::requires_policy`] |
//! | any valid token, or without a token | [`RequiresAuth::optional_middleware`] |
//!
//! It goes around an application, a scope, a resource or a route, with `wrap`. A service needs one of them. Nested, they are looked
//! at from the outside in, and the token is verified once.
//!
//! # What it decides
//!
//! 0. A request for the metadata document of the guard's [`resource`](RequiresAuth::resource) is answered here, if it has one.
//! 1. A CORS preflight passes unchecked: a browser sends it without credentials.
//! 2. A request that this guard, or a clone of it, has already let pass with a token keeps that token; only the policy is
//!    checked. Another guard's token never counts, in whatever order guards are nested.
//! 3. Behind [`optional_middleware`](RequiresAuth::optional_middleware) a request without `Authorization` header, or with another
//!    scheme in it than Bearer and DPoP, passes as anonymous. A bad token is refused all the same.
//! 4. Any other request needs a valid token, and one that the policy allows.
//!
//! A refused request never reaches the handler: its answer is the [`Challenge`](crate::challenge::Challenge), with the [`Denial`] in
//! the extensions of the response. It is a response and not an error of actix-web, since `Cors` adds nothing to errors.
//!
//! # What a handler asks for
//!
//! | argument | behind a guard | behind [`optional_middleware`](RequiresAuth::optional_middleware), without a token | without a guard |
//! | --- | --- | --- | --- |
//! | [`AccessToken`] | runs | 401 | 500 |
//! | [`OptionalToken`] | runs with `Some` | runs with `None` | 500 |
//! | `Result<AccessToken, AccessTokenRejection>` | runs with `Ok` | runs with `Err`, for an answer of your own | runs with `Err` |
//!
//! The argument only reads what the guard has found: it verifies nothing, and a clone of the token is cheap.
//!
//! # Caveats
//!
//! - **`Option<AccessToken>` is `None` without a guard, too**: actix-web makes `None` of every error of such an argument. Take
//!   [`OptionalToken`].
//! - Of several `wrap`s the last one is the outermost: `.wrap(auth.middleware()).wrap(cors)`, so that a refusal too carries
//!   `Access-Control-Allow-Origin`. Preflights get through in either order.
//! - What changes method or URL goes outside the guard, such as `NormalizePath`: the guard decides by what it sees. A proof of
//!   possession is then for the URL as it was changed.
//! - A claim rule on a [path parameter](crate::policy::ClaimTest::path) goes around a scope, a resource or a route. Around the whole
//!   application no route is found yet, and such a rule refuses.
//! - Behind two guards the token is that of the inner one.
//! - A handler of `web::to` or of `OPTIONS` also sees preflights, which pass without a token; one that takes an [`AccessToken`]
//!   refuses them.
//! - A certificate of the client ([`with_client_certificates`](crate::guard::Builder::with_client_certificates)) is a
//!   [`ClientCertificate`](crate::client_certificate::ClientCertificate) that the server has put into the extensions of the connection in
//!   `HttpServer::on_connect`, or into those of the request.
//!
//! # Example
//!
//! ```
//! use actix_web::{App, HttpServer, web};
//! use requires_auth::{AccessToken, RequiresAuth};
//!
//! async fn user_info(token: AccessToken) -> String {
//!     token.subject().unwrap_or("no subject").to_owned()
//! }
//!
//! # fn server() -> Result<(), Box<dyn std::error::Error>> {
//! // One guard for all workers: its keys and its cache are shared by its clones.
//! let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
//! let server = HttpServer::new(move || {
//!     let orders = web::resource("/orders")
//!         .route(web::get().to(async || "orders").wrap(auth.requires("read:orders")))
//!         .route(web::post().to(async || "created").wrap(auth.requires("write:orders")));
//!     App::new().wrap(auth.middleware()).route("/user/info", web::get().to(user_info)).service(orders)
//! });
//! # drop(server);
//! # Ok(())
//! # }
//! # server().unwrap();
//! ```
//!
//! # Links
//!
//! - A server to start from: `cargo run -p requires-auth --example actix --features actix`

mod middleware;
mod future;
mod extractor;
mod metadata;
mod request;
mod response;

pub use extractor::{AccessTokenRejection, OptionalToken};
pub use future::AuthFuture;
pub use middleware::{AuthMiddleware, AuthService};

#[cfg(doc)]
use crate::{AccessToken, Denial, RequiresAuth};
