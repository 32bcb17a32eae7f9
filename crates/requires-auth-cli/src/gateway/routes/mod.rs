//! Routes of a gateway: which rule a request falls under. Pure; the gateway judges the token.
//!
//! A request whose path can be read in more than one way is refused before it is matched. A request that matches no route
//! is refused.

mod path;
mod pattern;
mod below;
mod index;
mod not_found;
mod route;
mod rules;
mod review;

pub(crate) use below::{Below, IsBelow};
pub(crate) use not_found::NotFound;
pub(crate) use path::PlainPath;
pub(crate) use pattern::Pattern;
pub(crate) use review::Sibling;
pub(crate) use route::Route;
pub(crate) use rules::Routes;

#[cfg(test)]
mod tests;
