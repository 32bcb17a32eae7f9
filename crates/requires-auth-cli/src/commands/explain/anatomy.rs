//! A token taken apart, unverified: for showing what it says, and for nothing else.

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth::Bearer;
use serde_json::{Map, Value};

use crate::verdict::moment;

/// The claims that are moments (RFC 7519 §4.1, OIDC Core §2).
const MOMENTS: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

/// The members of a header that bring a key or say where to fetch one (RFC 7515 §4.1.2, §4.1.3, §4.1.5, §4.1.6).
const KEYS: [&str; 4] = ["jku", "jwk", "x5u", "x5c"];

/// The header and the claims of a token; `None` where they are not readable.
pub(in crate::commands) struct Anatomy {
    pub(in crate::commands) header: Option<Vec<Member>>,
    pub(in crate::commands) claims: Option<Vec<Member>>,
    /// What a log calls the token: the first 8 digits of its SHA-256. Nothing, if it cannot be one.
    pub(in crate::commands) name_in_logs: Option<String>,
}

/// A part as an object of JSON; `None` where it is not readable.
pub(in crate::commands) fn object(part: Option<&[Member]>) -> Option<Map<String, Value>> {
    let value = |member: &Member| Some((member.name.clone(), serde_json::from_str(&member.value).ok()?));
    part?.iter().map(value).collect()
}

fn name_in_logs(token: &str) -> Option<String> {
    Bearer::parse(token).ok()?;
    let digest = digest(&SHA256, token.as_bytes());
    let first = digest.as_ref().first_chunk().expect("32 bytes");
    Some(format!("{:08x}", u32::from_be_bytes(*first)))
}

/// One member of the header or the claims.
pub(in crate::commands) struct Member {
    pub(in crate::commands) name: String,
    /// As JSON, on one line.
    pub(in crate::commands) value: String,
    pub(in crate::commands) moment: Option<SystemTime>,
}

impl Anatomy {
    pub(in crate::commands) fn of(token: &str) -> Self {
        let mut parts = token.split('.');
        let mut next = || parts.next().and_then(members);
        Self { header: next(), claims: next(), name_in_logs: name_in_logs(token) }
    }

    /// The value of a claim.
    pub(in crate::commands) fn claim(&self, name: &str) -> Option<Value> {
        let member = self.claims.iter().flatten().find(|member| member.name == name)?;
        // It was written as JSON.
        serde_json::from_str(&member.value).ok()
    }

    /// The members of the header that name a key of the token's own choice, which the guard never looks at.
    pub(in crate::commands) fn ignored(&self) -> Vec<&str> {
        let header = self.header.iter().flatten();
        header.filter(|member| member.is_ignored()).map(|member| member.name.as_str()).collect()
    }
}

impl Member {
    /// Whether it is a member of a header that the guard never looks at.
    pub(in crate::commands) fn is_ignored(&self) -> bool {
        KEYS.contains(&self.name.as_str())
    }
}

fn members(part: &str) -> Option<Vec<Member>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    let members: Map<String, Value> = serde_json::from_slice(&json).ok()?;
    let member = |(name, value): (String, Value)| {
        let is_moment = MOMENTS.contains(&name.as_str());
        let moment = value.as_f64().filter(|_| is_moment).and_then(|seconds| moment(seconds).ok());
        Member { name, value: value.to_string(), moment }
    };
    Some(members.into_iter().map(member).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_tokens_own_choice_are_told() {
        let header =
            URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","jku":"https://x.example","kid":"1","jwk":{}}"#);
        assert_eq!(Anatomy::of(&format!("{header}.e30.")).ignored(), ["jku", "jwk"]);
        assert!(Anatomy::of(&format!("e30.{header}.")).ignored().is_empty());
    }

    #[test]
    fn a_token_has_a_name_in_logs() {
        // printf %s abc | sha256sum | cut -c1-8
        assert_eq!(name_in_logs("abc").as_deref(), Some("ba7816bf"));
        assert_eq!(name_in_logs("a b"), None);
        assert_eq!(name_in_logs(""), None);
    }

    #[test]
    fn a_part_is_an_object_again() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"b":[1,{"a":null}],"a":"\u00e9"}"#);
        let anatomy = Anatomy::of(&format!("!.{claims}"));
        let object = object(anatomy.claims.as_deref()).expect("an object");
        assert_eq!(Value::from(object).to_string(), r#"{"b":[1,{"a":null}],"a":"é"}"#);
        assert_eq!(super::object(anatomy.header.as_deref()), None);
    }

    #[test]
    fn what_can_be_read_is_shown() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"b":"x","exp":1.5,"iat":"1"}"#);
        let anatomy = Anatomy::of(&format!("!.{claims}"));
        assert!(anatomy.header.is_none());
        let members = anatomy.claims.unwrap_or_default();
        let shown: Vec<_> = members.iter().map(|m| (&*m.name, &*m.value, m.moment.is_some())).collect();
        assert_eq!(shown, [("b", "\"x\"", false), ("exp", "1.5", true), ("iat", "\"1\"", false)]);
        assert!(Anatomy::of("opaque").claims.is_none());
    }
}
