//! What a configuration says of proofs of possession (DPoP, RFC 9449), for the proxy's side and for the application's.

use requires_auth::config::{Config, IssuerConfig};
use requires_auth::dpop::DpopMode;
use requires_auth::settings::dpop::{MODE, NONCE_SECRET, NONCE_SECRET_ENV, NONCE_SECRET_FILE};
use requires_auth::settings::{DPOP, Table};

/// What becomes of proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proofs {
    /// Whether tokens may come with them.
    pub(crate) are_judged: bool,
    /// Whether they are left to the application, which checks them as well.
    pub(crate) are_passed: bool,
    /// Whether they need a nonce, which answers tell.
    pub(crate) need_nonces: bool,
}

impl Proofs {
    pub(super) fn of(guard: &Config) -> Self {
        let table = guard.get(DPOP);
        let modes = || guard.issuers.iter().map(|issuer| mode_of(guard, issuer));
        let has_secret = |table: &Table| {
            let is_named = table.get(NONCE_SECRET_ENV).is_some() || table.get(NONCE_SECRET_FILE).is_some();
            is_named || table.get(NONCE_SECRET).is_some()
        };
        Self {
            are_judged: modes().any(|mode| mode != DpopMode::Off),
            are_passed: modes().any(|mode| mode == DpopMode::Pass),
            need_nonces: table.as_ref().is_some_and(has_secret),
        }
    }

    /// Whether the application must not get them.
    pub(crate) const fn are_taken(self) -> bool {
        self.are_judged && !self.are_passed
    }
}

/// Whether tokens of this issuer come with proofs.
pub(crate) fn mode_of(guard: &Config, issuer: &IssuerConfig) -> DpopMode {
    let table = issuer.get(DPOP).or_else(|| guard.get(DPOP));
    // A table without a mode says how proofs are judged, so they are.
    table.map_or(DpopMode::Off, |table| table.get(MODE).unwrap_or(DpopMode::Allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proofs(dpop: &str, of_first: &str, of_second: &str) -> Proofs {
        let issuer = |name: &str, dpop: &str| {
            format!("[issuers.{name}]\nissuer = \"https://{name}.example\"\naudience = \"a\"\n{dpop}\n")
        };
        let (first, second) = (issuer("first", of_first), issuer("second", of_second));
        let text = format!("public_url = \"https://api.example\"\n{dpop}\n{first}{second}");
        Proofs::of(&Config::parse(&text, "auth.toml").expect("a configuration"))
    }

    #[test]
    fn one_issuer_with_proofs_is_enough() {
        let (on, off, pass) = ("dpop = \"required\"", "dpop = \"off\"", "dpop = \"pass\"");
        let told = |proofs: Proofs| (proofs.are_judged, proofs.are_passed, proofs.are_taken());
        assert_eq!(told(proofs("", "", "")), (false, false, false));
        assert_eq!(told(proofs("", on, "")), (true, false, true));
        assert_eq!(told(proofs(on, "", off)), (true, false, true));
        assert_eq!(told(proofs(on, off, pass)), (true, true, false));
        assert_eq!(told(proofs(off, "", "")), (false, false, false));
    }

    #[test]
    fn nonces_are_needed_wherever_their_secret_stands() {
        let secret =
            |place: &str| proofs(&format!("dpop = {{ mode = \"allowed\"{place} }}"), "", "").need_nonces;
        assert!(!secret(""));
        assert!(secret(", nonce_secret = { env = \"NONCE_SECRET\" }"));
        assert!(secret(", nonce_secret = { file = \"secret\" }"));
    }
}
