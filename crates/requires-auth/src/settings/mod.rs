//! The settings: one table of what can be chosen about a guard, and the values that are chosen.
//!
//! [`ALL`] has one row per setting. Everything that reads or describes settings goes over it: the file in TOML, the
//! environment, the arguments in Python, the JSON Schema of the file and the page `docs/reference/settings.md`. The
//! setters of the [`Builder`](crate::guard::Builder) are written by hand, with types; a test holds them against it.
//!
//! ```
//! use requires_auth::settings;
//!
//! let leeway = settings::find("leeway").ok_or("there is such a setting")?;
//! assert_eq!(leeway.variable(), "REQUIRES_AUTH_LEEWAY");
//! assert_eq!(leeway.default(), Some("30s".to_owned()));
//! # Ok::<(), &str>(())
//! ```

mod nearest;
mod scheme;
mod secret;
mod value;
mod row;
mod members;
mod text;
pub mod introspection;
pub mod dpop;
pub mod client_cert_header;
pub mod shared_state;
mod table;
mod given;
mod environment;
mod reference;
#[cfg(feature = "config")]
mod schema;

pub use environment::Variables;
pub(crate) use given::Given;
pub use nearest::nearest;
pub use reference::reference;
pub use row::{Key, Kind, Limits, PREFIX, Scope, Setting, variable_of};
#[cfg(feature = "config")]
pub use schema::schema;
pub use scheme::with_scheme;
pub use secret::Secret;
pub use table::*;
pub use text::{Mismatch, Notation, shown_key, shown_value};
#[cfg(feature = "config")]
pub(crate) use text::{choice_to_write, duration};
pub use value::{Document, Plain, Table, Value};

#[cfg(test)]
mod tests;
