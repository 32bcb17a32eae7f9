//! What a provider writes into each of its access tokens, so that whatever else it signs can be told from them.

use super::{Finding, IssuerRules, Profile, Rules, Step, Trace};
use crate::claims::Claims;
use crate::error::Reason;
use crate::jose::header::Header;

/// What tells the access tokens of a provider from everything else that it signs. By default nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a row of the table of providers writes it out")]
pub struct Marks {
    /// A token must have one of these, or it is `type_not_allowed`. With none listed it needs none.
    pub any_of: &'static [Mark],
    /// ID tokens are what APIs are given, as at Google: then `nonce` and `at_hash` tell nothing.
    pub id_tokens: bool,
}

/// One mark of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "who shows marks has to know each")]
pub enum Mark {
    /// The header's `typ` is this media type, as of RFC 7515 §4.1.9: without `application/`, in any case.
    Type(&'static str),
    /// The claim is there, and is not null.
    Claim(&'static str),
    /// The claim is this text.
    Value(&'static str, &'static str),
}

impl Marks {
    /// What a message lists: `scope, gty or typ at+jwt`.
    fn described(self) -> String {
        let shown = |mark: &Mark| match mark {
            Mark::Type(media_type) => format!("typ {media_type}"),
            Mark::Claim(name) => (*name).to_owned(),
            Mark::Value(name, value) => format!("{name} \"{value}\""),
        };
        self.any_of.iter().map(shown).collect::<Vec<_>>().join(" or ")
    }
}

impl Mark {
    fn is_on(self, header: &Header<'_>, claims: &Claims<'_>) -> bool {
        match self {
            Self::Type(media_type) => header.is_type(media_type),
            Self::Claim(name) => claims.has_value(name),
            Self::Value(name, value) => {
                claims.string(name).ok().flatten().is_some_and(|found| found == value)
            }
        }
    }
}

/// Whether a token is an access token by what its issuer is known to send. The guard takes the type that any of its issuers
/// may send, so that of this one is looked at here (RFC 9068 §4; RFC 8725 §3.11), after the signature: a stranger learns
/// nothing by trying.
pub(super) fn check_marks(
    rules: &Rules,
    issuer: &IssuerRules,
    header: &Header<'_>,
    claims: &Claims<'_>,
    trace: &mut impl Trace,
) -> Result<(), Reason> {
    let marks = issuer.marks;
    let is_of_type = issuer.profile.unwrap_or(rules.profile) == Profile::Jwt || header.is_type("at+jwt");
    let is_marked = marks.any_of.is_empty() || marks.any_of.iter().any(|mark| mark.is_on(header, claims));
    if is_of_type && is_marked {
        return Ok(());
    }
    trace.record(Step::IdToken, false, || {
        if is_of_type {
            Finding::new("no mark of this provider's access tokens", marks.described())
        } else {
            Finding::new(header.typ().unwrap_or("no typ"), "of this issuer, typ at+jwt")
        }
    });
    Err(Reason::TypeNotAllowed)
}
