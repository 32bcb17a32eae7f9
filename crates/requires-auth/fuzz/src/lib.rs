//! What the fuzz targets share: an oracle that has no line in common with the library, and a mutator of tokens.

pub mod base64url;
pub mod safe_url;
pub mod strict;
pub mod setting;
pub mod oracle;
pub mod peer;
pub mod compare;
pub mod plan;
pub mod proven;
