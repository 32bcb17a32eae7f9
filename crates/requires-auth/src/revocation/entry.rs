//! One entry: which tokens are refused, and until when.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::marks::Named;
use crate::claims::NumericDate;

/// A token may be used for this long past its `exp`: the largest leeway of a guard. An entry that ends with the `exp` of a
/// token holds for as long.
const LONGEST_LEEWAY: Duration = Duration::from_secs(300);

/// A name in an entry may have this many bytes.
const MAX_TEXT: usize = 2048;

/// Refuses tokens before they expire: one token, or all tokens of a subject, of a session or of a client.
///
/// Each entry ends at its `until`, which lies no earlier than the `exp` of the tokens that it is for. (It holds for five
/// minutes more, since that is how far clocks may differ.) Without an issuer it holds for the tokens of every issuer.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use requires_auth::revocation::Revocation;
///
/// let now = SystemTime::now();
/// let a_day = now + Duration::from_secs(86_400);
///
/// // One token, by its `jti`.
/// let token = Revocation::of_token("f3b0c442", a_day).at_issuer("https://login.example.com");
/// // Everything that was issued to a user before now: a login after this is good.
/// let user = Revocation::of_subject("u-17", a_day).issued_before(now);
/// assert!(user.to_json().starts_with("{\"sub\":\"u-17\",\"before\":"));
/// assert_eq!(Revocation::parse(&token.to_json())?, token);
/// # Ok::<(), requires_auth::revocation::InvalidRevocation>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Revocation {
    pub(super) kind: RevocationKind,
    pub(super) value: Box<str>,
    pub(super) issuer: Option<Box<str>>,
    pub(super) before: Option<NumericDate>,
    pub(super) until: NumericDate,
}

/// Which claim names the tokens of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RevocationKind {
    /// `jti`: one token.
    Token,
    /// `sub`: all tokens of a subject.
    Subject,
    /// `sid`: all tokens of a session.
    Session,
    /// The client of the token, by the claim in which the guard finds it: all tokens of an application.
    Client,
}

impl RevocationKind {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Token, Self::Subject, Self::Session, Self::Client];

    /// The name of the member in JSON: `jti`, `sub`, `sid` or `client_id`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "jti",
            Self::Subject => "sub",
            Self::Session => "sid",
            Self::Client => "client_id",
        }
    }
}

/// An entry that cannot be one. The message says what is wrong, and nothing of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidRevocation(pub(super) &'static str);

impl InvalidRevocation {
    /// What is wrong, for whoever has sent it.
    pub const fn cause(self) -> &'static str {
        self.0
    }
}

impl Revocation {
    /// For how long an entry holds where nobody says it: 30 days, which is as long as any issuer lets an access token live.
    pub const DEFAULT_LIFE: Duration = Duration::from_secs(30 * 86_400);

    /// Refuses the token with this `jti`. `until` is its `exp`, or later.
    pub fn of_token(jti: &str, until: SystemTime) -> Self {
        Self::new(RevocationKind::Token, jti, until.into())
    }

    /// Refuses the tokens with this `sub`. `until` is the `exp` of the last of them, or later.
    pub fn of_subject(sub: &str, until: SystemTime) -> Self {
        Self::new(RevocationKind::Subject, sub, until.into())
    }

    /// Refuses the tokens with this `sid`. `until` is the `exp` of the last of them, or later.
    pub fn of_session(sid: &str, until: SystemTime) -> Self {
        Self::new(RevocationKind::Session, sid, until.into())
    }

    /// Refuses the tokens of this client. `until` is the `exp` of the last of them, or later.
    pub fn of_client(client: &str, until: SystemTime) -> Self {
        Self::new(RevocationKind::Client, client, until.into())
    }

    /// Refuses what a claim names.
    pub fn of(kind: RevocationKind, value: &str, until: SystemTime) -> Self {
        Self::new(kind, value, until.into())
    }

