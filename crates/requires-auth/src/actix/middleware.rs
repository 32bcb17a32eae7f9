//! From a guard to middleware: what a route asks for.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage};

use super::AuthFuture;
use super::request::{mark, path_parameters, seen_by, token_of};
use super::response::{Added, metadata, refusal};
use crate::guard::RequiresAuth;
use crate::policy::{Policy, Requirement};

impl RequiresAuth {
    /// Middleware of actix-web that lets a request through with any valid token of this guard.
    ///
    /// The first one to reach for: put it around the whole application, and add [`requires`](Self::requires) on the routes that
    /// need scopes.
    ///
    /// ```
    /// use actix_web::{App, test, web};
    /// # use requires_auth::RequiresAuth;
    ///
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
    /// let app = App::new()
    ///     .wrap(auth.middleware())
    ///     .route("/orders", web::get().to(async || "orders"));
    ///
    /// let app = test::init_service(app).await;
    /// let refusal = test::call_service(&app, test::TestRequest::get().uri("/orders").to_request()).await;
    /// assert_eq!(refusal.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn middleware(&self) -> AuthMiddleware {
        self.middleware_for(Requirement::default())
    }

    /// Middleware of actix-web that also lets a request without a token through, as anonymous. A bad token is refused.
    ///
    /// For routes that show more to those who are known: their handlers take an [`OptionalToken`](super::OptionalToken). A
    /// [`requires`](Self::requires) behind it refuses anonymous requests.
    ///
    /// ```
    /// # use actix_web::{App, web};
    /// use requires_auth::actix::OptionalToken;
    ///
    /// # fn routes(auth: requires_auth::RequiresAuth) {
    /// async fn greet(OptionalToken(token): OptionalToken) -> &'static str {
    ///     if token.is_some() { "welcome back" } else { "welcome" }
    /// }
    /// let app = App::new().wrap(auth.optional_middleware()).route("/", web::get().to(greet));
    /// # let _ = app;
    /// # }
    /// ```
    pub fn optional_middleware(&self) -> AuthMiddleware {
        self.middleware_for(Requirement::optional(Policy::default()))
    }

    /// Middleware of actix-web that lets a request through whose token has every one of these scopes, separated by spaces.
    ///
    /// It needs no [`middleware`](Self::middleware) around it; where there is one, the token is not verified twice. For one scope of
    /// several, or for claims, see [`requires_policy`](Self::requires_policy).
    ///
    /// ```
    /// use actix_web::{App, test, web};
    /// # use requires_auth::RequiresAuth;
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    ///
    /// # #[actix_web::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let create = web::post().to(async || "created").wrap(auth.requires("read:orders write:orders"));
    /// let app = test::init_service(App::new().route("/orders", create)).await;
    ///
    /// let token = forge.token().scope("write:orders").mint();
    /// let request = test::TestRequest::post().uri("/orders").insert_header(("authorization", format!("Bearer {token}")));
    /// let refusal = test::call_service(&app, request.to_request()).await;
    /// assert_eq!(refusal.status(), 403);
    /// // The challenge lists every scope that the route needs.
    /// let challenge = refusal.headers().get("www-authenticate").expect("a challenge").to_str()?;
    /// assert!(challenge.ends_with(r#"scope="read:orders write:orders""#));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no scope, or one is not a scope token (RFC 6749 §3.3): a mistake in a route shows when the route is built.
    /// For scopes that come from elsewhere, see [`Policy::parse`].
    #[track_caller]
    pub fn requires(&self, scopes: &str) -> AuthMiddleware {
        match Policy::parse(scopes) {
            Ok(policy) => self.requires_policy(policy),
            Err(error) => panic!("{error}"),
        }
    }

    /// Middleware of actix-web that lets a request through whose token a policy allows. `Policy::default()` allows every valid
    /// token.
    ///
    /// ```
    /// # use actix_web::web;
    /// use requires_auth::Policy;
    /// use requires_auth::policy::ClaimTest;
    ///
    /// # fn routes(auth: requires_auth::RequiresAuth) {
    /// // A claim of the token has to be the organisation that the path names.
    /// let own = Policy::all_of(["read:items"]).with_claim("org", ClaimTest::path("org"));
    /// let items = web::scope("/orgs/{org}")
    ///     .wrap(auth.requires_policy(own))
    ///     .route("/items", web::get().to(async || "items"));
    /// # let _ = items;
    /// # }
    /// ```
    pub fn requires_policy(&self, policy: Policy) -> AuthMiddleware {
        self.middleware_for(Requirement::token(policy))
    }

    /// Middleware of actix-web that asks for what a [`Requirement`] says, which may come from elsewhere.
    pub fn middleware_for(&self, requirement: Requirement) -> AuthMiddleware {
        self.know_scopes_of(requirement.policy());
        AuthMiddleware { guarded: Arc::new(Guarded { auth: self.clone(), requirement }) }
    }
}

/// Puts a guard around an application, a scope, a resource or a route of actix-web. Made by [`RequiresAuth::middleware`],
/// [`RequiresAuth::optional_middleware`], [`RequiresAuth::requires`] and [`RequiresAuth::requires_policy`].
///
/// A clone is cheap, and shares the guard with its keys and its cache.
#[derive(Clone, Debug)]
#[must_use = "middleware guards nothing until something is wrapped in it"]
pub struct AuthMiddleware {
    guarded: Arc<Guarded>,
}

/// A guard, and what one middleware asks of a request.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) auth: RequiresAuth,
    pub(super) requirement: Requirement,
}

impl<S, B> Transform<S, ServiceRequest> for AuthMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(AuthService { guarded: Arc::clone(&self.guarded), inner: Rc::new(inner) }))
    }
}

/// A service of actix-web with a guard around it. Made by [`AuthMiddleware`].
///
/// A refusal is a response, never an error, so that middleware around the guard, such as CORS and a log, treats it as one.
#[derive(Debug)]
pub struct AuthService<S> {
    guarded: Arc<Guarded>,
    inner: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for AuthService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = AuthFuture<S, B>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let Guarded { auth, requirement } = &*self.guarded;
        if let Some(response) = metadata(auth, request.head()) {
            return AuthFuture::answered(request, response);
        }
        let token = token_of(auth, &request.extensions());
        let verdict = {
            let parameters = path_parameters(requirement.policy(), request.match_info());
            let seen = seen_by(auth, &request).with_path_parameters(&parameters);
            match token {
                // The guard that has judged the token also adds its headers to the response.
                Some(token) => Some(auth.check(&seen, &token, requirement.policy()).map(|()| None)),
                None => auth.admit_now(&seen, requirement).map(|verdict| verdict.map(Some)),
            }
        };
        match verdict {
            Some(Ok(None)) => AuthFuture::passed(self.inner.call(request), Added::new()),
            Some(Ok(Some(admission))) => {
                let (passed, added) = admission.into_parts();
                mark(auth, passed, &mut request.extensions_mut());
                AuthFuture::passed(self.inner.call(request), added)
            }
            Some(Err(denial)) => {
                let response = refusal(auth, request.head(), denial);
                AuthFuture::answered(request, response)
            }
            None => AuthFuture::needs_keys(Arc::clone(&self.guarded), request, Rc::clone(&self.inner)),
        }
    }
}
