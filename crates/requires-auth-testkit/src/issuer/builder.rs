//! The settings of an issuer that hold as long as it runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;

use super::clients::Clients;
use super::listener::SwitchedListener;
use super::redirect_uri::RedirectUri;
use super::ring::KeyRing;
use super::state::{Settings, State, Urls};
use super::wire::Line;
use super::{DevelopmentIssuer, Discovery, Endpoint, routes};
use crate::draft::unix_now;
use crate::keys::VerifyingKey;
use crate::{Algorithm, SigningKey};

/// How many ports after the wanted one are tried.
const FURTHER_PORTS: u16 = 100;

/// Sets up a [`DevelopmentIssuer`]; made by [`DevelopmentIssuer::builder`]. What is set here holds as long as the issuer
/// runs; what may change meanwhile is a method of [`DevelopmentIssuer`].
///
/// ```
/// use requires_auth_testkit::issuer::DevelopmentIssuer;
/// use requires_auth_testkit::{Algorithm, SigningKey};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// // An issuer like the real one: RS256, a path of its own, tokens for five minutes.
/// let issuer = DevelopmentIssuer::builder()
///     .path("/realms/shop")
///     .key(SigningKey::generate(Algorithm::Rs256))
///     .audience("https://shop.example")
///     .lifetime(300)
///     .start()
///     .await?;
/// assert!(issuer.issuer().ends_with("/realms/shop"));
/// assert_eq!(issuer.current_key().algorithm(), Algorithm::Rs256);
/// # Ok(())
/// # }
/// ```
#[must_use = "the issuer runs only once it is started"]
pub struct Builder {
    address: SocketAddr,
    further_ports: u16,
    path: String,
    url: Option<String>,
    key: Option<SigningKey>,
    settings: Settings,
    discovery: Discovery,
    /// What cannot be set up, which `start` tells.
    mistake: Option<String>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            further_ports: 0,
            path: "/oidc".to_owned(),
            url: None,
            key: None,
            settings: Settings {
                audience: "https://api.example.com".to_owned(),
                lifetime: 3600,
                is_opaque: false,
                clock: Arc::new(unix_now),
                clients: Clients::default(),
                scopes: Vec::new(),
                demands_nonce: false,
                consents: false,
            },
            discovery: Discovery::default(),
            mistake: None,
        }
    }

    /// Listens on this address; port 0 is any free port. The default is `127.0.0.1:0`.
    ///
    /// The issuer gives tokens to everyone who asks, so an address that others reach is a risk.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self.further_ports = 0;
        self
    }

    /// Listens on this port, or when it is taken on the first free one of the hundred after it: for a command that people
    /// start by hand. [`DevelopmentIssuer::address`] says which it has become.
    pub fn port_or_next(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self.further_ports = FURTHER_PORTS;
        self
    }

    /// Puts the issuer under this path; `/oidc` by default, and `/` or nothing is the root.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Calls itself by this URL, which is `iss` of its tokens and the start of every address in its metadata. By default
    /// that is the address it listens on, which is of no use to others where it listens on all addresses of a container.
    /// The path of the URL takes the place of [`path`](Self::path).
    ///
    /// ```
    /// # use requires_auth_testkit::issuer::DevelopmentIssuer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let issuer = DevelopmentIssuer::builder().url("http://issuer:9100/oidc").start().await?;
    /// assert_eq!(issuer.issuer(), "http://issuer:9100/oidc");
    /// # Ok(())
    /// # }
    /// ```
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Signs with this key until the first rotation; a fresh ES384 key by default.
    pub fn key(mut self, key: SigningKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets `aud` of the tokens that are asked for without one; `https://api.example.com` by default.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.settings.audience = audience.into();
        self
    }

    /// Sets how long tokens live, in seconds; 3600 by default.
    pub fn lifetime(mut self, seconds: i64) -> Self {
        self.settings.lifetime = seconds;
        self
    }

    /// Gives out opaque tokens: texts that mean something to this issuer alone, so that an API has to ask its introspection
    /// endpoint. By default tokens are JWTs.
    pub fn opaque(mut self, opaque: bool) -> Self {
        self.settings.is_opaque = opaque;
        self
    }

    /// Reads the time, in seconds since 1970, from this function; the system clock by default. Give the same clock to the
    /// API under test, so that both stand still or jump together.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicI64, Ordering};
    ///
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    ///
    /// # use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    /// # fn claims(token: &str) -> serde_json::Value {
    /// #     let part = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    /// #     serde_json::from_slice(&part).unwrap()
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let seconds = Arc::new(AtomicI64::new(1_800_000_000));
    /// let clock = Arc::clone(&seconds);
    /// let issuer = DevelopmentIssuer::builder().now(move || clock.load(Ordering::Relaxed)).start().await?;
    /// // A day passes without a wait.
    /// seconds.fetch_add(86_400, Ordering::Relaxed);
    /// assert_eq!(claims(&issuer.token("", "alice"))["iat"], 1_800_086_400);
    /// # Ok(())
    /// # }
    /// ```
    pub fn now(mut self, now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        self.settings.clock = Arc::new(now);
        self
    }

    /// Knows this client by its secret; repeatable. Without any client, every client id is accepted and secrets are ignored.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().client("backend", "a-test-secret").start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// // The grant of a machine (RFC 6749 §4.4), as the client under test makes it.
    /// let form = [("grant_type", "client_credentials"), ("scope", "read:items")];
    /// let ask = |secret| http.post(issuer.token_endpoint()).basic_auth("backend", Some(secret)).form(&form).send();
    /// assert_eq!(ask("a-test-secret").await?.status(), 200);
    /// assert_eq!(ask("another").await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.settings.clients.add_secret(&id.into(), &secret.into());
        self
    }

    /// Knows this client by its public key, a JWK; repeatable. It authenticates with `private_key_jwt` (RFC 7523) at the
    /// token endpoint, for introspection and for revocation: a JWT that its private key signs, with its id as `iss` and
    /// `sub`, the issuer or one of these endpoints as `aud`, an `exp` within an hour and a `jti` that counts once.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    /// use requires_auth_testkit::{Algorithm, Forge, SigningKey};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let issuer = DevelopmentIssuer::builder().client_key("backend", &key.public_jwk()).start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// // What the client under test does; a forge serves as well.
    /// let assertion = Forge::new("backend", issuer.issuer(), key).token().header("typ", "JWT").subject("backend").mint();
    /// let form = [
    ///     ("grant_type", "client_credentials"),
    ///     ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ///     ("client_assertion", &assertion),
    /// ];
    /// let ask = || http.post(issuer.token_endpoint()).form(&form).send();
    /// assert_eq!(ask().await?.status(), 200);
    /// // Whoever has overheard it cannot use it again.
    /// assert_eq!(ask().await?.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`start`](Self::start) fails for a JWK that is private, or not of RSA, P-256, P-384, P-521 or Ed25519.
    pub fn client_key(mut self, id: impl Into<String>, jwk: &Value) -> Self {
        let id = id.into();
        if let Some(key) = VerifyingKey::of_jwk(jwk) {
            self.settings.clients.add_key(&id, key);
        } else {
            let mistake = format!("the JWK of the client {id:?} is not a public key for signatures");
            self.mistake = Some(mistake);
        }
        self
    }

    /// Lets this client log users in, who come back to this redirect URI; repeatable. A client without a secret and without
    /// a key is a public one (RFC 6749 §2.1). Clients that register themselves (RFC 7591) need no such line.
    ///
    /// The URI of a request has to be the same, byte for byte, but for the port of loopback (RFC 8252 §7.3).
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let builder = DevelopmentIssuer::builder().redirect_uri("desktop", "http://127.0.0.1/callback");
    /// let issuer = builder.start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
    /// let query = [
    ///     ("client_id", "desktop"),
    ///     ("redirect_uri", "http://127.0.0.1:4711/callback"),
    ///     ("response_type", "code"),
    ///     ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ///     ("code_challenge_method", "S256"),
    /// ];
    /// let url = reqwest::Url::parse_with_params(issuer.authorization_endpoint(), query)?;
    /// let answer = http.get(url).send().await?;
    /// let location = answer.headers()["location"].to_str()?;
    /// assert!(location.starts_with("http://127.0.0.1:4711/callback?code="));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`start`](Self::start) fails for a URI that is neither https, nor http on loopback, nor of a scheme of an application.
    pub fn redirect_uri(mut self, client_id: impl Into<String>, uri: &str) -> Self {
        let client_id = client_id.into();
        match RedirectUri::parse(uri) {
            Ok(uri) => self.settings.clients.add_redirect_uri(&client_id, uri),
            Err(mistake) => self.mistake = Some(format!("the client {client_id:?}: {mistake}")),
        }
        self
    }

    /// Grants these scopes alone, and lists them as `scopes_supported`; any other is `invalid_scope`. By default every scope
    /// is granted and none is listed.
    pub fn scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.settings.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Demands a nonce in each DPoP proof at the token endpoint (RFC 9449 §8); by default a proof needs none. A client learns
    /// it from the header `DPoP-Nonce` of the refusal, and has to send its request again.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::DevelopmentIssuer;
    /// use requires_auth_testkit::{Algorithm, ProofBuilder, SigningKey};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = DevelopmentIssuer::builder().dpop_nonce(true).start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// let key = SigningKey::generate(Algorithm::Es256);
    /// let proof = || ProofBuilder::new(&key, "POST", issuer.token_endpoint());
    /// let form = [("grant_type", "client_credentials")];
    /// let ask = |proof: ProofBuilder| {
    ///     let request = http.post(issuer.token_endpoint()).basic_auth("backend", Some("any")).form(&form);
    ///     request.header("DPoP", proof.mint()).send()
    /// };
    /// let refused = ask(proof()).await?;
    /// let nonce = refused.headers()["dpop-nonce"].to_str()?;
    /// let answer: serde_json::Value = ask(proof().nonce(nonce)).await?.json().await?;
    /// assert_eq!(answer["token_type"], "DPoP");
    /// # Ok(())
    /// # }
    /// ```
    pub fn dpop_nonce(mut self, demanded: bool) -> Self {
        self.settings.demands_nonce = demanded;
        self
    }

    /// Chooses which metadata documents exist; both by default.
    ///
    /// The other one fails with 404, as if [`DevelopmentIssuer::fail`] had said so.
    ///
    /// ```
    /// use requires_auth_testkit::issuer::{DevelopmentIssuer, Discovery};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // An authorization server that is not an OpenID provider. A client that asks in one place alone does not find its keys.
    /// let issuer = DevelopmentIssuer::builder().discovery(Discovery::OAuth).start().await?;
    /// # let http = reqwest::Client::builder().no_proxy().build()?;
    /// assert_eq!(http.get(issuer.discovery_url()).send().await?.status(), 404);
    /// let metadata: serde_json::Value = http.get(issuer.oauth_metadata_url()).send().await?.json().await?;
    /// assert_eq!(metadata["jwks_uri"], issuer.jwks_uri());
    /// # Ok(())
    /// # }
    /// ```
    pub fn discovery(mut self, discovery: Discovery) -> Self {
        self.discovery = discovery;
        self
    }

    /// The settings, for tests of an endpoint without a server.
    #[cfg(test)]
    pub(super) fn into_settings(self) -> Settings {
        self.settings
    }

    /// Starts to listen and to answer, on the tokio runtime that runs this.
    ///
    /// # Errors
    ///
    /// When the address is taken or not of this machine, or when the path has characters other than
    /// letters, digits, `-`, `.`, `_`, `~` and single slashes, or the URL is not one of scheme, host, port and such a path, or
    /// a client is set up with something that cannot be used ([`io::ErrorKind::InvalidInput`]).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with IO and time switched on.
    #[expect(clippy::unused_async, reason = "only an async function shows that it needs a runtime")]
    pub async fn start(mut self) -> io::Result<DevelopmentIssuer> {
        if let Some(mistake) = self.mistake {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, mistake));
        }
        let (origin, path) = match &self.url {
            Some(url) => split_url(url).map(|(origin, path)| (Some(origin), path))?,
            None => (None, self.path.as_str()),
        };
        let path = normal_path(path)?;
        let (listener, switch) = SwitchedListener::open(self.address, self.further_ports)?;
        let address = listener.address();
        self.settings.consents = address.ip().is_loopback();
        let urls = Urls::new(&origin.map_or_else(|| format!("http://{address}"), ToOwned::to_owned), &path);
        let key = self.key.unwrap_or_else(|| SigningKey::generate(Algorithm::default()));
        let state = Arc::new(State::new(urls, self.settings, KeyRing::new(key)));
        let absent = match self.discovery {
            Discovery::Both => None,
            Discovery::OAuth => Some(Endpoint::Discovery),
            Discovery::OpenId => Some(Endpoint::OAuthMetadata),
        };
        if let Some(endpoint) = absent {
            state.knobs.turn(endpoint, |behavior| behavior.failure = Some(404));
        }
        let service = routes::router(&state, &path).into_make_service_with_connect_info::<Line>();
        let task = tokio::spawn(async move {
            // Serving ends only with the task; there is no error to report.
            axum::serve(listener, service).await.ok();
        });
        Ok(DevelopmentIssuer { state, address, switch, task })
    }
}

