//! An answer that was read, and what it says.

use std::borrow::Cow;
use std::fmt;

use crate::jose::json::Object;

/// An answer that is one JSON object, whatever it says of the token. `Debug` does not show it.
pub(crate) struct Answer {
    text: Box<str>,
}

/// Why an answer tells nothing about the token. Then nobody knows whether the token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerFault {
    /// Not one JSON object without duplicate members, or nested too deeply.
    NotJson,
    /// A signed answer was asked for, and this is not a JWT.
    NotSigned,
    /// A JWT whose header cannot be read, has `crit`, or has another type than `token-introspection+jwt`.
    OtherType,
    /// An algorithm that is not allowed for the issuer.
    Algorithm,
    /// No key of the issuer has signed it.
    Signature,
    /// Its `iss` is not the issuer's.
    OtherIssuer,
    /// Its `aud` does not name this client.
    OtherClient,
    /// A member stands in it twice, inside and outside, with two values.
    Contradiction,
}

impl AnswerFault {
    /// What is wrong, for whoever runs the API.
    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::NotJson => "the answer is not a JSON object without duplicate members",
            Self::NotSigned => "the answer is not a signed JWT, and `signed` asks for one",
            Self::OtherType => "the answer is not a JWT of the type token-introspection+jwt",
            Self::Algorithm => "the answer is signed with an algorithm that is not allowed for the issuer",
            Self::Signature => "the answer is not signed by a key of the issuer",
            Self::OtherIssuer => "the answer is that of another issuer",
            Self::OtherClient => "the answer is meant for another client: its `aud` is not this client's id",
            Self::Contradiction => "the answer says two things: a member inside and outside differs",
        }
    }
}

impl Answer {
    /// Reads the body of an answer that is not signed.
    pub(crate) fn read(body: Vec<u8>) -> Result<Self, AnswerFault> {
        Self::of(String::from_utf8(body).map_err(|_| AnswerFault::NotJson)?)
    }

    pub(super) fn of(text: String) -> Result<Self, AnswerFault> {
        Object::parse(text.as_bytes()).map_err(|_| AnswerFault::NotJson)?;
        Ok(Self { text: text.into() })
    }

    /// What it says of a token that is good; `None` unless `active` is the JSON `true` (RFC 7662 §2.2).
    pub(crate) fn active(&self) -> Option<Active<'_>> {
        let object = Object::parse(self.text.as_bytes()).ok()?;
        let is_active = object.get("active").is_some_and(|active| active.text() == "true");
        is_active.then_some(Active { object })
    }

    /// Whether the JSON `active` is the text `true` rather than the value, which some servers send.
    pub(crate) fn is_active_in_quotes(&self) -> bool {
        let object = Object::parse(self.text.as_bytes()).ok();
        object.and_then(|object| object.get("active")).is_some_and(|active| active.text() == "\"true\"")
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// The word of the issuer that a token is good. Only [`Answer::active`] makes one.
pub(crate) struct Active<'a> {
    object: Object<'a>,
}

impl<'a> Active<'a> {
    /// The members of the answer.
    pub(crate) fn into_object(self) -> Object<'a> {
        self.object
    }

    /// `token_type`; `None` if it is absent, or is not a string.
    pub(crate) fn token_type(&self) -> Option<Cow<'a, str>> {
        self.object.get("token_type")?.as_str()
    }

    /// Whether there is a `token_type`, of whatever type.
    pub(crate) fn has_token_type(&self) -> bool {
        self.object.get("token_type").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<bool, AnswerFault> {
        Answer::read(body.into()).map(|answer| answer.active().is_some())
    }

    #[test]
    fn only_json_true_is_active() {
        assert_eq!(read(r#"{"active":true}"#), Ok(true));
        assert_eq!(read(" {\"a\":1,\"active\" : true}\n"), Ok(true));
        for other in ["false", "\"true\"", "\"True\"", "1", "null", "[true]", "{}", "\"\""] {
            assert_eq!(read(&format!("{{\"active\":{other}}}")), Ok(false), "{other}");
        }
        assert_eq!(read("{}"), Ok(false));
        assert_eq!(read(r#"{"Active":true}"#), Ok(false));
        let quoted = Answer::read(r#"{"active":"true"}"#.into()).expect("an answer");
        assert!(quoted.is_active_in_quotes());
        assert!(!Answer::read(r#"{"active":false}"#.into()).expect("an answer").is_active_in_quotes());
    }

    #[test]
    fn what_is_not_one_object_says_nothing() {
        let deep = format!("{{\"active\":true,\"a\":{}1{}}}", "[".repeat(101), "]".repeat(101));
        for body in [
            "",
            "<html>",
            "true",
            "[]",
            r#"{"active":true"#,
            r#"{"active":true}{}"#,
            r#"{"active":true,"active":false}"#,
            r#"{"active":true,"a":{"b":1,"b":1}}"#,
            "\u{feff}{\"active\":true}",
            &deep,
        ] {
            assert_eq!(read(body), Err(AnswerFault::NotJson), "{body:.40}");
        }
        assert_eq!(
            Answer::read(b"{\"active\":true,\"a\":\"\xff\"}".to_vec()).err(),
            Some(AnswerFault::NotJson)
        );
    }

    #[test]
    fn debug_shows_nothing_of_an_answer() {
        let answer = Answer::read(r#"{"active":true,"sub":"alice"}"#.into()).expect("an answer");
        assert_eq!(format!("{answer:?}"), "Answer { .. }");
    }
}
