//! The end of a certificate's validity (RFC 5280 §4.1). No more of it is read: the TLS handshake has checked the rest.

use std::time::{Duration, SystemTime};

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`, in which the version stands.
const VERSION: u8 = 0xa0;

const DAY: u64 = 24 * 60 * 60;

/// Until when a certificate in DER is valid. `None` if that cannot be read, or is before 1970.
pub(super) fn not_after(der: &[u8]) -> Option<SystemTime> {
    let mut certificate = Der(Der(der).element(SEQUENCE)?);
    let mut signed = Der(certificate.element(SEQUENCE)?);
    // The first version has no number.
    signed.element(VERSION);
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        signed.element(tag)?; // serial number, signature algorithm, issuer
    }
    let mut validity = Der(signed.element(SEQUENCE)?);
    validity.time()?;
    let end = Duration::from_secs(validity.time()?);
    SystemTime::UNIX_EPOCH.checked_add(end)
}

/// Elements in DER (X.690 §8.1), one after the other.
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// The content of the next element. If it has another tag there is none, and it is still the next one.
    fn element(&mut self, tag: u8) -> Option<&'d [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // A certificate is shorter than 16 MiB.
            0x81..=0x83 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// Seconds since 1970, from a time in one of its two forms (RFC 5280 §4.1.2.5).
    fn time(&mut self) -> Option<u64> {
        if let Some(time) = self.element(UTC_TIME) {
            let year = digits(time.get(..2)?)?;
            // Two digits are a year from 1950 to 2049.
            return seconds(if year < 50 { 2000 + year } else { 1900 + year }, &time[2..]);
        }
        let (year, rest) = self.element(GENERALIZED_TIME)?.split_at_checked(4)?;
        seconds(digits(year)?, rest)
    }
}

/// Seconds since 1970, from a year and `MMDDHHMMSSZ`.
fn seconds(year: u64, rest: &[u8]) -> Option<u64> {
    let rest = rest.strip_suffix(b"Z").filter(|rest| rest.len() == 10)?;
    let mut numbers = rest.chunks(2).map(digits);
    let mut next = |least, most| numbers.next()?.filter(|number| (least..=most).contains(number));
    let (month, day) = (next(1, 12)?, next(1, 31)?);
    let (hour, minute, second) = (next(0, 23)?, next(0, 59)?, next(0, 59)?);
    Some(days(year, month, day)? * DAY + (hour * 60 + minute) * 60 + second)
}

/// Days since 1970 of a date in the Gregorian calendar. A day that its month does not have is one of the next month.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = |years: u64| years / 4 - years / 100 + years / 400;
    // That of a leap year counts from March on.
    let years = if month > 2 { year } else { year.checked_sub(1)? };
    let month = BEFORE.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    let whole = year.checked_sub(1970)? * 365;
    (whole + leap_days(years) + month + day - 1).checked_sub(leap_days(1969))
}

/// A number in ASCII digits.
fn digits(text: &[u8]) -> Option<u64> {
    text.iter()
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32, month: u8, day: u8) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["issuer.example".to_owned()]).expect("a name");
        params.not_before = date_time_ymd(1975, 1, 1);
        params.not_after = date_time_ymd(year, month, day);
        let key = KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("a certificate").der().to_vec()
    }

    #[test]
    fn the_end_of_a_certificate_is_found() {
        for (year, month, day) in [
            (1999, 12, 31),
            (2000, 2, 29),
            (2000, 3, 1),
            (2026, 1, 1),
            (2049, 12, 31),
            (2050, 1, 1),
            (2100, 3, 1),
            (9999, 12, 31),
        ] {
            let expected = date_time_ymd(year, month, day).unix_timestamp();
            let end = not_after(&certificate(year, month, day)).expect("an end");
            let end = end.duration_since(SystemTime::UNIX_EPOCH).expect("it is after 1970").as_secs();
            assert_eq!(i64::try_from(end), Ok(expected), "{year}-{month}-{day}");
        }
    }

    #[test]
    fn a_time_has_one_form_only() {
        let time = |tag: u8, text: &str| {
            let length = u8::try_from(text.len()).expect("a short text");
            Der(&[&[tag, length], text.as_bytes()].concat()).time()
        };
        assert_eq!(time(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(time(UTC_TIME, "250102030405Z"), Some(1_735_787_045));
        assert_eq!(time(GENERALIZED_TIME, "20250102030405Z"), Some(1_735_787_045));
        for text in [
            "",
            "Z",
            "2501020304Z",
            "250102030405",
            "250102030405+0100",
            "2501020304a5Z",
            "251302030405Z",
            "250002030405Z",
            "250100030405Z",
            "250132030405Z",
            "250102240405Z",
            "250102036005Z",
            "690101000000Z",
        ] {
            assert_eq!(time(UTC_TIME, text), None, "{text}");
        }
        assert_eq!(time(GENERALIZED_TIME, "250102030405Z"), None);
        assert_eq!(time(GENERALIZED_TIME, "00000101000000Z"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(index in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            static CERTIFICATE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| certificate(2030, 1, 1));
            let mut der = CERTIFICATE.clone();
            let place = index.index(der.len());
            der[place] = byte;
            not_after(&der);
            not_after(&der[..cut.index(der.len())]);
            not_after(&der[..=cut.index(60)]);
        }
    }
}
