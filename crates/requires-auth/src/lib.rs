//! The access-token guard for your API: the resource-server side of OAuth 2.0 and OpenID Connect.
//!
//! A request passes only with a valid access token of the right issuer, for this API, with the scopes that
//! the route asks for. Keys are found by discovery, fetched on first need and rotated with the issuer;
//! an outage of the issuer is a 503, never a 401.
//!
//! ```
//! use requires_auth::{Policy, Request, RequiresAuth};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let auth = RequiresAuth::new("https://tenant-id.logto.app/oidc", "https://api.example.com")?;
//!
//! let headers = [("authorization", "Bearer eyJhbGciOiJFUzM4NCIs...")];
//! let request = Request::new("POST", "/orders", &headers);
//! let token = auth.authorize(&request, &Policy::all_of(["write:orders"])).await?;
//! println!("{:?} may write orders", token.subject());
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
//! | the token comes with | begin with |
//! | --- | --- |
//! | a request to an axum server | the module `axum` (feature `axum`): a layer, and [`AccessToken`] as an argument |
//! | a gRPC call to a tonic server | the module `tonic` (feature `tonic`) |
//! | a request to an actix-web server | the module `actix` (feature `actix`) |
//! | a request to another tower service | the module `tower` (feature `tower`) |
//! | a request to another framework | [`RequiresAuth::authorize`] and [`RequiresAuth::challenge`] |
//! | a client that knows the URL of the API alone, such as one of MCP | [`RequiresAuth::for_resource`] |
//! | a WebSocket message, a queue, a job | [`RequiresAuth::verify`] |
//! | a file, to look at it | [`verify::Rules`], or the command `requires-auth explain` |
//!
//! Settings come from arguments ([`RequiresAuth::new`], [`RequiresAuth::builder`]), from the environment
//! ([`RequiresAuth::from_env`]) or from a file (`RequiresAuth::from_file`, feature `config`). What a route needs beyond a
//! valid token is a [`Policy`].
//!
//! # What can go wrong
//!
//! There are two kinds of errors, and they never mix. A [`ConfigError`] comes before the first request and stops the
//! server, with every mistake at once. A [`Denial`] is the refusal of one request. It is logged by the guard through
//! `tracing`, once for each request, with a hint; a server that shows nothing has no subscriber:
//!
//! ```no_run
//! use requires_auth::RequiresAuth;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();
//! let auth = RequiresAuth::from_env()?;
//! // Not needed, and worth it: a wrong issuer shows now, and not at the first request.
//! auth.warm().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Panics come from mistakes in the code of a route alone, such as a scope with a space in it, when the route is built.
//!
//! # Test it
//!
//! `requires-auth-testkit` mints tokens, good and deliberately bad, and runs an issuer on loopback:
//!
//! ```
//! use requires_auth::{Policy, Reason, RequiresAuth};
//! use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
//!
//! let key = SigningKey::generate(Algorithm::Es384);
//! let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
//!     .with_jwks(jwk_set([&key]).to_string())
//!     .build()?;
//! let forge = Forge::new("https://issuer.example", "https://api.example.com", key);
//!
//! let policy = Policy::all_of(["write:orders"]);
//! let verdict = |token: String| auth.verify_now(&token, &policy).expect("the keys are there");
//! assert!(verdict(forge.token().scope("write:orders").mint()).is_ok());
//!
//! let denial = verdict(forge.token().scope("write:orders").defect(Defect::AudienceMismatch).mint()).unwrap_err();
//! assert_eq!(denial.reason(), Some(Reason::AudienceMismatch));
//! # Ok::<(), requires_auth::ConfigError>(())
//! ```
//!
//! # Reading order
//!
//! Data flows one way, and a type proves each step: [`Request`] → [`credential::Credential`] → evidence (header,
//! issuer, key) → claims that are vouched for → [`AccessToken`] → binding → [`Policy`] → the handler, or
//! [`challenge::Challenge`]. The verifier is one function, in [`verify`]. The modules are listed in that order; each uses
//! only those above it.
//!
//! - Ring 0 is pure: no async, no IO, no clock, no globals. Everything is an argument.
//! - Ring 1 is the shell: the only code that waits, fetches or reads the time.
//! - Ring 2 is the adapters: they turn a framework's request into a [`Request`] and a [`Denial`] into its response,
//!   and decide nothing.
//!
//! # Features
//!
//! | feature | default | adds |
//! | --- | --- | --- |
//! | `fetch` | yes | `fetch::HttpFetch`: keys over HTTP, with rustls on aws-lc |
//! | `tower` | no | layers for any tower service, `Headers` for `http::HeaderMap` |
//! | `axum` | no | [`AccessToken`] as an extractor; implies `tower` |
//! | `tonic` | no | layers for gRPC servers on tower, such as tonic's; implies `tower` |
//! | `actix` | no | middleware for actix-web 4, and [`AccessToken`] as an extractor |
//! | `config` | no | `RequiresAuth::from_file`: the settings in a TOML file |
//! | `mcp` | no | the module `mcp`: scopes for each tool, prompt and resource of an MCP server |
//! | `metrics` | no | counters and gauges through the `metrics` facade |
//! | `redis` | no | the module `shared`: what instances have to know of each other, in Redis or Valkey |
//! | `full` | no | all of these |

