//! A development issuer: an OIDC provider on loopback that mints a token for every client that asks.
//!
//! It has what a resource server needs of a real provider: metadata (OIDC Discovery and
//! RFC 8414), a key set with rotation and entity tags, a token endpoint and introspection. It has
//! what a client needs: registration (RFC 7591), an authorization endpoint with PKCE, `resource`
//! (RFC 8707) and `iss` (RFC 9207), codes and refresh tokens that count once. And it has what no
//! real provider has:
//!
//! 1. Tokens in one line, good and bad: `curl '{issuer}/token?scope=read:items&defect=expired'`.
//! 2. Switches for each endpoint: [`DevelopmentIssuer::delay`], [`fail`](DevelopmentIssuer::fail)
//!    and [`lie`](DevelopmentIssuer::lie).
//! 3. An outage and its end, on the same port: [`DevelopmentIssuer::stop_listening`] and
//!    [`resume`](DevelopmentIssuer::resume).
//! 4. Counters, to prove that something was fetched once and not twice: [`DevelopmentIssuer::requests`].
//!
//! Nobody logs in: it grants every login at once, to the user that `login_hint` names or to
//! `alice`, and it protects nothing. Never let it listen where others reach it.
//!
//! Choose it when a test is about fetching: discovery, rotation, an outage, a slow provider. Where any valid token will do,
//! a [`Forge`] with a static key set is faster and needs no socket.
//! ```
//! use requires_auth_testkit::issuer::DevelopmentIssuer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let issuer = DevelopmentIssuer::builder().start().await?;
//! let token = issuer.token("read:items", "alice");
//!
//! assert_eq!(token.split('.').count(), 3);
//! assert_eq!(issuer.issuer(), format!("http://{}/oidc", issuer.address()));
//! assert_eq!(issuer.discovery_url(), format!("{}/.well-known/openid-configuration", issuer.issuer()));
//! # Ok(())
//! # }
//! ```

mod assertion;
mod authentication;
mod authorization;
mod bounded;
mod builder;
mod clients;
mod development;
mod documents;
mod dpop;
mod grants;
mod introspection;
mod knobs;
mod listener;
mod metadata;
mod minted;
mod oauth_error;
mod parameters;
mod pkce;
mod random;
mod redirect_uri;
mod registration;
mod resource;
mod ring;
mod rotation;
mod routes;
mod scope;
mod shown_jwt;
mod state;
mod token;
mod used;
mod wire;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;

pub use self::builder::Builder;
pub use self::knobs::{Discovery, Endpoint, Lie};
use self::listener::ListenerSwitch;
use self::state::{Order, Shared};
use crate::{Forge, SigningKey};

/// A running issuer; dropping it stops it.
///
/// See the [module documentation](self) for a first example. This one counts what a client fetches, as a test of an API
/// does that must not ask the issuer for each request:
///
/// ```
/// use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = DevelopmentIssuer::builder().start().await?;
/// # let http = reqwest::Client::builder().no_proxy().build()?;
/// // The API under test, which keeps the keys.
/// let jwks: serde_json::Value = http.get(issuer.jwks_uri()).send().await?.json().await?;
/// for _ in 0..10 {
///     let token = issuer.token("read:items", "alice");
///     // Send the token to the API.
/// #   let _ = (&token, &jwks);
/// }
/// assert_eq!(issuer.requests(Endpoint::Jwks), 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "the issuer stops when it is dropped"]
pub struct DevelopmentIssuer {
    state: Shared,
    address: SocketAddr,
    switch: ListenerSwitch,
    task: JoinHandle<()>,
}

/// Starting, stopping and where to find it.
impl DevelopmentIssuer {
    /// Sets up an issuer; without any setting it listens on a free port of `127.0.0.1`, so that tests run side by side.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The issuer URL, without a slash at the end, such as `http://127.0.0.1:9100/oidc`: `iss` of its tokens, and the
    /// issuer to configure in the API under test.
    pub fn issuer(&self) -> &str {
        &self.state.urls.issuer
    }

