//! Whether anything marks a token as an access token. The profile `jwt` takes those without a mark, as people mint such
//! tokens themselves.

use super::Check;
use crate::verify::{AccessToken, Step};

/// Claims that access tokens have; each is a mark. An ID token for this audience would have none of most of them.
const MARKS: [&str; 9] =
    ["scope", "scp", "client_id", "azp", "cid", "appid", "roles", "permissions", "realm_access"];

const WARNING: &str = "nothing marks this as an access token: its header has no `typ` at+jwt, and it has none of the claims scope, \
                       scp, client_id, azp, cid, appid, roles and permissions. An ID token may look like this: make sure that \
                       it is not one, and where the provider can mark its access tokens, have it do so and set the profile at+jwt";

/// What to say of an accepted token that has no mark.
pub(super) fn warning(token: &AccessToken, checks: &[Check]) -> Option<&'static str> {
    let typ = checks.iter().find(|check| check.step() == Step::Type)?.found();
    let is_typed = ["at+jwt", "application/at+jwt"].iter().any(|mark| typ.eq_ignore_ascii_case(mark));
    let is_marked =
        MARKS.iter().any(|name| token.with_claim(name, |value| value.text() != "null") == Some(true));
    (!is_typed && !is_marked).then_some(WARNING)
}
