//! The table of providers: what each make of identity provider sends, one row in a file of its own.
//!
//! A row is data. Everything that knows providers goes over [`ALL`]: `provider = "logto"` in a file, in the environment
//! and in Python, the constructors such as [`RequiresAuth::logto`](crate::RequiresAuth::logto), the hints of `explain`,
//! the advice of `requires-auth doctor`, and `requires-auth config init --provider logto`. Each row has a page in
//! `docs/providers` and tokens in the vectors of the testkit.
//!
//! What a row chooses is a default: a setting that is given wins.
//!
//! ```
//! use requires_auth::providers;
//!
//! let logto = providers::find("logto").ok_or("there is such a row")?;
//! assert_eq!(logto.issuer("tenant-id").as_deref(), Ok("https://tenant-id.logto.app/oidc"));
//! // A server of one's own, or a domain of one's own, is written as its whole URL.
//! assert_eq!(logto.issuer("https://id.example.com/oidc").as_deref(), Ok("https://id.example.com/oidc"));
//! # Ok::<(), &str>(())
//! ```
//!
//! # Which settings a row chooses
//!
//! | setting | from | chosen |
//! | --- | --- | --- |
//! | `issuer` | [`form`](Provider::form) | the URL, where a short name is given |
//! | `audience` | [`audience_rule`](Provider::audience_rule) | another claim than `aud`, or the one audience that there is |
//! | `jwks_uri` | [`jwks_uri`](Provider::jwks_uri) | where metadata do not name the keys |
//! | `profile` | [`profile`](Provider::profile) | the stricter profile, where every access token has its type |
//! | `algorithms` | [`algorithms`](Provider::algorithms) | the one algorithm, where the provider signs with no other |
//! | `scope_claims`, `client_claims` | the fields of these names | where scopes and client are |
//! | `token_from` | [`token_from`](Provider::token_from) | the header of a proxy |
//! | `tenant_claims` | [`tenant_claims`](Provider::tenant_claims) | where tokens of several tenants are taken |
//!
//! Beside the settings a row has [`marks`](Provider::marks), which no setting switches off: what a provider signs for other
//! purposes, such as an ID token, is refused with `type_not_allowed` (RFC 8725 §3.11).
//!
//! # Taking one without naming it
//!
//! [`recognise`] tells a provider from the URL of its issuer, for hints and advice alone. It chooses no setting: a guard
//! behaves by a row only where `provider` names the row.

use crate::credential::TokenPlace;
use crate::error::Reason;
use crate::verify::{Audience, ClientRule, Marks, Profile};

mod form;
mod missing;
mod recognised;
mod rules;

mod auth0;
mod authentik;
mod clerk;
mod cloudflare_access;
mod cognito;
mod entra;
mod firebase;
mod github_actions;
mod google;
mod google_iap;
mod keycloak;
mod kubernetes;
mod logto;
mod okta;
mod rauthy;
mod supabase;
mod workos;
mod zitadel;

pub use form::{Form, IssuerRule, Shape, WrongIssuer};
pub(crate) use missing::audience_hint;
pub use recognised::{Recognised, recognise, recognise_metadata};

