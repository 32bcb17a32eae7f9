//! Issuers that are not configured by name.

use std::path::PathBuf;
use std::sync::Arc;

use super::Builder;
use crate::guard::resolver::ResolveIssuer;
use crate::settings;

impl Builder {
    /// The tenants of the issuer named last, whose name has a placeholder: what stands in its place, byte for byte.
    ///
    /// Metadata and keys of a tenant are fetched when the first of its tokens comes. All tenants have the settings of the
    /// pattern, and [`AccessToken::tenant`](crate::AccessToken::tenant) tells them apart.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let entra = "https://login.microsoftonline.com/{tenant}/v2.0";
    /// let auth = RequiresAuth::builder(entra, "0f8f6d1e-ffff-4f00-8000-000000000000")
    ///     .with_tenants(["9188040d-6c67-4c5b-b112-36a304b66dad"])
    ///     .build()?;
    /// # let _ = auth;
    /// // Without tenants the placeholder is a mistake: no token has such an issuer.
    /// assert!(RequiresAuth::new(entra, "0f8f6d1e-ffff-4f00-8000-000000000000").is_err());
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    /// The placeholder stands for one whole segment of the path, or one whole label of the host, of 1 to 64 letters, digits and
    /// hyphens. There is one at most. Only tokens of the tenants that are listed pass; a list is required where the placeholder
    /// is in the host, since whoever has a name below that host could be a tenant otherwise. For every tenant of the provider
    /// there is [`danger::any_tenant`](crate::danger::any_tenant).
    pub fn with_tenants<T: Into<String>>(self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.set_for_issuer(settings::TENANTS, tenants.into_iter().map(Into::into).collect())
    }

    /// Claims of a token that must equal the tenant in its issuer, for the issuer named last. Default: none, and at Entra ID,
    /// whose keys say that they are for many tenants, `tid`.
    /// A claim that is missing, or is not a text, refuses the token with `claim_missing` or `claim_malformed`; another tenant
    /// refuses it with `issuer_mismatch`. For providers that sign for all their tenants with the same keys.
    pub fn with_tenant_claims<T: Into<String>>(self, claims: impl IntoIterator<Item = T>) -> Self {
        self.set_for_issuer(settings::TENANT_CLAIMS, claims.into_iter().map(Into::into).collect())
    }

    /// Asks this about issuers that are not configured and fit no pattern: see [`ResolveIssuer`].
    /// Issuers that are configured by name, and tenants of a pattern, are found first and never asked about. A second call
    /// replaces the first.
    pub fn with_resolver(mut self, resolver: impl ResolveIssuer) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// A file with a Bearer token for the metadata and the keys of the issuer named last, where they are not public.
    ///
    /// The API server of Kubernetes wants the token of the pod's own service account. The file is read at each fetch, as its
    /// token is renewed there. It is sent to the origin of the issuer and to that of [`with_jwks_uri`](Self::with_jwks_uri)
    /// alone, and never after a redirect.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::builder("https://kubernetes.default.svc.cluster.local", "orders")
    ///     .with_jwks_uri("https://kubernetes.default.svc/openid/v1/jwks")
    ///     .with_fetch_token_file("/var/run/secrets/kubernetes.io/serviceaccount/token")
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_fetch_token_file(self, path: impl Into<PathBuf>) -> Self {
        self.set_for_issuer(settings::FETCH_TOKEN_FILE, path.into())
    }

    pub(crate) fn any_tenant(self) -> Self {
        self.set_for_issuer(settings::DANGEROUSLY_ANY_TENANT, true)
    }
}
