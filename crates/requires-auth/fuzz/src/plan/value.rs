//! Names and values that mean something to a verifier.

use arbitrary::Arbitrary;
use serde_json::json;

use crate::setting::{KEYS, Setting};

/// The name of a member.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Name(u8);

const NAMES: &[&str] = &[
    "alg",
    "kid",
    "typ",
    "cty",
    "crit",
    "b64",
    "jwk",
    "jku",
    "x5c",
    "x5t",
    "zip",
    "iss",
    "aud",
    "exp",
    "nbf",
    "iat",
    "sub",
    "client_id",
    "jti",
    "scope",
    "scp",
    "cnf",
    "authorization_details",
    "at_hash",
    "c_hash",
    "nonce",
    "realm_access",
    "x",
    "",
    "EXP",
    "type",
    "organization_id",
];

impl Name {
    pub(super) fn as_str(self) -> &'static str {
        NAMES[usize::from(self.0) % NAMES.len()]
    }
}

/// The JSON text of a value.
#[derive(Arbitrary, Clone, Debug)]
pub(super) enum Text {
    Listed(u8),
    /// One that the configuration knows, or nearly so.
    Configured(u8),
    /// Seconds around the edges of validity: so many leeways and quarters of a second from now.
    Time {
        leeways: i8,
        quarters: i8,
        exponent: bool,
    },
    Number(f64),
    String(String),
    /// Configured values as an array.
    Several {
        one: u8,
        other: u8,
    },
}

const LISTED: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1",
    "1",
    "1.5",
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740992",
    "9007199254740993",
    "9007199254740994",
    "18446744073709551616",
    "\"\"",
    "\"a\"",
    "\" a  b \"",
    "\"a\\u0020b\"",
    "[]",
    "[\"\"]",
    "[\"a\",\"b c\"]",
    "[\"a\",1]",
    "[null]",
    "[[\"a\"]]",
    "{}",
    "{\"type\":\"a\"}",
    "[{}]",
    "[{\"type\":\"a\"}]",
    "[{\"type\":1}]",
    "[{\"type\":\"a\",\"type\":\"b\"}]",
    "{\"jkt\":\"a\"}",
    "{\"a\":1,\"a\":2}",
    "\"JWT\"",
    "\"jwt\"",
    "\"at+jwt\"",
    "\"AT+JWT\"",
    "\"application/at+jwt\"",
    "\"Application/JWT\"",
    "\"application/\"",
    "\"dpop+jwt\"",
    "\"logout+jwt\"",
    "\"at+jwt \"",
    "\"text/jwt\"",
    "\"EdDSA\"",
    "\"Ed25519\"",
    "\"ES256\"",
    "\"ES384\"",
    "\"RS256\"",
    "\"HS256\"",
    "\"none\"",
    "\"eddsa\"",
    "\"Ed448\"",
    "[\"exp\"]",
    "[\"b64\"]",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "01",
    "+1",
    "1.",
    ".5",
    "NaN",
];

impl Text {
    pub(super) fn render(&self, setting: &Setting) -> String {
        match self {
            Self::Listed(index) => LISTED[usize::from(*index) % LISTED.len()].to_owned(),
            Self::Configured(index) => json!(configured(*index, setting)).to_string(),
            Self::Time { leeways, quarters, exponent } => {
                let leeways = f64::from(*leeways % 3) * f64::from(setting.leeway);
                let seconds = f64::from(setting.now) + leeways + f64::from(*quarters) * 0.25;
                if *exponent { format!("{seconds:e}") } else { seconds.to_string() }
            }
            Self::Number(number) if number.is_finite() => format!("{number:?}"),
            Self::Number(_) => "1e999".to_owned(),
            Self::String(text) => json!(text).to_string(),
            Self::Several { one, other } => {
                json!([configured(*one, setting), configured(*other, setting)]).to_string()
            }
        }
    }
}

fn configured(index: u8, setting: &Setting) -> String {
    let issuer = setting.issuer.clone().unwrap_or_default();
    let audience = setting.audiences.first().cloned().unwrap_or_default();
    match index % 12 {
        0 => issuer,
        1 => format!("{issuer}/"),
        2 => issuer.to_uppercase(),
        3 => issuer.chars().skip(1).collect(),
        4 => audience,
        5 => format!("{audience}/"),
        6 => audience.to_uppercase(),
        7 => setting.audiences.last().cloned().unwrap_or_default(),
        8 => KEYS.ed25519.kid().to_owned(),
        9 => KEYS.es256.kid().to_owned(),
        10 => KEYS.stranger.kid().to_owned(),
        _ => "other".to_owned(),
    }
}
