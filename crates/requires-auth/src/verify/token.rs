//! The proof that a request may pass: made by the verifier, and nowhere else.

use std::borrow::Cow;
use std::fmt;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use smallvec::SmallVec;
use triomphe::{Arc, HeaderSlice};

use super::arena::{Arena, Span};
use super::rules::{GuardId, Rules};
use crate::binding::Methods;
use crate::claims::{Claims, NumericDate, at_path};
use crate::credential::PlaceSet;
use crate::error::Reason;
use crate::jose::json::{Object, Raw};
use crate::jose::key_set::KeySet;
use crate::revocation::{Marks, Sets};

mod bound;
mod checked;
mod claims_error;
mod revoked;

use bound::Bound;
pub(super) use checked::{Checked, Kind, Parties};
pub use claims_error::ClaimsError;

/// An access token that was verified: signature, issuer, audience, times and type all hold.
///
/// Only the verifier makes one, so a function that takes an `AccessToken` cannot be called for a request that was not
/// checked. A clone is cheap. `Debug` shows the names of the claims, never their values, and never the token.
///
/// | to learn | ask |
/// | --- | --- |
/// | who it is | [`subject`](Self::subject), and [`is_client`](Self::is_client) for machines |
/// | which application asked for the token | [`client_id`](Self::client_id) |
/// | what it may do | [`has_scope`](Self::has_scope), [`scopes`](Self::scopes) |
/// | one claim | [`claim`](Self::claim) |
/// | several claims, as a type of yours | [`claims`](Self::claims) |
/// | how long it may be used | [`expires_at`](Self::expires_at) |
///
/// The pair of [`issuer`](Self::issuer) and [`subject`](Self::subject) names a user; a subject alone may mean another user
/// at another issuer, and an e-mail address is not a name at all, as it may change hands.
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
/// use requires_auth::{AccessToken, Policy, RequiresAuth};
///
/// /// The part of a handler that can be tested without a server.
/// fn greeting(token: &AccessToken) -> String {
///     let name: Option<String> = token.claim("name");
///     format!("hello {}", name.as_deref().or(token.subject()).unwrap_or("whoever you are"))
/// }
///
/// // In a test the token comes from a guard with the key of the test: there is no other way to make one.
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
/// let token = verified(&forge.token().subject("u-17").claim("name", "Ada").mint())?;
/// assert_eq!(greeting(&token), "hello Ada");
///
/// // What is logged of it by mistake holds no secret and no personal data.
/// let logged = format!("{token:?}");
/// assert!(logged.contains("name") && !logged.contains("Ada") && !logged.contains("u-17"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AccessToken {
    proof: Proof,
    checked_at: NumericDate,
}

/// What the verifier has found out about a token, good for any request. The cache keeps it, and a token is made of it.
///
/// All of it is one allocation, and what a look-up in the cache reads stands beside the reference count: a
/// remembered token that has left the processor's cache comes back in few steps.
#[derive(Clone)]
pub(crate) struct Proof {
    inner: Arc<HeaderSlice<Checks, str>>,
}

/// What was checked, and where in the texts behind it the claims stand.
#[repr(C)]
struct Checks {
    expires_at: NumericDate,
    /// The latest of `nbf`, `iat`, and when the issuer was asked.
    not_before: Option<NumericDate>,
    /// Until when it is remembered; `None` until it expires. What an issuer has said counts for a while only.
    remembered_until: Option<NumericDate>,
    proven_by: ProvenBy,
    /// Where its issuer's tokens may stand.
    places: PlaceSet,
    guard: GuardId,
    /// Which bindings its issuer's requests may prove.
    methods: Methods,
    /// Boxed, as most tokens are not bound.
    bound: Option<Box<Bound>>,
    /// What it is looked up by among revocations, in a guard that is told of some.
    marks: Option<Box<Marks>>,
    /// The version of the revocations among which there is none for it: most uses need not look again.
    not_among: AtomicU64,
    payload: Span,
    issuer: Span,
    /// Within the issuer.
    tenant: Option<Span>,
    subject: Option<Span>,
    client_id: Option<Span>,
    kind: Kind,
    /// The audiences, then the scopes.
    lists: SmallVec<[Span; 8]>,
    audiences: usize,
    /// Whether the rule of its issuer takes its audience. If not, a route has to name it.
    is_for_guard: bool,
}

