//! Layers for any tower service: the guard around a route.
//!
//! # Which layer
//!
//! | a request passes with | layer |
//! | --- | --- |
//! | any valid token | [`RequiresAuth::layer`] |
//! | a token that has every scope of a list | [`RequiresAuth::require`] |
//! | a token that a [`Policy`](crate::Policy) allows: one of several scopes, a claim, a recent login | [`RequiresAuth::require_policy`] |
//! | any valid token, or without a token | [`RequiresAuth::optional_layer`] |
//! | a token with the scopes of the tool that it calls, on an MCP server | `RequiresAuth::mcp` (feature `mcp`) |
//!
//! A service needs one of them. Nested, they are looked at from the outside in, and the token is verified once.
//!
//! # What it decides
//!
//! 0. A request for the metadata document of the guard's [`resource`](RequiresAuth::resource) is answered here, if it has one.
//! 1. A CORS preflight passes unchecked: a browser sends it without credentials.
//! 2. A request that this guard, or a clone of it, has already let pass with a token keeps that token; only
//!    the policy is checked. Another guard's token never counts, in whatever order guards are nested.
//! 3. Behind [`optional_layer`](RequiresAuth::optional_layer) a request without `Authorization` header, or with
//!    another scheme in it than Bearer and DPoP, passes as anonymous. A bad token is refused all the same.
//! 4. Any other request needs a valid token. [`require`](RequiresAuth::require) and
//!    [`require_policy`](RequiresAuth::require_policy) then check the policy; they need no
//!    [`layer`](RequiresAuth::layer) around them.
//!
//! A request that passes has its [`AccessToken`](crate::AccessToken) in its extensions, if it has a token. A
//! refused request never reaches the service: its answer is the [`Challenge`](crate::challenge::Challenge),
//! with the [`Denial`](crate::Denial) in the extensions of the response, for whoever logs or counts.
//!
//! With keys at hand the service is called at once; only a request that waits for keys is boxed.
//!
//! # Caveats
//!
//! - CORS: put the CORS middleware outside the guard, so that a refusal too carries
//!   `Access-Control-Allow-Origin`. Preflights get through in either order.
//! - What changes method, URL or `Authorization` header goes outside the guard: the guard decides by what it sees,
//!   and a preflight that becomes a `DELETE` behind it would be a `DELETE` without a token.
//! - Extensions are as wide as the request: the token in them is that of the innermost guard.
//! - The response body is made from the bytes of the challenge: `From<Vec<u8>>`, which `axum::body::Body` and
//!   `http_body_util::Full<Bytes>` are. Middleware that changes the type of the body goes outside the guard.
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use requires_auth::{AccessToken, RequiresAuth};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! async fn hello(request: Request<()>) -> Result<Response<Vec<u8>>, Infallible> {
//!     let subject = request.extensions().get::<AccessToken>().and_then(AccessToken::subject);
//!     Ok(Response::new(format!("hello {}", subject.unwrap_or("nobody")).into()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
//! let service = ServiceBuilder::new().layer(auth.require("read:orders")).service_fn(hello);
//!
//! let response = service.oneshot(Request::new(())).await?;
//! assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(response.headers()["www-authenticate"], "Bearer");
//! # Ok(())
//! # }
//! ```
//!
//! # Count or log refusals
//!
//! A refusal is logged by the guard. A middleware of your own outside it finds the [`Denial`](crate::Denial) in the
//! extensions of the response, so that nothing has to be read out of a body:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use requires_auth::{Denial, RequiresAuth};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
//! let service = ServiceBuilder::new()
//!     .map_response(|mut response: Response<Vec<u8>>| {
//!         // The codes are a fixed table, so they are safe as the label of a metric.
//!         if let Some(denial) = response.extensions().get::<Denial>() {
//!             let code = http::HeaderValue::from_static(denial.code().as_str());
//!             response.headers_mut().insert("x-refused-for", code);
//!         }
//!         response
//!     })
//!     .layer(auth.layer())
//!     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(b"orders".to_vec())));
//!
//! let refusal = service.oneshot(Request::new(())).await?;
//! assert_eq!(refusal.headers()["x-refused-for"], "auth.authorization_header_missing");
//! # Ok(())
//! # }
//! ```
//!
//! # Certificates of clients
//!
//! With [`client_certificates`](crate::guard::Builder::with_client_certificates) a token may be bound to a certificate of its
//! client (RFC 8705). A server that ends TLS itself puts the certificate of the connection into the extensions of each of its
//! requests, outside the guard:
//!
//! ```
//! use http::Request;
//! use requires_auth::client_certificate::ClientCertificate;
//!
//! /// For each request of a connection. With rustls, `peer_certificates()` of the connection begins with that of the client.
//! fn with_certificate<B>(mut request: Request<B>, peer_certificates: Option<&[Vec<u8>]>) -> Request<B> {
//!     if let Some(der) = peer_certificates.and_then(<[_]>::first) {
//!         request.extensions_mut().insert(ClientCertificate::from_der(der));
//!     }
//!     request
//! }
//! # let _ = with_certificate::<()>;
//! ```
//!
//! # Two issuers
//!
//! Give one guard [several issuers](crate::guard::Builder::with_issuer) where their tokens open the same routes.
//! Use two guards where they do not, such as an API for customers and one for staff: a token that one guard has let
//! through means nothing to the other, also where a service is behind both.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use requires_auth::RequiresAuth;
//! # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
//! use tower::{ServiceBuilder, ServiceExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let key = SigningKey::generate(Algorithm::Es256);
//! # let jwks = jwk_set([&key]).to_string();
//! # let guard = |issuer| RequiresAuth::builder(issuer, "https://api.example").with_jwks(jwks.clone()).build();
//! let (customers, staff) = (guard("https://customers.example")?, guard("https://staff.example")?);
//! # let forge = Forge::new("https://customers.example", "https://api.example", key);
//! let service = ServiceBuilder::new()
//!     .layer(customers.layer())
//!     .layer(staff.layer())
//!     .service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(b"payroll".to_vec())));
//!
//! let request = Request::builder().header("authorization", format!("Bearer {}", forge.token().mint()));
//! assert_eq!(service.oneshot(request.body(())?).await?.status(), 401);
//! # Ok(())
//! # }
//! ```
//!
//! # Links
//!
//! - Bearer tokens and their challenges: [RFC 6750](https://www.rfc-editor.org/rfc/rfc6750)
//! - Readiness of services: [`tower_service::Service`](https://docs.rs/tower-service/latest/tower_service/trait.Service.html)
//! - The handler's side, in axum: the module `axum`

// Adapters that stand on this one use what is not private here.
pub(crate) mod layer;
pub(crate) mod service;
mod future;
mod path;
pub(crate) mod request;
pub(crate) mod response;
#[cfg(feature = "mcp")]
mod mcp;

pub use future::AuthFuture;
pub use layer::AuthLayer;
#[cfg(feature = "mcp")]
pub use mcp::{McpLayer, McpLayerBuilder, McpService};
pub use service::AuthService;

#[cfg(doc)]
use crate::RequiresAuth;
