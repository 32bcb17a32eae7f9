//! The claims of a proof, each of its type (RFC 9449 §4.2).

use std::borrow::Cow;

use super::{Fault, ProofCheck, Watch};
use crate::claims::NumericDate;
use crate::error::Reason;
use crate::jose::base64url;
use crate::jose::json::{Object, Raw};

/// A longer `jti` is nobody's (RFC 9449 §11.1).
const MAX_JTI_BYTES: usize = 256;

/// What a proof says.
pub(super) struct ProofClaims<'p> {
    pub(super) jti: Cow<'p, str>,
    pub(super) htm: Cow<'p, str>,
    pub(super) htu: Cow<'p, str>,
    pub(super) iat: NumericDate,
    pub(super) ath: [u8; 32],
    pub(super) nonce: Option<Cow<'p, str>>,
}

impl<'p> ProofClaims<'p> {
    /// RFC 9449 §4.3 (3).
    pub(super) fn read(payload: &'p [u8], watch: &mut impl Watch) -> Result<Self, Fault> {
        let read = Self::of(payload);
        watch.saw(ProofCheck::Claims, read.is_ok(), || {
            let found =
                read.as_ref().err().map_or_else(|| "all claims".to_owned(), |wrong| (*wrong).to_owned());
            (found, "jti of 1 to 256 bytes, htm, htu, iat and ath, and nonce a string if present".to_owned())
        });
        read.map_err(|_| Fault::Proof(Reason::ProofMalformed))
    }

    /// The claims, or what is wrong with them.
    fn of(payload: &'p [u8]) -> Result<Self, &'static str> {
        let object = Object::parse(payload).map_err(|_| "no JSON object, or a member twice")?;
        let text = |name| object.get(name).and_then(Raw::as_str);
        let jti = text("jti").filter(|jti| (1..=MAX_JTI_BYTES).contains(&jti.len()));
        let ath = text("ath").and_then(|ath| base64url::decode(&ath).ok()?.try_into().ok());
        let nonce = match object.get("nonce") {
            Some(nonce) => Some(nonce.as_str().ok_or("nonce is not a string")?),
            None => None,
        };
        Ok(Self {
            jti: jti.ok_or("no jti, or one that is empty, too long or not a string")?,
            htm: text("htm").ok_or("no htm, or one that is not a string")?,
            htu: text("htu").ok_or("no htu, or one that is not a string")?,
            iat: object.get("iat").and_then(NumericDate::parse).ok_or("no iat, or one that is not a time")?,
            ath: ath.ok_or("no ath, or one that is not the base64url of a SHA-256")?,
            nonce,
        })
    }
}
