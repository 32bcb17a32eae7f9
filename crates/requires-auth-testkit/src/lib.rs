#![doc = include_str!("../README.md")]

pub mod algorithm;
pub mod keys;

mod draft;

pub mod defect;
pub mod proof;

pub mod forge;

pub mod issuer;
pub mod vectors;

pub use self::algorithm::Algorithm;
pub use self::defect::Defect;
pub use self::forge::{Forge, TokenBuilder};
pub use self::keys::{SigningKey, jwk_set};
pub use self::proof::{ProofBuilder, ProofDefect};
