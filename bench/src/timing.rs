//! Clocks and middle values.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The middle value; of an even number of values, the upper one of the two.
///
/// # Panics
///
/// Without values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 50)
}

/// The value below which `percent` percent of the values are.
///
/// # Panics
///
/// Without values.
pub(crate) fn percentile(values: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values[place]
}

/// Microseconds per call.
pub(crate) fn micros(elapsed: Duration, calls: usize) -> f64 {
    elapsed.as_secs_f64() * 1e6 / calls as f64
}

/// How long the processor works for this thread while `work` runs: what else the machine does counts not.
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    let started = thread_time();
    work();
    thread_time().saturating_sub(started)
}

fn thread_time() -> Duration {
    // The clock counts from 0 upwards, and there is always one.
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

/// Numbers that look random and are the same in every run (xorshift64).
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) const fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).map_or(0, |draw| draw % limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        let hundred = || (0..100).map(f64::from);
        assert!((percentile(hundred(), 99) - 99.0).abs() < f64::EPSILON);
        assert!((percentile(hundred(), 100) - 99.0).abs() < f64::EPSILON);
    }

    #[test]
    fn draws_reach_everything() {
        let mut draws = Draws::new();
        let mut seen = [false; 10];
        (0..1000).for_each(|_| seen[draws.below(10)] = true);
        assert_eq!(seen, [true; 10]);
    }
}
