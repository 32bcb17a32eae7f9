//! What is logged of fetches: for whoever is awake at night, what happened, whether requests still pass, what to set.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use url::Url;

use super::Held;
use super::fetching::Failed;
use super::timing::whole_seconds;

/// How many characters of a URL are shown.
const LONGEST_URL: usize = 200;

pub(super) fn fetched(issuer: &str, held: &Held) {
    for skipped in held.keys.skipped() {
        tracing::warn!(%issuer, index = skipped.index(), reason = %skipped.reason(), "a key of the set is not used");
    }
    tracing::info!(%issuer, keys = held.keys.len(), life = held.life.as_secs(), "fetched the key set");
}

/// The metadata name a key set on another origin than that of the issuer.
pub(super) fn other_origin(issuer: &str, key_set: &Url) {
    let url = shown(key_set);
    let hint = "if that is right, set `jwks_uri` to it: then the metadata cannot name another one";
    tracing::warn!(%issuer, %url, hint, "the metadata of the issuer say that its keys are on another host");
}

/// A fetch that failed; the next is held back for `wait`.
pub(super) fn failed(issuer: &str, failed: &Failed, wait: Duration, held: Option<&Held>, now: SystemTime) {
    let (result, error) = (failed.failure.as_str(), &failed.failure);
    let (url, hint, retry_after) =
        (failed.url.as_ref().map(shown).unwrap_or_default(), failed.failure.hint(), whole_seconds(wait));
    if let Some(held) = held.filter(|held| held.is_usable(now)) {
        let served_until = held.usable_until().map_or_else(|| "always".to_owned(), utc);
        tracing::warn!(
            %issuer, result, %url, %error, hint, retry_after, keys = held.keys.len(), served_until,
            "keys could not be fetched; requests with tokens of the keys at hand still pass until `served_until`"
        );
    } else {
        tracing::warn!(
            %issuer, result, %url, %error, hint, retry_after, keys = 0,
            "keys could not be fetched and there are none to use: every token gets a 503 until they can be; \
             with `state_file` set, a restart during an outage still has keys"
        );
    }
}

/// A URL without what may be secret in it (user, password, query), and not longer than a line.
pub(crate) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let query = if url.query().is_some() { "?..." } else { "" };
    let text = format!("{}://{host}{port}{}{query}", url.scheme(), url.path());
    text.chars().take(LONGEST_URL).collect()
}

/// A time as RFC 3339 has it, in UTC, to the second.
fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date this many days after 1970-01-01.
const fn date(mut days: u64) -> (u64, u64, u64) {
    // Whole cycles of 400 years first: the calendar repeats after them.
    let mut year = 1970 + days / 146_097 * 400;
    days %= 146_097;
    while days >= 365 + is_leap(year) {
        days -= 365 + is_leap(year);
        year += 1;
    }
    let mut month = 1;
    while days >= length(year, month) {
        days -= length(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

const fn is_leap(year: u64) -> u64 {
    (year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)) as u64
}

const fn length(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + is_leap(year),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_rfc_3339_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        let far = UNIX_EPOCH.checked_add(Duration::from_secs(u64::MAX / 4));
        assert!(far.is_none_or(|far| utc(far).ends_with('Z')), "no date is too far");
    }

    #[test]
    fn a_url_is_shown_without_secrets() {
        let shown = |url: &str| shown(&Url::parse(url).expect("a URL"));
        assert_eq!(
            shown("https://u:secret@a.example:8443/jwks?key=secret#secret"),
            "https://a.example:8443/jwks?..."
        );
        assert_eq!(shown("https://a.example/\u{1b}[2J\n"), "https://a.example/%1B[2J");
        assert!(shown(&format!("https://a.example/{}", "x".repeat(1000))).len() <= LONGEST_URL);
    }
}
