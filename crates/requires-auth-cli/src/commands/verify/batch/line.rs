//! One line of a batch: JSON with a token and what it is measured by.

use std::fmt;

use requires_auth::Algorithm;
use requires_auth::settings::nearest;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::verdict::{self, Settings};

const MEMBERS: [&str; 10] =
    ["id", "token", "jwks", "issuer", "audience", "scope", "alg", "now", "leeway", "profile"];

/// The members of a line, in their order, not yet looked at.
///
/// They are read in two steps, so that a line with a mistake in it is answered under its id.
pub(super) struct LineInput<'a> {
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> LineInput<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map_err(|error| {
            // The place within the file is told by whoever knows the number of the line.
            let at = error.column();
            if text.starts_with(b"eyJ") {
                // `eyJ` is how every header begins in base64url. The token itself is not repeated.
                "a bare token: write {\"token\": \"...\"}".to_owned()
            } else if error.is_data() {
                "expected a JSON object".to_owned()
            } else {
                format!("not JSON, at column {at}")
            }
        })
    }

    /// The id, any JSON value.
    pub(super) fn into_id(self) -> Option<&'a RawValue> {
        self.raw("id")
    }

    /// What the line asks.
    pub(super) fn read(&self) -> Result<Request<'a>, String> {
        for (at, (name, _)) in self.members.iter().enumerate() {
            if !MEMBERS.contains(&name.as_str()) {
                return Err(unknown(name));
            }
            if self.members[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(format!("`{name}` comes twice"));
            }
        }
        let token = self.typed("token", "a string")?;
        Ok(Request {
            token: token.ok_or("`token` is missing")?,
            jwks: self.raw("jwks").filter(|value| value.get() != "null"),
            issuer: self.typed("issuer", "a string")?,
            audience: self.typed("audience", "a string or an array of strings")?,
            scope: self.typed("scope", "a string or an array of strings")?,
            alg: self.typed("alg", "an array of strings")?,
            now: self.typed("now", "a number")?,
            leeway: self.typed("leeway", "a number")?,
            profile: self.typed("profile", "a string")?,
        })
    }

    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    /// A member by its type; `null` is as good as absent.
    fn typed<T: DeserializeOwned>(&self, name: &str, expected: &str) -> Result<Option<T>, String> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(value.get()).map_err(|_| format!("`{name}` must be {expected}"))
    }
}

impl<'de> Deserialize<'de> for LineInput<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = LineInput<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(LineInput { members })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// What a line asks: a token, and what differs from the flags.
pub(super) struct Request<'a> {
    pub(super) token: String,
    pub(super) jwks: Option<&'a RawValue>,
    issuer: Option<String>,
    audience: Option<OneOrMany>,
    scope: Option<OneOrMany>,
    alg: Option<Vec<String>>,
    now: Option<f64>,
    leeway: Option<f64>,
    profile: Option<String>,
}

/// A string, or an array of strings.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(value) => vec![value.clone()],
            Self::Many(values) => values.clone(),
        }
    }
}

impl Request<'_> {
    /// The flags, with what the line says instead.
    pub(super) fn settings(&self, flags: &Settings) -> Result<Settings, String> {
        let named = |name: &'static str| move |problem: String| format!("`{name}`: {problem}");
        let mut settings = flags.clone();
        if let Some(issuer) = &self.issuer {
            if issuer.is_empty() {
                return Err("`issuer` is empty".to_owned());
            }
            settings.issuer = Some(issuer.clone());
        }
        if let Some(audience) = &self.audience {
            settings.audience = audience.to_vec();
            // To check no audience is the default of a line; a value that cannot match is a mistake.
            if settings.audience.is_empty() || settings.audience.iter().any(String::is_empty) {
                return Err("`audience` is empty".to_owned());
            }
        }
        if let Some(scope) = &self.scope {
            settings.policy = verdict::policy(&scope.to_vec()).map_err(|error| {
                error
                    .problems()
                    .first()
                    .map_or_else(String::new, |problem| named("scope")(problem.hint().to_owned()))
            })?;
        }
        if let Some(names) = &self.alg {
            // A name that we do not know allows nothing, and the list allows nothing else either.
            settings.algorithms =
                Some(names.iter().filter_map(|name| name.parse::<Algorithm>().ok()).collect());
        }
        if let Some(seconds) = self.now {
            settings.now = Some(verdict::moment(seconds).map_err(named("now"))?);
        }
        if let Some(seconds) = self.leeway {
            settings.leeway = verdict::leeway(seconds).map_err(named("leeway"))?;
        }
        if let Some(name) = &self.profile {
            settings.profile = Some(verdict::profile(name).map_err(named("profile"))?);
        }
        Ok(settings)
    }
}

fn unknown(name: &str) -> String {
    match nearest(name, MEMBERS) {
        Some(known) => format!("unknown member {name:?}, did you mean `{known}`?"),
        None => format!("unknown member {name:?}, expected one of {}", MEMBERS.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let input = LineInput::parse(text.as_bytes());
        input.and_then(|input| input.read().map(drop)).expect_err("a mistake")
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(problem("{"), "not JSON, at column 1");
        assert_eq!(problem("eyJhbGciOiJub25lIn0.e30."), "a bare token: write {\"token\": \"...\"}");
        assert_eq!(problem("[1]"), "expected a JSON object");
        assert_eq!(problem("{}"), "`token` is missing");
        assert_eq!(problem(r#"{"token":5}"#), "`token` must be a string");
        assert_eq!(problem(r#"{"token":null}"#), "`token` is missing");
        assert_eq!(problem(r#"{"token":"a","alg":"ES384"}"#), "`alg` must be an array of strings");
        assert_eq!(
            problem(r#"{"token":"a","audience":[1]}"#),
            "`audience` must be a string or an array of strings"
        );
        assert_eq!(problem(r#"{"token":"a","token":"b"}"#), "`token` comes twice");
        assert_eq!(
            problem(r#"{"token":"a","audiance":"b"}"#),
            "unknown member \"audiance\", did you mean `audience`?"
        );
        assert!(problem(r#"{"token":"a","x":"b"}"#).ends_with(
            "expected one of id, token, jwks, issuer, audience, scope, alg, now, leeway, profile"
        ));
    }
}
