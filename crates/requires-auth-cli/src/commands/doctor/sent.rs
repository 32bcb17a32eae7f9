//! How a token is sent, at each place where the guard reads one.

use requires_auth::credential::TokenPlace;
use requires_auth::{Policy, Request, RequiresAuth};

/// A place in which a plain request can have a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent(TokenPlace);

impl Sent {
    /// The places of these in which a plain request can have a token. A subprotocol is part of a WebSocket's handshake.
    pub(super) fn all(places: &[TokenPlace]) -> Vec<Self> {
        let is_plain = |place: &&TokenPlace| ["authorization", "header", "cookie"].contains(&place.parts().0);
        places.iter().filter(is_plain).cloned().map(Self).collect()
    }

    /// `Authorization: Bearer TOKEN`.
    pub(super) const fn authorization() -> Self {
        Self(TokenPlace::authorization())
    }

    pub(super) fn is_authorization(&self) -> bool {
        *self == Self::authorization()
    }

    /// The place without a token, as it is told: `header=X-Token`.
    pub(super) fn told(&self) -> String {
        self.0.to_string()
    }

    /// The header that has the token.
    fn header(&self, token: &str) -> (String, String) {
        if self.is_authorization() {
            return ("Authorization".to_owned(), format!("Bearer {token}"));
        }
        let value = self.0.cookie_name().map(|cookie| format!("{cookie}={token}"));
        (self.0.header_name().to_owned(), value.unwrap_or_else(|| token.to_owned()))
    }

    /// The line of a request that has the token.
    pub(super) fn line(&self, token: &str) -> String {
        let (name, value) = self.header(token);
        format!("{name}: {value}")
    }
}

/// Where the guard takes this token: the first of the places in which it is good, else the first of all.
pub(super) async fn place_of(guard: Option<&RequiresAuth>, all: &[Sent], token: &str) -> Option<Sent> {
    if let Some(guard) = guard {
        for sent in all {
            let headers = [sent.header(token)];
            let request = Request::new("GET", "/", &headers);
            if guard.explain(&request, &Policy::default()).await.verdict().is_ok() {
                return Some(sent.clone());
            }
        }
    }
    all.first().cloned()
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

    use super::*;
    use crate::runtime::block_on;

    const AUDIENCE: &str = "https://api.example";

    fn places() -> Vec<TokenPlace> {
        vec![
            TokenPlace::subprotocol_after("bearer").expect("a place"),
            TokenPlace::cookie("t").expect("a place"),
            TokenPlace::header("X-Token").expect("a place"),
            TokenPlace::authorization(),
        ]
    }

    #[test]
    fn a_token_has_a_line_at_each_place_of_a_plain_request() {
        let lines: Vec<_> = Sent::all(&places()).iter().map(|sent| sent.line("abc")).collect();
        assert_eq!(lines, ["cookie: t=abc", "x-token: abc", "Authorization: Bearer abc"]);
    }

    #[test]
    fn a_token_is_sent_where_its_issuer_reads_it() {
        let key = SigningKey::generate(Algorithm::Es256);
        let guard = RequiresAuth::builder("https://one.example", AUDIENCE)
            .with_jwks(jwk_set([&key]).to_string())
            .with_issuer_token_from([TokenPlace::cookie("t").expect("a place")])
            .with_issuer("https://two.example", AUDIENCE)
            .with_jwks(jwk_set([&key]).to_string())
            .with_issuer_token_from([TokenPlace::header("X-Token").expect("a place")])
            .build()
            .expect("a guard");
        let all = Sent::all(&places()[..3]);
        let place = |issuer: &str| {
            let token = Forge::new(issuer, AUDIENCE, key.clone()).token().mint();
            block_on(place_of(Some(&guard), &all, &token)).expect("a runtime").map(|sent| sent.told())
        };
        assert_eq!(place("https://one.example").as_deref(), Some("cookie=t"));
        assert_eq!(place("https://two.example").as_deref(), Some("header=X-Token"));
        // A token that is refused is sent all the same.
        assert_eq!(place("https://three.example").as_deref(), Some("cookie=t"));
        assert_eq!(block_on(place_of(None, &[], "abc")).expect("a runtime"), None);
    }
}
