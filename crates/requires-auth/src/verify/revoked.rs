//! Whether a good token was revoked: the one thing about it that can change while it is remembered.

use super::{AccessToken, Finding, Step, Trace};
use crate::error::{Denial, Reason};
use crate::revocation::Sets;

/// Refuses a token that an entry is for. It is asked for each use, whether the token was just judged or is remembered.
///
/// # Errors
///
/// `revoked`.
pub(crate) fn check_revoked(token: &AccessToken, sets: &Sets, trace: &mut impl Trace) -> Result<(), Denial> {
    let holds = !token.is_refused_by(sets);
    trace.record(Step::Revocation, holds, || {
        let found = if holds {
            "no entry for its jti, sub, sid or client"
        } else {
            "an entry for its jti, sub, sid or client"
        };
        Finding::new(found, format!("none of {} revocations is for it", sets.len()))
    });
    if holds { Ok(()) } else { Err(Denial::invalid_token(Reason::Revoked)) }
}