/// Whose keys prove a token, or whose word. The set is told by its address, which a weak pointer keeps from being given
/// to another one.
#[derive(Clone, Debug)]
pub(crate) struct ProvenBy {
    pub(crate) issuer: usize,
    /// `None` if no key has signed it, as the issuer was asked.
    pub(crate) keys: Option<Weak<KeySet>>,
}

impl Proof {
    /// The issuer, which is one of ours.
    pub(crate) fn issuer(&self) -> &str {
        self.inner.header.issuer.of(&self.inner.slice)
    }
}

impl AccessToken {
    /// Called by the verifier once every check has passed.
    pub(super) fn new(
        rules: &Rules,
        claims: &Claims<'_>,
        checked: Checked<'_>,
        proven_by: ProvenBy,
        now: NumericDate,
    ) -> Result<Self, Reason> {
        let Parties { subject, client_id } = &checked.parties;
        let marks_by = |seed| Marks::of(seed, claims, subject.as_deref(), client_id.as_deref());
        let marks = rules.revocation_seed.as_ref().map(marks_by).map(Box::new);
        let mut arena = Arena::new(claims.payload());
        let mut add = |text: Cow<'_, str>| arena.add(&text);
        let issuer = add(checked.issuer)?;
        let tenant = checked.tenant.map(|name| add(Cow::Borrowed(name))).transpose()?;
        let subject = checked.parties.subject.map(&mut add).transpose()?;
        let client_id = checked.parties.client_id.map(&mut add).transpose()?;
        let audiences = checked.audience.len();
        let mut lists = SmallVec::new();
        for text in checked.audience.into_iter().chain(checked.scopes) {
            lists.push(add(text)?);
        }
        let checks = Checks {
            expires_at: checked.expires_at,
            not_before: checked.not_before,
            remembered_until: checked.remembered_until,
            places: rules.issuers[proven_by.issuer].places,
            methods: rules.issuers[proven_by.issuer].methods,
            proven_by,
            guard: rules.guard,
            bound: checked.confirmation.map(|confirmation| Box::new(Bound::new(confirmation))),
            marks,
            not_among: AtomicU64::new(Sets::NO_VERSION),
            payload: arena.payload()?,
            issuer,
            tenant,
            subject,
            client_id,
            kind: checked.kind,
            lists,
            audiences,
            is_for_guard: checked.is_for_guard,
        };
        let proof = Proof { inner: Arc::from_header_and_str(checks, &arena.into_text()) };
        Ok(Self { proof, checked_at: now })
    }

    /// Whether it is meant for this guard, and not for single routes of it alone.
    pub(crate) fn is_for_guard(&self) -> bool {
        self.checks().is_for_guard
    }

    fn checks(&self) -> &Checks {
        &self.proof.inner.header
    }

    fn text(&self, span: Span) -> &str {
        span.of(&self.proof.inner.slice)
    }

    fn payload(&self) -> &str {
        self.text(self.checks().payload)
    }

    /// Whom the token speaks for (`sub`): a user, or for Logto's machine-to-machine tokens the client.
    ///
    /// `None` if the token has no `sub`, which the profile `jwt` does not demand. Do not treat
    /// `None` as a user, nor as an anonymous request.
    pub fn subject(&self) -> Option<&str> {
        self.checks().subject.map(|subject| self.text(subject))
    }

    /// Who made the token (`iss`): one of the configured issuers, byte for byte.
    pub fn issuer(&self) -> &str {
        self.text(self.checks().issuer)
    }

    /// Which tenant of the issuer made the token: what stands in the place of `{tenant}` in a pattern such as
    /// `https://login.microsoftonline.com/{tenant}/v2.0`, or the name that a resolver has given. `None` for an issuer that is
    /// configured by its own name.
    pub fn tenant(&self) -> Option<&str> {
        self.checks().tenant.map(|tenant| self.text(tenant))
    }

