//! The extension module `requires_auth._core`: the Rust guard for Python.
//!
//! It decides nothing: a Python request becomes a [`requires_auth::Request`], and what the guard says becomes Python
//! objects. Arguments are put in order in `requires_auth/_guard.py`, before they come here.
//!
//! - The interpreter lock is released around cryptography and IO, and kept for a token that is remembered.
//! - Every class is frozen, so that free-threaded builds need no lock of ours.
//! - A forked child gets a guard and a runtime of its own ([`runtime`]).

use pyo3::prelude::*;

mod json;
mod runtime;
mod errors;
mod headers;
mod request_path;
mod request;
mod policy;
mod token;
mod outcome;
mod report;
mod arguments;
mod resolver;
mod settings;
mod config;
mod asked;
mod metadata;
mod live;
mod lock_hint;
mod proven;
mod explained;
mod guard;
mod mcp;
mod revocations;
mod log;
mod names;
mod testing;

/// The Rust guard for Python. Import names from `requires_auth`, and for tests from `requires_auth.testing`.
#[pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::config::{ConfigFile, read_config, read_environment};
    #[pymodule_export]
    use super::errors::{error_codes, reasons};
    #[pymodule_export]
    use super::guard::Guard;
    #[pymodule_export]
    use super::mcp::McpScopes;
    #[pymodule_export]
    use super::metadata::MetadataAnswer;
    #[pymodule_export]
    use super::names::nearest;
    #[pymodule_export]
    use super::outcome::{Admission, Refusal};
    #[pymodule_export]
    use super::policy::Policy;
    #[pymodule_export]
    use super::revocations::{revocations, revoke, revoke_token};
    #[pymodule_export]
    use super::settings::{issuer_settings, provider_names, setting_names};
    #[pymodule_export]
    use super::testing::{TestClientKey, TestIssuer};
    #[pymodule_export]
    use super::token::AccessToken;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::runtime::watch_forks(module.py())?;
        super::log::install();
        Ok(())
    }
}