/// One row of the table.
/// ```
/// use requires_auth::providers;
///
/// let okta = providers::find("okta").ok_or("there is such a row")?;
/// assert_eq!(okta.title, "Okta");
/// assert_eq!(okta.scope_claims, ["scp"]);
/// assert_eq!(okta.issuer("dev-123456").as_deref(), Ok("https://dev-123456.okta.com/oauth2/default"));
/// // The tokens of the org authorization server are for Okta alone.
/// assert!(okta.issuer("https://dev-123456.okta.com").is_err());
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Provider {
    /// Its name in settings, and that of its page and its vectors: `logto`.
    /// Lower case letters and underscores; it never changes. Its page has hyphens in place of the underscores.
    pub name: &'static str,
    /// Its name for people: `Logto`.
    pub title: &'static str,
    /// What its issuers look like.
    /// It turns a short name into an issuer, tells an issuer of this provider from others, and refuses what cannot work.
    pub form: Form,
    /// What the audience of an API is called there, for messages and for `config init`.
    pub audience: &'static str,
    /// What an audience looks like there, for the same messages.
    pub audience_example: &'static str,
    /// What an audience that is given as a name is compared with.
    /// A rule that is given, such as [`Audience::Prefix`], is left as it is.
    pub audience_rule: AudienceRule,
    /// Where its keys are, if nothing is to be discovered; `{}` is the short name of the issuer.
    /// It is used where neither keys nor their place nor the place of the metadata is configured.
    pub jwks_uri: Option<&'static str>,
    /// Which shape its access tokens have; `None` is that of the guard.
    /// [`Profile::AccessTokenJwt`] where the provider gives every access token the type of RFC 9068.
    pub profile: Option<Profile>,
    /// The only algorithms that it signs with; none listed leaves it to its keys.
    /// A list breaks when the provider rotates to another type of key, so that it is rare here.
    pub algorithms: &'static [&'static str],
    /// The claims that hold scopes; none listed are those of the guard.
    /// Dotted paths, all of which count together. None of them is a claim that users can edit themselves.
    pub scope_claims: &'static [&'static str],
    /// Where requests have its tokens; none listed are the places of the guard.
    /// For providers that are proxies: they take the token of the user and put one of their own into a header.
    pub token_from: &'static [Place],
    /// The claims that name the client; none listed are those of the guard.
    /// Dotted paths; the first that is there counts.
    pub client_claims: &'static [&'static str],
    /// How its tokens for clients are told from those for users.
    pub(crate) client_rule: ClientRule,
    /// Claims that must equal the tenant in the issuer, where tokens of several tenants are taken.
    /// One server signs for all tenants there, so that `iss` alone has to be believed without them.
    pub tenant_claims: &'static [&'static str],
    /// Whether its tokens can have scopes at all.
    /// If not, a policy with scopes refuses every token of this provider unless `scope_claims` maps a claim, and the hint
    /// says so.
    pub has_scopes: bool,
    /// What tells its access tokens from everything else that it signs.
    /// They are looked at after the signature, so that a stranger learns nothing by trying.
    pub marks: Marks,
    /// When its access tokens are opaque, in a sentence that says what to do; `None` if they never are.
    /// It is the hint for the reason `opaque`, unless [`hints`](Self::hints) has another.
    pub opaque: Option<&'static str>,
    /// What everybody should know who takes its tokens, in whole sentences.
    /// `requires-auth doctor` shows them, and `config init` writes them into the file as comments. A guard behaves the same
    /// with and without them.
    pub warnings: &'static [&'static str],
    /// What to do about a refusal.
    /// They are for the log and for `explain`. No client sees them.
    pub hints: &'static [(Reason, &'static str)],
}

