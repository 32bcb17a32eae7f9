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

use crate::credential::TokenPlace;
use crate::error::Reason;
use crate::verify::{Audience, ClientRule, Marks, Profile};

mod form;
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
mod zitadel;

pub use form::{Form, IssuerRule, Shape, WrongIssuer};
pub use recognised::{Recognised, recognise, recognise_metadata};

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Provider {
    /// Its name in settings, and that of its page and its vectors: `logto`.
    pub name: &'static str,
    /// Its name for people: `Logto`.
    pub title: &'static str,
    /// What its issuers look like.
    pub form: Form,
    /// What the audience of an API is called there, for messages and for `config init`.
    pub audience: &'static str,
    /// What an audience that is given as a name is compared with.
    pub audience_rule: AudienceRule,
    /// Where its keys are, if nothing is to be discovered; `{}` is the short name of the issuer.
    pub jwks_uri: Option<&'static str>,
    /// Which shape its access tokens have; `None` is that of the guard.
    pub profile: Option<Profile>,
    /// The only algorithms that it signs with; none listed leaves it to its keys.
    pub algorithms: &'static [&'static str],
    /// The claims that hold scopes; none listed are those of the guard.
    pub scope_claims: &'static [&'static str],
    /// Where requests have its tokens; none listed are the places of the guard.
    pub token_from: &'static [Place],
    /// The claims that name the client; none listed are those of the guard.
    pub client_claims: &'static [&'static str],
    /// How its tokens for clients are told from those for users.
    pub(crate) client_rule: ClientRule,
    /// Claims that must equal the tenant in the issuer, where tokens of several tenants are taken.
    pub tenant_claims: &'static [&'static str],
    /// Whether its tokens can have scopes at all.
    pub has_scopes: bool,
    /// What tells its access tokens from everything else that it signs.
    pub marks: Marks,
    /// When its access tokens are opaque, in a sentence that says what to do; `None` if they never are.
    pub opaque: Option<&'static str>,
    /// What everybody should know who takes its tokens, in whole sentences.
    pub warnings: &'static [&'static str],
    /// What to do about a refusal.
    pub hints: &'static [(Reason, &'static str)],
}

/// What an audience that is given as a name is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the builder has to know each")]
pub enum AudienceRule {
    /// `aud`, as in most tokens.
    Aud,
    /// Another claim, in tokens without `aud`.
    Claim(&'static str),
    /// `aud`, which is this text where no audience is given; `{}` is the short name of the issuer.
    Default(&'static str),
}

/// Where requests have the tokens of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the builder has to know each")]
pub enum Place {
    /// A header that has the bare token.
    Header(&'static str),
}

impl Provider {
    /// A row in which everything is left to the settings of the guard.
    const PLAIN: Self = Self {
        name: "",
        title: "",
        form: Form::PLAIN,
        audience: "the identifier of this API",
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
    pub fn token_places(&self) -> Option<Vec<TokenPlace>> {
        let place = |Place::Header(name): &Place| TokenPlace::header(name).ok();
        let places: Vec<_> = self.token_from.iter().filter_map(place).collect();
        (!places.is_empty()).then_some(places)
    }

    /// The audience that stands for what is given; `None` if that stands for itself.
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
            cloudflare_access, github_actions, kubernetes, rauthy, authentik,
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
pub fn find(name: &str) -> Option<&'static Provider> {
    ALL.iter().copied().find(|provider| provider.name == name)
}

#[cfg(test)]
mod tests;
