//! The commands: the flags of each, and what it does with them.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod conformance;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod inspect;
pub(crate) mod issuer;
pub(crate) mod manual;
pub(crate) mod proof;
pub(crate) mod revoke;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod verify;