/// A URL as scheme, host and port, and as its path.
fn split_url(url: &str) -> io::Result<(&str, &str)> {
    let invalid = || {
        let message = format!("{url:?} is not a URL such as http://issuer:9100/oidc");
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).ok_or_else(invalid)?;
    let authority = rest.split('/').next().unwrap_or(rest);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if authority.is_empty() || !authority.chars().all(allowed) {
        return Err(invalid());
    }
    let (origin, path) = url.split_at(url.len() - rest.len() + authority.len());
    Ok((origin, path))
}

/// The path with a leading slash and none at the end; empty for the root.
fn normal_path(path: &str) -> io::Result<String> {
    let path = path.trim_matches('/');
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if !path.chars().all(allowed) || path.contains("//") {
        let message = format!("the path {path:?} of the issuer has a character that is not allowed");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}

#[cfg(test)]
mod tests {
    use super::{normal_path, split_url};

    #[test]
    fn a_url_is_scheme_host_port_and_path() {
        for (url, origin, path) in [
            ("http://issuer:9100/oidc", "http://issuer:9100", "/oidc"),
            ("https://id.example", "https://id.example", ""),
            ("http://[::1]:9100/a/b", "http://[::1]:9100", "/a/b"),
        ] {
            assert_eq!(split_url(url).expect(url), (origin, path));
        }
        for bad in [
            "",
            "issuer:9100",
            "ftp://a",
            "http://",
            "http:///x",
            "http://u:p@a",
            "http://a?b",
            "http://a#b",
            "http://a b",
        ] {
            assert!(split_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_has_one_form() {
        for (given, normal) in
            [("/oidc", "/oidc"), ("oidc/", "/oidc"), ("/", ""), ("", ""), ("/a/b.c-d_e~f/", "/a/b.c-d_e~f")]
        {
            assert_eq!(normal_path(given).expect(given), normal);
        }
        for bad in ["/a//b", "/{id}", "/a b", "/a?b", "/a#b", "/%2e", "/*", "/:a", "/é"] {
            assert!(normal_path(bad).is_err(), "{bad}");
        }
    }
}
