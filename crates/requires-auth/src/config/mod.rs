//! The configuration file: one TOML text for every place in which a guard is made.
//!
//! The keys are those of [`settings::ALL`]. A text becomes a [`Config`], and this a guard. The
//! mistakes of both steps come at once, each with its line. An unknown key is a mistake.
//!
//! ```toml
//! # For all issuers. Each of these may be left out.
//! algorithms      = ["ES384", "RS256"]      # default: each key's own
//! leeway          = "30s"                   # at most 5m
//! profile         = "jwt"                   # or "at+jwt" (RFC 9068)
//! scope_claims    = ["scope", "realm_access.roles"]
//! implied_scopes  = { admin = "read write" }
//! max_token_bytes = 16384
//! stale           = "1h"                    # how long cached keys work after they expire
//! fetch_timeout   = "5s"                    # for one document of an issuer
//! cache           = 10000                   # accepted tokens that are remembered
//! state_file      = "keys.json"             # keeps the last good keys
//! ca              = "ca.pem"                # certificates to trust beside those of the platform
//! error_body      = "json"                  # or "problem" (RFC 9457)
//! token_from      = ["authorization", { cookie = "__Host-token" }]   # where requests have their tokens
//! cookie_origins  = "https://app.example.com"                        # whose pages may use that cookie
//! close_on_expiry = true                    # a WebSocket is closed when its token ends
//!
//! [issuers.main]                            # the name is yours
//! issuer   = "https://tenant-id.logto.app/oidc"
//! audience = "https://api.example.com"      # or a list
//!
//! [issuers.partner]
//! issuer        = "https://login.partner.example/v2.0"
//! audience      = ["api://orders", "api://stock"]
//! discovery_url = "https://internal.example/.well-known/openid-configuration"
//! # jwks_uri    = "https://login.partner.example/keys"
//! # jwks        = "partner.json"
//! algorithms    = ["RS256"]                 # for this issuer, whatever stands above
//! scope_claims  = "scp"                     # likewise
//! ```
//!
//! A setting of the whole guard stands above the first table, as what stands below a table belongs to it:
//!
//! ```
//! use requires_auth::config::Config;
//!
//! let text = r#"
//! [issuers.main]
//! issuer = "https://issuer.example"
//! audience = "https://api.example"
//! leeway = "30s"
//! "#;
//! let error = Config::parse(text, "auth.toml").unwrap_err();
//! assert!(error.to_string().contains("auth.toml:5"), "{error}");
//! ```
//!
//! - A duration is a text of a number and a unit, `"30s"`, `"5m"` or `"1h"`, or a number of seconds.
//! - A path is relative to the folder of the file.
//! - At most one of `jwks`, `jwks_uri` and `discovery_url` says where the keys of an issuer are.
//! - An earlier name of a setting is still read, with a [warning](Config::warnings) that names the new one.
//! - The sections of the gateway (`[server]`, `[[routes]]`, ...) mean nothing to a guard, and are skipped. The program
//!   that uses them reads them with the same [`Reader`]: see [`Config::load_with`].

use std::io;
use std::path::Path;

use toml::de::DeTable;

use crate::error::{ConfigError, ConfigProblem, Place};
use crate::file::RegularFile;
use crate::guard::{Builder, RequiresAuth};
use crate::settings;

mod reader;
mod places;
mod values;
mod model;
mod draft;

use draft::Draft;
pub use model::{Config, IssuerConfig};
pub use reader::{Entry, Reader};

/// How long a configuration may be. A longer file is not a configuration.
const MAX_BYTES: u64 = 1024 * 1024;

impl Config {
    /// Reads a configuration from its text. `name` is the path of the file that it stands in, or would: messages
    /// name it, and paths are relative to its folder. Nothing is opened.
    ///
    /// # Errors
    ///
    /// All mistakes in the shape at once: text that is not TOML, unknown keys, wrong types, issuers without an audience.
    pub fn parse(text: &str, name: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::parse_with(text, name, |_, _, _| ()).map(|(config, ())| config)
    }

    /// As [`parse`](Self::parse), with `sections` to read what else is in the file; see [`load_with`](Self::load_with).
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and what `sections` reports.
    pub fn parse_with<T>(
        text: &str,
        name: impl AsRef<Path>,
        sections: impl FnOnce(&mut Reader<'_>, &DeTable<'_>, &[IssuerConfig]) -> T,
    ) -> Result<(Self, T), ConfigError> {
        Draft::parse(text, name.as_ref(), sections)?.finish()
    }

