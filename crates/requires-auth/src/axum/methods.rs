//! A route whose every method says what it needs.

use std::fmt;

use ::axum::Router;
use ::axum::handler::Handler;
use ::axum::routing::{MethodFilter, MethodRouter};

use crate::guard::RequiresAuth;
use crate::policy::Policy;

/// The methods of one path, each with what it needs. Made by [`RequiresAuth::methods`].
///
/// A method cannot be added without saying what it needs, and what one needs says nothing about another, in
/// whatever order they stand. (With `MethodRouter::layer` both go wrong: see the caveats of [the module](super).)
///
/// Choose it for a path with several methods. For a single method, `.route(path, get(handler).layer(auth.require(..)))`
/// does the same; for a whole router that takes any valid token, [`RequiresAuth::layer`] is shorter.
///
/// ```
/// use axum::Router;
/// use axum::extract::{Path, State};
/// use axum::routing::MethodFilter;
/// use requires_auth::{AccessToken, Policy, RequiresAuth};
/// # #[derive(Clone)]
/// # struct Orders;
///
/// // Handlers may use state and any other extractor, as everywhere in axum.
/// async fn show(State(_orders): State<Orders>, Path(id): Path<u64>) -> String {
///     format!("order {id}")
/// }
///
/// async fn cancel(token: AccessToken, Path(id): Path<u64>) -> String {
///     format!("order {id} was cancelled by {}", token.subject().unwrap_or("a client"))
/// }
///
/// fn routes(auth: &RequiresAuth) -> Router<Orders> {
///     let either = Policy::any_of(["cancel:orders", "admin"]);
///     auth.methods().get("read:orders", show).on(MethodFilter::DELETE, either, cancel).at("/orders/{id}")
/// }
/// ```
#[must_use = "methods serve nothing until they have a path"]
pub struct GuardedMethods<S = ()> {
    auth: RequiresAuth,
    methods: MethodRouter<S>,
}

impl RequiresAuth {
    /// The methods of one path, each with what it needs: nothing is left open by the order of lines.
    ///
    /// ```
    /// use axum::{Router, body::Body};
    /// use http::{Method, Request};
    /// use requires_auth::RequiresAuth;
    /// use tower::ServiceExt;
    ///
    /// # async fn list() {}
    /// # async fn create() {}
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
    /// let orders = auth.methods().get("read:orders", list).post("write:orders", create);
    /// let app: Router = Router::new().merge(orders.at("/orders"));
    ///
    /// let status = async |method: Method| {
    ///     let request = Request::builder().method(method).uri("/orders").body(Body::empty()).unwrap();
    ///     app.clone().oneshot(request).await.unwrap().status().as_u16()
    /// };
    /// assert_eq!((status(Method::GET).await, status(Method::POST).await), (401, 401));
    /// assert_eq!(status(Method::PUT).await, 405);
    /// # Ok(())
    /// # }
    /// ```
    pub fn methods<S: Clone + Send + Sync + 'static>(&self) -> GuardedMethods<S> {
        GuardedMethods { auth: self.clone(), methods: MethodRouter::new() }
    }
}

macro_rules! method {
    ($name:ident, $filter:ident, $($more:literal)?) => {
        #[doc = concat!("`", stringify!($filter), "` with every one of these scopes, separated by spaces.", $($more)?)]
        ///
        /// # Panics
        ///
        /// As [`RequiresAuth::require`](crate::RequiresAuth::require), and if the method is there already.
        #[track_caller]
        pub fn $name<H: Handler<T, S>, T: 'static>(self, scopes: &str, handler: H) -> Self {
            match Policy::parse(scopes) {
                Ok(policy) => self.on(MethodFilter::$filter, policy, handler),
                Err(error) => panic!("{error}"),
            }
        }
    };
}

impl<S: Clone + Send + Sync + 'static> GuardedMethods<S> {
    method!(get, GET, " It serves `HEAD` too.");
    method!(post, POST,);
    method!(put, PUT,);
    method!(patch, PATCH,);
    method!(delete, DELETE,);

    /// Any methods with a policy; `Policy::default()` lets every valid token through. It is for what scopes alone do not
    /// say, and for methods that have no function of their own here.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use axum::routing::MethodFilter;
    /// use requires_auth::Policy;
    ///
    /// # fn routes(auth: requires_auth::RequiresAuth) -> axum::Router {
    /// // Reading needs a scope; changing the password also needs a login of the last five minutes.
    /// let recent = Policy::all_of(["write:account"]).with_max_age(Duration::from_secs(300));
    /// auth.methods()
    ///     .get("read:account", async || "the account")
    ///     .on(MethodFilter::PUT.or(MethodFilter::PATCH), recent, async || "changed")
    ///     .at("/account")
    /// # }
    /// ```
    /// # Panics
    ///
    /// If one of the methods is there already.
    #[track_caller]
    pub fn on<H: Handler<T, S>, T: 'static>(self, methods: MethodFilter, policy: Policy, handler: H) -> Self {
        let guarded = handler.layer(self.auth.require_policy(policy));
        Self { methods: self.methods.on(methods, guarded), auth: self.auth }
    }

    /// A router with these methods at a path, to be merged into the application's. Any other method is 405.
    ///
    /// # Panics
    ///
    /// If the path is not a path of axum: see [`Router::route`].
    #[track_caller]
    pub fn at(self, path: &str) -> Router<S> {
        Router::new().route(path, self.methods)
    }
}

impl<S> fmt::Debug for GuardedMethods<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedMethods").field("auth", &self.auth).finish_non_exhaustive()
    }
}
