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
#[must_use = "methods serve nothing until they have a path"]
pub struct GuardedMethods<S = ()> {
    auth: RequiresAuth,
    methods: MethodRouter<S>,
}

impl RequiresAuth {
    /// The methods of one path, each with what it needs: nothing is left open by the order of lines.
    ///
    /// ```
    /// # use axum::Router;
    /// # fn routes(auth: requires_auth::RequiresAuth) -> Router {
    /// let orders = auth.methods().get("read:orders", list).post("write:orders", create);
    /// Router::new().merge(orders.at("/orders"))
    /// # }
    /// # async fn list() {}
    /// # async fn create() {}
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

    /// Any methods with a policy; `Policy::default()` lets every valid token through.
    ///
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
    /// If the path is no path of axum: see [`Router::route`].
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
