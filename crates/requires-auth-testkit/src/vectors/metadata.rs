use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::Config;

/// A guard with a resource is asked for its metadata document, or cannot be built.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct MetadataCase {
    /// The name of the case, unique among these.
    pub id: String,
    /// The row of the requirements in `vectors/README.md`, such as `T04`.
    pub row: String,
    /// What the case shows.
    pub about: String,
    /// How the guard is configured. No key is at hand, and the issuer is out of reach.
    pub config: Config,
    /// The method of the request.
    pub method: String,
    /// Path and query of the request.
    pub url: String,
    /// What has to come of it.
    #[serde(rename = "expect")]
    pub served: Served,
}

/// What comes of a request for a document.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "outcome", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Served {
    /// It is answered here.
    Answer {
        /// The status.
        status: u16,
        /// Header lines that the answer must have.
        headers: BTreeMap<String, String>,
        /// The document, byte for byte; empty where there is none.
        body: String,
    },
    /// It is the application's, and needs a token.
    Other,
    /// The guard cannot be built.
    Mistake {
        /// The setting that is wrong.
        setting: String,
    },
}

impl MetadataCase {
    /// The document, where there is one.
    pub fn document(&self) -> Option<Value> {
        match &self.served {
            Served::Answer { body, .. } => serde_json::from_str(body).ok(),
            Served::Other | Served::Mistake { .. } => None,
        }
    }
}
