use serde::Deserialize;
use serde_json::Value;

use super::RequestCase;

/// A request with a proof of possession meets a guard, which may have seen other requests before.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "File")]
#[non_exhaustive]
pub struct ProofCase {
    /// The requests that the same guard gets first, in this order.
    pub before: Vec<Earlier>,
    /// The request, and what becomes of it.
    pub request: RequestCase,
    /// The values of `WWW-Authenticate` in their order, one for each scheme. [`Refusal::challenge`](super::Refusal::challenge)
    /// has them in one line.
    pub challenges: Vec<String>,
}

/// A request that is sent before that of the case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Earlier {
    /// The request, for the guard of the case. Its outcome says nothing.
    pub request: RequestCase,
    /// Whether it goes through.
    pub is_allowed: bool,
}

/// A case as the file has it.
#[derive(Deserialize)]
struct File {
    #[serde(flatten)]
    members: Value,
    before: Vec<Before>,
}

#[derive(Deserialize)]
struct Before {
    #[serde(flatten)]
    request: Value,
    outcome: String,
}

impl TryFrom<File> for ProofCase {
    type Error = String;

    fn try_from(file: File) -> Result<Self, Self::Error> {
        let File { members, before } = file;
        let read =
            |members| serde_json::from_value::<RequestCase>(members).map_err(|error| error.to_string());
        let earlier = |Before { request, outcome }| {
            let mut members = members.clone();
            members["request"] = request;
            members["expect"] = serde_json::json!({ "outcome": "allow" });
            let is_allowed = match outcome.as_str() {
                "allow" => true,
                "deny" => false,
                other => return Err(format!("{other} is no outcome of a request before")),
            };
            Ok(Earlier { request: read(members)?, is_allowed })
        };
        let before = before.into_iter().map(earlier).collect::<Result<_, _>>()?;
        let challenges =
            members["expect"].get("challenges").cloned().unwrap_or_else(|| serde_json::json!([]));
        let challenges = serde_json::from_value(challenges).map_err(|error| error.to_string())?;
        Ok(Self { before, request: read(members)?, challenges })
    }
}
