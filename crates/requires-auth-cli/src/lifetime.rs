//! How long a token of the development issuer lives, as an argument.

/// A lifetime: seconds, or a number with a unit such as `90s`, `15m`, `1h` or `7d`. It may be negative.
pub(crate) fn lifetime(text: &str) -> Result<i64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    let seconds = number.parse::<i64>().ok().and_then(|number| number.checked_mul(unit));
    seconds.ok_or_else(|| "expected seconds, or a number with a unit: 90s, 15m, 1h, 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_units() {
        for (text, seconds) in
            [("60", 60), ("-60", -60), ("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)]
        {
            assert_eq!(lifetime(text), Ok(seconds), "{text}");
        }
        for refused in ["", "h", "1w", "1.5h", "1 h", "1hh", "é", "9223372036854775807d"] {
            assert!(lifetime(refused).is_err(), "{refused}");
        }
    }
}
