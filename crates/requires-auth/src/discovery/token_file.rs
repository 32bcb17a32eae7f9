//! The Bearer token for documents of an issuer that are not public, from the setting `fetch_token_file`.

use std::path::Path;

use url::Url;

use super::FetchFailure;
use crate::fetch::FetchToken;
use crate::file::RegularFile;

/// A longer token is none.
const MAX_TOKEN_BYTES: u64 = 16 * 1024;

/// The token for a document at `url`, if there is one and it may be sent there: to the origin of one of `trusted` alone.
pub(crate) fn token_for<'u>(
    file: Option<&Path>,
    trusted: impl IntoIterator<Item = &'u Url>,
    url: &Url,
) -> Result<Option<FetchToken>, FetchFailure> {
    let Some(path) = file else { return Ok(None) };
    if !trusted.into_iter().any(|own| own.origin() == url.origin()) {
        return Ok(None);
    }
    let read = RegularFile::open(path).and_then(|file| file.read(MAX_TOKEN_BYTES));
    let text = read.map_err(|error| FetchFailure::TokenFile(error.to_string()))?;
    let token = FetchToken::read(&text);
    token.map(Some).ok_or_else(|| FetchFailure::TokenFile("what is in it is not a token".to_owned()))
}
