//! Tokens that do not come in a header.

use super::RequiresAuth;
use crate::credential::Bearer;
use crate::error::Denial;
use crate::policy::Policy;
use crate::request::Request;
use crate::verify::AccessToken;

impl RequiresAuth {
    /// Judges a token that does not come in an `Authorization` header, then whether it may do what `policy` guards:
    /// one from the first message of a WebSocket, from a message queue, from a job. The token is without its scheme.
    ///
    /// Browsers cannot send the header with a WebSocket or an `EventSource`. Let the page send the token as the first
    /// message of the WebSocket, or fetch a ticket of one use over a guarded route; an `EventSource` is better
    /// replaced by `fetch`, which can send the header and read a stream. A token in a URL ends up in logs and
    /// histories, and is not offered (RFC 9700 §4.3.2). Close what outlives the token at its
    /// [`expires_at`](AccessToken::expires_at).
    ///
    /// ```
    /// use requires_auth::{AccessToken, Denial, Policy, RequiresAuth};
    ///
    /// /// The first message of a WebSocket is the token, and nothing else.
    /// async fn first_message(auth: &RequiresAuth, message: &str) -> Result<AccessToken, Denial> {
    ///     auth.verify(message, &Policy::all_of(["read:orders"])).await
    /// }
    ///
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// assert!(first_message(&auth, &forge.token().scope("read:orders").mint()).await.is_ok());
    /// // With the scheme in front of it, it is not a token.
    /// let message = format!("Bearer {}", forge.token().scope("read:orders").mint());
    /// let denial = first_message(&auth, &message).await.unwrap_err();
    /// assert_eq!(denial.code().as_str(), "auth.authorization_token_invalid_format");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`authorize`](Self::authorize). A text that no token can be is
    /// `auth.authorization_token_invalid_format`.
    pub async fn verify(&self, token: &str, policy: &Policy) -> Result<AccessToken, Denial> {
        let headers = [("authorization", format!("Bearer {token}"))];
        let request = request(&headers);
        match Bearer::parse(token) {
            Ok(_) => self.authorize(&request, policy).await,
            Err(denial) => Err(self.refuse(&request, None, denial)),
        }
    }

    /// As [`verify`](Self::verify) if that needs no fetch; never waits, and needs no runtime. `None` means that keys have to
    /// be fetched: ask [`verify`](Self::verify). With a static key set it is never `None`, which makes tests short:
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Policy, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let token = forge.token().subject("alice").mint();
    /// let token = auth.verify_now(&token, &Policy::default()).expect("a static key set needs no fetch")?;
    /// assert_eq!(token.subject(), Some("alice"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify_now(&self, token: &str, policy: &Policy) -> Option<Result<AccessToken, Denial>> {
        let headers = [("authorization", format!("Bearer {token}"))];
        let request = request(&headers);
        match Bearer::parse(token) {
            Ok(_) => self.authorize_now(&request, policy),
            Err(denial) => Some(Err(self.refuse(&request, None, denial))),
        }
    }
}

/// The log has a dash where there is no method and no path.
fn request<'a>(headers: &'a [(&'static str, String); 1]) -> Request<'a> {
    Request::new("-", "-", headers).as_token_alone()
}
