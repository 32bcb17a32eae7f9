//! What can be chosen about the protected resource that a guard stands before.

use super::Builder;
use crate::error::ConfigError;
use crate::guard::RequiresAuth;
use crate::metadata::ChallengeScopes;
use crate::settings;
use crate::verify::Audience;

impl RequiresAuth {
    /// Guards a protected resource: takes tokens of `issuer` whose audience is the URL `resource`, serves the document that tells
    /// clients where to log in (RFC 9728), and points to it in its challenges. This is what an MCP server needs.
    ///
    /// The URL is that which clients are given, byte for byte, also behind a proxy.
    ///
    /// ```
    /// use requires_auth::{ErrorCode, Policy, Request, RequiresAuth};
    ///
    /// let auth = RequiresAuth::for_resource("https://tenant-id.logto.app/oidc", "https://api.example.com/mcp")?;
    ///
    /// // A client that knows the URL alone learns where to go on.
    /// let no_headers: [(&str, &str); 0] = [];
    /// let request = Request::new("POST", "/mcp", &no_headers);
    /// let denial = auth.authorize_now(&request, &Policy::default()).expect("no token needs no keys").unwrap_err();
    /// let pointer =
    ///     r#"Bearer resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp""#;
    /// assert_eq!(auth.challenge(&request, &denial).www_authenticate(), [pointer]);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration at once: see [`Builder::build`] and
    /// [`Resource::new`](crate::metadata::Resource::new).
    pub fn for_resource(issuer: &str, resource: &str) -> Result<Self, ConfigError> {
        Self::resource_builder(issuer, resource).build()
    }

    /// As [`for_resource`](Self::for_resource), with more to choose.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::resource_builder("https://tenant-id.logto.app/oidc", "https://api.example.com/mcp")
    ///     .with_base_scopes(["read:orders"])
    ///     .with_resource_name("Orders")
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn resource_builder(issuer: &str, resource: &str) -> Builder {
        Self::builder(issuer, Audience::OneOf(Vec::new())).with_resource(resource)
    }
}

impl Builder {
    /// The URL of this API as its clients are given it, byte for byte (RFC 9728). Default: none, and nothing is served.
    ///
    /// An issuer without an audience of its own takes tokens whose audience is this URL; for a bare host, with or without a slash
    /// behind it. See [`RequiresAuth::for_resource`].
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// // Entra ID does not write the URL into `aud`, so that the audience is named beside it.
    /// let auth = RequiresAuth::builder("https://issuer.example", "api://orders")
    ///     .with_resource("https://api.example.com/mcp")
    ///     .build()?;
    /// assert_eq!(auth.resource().expect("a resource").as_str(), "https://api.example.com/mcp");
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_resource(self, url: &str) -> Self {
        self.set(settings::RESOURCE, url.to_owned())
    }

    /// Lets the resource have a query. Default: no. RFC 9728 §1.2 advises against it, and many clients leave it out of the URL of
    /// the document.
    pub fn with_allow_resource_query(self, is_allowed: bool) -> Self {
        self.set(settings::ALLOW_RESOURCE_QUERY, is_allowed)
    }

    /// Scopes of the resource that every request with a token needs, beside those of its route. Default: none.
    ///
    /// Each 401 tells clients to ask for them, and the document names them, so that the first login suffices for most requests.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Policy, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example/mcp", key);
    /// let auth = RequiresAuth::resource_builder("https://issuer.example", "https://api.example/mcp")
    ///     .with_base_scopes(["read:orders"])
    /// #   .with_jwks(jwks)
    ///     .build()?;
    /// let verdict = |scope: &str| {
    ///     let token = forge.token().scope(scope).mint();
    ///     auth.verify_now(&token, &Policy::default()).expect("the keys are there")
    /// };
    /// assert!(verdict("read:orders").is_ok());
    /// assert_eq!(verdict("write:orders").unwrap_err().status(), 403);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_base_scopes<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::BASE_SCOPES, scopes.into_iter().map(Into::into).collect())
    }

    /// The scopes that the document names: the few that a client needs to begin with. Default: those of
    /// [`with_base_scopes`](Self::with_base_scopes).
    pub fn with_scopes_supported<T: Into<String>>(self, scopes: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::SCOPES_SUPPORTED, scopes.into_iter().map(Into::into).collect())
    }

    /// Which scopes the challenge of a request names that lacks one. Default: those that it needs, which are the base and those of its
    /// route, and those of the resource that its token has.
    pub fn with_challenge_scopes(self, scopes: ChallengeScopes) -> Self {
        self.set(settings::CHALLENGE_SCOPES, scopes)
    }

    /// The name of the resource for people, in its document. Default: none.
    pub fn with_resource_name(self, name: &str) -> Self {
        self.set(settings::RESOURCE_NAME, name.to_owned())
    }

    /// A page for developers, in the document. Default: none.
    pub fn with_resource_documentation(self, url: &str) -> Self {
        self.set(settings::RESOURCE_DOCUMENTATION, url.to_owned())
    }

    /// A page about how clients may use the data, in the document. Default: none.
    pub fn with_resource_policy_uri(self, url: &str) -> Self {
        self.set(settings::RESOURCE_POLICY_URI, url.to_owned())
    }

    /// The terms of service, in the document. Default: none.
    pub fn with_resource_tos_uri(self, url: &str) -> Self {
        self.set(settings::RESOURCE_TOS_URI, url.to_owned())
    }

    /// The authorization servers that the document names, the one that clients log in at first. Default: the issuers, in their order;
    /// of an issuer with a placeholder, those of its tenants that are listed.
    pub fn with_authorization_servers<T: Into<String>>(self, servers: impl IntoIterator<Item = T>) -> Self {
        self.set(settings::AUTHORIZATION_SERVERS, servers.into_iter().map(Into::into).collect())
    }

    /// Where clients find the document, if a proxy lets them reach it elsewhere than RFC 9728 §3.1 says. It is served there, too; where
    /// the proxy strips a path, [`with_public_url`](Self::with_public_url) says which. Default: the well-known place.
    pub fn with_metadata_url(self, url: &str) -> Self {
        self.set(settings::METADATA_URL, url.to_owned())
    }
}
