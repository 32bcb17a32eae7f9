//! The configuration file: one TOML text for every place in which a guard is made.
//!
//! Three steps, each with a type: the text with its lines, a [`Config`], a guard. Mistakes of all three come at
//! once, each with its line, and a key that nobody knows is a mistake.
//!
//! ```toml
//! # For all issuers. Each of these may be left out.
//! algorithms      = ["ES384", "RS256"]      # default: each key's own
//! leeway          = "30s"                   # at most 5m
//! profile         = "jwt"                   # or "at+jwt" (RFC 9068)
//! scopes_from     = ["scope", "realm_access.roles"]
//! implied_scopes  = { admin = "read write" }
//! max_token_bytes = 16384
//! stale           = "1h"                    # how long keys outlive an outage of the issuer
//! cache           = 10000                   # accepted tokens that are remembered
//! state_file      = "keys.json"             # keeps the last good keys
//! ca              = "ca.pem"                # certificates to trust beside those of the platform
//! error_body      = "json"                  # or "problem" (RFC 9457)
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
//! scopes_from   = "scp"                     # likewise
//! ```
//!
//! - A duration is a text of a number and a unit, `"30s"`, `"5m"` or `"1h"`, or a number of seconds.
//! - A path is relative to the folder of the file.
//! - At most one of `jwks`, `jwks_uri` and `discovery_url` says where the keys of an issuer are.
//! - One file serves all: the sections of the [`gateway`] are checked here too, and mean nothing to a guard.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{ConfigError, ConfigProblem};
use crate::file::RegularFile;
use crate::guard::{Builder, RequiresAuth};
use crate::verify::{Algorithm, Profile};

mod nearest;
mod reader;
pub mod gateway;
mod schema;
mod build;

use gateway::GatewayConfig;
use reader::Places;
use schema::Draft;

/// How long a configuration may be. A longer file is no configuration.
const MAX_BYTES: u64 = 1024 * 1024;

/// The settings of a configuration file. `None` leaves the choice to the [`Builder`].
///
/// Its shape is right: every key is known, every value of its type. Whether the values can work (an https URL, an
/// allowed algorithm) shows in [`build`](Self::build).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Whose tokens to take, in the order of the file; at least one.
    pub issuers: Vec<IssuerConfig>,
    /// Only these algorithms, for issuers that have no list of their own.
    pub algorithms: Option<Vec<Algorithm>>,
    /// How far the clocks of this server and of the issuers may differ.
    pub leeway: Option<Duration>,
    /// Which shape of token is an access token.
    pub profile: Option<Profile>,
    /// `scopes_from`: the claims that hold scopes, by dotted path, for issuers that name none of their own.
    pub scope_claims: Option<Vec<String>>,
    /// Scopes that include others, each with these, separated by spaces.
    pub implied_scopes: Vec<(String, String)>,
    /// How long a token may be, in bytes.
    pub max_token_bytes: Option<usize>,
    /// For how long past their life keys still serve while they cannot be fetched.
    pub stale: Option<Duration>,
    /// `cache`: how many accepted tokens are remembered.
    pub cache_entries: Option<usize>,
    /// A file that keeps the last good key sets.
    pub state_file: Option<PathBuf>,
    /// A file of certificates to trust beside those of the platform, in PEM.
    pub ca: Option<PathBuf>,
    /// What the bodies of refusals look like.
    pub error_body: Option<ErrorBody>,
    /// What only the gateway reads.
    pub gateway: GatewayConfig,
    places: Places,
}

/// One issuer of a configuration file: a table `[issuers.NAME]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IssuerConfig {
    /// The name that the file gives it. Tokens do not know it.
    pub name: String,
    /// Compared byte for byte with `iss`.
    pub issuer: String,
    /// For which API tokens must be: one of these, byte for byte.
    pub audience: Vec<String>,
    /// The file of its key set, if that is not to be fetched.
    pub jwks: Option<PathBuf>,
    /// Where its key set is, if nothing is to be discovered.
    pub jwks_uri: Option<String>,
    /// Where its metadata are, if this server reaches it by another name than tokens do.
    pub discovery_url: Option<String>,
    /// Only these algorithms, whatever the file says for all issuers.
    pub algorithms: Option<Vec<Algorithm>>,
    /// `scopes_from`: the claims that hold scopes, by dotted path, whatever the file says for all issuers.
    pub scope_claims: Option<Vec<String>>,
}

/// What a configuration file can choose for the bodies of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorBody {
    /// `json`: [`BodyFormat::Json`](crate::challenge::BodyFormat::Json).
    Json,
    /// `problem`: [`BodyFormat::ProblemDetails`](crate::challenge::BodyFormat::ProblemDetails).
    Problem,
}

impl Config {
    /// Reads a configuration from its text. `name` is the path of the file that it stands in, or would: messages
    /// name it, and paths are relative to its folder. Nothing is opened.
    ///
    /// # Errors
    ///
    /// All mistakes in the shape at once: what is no TOML, unknown keys, wrong types, issuers without an audience.
    pub fn parse(text: &str, name: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Draft::parse(text, name.as_ref())?.finish()
    }

    /// Reads a configuration file and builds its guard. `adjust` adds to the builder what no file can say: a clock,
    /// a way to fetch, something of [`danger`](crate::danger). It is called more than once.
    ///
    /// # Errors
    ///
    /// All mistakes at once, those of [`parse`](Self::parse) and those of [`build`](Self::build).
    pub fn load(
        path: impl AsRef<Path>,
        adjust: impl Fn(Builder) -> Builder,
    ) -> Result<(Self, RequiresAuth), ConfigError> {
        let path = path.as_ref();
        let text = read(path).map_err(|error| {
            let hint = "give the path of a configuration file, a text in UTF-8 of at most 1 MiB";
            let problem = ConfigProblem::new("file", error.to_string(), "a readable file", hint);
            problem.at(path.to_string_lossy().into(), 0, "")
        })?;
        let mut draft = Draft::parse(&text, path)?;
        let (files, found) = draft.config.tried(&adjust);
        draft.add(found);
        let config = draft.finish()?;
        let guard = adjust(config.builder(&files)).build()?;
        Ok((config, guard))
    }

    /// Builds the guard. Reads the files of `jwks`, `ca` and `state_file`.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its line: those of [`Builder::build`], and files that cannot be read.
    pub fn build(&self) -> Result<RequiresAuth, ConfigError> {
        self.build_with(|builder| builder)
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
    /// All mistakes of the configuration at once, each with file, line, what is expected and a hint.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Config::load(path, |builder| builder).map(|(_, guard)| guard)
    }
}

fn read(path: &Path) -> io::Result<String> {
    let text = RegularFile::open(path)?.read(MAX_BYTES)?;
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}