    /// The address that the issuer listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the OIDC Discovery document.
    pub fn discovery_url(&self) -> &str {
        &self.state.urls.discovery
    }

    /// The URL of the authorization server metadata (RFC 8414).
    pub fn oauth_metadata_url(&self) -> &str {
        &self.state.urls.oauth_metadata
    }

    /// The URL of the key set.
    pub fn jwks_uri(&self) -> &str {
        &self.state.urls.jwks
    }

    /// The URL of the token endpoint; its `GET` is the one-line endpoint.
    pub fn token_endpoint(&self) -> &str {
        &self.state.urls.token
    }

    /// The URL of the introspection endpoint.
    pub fn introspection_endpoint(&self) -> &str {
        &self.state.urls.introspection
    }

    /// The URL of the revocation endpoint (RFC 7009).
    pub fn revocation_endpoint(&self) -> &str {
        &self.state.urls.revocation
    }

    /// The URL of the authorization endpoint, which grants every login at once (RFC 6749 §3.1).
    pub fn authorization_endpoint(&self) -> &str {
        &self.state.urls.authorization
    }

    /// The URL where clients register themselves (RFC 7591).
    pub fn registration_endpoint(&self) -> &str {
        &self.state.urls.registration
    }

    /// The URL whose `POST` rotates the key.
    pub fn rotation_endpoint(&self) -> &str {
        &self.state.urls.rotate
    }

    /// `aud` of the tokens that are asked for without one.
    pub fn audience(&self) -> &str {
        &self.state.settings.audience
    }

    /// Refuses connections from now on and cuts the open ones, as a provider that is down.
    ///
    /// The port stays reserved for [`resume`](Self::resume). Does nothing when already stopped. Tokens can be minted all
    /// the same, as a provider's tokens stay good while it is down:
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// issuer.stop_listening().await;
    /// assert!(http.get(issuer.jwks_uri()).send().await.is_err());
    /// let token = issuer.token("read:items", "alice");
    /// // An API that has the keys still accepts the token here; one that has none answers 503.
    ///
    /// issuer.resume().await?;
    /// assert_eq!(http.get(issuer.jwks_uri()).send().await?.status(), 200);
    /// # assert_eq!(token.split('.').count(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stop_listening(&self) {
        self.switch.shut().await;
    }

    /// Listens again on the same address; does nothing when already listening.
    ///
    /// # Errors
    ///
    /// When another process has taken the port in the meantime, or the runtime has ended.
    pub async fn resume(&self) -> io::Result<()> {
        self.switch.open().await
    }

    /// Stops the issuer, cuts its connections and waits until the port is free. Dropping the issuer does the same without
    /// waiting.
    pub async fn shutdown(mut self) {
        self.task.abort();
        (&mut self.task).await.ok();
    }
}

/// Tokens and keys.
impl DevelopmentIssuer {
    /// Mints a good token for the audience of the issuer; an empty scope is left out. Introspection knows it. For a token
    /// of another shape see [`forge`](Self::forge).
    pub fn token(&self, scope: &str, subject: &str) -> String {
        self.state.mint(Order::new(scope, subject))
    }

    /// Mints a good token that is bound to the key of a client (DPoP, RFC 9449), which sends it with a proof for each request:
    /// see [`ProofBuilder`](crate::ProofBuilder). Otherwise as [`token`](Self::token).
    pub fn bound_token(&self, scope: &str, subject: &str, key: &SigningKey) -> String {
        let bound_key = Some(key.thumbprint().to_owned());
        self.state.mint(Order { bound_key, ..Order::new(scope, subject) })
    }

