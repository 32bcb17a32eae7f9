//! What an issuer's introspection endpoint says of a token (RFC 7662 §2.2, RFC 9701 §5).
//!
//! An answer is JSON, or a JWT that one of the issuer's keys has signed. It is read here by the rules that hold for the
//! claims of a JWT, and this module alone makes an [`Active`], which `claims` takes for claims that are vouched for. Who
//! asks, and how, is not known here.

mod answer;
mod signed;

pub(crate) use answer::{Active, Answer, AnswerFault};
pub(crate) use signed::{Expected, UnreadAnswer, read_signed};
