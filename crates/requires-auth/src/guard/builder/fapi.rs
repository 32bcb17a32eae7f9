//! `profile = "fapi2"`: what the FAPI 2.0 Security Profile demands of an API (§5.3.4, §5.4), and where it is missing.

use std::time::Duration;

use super::{Builder, IssuerSettings};
use crate::credential::TokenPlace;
use crate::error::ConfigProblem;
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::settings;
use crate::verify::Profile;

/// What signs access tokens (FAPI 2.0 Security Profile §5.4.1). `EdDSA` is Ed25519 there.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Ps256, Algorithm::Es256, Algorithm::Ed25519];

/// How far clocks may differ.
const MOST_LEEWAY: Duration = Duration::from_secs(10);

/// The algorithms of an issuer with this profile: those that were chosen, which must be among those that it allows.
pub(super) fn algorithms(chosen: Option<AlgorithmSet>, problems: &mut Vec<ConfigProblem>) -> AlgorithmSet {
    let Some(chosen) = chosen else { return ALGORITHMS.into_iter().collect() };
    if let Some(other) = chosen.iter().find(|algorithm| !ALGORITHMS.contains(algorithm)) {
        let hint = "leave the setting out: the profile chooses these three";
        let expected = "PS256, ES256 or EdDSA, with the profile fapi2";
        problems.push(ConfigProblem::new("algorithms", format!("`{}`", other.name()), expected, hint));
    }
    chosen
}

impl Builder {
    /// Whether any issuer has the profile.
    pub(super) fn has_fapi(&self) -> bool {
        let of_guard = self.given.get(settings::PROFILE);
        let is_fapi = |profile: Option<Profile>| profile == Some(Profile::Fapi2);
        is_fapi(of_guard) && (self.issuers.is_empty() || self.resolver.is_some())
            || self.issuers.iter().any(|own| is_fapi(own.given.get(settings::PROFILE).or(of_guard)))
    }

    /// The leeway: at most that of the profile, also where none was chosen.
    pub(super) fn leeway(&self) -> Duration {
        let chosen = self.given.duration(settings::LEEWAY);
        if self.has_fapi() { chosen.min(MOST_LEEWAY) } else { chosen }
    }

    /// Everything that the profile demands and the settings lack.
    pub(super) fn check_fapi(&self, problems: &mut Vec<ConfigProblem>) {
        if !self.has_fapi() {
            return;
        }
        let mut problem = |field, found: &str, expected, hint: &str| {
            problems.push(ConfigProblem::new(field, found, expected, hint));
        };
        let leeway = self.given.get(settings::LEEWAY).filter(|leeway| *leeway > MOST_LEEWAY);
        if let Some(leeway) = leeway {
            let hint = "leave it out, and synchronise the clocks";
            problem(
                "leeway",
                &format!("{} s", leeway.as_secs()),
                "at most 10 s, with the profile fapi2",
                hint,
            );
        }
        let public_url = self.given.get(settings::PUBLIC_URL);
        if !public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
            let found = if public_url.is_some() { "another URL" } else { "nothing" };
            let hint = "say under which https URL clients know this API";
            problem("public_url", found, "an https URL, with the profile fapi2", hint);
        }
        let for_all = self.dpop_mode();
        let of_guard = self.given.get(settings::PROFILE);
        for own in &self.issuers {
            if own.given.get(settings::PROFILE).or(of_guard) != Some(Profile::Fapi2) {
                continue;
            }
            if !own.methods(for_all).dpop.is_on() && !own.takes_certificates(self.takes_certificates()) {
                let hint =
                    "write dpop = \"required\", or client_certificates = true where connections show one";
                problem(
                    "dpop",
                    "nothing, and no client_certificates",
                    "a way to bind tokens, with the profile fapi2",
                    hint,
                );
            }
            if !self.reads_the_header_alone(own) {
                let hint = "leave it out: tokens come in the Authorization header";
                problem(
                    "token_from",
                    "other places",
                    "the Authorization header alone, with the profile fapi2",
                    hint,
                );
            }
        }
    }

    fn reads_the_header_alone(&self, issuer: &IssuerSettings) -> bool {
        let places = issuer.given.get(settings::TOKEN_FROM).or_else(|| self.given.get(settings::TOKEN_FROM));
        places.is_none_or(|places| places.iter().all(|place| *place == TokenPlace::authorization()))
    }
}
