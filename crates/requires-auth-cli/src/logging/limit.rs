//! One warning for each reason and second: a flood of bad requests must not hide what else there is to see.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

const PAUSE: Duration = Duration::from_secs(1);

/// How many reasons are told apart at a time. All of them are our own words, but for names of issuers.
const MOST: usize = 256;

/// What makes two events of one place in the code differ in their reason.
const REASONS: [&str; 4] = ["code", "reason", "issuer", "problem"];

/// Lets warnings through, one for each reason and second. `tell` is called with how many have been left out before.
pub(super) struct Limit<T> {
    last: Mutex<Last>,
    tell: T,
}

impl<T> Limit<T> {
    pub(super) fn new(tell: T) -> Self {
        Self { last: Mutex::default(), tell }
    }
}

#[derive(Default)]
struct Last(HashMap<u64, (Instant, u64)>);

impl Last {
    /// How many have been left out since the last one that was let through; `None` if this one is left out too.
    fn admit(&mut self, reason: u64, now: Instant) -> Option<u64> {
        let is_over = |(last, _): &(Instant, u64)| now.saturating_duration_since(*last) >= PAUSE;
        if self.0.len() >= MOST && !self.0.contains_key(&reason) {
            self.0.retain(|_, entry| !is_over(entry));
        }
        // Beyond that many reasons, the rest is one.
        let reason = if self.0.len() < MOST || self.0.contains_key(&reason) { reason } else { 0 };
        match self.0.get_mut(&reason) {
            Some(entry) if !is_over(entry) => {
                entry.1 += 1;
                None
            }
            Some(entry) => Some(std::mem::replace(entry, (now, 0)).1),
            None => {
                self.0.insert(reason, (now, 0));
                Some(0)
            }
        }
    }
}

impl<S: Subscriber, T: Fn(u64) + 'static> Layer<S> for Limit<T> {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if *event.metadata().level() != Level::WARN {
            return true;
        }
        let mut reason = Reason(DefaultHasher::new());
        event.metadata().callsite().hash(&mut reason.0);
        event.record(&mut reason);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = last.admit(reason.0.finish(), Instant::now());
        drop(last);
        if let Some(left_out) = admitted.filter(|left_out| *left_out > 0) {
            (self.tell)(left_out);
        }
        admitted.is_some()
    }
}

struct Reason(DefaultHasher);

impl Visit for Reason {
    fn record_str(&mut self, field: &Field, value: &str) {
        if REASONS.contains(&field.name()) {
            value.hash(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if REASONS.contains(&field.name()) {
            format!("{value:?}").hash(&mut self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn one_of_a_reason_passes_in_a_second_and_the_rest_is_counted() {
        let (mut last, now) = (Last::default(), Instant::now());
        assert_eq!(last.admit(1, now), Some(0));
        assert_eq!([last.admit(1, now), last.admit(1, now + PAUSE / 2)], [None, None]);
        assert_eq!(last.admit(2, now), Some(0));
        assert_eq!(last.admit(1, now + PAUSE), Some(2));
        assert_eq!(last.admit(1, now + PAUSE), None);
    }

    #[test]
    fn many_reasons_take_no_more_than_their_room() {
        let (mut last, now) = (Last::default(), Instant::now());
        let admitted = (1..=10_000).filter(|reason| last.admit(*reason, now).is_some()).count();
        assert!(admitted <= MOST + 1 && last.0.len() <= MOST + 1, "{admitted}");
        assert_eq!(last.admit(20_000, now + PAUSE), Some(0));
        assert!(last.0.len() < MOST, "those of the past are forgotten");
    }

    /// Counts what reaches it.
    struct Count(Arc<AtomicU64>);

    impl<S: Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn reasons_are_told_apart_and_what_is_no_warning_passes() {
        let count = Arc::<AtomicU64>::default();
        let layers = tracing_subscriber::registry().with(Count(Arc::clone(&count))).with(Limit::new(|_| ()));
        tracing::subscriber::with_default(layers, || {
            for _ in 0..3 {
                for reason in ["a", "b"] {
                    tracing::warn!(reason, "refused");
                }
                tracing::info!("all of these");
            }
        });
        assert_eq!(count.load(Ordering::Relaxed), 2 + 3);
    }
}
