//! The gateway: the guard in front of an API in any language.
//!
//! A request goes one way: a door (`forward_auth`, `reverse_proxy`) reads it into an [`Asked`], [`Gateway::decide`] finds its
//! route and has its token judged, and the door turns the [`Decision`] into an answer of its own kind.

mod decide;
pub(crate) mod forward_auth;
mod identity;
mod identity_value;

mod admin;
mod body;
mod connections;
mod files;
mod grpc;
mod life;
mod listen;
mod live;
mod notify;
mod patience;
mod prometheus;
mod reload;
mod request_id;
mod seats;
pub(crate) mod reverse_proxy;
pub(crate) mod serve;
mod telemetry;
mod tls;
mod wire;

pub(crate) use decide::{Asked, Decision, Gateway, Refused};
pub(crate) use identity::Identity;
