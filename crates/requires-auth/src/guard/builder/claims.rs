//! Where a token has its scopes and its client, and which scopes include others.

use super::Builder;
use crate::settings;

impl Builder {
    /// The claims that hold scopes, by dotted path; all that are there count together. Default: `scope`, else `scp`.
    ///
    /// For Auth0's permissions: `["scope", "permissions"]`; for Keycloak's roles: `["scope", "realm_access.roles"]`.
    ///
    /// Claims that are not listed do not count, `scope` included. Only list claims that the issuer fills: one that users can
    /// edit in their profile would let them grant themselves every scope.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_scope_claims(["scope", "realm_access.roles"])
    ///     .with_jwks(jwks)
    ///     .build()?;
    /// let roles = serde_json::json!({ "roles": ["buyer", "auditor"] });
    /// let token = forge.token().scope("read:orders").claim("realm_access", roles).mint();
    /// // Roles and scopes stand side by side in a policy.
    /// let policy = Policy::all_of(["read:orders", "auditor"]);
    /// assert!(auth.verify_now(&token, &policy).expect("the keys are there").is_ok());
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_scope_claims<T: Into<String>>(self, paths: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::SCOPE_CLAIMS, paths.into_iter().map(Into::into).collect())
    }

    /// The claims that hold scopes in tokens of the issuer named last, by dotted path, whatever
    /// [`with_scope_claims`](Self::with_scope_claims) says for all. Default: what holds for all.
    pub fn with_issuer_scope_claims<T: Into<String>>(self, paths: impl IntoIterator<Item = T>) -> Self {
        self.set_for_issuer(settings::SCOPE_CLAIMS, paths.into_iter().map(Into::into).collect())
    }

    /// The claims that name the client, by dotted path; the first that is there counts. Default: `client_id`, else `azp`,
    /// `cid` or `appid`. See [`AccessToken::client_id`](crate::AccessToken::client_id).
    /// A claim that is there and is not a text refuses the token with `claim_malformed`.
    pub fn with_client_claims<T: Into<String>>(self, paths: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::CLIENT_CLAIMS, paths.into_iter().map(Into::into).collect())
    }

    /// The claims that name the client in tokens of the issuer named last, whatever
    /// [`with_client_claims`](Self::with_client_claims) says for all. Default: what holds for all.
    pub fn with_issuer_client_claims<T: Into<String>>(self, paths: impl IntoIterator<Item = T>) -> Self {
        self.set_for_issuer(settings::CLIENT_CLAIMS, paths.into_iter().map(Into::into).collect())
    }

    /// A scope that includes others, space-separated: `("admin", "read write")`. Repeatable. Default: none does.
    ///
    /// What is implied may imply more. A circle, such as two scopes that imply each other, is a mistake that
    /// [`build`](Self::build) reports.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// # use requires_auth::{Policy, RequiresAuth};
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example")
    ///     .with_implied_scopes("admin", "write:orders")
    ///     .with_implied_scopes("write:orders", "read:orders")
    ///     .with_jwks(jwks)
    ///     .build()?;
    /// let token = forge.token().scope("admin").mint();
    /// let token = auth.verify_now(&token, &Policy::all_of(["read:orders"])).expect("the keys are there")?;
    /// assert_eq!(token.scopes().collect::<Vec<_>>(), ["admin", "write:orders", "read:orders"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_implied_scopes(self, scope: &str, implied: &str) -> Self {
        let mut all = self.given.get(settings::IMPLIED_SCOPES).unwrap_or_default();
        all.push((scope.to_owned(), implied.to_owned()));
        self.set(settings::IMPLIED_SCOPES, all)
    }
}
