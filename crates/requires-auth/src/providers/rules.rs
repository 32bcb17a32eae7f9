//! What a row says, for the verifier without a guard.

use super::Provider;
use crate::verify::{OfTable, Rules};

impl Rules {
    /// With what the table knows of the provider of the issuer: what tells its access tokens, their shape, where their
    /// scopes are, and the other names of the issuer. A profile that is chosen afterwards wins.
    ///
    /// Issuer and audience are those of [`new`](Self::new): see [`Provider::issuer`] and [`Provider::audience_of`].
    ///
    /// ```
    /// use requires_auth::providers;
    /// use requires_auth::verify::Rules;
    ///
    /// let cognito = providers::find("cognito").ok_or("there is such a row")?;
    /// let issuer = cognito.issuer("eu-west-1_AbCdEfGhI").map_err(|wrong| wrong.hint)?;
    /// let clients = ["1example23456789"].into();
    /// let audience = cognito.audience_of(Some(&clients), &issuer).unwrap_or(clients);
    /// let rules = Rules::new(Some(&issuer), audience).with_provider(cognito);
    /// # let _ = rules;
    /// # Ok::<(), String>(())
    /// ```
    pub fn with_provider(mut self, provider: &'static Provider) -> Self {
        let mut settings = Vec::new();
        if let Some(profile) = provider.profile {
            settings.push("profile");
            self.profile = profile;
        }
        let Some(issuer) = self.issuers.first_mut() else { return self };
        issuer.marks = provider.marks;
        issuer.client_rule = provider.client_rule;
        let name = issuer.issuer.as_deref().unwrap_or_default();
        issuer.aliases = provider.aliases(name).into_iter().map(Into::into).collect();
        if !provider.scope_claims.is_empty() {
            settings.push("scope_claims");
            issuer.scope_claims = Some(provider.scope_claims.iter().map(|claim| (*claim).into()).collect());
        }
        if !provider.client_claims.is_empty() {
            settings.push("client_claims");
            issuer.client_claims = Some(provider.client_claims.iter().map(|claim| (*claim).into()).collect());
        }
        issuer.provider = Some(OfTable { name: provider.name, settings });
        self
    }
}
