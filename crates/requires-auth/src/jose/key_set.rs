//! A JWK Set (RFC 7517 §5): the usable keys of one issuer, and how a token finds its own.

use std::collections::BTreeMap;
use std::fmt;

use super::alg::Algorithm;
use super::jwk::{Jwk, Unusable};
use super::key_document::Entry;
pub use super::key_document::KeySetError;
pub(crate) use super::key_document::KeySetLimits;

/// How many keys are tried for one token, when its `kid` does not single one out.
const MAX_TRIES: usize = 8;

/// The keys of an issuer, parsed and ready.
///
/// Keys that cannot be used are skipped one by one and never spoil the set (RFC 7517 §5).
///
/// A server does not need one: its guard fetches the keys, or takes the text with
/// [`Builder::with_jwks`](crate::guard::Builder::with_jwks). It is for tools that verify with [`Rules`] and
/// for checks of a file before it is deployed:
///
/// ```
/// use requires_auth::verify::{KeySet, Unusable};
///
/// // Somebody has copied the symmetric key of another service beside the public ones.
/// let text = r#"{"keys": [
///     {"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///     {"kty": "oct", "kid": "2", "k": "c2VjcmV0"}
/// ]}"#;
/// let keys = KeySet::parse(text)?;
/// assert_eq!(keys.len(), 1);
/// for skipped in keys.skipped() {
///     println!("key {} is left out: {}", skipped.index(), skipped.reason());
///     assert_eq!(skipped.reason(), Unusable::Private);
/// }
/// # Ok::<(), requires_auth::verify::KeySetError>(())
/// ```
///
/// [`Rules`]: crate::verify::Rules
pub struct KeySet {
    keys: Vec<Jwk>,
    /// Most sets have a few keys, for which this is quicker than hashing.
    by_kid: BTreeMap<Box<str>, Vec<usize>>,
    skipped: Vec<SkippedKey>,
}

impl KeySet {
    /// Reads a key set of at most 16 MiB that you trust: from a file, or from your configuration. It is a JWK Set; a public
    /// key or a certificate in PEM (RFC 7468), which has no `kid` and so is tried whatever a token names; or a JSON object
    /// that has a certificate in PEM for each `kid`, as Google publishes its keys.
    ///
    /// A set without a usable key is valid; no token finds its key there. Keys whose
    /// private halves are published (by our testkit, an RFC or jwt.io) are used here, because the set is
    /// yours to choose; a guard refuses them.
    ///
    /// # Errors
    ///
    /// The text is too large, none of these, or has a private key in it.
    pub fn parse(json: impl AsRef<[u8]>) -> Result<Self, KeySetError> {
        Self::read(json.as_ref(), KeySetLimits { public_test_keys: true, ..KeySetLimits::GIVEN })
    }

    pub(crate) fn read(document: &[u8], limits: KeySetLimits) -> Result<Self, KeySetError> {
        let entries = Entry::all(document, limits)?;
        let mut set = Self { keys: Vec::new(), by_kid: BTreeMap::new(), skipped: Vec::new() };
        for (index, entry) in entries.into_iter().enumerate() {
            match entry.usable(limits) {
                Ok(jwk) => set.push(jwk),
                Err(reason) => set.skipped.push(SkippedKey { index, reason }),
            }
        }
        Ok(set)
    }

    fn push(&mut self, jwk: Jwk) {
        if let Some(kid) = jwk.kid() {
            self.by_kid.entry(kid.into()).or_default().push(self.keys.len());
        }
        self.keys.push(jwk);
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that were left out, each with the reason. A set may have many: issuers publish keys for encryption too.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// Whether a usable key has this `kid`.
    pub(crate) fn has_kid(&self, kid: &str) -> bool {
        self.by_kid.contains_key(kid)
    }

    /// The names of the usable keys, each once.
    pub(crate) fn kids(&self) -> impl Iterator<Item = &str> {
        self.by_kid.keys().map(AsRef::as_ref)
    }

    /// Whether both sets judge every token alike: the same keys under the same names, in the same order.
    pub(crate) fn has_same_keys(&self, other: &Self) -> bool {
        self.keys.len() == other.keys.len() && self.keys.iter().zip(&other.keys).all(|(a, b)| a.is_same(b))
    }

    /// The usable keys, by name and by the algorithms they serve, for people to read.
    pub(crate) fn describe(&self) -> String {
        let keys: Vec<_> = self.keys.iter().take(8).map(describe).collect();
        let more = self.keys.len().saturating_sub(keys.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if keys.is_empty() { "no usable key".to_owned() } else { format!("{}{more}", keys.join(", ")) }
    }

    /// The keys that may have signed a token with this algorithm and `kid`.
    pub(crate) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Found<'_> {
        let fits = |jwk: &&Jwk| jwk.public().serves(algorithm);
        // RFC 7515 §6: `kid` is a hint. Without one, or in a set that has none, every key that fits may be it;
        // a `kid` that is not in a set with kids is never tried against other keys.
        let Some(kid) = kid.filter(|_| !self.by_kid.is_empty()) else {
            return match Candidates::from_iter(self.keys.iter().filter(fits)) {
                candidates if candidates.is_empty() => Found::Unknown,
                candidates => Found::Keys(candidates),
            };
        };
        let Some(named) = self.by_kid.get(kid) else { return Found::Unknown };
        match Candidates::from_iter(named.iter().map(|&index| &self.keys[index]).filter(fits)) {
            candidates if candidates.is_empty() => Found::OtherAlgorithm,
            candidates => Found::Keys(candidates),
        }
    }
}

fn describe(jwk: &Jwk) -> String {
    let algorithms: Vec<_> = jwk.public().algorithms().map(Algorithm::name).collect();
    format!("{} ({})", jwk.kid().unwrap_or("without kid"), algorithms.join("/"))
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("keys", &self.keys)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}

/// What a look-up in a [`KeySet`] found.
pub(crate) enum Found<'k> {
    /// These keys fit; there is at least one.
    Keys(Candidates<'k>),
    /// The `kid` is known, but its key does not serve the algorithm.
    OtherAlgorithm,
    /// No key has the `kid`, or none fits the algorithm of a token without one.
    Unknown,
}

/// The first few keys that fit.
pub(crate) struct Candidates<'k>([Option<&'k Jwk>; MAX_TRIES]);

