//! How long a key set lives, and when it is fetched again. Pure.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// How long a set lives when the issuer does not say.
const DEFAULT_LIFE: Duration = Duration::from_secs(10 * 60);

/// `max-age` counts within these bounds, whatever the issuer says.
const LIFE_BOUNDS: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(24 * 60 * 60));

/// Failed fetches are repeated no sooner than the first, doubling up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(8));

/// How long a set lives (RFC 9111 §5.2.2), within our own bounds: real servers send `max-age=0`, `no-store`
/// or nothing at all.
pub(super) fn life(cache_control: Option<&str>) -> Duration {
    let Some(cache_control) = cache_control else { return DEFAULT_LIFE };
    let directives = || cache_control.split(',').map(str::trim);
    if directives().any(|directive| matches!(directive, "no-store" | "no-cache")) {
        return LIFE_BOUNDS.0;
    }
    let max_age =
        directives().find_map(|directive| directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok());
    max_age.map_or(DEFAULT_LIFE, |seconds| within_bounds(Duration::from_secs(seconds)))
}

/// The life nearest to this one that a set may have.
pub(super) fn within_bounds(life: Duration) -> Duration {
    life.clamp(LIFE_BOUNDS.0, LIFE_BOUNDS.1)
}

/// The age at which a set is fetched again: 80 % of its life and up to 10 % more, so that many servers do
/// not ask at the same moment.
pub(super) fn refresh_age(life: Duration) -> Duration {
    life.mul_f64(0.8 + 0.1 * jitter())
}

/// Between 0 and 1, another one each time.
fn jitter() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    #[expect(clippy::cast_precision_loss, reason = "a jitter needs no precision")]
    let jitter = random as f64 / u64::MAX as f64;
    jitter
}

/// This wait, less up to a fifth of it, so that many servers do not ask at the same moment.
pub(super) fn sooner(wait: Duration) -> Duration {
    wait.mul_f64(1.0 - 0.2 * jitter())
}

/// How long to wait at most after this many failures in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    (BACKOFF.0 * 2_u32.saturating_pow(failures.saturating_sub(1).min(16))).min(BACKOFF.1)
}

/// At least 1, rounded up.
pub(crate) fn whole_seconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_set_keeps_within_bounds() {
        let seconds = |header: Option<&str>| life(header).as_secs();
        assert_eq!(seconds(None), 600);
        assert_eq!(seconds(Some("public")), 600);
        assert_eq!(seconds(Some("public, max-age=900")), 900);
        assert_eq!(seconds(Some("max-age=0")), 60);
        assert_eq!(seconds(Some("max-age=999999")), 86_400);
        assert_eq!(seconds(Some("no-cache, max-age=0, must-revalidate")), 60);
        assert_eq!(seconds(Some("max-age=900, no-store")), 60);
        assert_eq!(seconds(Some("max-age=x")), 600);
    }

    #[test]
    fn a_set_is_refreshed_ahead_of_its_end() {
        let ages: Vec<_> = (0..100).map(|_| refresh_age(Duration::from_secs(1000)).as_secs()).collect();
        assert!(ages.iter().all(|age| (800..=900).contains(age)), "{ages:?}");
        assert!(ages.iter().any(|age| *age != ages[0]), "the jitter is the same 100 times");
    }

    #[test]
    fn the_wait_doubles_to_eight_seconds() {
        let waits: Vec<_> = (1..=6).map(|failures| backoff(failures).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 8, 8]);
        assert_eq!(backoff(u32::MAX).as_secs(), 8);
    }

    #[test]
    fn a_wait_is_up_to_a_fifth_shorter() {
        let waits: Vec<_> = (0..100).map(|_| sooner(Duration::from_secs(10)).as_millis()).collect();
        assert!(waits.iter().all(|wait| (8_000..=10_000).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "the jitter is the same 100 times");
    }

    #[test]
    fn waits_are_rounded_up() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::MAX), u32::MAX);
    }
}
