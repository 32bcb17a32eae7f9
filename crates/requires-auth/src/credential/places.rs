//! One token of all the places that a guard reads.

use std::borrow::Cow;

use super::place::{Kind, TokenPlace};
use super::{
    Credential, Scheme, Shown, authorization, cookie, cross_site, first_space, has_query_token,
    invalid_format, subprotocol, trim_whitespace, without_spaces,
};
use crate::error::{Denial, ErrorCode};
use crate::request::{HeaderValues, Request, UPGRADE_HEADERS};

/// Which places hold a token, or which ones count: a bit for each, the lowest for `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlaceSet(u64);

impl PlaceSet {
    /// The `Authorization` header.
    pub(crate) const AUTHORIZATION: Self = Self(1);

    /// Wherever it is: of a token that is in no request.
    pub(crate) const ANY: Self = Self(u64::MAX);

    /// Of all places that are read, those of an issuer. One that is not read is in no set.
    pub(crate) fn of(all: &[TokenPlace], places: &[TokenPlace]) -> Self {
        let own = all.iter().enumerate().filter(|(_, own)| places.contains(own));
        own.fold(Self(0), |set, (place, own)| set.and(bit(place, own)))
    }

    /// Whether one of these places is one of those.
    #[inline]
    pub(crate) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The places that a guard reads, beside `Authorization` or instead of it.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    list: Vec<TokenPlace>,
    /// Origins whose pages may use a cookie.
    cookie_origins: Vec<Box<str>>,
}

impl Places {
    /// How many places there may be, of all issuers together.
    pub(crate) const MOST: usize = 32;

    pub(crate) fn new(list: Vec<TokenPlace>, cookie_origins: Vec<Box<str>>) -> Self {
        Self { list, cookie_origins }
    }

    /// Every place.
    pub(crate) fn list(&self) -> &[TokenPlace] {
        &self.list
    }

    /// The one token of a request.
    pub(crate) fn credential<'a>(
        &self,
        request: &Request<'a>,
        takes_dpop: bool,
    ) -> Result<Credential<'a>, Denial> {
        let (scheme, token, places) = match self.shown(request, takes_dpop)? {
            Shown::Nothing => return Err(Denial::new(ErrorCode::AuthorizationHeaderMissing)),
            Shown::OtherScheme => return Err(Denial::new(ErrorCode::AuthorizationTokenTypeNotSupported)),
            Shown::Token(found) => found,
        };
        // RFC 6750 §2: one token, one method. The query is never one.
        if has_query_token(request.query()) {
            return Err(Denial::new(ErrorCode::InvalidRequest));
        }
        let is_in_cookie = self
            .list
            .iter()
            .enumerate()
            .any(|(place, own)| own.cookie_name().is_some() && places.meets(bit(place, own)));
        if is_in_cookie && !cross_site::may_use_cookie(request, &self.cookie_origins) {
            return Err(Denial::new(ErrorCode::CrossSite));
        }
        Ok(Credential::shown_by(request, scheme, token, places))
    }

    /// Whether no place has a token, good or bad.
    pub(crate) fn show_no_token(&self, request: &Request<'_>) -> bool {
        matches!(self.shown(request, true), Ok(Shown::Nothing | Shown::OtherScheme))
    }

    /// Whether a request has its token, and not in the `Authorization` header.
    pub(crate) fn is_elsewhere(&self, request: &Request<'_>) -> bool {
        matches!(self.shown(request, true), Ok(Shown::Token((_, _, places))) if !places.meets(PlaceSet::AUTHORIZATION))
    }

    /// The headers that have to be looked at for them, in lower case, none twice.
    pub(crate) fn headers(&self) -> Vec<Box<str>> {
        let own = self.list.iter().map(TokenPlace::header_name);
        let has_cookie = self.list.iter().any(|place| place.cookie_name().is_some());
        let of_cookies = ["sec-fetch-site", "origin"].into_iter().chain(UPGRADE_HEADERS);
        let mut names: Vec<Box<str>> = own.chain(of_cookies.filter(|_| has_cookie)).map(Into::into).collect();
        names.sort();
        names.dedup();
        names
    }

    /// What all places show together: the same bytes in two of them are one token. Beside a proof it is one by `DPoP`.
    fn shown<'a>(&self, request: &Request<'a>, takes_dpop: bool) -> Result<Shown<Placed<'a>>, Denial> {
        let mut found: Option<Placed<'a>> = None;
        let mut has_other_scheme = false;
        for (place, own) in self.list.iter().enumerate() {
            let (scheme, token) = match look(own, request, takes_dpop)? {
                Shown::Nothing => continue,
                Shown::OtherScheme => {
                    has_other_scheme = true;
                    continue;
                }
                Shown::Token(token) => token,
            };
            found = match found {
                None => Some((scheme, token, bit(place, own))),
                Some((by, earlier, places)) if earlier == token => {
                    let by = if scheme == Scheme::Dpop { scheme } else { by };
                    Some((by, earlier, places.and(bit(place, own))))
                }
                Some(_) => return Err(Denial::new(ErrorCode::InvalidRequest)),
            };
        }
        Ok(match found {
            Some(found) => Shown::Token(found),
            None if has_other_scheme => Shown::OtherScheme,
            None => Shown::Nothing,
        })
    }
}

/// A token, and by which scheme.
type Tried<'a> = (Scheme, Cow<'a, [u8]>);

/// A token, by which scheme, and where it stands.
type Placed<'a> = (Scheme, Cow<'a, [u8]>, PlaceSet);

/// The bit of a place in the list.
fn bit(place: usize, own: &TokenPlace) -> PlaceSet {
    match own.kind() {
        Kind::Authorization => PlaceSet::AUTHORIZATION,
        // There are at most 32 places.
        _ => PlaceSet(1 << (place + 1).min(63)),
    }
}

/// What one place shows.
fn look<'a>(place: &TokenPlace, request: &Request<'a>, takes_dpop: bool) -> Result<Shown<Tried<'a>>, Denial> {
    let borrowed = |token: &'a [u8]| Cow::Borrowed(token);
    let shown = match place.kind() {
        Kind::Authorization => {
            return Ok(authorization(request, takes_dpop)?.map(|(scheme, token)| (scheme, token.into())));
        }
        Kind::Header(name, _) => header(request, name)?.map(borrowed),
        Kind::Cookie(name) => cookie::shown(request, name)?.map(borrowed),
        Kind::SubprotocolPrefix(prefix) => subprotocol::with_prefix(request, prefix)?,
        Kind::SubprotocolAfter(marker) => subprotocol::after(request, marker)?,
    };
    Ok(shown.map(|token| (Scheme::Bearer, token)))
}

/// A header with the token alone, or with `Bearer` before it.
fn header<'a>(request: &Request<'a>, name: &str) -> Result<Shown<&'a [u8]>, Denial> {
    let value = match request.header(name) {
        HeaderValues::Absent => return Ok(Shown::Nothing),
        HeaderValues::Several => return Err(Denial::new(ErrorCode::InvalidRequest)),
        HeaderValues::One(value) => trim_whitespace(value),
    };
    let Some(space) = first_space(value) else { return Ok(Shown::Token(value)) };
    match Scheme::from_name(&value[..space]) {
        Some(Scheme::Bearer) => Ok(Shown::Token(without_spaces(&value[space..]))),
        _ => Err(invalid_format()),
    }
}

#[cfg(test)]
mod tests;
