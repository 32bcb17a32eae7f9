//! The time that a token is judged at.

use std::time::{Duration, SystemTime};

use crate::date::date;

/// A time as a date, as a log has it, or in seconds since 1970, fractions included.
pub(super) fn time(text: &str) -> Result<SystemTime, String> {
    let at = date(text).and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    let at = at.or_else(|| text.parse().ok().and_then(|seconds| moment(seconds).ok()));
    at.ok_or_else(|| "expected a time such as 2026-12-01T10:00:00Z, or seconds since 1970".to_owned())
}

/// A time from seconds since 1970, fractions included.
pub(crate) fn moment(seconds: f64) -> Result<SystemTime, String> {
    // 2^53, as for the times in a token.
    let in_range = (0.0..=9_007_199_254_740_992.0).contains(&seconds);
    let since = in_range.then(|| Duration::try_from_secs_f64(seconds).ok()).flatten();
    let moment = since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
    moment.ok_or_else(|| "expected seconds since 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_within_range() {
        assert_eq!(moment(1.5), Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        for refused in [-1.0, f64::NAN, f64::INFINITY, 1e300] {
            assert!(moment(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_time_is_a_date_or_a_number() {
        let at = |millis| Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        assert_eq!(time("2026-11-29T20:00:00.25Z"), at(1_795_982_400_250));
        assert_eq!(time("1795982400.25"), at(1_795_982_400_250));
        for refused in ["", "now", "2026-11-29", "2026-11-29T20:00:00+01:00", "-1", "nan", "inf", "1e300"] {
            assert!(time(refused).is_err(), "{refused}");
        }
    }
}
