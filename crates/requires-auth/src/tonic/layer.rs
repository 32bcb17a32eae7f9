//! The layer and its service: finds the rule of a call, lets the guard decide, and says a refusal in the terms of gRPC.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::body::{GrpcBody, WithGrpcBody};
use super::status::{Format, translated};
use crate::tower::AuthFuture;
use crate::tower::layer::Guarded;
use crate::tower::service::answer;

/// Puts a guard around a gRPC server, or around one service. Made by [`RequiresAuth::grpc`](crate::RequiresAuth::grpc).
///
/// A clone is cheap, and shares the guard with its keys and its cache.
#[derive(Clone, Debug)]
#[must_use = "a layer guards nothing until it is put around a service"]
pub struct GrpcLayer {
    needs: Arc<Needs>,
}

/// What each call needs.
#[derive(Debug)]
pub(super) struct Needs {
    /// By `package.Service` or `package.Service/Method`.
    pub(super) named: HashMap<Box<str>, Arc<Guarded>>,
    /// What a call needs that is not named.
    pub(super) others: Arc<Guarded>,
}

impl Needs {
    /// The rule of a call: that of its method, of its service, or of those that are not named. The path is compared as the router of
    /// a server does it, byte for byte.
    fn of(&self, path: &str) -> &Arc<Guarded> {
        let named = path.strip_prefix('/').and_then(|name| {
            let service = name.split_once('/').map_or(name, |(service, _)| service);
            self.named.get(name).or_else(|| self.named.get(service))
        });
        named.unwrap_or(&self.others)
    }
}

impl GrpcLayer {
    pub(super) fn new(needs: Needs) -> Self {
        Self { needs: Arc::new(needs) }
    }
}

impl<S> Layer<S> for GrpcLayer {
    type Service = GrpcService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GrpcService { needs: Arc::clone(&self.needs), inner: WithGrpcBody(inner) }
    }
}

/// A gRPC server, or one service, with a guard around it. Made by [`GrpcLayer`].
///
/// It is ready when the inner service is, and its errors are those of the inner service. The body of an answer is a [`GrpcBody`].
#[derive(Clone, Debug)]
pub struct GrpcService<S> {
    needs: Arc<Needs>,
    inner: WithGrpcBody<S>,
}

impl<S, B, R> Service<Request<B>> for GrpcService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
{
    type Response = Response<GrpcBody<R>>;
    type Error = S::Error;
    type Future = GrpcFuture<AuthFuture<WithGrpcBody<S>, B>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<Request<B>>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let format = Format::of(request.headers());
        let guarded = self.needs.of(request.uri().path());
        GrpcFuture { answer: answer(guarded, &mut self.inner, request), format }
    }
}

pin_project! {
    /// The answer of a [`GrpcService`] in the making.
    #[must_use = "futures do nothing unless polled"]
    pub struct GrpcFuture<F> {
        #[pin]
        answer: F,
        // `None` for a request that is not one of gRPC: its refusal is one of HTTP.
        format: Option<Format>,
    }
}

impl<F, R, E> Future for GrpcFuture<F>
where
    F: Future<Output = Result<Response<GrpcBody<R>>, E>>,
{
    type Output = Result<Response<GrpcBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let projected = self.project();
        let response = ready!(projected.answer.poll(cx))?;
        Poll::Ready(Ok(match projected.format {
            Some(format) => translated(*format, response),
            None => response,
        }))
    }
}
