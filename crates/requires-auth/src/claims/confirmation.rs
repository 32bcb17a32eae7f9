//! The claim `cnf`: how a token is bound to its holder (RFC 7800 §3.1), decoded.
//!
//! | member | what it says | here |
//! | --- | --- | --- |
//! | `jkt` | the SHA-256 thumbprint of a key (RFC 9449 §6.1) | has to be proven |
//! | `x5t#S256` | the SHA-256 of a certificate (RFC 8705 §3.1) | has to be proven |
//! | `jwk`, `jwe`, `jku`, `kid` | a key, or where one is (RFC 7800 §3.2 to §3.5) | cannot be proven, so the token is refused |
//! | another name | something that nobody here knows | ignored beside one of the first two, and refused alone |

use crate::jose::base64url;
use crate::jose::json::Raw;

/// Methods of RFC 7800 that no request proves: a key itself, encrypted or not, where one is, and the name of one.
const UNPROVABLE: [&str; 4] = ["jwk", "jwe", "jku", "kid"];

/// How a token is bound. A token with any `cnf` has one, also with an empty or unreadable one, so that it is never taken
/// for a token that is not bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// The SHA-256 thumbprint of the holder's key: `jkt` (RFC 9449 §6.1).
    pub(crate) key: Option<[u8; 32]>,
    /// The SHA-256 of the holder's certificate: `x5t#S256` (RFC 8705 §3.1).
    pub(crate) certificate: Option<[u8; 32]>,
    /// Whether it has members that are not known, which are ignored beside one that is proven (RFC 7800 §3.1).
    pub(crate) has_others: bool,
    /// Whether nothing that a request shows can prove it: it has a method that is not offered here, a value that cannot be
    /// read, or is not an object.
    pub(crate) is_unprovable: bool,
}

impl Confirmation {
    pub(super) fn read(cnf: Raw<'_>) -> Self {
        let Some(members) = cnf.as_object() else { return Self { is_unprovable: true, ..Self::default() } };
        let mut read = Self::default();
        for (name, value) in members.iter() {
            match name {
                "jkt" => read.key = digest(value),
                "x5t#S256" => read.certificate = digest(value),
                name if UNPROVABLE.contains(&name) => read.is_unprovable = true,
                _ => read.has_others = true,
            }
        }
        let is_unread = |name: &str, known: bool| members.get(name).is_some() && !known;
        read.is_unprovable |= is_unread("jkt", read.key.is_some());
        read.is_unprovable |= is_unread("x5t#S256", read.certificate.is_some());
        read
    }
}

/// A SHA-256 as 43 characters of base64url.
fn digest(value: Raw<'_>) -> Option<[u8; 32]> {
    base64url::decode(&value.as_str()?).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::json::Object;

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
    fn what_cannot_be_proven_is_told_from_what_is_not_known() {
        let unprovable = Confirmation { is_unprovable: true, ..Confirmation::default() };
        for cnf in [
            "null",
            "5",
            "\"jkt\"",
            "[]",
            r#"{"jkt":5}"#,
            r#"{"jkt":"AAAA"}"#,
            r#"{"jkt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"}"#,
            r#"{"jkt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}"#,
            r#"{"x5t#S256":null}"#,
            r#"{"jwk":{"kty":"EC"}}"#,
            r#"{"jwe":"a"}"#,
            r#"{"jku":"https://a.example"}"#,
            r#"{"kid":"one"}"#,
        ] {
            assert_eq!(read(cnf), unprovable, "{cnf}");
        }
        let key_and_name = read(&format!(r#"{{"jkt":"{ZEROS}","kid":"one"}}"#));
        assert_eq!((key_and_name.key, key_and_name.is_unprovable), (Some([0; 32]), true));
        let unread_certificate = read(&format!(r#"{{"jkt":"{ZEROS}","x5t#S256":"AA"}}"#));
        assert!(unread_certificate.is_unprovable);
        let others = Confirmation { has_others: true, ..Confirmation::default() };
        assert_eq!(read(r#"{"kc-jkt-type":"dpop","x5t":"AA"}"#), others);
        let key_and_more = read(&format!(r#"{{"jkt":"{ZEROS}","kc-jkt-type":"dpop"}}"#));
        assert_eq!(key_and_more, Confirmation { key: Some([0; 32]), ..others });
        assert_eq!(read("{}"), Confirmation::default());
    }
}
