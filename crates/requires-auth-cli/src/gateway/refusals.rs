//! The last refusals of a gateway, for the live view. Nothing of a token or a path is among them: a route by its name, a code,
//! a reason and a time.
//!
//! A refusal is one number of 64 bits, so that the list has a fixed size and no lock: to note one costs an addition, a
//! store and a look at the clock. A request that passes costs nothing here.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use requires_auth::{Denial, ErrorCode, Reason};

/// How many are kept.
const KEPT: usize = 64;

/// The place of a request that has no route.
const NO_ROUTE: u16 = u16::MAX;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub(crate) code: ErrorCode,
    pub(crate) reason: Option<Reason>,
}

impl Why {
    /// What a denial says.
    pub(crate) const fn of(denial: &Denial) -> Self {
        Self { code: denial.code(), reason: denial.reason() }
    }
}

/// One refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// When, to the second.
    pub(crate) at: SystemTime,
    /// The place of its route among those of the gateway, if it has one.
    pub(crate) route: Option<u16>,
    /// Whether it was only logged.
    pub(crate) is_shadow: bool,
    pub(crate) why: Why,
}

/// The last of them.
pub(crate) struct Refusals {
    slots: [AtomicU64; KEPT],
    next: AtomicUsize,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { slots: [const { AtomicU64::new(0) }; KEPT], next: AtomicUsize::new(0) }
    }
}

impl Refusals {
    /// Notes one, in the place of the oldest.
    pub(crate) fn note(&self, refusal: Refusal) {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % KEPT;
        self.slots[place].store(refusal.pack(), Ordering::Relaxed);
    }

    /// Those that are kept, the last one first.
    pub(crate) fn list(&self) -> Vec<Refusal> {
        let next = self.next.load(Ordering::Relaxed);
        let places = (1..=KEPT).map(|back| next.wrapping_sub(back) % KEPT);
        places.filter_map(|place| Refusal::unpack(self.slots[place].load(Ordering::Relaxed))).collect()
    }
}

impl Refusal {
    /// 32 bits of seconds, 16 of the route, 8 of the reason, 7 of the code, and one for a shadow. No refusal is 0, as 1970
    /// is over.
    fn pack(self) -> u64 {
        let seconds = self.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
        let place =
            |found: Option<usize>| found.and_then(|place| u64::try_from(place).ok()).unwrap_or_default();
        let code = place(ErrorCode::ALL.iter().position(|code| *code == self.why.code));
        let reason =
            self.why.reason.map_or(0, |own| place(Reason::ALL.iter().position(|reason| *reason == own)) + 1);
        u64::from(seconds) << 32
            | u64::from(self.route.unwrap_or(NO_ROUTE)) << 16
            | (reason & 0xff) << 8
            | (code & 0x7f) << 1
            | u64::from(self.is_shadow)
    }

    fn unpack(bits: u64) -> Option<Self> {
        let part = |shift: u32, mask: u64| usize::try_from(bits >> shift & mask).ok();
        let seconds = Some(bits >> 32).filter(|seconds| *seconds != 0)?;
        let reason = part(8, 0xff)?.checked_sub(1);
        let why = Why {
            code: *ErrorCode::ALL.get(part(1, 0x7f)?)?,
            reason: reason.and_then(|place| Reason::ALL.get(place).copied()),
        };
        let route = u16::try_from(part(16, 0xffff)?).ok().filter(|place| *place != NO_ROUTE);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Some(Self { at, route, is_shadow: bits & 1 == 1, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(seconds: u64, route: Option<u16>) -> Refusal {
        let why = Why { code: ErrorCode::NoRoute, reason: None };
        Refusal { at: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds), route, is_shadow: false, why }
    }

    #[test]
    fn a_refusal_is_one_number_whatever_it_says() {
        assert!(ErrorCode::ALL.len() <= 0x80 && Reason::ALL.len() < 0xff);
        let reasons = || Reason::ALL.iter().copied().map(Some).chain([None]);
        for code in ErrorCode::ALL {
            for (reason, is_shadow) in reasons().flat_map(|reason| [(reason, false), (reason, true)]) {
                for route in [None, Some(0), Some(7), Some(NO_ROUTE - 1)] {
                    let why = Why { code: *code, reason };
                    let refusal = Refusal { is_shadow, why, ..refusal(1_800_000_000, route) };
                    assert_eq!(Refusal::unpack(refusal.pack()), Some(refusal));
                }
            }
        }
        assert_eq!(Refusal::unpack(0), None);
    }

    #[test]
    fn the_last_ones_are_kept_and_no_more() {
        let refusals = Refusals::default();
        assert_eq!(refusals.list(), []);
        refusals.note(refusal(1, None));
        refusals.note(refusal(2, Some(3)));
        assert_eq!(refusals.list(), [refusal(2, Some(3)), refusal(1, None)]);
        for seconds in 3..500 {
            refusals.note(refusal(seconds, None));
        }
        let list = refusals.list();
        assert_eq!(list.len(), KEPT);
        assert_eq!((list[0], list[KEPT - 1]), (refusal(499, None), refusal(436, None)));
        assert_eq!(size_of::<Refusals>(), KEPT * 8 + size_of::<usize>());
    }
}
