//! How many calls a second there may be.

use std::time::{Duration, SystemTime};

/// A bucket that holds the calls of one second, and fills evenly.
#[derive(Debug)]
pub(super) struct Rate {
    per_second: f64,
    left: f64,
    at: Option<SystemTime>,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second);
        Self { per_second, left: per_second, at: None }
    }

    /// Takes one call out, if there is one.
    pub(super) fn take(&mut self, now: SystemTime) -> bool {
        // A clock that goes back fills nothing.
        let since = self.at.map_or(Duration::ZERO, |at| now.duration_since(at).unwrap_or_default());
        self.at = Some(now);
        self.left = (self.left + since.as_secs_f64() * self.per_second).min(self.per_second);
        let has_one = self.left >= 1.0;
        if has_one {
            self.left -= 1.0;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn there_are_so_many_calls_a_second_and_no_more() {
        let mut rate = Rate::new(100);
        let at = |milliseconds: u64| UNIX_EPOCH + Duration::from_millis(1_000_000 + milliseconds);
        let taken = |rate: &mut Rate, now| (0..1_000).filter(|_| rate.take(now)).count();
        assert_eq!(taken(&mut rate, at(0)), 100);
        assert_eq!(taken(&mut rate, at(500)), 50);
        assert_eq!(taken(&mut rate, at(60_000)), 100, "what is not used is not saved up");
        assert_eq!(taken(&mut rate, at(0)), 0, "a clock that goes back");
        assert_eq!(taken(&mut rate, at(10)), 1);
    }
}
