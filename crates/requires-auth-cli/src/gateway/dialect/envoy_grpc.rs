//! Envoy's `ext_authz` over gRPC, by which it shows the gateway all of a request. The service itself is in
//! `forward_auth/grpc.rs`.

use requires_auth::client_certificate::HeaderFormat;

use super::envoy::{self, Over};
#[cfg(test)]
use super::interface::Asking;
use super::interface::{Caution, Dialect, Question, Transport};
use super::original::Original;
use super::proxy_side::ProxySide;
use crate::error::Failure;

/// Envoy, over gRPC.
#[derive(Debug)]
pub(crate) struct EnvoyGrpc;

impl Dialect for EnvoyGrpc {
    fn name(&self) -> &'static str {
        "envoy-grpc"
    }

    fn transport(&self) -> Transport {
        Transport::Grpc
    }

    fn read<'r>(&self, _question: &Question<'r>) -> Result<Original<'r>, &'static str> {
        Err("a dialect that is not spoken over HTTP")
    }

    fn takes_tokens(&self) -> bool {
        true
    }

    fn caution(&self) -> Option<Caution> {
        Some(envoy::CAUTION)
    }

    fn certificate_format(&self) -> HeaderFormat {
        HeaderFormat::Xfcc
    }

    #[cfg(test)]
    fn shipped_as(&self) -> &'static str {
        "envoy-grpc.yaml"
    }

    fn emit(&self, side: &ProxySide) -> Result<String, Failure> {
        envoy::emit(side, Over::Grpc)
    }

    #[cfg(test)]
    fn ask<'a>(&self, _method: &'a str, _target: &'a str, _host: Option<&'a str>) -> Asking<'a> {
        ("/envoy.service.auth.v3.Authorization/Check".to_owned(), Vec::new())
    }
}