    /// Reads a configuration file and builds its guard. `adjust` adds to the builder what no file can say: a clock,
    /// a way to fetch, something of [`danger`](crate::danger).
    ///
    /// # Errors
    ///
    /// All mistakes at once, those of [`parse`](Self::parse) and those of [`build`](Self::build).
    pub fn load(
        path: impl AsRef<Path>,
        adjust: impl FnOnce(Builder) -> Builder,
    ) -> Result<(Self, RequiresAuth), ConfigError> {
        Self::load_with(path, adjust, |_, _, _| ()).map(|(config, guard, ())| (config, guard))
    }

    /// As [`load`](Self::load), for a program that keeps sections of its own in the same file: the library skips them,
    /// and `sections` reads them. It gets the reader, which gives out values of the right type and notes what is wrong,
    /// the whole document, and the issuers as far as they could be read. Its mistakes come together with those of the
    /// library, in the order of the file.
    ///
    /// The names of foreign sections are fixed: `enforce`, `server`, `forward_auth`, `reverse_proxy`, `headers`, `resources`,
    /// `routes` and `tests`. Any other key that the table of settings does not have is a mistake.
    ///
    /// ```no_run
    /// use requires_auth::config::Config;
    ///
    /// let (_config, _guard, listen) = Config::load_with("auth.toml", |builder| builder, |reader, document, _issuers| {
    ///     let mut listen = None;
    ///     for section in reader.entries(document, "") {
    ///         if section.key() != "server" {
    ///             continue;
    ///         }
    ///         let Some(table) = reader.table("server", &section) else { continue };
    ///         for entry in reader.entries(table, section.path()) {
    ///             match entry.key() {
    ///                 "listen" => listen = reader.text("server", &entry),
    ///                 _ => reader.unknown("server", &entry, &["listen"]),
    ///             }
    ///         }
    ///     }
    ///     listen
    /// })?;
    /// # let _: Option<String> = listen;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), and what `sections` reports.
    pub fn load_with<T>(
        path: impl AsRef<Path>,
        adjust: impl FnOnce(Builder) -> Builder,
        sections: impl FnOnce(&mut Reader<'_>, &DeTable<'_>, &[IssuerConfig]) -> T,
    ) -> Result<(Self, RequiresAuth, T), ConfigError> {
        let path = path.as_ref();
        let text = read(path)?;
        let draft = Draft::parse(&text, path, sections)?;
        let built = adjust(draft.config.builder()).build();
        let (config, guard, other) = draft.finish_with(built)?;
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        Ok((config, guard, other))
    }

    /// Reads a configuration file as far as possible, and says what is wrong with the rest: for a program that adds
    /// settings of its own before it builds the guard. It must not use the configuration if there is any mistake.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not TOML.
    pub fn read(path: impl AsRef<Path>) -> Result<(Self, Vec<ConfigProblem>), ConfigError> {
        let path = path.as_ref();
        let draft = Draft::parse(&read(path)?, path, |_, _, _| ())?;
        Ok((draft.config, draft.problems))
    }

    /// Where a setting stands, by the path that [`ConfigProblem::path`] has: `leeway`, `issuers.main.audience`. One that
    /// the file does not set would stand in the table that is named. `None` for what is not a setting.
    pub fn place(&self, path: &str) -> Option<Place> {
        let key = path.rsplit('.').next().unwrap_or(path);
        settings::find(key)?;
        self.places.place(path)
    }
}

// Here and not beside `from_env`, since a module uses only modules above it.
impl RequiresAuth {
    /// Reads a configuration file, which [`config`](crate::config) describes.
    ///
    /// ```no_run
    /// let auth = requires_auth::RequiresAuth::from_file("auth.toml")?;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// All mistakes of the configuration at once, each with file, line, what is expected and a hint. What is wrong in a
    /// section of the gateway is none of its business.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Config::load(path, |builder| builder).map(|(_, guard)| guard)
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let text = || {
        let text = RegularFile::open(path)?.read(MAX_BYTES)?;
        String::from_utf8(text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
    };
    text().map_err(|error| {
        let hint = "give the path of a configuration file, a text in UTF-8 of at most 1 MiB";
        let problem = ConfigProblem::new("file", error.to_string(), "a readable file", hint);
        problem.at(path.to_string_lossy().into(), 0, "").into()
    })
}
