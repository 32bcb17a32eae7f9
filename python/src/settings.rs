//! The settings of a guard, kept so that a forked child can build its own guard.

use std::time::{Duration, SystemTime};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use requires_auth::guard::Builder;
use requires_auth::providers;
use requires_auth::settings::{
    ALL, CACHE, ERROR_BODY, INTROSPECTION, JWKS, Plain as _, SHARED_STATE, STATE_FILE, Setting, Value,
};
use requires_auth::{Audience, ConfigError, RequiresAuth};

use crate::arguments::{self, Chosen};
use crate::errors::Problem;
use crate::resolver::Resolver;

/// What `requires_auth/_guard.py` gives to `Guard._configure`.
pub(crate) struct Settings {
    guard: Vec<Chosen>,
    issuers: Vec<Issuer>,
    pub(crate) error_body: Option<Py<PyAny>>,
    pub(crate) resolver: Option<Resolver>,
    now: Option<u64>,
}

/// What is chosen for one issuer.
struct Issuer {
    /// The name of its table, if it comes from a file.
    name: Option<String>,
    chosen: Vec<Chosen>,
}

/// The settings that an issuer alone can have.
#[pyfunction]
pub(crate) fn issuer_settings() -> Vec<&'static str> {
    ALL.iter().filter(|setting| !setting.is_of_guard()).map(|setting| setting.key).collect()
}

/// The name of every provider of the table.
#[pyfunction]
pub(crate) fn provider_names() -> &'static [&'static str] {
    providers::NAMES
}

/// Every name of a setting with its current name: earlier names are still read.
#[pyfunction]
pub(crate) fn setting_names() -> Vec<(&'static str, &'static str)> {
    let names = |setting: &&'static Setting| {
        let key = setting.key;
        [key]
            .into_iter()
            .chain(setting.aliases.iter().copied())
            .map(move |name| (name, key))
            .collect::<Vec<_>>()
    };
    ALL.iter().flat_map(names).collect()
}

impl Settings {
    /// Reads arguments: those of the guard by name, and those of each issuer. What is wrong with their types is put
    /// into `problems`.
    pub(crate) fn read(
        guard: &Bound<'_, PyDict>,
        issuers: &Bound<'_, PyList>,
        now: Option<u64>,
        resolver: Option<Resolver>,
        problems: &mut Vec<Problem>,
    ) -> PyResult<Self> {
        let own_body = guard.get_item(ERROR_BODY.setting.key)?.filter(PyAnyMethods::is_callable);
        let of_guard = ALL.iter().copied().filter(|setting| setting.is_of_guard());
        let of_guard = of_guard.filter(|setting| own_body.is_none() || *setting != ERROR_BODY.setting);
        let guard = arguments::read(guard, of_guard, problems)?;
        let mut read = Vec::new();
        for issuer in issuers {
            let issuer = issuer.cast_into::<PyDict>()?;
            let of_issuer = ALL.iter().copied().filter(|setting| setting.is_of_issuer());
            let chosen = arguments::read(&issuer, of_issuer, problems)?;
            let name = issuer.get_item("_name")?.and_then(|name| name.extract().ok());
            read.push(Issuer { name, chosen });
        }
        Ok(Self { guard, issuers: read, error_body: own_body.map(Bound::unbind), resolver, now })
    }

    /// Whether keys may have to be fetched, or issuers asked about tokens.
    pub(crate) fn is_remote(&self) -> bool {
        self.resolver.is_some()
            || value(&self.guard, SHARED_STATE.setting).is_some()
            || self.issuers.iter().any(|issuer| {
                let has = |setting| value(&issuer.chosen, setting).is_some();
                !has(JWKS.setting) || has(INTROSPECTION.setting)
            })
    }

    /// Whether there may be keys to refresh before any was fetched.
    pub(crate) fn needs_timer(&self) -> bool {
        self.is_remote() && value(&self.guard, STATE_FILE.setting).is_some()
    }

    /// How many tokens are remembered.
    pub(crate) fn cache(&self) -> usize {
        let default = || CACHE.setting.default().and_then(|text| text.parse().ok());
        value(&self.guard, CACHE.setting).and_then(usize::from_value).or_else(default).unwrap_or_default()
    }

    /// Builds a guard.
    ///
    /// # Errors
    ///
    /// All mistakes at once.
    pub(crate) fn build(&self) -> Result<RequiresAuth, ConfigError> {
        let mut builder = self.with_issuers();
        if let Some(now) = self.now {
            builder = builder.with_clock(move || SystemTime::UNIX_EPOCH + Duration::from_secs(now));
        }
        let choose =
            |builder: Builder, (setting, value): &Chosen| builder.with_setting(setting, value.clone());
        self.guard.iter().fold(builder, choose).build()
    }

    fn with_issuers(&self) -> Builder {
        let nobody = || Audience::OneOf(Vec::new());
        let mut builder = match &self.resolver {
            Some(resolver) if self.issuers.is_empty() => return RequiresAuth::resolving(resolver.clone()),
            Some(resolver) => RequiresAuth::builder("", nobody()).with_resolver(resolver.clone()),
            None => RequiresAuth::builder("", nobody()),
        };
        for (place, issuer) in self.issuers.iter().enumerate() {
            if place > 0 {
                builder = builder.with_issuer("", nobody());
            }
            if let Some(name) = &issuer.name {
                builder = builder.with_issuer_name(name);
            }
            let choose = |builder: Builder, (setting, value): &Chosen| {
                builder.with_issuer_setting(setting, value.clone())
            };
            builder = issuer.chosen.iter().fold(builder, choose);
        }
        builder
    }
}

fn value<'c>(chosen: &'c [Chosen], setting: &Setting) -> Option<&'c Value> {
    chosen.iter().find(|(own, _)| *own == setting).map(|(_, value)| value)
}
