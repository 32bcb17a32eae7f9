//! Constructors by the name of a provider, made of the table.

use super::{Builder, RequiresAuth};
use crate::error::ConfigError;
use crate::providers::rows;
use crate::verify::Audience;

macro_rules! constructors {
    ($($row:ident,)*) => {
        /// Guards for the providers of the [table](crate::providers), each with what is known of its tokens. The issuer is a
        /// short name, such as a tenant, or the whole URL; the page `docs/providers` of a provider says which.
        impl RequiresAuth {
            $(
                #[doc = concat!(
                    "As [`new`](Self::new), for the provider `", stringify!($row), "` of the [table](crate::providers)."
                )]
                ///
                /// # Errors
                ///
                /// All mistakes of the configuration at once, such as an issuer that no token of the provider has.
                pub fn $row(issuer: &str, audience: impl Into<Audience>) -> Result<Self, ConfigError> {
                    Self::for_provider(stringify!($row), issuer, audience).build()
                }
            )*
        }
    };
}
rows!(constructors);

impl RequiresAuth {
    /// As [`builder`](Self::builder), for a provider of the [table](crate::providers).
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    ///
    /// let auth = RequiresAuth::logto("acme", "https://api.example.com")?;
    /// // The same, with more to choose.
    /// let auth = RequiresAuth::for_provider("logto", "acme", "https://api.example.com").with_cache(0).build()?;
    /// assert_eq!(auth.health().issuers()[0].issuer(), "https://acme.logto.app/oidc");
    ///
    /// // What no token of the provider has is a mistake.
    /// assert!(RequiresAuth::auth0("https://login.example.com", "https://api.example.com").is_err());
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn for_provider(name: &str, issuer: &str, audience: impl Into<Audience>) -> Builder {
        Self::builder(issuer, audience).with_provider(name)
    }
}
