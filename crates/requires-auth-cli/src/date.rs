//! A date and a time of UTC, as logs write it.

use std::time::Duration;

/// A date and a time of UTC, as RFC 3339 §5.6 writes them, with at most nine digits of a fraction, as the time since 1970. `None`
/// for anything else, also for a time of another zone.
pub(crate) fn date(text: &str) -> Option<Duration> {
    if !text.is_ascii() || text.len() < 20 {
        return None;
    }
    let (whole, rest) = text.split_at(19);
    let fraction = rest.strip_suffix(['Z', 'z'])?;
    let nanos = if fraction.is_empty() { 0 } else { nanos(fraction.strip_prefix('.')?)? };
    Some(Duration::new(seconds(whole)?, nanos))
}

/// The digits behind the point of a second.
fn nanos(digits: &str) -> Option<u32> {
    let scale = 9_u32.checked_sub(u32::try_from(digits.len()).ok()?)?;
    Some(u32::try_from(number(digits)?).ok()? * 10_u32.pow(scale))
}

/// A number of digits alone.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Seconds since 1970 of `2026-12-01T10:00:00`, which is of ASCII and 19 bytes long.
fn seconds(text: &str) -> Option<u64> {
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if signs.iter().any(|(place, sign)| text.as_bytes()[*place].to_ascii_uppercase() != *sign) {
        return None;
    }
    let (year, month, day) = (number(&text[0..4])?, number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *months.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if year < 1970 || day < 1 || day > length || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let of_years: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let of_months: u64 = months.iter().take(usize::try_from(month - 1).ok()?).sum();
    Some((((of_years + of_months + day - 1) * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_a_log_has_it() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2024-02-29T12:30:59z", 1_709_209_859, 0),
            ("2100-03-01T00:00:00Z", 4_107_542_400, 0),
            ("2026-11-29T20:00:00.5Z", 1_795_982_400, 500_000_000),
            ("2026-11-29T20:00:00.123456Z", 1_795_982_400, 123_456_000),
            ("2026-11-29T20:00:00.000000001z", 1_795_982_400, 1),
        ] {
            assert_eq!(date(text), Some(Duration::new(seconds, nanos)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not_a_date() {
        for refused in [
            "",
            "Z",
            "1800000000",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00,5Z",
            "2026-01-01T00:00:00.+5Z",
            "2026-01-01T00:00:00.0000000001Z",
            "2026-01-01",
            "2026-01-01T00:00:00é",
            "+026-01-01T00:00:00Z",
        ] {
            assert_eq!(date(refused), None, "{refused}");
        }
    }
}
