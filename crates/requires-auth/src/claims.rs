//! The claims of a token: each one typed at the moment it is asked for (RFC 7519 §4, RFC 9068 §2.2).
//!
//! Absent, of the wrong type, and of the wrong value are three different findings, and a claim of the
//! wrong type never counts as absent.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use smallvec::{SmallVec, smallvec};

use crate::error::Reason;
use crate::introspection::Active;
use crate::jose::json::{Malformed, Object, Raw};
use crate::jose::signature::Verified;

mod confirmation;

pub(crate) use confirmation::Confirmation;

/// What a claim `typ` says of a token that is not an access token.
const OTHER_TOKENS: [&str; 4] = ["ID", "Refresh", "Offline", "Logout"];

/// A claim that is a list of texts, mostly of few.
pub(crate) type Strings<'t> = SmallVec<[Cow<'t, str>; 4]>;

/// The payload of a token before its signature was verified. It tells its `iss`, and whether its time is over, and
/// nothing else.
pub(crate) struct Payload<'t> {
    bytes: &'t [u8],
    object: Result<Object<'t>, Malformed>,
}

impl<'t> Payload<'t> {
    pub(crate) fn read(bytes: &'t [u8]) -> Self {
        Self { bytes, object: Object::parse(bytes) }
    }

    /// What `iss` claims to be, good for nothing but choosing among configured issuers.
    pub(crate) fn claimed_issuer(&self) -> Option<Cow<'t, str>> {
        self.object.as_ref().ok()?.get("iss")?.as_str()
    }

    /// Whether it claims to have expired, so that no key can make the token good.
    pub(crate) fn claims_to_have_expired(&self, now: NumericDate, leeway: Duration) -> bool {
        let exp = self.object.as_ref().ok().and_then(|object| object.get("exp"));
        exp.and_then(NumericDate::parse).is_some_and(|exp| exp.has_passed(now, leeway))
    }
}

/// Claims that their issuer vouches for, by its signature or by its answer.
pub(crate) struct Vouched<'t> {
    object: Object<'t>,
    form: Form,
}

/// How claims came here, which decides what has to be among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// In a JWT (RFC 7519 §4).
    Jwt,
    /// In the answer to a question about a token (RFC 7662 §2.2): `iss` and `exp` may be absent.
    Answer,
}

impl<'t> Vouched<'t> {
    /// The claims that a key of the issuer has signed.
    pub(crate) fn signed(verified: Verified<'t>, payload: Payload<'t>) -> Result<Self, Reason> {
        // What was read must be what was signed, not a copy of it.
        if !std::ptr::eq(verified.payload(), payload.bytes) {
            return Err(Reason::SignatureMismatch);
        }
        let object = payload.object.map_err(|Malformed| Reason::Malformed)?;
        Ok(Self { object, form: Form::Jwt })
    }

    /// The claims that the issuer has told of an active token.
    pub(crate) fn answered(active: Active<'t>) -> Self {
        Self { object: active.into_object(), form: Form::Answer }
    }
}

/// The claims of a token that is vouched for.
#[derive(Debug)]
pub(crate) struct Claims<'t> {
    object: Object<'t>,
    form: Form,
}

impl<'t> Claims<'t> {
    pub(crate) fn new(vouched: Vouched<'t>) -> Self {
        Self { object: vouched.object, form: vouched.form }
    }

    /// Whether they are an answer about a token rather than the token itself.
    pub(crate) fn are_answered(&self) -> bool {
        self.form == Form::Answer
    }

    /// Claims that nobody vouches for, for tests of what is read of them.
    #[cfg(test)]
    pub(crate) fn of_text(json: &'t str) -> Self {
        Self { object: Object::parse(json.as_bytes()).expect("an object"), form: Form::Jwt }
    }

