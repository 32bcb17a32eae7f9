//! Where tokens may stand beside `Authorization`, and what nobody sees of that from outside.

use requires_auth::credential::TokenPlace;
use requires_auth::settings;

use super::finding::{Finding, Level};
use crate::gateway::config::Config;

const CODE: &str = "guard.token_from";
const SUBJECT: &str = "the guard";

/// What there is to say of the places of a configuration; nothing where `Authorization` alone is read.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let places = config.guard.token_places();
    if places.iter().all(|place| *place == TokenPlace::authorization()) {
        return Vec::new();
    }
    let named: Vec<_> = places.iter().map(ToString::to_string).collect();
    let mut findings =
        vec![Finding::new(Level::Ok, CODE, SUBJECT, format!("tokens are read in {}", named.join(", ")))];
    let has_cookie = places.iter().any(|place| place.cookie_name().is_some());
    let knows_origins = config.guard.get(settings::COOKIE_ORIGINS).is_some()
        || config.guard.get(settings::PUBLIC_URL).is_some();
    if has_cookie && !knows_origins {
        let what = "a token in a cookie counts for pages that say `Sec-Fetch-Site: same-origin` alone";
        let hint = "name the origins of other pages in `cookie_origins`, or this API's own in `public_url`";
        findings.push(Finding::new(Level::Warn, CODE, SUBJECT, what).hint(hint));
    }
    let dialects = config.gateway.forward_auth.iter().flat_map(|config| &config.dialects);
    for dialect in dialects.filter(|dialect| !dialect.takes_tokens()) {
        let what = format!("{} passes tokens on to the application, wherever they stand", dialect.name());
        let hint = "see that the application neither logs nor repeats them, or use [reverse_proxy]";
        findings.push(Finding::new(Level::Skip, CODE, SUBJECT, what).hint(hint));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(text: &str) -> Vec<Level> {
        let issuer =
            "[issuers.main]\nissuer = \"https://issuer.example\"\naudience = \"https://api.example\"\n";
        let config = Config::parse(&text.replace("ISSUER", issuer), "gateway.toml").expect("a configuration");
        findings(&config).iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn only_what_can_go_wrong_is_told() {
        assert_eq!(levels("ISSUER"), []);
        assert_eq!(levels("token_from = [\"authorization\"]\nISSUER"), []);
        assert_eq!(levels("token_from = [{ header = \"X-Token\" }]\nISSUER"), [Level::Ok]);
        assert_eq!(levels("token_from = [{ cookie = \"a\" }]\nISSUER"), [Level::Ok, Level::Warn]);
        let known = "token_from = [{ cookie = \"a\" }]\npublic_url = \"https://api.example\"\nISSUER";
        assert_eq!(levels(known), [Level::Ok]);
        let behind = "token_from = [{ header = \"X-Token\" }]\nISSUER[forward_auth]\ndialects = [\"nginx\", \"envoy\"]\n";
        assert_eq!(levels(behind), [Level::Ok, Level::Skip]);
    }
}
