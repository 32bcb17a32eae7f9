//! The part of gRPC that Envoy's `ext_authz` needs: one method that takes one message and answers with one.
//!
//! It is written out by hand. The generated code and its runtime would be a tenth of what the gateway is built of, for
//! four messages. The tests hold it against the definitions that Envoy publishes.

mod protobuf;
pub(crate) mod unary;
pub(crate) mod ext_authz;

pub(crate) use self::protobuf::Malformed;
