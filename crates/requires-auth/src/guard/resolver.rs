//! Issuers that only the application knows.
//!
//! A resolver is code of the application: a look-up in a table of customers, or a call to another service. It decides about
//! trust, so that its mistakes count: an issuer that it returns is believed like one that is configured by name.

use std::future::Future;
use std::pin::Pin;

use super::builder::IssuerSettings;
use crate::settings::{self, Document, Given, Setting, Value};
use crate::verify::Audience;

/// Tells which issuers are ours, for an application whose customers bring their own: given to a guard with
/// [`Builder::with_resolver`](super::Builder::with_resolver).
///
/// It is asked when a token names an issuer that is not configured and fits no pattern, with an issuer **that nobody has
/// vouched for**: compare it with what you know, and do not fetch from it. Nothing is fetched for an issuer that it does not
/// return. A function from `String` to a future is a resolver:
///
/// ```
/// use requires_auth::RequiresAuth;
/// use requires_auth::guard::Issuer;
///
/// let auth = RequiresAuth::resolving(async |issuer: String| {
///     // A look-up in the table of customers.
///     let customer = (issuer == "https://login.customer.example").then_some("customer-17");
///     Ok(customer.map(|name| Issuer::new("https://api.example.com").with_tenant(name)))
/// })
/// .build()?;
/// # let _ = auth;
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
///
/// An answer holds for five minutes, and `None` for one minute. If it fails, tokens of issuers that it has not named before
/// are answered with 503, and the cause is logged; the others pass until an hour after its last answer. Answers that take
/// longer than five seconds count as failed.
/// | it returns | a token of the issuer is | for |
/// | --- | --- | --- |
/// | `Ok(Some(issuer))` | judged by these settings | 5 minutes |
/// | `Ok(None)` | refused with 401 | 1 minute |
/// | `Err(cause)`, or settings that cannot work | answered with 503, and the cause is logged | this request |
/// | `Err(cause)` for an issuer that has verified a token | judged by the earlier answer, until that is an hour old | 30 seconds |
///
/// There is one call at a time for each issuer, and the calls for issuers that have not verified a token share one
/// allowance, so that a flood of made-up issuers does not become a flood of look-ups.
pub trait ResolveIssuer: Send + Sync + 'static {
    /// The settings of an issuer, or `None` if it is not ours.
    /// `issuer` is what the payload of an unverified token says, at most 1024 bytes long. Use it as a key of a look-up, and
    /// never as an address.
    ///
    /// # Errors
    ///
    /// The look-up has failed, and nobody can tell whether the issuer is ours: the request is answered with 503.
    fn resolve(&self, issuer: &str) -> ResolveFuture;
}

/// What [`ResolveIssuer::resolve`] returns: a future that owns all it needs.
pub type ResolveFuture = Pin<Box<dyn Future<Output = Result<Option<Issuer>, ResolveError>> + Send>>;

/// Why a resolver has failed. It is logged, and no client sees it.
pub type ResolveError = Box<dyn std::error::Error + Send + Sync>;

impl<F, T> ResolveIssuer for F
where
    F: Fn(String) -> T + Send + Sync + 'static,
    T: Future<Output = Result<Option<Issuer>, ResolveError>> + Send + 'static,
{
    fn resolve(&self, issuer: &str) -> ResolveFuture {
        Box::pin(self(issuer.to_owned()))
    }
}

/// An issuer of which a [resolver](ResolveIssuer) says that it is ours.
/// It has the settings of one issuer, as [`Builder`](super::Builder) has them for issuers that are configured by name. All
/// else, such as leeway and cache, is that of the guard. The name of the issuer is the one that was asked about.
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuer {
    settings: IssuerSettings,
    tenant: Option<String>,
}

impl Issuer {
    /// An issuer whose tokens must be for this audience, and whose keys are found by discovery.
    /// An empty audience is a mistake: the answer counts as failed then.
    pub fn new(audience: impl Into<Audience>) -> Self {
        Self { settings: IssuerSettings::new("", audience.into()), tenant: None }
    }

    /// The name of the tenant, which [`AccessToken::tenant`](crate::AccessToken::tenant) returns.
    pub fn with_tenant(mut self, name: impl Into<String>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// Its keys, as for [`Builder::with_jwks`](super::Builder::with_jwks).
    pub fn with_jwks(mut self, jwks: impl Into<Vec<u8>>) -> Self {
        self.settings.given.set(settings::JWKS, Document::Bytes(jwks.into()));
        self
    }

    /// Where its keys are, as for [`Builder::with_jwks_uri`](super::Builder::with_jwks_uri).
    pub fn with_jwks_uri(mut self, url: &str) -> Self {
        self.settings.given.set(settings::JWKS_URI, url.to_owned());
        self
    }

    /// Where its metadata are, as for [`Builder::with_discovery_url`](super::Builder::with_discovery_url).
    pub fn with_discovery_url(mut self, url: &str) -> Self {
        self.settings.given.set(settings::DISCOVERY_URL, url.to_owned());
        self
    }

    /// Another setting of an issuer, by the [table](crate::settings). `introspection` and opaque tokens are for issuers that are
    /// configured by name: with them the answer counts as failed.
    /// ```
    /// use requires_auth::guard::Issuer;
    /// use requires_auth::settings::{self, Value};
    ///
    /// let issuer = Issuer::new("https://api.example.com")
    ///     .with_tenant("customer-17")
    ///     .with_setting(settings::SCOPE_CLAIMS.setting, Value::Words(vec!["permissions".to_owned()]));
    /// # let _ = issuer;
    /// ```
    pub fn with_setting(mut self, setting: &Setting, value: Value) -> Self {
        self.settings.given.put(setting, value, None);
        self
    }

    /// Its settings, under the name that was asked for, and its tenant.
    pub(super) fn into_settings(mut self, issuer: &str) -> (IssuerSettings, Option<String>) {
        self.settings.given.set(settings::ISSUER, issuer.to_owned());
        self.settings.look_up_provider(&Given::default());
        (self.settings, self.tenant)
    }
}
