//! What a configuration file says, once it is read.

use super::reader::Places;
use crate::credential::TokenPlace;
use crate::error::{ConfigError, ConfigProblem};
use crate::guard::{Builder, RequiresAuth};
use crate::providers::{self, Provider};
use crate::settings::{self, AUDIENCE, Given, ISSUER, Key, Plain, Setting, TOKEN_FROM, Value};
use crate::verify::Audience;

/// The settings of a configuration file. What it does not set has the default of [`settings`](crate::settings).
///
/// Its shape is right: every key is known, every value of its type. Whether the values can work (an https URL, an
/// allowed algorithm) shows in [`build`](Self::build).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Whose tokens to take, in the order of the file; at least one.
    pub issuers: Vec<IssuerConfig>,
    pub(super) given: Given,
    pub(super) places: Places,
    pub(super) warnings: Vec<String>,
}

/// One issuer of a configuration file: a table `[issuers.NAME]`.
#[derive(Clone, Debug)]
pub struct IssuerConfig {
    pub(super) name: String,
    pub(super) given: Given,
}

impl Config {
    /// A builder with all the settings of the file.
    pub(super) fn builder(&self) -> Builder {
        let issuers = self.issuers.iter().map(|issuer| (issuer.name.clone(), issuer.given.clone()));
        Builder::without_issuers().with_settings_of_file(&self.given, issuers)
    }

    /// The mistakes that a builder has found, each with its place in the file.
    pub(super) fn located(&self, error: &ConfigError) -> ConfigError {
        let locate = |problem: &ConfigProblem| {
            let is_setting = settings::find(problem.field()).is_some();
            let path = problem.path().to_owned();
            if is_setting { self.places.locate(problem.clone(), &path) } else { problem.clone() }
        };
        ConfigError::of(error.problems().iter().map(locate).collect())
    }

    /// Builds the guard. Reads the files of `jwks`, `ca` and `state_file`.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its line: those of [`Builder::build`], and files that cannot be read.
    pub fn build(&self) -> Result<RequiresAuth, ConfigError> {
        self.build_with(|builder| builder)
    }

    /// As [`build`](Self::build). `adjust` adds to the builder what no file can say, for the guard as a whole.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn build_with(&self, adjust: impl FnOnce(Builder) -> Builder) -> Result<RequiresAuth, ConfigError> {
        adjust(self.builder()).build().map_err(|error| self.located(&error))
    }

    /// The value of a setting for all issuers; `None` if the file does not set it.
    ///
    /// ```
    /// use requires_auth::config::Config;
    /// use requires_auth::settings::LEEWAY;
    ///
    /// let text = "leeway = 10\n[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example.com\"";
    /// let config = Config::parse(text, "auth.toml")?;
    /// assert_eq!(config.get(LEEWAY), Some(std::time::Duration::from_secs(10)));
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn get<T: Plain>(&self, key: Key<T>) -> Option<T> {
        self.given.get(key)
    }

    /// Sets the value of a setting for all issuers, or with `None` leaves it to its default.
    pub fn set<T: Plain>(&mut self, key: Key<T>, value: Option<T>) {
        self.given.choose(key, value);
    }

    /// Every setting for all issuers that the file sets, with its value.
    pub fn values(&self) -> impl Iterator<Item = (&'static Setting, &Value)> {
        self.given.iter()
    }

    /// Where requests may have their tokens: the places of all issuers, none twice.
    pub fn token_places(&self) -> Vec<TokenPlace> {
        let mut all = Vec::new();
        for place in self.issuers.iter().flat_map(|issuer| self.token_places_of(issuer)) {
            if !all.contains(&place) {
                all.push(place);
            }
        }
        all
    }

    /// Where requests may have tokens of one issuer.
    pub fn token_places_of(&self, issuer: &IssuerConfig) -> Vec<TokenPlace> {
        let of_provider = || issuer.provider().and_then(Provider::token_places);
        let chosen = issuer.get(TOKEN_FROM).or_else(|| self.get(TOKEN_FROM)).or_else(of_provider);
        chosen.unwrap_or_else(|| vec![TokenPlace::authorization()])
    }

    /// What still works and should be written in another way, one sentence each, with its line.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl IssuerConfig {
    /// The name that the file gives it. Tokens do not know it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compared byte for byte with `iss`. A short name of a provider's issuer is written out.
    pub fn issuer(&self) -> String {
        let given = self.given.get(ISSUER).unwrap_or_default();
        let Some(provider) = self.provider() else { return given };
        let has_tenants =
            self.given.get(settings::TENANTS).is_some() || self.given.is_on(settings::DANGEROUSLY_ANY_TENANT);
        if given.is_empty() && has_tenants {
            return provider.pattern().unwrap_or_default();
        }
        provider.issuer(&given).unwrap_or(given)
    }

    /// Every name that the issuer has in `iss`: its own, and others that its provider gives it.
    pub fn names(&self) -> Vec<String> {
        let issuer = self.issuer();
        let others = self.provider().map(|provider| provider.aliases(&issuer)).unwrap_or_default();
        [issuer].into_iter().chain(others).collect()
    }

    /// Its row in the table of providers, if it names one.
    pub fn provider(&self) -> Option<&'static Provider> {
        self.given.get(settings::PROVIDER).and_then(providers::find)
    }

    /// Whom tokens must be meant for, with what the table of providers says where that decides it.
    pub fn audience_rule(&self) -> Option<Audience> {
        let given = self.given.get(AUDIENCE);
        self.provider().and_then(|provider| provider.audience_of(given.as_ref(), &self.issuer())).or(given)
    }

    /// For which API tokens must be: one of these, byte for byte. Empty where a rule takes their place, which
    /// [`get`](Self::get) has.
    pub fn audience(&self) -> Vec<String> {
        self.given.get(AUDIENCE).map(|audience| audience.names().to_vec()).unwrap_or_default()
    }

    /// The value of one of its own settings; `None` if its table does not set it.
    pub fn get<T: Plain>(&self, key: Key<T>) -> Option<T> {
        self.given.get(key)
    }

    /// Sets the value of one of its own settings, or with `None` leaves it to its default.
    pub fn set<T: Plain>(&mut self, key: Key<T>, value: Option<T>) {
        self.given.choose(key, value);
    }

    /// Every setting that its table has, with its value.
    pub fn values(&self) -> impl Iterator<Item = (&'static Setting, &Value)> {
        self.given.iter()
    }
}
