//! The service: decides over a request, then calls the inner service or answers itself.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::AuthFuture;
use super::layer::Guarded;
use super::path::path_parameters;
use super::request::{Added, mark, seen_by, token_of};
use super::response::{metadata, refusal};

/// A service with a guard around it. Made by [`AuthLayer`](super::AuthLayer).
///
/// It is ready when the inner service is ready, and it answers a refused request itself: what the inner service has
/// reserved for that request (a permit, a slot) is given back. The inner service must be [`Clone`], because a request
/// that waits for keys takes the service that is ready with it.
///
/// Its errors are those of the inner service. A refusal is a response, never an error, so that a middleware that retries
/// errors does not repeat it.
///
/// ```
/// use std::convert::Infallible;
///
/// use http::{Request, Response};
/// use requires_auth::RequiresAuth;
/// use requires_auth::tower::AuthService;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// /// A struct that keeps a guarded service names its type.
/// struct Server<S> {
///     public: AuthService<S>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let auth = RequiresAuth::new("https://issuer.example", "https://api.example")?;
/// let orders = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(b"orders".to_vec())));
/// let server = Server { public: auth.layer().layer(orders) };
///
/// let refusal = server.public.clone().oneshot(Request::new(())).await;
/// assert_eq!(refusal?.status(), 401);
/// // A job inside this process has no token, and calls the service behind the guard.
/// let answer = server.public.get_ref().oneshot(Request::new(())).await;
/// assert_eq!(answer?.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AuthService<S> {
    guarded: Arc<Guarded>,
    inner: S,
}

impl<S> AuthService<S> {
    pub(super) const fn new(guarded: Arc<Guarded>, inner: S) -> Self {
        Self { guarded, inner }
    }

    /// The service behind the guard, as it is: a call on it goes past the guard.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: From<Vec<u8>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = AuthFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        answer(&self.guarded, &mut self.inner, request)
    }
}

/// Decides over a request, then calls the inner service, which is ready, or answers itself.
pub(crate) fn answer<S, B, R>(
    guarded: &Arc<Guarded>,
    inner: &mut S,
    mut request: Request<B>,
) -> AuthFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: From<Vec<u8>>,
{
    let Guarded { auth, requirement, .. } = &**guarded;
    if let Some(response) = metadata(auth, &request) {
        drop(take_ready(inner));
        return AuthFuture::answered(response);
    }
    let parameters = path_parameters(requirement.policy(), request.extensions(), request.uri());
    let seen = seen_by(auth, request.method(), request.uri(), request.headers(), request.extensions());
    let seen = guarded.seen(seen).with_path_parameters(&parameters);
    let denial = if let Some(token) = token_of(auth, request.extensions()) {
        match auth.check(&seen, token, requirement.policy()) {
            // The layer that has judged the token also adds its headers to the response.
            Ok(()) => return AuthFuture::passed(inner.call(request), Added::new()),
            Err(denial) => denial,
        }
    } else {
        match auth.admit_now(&seen, requirement) {
            Some(Ok(admission)) => {
                let (passed, added) = admission.into_parts();
                mark(auth, passed, request.extensions_mut());
                return AuthFuture::passed(inner.call(request), added);
            }
            Some(Err(denial)) => denial,
            None => return AuthFuture::needs_keys(Arc::clone(guarded), request, take_ready(inner)),
        }
    };
    let response = refusal(auth, &seen, denial);
    // What the inner service has reserved when it became ready (a permit, a slot) is given back: else
    // refused requests on idle connections could hold it.
    drop(take_ready(inner));
    AuthFuture::answered(response)
}

/// Takes the service that is ready. A clone takes its place, which has yet to become ready.
fn take_ready<S: Clone>(inner: &mut S) -> S {
    let next = inner.clone();
    mem::replace(inner, next)
}
