//! Several resources on one server, each with a guard of its own, and one set of keys for all of them.

use super::Builder;
#[cfg(feature = "config")]
use super::Origin;
use crate::error::ConfigError;
use crate::guard::RequiresAuth;
use crate::providers;
use crate::settings::{self, Setting};
use crate::verify::Audience;

/// What is said of one resource alone.
const OF_ONE: [&Setting; 8] = [
    settings::BASE_SCOPES.setting,
    settings::SCOPES_SUPPORTED.setting,
    settings::RESOURCE_NAME.setting,
    settings::RESOURCE_DOCUMENTATION.setting,
    settings::RESOURCE_POLICY_URI.setting,
    settings::RESOURCE_TOS_URI.setting,
    settings::METADATA_URL.setting,
    settings::PUBLIC_URL.setting,
];

impl RequiresAuth {
    /// A guard for another resource of this server: with the same issuers and settings, and another audience.
    ///
    /// The two share the keys of the issuers, so that they are fetched once. They share no token: each remembers its own, and a token
    /// for one resource is 401 at the other. What is said of this resource alone is not said of the other: base scopes, name, links,
    /// the place of the document. Where a server has several resources, none has the root of the server for its document.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Policy, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example/a/mcp", key);
    /// let orders = RequiresAuth::resource_builder("https://issuer.example", "https://api.example/a/mcp")
    /// #   .with_jwks(jwks)
    ///     .with_base_scopes(["read:orders"])
    ///     .build()?;
    /// let stock = orders.for_other_resource("https://api.example/b/mcp")?;
    ///
    /// let token = forge.token().scope("read:orders").mint();
    /// let passes = |auth: &RequiresAuth| auth.verify_now(&token, &Policy::default()).expect("the keys are there").is_ok();
    /// assert!(passes(&orders) && !passes(&stock));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All mistakes at once, as [`Builder::build`]: the URL cannot be that of a resource.
    pub fn for_other_resource(&self, url: &str) -> Result<Self, ConfigError> {
        self.other_resource_builder(url).build()
    }

    /// As [`for_other_resource`](Self::for_other_resource), with more to choose. An issuer that is chosen anew has its own keys.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let orders = RequiresAuth::for_resource("https://issuer.example", "https://api.example/a/mcp")?;
    /// let stock = orders
    ///     .other_resource_builder("https://api.example/b/mcp")
    ///     .with_base_scopes(["read:stock"])
    ///     .build()?;
    /// # let _ = stock;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn other_resource_builder(&self, url: &str) -> Builder {
        let mut builder = self.inner.recipe.clone();
        for setting in OF_ONE {
            builder.given.forget(setting);
        }
        for issuer in &mut builder.issuers {
            // The audience of one resource is not that of the other, whatever it is called.
            if !matches!(issuer.audience, Some(Audience::Any | Audience::Absent)) {
                issuer.audience = None;
                issuer.given.forget(settings::AUDIENCE.setting);
            }
        }
        builder.shares_keys = true;
        builder.with_keys_of(self).with_resource(url)
    }
}

impl Builder {
    /// The audience of every issuer that has none of its own, and whose tokens have an `aud`. Default: the
    /// [resource](Self::with_resource), if there is one; else an issuer without an audience is a mistake.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::config::Config;
    ///
    /// // What the file does not say is said in code.
    /// let text = "[issuers.main]\nissuer = \"https://issuer.example\"\n[[resources]]\nresource = \"https://api.example/mcp\"";
    /// let config = Config::parse(text, "auth.toml")?;
    /// assert!(config.build().is_err());
    /// config.build_with(|builder| builder.with_default_audience(["https://api.example/mcp"]))?;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_default_audience<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        for issuer in self.issuers.iter_mut().filter(|issuer| issuer.may_take_audience()) {
            issuer.given.set(settings::AUDIENCE, Audience::OneOf(names.clone()));
        }
        self
    }

    /// Lets the issuers whose tokens have no `aud` keep what a guard tells by another claim: whom their tokens are for
    /// ([`Audience::Claim`]), as at Amazon Cognito.
    ///
    /// [`other_resource_builder`](RequiresAuth::other_resource_builder) leaves that out, as such a claim says nothing of a resource:
    /// of two resources of which both keep it, each takes the tokens of the other. So let one resource alone keep it.
    ///
    /// ```
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use requires_auth::{Audience, Policy, RequiresAuth};
    ///
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "", key);
    /// let clients = Audience::claim("client_id", ["5d3kq0v1"]);
    /// let api = RequiresAuth::builder("https://issuer.example", clients)
    /// #   .with_jwks(jwks)
    ///     .build()?;
    /// let stock = api.other_resource_builder("https://api.example.com/mcp");
    ///
    /// let token = forge.token().client_id("5d3kq0v1").without_claim("aud").mint();
    /// let passes = |auth: &RequiresAuth| auth.verify_now(&token, &Policy::default()).expect("the keys are there").is_ok();
    /// assert!(passes(&api));
    /// assert!(!passes(&stock.clone().build()?));
    /// assert!(passes(&stock.with_audience_claims_of(&api).build()?));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_audience_claims_of(mut self, guard: &RequiresAuth) -> Self {
        for issuer in &mut self.issuers {
            let mut known = guard.inner.recipe.issuers.iter();
            let own = known.find(|own| own.issuer() == issuer.issuer());
            let Some(own) = own else { continue };
            let provider = own.given.get(settings::PROVIDER).and_then(providers::find);
            let given = own.given.get(settings::AUDIENCE);
            let rule = provider.and_then(|provider| provider.audience_of(given.as_ref(), &own.issuer()));
            if let (Some(Audience::Claim { .. }), Some(given)) = (rule.as_ref().or(given.as_ref()), &given) {
                issuer.given.set(settings::AUDIENCE, given.clone());
            }
            if let Some(claim @ Audience::Claim { .. }) = &own.audience {
                issuer.audience = Some(claim.clone());
            }
        }
        self
    }

    /// Keeps the issuers of a file that have these names, in this order, and forgets all others. A name that no issuer has
    /// is passed over; a guard that has none left takes no token.
    ///
    /// ```
    /// use requires_auth::config::Config;
    ///
    /// let text = r#"
    ///     [issuers.main]
    ///     issuer = "https://issuer.example"
    ///     audience = "https://api.example"
    ///     [issuers.partner]
    ///     issuer = "https://partner.example"
    ///     audience = "https://api.example"
    /// "#;
    /// let auth = Config::parse(text, "auth.toml")?.build_with(|builder| builder.with_issuers_of_tables(&["partner"]))?;
    /// assert_eq!(auth.health().issuers().len(), 1);
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    #[cfg(feature = "config")]
    pub fn with_issuers_of_tables<T: AsRef<str>>(mut self, names: &[T]) -> Self {
        let all = std::mem::take(&mut self.issuers);
        let of_table = |name: &T| {
            all.iter().find(|issuer| matches!(&issuer.origin, Origin::File(own) if own == name.as_ref()))
        };
        self.issuers = names.iter().filter_map(of_table).cloned().collect();
        self
    }
}