// The documentation says which feature an item needs, where a nightly compiler makes it.
#![cfg_attr(docsrs, feature(doc_cfg))]

// Ring 0: pure.
pub mod error;
pub mod request;
pub mod credential;
mod jose;
pub mod client_certificate;
mod introspection;
mod claims;
mod binding;
pub mod revocation;
pub mod verify;
pub mod providers;
pub mod policy;
pub mod metadata;
pub mod challenge;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod explain;
pub mod settings;

// Ring 1: the shell.
pub mod clock;
mod file;
mod secret_places;
mod issuer;
pub mod fetch;
pub mod discovery;
mod telemetry;
mod keys;
mod token_cache;
pub mod revocations;
pub mod replay;
#[cfg(feature = "redis")]
pub mod shared;
pub mod dpop;
pub mod introspect;
pub mod guard;
pub mod danger;
#[cfg(feature = "config")]
pub mod config;

// Ring 2: adapters.
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "tonic")]
pub mod tonic;
#[cfg(feature = "actix")]
pub mod actix;

// No ring: compiled for the targets in fuzz/ alone, and no part of the architecture.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing; // private parsers, made public

pub use crate::credential::Bearer;
pub use crate::error::{ConfigError, Denial, ErrorCode, Reason};
pub use crate::guard::RequiresAuth;
pub use crate::policy::Policy;
pub use crate::request::Request;
pub use crate::verify::{AccessToken, Algorithm, Audience, Profile};

/// Runs the Rust blocks of both READMEs as tests: that of the repository, and that of this crate.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../README.md")]
struct Readme;

/// Runs the Rust blocks of the start page for Rust as tests.
#[cfg(all(doctest, feature = "axum", feature = "fetch"))]
#[doc = include_str!("../../../docs/start/rust.md")]
struct StartWithRust;

/// Runs the Rust blocks of the start page on tests as tests.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/start/testing.md")]
struct StartWithTests;

/// Runs the Rust blocks of the guide of axum as tests.
#[cfg(all(doctest, feature = "axum", feature = "fetch"))]
#[doc = include_str!("../../../docs/guides/axum.md")]
struct AxumGuide;

/// Runs the Rust blocks of the guide of tower as tests.
#[cfg(all(doctest, feature = "tower", feature = "fetch"))]
#[doc = include_str!("../../../docs/guides/tower.md")]
struct TowerGuide;

/// Runs the Rust blocks of the guide on tests as tests.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/guides/testing.md")]
struct TestingGuide;

/// Runs the Rust blocks of the page on moving from jsonwebtoken as tests.
#[cfg(all(doctest, feature = "axum", feature = "fetch"))]
#[doc = include_str!("../../../docs/moving/jsonwebtoken.md")]
struct MovingFromJsonwebtoken;

/// Runs the Rust blocks of the page on moving from jwt-authorizer as tests.
#[cfg(all(doctest, feature = "axum", feature = "fetch"))]
#[doc = include_str!("../../../docs/moving/jwt-authorizer.md")]
struct MovingFromJwtAuthorizer;

/// Runs the Rust blocks of the page on places of tokens as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/token-places.md")]
struct TokenPlacesPage;

/// Runs the Rust blocks of the page on client certificates as tests.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/client-certificates.md")]
struct ClientCertificatesPage;

/// Runs the Rust blocks of the page on revocation as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/revocation.md")]
struct RevocationPage;

/// Runs the Rust blocks of the page on opaque tokens as tests.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/opaque-tokens.md")]
struct OpaqueTokensPage;

/// Runs the Rust blocks of the page on proofs of possession as tests.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/dpop.md")]
struct DpopPage;

/// Runs the Rust blocks of the page on MCP servers as tests.
#[cfg(all(doctest, feature = "mcp", feature = "axum", feature = "fetch"))]
#[doc = include_str!("../../../docs/mcp.md")]
struct McpPage;

/// Runs the Rust blocks of the page on several machines as tests.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../../../docs/several-machines.md")]
struct SeveralMachinesPage;

/// Runs the Rust blocks of the page on issuers as tests.
#[cfg(all(doctest, feature = "fetch"))]
#[doc = include_str!("../../../docs/issuers-and-keys.md")]
struct IssuersAndKeys;

/// Runs the Rust blocks of the guide for actix-web as tests.
#[cfg(all(doctest, feature = "actix", feature = "fetch"))]
#[doc = include_str!("../../../docs/guides/actix.md")]
struct ActixGuide;

/// Runs the Rust blocks of the guide for tonic as tests.
#[cfg(all(doctest, feature = "tonic", feature = "fetch"))]
#[doc = include_str!("../../../docs/guides/tonic.md")]
struct TonicGuide;

/// Runs the Rust block of the guide to adapters of one's own as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/own-adapter.md")]
struct OwnAdapterGuide;