    /// Whom the token is meant for (`aud`); this API is one of them, unless the guard takes any audience. Such a token may
    /// also be used at the other APIs that it names.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.checks().lists[..self.checks().audiences].iter().map(|&audience| self.text(audience))
    }

    /// The scopes of the token (RFC 6749 §3.3), with those that they imply where that is configured.
    ///
    /// They come from `scope`, else `scp`, each a string or an array of strings, unless the guard was
    /// told otherwise. They stand in the order of the token, and may repeat.
    ///
    /// ```
    /// # use requires_auth::AccessToken;
    /// /// What an API may show a client about itself.
    /// fn permissions(token: &AccessToken) -> Vec<&str> {
    ///     let mut scopes: Vec<&str> = token.scopes().filter(|scope| !matches!(*scope, "openid" | "profile")).collect();
    ///     scopes.sort_unstable();
    ///     scopes.dedup();
    ///     scopes
    /// }
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
    /// let token = verified(&forge.token().scope("openid write:orders read:orders").mint())?;
    /// assert_eq!(permissions(&token), ["read:orders", "write:orders"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.checks().lists[self.checks().audiences..].iter().map(|&scope| self.text(scope))
    }

    /// Whether the token has exactly this scope; case counts, and `read` is not `read:all`.
    ///
    /// For a handler that does more for some tokens. Where the whole route needs the scope, let the route say so
    /// ([`Policy`](crate::Policy)): the refusal then tells the client which scope to ask for.
    ///
    /// ```
    /// use requires_auth::AccessToken;
    ///
    /// struct Order {
    ///     id: u64,
    ///     margin: Option<i64>,
    /// }
    ///
    /// /// The same order, with or without what only the sales department may see.
    /// fn shown(mut order: Order, token: &AccessToken) -> Order {
    ///     if !token.has_scope("read:margins") {
    ///         order.margin = None;
    ///     }
    ///     order
    /// }
    /// # let _ = shown;
    /// ```
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|own| own == scope)
    }

    /// The client that asked for the token (RFC 9068 §2.2): an application, not a user. It is read from `client_id`, else
    /// from `azp`, `cid` or `appid`, as issuers differ in this, unless the setting `client_claims` says otherwise. `None` if
    /// the token does not say.
    pub fn client_id(&self) -> Option<&str> {
        self.checks().client_id.map(|client_id| self.text(client_id))
    }

    /// Whether the token speaks for the client itself rather than for a user; `None` if nobody can tell.
    ///
    /// If `sub` equals the client, it does (RFC 9068 §5). That others speak for a user is known only of issuers whose rule
    /// for it is known: elsewhere a client may well have a subject of its own.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{AccessToken, Policy, RequiresAuth};
    /// /// Who is written into the audit log: a machine must not look like a user of the same name.
    /// fn actor(token: &AccessToken) -> String {
    ///     match token.subject() {
    ///         Some(client) if token.is_client() == Some(true) => format!("machine:{client}"),
    ///         Some(subject) => format!("subject:{subject}"),
    ///         None => format!("unknown, by {}", token.client_id().unwrap_or("an unknown client")),
    ///     }
    /// }
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
    /// let token = verified(&forge.token().subject("nightly-export").client_id("nightly-export").mint())?;
    /// assert_eq!(actor(&token), "machine:nightly-export");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_client(&self) -> Option<bool> {
        self.checks().kind.is_client
    }

    /// Whether the subject may be looked up among users: not for a client, and where nobody can tell, not for issuers that
    /// are known to give clients subjects which look like those of users.
    pub fn may_be_user(&self) -> bool {
        self.subject().is_some() && self.checks().kind.may_be_user
    }

    /// When the token expires (`exp`), as the token says it: the leeway of the guard is not added.
    ///
    /// A request is checked once, when it comes. What lasts longer than a request, such as a WebSocket or a stream, has to
    /// end by itself:
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use requires_auth::AccessToken;
    ///
    /// /// Sends messages until the token of the connection has expired; then the client has to come back with a new one.
    /// async fn stream(token: AccessToken, mut messages: tokio::sync::mpsc::Receiver<String>) {
    ///     let left = token.expires_at().duration_since(SystemTime::now()).unwrap_or_default();
    ///     let end = tokio::time::sleep(left);
    ///     tokio::pin!(end);
    ///     loop {
    ///         tokio::select! {
    ///             () = &mut end => return,
    ///             message = messages.recv() => match message {
    ///                 Some(message) => println!("{message}"),
    ///                 None => return,
    ///             },
    ///         }
    ///     }
    /// }
    /// # let _ = stream;
    /// ```
    pub fn expires_at(&self) -> SystemTime {
        self.checks().expires_at.to_system_time()
    }

    /// The Logto organization that the token acts in: the claim `organization_id`, else the end of an
    /// audience `urn:logto:organization:<id>`.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
    /// # let auth = RequiresAuth::builder("https://issuer.example", ["https://api.example", "urn:logto:organization:acme"]);
    /// # let auth = auth.with_jwks(jwk_set([forge.key()]).to_string()).build()?;
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
    /// let token = verified(&forge.token().claim("organization_id", "acme").mint())?;
    /// assert_eq!(token.organization_id().as_deref(), Some("acme"));
    ///
    /// // A token of an organization itself says it in its audience.
    /// let token = verified(&forge.token().claim("aud", "urn:logto:organization:acme").mint())?;
    /// assert_eq!(token.organization_id().as_deref(), Some("acme"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn organization_id(&self) -> Option<String> {
        let of_audience =
            || self.audience().find_map(|audience| audience.strip_prefix("urn:logto:organization:"));
        self.claim("organization_id").or_else(|| of_audience().map(ToOwned::to_owned))
    }

    /// All claims, read into a type of yours. They are read anew at each call, and claims that the type does not name are
    /// passed over.
    ///
    /// Times are numbers of seconds in a token. What is optional in the tokens of the issuer is an `Option` in the type:
    /// `realm_access` below is absent for users without roles, and a required field would refuse them.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// #[derive(serde::Deserialize)]
    /// struct Claims {
    ///     sub: String,
    ///     #[serde(default)]
    ///     realm_access: RealmAccess,
    /// }
    ///
    /// #[derive(Default, serde::Deserialize)]
    /// struct RealmAccess {
    ///     roles: Vec<String>,
    /// }
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
    /// let claims: Claims = verified(&forge.token().mint())?.claims()?;
    /// assert_eq!((claims.sub.as_str(), claims.realm_access.roles.len()), ("alice", 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// # Errors
    ///
    /// The claims do not have that shape. The error tells where, never what.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, ClaimsError> {
        serde_json::from_str(self.payload()).map_err(|error| ClaimsError::at(&error))
    }

    /// One claim by its dotted path, such as `realm_access.roles`; `None` if it is absent or of another type.
    ///
    /// A name that holds dots itself is found whole: `https://example.com/roles`.
    ///
    /// `None` says that there is nothing to go by, and a decision must be safe then. A claim of another type is treated as
    /// one that is absent; to tell them apart, read it as a `serde_json::Value`.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// # let verified = |token: &str| auth.verify_now(token, &Policy::default()).expect("the keys are there");
    /// let token = forge.token().claim("realm_access", serde_json::json!({ "roles": ["buyer"] })).claim("admin", "yes");
    /// let token = verified(&token.mint())?;
    ///
    /// let roles: Vec<String> = token.claim("realm_access.roles").unwrap_or_default();
    /// assert_eq!(roles, ["buyer"]);
    ///
    /// // The text "yes" is not a `bool`. `unwrap_or(false)` is the safe side here; `unwrap_or(true)` would not be.
    /// assert!(!token.claim("admin").unwrap_or(false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn claim<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        self.with_claim(path, |value| serde_json::from_str(value.text()).ok()).flatten()
    }

    pub(crate) fn with_claim<T>(&self, path: &str, read: impl FnOnce(Raw<'_>) -> T) -> Option<T> {
        let object = Object::parse(self.payload().as_bytes()).ok()?;
        at_path(&object, path).map(read)
    }

    /// When this token was last checked.
    pub(crate) const fn checked_at(&self) -> NumericDate {
        self.checked_at
    }

    pub(crate) fn places(&self) -> PlaceSet {
        self.checks().places
    }

    pub(crate) fn guard(&self) -> GuardId {
        self.checks().guard
    }

    /// What is known of the token, whatever the request.
    pub(crate) const fn proof(&self) -> &Proof {
        &self.proof
    }
}

impl Proof {
    /// Whose keys prove the token.
    pub(crate) fn proven_by(&self) -> &ProvenBy {
        &self.inner.header.proven_by
    }

    /// The token at this time; `None` if it is no longer or not yet valid then, or to be asked about again. Whether its keys are still current is for
    /// the caller to know.
    pub(crate) fn at(self, now: NumericDate, leeway: Duration) -> Option<AccessToken> {
        let is_over = self.inner.header.expires_at.has_passed(now, leeway);
        let is_ahead = self.inner.header.not_before.is_some_and(|start| start.is_ahead_of(now, leeway));
        let is_forgotten =
            self.inner.header.remembered_until.is_some_and(|until| until.has_passed(now, Duration::ZERO));
        (!is_over && !is_ahead && !is_forgotten).then_some(AccessToken { proof: self, checked_at: now })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = Object::parse(self.payload().as_bytes()).unwrap_or_default();
        let names: Vec<_> = object.iter().map(|(name, _)| name).collect();
        f.debug_struct("AccessToken").field("claims", &names).finish_non_exhaustive()
    }
}
