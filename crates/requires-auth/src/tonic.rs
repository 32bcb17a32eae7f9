//! Layers for gRPC servers: tonic's, and any other on tower.
//!
//! tonic itself is not needed for this: a layer works on the types of the crate `http`, with each version of tonic that does.
//!
//! # What it decides
//!
//! A call is let through as the module [`tower`](crate::tower) does it, by the rule for its path: of its method, of its service, or
//! of all others ([`RequiresAuth::grpc`]). A call that passes has its [`AccessToken`] in its extensions.
//! What a call and its answer stream is not touched, nor is `grpc-timeout`.
//!
//! # How a refusal looks
//!
//! It is an answer of gRPC without a message (trailers-only), which a client sees as a `Status`:
//!
//! | part | what |
//! | --- | --- |
//! | status | `UNAUTHENTICATED` for 401, `PERMISSION_DENIED` for 403, `UNAVAILABLE` for 503: see [`grpc_code`] |
//! | message | one fixed sentence, which holds nothing of the token |
//! | metadata `auth-code`, `auth-reason` | the [`ErrorCode`](crate::ErrorCode) and the [`Reason`](crate::Reason), if there is one |
//! | metadata `www-authenticate` | the challenge, one value for each scheme |
//! | metadata `retry-after`, `dpop-nonce` | as over HTTP |
//!
//! A call of gRPC-Web is answered with its own media type. A request with another media type is not a call, and gets the refusal of HTTP,
//! as a server of tonic may have routes of axum beside its services. The metadata document of a guard's
//! [`resource`](RequiresAuth::resource) is served, too.
//!
//! # Caveats
//!
//! - **No CORS preflight passes.** A server of tonic runs the handler of a call whatever its HTTP method is, so that a preflight which
//!   passes would be a call without a token. For gRPC-Web, CORS goes outside the guard and answers preflights itself.
//! - With [`with_dpop`](crate::guard::Builder::with_dpop) a proof is for `POST` and for the URL of the method, such as
//!   `https://api.example.com/shop.Orders/List`: set [`with_public_url`](crate::guard::Builder::with_public_url).
//! - A token is judged when a call begins. A stream that may last longer than its token ends itself, with
//!   [`TokenEnd`](crate::guard::TokenEnd).
//! - An interceptor of tonic runs behind the layer, and finds the token in the extensions of its request, too.
//!
//! # Example
//!
//! With tonic the layer goes around the server: `Server::builder().layer(layer).add_service(..)`. The handler of a call reads the
//! token:
//!
//! ```
//! use requires_auth::AccessToken;
//! use tonic::{Request, Status};
//!
//! /// Whose call this is. Behind the layer there is a token, unless the name of the method is open or optional.
//! fn subject<T>(request: &Request<T>) -> Result<&str, Status> {
//!     let token = request.extensions().get::<AccessToken>();
//!     token.and_then(AccessToken::subject).ok_or_else(|| Status::permission_denied("only users may call this"))
//! }
//! # let _ = subject::<()>;
//! ```
//!
//! # Links
//!
//! - gRPC over HTTP/2: [the protocol](https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)
//! - A server to start from: `cargo run -p requires-auth --example tonic --features tonic`

mod status;
mod body;
mod layer;
mod builder;

pub use body::{GrpcBody, GrpcBodyFuture, WithGrpcBody};
pub use builder::GrpcLayerBuilder;
pub use layer::{GrpcFuture, GrpcLayer, GrpcService};
pub use status::grpc_code;

#[cfg(doc)]
use crate::{AccessToken, RequiresAuth};
