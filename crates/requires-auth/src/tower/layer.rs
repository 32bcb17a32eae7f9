//! From a guard to a layer: what a route asks for.

use std::sync::Arc;

use tower_layer::Layer;

use super::AuthService;
use crate::guard::RequiresAuth;
use crate::policy::{Policy, Requirement};

impl RequiresAuth {
    /// A layer that lets a request through with any valid token of this guard.
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// # fn routes(auth: requires_auth::RequiresAuth) -> Router {
    /// Router::new().route("/orders", get(|| async { "orders" })).layer(auth.layer())
    /// # }
    /// ```
    pub fn layer(&self) -> AuthLayer {
        AuthLayer::new(self, Requirement::default())
    }

    /// A layer that also lets a request without a token through, as anonymous. A bad token is refused.
    ///
    /// A [`require`](Self::require) behind it refuses the anonymous.
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// # use requires_auth::AccessToken;
    /// # fn routes(auth: requires_auth::RequiresAuth) -> Router {
    /// async fn greet(token: Option<AccessToken>) -> &'static str {
    ///     if token.is_some() { "welcome back" } else { "welcome" }
    /// }
    /// Router::new().route("/", get(greet)).layer(auth.optional_layer())
    /// # }
    /// ```
    pub fn optional_layer(&self) -> AuthLayer {
        AuthLayer::new(self, Requirement::optional(Policy::default()))
    }

    /// A layer that lets a request through whose token has every one of these scopes, separated by spaces.
    ///
    /// It needs no [`layer`](Self::layer) around it; where there is one, the token is not judged twice.
    ///
    /// In axum, a layer of a method router guards the methods before it alone: give each method of a path a
    /// `.route` line of its own.
    ///
    /// ```
    /// # use axum::{Router, routing::post};
    /// # fn routes(auth: requires_auth::RequiresAuth) -> Router {
    /// Router::new().route("/orders", post(|| async { "made" }).layer(auth.require("read:orders write:orders")))
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no scope, or one is no scope token (RFC 6749 §3.3): a mistake in a route shows when the
    /// route is built. For scopes that come from elsewhere, see [`Policy::parse`].
    #[track_caller]
    pub fn require(&self, scopes: &str) -> AuthLayer {
        match Policy::parse(scopes) {
            Ok(policy) => self.require_policy(policy),
            Err(error) => panic!("{error}"),
        }
    }

    /// A layer that lets a request through whose token a policy allows.
    ///
    /// It needs no [`layer`](Self::layer) around it; where there is one, the token is not judged twice.
    ///
    /// ```
    /// # use axum::{Router, routing::get};
    /// use requires_auth::Policy;
    /// use requires_auth::policy::ClaimTest;
    ///
    /// # fn routes(auth: requires_auth::RequiresAuth) -> Router {
    /// let policy = Policy::any_of(["read:orders", "admin"]).with_claim("tenant", ClaimTest::equals("acme"));
    /// Router::new().route("/orders", get(|| async { "orders" })).layer(auth.require_policy(policy))
    /// # }
    /// ```
    pub fn require_policy(&self, policy: Policy) -> AuthLayer {
        AuthLayer::new(self, Requirement::token(policy))
    }
}

/// Puts a guard before a service. Made by [`RequiresAuth::layer`], [`RequiresAuth::optional_layer`],
/// [`RequiresAuth::require`] and [`RequiresAuth::require_policy`].
///
/// A clone is cheap.
#[derive(Clone, Debug)]
#[must_use = "a layer guards nothing until it is put around a service"]
pub struct AuthLayer {
    guarded: Arc<Guarded>,
}

/// A guard, and what one layer asks of a request.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) auth: RequiresAuth,
    pub(super) requirement: Requirement,
}

impl AuthLayer {
    fn new(auth: &RequiresAuth, requirement: Requirement) -> Self {
        Self { guarded: Arc::new(Guarded { auth: auth.clone(), requirement }) }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService::new(Arc::clone(&self.guarded), inner)
    }
}
