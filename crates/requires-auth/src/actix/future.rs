//! The answer in the making.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::{Error, HttpMessage, HttpResponse};
use pin_project_lite::pin_project;

use super::middleware::Guarded;
use super::request::{mark, path_parameters, seen_by};
use super::response::{Added, Failed, append_to_answer, refusal};
use crate::error::Denial;
use crate::guard::Admission;

pin_project! {
    /// The answer of an [`AuthService`](super::AuthService): the inner service's, or a refusal.
    ///
    /// Only a request that has to wait for keys is boxed; it waits for five seconds at most.
    #[must_use = "futures do nothing unless polled"]
    pub struct AuthFuture<S, B>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<ServiceRequest>,
    {
        // Keys are being fetched; then the request is judged, and passed on to the inner service.
        NeedsKeys { admitting: Admitting, guarded: Arc<Guarded>, inner: Rc<S> },
        // The inner service answers.
        Passed { #[pin] response: S::Future, added: Added },
        // The guard has answered.
        Answered { response: Option<ServiceResponse<EitherBody<B>>> },
    }
}

/// A verdict in the making, which owns the request that it is about. It stays on the thread of its connection.
type Admitting = Pin<Box<dyn Future<Output = (ServiceRequest, Result<Admission, Denial>)>>>;

impl<S: Service<ServiceRequest>, B> AuthFuture<S, B> {
    /// The guard has answered.
    pub(super) fn answered(request: ServiceRequest, response: HttpResponse) -> Self {
        let response = request.into_response(response).map_into_right_body();
        Self { state: State::Answered { response: Some(response) } }
    }

    /// The inner service answers, and these headers are added to that.
    pub(super) const fn passed(response: S::Future, added: Added) -> Self {
        Self { state: State::Passed { response, added } }
    }

    /// Keys are fetched first.
    pub(super) fn needs_keys(guarded: Arc<Guarded>, request: ServiceRequest, inner: Rc<S>) -> Self {
        let admitting = Box::pin(admit(Arc::clone(&guarded), request));
        Self { state: State::NeedsKeys { admitting, guarded, inner } }
    }
}

async fn admit(
    guarded: Arc<Guarded>,
    request: ServiceRequest,
) -> (ServiceRequest, Result<Admission, Denial>) {
    let parameters = path_parameters(guarded.requirement.policy(), request.match_info());
    let seen = seen_by(&guarded.auth, &request).with_path_parameters(&parameters);
    let admitted = guarded.auth.admit(&seen, &guarded.requirement).await;
    (request, admitted)
}

impl<S, B> Future for AuthFuture<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::NeedsKeys { admitting, guarded, inner } => {
                    let (request, admitted) = ready!(admitting.as_mut().poll(cx));
                    match admitted {
                        Ok(admission) => {
                            let (passed, added) = admission.into_parts();
                            mark(&guarded.auth, passed, &mut request.extensions_mut());
                            State::Passed { response: inner.call(request), added }
                        }
                        Err(denial) => {
                            let response = refusal(&guarded.auth, request.head(), denial);
                            let response = request.into_response(response).map_into_right_body();
                            State::Answered { response: Some(response) }
                        }
                    }
                }
                StateProjection::Passed { response, added } => {
                    let answer = ready!(response.poll(cx));
                    let added = std::mem::take(added);
                    return Poll::Ready(match answer {
                        Ok(mut response) => {
                            append_to_answer(response.headers_mut(), &added);
                            Ok(response.map_into_left_body())
                        }
                        Err(error) => Err(Failed::of(error, added)),
                    });
                }
                StateProjection::Answered { response } => {
                    return Poll::Ready(Ok(response.take().expect("not polled again once it is ready")));
                }
            };
            state.set(next);
        }
    }
}