    /// Mints an opaque token: a text that says nothing, so that an API has to ask the introspection endpoint about it.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().client("api", "secret").start().await?;
    /// let token = issuer.opaque_token("read:items", "alice");
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// let ask = || {
    ///     let question = http.post(issuer.introspection_endpoint()).basic_auth("api", Some("secret"));
    ///     question.form(&[("token", &token)]).send()
    /// };
    /// let answer: serde_json::Value = ask().await?.json().await?;
    /// assert_eq!((&answer["active"], &answer["sub"]), (&true.into(), &"alice".into()));
    /// issuer.revoke(&token);
    /// let answer: serde_json::Value = ask().await?.json().await?;
    /// assert_eq!(answer["active"], false);
    /// # Ok(())
    /// # }
    /// ```
    pub fn opaque_token(&self, scope: &str, subject: &str) -> String {
        self.state.mint(Order { opaque: Some(true), ..Order::new(scope, subject) })
    }

    /// Revokes a token (RFC 7009): introspection calls it inactive from now on. A JWT stays good by its signature.
    pub fn revoke(&self, token: &str) {
        self.state.revoke(token);
    }

    /// A forge with the key that signs at the moment, for tokens of any other shape.
    ///
    /// Its tokens are not known to introspection, and a later rotation does not change its key.
    ///
    /// ```
    /// use requires_auth_testkit::{Defect, issuer::DevelopmentIssuer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// let expired = issuer.forge().token().scope("read:items").defect(Defect::Expired).mint();
    /// assert_eq!(expired.split('.').count(), 3);
    ///
    /// // A token of the time before a rotation: its forge was made before it.
    /// let before = issuer.forge();
    /// issuer.rotate();
    /// assert_ne!(before.key().kid(), issuer.current_key().kid());
    /// # Ok(())
    /// # }
    /// ```
    pub fn forge(&self) -> Forge {
        self.state.forge()
    }

    /// The key that signs at the moment.
    pub fn current_key(&self) -> SigningKey {
        self.state.ring().current().clone()
    }

    /// Rotates to a fresh key of the same algorithm, as [`rotate_to`](Self::rotate_to) does.
    ///
    /// Between a rotation and the next fetch an API sees tokens whose key it does not know. It has to fetch then, once, and
    /// not once for each token:
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// let kids = async || -> Result<Vec<String>, reqwest::Error> {
    ///     let jwks: serde_json::Value = http.get(issuer.jwks_uri()).send().await?.json().await?;
    ///     let keys = jwks["keys"].as_array().into_iter().flatten();
    ///     Ok(keys.filter_map(|key| key["kid"].as_str().map(str::to_owned)).collect())
    /// };
    /// let old = issuer.current_key().kid().to_owned();
    /// issuer.rotate();
    /// // The old key is still published, for tokens that it has signed.
    /// assert_eq!(kids().await?.len(), 2);
    ///
    /// // Its withdrawal ends them at once, as after a leak.
    /// issuer.withdraw_previous();
    /// assert!(!kids().await?.contains(&old));
    /// # Ok(())
    /// # }
    /// ```
    pub fn rotate(&self) {
        let algorithm = self.state.ring().current().algorithm();
        self.rotate_to(SigningKey::generate(algorithm));
    }

    /// Signs with another key at once; the one before stays published until the next rotation, as careful issuers do. The
    /// new key may be of another algorithm.
    pub fn rotate_to(&self, key: SigningKey) {
        self.state.ring().rotate_to(key);
    }

    /// Stops publishing the key before the current one: its tokens are no longer good once that has been fetched.
    pub fn withdraw_previous(&self) {
        self.state.ring().withdraw_previous();
    }

    /// Publishes any JWK, also a bad one, after the keys of the issuer. One key that cannot be read must not make the
    /// others useless:
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    /// use serde_json::json;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// issuer.publish(json!({ "kty": "quantum", "kid": "of the future" }));
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// let jwks: serde_json::Value = http.get(issuer.jwks_uri()).send().await?.json().await?;
    /// assert_eq!(jwks["keys"][1]["kty"], "quantum");
    /// // Expect 200 for a token of the other key.
    /// let token = issuer.token("read:items", "alice");
    /// # let _ = token;
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish(&self, jwk: Value) {
        self.state.ring().add(jwk);
    }

    /// Stops publishing all that [`publish`](Self::publish) has added.
    pub fn withdraw_published(&self) {
        self.state.ring().withdraw_added();
    }
}

