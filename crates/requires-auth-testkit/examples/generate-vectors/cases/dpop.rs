//! Requests with a token that is bound to a key and a proof of it (RFC 9449), and sequences of them.

mod key;
mod modes;
mod proof;
mod replay;
mod standards;
mod target;
mod token;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey, TokenBuilder};
use serde_json::{Map, Value, json};

use super::Theme;
use crate::answers;
use crate::case::{Finished, base_config, put_below};
use crate::key_sets::KeySet;
use crate::tokens::{NOW, good};

/// The origin that clients use.
const ORIGIN: &str = "https://api.example.test";

/// What challenges list where nothing else is configured.
const ALGS: &str = "ES256 ES384 ES512 Ed25519 PS256 PS384 PS512 RS256 RS384 RS512";

/// The file of all cases.
pub fn theme() -> Theme {
    let mut cases = proof::cases();
    cases.extend(key::cases());
    cases.extend(target::cases());
    cases.extend(token::cases());
    cases.extend(replay::cases());
    cases.extend(modes::cases());
    cases.extend(standards::cases());
    Theme::new(
        "dpop",
        "tokens that are bound to a key, with proofs of it: what a proof has to be, and that it counts once",
        cases,
    )
}

/// The key of the client. Its signatures are the same each time.
fn client() -> &'static SigningKey {
    SigningKey::second(Algorithm::Ed25519)
}

/// A good token that is bound to nothing, by a key whose signatures are the same each time.
fn unbound() -> TokenBuilder {
    good(SigningKey::fixed(Algorithm::Ed25519))
}

/// A good token that is bound to the key of the client.
fn bound() -> TokenBuilder {
    unbound().bound_to(client())
}

/// A request in the making: `GET /items` with a bound token by the scheme DPoP, and no proof yet.
#[must_use]
struct Asked {
    id: &'static str,
    row: &'static str,
    about: String,
    method: &'static str,
    url: &'static str,
    headers: Vec<Value>,
    config: Map<String, Value>,
    token: String,
    key: &'static SigningKey,
    before: Vec<Value>,
    algs: String,
    takes_bearer: bool,
}

/// A request to a guard that takes proofs, and needs none of a token that is bound to nothing.
fn ask(id: &'static str, row: &'static str, about: impl Into<String>) -> Asked {
    let mut config = base_config();
    put_below(&mut config, "settings", "public_url", json!(ORIGIN));
    put_below(&mut config, "settings", "dpop", json!({ "mode": "allowed" }));
    Asked {
        id,
        row,
        about: about.into(),
        method: "GET",
        url: "/items",
        headers: vec![json!(["Authorization", "DPoP {token}"])],
        config,
        token: bound().mint(),
        key: client(),
        before: Vec::new(),
        algs: ALGS.to_owned(),
        takes_bearer: true,
    }
}

/// Building.
impl Asked {
    fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    fn url(mut self, url: &'static str) -> Self {
        self.url = url;
        self
    }

    /// What `{token}` stands for.
    fn token(mut self, token: TokenBuilder) -> Self {
        self.token = token.mint();
        self
    }

    /// Another client, with its own key and token.
    fn key(mut self, key: &'static SigningKey) -> Self {
        self.key = key;
        self.token(unbound().bound_to(key))
    }

    /// Another value of `Authorization`; none if it is empty.
    fn authorization(mut self, value: &str) -> Self {
        self.headers.retain(|header| header[0] != "Authorization");
        if value.is_empty() { self } else { self.header("Authorization", value) }
    }

    fn bearer(self) -> Self {
        self.authorization("Bearer {token}")
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(json!([name, value]));
        self
    }

    fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push(json!([name, { "base64": STANDARD.encode(value) }]));
        self
    }

    /// A good proof for this request, changed by `change`, in one more header `DPoP`.
    fn proof(self, change: impl FnOnce(ProofBuilder) -> ProofBuilder) -> Self {
        let lines = change(self.good_proof()).lines();
        lines.iter().fold(self, |asked, line| asked.header("DPoP", line))
    }

    fn proven(self) -> Self {
        self.proof(|proof| proof)
    }

    fn good_proof(&self) -> ProofBuilder {
        let url = format!("{ORIGIN}{}", self.url);
        ProofBuilder::new(self.key, self.method, url).token(&self.token).issued_at(NOW).claim("jti", self.id)
    }

    /// Sends this request before, with a proof of its own, and expects it to be allowed.
    fn after_allowed(self, earlier: impl FnOnce(Self) -> Self) -> Self {
        self.after("allow", earlier)
    }

    /// Sends this request before, and expects it to be refused.
    fn after_refused(self, earlier: impl FnOnce(Self) -> Self) -> Self {
        self.after("deny", earlier)
    }

    fn after(mut self, outcome: &str, earlier: impl FnOnce(Self) -> Self) -> Self {
        let mut other = ask(self.id, self.row, "");
        other.key = self.key;
        other.token.clone_from(&self.token);
        let other = earlier(other);
        let mut headers = json!(other.headers).to_string();
        if other.token != self.token {
            headers = headers.replace("{token}", &other.token);
        }
        let headers: Value = serde_json::from_str(&headers).unwrap_or_default();
        self.before.push(json!({
            "method": other.method, "url": other.url, "headers": headers, "outcome": outcome,
        }));
        self
    }

    /// Chooses a member of the setting `dpop`.
    fn dpop(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.config["settings"]["dpop"][member] = value.into();
        self
    }

    fn setting(mut self, key: &str, value: impl Into<Value>) -> Self {
        put_below(&mut self.config, "settings", key, value.into());
        self
    }

    /// Takes these algorithms alone.
    fn algorithms(mut self, names: &[&str]) -> Self {
        self.algs = names.join(" ");
        self.dpop("algorithms", json!(names))
    }

    /// Takes tokens with a proof alone.
    fn required(mut self) -> Self {
        self.takes_bearer = false;
        self.dpop("mode", "required")
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.config.insert(name.to_owned(), value.into());
        self
    }
}

