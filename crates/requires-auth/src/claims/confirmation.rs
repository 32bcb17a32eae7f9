//! The claim `cnf`: how a token is bound to its holder (RFC 7800 §3.1), decoded.

use crate::jose::base64url;
use crate::jose::json::{Object, Raw};

/// How a token is bound. A token with any `cnf` has one, also with an empty or unreadable one, so that it is never taken
/// for a token that is not bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// The SHA-256 thumbprint of the holder's key: `jkt` (RFC 9449 §6.1).
    pub(crate) key: Option<[u8; 32]>,
    /// The SHA-256 of the holder's certificate: `x5t#S256` (RFC 8705 §3.1).
    pub(crate) certificate: Option<[u8; 32]>,
    /// Whether it has anything else: another method, a member that is not known, or a value that cannot be read.
    pub(crate) has_others: bool,
}

impl Confirmation {
    pub(super) fn read(cnf: Raw<'_>) -> Self {
        let Some(members) = cnf.as_object() else { return Self { has_others: true, ..Self::default() } };
        let (key, certificate) = (digest(&members, "jkt"), digest(&members, "x5t#S256"));
        let decoded = usize::from(key.is_some()) + usize::from(certificate.is_some());
        Self { key, certificate, has_others: members.iter().count() > decoded }
    }
}

/// A SHA-256 as 43 characters of base64url.
fn digest(members: &Object<'_>, name: &str) -> Option<[u8; 32]> {
    let text = members.get(name)?.as_str()?;
    base64url::decode(&text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cnf: &str) -> Confirmation {
        let text = format!("{{\"cnf\":{cnf}}}");
        let object = Object::parse(text.as_bytes()).expect("an object");
        Confirmation::read(object.get("cnf").expect("a value"))
    }

    /// The base64url of 32 bytes 0.
    const ZEROS: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn the_known_methods_are_decoded() {
        let key = read(&format!(r#"{{"jkt":"{ZEROS}"}}"#));
        assert_eq!(key, Confirmation { key: Some([0; 32]), ..Confirmation::default() });
        let certificate = read(&format!(r#"{{"x5t#S256":"{ZEROS}"}}"#));
        assert_eq!(certificate, Confirmation { certificate: Some([0; 32]), ..Confirmation::default() });
        let both = read(&format!(r#"{{"jkt":"{ZEROS}","x5t#S256":"{ZEROS}"}}"#));
        assert_eq!((both.key, both.certificate, both.has_others), (Some([0; 32]), Some([0; 32]), false));
    }

    #[test]
    fn what_is_not_a_digest_counts_as_something_else() {
        let others = Confirmation { has_others: true, ..Confirmation::default() };
        for cnf in [
            "null",
            "5",
            "\"jkt\"",
            "[]",
            r#"{"jkt":5}"#,
            r#"{"jkt":"AAAA"}"#,
            r#"{"jkt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"}"#,
            r#"{"jkt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#,
            r#"{"jwk":{"kty":"EC"}}"#,
            r#"{"kid":"one"}"#,
        ] {
            assert_eq!(read(cnf), others, "{cnf}");
        }
        let key_and_more = read(&format!(r#"{{"jkt":"{ZEROS}","kid":"one"}}"#));
        assert_eq!((key_and_more.key, key_and_more.has_others), (Some([0; 32]), true));
        assert_eq!(read("{}"), Confirmation::default());
    }
}
