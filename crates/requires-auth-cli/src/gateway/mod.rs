//! The gateway: the guard in front of an API in any language.
//!
//! An adapter (`forward_auth`, `reverse_proxy`) reads a request into an [`asked::Asked`], [`decide::Gateway::decide`] finds
//! its route and has its token judged, and the adapter turns the [`decide::Decision`] into an answer of its own kind.

// Each module uses only modules above it.

// Connections.
mod body;
mod files;
mod grpc;
mod prometheus;
mod refusals;
mod telemetry;
mod notify;
pub(crate) mod connection_limit;
mod header_names;
mod token_places;
mod host;
mod refused;
pub(crate) mod dialect;
pub(crate) mod routes;
pub(crate) mod config;
pub(crate) mod listen;
mod life;
mod write_timeout;
mod client_verifier;
mod tls;
mod wire;
pub(crate) mod connections;

// The decision, and the adapters.
mod identity_value;
mod identity;
mod resources;
mod client_certificate;
pub(crate) mod asked;
mod found;
pub(crate) mod decide;
pub(crate) mod explaining;
pub(crate) mod emit;
#[cfg(test)]
mod emit_certificate_tests;
#[cfg(test)]
mod vector_gateway;
#[cfg(test)]
mod resource_vectors;
mod self_test_answers;
mod self_test_proofs;
pub(crate) mod self_test;
mod forward_auth;
mod reverse_proxy;

// What runs.
mod operators;
mod revocations;
mod service;
mod stamps;
pub(crate) mod prepare;
mod current;
mod live;
mod admin;
mod reload;
pub(crate) mod serve;
