//! The answer in the making.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::layer::Guarded;
use super::path::path_parameters;
use super::request::{Added, mark, seen_by, view};
use super::response::{append_to_answer, refusal};
use crate::error::Denial;
use crate::guard::Admission;

pin_project! {
    /// The answer of an [`AuthService`](super::AuthService): the inner service's, or a refusal.
    ///
    /// Only a request that has to wait for keys is boxed; it waits for five seconds at most. Dropping the future gives the
    /// request up, and the fetch of the keys goes on for those that come after it.
    #[must_use = "futures do nothing unless polled"]
    pub struct AuthFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        // Keys are being fetched; then the request is judged, and passed on to the inner service.
        NeedsKeys { admitting: Admitting, guarded: Arc<Guarded>, body: Option<B>, inner: S },
        // The inner service answers.
        Passed { #[pin] response: S::Future, added: Added },
        // The guard has answered.
        Refused { response: Option<S::Response> },
    }
}

/// A verdict in the making, which owns the request that it is about.
type Admitting = Pin<Box<dyn Future<Output = (Parts, Result<Admission, Denial>)> + Send>>;

impl<S: Service<Request<B>>, B> AuthFuture<S, B> {
    /// The guard has answered.
    pub(super) const fn answered(response: S::Response) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    /// The inner service answers, and these headers are added to that.
    pub(super) const fn passed(response: S::Future, added: Added) -> Self {
        Self { state: State::Passed { response, added } }
    }

    /// Keys are fetched first. `inner` is ready.
    pub(super) fn needs_keys(guarded: Arc<Guarded>, request: Request<B>, inner: S) -> Self {
        let (parts, body) = request.into_parts();
        let admitting = Box::pin(admit(Arc::clone(&guarded), parts));
        Self { state: State::NeedsKeys { admitting, guarded, body: Some(body), inner } }
    }
}

async fn admit(guarded: Arc<Guarded>, parts: Parts) -> (Parts, Result<Admission, Denial>) {
    let parameters = path_parameters(guarded.requirement.policy(), &parts.extensions, &parts.uri);
    let seen = seen_by(&guarded.auth, &parts.method, &parts.uri, &parts.headers, &parts.extensions);
    let seen = guarded.seen(seen).with_path_parameters(&parameters);
    let admitted = guarded.auth.admit(&seen, &guarded.requirement).await;
    (parts, admitted)
}

impl<S, B, R> Future for AuthFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<Vec<u8>>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::NeedsKeys { admitting, guarded, body, inner } => {
                    let (mut parts, admitted) = ready!(admitting.as_mut().poll(cx));
                    match admitted {
                        Ok(admission) => {
                            let (passed, added) = admission.into_parts();
                            mark(&guarded.auth, passed, &mut parts.extensions);
                            let body = body.take().expect("the state changes once the body is taken");
                            State::Passed { response: inner.call(Request::from_parts(parts, body)), added }
                        }
                        Err(denial) => {
                            let seen = view(&parts.method, &parts.uri, &parts.headers);
                            State::Refused { response: Some(refusal(&guarded.auth, &seen, denial)) }
                        }
                    }
                }
                StateProjection::Passed { response, added } => {
                    let mut response = ready!(response.poll(cx))?;
                    let added = added.iter().map(|(name, value)| (*name, value.as_str()));
                    append_to_answer(response.headers_mut(), added);
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Refused { response } => {
                    return Poll::Ready(Ok(response.take().expect("not polled again once it is ready")));
                }
            };
            state.set(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn passed<S: Service<Request<()>>>(service: &mut S, added: Added) -> AuthFuture<S, ()> {
        AuthFuture::passed(service.call(Request::new(())), added)
    }

    #[tokio::test]
    async fn headers_of_an_admission_go_with_the_answer() {
        let answer = async |_: Request<()>| {
            let response = Response::builder().header("x-own", "1").body(Vec::<u8>::new());
            Ok::<_, Infallible>(response.expect("a response"))
        };
        let mut service = tower::service_fn(answer);
        let added = vec![("dpop-nonce", "one".to_owned()), ("cache-control", "no-store".to_owned())];
        let response = passed(&mut service, added).await.expect("a response");
        let header = |name| response.headers().get(name).map(|value| value.to_str().expect("ASCII"));
        assert_eq!(["x-own", "dpop-nonce", "cache-control"].map(header), ["1", "one", "no-store"].map(Some));
    }
}
