//! Tokens that are refused before they expire, by what they say of themselves: their id, their subject, their session, or
//! their client.
//!
//! A token is never named by its bytes or their hash, since one signature can be written in two ways, and the second token is
//! as good as the first. An entry holds until its end, and a set that is full refuses a new entry: none is dropped for another.
//!
//! | kind | the claim | for |
//! | --- | --- | --- |
//! | [`RevocationKind::Token`] | `jti` | one token: a logout |
//! | [`RevocationKind::Subject`] | `sub` | all tokens of a user: a new password, an account that is closed |
//! | [`RevocationKind::Session`] | `sid` | all tokens of a session: a logout at the provider |
//! | [`RevocationKind::Client`] | `client_id`, or where the guard finds the client | all tokens of an application: its secret was lost |
//!
//! # When an entry holds
//!
//! - For tokens whose claim is equal to its value, byte for byte. Where it names an issuer, for tokens of that issuer alone: a `sub` or
//!   a `jti` is unique only there.
//! - With [`issued_before`](Revocation::issued_before), for tokens whose `iat` lies before that moment, and for tokens without `iat`. A
//!   login after it is good.
//! - Until its end, and for the five minutes after that by which clocks may differ at most. Let it end no earlier than the last token
//!   that it is for: a token that outlives its revocation is good again.
//!
//! # As JSON
//!
//! An entry is a JSON object: the line of a file, the body of a request to the gateway, and what instances tell each other. Times are
//! seconds since 1970. A member that is not known is a mistake, since what was meant may revoke more than what was read.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//!
//! use requires_auth::revocation::Revocation;
//!
//! let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
//! let entry = Revocation::of_subject("u-17", at(1_796_086_400))
//!     .at_issuer("https://login.example.com")
//!     .issued_before(at(1_796_000_000));
//! let json = entry.to_json();
//! assert_eq!(Revocation::parse(&json)?, entry);
//!
//! assert!(Revocation::parse(r#"{"sub":"u-17","until":1796086400}"#).is_ok());
//! assert!(Revocation::parse(r#"{"sub":"u-17"}"#).is_err(), "it has no end");
//! assert!(Revocation::parse(r#"{"sub":"u-17","jti":"a","until":1796086400}"#).is_err(), "it names two things");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it costs
//!
//! What a token is looked up by is made when the token is judged, and kept beside it. A remembered token that has no entry is not looked up
//! again until the entries change. So a guard with 100,000 entries is as fast as one with none, and a guard without revocations
//! keeps nothing for them.

mod entry;
mod line;
mod marks;
mod set;

pub use entry::{InvalidRevocation, Revocation, RevocationKind};
pub(crate) use line::read_lines;
pub(crate) use marks::{Marks, Named, Seed};
pub(crate) use set::{Found, Set, Sets};
