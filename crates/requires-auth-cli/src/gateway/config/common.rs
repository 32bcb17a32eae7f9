//! What several sections have in common.

use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::settings::{nearest, shown_key, shown_value};

/// Whether refusals are only logged: `enforce`.
pub(super) fn shadow(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> bool {
    let choices = [("on", false), ("shadow", true)];
    reader.one_of(field, entry, "\"on\" or \"shadow\"", choices).unwrap_or(false)
}

/// Tells that no issuer of the file has this name.
pub(super) fn unknown_issuer(
    reader: &mut Reader<'_>,
    field: &'static str,
    path: &str,
    name: &str,
    issuers: &[IssuerConfig],
) {
    let names = issuers.iter().map(IssuerConfig::name);
    let hint = match nearest(name, names) {
        Some(meant) => format!("did you mean \"{}\"?", shown_key(meant)),
        None => "use the name of a table [issuers.NAME]".to_owned(),
    };
    reader.report(field, path, shown_value(name), "the name of an issuer of this file", hint);
}
