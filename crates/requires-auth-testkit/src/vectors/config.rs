use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// How the guard of a case is configured.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// The issuer that `iss` has to equal; without one, any will do.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The audiences of which `aud` has to name one; none means that a token with `aud` is refused.
    #[serde(default, deserialize_with = "one_or_more")]
    pub audience: Vec<String>,
    /// The scopes that are needed, all of them.
    #[serde(default, deserialize_with = "words")]
    pub scope: Vec<String>,
    /// The allowed algorithms; without a list, each key decides. No name may be usable.
    #[serde(default)]
    pub alg: Option<Vec<String>>,
    /// The time at which the guard looks at the token, in seconds since 1970.
    pub now: i64,
    /// How far the clocks may be apart, in seconds; 30 when absent.
    #[serde(default)]
    pub leeway: Option<u32>,
    /// `jwt` or `at+jwt`; `jwt` when absent.
    #[serde(default)]
    pub profile: Option<String>,
    /// Whether a request without a token passes as anonymous; of interest to requests only.
    #[serde(default)]
    pub optional: bool,
    /// Further settings by the keys of the settings table of requires-auth, of the guard and of its one issuer. In the place of
    /// the file that `revocations` names stand its entries.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// The claims that must have a value, by dotted path, with what they must be as a route of the gateway writes it.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// The strengths of login of which the token must have one, best first (`acr`, RFC 9470).
    #[serde(default)]
    pub acr: Vec<String>,
    /// How old the login may be, in seconds (`auth_time`, RFC 9470).
    #[serde(default)]
    pub max_age: Option<u32>,
    /// What the introspection endpoint answers, whatever it is asked.
    #[serde(default)]
    pub answer: Option<IntrospectionAnswer>,
}

/// The answer of an introspection endpoint (RFC 7662 §2.2).
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct IntrospectionAnswer {
    /// The status.
    pub status: u16,
    /// The body, as it is.
    pub body: String,
}

impl Config {
    /// Whether it says no more than what a line of `requires-auth verify --batch` can carry.
    pub fn is_for_batch(&self) -> bool {
        self.settings.is_empty() && self.claims.is_empty() && self.acr.is_empty() && self.max_age.is_none()
    }
}

/// A string, or an array of strings.
fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMore {
        One(String),
        More(Vec<String>),
    }
    Ok(match OneOrMore::deserialize(deserializer)? {
        OneOrMore::One(one) => vec![one],
        OneOrMore::More(more) => more,
    })
}

/// As [`one_or_more`], where a space separates as well.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let strings = one_or_more(deserializer)?;
    Ok(strings.iter().flat_map(|string| string.split(' ')).map(str::to_owned).collect())
}
