//! Tokens and requests for one API: what all cases are made with.

use requires_auth_testkit::{Forge, ProofBuilder, ProofDefect, SigningKey, TokenBuilder};
use reqwest::Url;

use super::craft::{parts, text};

/// What requests are made of.
pub(super) struct Setup {
    pub(super) forge: Forge,
    pub(super) issuer: String,
    pub(super) audience: String,
    /// The scopes that the route needs; may be empty.
    pub(super) scope: String,
    pub(super) url: Url,
    pub(super) method: String,
    pub(super) body: Option<String>,
    /// The headers that each request has.
    pub(super) headers: Vec<(String, String)>,
    /// `Bearer` or `DPoP`.
    pub(super) scheme: &'static str,
    /// The key of the client, to which tokens are bound where the scheme is `DPoP`.
    pub(super) client: SigningKey,
    /// A key that the issuer does not know.
    pub(super) stranger: SigningKey,
    /// Where the key of the stranger can be fetched: a token names it, and nobody should follow.
    pub(super) bait: String,
}

impl Setup {
    pub(super) fn is_dpop(&self) -> bool {
        self.scheme == "DPoP"
    }
}

/// A request, and how often it is sent; the last answer counts.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Option<String>,
    pub(super) times: usize,
    /// Whether the beginning of the answer's body is kept if it is a refusal.
    pub(super) keeps_body: bool,
}

impl Attempt {
    /// With the beginning of a refusal's body in the answer.
    pub(super) fn keep_body(self) -> Self {
        Self { keeps_body: true, ..self }
    }

    pub(super) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a parameter in the query.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }
}

/// A setup, and the nonce that the API has given for proofs.
pub(super) struct Mint<'s> {
    pub(super) setup: &'s Setup,
    pub(super) nonce: Option<String>,
}

impl Mint<'_> {
    /// A token that has to be accepted.
    pub(super) fn good(&self) -> TokenBuilder {
        let Setup { forge, scope, client, .. } = self.setup;
        let token = forge.token();
        let token = if scope.is_empty() { token } else { token.scope(scope) };
        if self.setup.is_dpop() { token.bound_to(client) } else { token }
    }

    /// The same, finished.
    pub(super) fn token(&self) -> String {
        self.good().mint()
    }

    /// The header of a good token, as JSON.
    pub(super) fn header_text(&self) -> String {
        text(parts(&self.token())[0])
    }

    /// The claims of a good token, as JSON.
    pub(super) fn claims_text(&self) -> String {
        text(parts(&self.token())[1])
    }

    /// A request without credentials.
    pub(super) fn bare(&self) -> Attempt {
        let Setup { url, method, body, headers, .. } = self.setup;
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes()));
        Attempt {
            method: method.clone(),
            url: url.clone(),
            headers: headers.collect(),
            body: body.clone(),
            times: 1,
            keeps_body: false,
        }
    }

    /// A request with this token, as a client sends it.
    pub(super) fn send(&self, token: &str) -> Attempt {
        self.authorized(format!("{} {token}", self.setup.scheme), token)
    }

    /// A request with this value of `Authorization`, and a proof for the token where the profile has proofs.
    pub(super) fn authorized(&self, value: impl Into<Vec<u8>>, token: &str) -> Attempt {
        let attempt = self.bare().header("Authorization", value);
        if self.setup.is_dpop() { attempt.header("DPoP", self.proof(token).mint()) } else { attempt }
    }

    /// A good proof for this token and the request of the setup.
    pub(super) fn proof(&self, token: &str) -> ProofBuilder {
        let Setup { client, method, url, .. } = self.setup;
        let proof = ProofBuilder::new(client, method, url.as_str()).token(token);
        match &self.nonce {
            Some(nonce) => proof.nonce(nonce),
            None => proof,
        }
    }

    /// A request with a good token and a proof that is wrong in this way.
    pub(super) fn proven(&self, defect: ProofDefect) -> Attempt {
        let token = self.token();
        let attempt = self.bare().header("Authorization", format!("DPoP {token}"));
        let lines = self.proof(&token).defect(defect).lines();
        let attempt = lines.into_iter().fold(attempt, |attempt, line| attempt.header("DPoP", line));
        Attempt { times: defect.times(), ..attempt }
    }
}

/// A request without credentials, as the whole of a case.
pub(super) fn no_credentials(mint: &Mint<'_>) -> Attempt {
    mint.bare()
}