/// What an audience that is given as a name is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the builder has to know each")]
pub enum AudienceRule {
    /// `aud`, as in most tokens.
    Aud,
    /// Another claim, in tokens without `aud`.
    /// As `azp` at Clerk and `client_id` at Cognito. The names that are given become [`Audience::Claim`], so that a token with
    /// `aud` is refused.
    Claim(&'static str),
    /// `aud`, which is this text where no audience is given; `{}` is the short name of the issuer.
    /// As the project of Firebase, whose tokens have one audience each. An audience that is given wins.
    Default(&'static str),
}

/// Where requests have the tokens of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the builder has to know each")]
pub enum Place {
    /// A header that has the bare token.
    /// As `Cf-Access-Jwt-Assertion` of Cloudflare Access. The `Authorization` header then counts for nothing.
    Header(&'static str),
}

impl Provider {
    /// A row in which everything is left to the settings of the guard.
    const PLAIN: Self = Self {
        name: "",
        title: "",
        form: Form::PLAIN,
        audience: "the identifier of this API",
        audience_example: "https://api.example.com",
        audience_rule: AudienceRule::Aud,
        jwks_uri: None,
        profile: None,
        algorithms: &[],
        scope_claims: &[],
        token_from: &[],
        client_claims: &[],
        client_rule: ClientRule::ANY,
        tenant_claims: &[],
        has_scopes: true,
        marks: Marks { any_of: &[], id_tokens: false },
        opaque: None,
        warnings: &[],
        hints: &[],
    };

    /// Where requests have its tokens; `None` leaves it to the guard.
    /// ```
    /// use requires_auth::providers;
    ///
    /// let access = providers::find("cloudflare_access").ok_or("there is such a row")?;
    /// let places = access.token_places().ok_or("it is a proxy")?;
    /// assert_eq!(places[0].to_string(), "header=Cf-Access-Jwt-Assertion");
    /// # Ok::<(), &str>(())
    /// ```
    pub fn token_places(&self) -> Option<Vec<TokenPlace>> {
        let place = |Place::Header(name): &Place| TokenPlace::header(name).ok();
        let places: Vec<_> = self.token_from.iter().filter_map(place).collect();
        (!places.is_empty()).then_some(places)
    }

    /// The place of its tokens, if none of those that are read is one: then no token of it is ever found.
    ///
    /// ```
    /// use requires_auth::credential::TokenPlace;
    /// use requires_auth::providers;
    ///
    /// let access = providers::find("cloudflare_access").ok_or("there is such a row")?;
    /// let unread = access.unread_place(&[TokenPlace::authorization()]).ok_or("it is not read")?;
    /// assert_eq!(unread.to_string(), "header=Cf-Access-Jwt-Assertion");
    /// assert!(access.unread_place(&[unread]).is_none());
    /// # Ok::<(), &str>(())
    /// ```
    pub fn unread_place(&self, read: &[TokenPlace]) -> Option<TokenPlace> {
        let own = self.token_places()?;
        if own.iter().any(|place| read.contains(place)) { None } else { own.into_iter().next() }
    }

    /// The audience that stands for what is given; `None` if that stands for itself.
    /// `issuer` is the whole URL, as [`issuer`](Self::issuer) returns it.
    ///
    /// ```
    /// use requires_auth::{Audience, providers};
    ///
    /// let cognito = providers::find("cognito").ok_or("there is such a row")?;
    /// let clients = Audience::from("1example23456789");
    /// let issuer = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI";
    /// let expected = Audience::claim("client_id", ["1example23456789"]);
    /// assert_eq!(cognito.audience_of(Some(&clients), issuer), Some(expected));
    ///
    /// // With a project of Firebase the audience is known already.
    /// let firebase = providers::find("firebase").ok_or("there is such a row")?;
    /// let audience = firebase.audience_of(None, "https://securetoken.google.com/my-project");
    /// assert_eq!(audience, Some("my-project".into()));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn audience_of(&self, given: Option<&Audience>, issuer: &str) -> Option<Audience> {
        let names = match given {
            None => &[][..],
            Some(Audience::OneOf(names)) => names,
            Some(_) => return None,
        };
        match self.audience_rule {
            AudienceRule::Default(text) if names.is_empty() => Some(self.filled(text, issuer)?.into()),
            AudienceRule::Claim(claim) if !names.is_empty() => Some(Audience::claim(claim, names.to_vec())),
            _ => None,
        }
    }

    /// Its hint about a refusal.
    /// `None` leaves it to the general hint of the reason, which is [`Denial::hint`](crate::Denial::hint).
    pub fn hint(&self, reason: Reason) -> Option<&'static str> {
        let own = self.hints.iter().find(|(of, _)| *of == reason).map(|(_, hint)| *hint);
        own.or(if reason == Reason::Opaque { self.opaque } else { None })
    }

    /// Its page, in the repository of this library.
    pub fn page(&self) -> String {
        format!("docs/providers/{}.md", self.name.replace('_', "-"))
    }
}

/// Calls a macro with every row, in the order in which a reader wants to know of them.
macro_rules! rows {
    ($then:ident) => {
        $then! {
            logto, auth0, keycloak, entra, cognito, okta, google, google_iap, zitadel, firebase, supabase, clerk,
            workos, cloudflare_access, github_actions, kubernetes, rauthy, authentik,
        }
    };
}
pub(crate) use rows;

macro_rules! table {
    ($($row:ident,)*) => {
        /// Every row.
        pub const ALL: &[&Provider] = &[$(&$row::ROW),*];
        /// The name of every row.
        pub const NAMES: &[&str] = &[$(stringify!($row)),*];
    };
}
rows!(table);

/// The row of this name.
/// The name is compared byte for byte; `None` if there is no such row. [`nearest`](crate::settings::nearest) finds what may
/// have been meant.
///
/// ```
/// use requires_auth::providers;
///
/// assert!(providers::find("keycloak").is_some());
/// assert!(providers::find("Keycloak").is_none());
/// assert_eq!(providers::NAMES.len(), providers::ALL.len());
/// ```
pub fn find(name: &str) -> Option<&'static Provider> {
    ALL.iter().copied().find(|provider| provider.name == name)
}

#[cfg(test)]
mod tests;
