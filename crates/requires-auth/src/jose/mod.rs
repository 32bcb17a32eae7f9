//! JSON Object Signing: compact JWS (RFC 7515), its algorithms (RFC 7518, 8037, 8812, 9864, 9964) and
//! its keys (RFC 7517), as far as verifying needs them.

pub(crate) mod members;
pub(crate) mod json;
pub(crate) mod base64url;
pub(crate) mod alg;
pub(crate) mod header;
pub(crate) mod compact;
pub(crate) mod digest;
pub(crate) mod signature;
pub(crate) mod der;
pub(crate) mod material;
pub(crate) mod spki;
pub(crate) mod pem;
pub(crate) mod jwk;
pub(crate) mod public_keys;
pub(crate) mod key_document;
pub(crate) mod key_set;
pub(crate) mod examined;
