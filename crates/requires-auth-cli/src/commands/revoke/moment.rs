//! A moment as an argument: a date, seconds since 1970, or so long from now.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::date::date;
use crate::lifetime::lifetime;

/// A moment, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// Seconds since 1970.
    At(u64),
    /// Seconds from now; negative for what is past.
    FromNow(i64),
}

impl Moment {
    /// `now`, `+30d`, `-1h`, `2026-12-01T10:00:00Z` or seconds since 1970.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let relative = text.starts_with(['+', '-']).then(|| lifetime(text).ok()).flatten();
        let at = || text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        match (text, relative) {
            ("now", _) => Ok(Self::FromNow(0)),
            (_, Some(seconds)) => Ok(Self::FromNow(seconds)),
            _ => at().or_else(|| whole(text)).map(Self::At).ok_or_else(|| {
                "expected 2026-12-01T10:00:00Z, seconds since 1970, now, or +30d and -1h from now".to_owned()
            }),
        }
    }

    pub(super) fn seen_from(self, now: SystemTime) -> Option<SystemTime> {
        let moment = match self {
            Self::At(seconds) => UNIX_EPOCH.checked_add(Duration::from_secs(seconds)),
            Self::FromNow(seconds) if seconds < 0 => {
                now.checked_sub(Duration::from_secs(seconds.unsigned_abs()))
            }
            Self::FromNow(seconds) => now.checked_add(Duration::from_secs(seconds.unsigned_abs())),
        };
        moment.filter(|moment| *moment >= UNIX_EPOCH)
    }
}

/// A date in whole seconds, as an entry has them.
fn whole(text: &str) -> Option<u64> {
    date(text).filter(|since| since.subsec_nanos() == 0).map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_numbers_or_seen_from_now() {
        for (text, moment) in [
            ("1970-01-01T00:00:00Z", Moment::At(0)),
            ("2024-02-29T12:30:59z", Moment::At(1_709_209_859)),
            ("2026-11-29T20:00:00Z", Moment::At(1_795_982_400)),
            ("2100-03-01T00:00:00Z", Moment::At(4_107_542_400)),
            ("1800000000", Moment::At(1_800_000_000)),
            ("now", Moment::FromNow(0)),
            ("+30d", Moment::FromNow(2_592_000)),
            ("-90", Moment::FromNow(-90)),
        ] {
            assert_eq!(Moment::parse(text), Ok(moment), "{text}");
        }
        for refused in [
            "",
            "+",
            "30d",
            "1e9",
            "2026-02-29T00:00:00Z",
            "2026-01-01T00:00:00.5Z",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01",
            "2026-01-01T00:00:00é",
        ] {
            assert!(Moment::parse(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn what_is_seen_from_now_may_be_past() {
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let seen = |moment: Moment| {
            moment.seen_from(now).map(|time| time.duration_since(UNIX_EPOCH).expect("later").as_secs())
        };
        assert_eq!(seen(Moment::FromNow(-10)), Some(990));
        assert_eq!(seen(Moment::FromNow(10)), Some(1010));
        assert_eq!(seen(Moment::At(7)), Some(7));
        assert_eq!(seen(Moment::At(u64::MAX)), None);
        assert_eq!(seen(Moment::FromNow(i64::MIN)), None);
    }
}
