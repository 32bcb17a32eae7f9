//! What a token is looked up by: numbers that are made once, when the token is judged.
//!
//! A mark is a hash of a kind and a value, with a secret of the process in it. It takes the place of the claims themselves: those would
//! have to be read from the JSON of the token at each use, and kept where a remembered token is small. A hit is then compared with the
//! claims of the token, so that a collision refuses nobody.

use std::hash::{BuildHasher as _, RandomState};

use super::entry::RevocationKind;
use crate::claims::{Claims, NumericDate};

/// A secret of the process, so that nobody chooses names which all fall onto one place.
#[derive(Clone, Debug)]
pub(crate) struct Seed(RandomState);

impl Seed {
    pub(crate) const fn new(state: RandomState) -> Self {
        Self(state)
    }

    pub(super) fn mark(&self, kind: RevocationKind, value: &str) -> u64 {
        self.0.hash_one((kind as u8, value))
    }
}

/// The marks of one token, which the cache keeps beside it: a look-up then hashes nothing and reads no JSON.
#[derive(Clone, Debug)]
pub(crate) struct Marks {
    pub(super) of: [u64; 4],
    /// When the token was issued.
    pub(crate) issued_at: Option<NumericDate>,
}

impl Marks {
    /// The marks of a token; the client is the one that the guard has found. A claim of another type names nothing.
    pub(crate) fn of(seed: &Seed, claims: &Claims<'_>, subject: Option<&str>, client: Option<&str>) -> Self {
        let claim = |name| claims.string_or_null(name).ok().flatten();
        let (token, session) = (claim("jti"), claim("sid"));
        let mark = |kind| {
            let value = match kind {
                RevocationKind::Token => token.as_deref(),
                RevocationKind::Subject => subject,
                RevocationKind::Session => session.as_deref(),
                RevocationKind::Client => client,
            };
            // No entry is for a token that has no name. One that happens to have this mark is told apart by its name.
            value.map_or(0, |value| seed.mark(kind, value))
        };
        Self { of: RevocationKind::ALL.map(mark), issued_at: claims.time("iat").ok().flatten() }
    }
}

/// What a token says of itself, for the comparison with an entry that has one of its marks.
pub(crate) struct Named<'t> {
    pub(crate) issuer: &'t str,
    pub(crate) subject: Option<&'t str>,
    pub(crate) client: Option<&'t str>,
    pub(crate) issued_at: Option<NumericDate>,
    /// A claim by its name, for those that are read for the comparison alone.
    pub(crate) claim: &'t dyn Fn(&str) -> Option<String>,
}

impl Named<'_> {
    pub(super) fn is_called(&self, kind: RevocationKind, value: &str) -> bool {
        match kind {
            RevocationKind::Token | RevocationKind::Session => {
                (self.claim)(kind.as_str()).is_some_and(|own| own == value)
            }
            RevocationKind::Subject => self.subject == Some(value),
            RevocationKind::Client => self.client == Some(value),
        }
    }
}
