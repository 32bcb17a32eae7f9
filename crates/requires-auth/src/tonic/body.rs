//! The body of an answer, and the inner service with such bodies.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// The body of an answer: the application's, or the guard's own.
    #[derive(Debug)]
    pub struct GrpcBody<R> {
        #[pin]
        kind: Kind<R>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<R> {
        Inner { #[pin] body: R },
        Own { bytes: Bytes },
    }
}

impl<R> GrpcBody<R> {
    const fn inner(body: R) -> Self {
        Self { kind: Kind::Inner { body } }
    }

    pub(super) const fn empty() -> Self {
        Self { kind: Kind::Own { bytes: Bytes::new() } }
    }
}

impl<R> From<Vec<u8>> for GrpcBody<R> {
    fn from(bytes: Vec<u8>) -> Self {
        Self { kind: Kind::Own { bytes: bytes.into() } }
    }
}

impl<R: Body<Data = Bytes>> Body for GrpcBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().kind.project() {
            KindProjection::Inner { body } => body.poll_frame(cx),
            KindProjection::Own { bytes } if bytes.is_empty() => Poll::Ready(None),
            KindProjection::Own { bytes } => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { bytes } => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { bytes } => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

/// A service whose answers have a [`GrpcBody`]: the inner service as the guard calls it.
#[derive(Clone, Debug)]
pub struct WithGrpcBody<S>(pub(super) S);

impl<S, B, R> Service<Request<B>> for WithGrpcBody<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<GrpcBody<R>>;
    type Error = S::Error;
    type Future = GrpcBodyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        GrpcBodyFuture { answer: self.0.call(request) }
    }
}

pin_project! {
    /// The answer of a [`WithGrpcBody`] in the making.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct GrpcBodyFuture<F> {
        #[pin]
        answer: F,
    }
}

impl<F, R, E> Future for GrpcBodyFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<GrpcBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.project().answer.poll(cx))?;
        Poll::Ready(Ok(response.map(GrpcBody::inner)))
    }
}
