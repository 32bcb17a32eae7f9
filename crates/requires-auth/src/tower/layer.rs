//! From a guard to a layer: what a route asks for.

use std::sync::Arc;

use tower_layer::Layer;

use super::AuthService;
use crate::guard::RequiresAuth;
use crate::policy::{Policy, Requirement};
use crate::request::Request;

impl RequiresAuth {
    /// A layer that lets a request through with any valid token of this guard.
    ///
    /// The first layer to reach for: put it around the whole application and add [`require`](Self::require) on the routes
    /// that need scopes. In axum it guards the routes that are added before it, and no later one:
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::get};
    /// use http::Request;
    /// # use requires_auth::RequiresAuth;
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
    /// let app: Router = Router::new()
    ///     .route("/orders", get(async || "orders"))
    ///     .layer(auth.layer())
    ///     // After the layer, and therefore public.
    ///     .route("/health", get(async || "up"));
    ///
    /// let status = async |path| {
    ///     let request = Request::get(path).body(Body::empty()).unwrap();
    ///     app.clone().oneshot(request).await.unwrap().status().as_u16()
    /// };
    /// assert_eq!((status("/orders").await, status("/health").await), (401, 200));
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer(&self) -> AuthLayer {
        AuthLayer::new(self, Requirement::default())
    }

    /// A layer that also lets a request without a token through, as anonymous. A bad token is refused.
    ///
    /// For routes that show more to those who are known. The handler must ask: take `Option<AccessToken>` in axum, or
    /// look for an [`AccessToken`](crate::AccessToken) in the extensions. A [`require`](Self::require) behind it
    /// refuses anonymous requests.
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
    /// It needs no [`layer`](Self::layer) around it; where there is one, the token is not verified twice. For one scope
    /// of several, or for claims, see [`require_policy`](Self::require_policy).
    ///
    /// In axum, a layer of a method router guards the methods before it alone: give each method of a path a
    /// `.route` line of its own.
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::post};
    /// use http::Request;
    /// # use requires_auth::RequiresAuth;
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let create = post(async || "created").layer(auth.require("read:orders write:orders"));
    /// let app: Router = Router::new().route("/orders", create);
    ///
    /// let token = forge.token().scope("write:orders").mint();
    /// let request = Request::post("/orders").header("authorization", format!("Bearer {token}"));
    /// let refusal = app.oneshot(request.body(Body::empty())?).await?;
    /// assert_eq!(refusal.status(), 403);
    /// // The challenge lists every scope that the route needs.
    /// let challenge = refusal.headers()["www-authenticate"].to_str()?;
    /// assert!(challenge.ends_with(r#"scope="read:orders write:orders""#));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no scope, or one is not a scope token (RFC 6749 §3.3): a mistake in a route shows when the
    /// route is built. For scopes that come from elsewhere, see [`Policy::parse`].
    #[track_caller]
    pub fn require(&self, scopes: &str) -> AuthLayer {
        match Policy::parse(scopes) {
            Ok(policy) => self.require_policy(policy),
            Err(error) => panic!("{error}"),
        }
    }

    /// A layer that lets a request through whose token a policy allows. `Policy::default()` allows every valid token.
    ///
    /// It needs no [`layer`](Self::layer) around it; where there is one, the token is not verified twice.
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

/// Puts a guard around a service. Made by [`RequiresAuth::layer`], [`RequiresAuth::optional_layer`],
/// [`RequiresAuth::require`] and [`RequiresAuth::require_policy`].
///
/// A clone is cheap, and shares the guard with its keys and its cache. So one layer may be kept and put around many
/// services, as a server without a router does:
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use requires_auth::RequiresAuth;
/// use requires_auth::tower::{AuthLayer, AuthService};
/// use tower::{Layer, Service, ServiceExt};
///
/// /// Each tenant has a service of its own; all of them take the same tokens.
/// fn guarded<S: Clone>(guard: &AuthLayer, tenants: Vec<S>) -> Vec<AuthService<S>> {
///     tenants.into_iter().map(|tenant| guard.layer(tenant)).collect()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
/// let hello = tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(b"hello".to_vec())));
/// let services = guarded(&auth.require("read:orders"), vec![hello, hello]);
/// for mut service in services {
///     assert_eq!(service.ready().await?.call(Request::new(())).await?.status(), 401);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a layer guards nothing until it is put around a service"]
pub struct AuthLayer {
    guarded: Arc<Guarded>,
}

/// A guard, and what one layer asks of a request.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(super) auth: RequiresAuth,
    pub(super) requirement: Requirement,
    passes_preflights: bool,
}

impl Guarded {
    pub(crate) fn new(auth: &RequiresAuth, requirement: Requirement) -> Self {
        auth.know_scopes_of(requirement.policy());
        Self { auth: auth.clone(), requirement, passes_preflights: true }
    }

    /// The same, for a service that runs a handler whatever the method is: what looks like a preflight needs a token.
    #[cfg(feature = "tonic")]
    pub(crate) fn without_preflights(self) -> Self {
        Self { passes_preflights: false, ..self }
    }

    /// The request, as an ordinary one where no preflight passes.
    pub(super) fn seen<'r>(&self, request: Request<'r>) -> Request<'r> {
        if self.passes_preflights { request } else { request.as_ordinary() }
    }
}

impl AuthLayer {
    fn new(auth: &RequiresAuth, requirement: Requirement) -> Self {
        Self { guarded: Arc::new(Guarded::new(auth, requirement)) }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService::new(Arc::clone(&self.guarded), inner)
    }
}
