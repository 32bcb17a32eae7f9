//! The service of `shop.proto`, by hand, so that this example needs no `protoc`. In an application of yours, `tonic-prost-build`
//! makes all of this.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Status, codegen::Service};
use tonic_prost::ProstCodec;

/// An order in words.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Order {
    /// What is ordered.
    #[prost(string, tag = "1")]
    pub(crate) text: String,
}

/// `service Orders`.
pub(crate) trait Orders: Clone + Send + Sync + 'static {
    /// `rpc Create`.
    fn create(
        &self,
        request: tonic::Request<Order>,
    ) -> impl Future<Output = Result<tonic::Response<Order>, Status>> + Send;
}

/// Serves `service Orders`.
#[derive(Clone, Debug)]
pub(crate) struct OrdersServer<T>(pub(crate) T);

impl<T> NamedService for OrdersServer<T> {
    const NAME: &'static str = "shop.Orders";
}

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T: Orders> Service<Request<Body>> for OrdersServer<T> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let orders = self.0.clone();
        Box::pin(async move {
            if request.uri().path() != "/shop.Orders/Create" {
                return Ok(Status::unimplemented("").into_http());
            }
            Ok(Grpc::new(ProstCodec::default()).unary(Create(orders), request).await)
        })
    }
}

struct Create<T>(T);

impl<T: Orders> UnaryService<Order> for Create<T> {
    type Response = Order;
    type Future = Answer<Result<tonic::Response<Order>, Status>>;

    fn call(&mut self, request: tonic::Request<Order>) -> Self::Future {
        let orders = self.0.clone();
        Box::pin(async move { orders.create(request).await })
    }
}
