//! Tokens that are refused before they expire, by what they say of themselves: their id, their subject, their session, or
//! their client.
//!
//! A token is never named by its bytes or their hash, since one signature can be written in two ways, and the second token is
//! as good as the first. An entry holds until its end, and a set that is full refuses a new entry: none is dropped for another.

mod entry;
mod line;
mod marks;
mod set;

pub use entry::{InvalidRevocation, Revocation, RevocationKind};
pub(crate) use line::read_lines;
pub(crate) use marks::{Marks, Named, Seed};
pub(crate) use set::{Found, Set, Sets};