    /// The JSON text.
    pub(crate) const fn payload(&self) -> &'t str {
        self.object.text()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some()
    }

    /// Whether a claim is there and is not null.
    pub(crate) fn has_value(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| value.text() != "null")
    }

    /// Whether these are the claims of an ID token (OpenID Connect Core §2, §3.1.3.6, §3.3.2.11), which
    /// is not an access token (RFC 8725 §3.12), or of another kind of token. Where ID tokens are taken, the other kinds
    /// still are not.
    pub(crate) fn are_of_another_kind(&self, takes_id_tokens: bool) -> bool {
        let typ = self.object.get("typ").and_then(Raw::as_str);
        let is_id = typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("ID"));
        self.are_of_an_id_token() && !(takes_id_tokens && is_id)
    }

    fn are_of_an_id_token(&self) -> bool {
        // Keycloak marks the tokens that are not access tokens in a claim.
        let typ = self.object.get("typ").and_then(Raw::as_str);
        if typ.is_some_and(|typ| OTHER_TOKENS.iter().any(|other| typ.eq_ignore_ascii_case(other))) {
            return true;
        }
        let of_an_access_token = ["scope", "scp", "client_id", "realm_access"];
        self.has("at_hash")
            || self.has("c_hash")
            || self.has("nonce") && !of_an_access_token.iter().any(|name| self.has(name))
    }

    /// A string that may be absent.
    pub(crate) fn string(&self, name: &str) -> Result<Option<Cow<'t, str>>, Reason> {
        match self.object.get(name) {
            Some(value) => value.as_str().map(Some).ok_or(Reason::ClaimMalformed),
            None => Ok(None),
        }
    }

    /// As [`string`](Self::string), where null counts as absent.
    pub(crate) fn string_or_null(&self, name: &str) -> Result<Option<Cow<'t, str>>, Reason> {
        text_or_null(self.object.get(name))
    }

    /// As [`string_or_null`](Self::string_or_null), of the claim at a dotted path.
    pub(crate) fn string_at(&self, path: &str) -> Result<Option<Cow<'t, str>>, Reason> {
        text_or_null(at_path(&self.object, path))
    }

    /// Whether there is a claim at a dotted path that is not null.
    pub(crate) fn has_at(&self, path: &str) -> bool {
        at_path(&self.object, path).is_some_and(|value| value.text() != "null")
    }

    /// A string that must be there.
    pub(crate) fn required_string(&self, name: &str) -> Result<Cow<'t, str>, Reason> {
        self.string(name)?.ok_or(Reason::ClaimMissing)
    }

    /// `aud`: a string or an array of strings (RFC 7519 §4.1.3); `None` if absent.
    pub(crate) fn audience(&self) -> Result<Option<Strings<'t>>, Reason> {
        match self.object.get("aud") {
            Some(value) => strings(value).map(Some).ok_or(Reason::ClaimMalformed),
            None => Ok(None),
        }
    }

    /// A string or an array of strings at a dotted path; `None` if it is absent or null.
    pub(crate) fn strings_at(&self, path: &str) -> Result<Option<Strings<'t>>, Reason> {
        match at_path(&self.object, path).filter(|value| value.text() != "null") {
            Some(value) => strings(value).map(Some).ok_or(Reason::ClaimMalformed),
            None => Ok(None),
        }
    }

    /// A time that may be absent (RFC 7519 §2, NumericDate).
    pub(crate) fn time(&self, name: &str) -> Result<Option<NumericDate>, Reason> {
        match self.object.get(name) {
            Some(value) => NumericDate::parse(value).map(Some).ok_or(Reason::ClaimMalformed),
            None => Ok(None),
        }
    }

    /// The scopes under the first of `names` that is there: a string split on spaces (RFC 6749 §3.3,
    /// RFC 9068 §2.2.3), or an array of strings. What has white space or a control character in it is not a scope: whoever
    /// joins the scopes by spaces would make two of it, of which neither was granted.
    pub(crate) fn scopes(&self, names: &[&str]) -> Result<Strings<'t>, Reason> {
        let found =
            names.iter().filter_map(|name| self.object.get(name)).find(|value| value.text() != "null");
        match found {
            Some(value) => scopes(value).ok_or(Reason::ClaimMalformed),
            None => Ok(Strings::new()),
        }
    }

    /// The scopes under each of the paths that is there. Of an object, as Zitadel has its roles, the names of the members
    /// count, save for those that are false or null.
    ///
    /// # Errors
    ///
    /// The path under which is something else.
    pub(crate) fn scopes_at<'p>(&self, paths: &'p [Box<str>]) -> Result<Strings<'t>, (&'p str, Reason)> {
        let mut all = Strings::new();
        for path in paths {
            let Some(value) = at_path(&self.object, path).filter(|value| value.text() != "null") else {
                continue;
            };
            all.extend(scopes_or_members(value).ok_or((&**path, Reason::ClaimMalformed))?);
        }
        Ok(all)
    }

    /// `cnf`: how the token is bound to its holder; `None` if it is not. It is read here, and checked by `binding`.
    pub(crate) fn confirmation(&self) -> Option<Confirmation> {
        self.object.get("cnf").map(Confirmation::read)
    }

    /// Whether a claim is there and null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|value| value.text() == "null")
    }

    /// `authorization_details`, if there, is an array of objects with a string `type` (RFC 9396 §2, §9.1).
    pub(crate) fn check_authorization_details(&self) -> Result<(), Reason> {
        let Some(value) = self.object.get("authorization_details") else { return Ok(()) };
        let details = value.as_array().ok_or(Reason::ClaimMalformed)?;
        let has_type = |detail: &Raw<'_>| Some(detail.as_object()?.get("type")?.as_str().is_some());
        if details.iter().all(|detail| has_type(detail) == Some(true)) {
            Ok(())
        } else {
            Err(Reason::ClaimMalformed)
        }
    }

    /// The JSON text of a claim, for people to read.
    pub(crate) fn describe(&self, name: &str) -> String {
        described(self.object.get(name))
    }

    /// As [`describe`](Self::describe), of the claim at a dotted path.
    pub(crate) fn describe_at(&self, path: &str) -> String {
        described(at_path(&self.object, path))
    }
}

