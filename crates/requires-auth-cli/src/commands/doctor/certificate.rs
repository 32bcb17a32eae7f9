//! How long a server's certificate still holds. Whether it holds at all, the TLS handshake has told.

use std::time::{Duration, SystemTime};

use super::finding::{Finding, Level};
use super::validity::not_after;

const CODE: &str = "tls.certificate";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Most are renewed a month before their end; fewer days left say that renewing does not work.
const FEW_DAYS: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// Looks at a certificate in DER (RFC 5280 §4.1.2.5); there is none where there is no TLS.
pub(super) fn look(name: &str, der: Option<&[u8]>, now: SystemTime) -> Finding {
    let Some(der) = der else {
        return Finding::new(Level::Skip, CODE, name, "there is no TLS");
    };
    match not_after(der) {
        Some(end) => lasts(name, end, now),
        None => Finding::new(Level::Skip, CODE, name, "the certificate cannot be read"),
    }
}

fn lasts(name: &str, end: SystemTime, now: SystemTime) -> Finding {
    let hint = "let the certificate be renewed: once it has expired, no keys can be fetched";
    let Ok(left) = end.duration_since(now) else {
        return Finding::new(Level::Fail, CODE, name, "the certificate has expired").hint(hint);
    };
    let level = if left < FEW_DAYS { Level::Warn } else { Level::Ok };
    let days = left.as_secs() / DAY.as_secs();
    Finding::new(level, CODE, name, format!("the certificate holds for {days} more days")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_near_its_end_is_worth_a_look() {
        let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        for (end, expected) in [
            (now + 90 * DAY, Level::Ok),
            (now + FEW_DAYS, Level::Ok),
            (now + FEW_DAYS - Duration::from_secs(1), Level::Warn),
            (now, Level::Warn),
            (now - Duration::from_secs(1), Level::Fail),
        ] {
            assert_eq!(lasts("a", end, now).level, expected, "{end:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_skipped() {
        for der in [None, Some(&b""[..]), Some(b"\x30\x82\xff\xff"), Some(b"-----BEGIN CERTIFICATE-----")] {
            assert_eq!(look("a", der, SystemTime::UNIX_EPOCH).level, Level::Skip);
        }
    }
}
