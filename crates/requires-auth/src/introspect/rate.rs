//! How many calls a second there may be, and how they are shared between the clients that bring them about.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::share::Share;

/// How long a client counts after its last call.
const MEMORY: Duration = Duration::from_secs(1);

/// A bucket that holds the calls of one second, and fills evenly.
///
/// A client that has had its share gets more only while half of the bucket is left after it. So one that floods gets all that
/// nobody else wants, and finds the rest kept for those who have had less.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    left: f64,
    at: Option<SystemTime>,
    clients: Clients,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, left: per_second, at: None, clients: Clients::default() }
    }

    /// Takes one call out, if there is one for this client. A call of nobody's counts to no share.
    pub(super) fn take(&mut self, client: Option<Share>, now: SystemTime) -> bool {
        // A clock that goes back fills nothing.
        let since = self.at.map_or(Duration::ZERO, |at| now.duration_since(at).unwrap_or_default());
        self.at = Some(now);
        self.left = (self.left + since.as_secs_f64() * self.per_second).min(self.per_second);
        let has_one = self.left >= 1.0 && client.is_none_or(|client| self.is_for(client, now));
        if has_one {
            self.left -= 1.0;
        }
        has_one
    }

    /// Whether one of the calls that are left is for this client, which has it then.
    fn is_for(&mut self, client: Share, now: SystemTime) -> bool {
        let is_kept = (self.per_second / 2.0).floor();
        let may_have_more = self.left - 1.0 >= is_kept;
        self.clients.take(client, self.per_second, may_have_more, now)
    }
}

/// Who has taken calls a moment ago. Each has taken one, so there are never more than the calls of three seconds:
/// a full bucket, and what fills it until they are forgotten.
#[derive(Debug, Default)]
struct Clients {
    taken: HashMap<Share, Taken>,
    forgotten_at: Option<SystemTime>,
}

/// What a client has taken of its share. That comes back evenly within a second.
#[derive(Debug)]
struct Taken {
    calls: f64,
    at: SystemTime,
}

impl Clients {
    /// Takes a call out of a client's share, or beyond it where it may have more.
    fn take(&mut self, client: Share, per_second: f64, may_have_more: bool, now: SystemTime) -> bool {
        self.forget(now);
        let others = self.taken.len() - usize::from(self.taken.contains_key(&client));
        // One part is left for whoever comes next. There are not so many that a number could lose any.
        let share = per_second / f64::from(u32::try_from(others + 2).unwrap_or(u32::MAX));
        let calls = self.taken.get(&client).map_or(0.0, |taken| {
            let since = now.duration_since(taken.at).unwrap_or_default();
            (taken.calls - since.as_secs_f64() * share).max(0.0)
        });
        if calls > 0.0 && calls + 1.0 > share && !may_have_more {
            return false;
        }
        self.taken.insert(client, Taken { calls: (calls + 1.0).min(share.max(1.0)), at: now });
        true
    }

    /// Forgets those who have taken none for a second: their share is whole again. A clock that goes back forgets all.
    fn forget(&mut self, now: SystemTime) {
        let is_recent = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age < MEMORY);
        if !self.forgotten_at.is_some_and(is_recent) {
            self.taken.retain(|_, taken| is_recent(taken.at));
            self.forgotten_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(1_000_000 + milliseconds)
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a bucket takes it")]
    fn client(number: u32) -> Option<Share> {
        Some(Share::of(IpAddr::V4(Ipv4Addr::from_bits(0xc000_0200 + number))))
    }

    /// How many calls of so many a client gets.
    fn taken(rate: &mut Rate, client: Option<Share>, wanted: usize, now: SystemTime) -> usize {
        (0..wanted).filter(|_| rate.take(client, now)).count()
    }

    #[test]
    fn there_are_so_many_calls_a_second_and_no_more() {
        let mut rate = Rate::new(100);
        assert_eq!(taken(&mut rate, None, 1_000, at(0)), 100);
        assert_eq!(taken(&mut rate, None, 1_000, at(500)), 50);
        assert_eq!(taken(&mut rate, None, 1_000, at(60_000)), 100, "what is not used is not saved up");
        assert_eq!(taken(&mut rate, None, 1_000, at(0)), 0, "a clock that goes back");
        assert_eq!(taken(&mut rate, None, 1_000, at(10)), 1);
    }

    #[test]
    fn half_is_kept_for_others_than_the_one_who_floods() {
        let mut rate = Rate::new(100);
        assert_eq!(taken(&mut rate, client(1), 1_000, at(0)), 50);
        assert_eq!(taken(&mut rate, client(2), 10, at(0)), 10, "another one is served at once");
        assert_eq!(taken(&mut rate, client(1), 1_000, at(0)), 0);
        assert_eq!(taken(&mut rate, client(3), 10, at(0)), 10, "and so is a third one");
    }

    #[test]
    fn one_who_is_alone_gets_all_that_there_are() {
        let mut rate = Rate::new(100);
        let of_a_second = |rate: &mut Rate, second: u64| -> usize {
            (0..100).map(|step| taken(rate, client(1), 1_000, at(second * 1_000 + step * 10))).sum()
        };
        of_a_second(&mut rate, 0);
        assert!((99..=101).contains(&of_a_second(&mut rate, 1)));
        // While it goes on, there is always something left for who comes new.
        for second in 2..12 {
            of_a_second(&mut rate, second);
            assert!(rate.take(client(100 + u32::try_from(second).expect("small")), at(second * 1_000 + 990)));
        }
    }

    #[test]
    fn many_who_flood_get_the_same_each_and_all_calls_are_bounded() {
        let mut rate = Rate::new(100);
        let mut each = [0; 4];
        for step in 0..1_000 {
            for (number, own) in (0..).zip(&mut each) {
                *own += taken(&mut rate, client(number), 50, at(step * 10));
            }
        }
        let all: usize = each.iter().sum();
        assert!((1_000..=1_100).contains(&all), "{each:?}");
        assert!(each.iter().all(|own| *own >= 150), "{each:?}");
        assert!(rate.take(client(9), at(9_990)), "and there is one for who comes new");
    }

    #[test]
    fn one_call_a_second_is_for_whoever_comes_first() {
        let mut rate = Rate::new(1);
        assert!(rate.take(client(1), at(0)));
        assert!(!rate.take(client(2), at(0)));
        assert!(rate.take(client(1), at(1_000)));
        assert!(rate.take(client(2), at(2_000)));
    }

    #[test]
    fn of_two_calls_a_second_one_is_kept_at_any_time() {
        let mut rate = Rate::new(2);
        // From one call to the next there is a bit more than half of the bucket.
        assert_eq!((0..100).filter(|step| rate.take(client(1), at(*step))).count(), 1);
        assert!(rate.take(client(2), at(100)));
    }

    #[test]
    fn only_those_of_the_last_seconds_are_remembered() {
        let mut rate = Rate::new(100);
        for number in 0..100_000 {
            rate.take(client(number), at(u64::from(number)));
        }
        assert!(rate.clients.taken.len() <= 300, "{}", rate.clients.taken.len());
        let mut rate = Rate::new(100);
        assert!((0..3).all(|number| rate.take(client(number), at(5_000))));
        assert!(rate.take(client(1), at(0)));
        assert_eq!(rate.clients.taken.len(), 1, "a clock that goes back");
    }
}
