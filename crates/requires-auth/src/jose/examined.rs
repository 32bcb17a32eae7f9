//! The keys of a set one by one, for people to read: which can be used, and why not the others.

use super::alg::Algorithm;
use super::jwk::Unusable;
use super::key_document::{Entry, KeySetLimits};

/// A key of an issuer, as a guard sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExaminedKey {
    index: usize,
    kid: Option<String>,
    kind: Option<String>,
    algorithms: Result<Vec<Algorithm>, Unusable>,
}

impl ExaminedKey {
    /// The keys of a set, in its order; none if the text is not a key set.
    pub(crate) fn all(json: &[u8], limits: KeySetLimits) -> Vec<Self> {
        let entries = Entry::all(json, limits).unwrap_or_default();
        entries.iter().enumerate().map(|(index, entry)| Self::of(index, entry, limits)).collect()
    }

    fn of(index: usize, entry: &Entry<'_>, limits: KeySetLimits) -> Self {
        let object = if let Entry::Jwk(member) = entry { member.as_object() } else { None };
        let text = |name| Some(object.as_ref()?.get(name)?.as_str()?.into_owned());
        let kid = if let Entry::Named { kid, .. } = entry { Some(kid.clone()) } else { text("kid") };
        Self {
            index,
            kid,
            kind: text("alg").or_else(|| text("crv")).or_else(|| text("kty")),
            algorithms: entry.usable(limits).map(|jwk| jwk.public().algorithms().collect()),
        }
    }

    /// Its place in the set, counted from 0.
    pub const fn index(&self) -> usize {
        self.index
    }

    /// Its `kid`, as the issuer has it; it may be of any length up to that of the document.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What the issuer says that it is: its `alg`, or else its `crv`, or else its `kty` (RFC 7517 §4). `None` for a key in PEM.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// The algorithms whose signatures it verifies; at least one.
    ///
    /// # Errors
    ///
    /// Why the guard does not use it.
    pub fn algorithms(&self) -> Result<&[Algorithm], Unusable> {
        match &self.algorithms {
            Ok(algorithms) => Ok(algorithms),
            Err(reason) => Err(*reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.2.
    const ED25519: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;

    fn examine(keys: &str, public_test_keys: bool) -> Vec<ExaminedKey> {
        let limits = KeySetLimits { public_test_keys, ..KeySetLimits::FETCHED };
        ExaminedKey::all(format!(r#"{{"keys":[{keys}]}}"#).as_bytes(), limits)
    }

    #[test]
    fn each_key_is_told_with_its_name_and_what_it_is_for() {
        let keys =
            format!(r#"{{{ED25519},"kid":"a","alg":"EdDSA"}},{{{ED25519}}},{{"kty":"oct","k":"AA"}},7"#);
        let keys = examine(&keys, true);
        let told: Vec<_> = keys
            .iter()
            .map(|key| (key.index(), key.kid(), key.kind(), key.algorithms().map(<[_]>::to_vec)))
            .collect();
        assert_eq!(
            told,
            [
                (0, Some("a"), Some("EdDSA"), Ok(vec![Algorithm::Ed25519])),
                (1, None, Some("Ed25519"), Ok(vec![Algorithm::Ed25519])),
                (2, None, Some("oct"), Err(Unusable::Private)),
                (3, None, None, Err(Unusable::Malformed)),
            ]
        );
    }

    #[test]
    fn a_published_test_key_is_not_used_where_a_guard_would_not() {
        let keys = examine(&format!("{{{ED25519}}}"), false);
        assert_eq!(keys[0].algorithms(), Err(Unusable::PublicTestKey));
    }

    #[test]
    fn what_is_not_a_set_has_no_keys() {
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "\u{0}"] {
            assert!(ExaminedKey::all(text.as_bytes(), KeySetLimits::FETCHED).is_empty(), "{text}");
        }
    }
}