fn text_or_null(value: Option<Raw<'_>>) -> Result<Option<Cow<'_, str>>, Reason> {
    match value.filter(|value| value.text() != "null") {
        Some(value) => value.as_str().map(Some).ok_or(Reason::ClaimMalformed),
        None => Ok(None),
    }
}

fn described(value: Option<Raw<'_>>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.text().to_owned())
}

/// The value at a dotted path: a member of that whole name, else a member of a member.
///
/// Namespaced claims such as `https://example.com/roles` hold dots themselves, so the longest name wins.
pub(crate) fn at_path<'t>(object: &Object<'t>, path: &str) -> Option<Raw<'t>> {
    object.get(path).or_else(|| {
        path.rmatch_indices('.').find_map(|(dot, _)| {
            let inner = object.get(&path[..dot])?.as_object()?;
            at_path(&inner, &path[dot + 1..])
        })
    })
}

fn strings(value: Raw<'_>) -> Option<Strings<'_>> {
    match value.as_str() {
        Some(one) => Some(smallvec![one]),
        None => value.as_array()?.into_iter().map(Raw::as_str).collect(),
    }
}

fn scopes(value: Raw<'_>) -> Option<Strings<'_>> {
    let mut scopes = match value.as_str() {
        Some(Cow::Borrowed(text)) => text.split(' ').map(Cow::Borrowed).collect(),
        Some(Cow::Owned(text)) => text.split(' ').map(|scope| Cow::Owned(scope.to_owned())).collect(),
        None => strings(value)?,
    };
    scopes.retain(|scope| is_scope(scope));
    Some(scopes)
}

fn scopes_or_members(value: Raw<'_>) -> Option<Strings<'_>> {
    let Some(members) = value.as_object() else { return scopes(value) };
    let mut names = Strings::new();
    for (name, value) in members.iter() {
        match value.text() {
            "false" | "null" => {}
            text if text == "true" || text.starts_with('{') => names.push(Cow::Owned(name.to_owned())),
            _ => return None,
        }
    }
    names.retain(|name| is_scope(name));
    Some(names)
}

fn is_scope(text: &str) -> bool {
    !text.is_empty() && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

/// Seconds since 1970-01-01T00:00:00Z, with fractions (RFC 7519 §2).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct NumericDate(f64);

impl NumericDate {
    /// 2^53: beyond, doubles skip whole seconds.
    const MAX: f64 = 9_007_199_254_740_992.0;

    pub(crate) fn parse(value: Raw<'_>) -> Option<Self> {
        let seconds = value.as_number()?;
        let is_negative = value.text().starts_with('-');
        (!is_negative && seconds <= Self::MAX).then_some(Self(seconds))
    }

    /// The moment as seen from another, in the largest unit that fits: `in 59 min`, `2 h ago`.
    pub(crate) fn in_words(self, now: Self) -> String {
        let difference = self.0 - now.0;
        let seconds = difference.abs();
        let length = match seconds {
            ..120.0 => format!("{} s", seconds.floor()),
            ..7200.0 => format!("{} min", (seconds / 60.0).floor()),
            ..172_800.0 => format!("{} h", (seconds / 3600.0).floor()),
            _ => format!("{} days", (seconds / 86_400.0).floor()),
        };
        if difference < 0.0 { format!("{length} ago") } else { format!("in {length}") }
    }

    /// Without the fraction, for people to read.
    pub(crate) fn whole_seconds(self) -> Self {
        Self(self.0.floor())
    }

    /// Whole seconds since 1970.
    pub(crate) fn as_secs(self) -> u64 {
        self.to_system_time().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// The next whole second, or this one.
    pub(crate) fn rounded_up(self) -> Self {
        Self(self.0.ceil().min(Self::MAX))
    }

    /// Whether the moment lies more than `leeway` after this one, or exactly on it.
    pub(crate) fn has_passed(self, now: Self, leeway: Duration) -> bool {
        // RFC 7519 §4.1.4: "on or after" the expiration time the token MUST NOT be accepted.
        now.0 >= self.0 + leeway.as_secs_f64()
    }

    /// Whether this moment lies more than `leeway` in the future (RFC 7519 §4.1.5).
    pub(crate) fn is_ahead_of(self, now: Self, leeway: Duration) -> bool {
        self.0 > now.0 + leeway.as_secs_f64()
    }

    /// The later of two moments.
    pub(crate) fn later(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The earlier of two moments.
    pub(crate) fn earlier(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The moment so much later.
    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0 + time.as_secs_f64())
    }

    /// How long before `now` this moment was; zero if it is yet to come.
    pub(crate) fn age(self, now: Self) -> f64 {
        (now.0 - self.0).max(0.0)
    }

    pub(crate) fn to_system_time(self) -> SystemTime {
        let exact = Duration::try_from_secs_f64(self.0).ok().and_then(|since| UNIX_EPOCH.checked_add(since));
        // Where SystemTime ends before 2^53 seconds, the year 6325 is as good as any later one.
        exact.unwrap_or(UNIX_EPOCH + Duration::from_secs(1 << 37))
    }
}

impl From<SystemTime> for NumericDate {
    fn from(time: SystemTime) -> Self {
        // A clock before 1970 is broken; at 0 every token is not valid yet rather than valid for ever.
        Self(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64())
    }
}

impl fmt::Display for NumericDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object<'_> {
        Object::parse(text.as_bytes()).expect("an object")
    }

    fn date(text: &str) -> Option<f64> {
        let text = format!("{{\"t\":{text}}}");
        let object = object(&text);
        NumericDate::parse(object.get("t").expect("a value")).map(|date| date.0)
    }

    #[test]
    fn numeric_dates_are_numbers_within_range() {
        assert_eq!(date("1700000000"), Some(1_700_000_000.0));
        assert_eq!(date("1.7e9"), Some(1_700_000_000.0));
        assert_eq!(date("1700000000.25"), Some(1_700_000_000.25));
        assert_eq!(date("9007199254740992"), Some(NumericDate::MAX));
        assert_eq!(date("0"), Some(0.0));
        for refused in ["9007199254740994", "1e400", "-1", "-0", "\"1700000000\"", "null", "true", "[1]"] {
            assert_eq!(date(refused), None, "{refused}");
        }
    }

    #[test]
    fn moments_are_told_in_words() {
        let now = NumericDate(1_000_000.5);
        let from_now = |seconds: f64| NumericDate(now.0 + seconds).in_words(now);
        assert_eq!(from_now(3599.0), "in 59 min");
        assert_eq!(from_now(-119.0), "119 s ago");
        assert_eq!(from_now(-86_400.0), "24 h ago");
        assert_eq!(from_now(864_000.0), "in 10 days");
        assert_eq!(now.whole_seconds().to_string(), "1000000");
    }

    #[test]
    fn the_second_of_expiry_is_expired() {
        let (exp, leeway) = (NumericDate(100.0), Duration::from_secs(30));
        assert!(exp.has_passed(NumericDate(100.0), Duration::ZERO));
        assert!(!exp.has_passed(NumericDate(99.5), Duration::ZERO));
        assert!(exp.has_passed(NumericDate(130.0), leeway));
        assert!(!exp.has_passed(NumericDate(129.0), leeway));
    }

    #[test]
    fn the_second_of_nbf_is_valid() {
        let (nbf, leeway) = (NumericDate(100.0), Duration::from_secs(30));
        assert!(!nbf.is_ahead_of(NumericDate(100.0), Duration::ZERO));
        assert!(nbf.is_ahead_of(NumericDate(99.5), Duration::ZERO));
        assert!(!nbf.is_ahead_of(NumericDate(70.0), leeway));
        assert!(nbf.is_ahead_of(NumericDate(69.0), leeway));
    }

    #[test]
    fn a_path_prefers_the_longest_name() {
        let object = object(r#"{"a":{"b":{"c":1}},"a.b":{"c":2},"https://x.example/roles":[3],"s":"t"}"#);
        let text = |path| at_path(&object, path).map(Raw::text);
        assert_eq!(text("a.b.c"), Some("2"));
        assert_eq!(text("a.b"), Some(r#"{"c":2}"#));
        assert_eq!(text("https://x.example/roles"), Some("[3]"));
        assert_eq!((text("s.t"), text("a.x"), text(""), text(".")), (None, None, None, None));
    }

    #[test]
    fn scopes_are_a_string_or_an_array() {
        let scopes = |text: &str| {
            let text = format!("{{\"s\":{text}}}");
            let object = object(&text);
            scopes(object.get("s").expect("a value")).map(|scopes| scopes.join("|"))
        };
        assert_eq!(scopes(r#""  a  b ""#).as_deref(), Some("a|b"));
        assert_eq!(scopes(r#""a\u0020b""#).as_deref(), Some("a|b"));
        for refused in ["b c", " b", r"b\n", r"b\u0000", r"b\u00a0c", r"b\u0085", r"b\u2028"] {
            let list = format!(r#"["a","","{refused}","d"]"#);
            assert_eq!(scopes(&list).as_deref(), Some("a|d"), "{refused}");
        }
        assert_eq!(scopes(r#""a\tb c""#).as_deref(), Some("c"));
        assert_eq!(scopes(r#"["caf\u00e9"]"#).as_deref(), Some("caf\u{e9}"));
        assert_eq!(scopes(r#""""#).as_deref(), Some(""));
        assert_eq!(
            (scopes("null"), scopes("5"), scopes(r#"["a",5]"#), scopes("{}")),
            (None, None, None, None)
        );
    }
}
