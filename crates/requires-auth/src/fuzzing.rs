//! Windows on private parsers for the fuzz targets in `fuzz/`, and nothing else.
//!
//! Exists only with `--cfg fuzzing`, which cargo-fuzz sets. No part of the API; it changes without notice.

use url::Url;

use crate::credential::Bearer;
use crate::discovery::{self, Answer, FetchFailure};
use crate::error::{ConfigError, Reason};
use crate::fetch::FetchResponse;
use crate::issuer::{IssuerUrl, Transport};
use crate::jose::alg::Algorithm;
use crate::jose::compact::Token;
use crate::jose::header;
use crate::jose::json::Object;
use crate::jose::key_set::{Found, KeySet};

/// The parts of a compact token, decoded.
#[derive(Debug)]
pub struct Parts {
    /// What was signed.
    pub signing_input: Vec<u8>,
    /// The JSON of the header.
    pub header: Vec<u8>,
    /// The JSON of the claims.
    pub payload: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Splits and decodes a token.
///
/// # Errors
///
/// It is not three parts of base64url.
pub fn compact(bearer: Bearer<'_>) -> Result<Parts, Reason> {
    let Token::Signed(token) = Token::parse(bearer, None)? else { return Err(Reason::Opaque) };
    Ok(Parts {
        signing_input: token.signing_input().to_vec(),
        header: token.header_text().to_vec(),
        payload: token.payload().to_vec(),
        signature: token.signature().to_vec(),
    })
}

/// What is read of a header.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`, as sent.
    pub algorithm: String,
    /// `kid`.
    pub kid: Option<String>,
    /// `typ`.
    pub typ: Option<String>,
    /// Whether `cty` says that the payload is a JWT.
    pub is_nested: bool,
    /// Whether it has `crit`, or an unencoded payload.
    pub is_critical: bool,
}

/// Reads a header.
///
/// # Errors
///
/// It is not one strict JSON object with members of the right types.
pub fn header(json: &[u8]) -> Result<Header, Reason> {
    let header = header::Header::parse(json)?;
    Ok(Header {
        algorithm: header.algorithm_name().to_owned(),
        kid: header.kid().map(ToOwned::to_owned),
        typ: header.typ().map(ToOwned::to_owned),
        is_nested: header.is_nested(),
        is_critical: header.is_critical(),
    })
}

/// The members of a strict JSON object, each value as its text; `None` if the text is none.
pub fn object(json: &[u8]) -> Option<Vec<(String, String)>> {
    let object = Object::parse(json).ok()?;
    Some(object.iter().map(|(name, value)| (name.to_owned(), value.text().to_owned())).collect())
}

/// How many keys of a set would be tried for a token; `None` if it is refused before any is.
pub fn candidates(keys: &KeySet, algorithm: Algorithm, kid: Option<&str>) -> Option<usize> {
    match keys.find(algorithm, kid) {
        Found::Keys(candidates) => Some(candidates.iter().count()),
        Found::OtherAlgorithm | Found::Unknown => None,
    }
}

/// Where an answer to a request for metadata says that the key set is; `None` if the next place is to be asked.
///
/// # Errors
///
/// The answer is not what it should be.
///
/// # Panics
///
/// If `issuer` is not a URL that an issuer may have.
pub fn key_set_url(issuer: &str, status: u16, body: &[u8]) -> Result<Option<Url>, FetchFailure> {
    let issuer = IssuerUrl::parse(issuer, Transport::Tls).map_err(ConfigError::from);
    // Documented above; the targets name a fixed issuer.
    let issuer = issuer.unwrap_or_else(|error| panic!("{error}"));
    let from = issuer.metadata_urls().swap_remove(0);
    match discovery::read(&FetchResponse::new(status, body), &from, &issuer, Transport::Tls)? {
        Answer::At(url) => Ok(Some(url)),
        Answer::NotHere(_) => Ok(None),
    }
}
