//! What several sections have in common.

use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::settings::{DPOP, nearest, shown_key, shown_value};
use toml::de::DeTable;

/// Whether refusals are only logged: `enforce`.
pub(super) fn shadow(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> bool {
    let choices = [("on", false), ("shadow", true)];
    reader.one_of(field, entry, "\"on\" or \"shadow\"", choices).unwrap_or(false)
}

/// Whether only tokens with a proof of their key count: `dpop`.
pub(super) fn needs_dpop(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> bool {
    reader.one_of(field, entry, "\"required\"", [("required", true)]).unwrap_or(false)
}

/// Notes where proofs are needed though nothing lets tokens come with them: every request would be refused.
pub(super) fn check_dpop(
    reader: &mut Reader<'_>,
    document: &DeTable<'_>,
    issuers: &[IssuerConfig],
    needing: impl Iterator<Item = (&'static str, String)>,
) {
    if document.contains_key("dpop") || issuers.iter().any(|issuer| issuer.get(DPOP).is_some()) {
        return;
    }
    for (field, within) in needing {
        let hint = "write dpop = \"allowed\" above the tables, and public_url in [server]: it says how proofs are judged";
        reader.report(field, &format!("{within}.dpop"), "this without `dpop` of the guard", "both", hint);
    }
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