impl<'k> Candidates<'k> {
    fn from_iter(mut keys: impl Iterator<Item = &'k Jwk>) -> Self {
        Self(std::array::from_fn(|_| keys.next()))
    }

    const fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &'k Jwk> {
        self.0.iter().flatten().copied()
    }
}

/// A key of a set that is not used; from [`KeySet::skipped`] or
/// [`IssuerHealth::skipped`](crate::guard::IssuerHealth::skipped).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    index: usize,
    reason: Unusable,
}

impl SkippedKey {
    /// The place of the key in the array `keys`, counted from 0: a key that is skipped may have no `kid`.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Why it is not used.
    pub const fn reason(&self) -> Unusable {
        self.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.2.
    const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn key(kid: &str) -> String {
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{ED25519}","kid":"{kid}"}}"#)
    }

    fn set(keys: &[String]) -> String {
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    fn read(json: &str, bytes: usize, keys: usize) -> Result<KeySet, KeySetError> {
        KeySet::read(json.as_bytes(), KeySetLimits { bytes, keys, public_test_keys: true })
    }

    #[test]
    fn the_limits_are_those_of_the_documentation() {
        assert_eq!((KeySetLimits::FETCHED.bytes, KeySetLimits::FETCHED.keys), (262_144, 100));
        assert_eq!((KeySetLimits::GIVEN.bytes, KeySetLimits::GIVEN.keys), (16_777_216, usize::MAX));
    }

    #[test]
    fn a_set_at_its_limits_is_read_and_one_beyond_is_not() {
        let json = set(&[key("a"), key("b")]);
        assert_eq!(read(&json, json.len(), 2).map(|set| set.len()), Ok(2));
        assert_eq!(read(&json, json.len() - 1, 2).map(|set| set.len()), Err(KeySetError::TooLarge));
        assert_eq!(read(&json, json.len(), 1).map(|set| set.len()), Err(KeySetError::TooLarge));
        assert_eq!(read(&json, json.len() + 1, 3).map(|set| set.len()), Ok(2));
    }

    #[test]
    fn a_set_knows_its_names() {
        let keys = KeySet::parse(set(&[key("a"), key("b"), key("b")])).expect("a set");
        assert!(keys.has_kid("a") && keys.has_kid("b") && !keys.has_kid("c") && !keys.has_kid(""));
        let mut kids: Vec<_> = keys.kids().collect();
        kids.sort_unstable();
        assert_eq!(kids, ["a", "b"]);
        assert_eq!(keys.describe(), "a (Ed25519), b (Ed25519), b (Ed25519)");
    }

    #[test]
    fn sets_are_the_same_when_they_judge_alike() {
        let parse = |kids: &[&str]| {
            KeySet::parse(set(&kids.iter().map(|kid| key(kid)).collect::<Vec<_>>())).expect("a set")
        };
        assert!(parse(&["a", "b"]).has_same_keys(&parse(&["a", "b"])));
        for other in [&["b", "a"][..], &["a"], &["a", "b", "c"], &["a", "c"], &[]] {
            assert!(!parse(&["a", "b"]).has_same_keys(&parse(other)), "{other:?}");
        }
    }

    #[test]
    fn at_most_eight_keys_are_tried() {
        let keys = KeySet::parse(set(&["a"; 9].map(key))).expect("a set");
        let tries = |kid| match keys.find(Algorithm::Ed25519, kid) {
            Found::Keys(candidates) => candidates.iter().count(),
            Found::OtherAlgorithm | Found::Unknown => 0,
        };
        assert_eq!((tries(Some("a")), tries(None), tries(Some("x"))), (8, 8, 0));
        assert!(matches!(keys.find(Algorithm::Es256, Some("a")), Found::OtherAlgorithm));
        assert!(matches!(keys.find(Algorithm::Es256, None), Found::Unknown));
        assert!(matches!(keys.find(Algorithm::Ed25519, Some("x")), Found::Unknown));
    }

    #[test]
    fn a_kid_is_ignored_where_no_key_has_one() {
        let nameless = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{ED25519}"}}]}}"#);
        let keys = KeySet::parse(nameless).expect("a set");
        assert!(matches!(keys.find(Algorithm::Ed25519, Some("any")), Found::Keys(_)));
    }
}