    pub(super) fn new(kind: RevocationKind, value: &str, until: NumericDate) -> Self {
        Self { kind, value: value.into(), issuer: None, before: None, until: until.rounded_up() }
    }

    /// Only tokens of this issuer, byte for byte as the guard is told its name. Default: those of every issuer, so that an
    /// entry refuses too much rather than too little.
    #[must_use]
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use requires_auth::revocation::Revocation;
    ///
    /// let end = SystemTime::now() + Duration::from_secs(3600);
    /// let entry = Revocation::of_token("f3b0c442", end).at_issuer("https://login.example.com");
    /// assert_eq!(entry.issuer(), Some("https://login.example.com"));
    /// ```
    pub fn at_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Only tokens whose `iat` lies before this moment, and those without `iat`. Default: also those that are issued from now on.
    ///
    /// It is rounded up to the next second, since most issuers leave the fraction of `iat` out. A token whose issuer has a
    /// clock that is ahead may have been issued before and still say that it was not: name a later moment to be sure.
    ///
    /// For a token that is named by its `jti` it has no meaning, and is not looked at.
    #[must_use]
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use requires_auth::revocation::Revocation;
    ///
    /// // A new password: whoever logs in with it is let in.
    /// let now = SystemTime::now();
    /// let entry = Revocation::of_subject("u-17", now + Revocation::DEFAULT_LIFE).issued_before(now);
    /// assert!(entry.before().is_some());
    /// ```
    pub fn issued_before(mut self, before: SystemTime) -> Self {
        self.before =
            Some(NumericDate::from(before).rounded_up()).filter(|_| self.kind != RevocationKind::Token);
        self
    }

    /// Which claim names the tokens.
    pub const fn kind(&self) -> RevocationKind {
        self.kind
    }

    /// The value of that claim.
    pub const fn value(&self) -> &str {
        &self.value
    }

    /// The issuer, if the entry is for the tokens of one alone.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// When the tokens were issued at the latest, if the entry is not for those that are issued later.
    pub fn before(&self) -> Option<SystemTime> {
        self.before.map(NumericDate::to_system_time)
    }

    /// When the entry ends.
    pub fn until(&self) -> SystemTime {
        self.until.to_system_time()
    }

    /// Texts that are there, and not longer than a claim is.
    pub(crate) fn check(&self) -> Result<(), InvalidRevocation> {
        let is_text = |text: &str| !text.is_empty() && text.len() <= MAX_TEXT;
        if !is_text(&self.value) {
            return Err(InvalidRevocation(
                "jti, sub, sid or client_id is empty, or has more than 2048 bytes",
            ));
        }
        if !self.issuer.as_deref().is_none_or(is_text) {
            return Err(InvalidRevocation("iss is empty, or has more than 2048 bytes"));
        }
        Ok(())
    }

    /// Whether no token can be good any more that it is for.
    pub(super) fn has_ended(&self, now: NumericDate) -> bool {
        Self::is_over(self.until, now)
    }

    /// Whether an entry with this end has ended.
    pub(super) fn is_over(until: NumericDate, now: NumericDate) -> bool {
        until.has_passed(now, LONGEST_LEEWAY)
    }

    /// Whether it refuses a token.
    pub(super) fn refuses(&self, token: &Named<'_>, now: NumericDate) -> bool {
        token.is_called(self.kind, &self.value)
            && self.issuer.as_deref().is_none_or(|issuer| issuer == token.issuer)
            // Who can tell when a token without `iat` was issued?
            && self.before.is_none_or(|before| token.issued_at.is_none_or(|iat| iat < before))
            && !self.has_ended(now)
    }

    /// Whether it refuses all that another entry with the same claim refuses.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.value == other.value
            && (self.issuer.is_none() || self.issuer == other.issuer)
            && self.until >= other.until
            && match (self.before, other.before) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(own), Some(theirs)) => own >= theirs,
            }
    }
}

/// Without the value, which may name a person.
impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocation").field("kind", &self.kind).finish_non_exhaustive()
    }
}