/// Verdicts.
impl Asked {
    fn allow(self) -> Finished {
        self.finish(&json!({ "outcome": "allow" }))
    }

    fn anonymous(self) -> Finished {
        self.finish(&json!({ "outcome": "anonymous" }))
    }

    fn preflight(self) -> Finished {
        self.finish(&json!({ "outcome": "preflight" }))
    }

    /// What is wrong is told in the challenge of DPoP alone: no Bearer token mends it.
    fn refused(self, reason: &str) -> Finished {
        let answer = answers::invalid_proof(reason);
        let challenges = [self.dpop_challenge(&answer)];
        self.deny(&answer, &challenges)
    }

    fn malformed(self) -> Finished {
        self.refused("proof_malformed")
    }

    fn needs_nonce(self) -> Finished {
        let answer = answers::use_dpop_nonce();
        let challenges = [self.dpop_challenge(&answer)];
        self.deny(&answer, &challenges)
    }

    /// The token came by DPoP, and is refused: the challenge of that scheme says why.
    fn invalid_token(self, reason: &str) -> Finished {
        self.refused_by_dpop(&answers::invalid_token(reason))
    }

    fn insufficient_scope(self, needed: &str) -> Finished {
        let answer = answers::insufficient_scope(needed);
        self.with("scope", needed).refused_by_dpop(&answer)
    }

    fn refused_by_dpop(self, answer: &Value) -> Finished {
        let bearer = self.takes_bearer.then(|| "Bearer".to_owned());
        let challenges: Vec<_> = bearer.into_iter().chain([self.dpop_challenge(answer)]).collect();
        self.deny(answer, &challenges)
    }

    /// The token came by Bearer, and is refused.
    fn invalid_bearer(self, reason: &str) -> Finished {
        self.refused_by_bearer(&answers::invalid_token(reason))
    }

    fn refused_by_bearer(self, answer: &Value) -> Finished {
        let bearer = answer["challenge"].as_str().unwrap_or_default().to_owned();
        let challenges = [bearer, format!("DPoP algs=\"{}\"", self.algs)];
        self.deny(answer, &challenges)
    }

    /// Nothing counts as a token: each scheme is named, without an error (RFC 6750 §3.1).
    fn no_credentials(self, code: &str) -> Finished {
        let bearer = self.takes_bearer.then(|| "Bearer".to_owned());
        let challenges: Vec<_> = bearer.into_iter().chain([format!("DPoP algs=\"{}\"", self.algs)]).collect();
        self.deny(&answers::no_credentials(code), &challenges)
    }

    /// The same at a guard with a resource: each scheme also says where its metadata are.
    fn no_credentials_at(self, code: &str, place: &str) -> Finished {
        let place = format!("resource_metadata=\"{place}\"");
        let challenges = [format!("Bearer {place}"), format!("DPoP {place}, algs=\"{}\"", self.algs)];
        self.deny(&answers::no_credentials(code), &challenges)
    }

    /// The challenge of an answer as one of DPoP, with the algorithms at its end.
    fn dpop_challenge(&self, answer: &Value) -> String {
        let challenge = answer["challenge"].as_str().unwrap_or_default();
        format!("{}, algs=\"{}\"", challenge.replacen("Bearer", "DPoP", 1), self.algs)
    }

    fn deny(self, answer: &Value, challenges: &[String]) -> Finished {
        let mut headers = Map::new();
        headers.insert("Cache-Control".to_owned(), json!("no-store"));
        if self.headers.iter().any(|header| header[0] == "Origin") {
            headers.insert("Access-Control-Expose-Headers".to_owned(), json!("WWW-Authenticate, DPoP-Nonce"));
        }
        self.finish(&json!({
            "outcome": "deny",
            "status": answer["status"],
            "code": answer["code"],
            "reason": answer["reason"],
            "challenge": challenges.join(", "),
            "challenges": challenges,
            "headers": headers,
        }))
    }

    fn finish(self, expect: &Value) -> Finished {
        let key_set = KeySet::fixed(Algorithm::Ed25519);
        let json = json!({
            "id": self.id,
            "row": self.row,
            "about": self.about,
            "before": self.before,
            "request": { "method": self.method, "url": self.url, "headers": self.headers },
            "config": self.config,
            "jwks": key_set.name,
            "token": self.token,
            "expect": expect,
        });
        Finished { json, key_set: Some(key_set) }
    }
}
