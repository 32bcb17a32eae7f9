use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Config, Verdict};

/// A token meets a guard.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct TokenCase {
    /// The name of the case, unique among all cases.
    pub id: String,
    /// The row of the requirements in `vectors/README.md`, such as `C05`.
    pub row: String,
    /// The algorithm in the header, if it is a known one.
    pub alg: Option<String>,
    /// What the case shows.
    pub about: String,
    /// How the guard is configured.
    pub config: Config,
    /// The JWK Set of the issuer.
    pub jwks: Value,
    /// The token, as it would stand after `Bearer `.
    pub token: String,
    /// What the guard has to say.
    pub expect: Verdict,
    /// What the accepted token says of itself, by the name of its method: `client_id`.
    #[serde(default)]
    pub reads: Map<String, Value>,
}

impl TokenCase {
    /// The case as a line of `requires-auth verify --batch`, without what no line can carry: see
    /// [`Config::is_for_batch`].
    pub fn batch_line(&self) -> Value {
        let Config { issuer, audience, scope, alg, now, leeway, profile, .. } = &self.config;
        let mut line = Map::new();
        let mut set = |name: &str, value: Value| line.insert(name.to_owned(), value);
        set("id", json!(self.id));
        set("token", json!(self.token));
        set("jwks", self.jwks.clone());
        set("now", json!(now));
        let optional = [
            ("issuer", issuer.as_ref().map(|issuer| json!(issuer))),
            ("audience", one_or_array(audience)),
            ("scope", one_or_array(scope)),
            ("alg", alg.as_ref().map(|alg| json!(alg))),
            ("leeway", leeway.map(|leeway| json!(leeway))),
            ("profile", profile.as_ref().map(|profile| json!(profile))),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                set(name, value);
            }
        }
        Value::Object(line)
    }
}

/// Both forms that a batch line may have.
fn one_or_array(strings: &[String]) -> Option<Value> {
    match strings {
        [] => None,
        [one] => Some(json!(one)),
        more => Some(json!(more)),
    }
}