/// Switches and counters; they hold from the next request on, until they are set again.
impl DevelopmentIssuer {
    /// Lets every request to an endpoint wait; none does by default. Combined with [`requests`](Self::requests) it shows
    /// that many callers share one fetch:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// issuer.delay(Endpoint::Jwks, Duration::from_millis(20));
    /// let fetch = || http.get(issuer.jwks_uri()).send();
    /// let (first, second) = tokio::join!(fetch(), fetch());
    /// assert!(first.is_ok() && second.is_ok());
    /// // Two clients that share nothing fetch twice. An API that sends a hundred requests should fetch once.
    /// assert_eq!(issuer.requests(Endpoint::Jwks), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn delay(&self, endpoint: Endpoint, delay: Duration) {
        self.state.knobs.turn(endpoint, |behavior| behavior.delay = delay);
    }

    /// Answers an endpoint with this status and nothing else; `None` ends it.
    ///
    /// A number that is not an HTTP status counts as 500.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// // The provider is up, and its key set is not: a client that knows the keys must go on.
    /// issuer.fail(Endpoint::Jwks, Some(503));
    /// assert_eq!(http.get(issuer.discovery_url()).send().await?.status(), 200);
    /// assert_eq!(http.get(issuer.jwks_uri()).send().await?.status(), 503);
    /// issuer.fail(Endpoint::Jwks, None);
    /// assert_eq!(http.get(issuer.jwks_uri()).send().await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fail(&self, endpoint: Endpoint, status: Option<u16>) {
        self.state.knobs.turn(endpoint, |behavior| behavior.failure = status);
    }

    /// Lets an endpoint lie; [`Lie::Nothing`] ends it.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint, Lie};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// // Metadata of another issuer must not be used (OpenID Connect Discovery 1.0 §4.3).
    /// issuer.lie(Endpoint::Discovery, Lie::WrongIssuer("https://attacker.example".to_owned()));
    /// let metadata: serde_json::Value = http.get(issuer.discovery_url()).send().await?.json().await?;
    /// assert_eq!(metadata["issuer"], "https://attacker.example");
    /// # Ok(())
    /// # }
    /// ```
    pub fn lie(&self, endpoint: Endpoint, lie: Lie) {
        self.state.knobs.turn(endpoint, |behavior| behavior.lie = lie);
    }

    /// Sends this `Cache-Control` with the key set; none by default. `max-age=60` makes a test of refreshing short.
    ///
    /// A value that no header can have is not sent.
    pub fn cache_control(&self, value: Option<&str>) {
        self.state.knobs.set_cache_control(value);
    }

    /// How many requests have reached an endpoint, also those that fail, hang or are lied to.
    ///
    /// Preflights and refused connections do not count.
    pub fn requests(&self, endpoint: Endpoint) -> u64 {
        self.state.knobs.requests(endpoint)
    }

    /// Sets all counters to zero, so that a test counts what it means to count and not what led there:
    ///
    /// ```
    /// use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// // The API under test starts, and fetches what it needs.
    /// http.get(issuer.discovery_url()).send().await?;
    /// http.get(issuer.jwks_uri()).send().await?;
    /// issuer.reset_requests();
    ///
    /// // A flood of tokens that nobody has signed.
    /// for index in 0..100 {
    ///     let token = issuer.forge().token().header("kid", format!("made-up-{index}")).mint();
    ///     // Send it to the API, and expect 401.
    /// #   let _ = token;
    /// }
    /// // The API must not have passed the flood on to its issuer.
    /// assert!(Endpoint::ALL.into_iter().map(|endpoint| issuer.requests(endpoint)).sum::<u64>() < 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reset_requests(&self) {
        self.state.knobs.reset_requests();
    }
}

impl Drop for DevelopmentIssuer {
    fn drop(&mut self) {
        self.task.abort();
        self.switch.cut();
    }
}

impl fmt::Debug for DevelopmentIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevelopmentIssuer").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}
