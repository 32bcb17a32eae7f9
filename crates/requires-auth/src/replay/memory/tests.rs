use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;

use super::*;

const START: u64 = 1_800_000_000;

fn key(id: u32, share: u32) -> ReplayKey {
    let bytes = |number: u32| u128::from(number).to_le_bytes();
    ReplayKey { id: bytes(id), share: bytes(share) }
}

fn ask(store: &MemoryReplay, id: u32, until: u64, now: u64) -> Use {
    store.first_use_now(&key(id, id), until, now).expect("memory need not wait")
}

#[test]
fn the_second_use_is_known_until_its_end() {
    let store = MemoryReplay::new(100);
    let until = START + 65;
    assert_eq!(ask(&store, 1, until, START), Use::First);
    for now in START..=until {
        assert_eq!(ask(&store, 1, until, now), Use::Again);
    }
    assert_eq!(ask(&store, 2, until, until), Use::First, "another proof is not the same");
    assert_eq!(
        ask(&store, 1, until + BUCKET_SECONDS, until + BUCKET_SECONDS),
        Use::First,
        "its time is over"
    );
    assert_eq!(
        ask(&store, 1, until, until + BUCKET_SECONDS),
        Use::Unavailable,
        "nothing is kept for no time"
    );
}

#[test]
fn a_full_store_has_room_again_after_the_end_of_what_it_holds() {
    let store = MemoryReplay::new(100).with_entries_of_a_share(100);
    for id in 0..100 {
        assert_eq!(ask(&store, id, START + 65, START), Use::First);
    }
    assert_eq!(ask(&store, 100, START + 65, START), Use::Full);
    assert_eq!(ask(&store, 1, START + 65, START), Use::Again, "what it holds it still knows");
    let later = START + 65 + BUCKET_SECONDS;
    assert_eq!(ask(&store, 100, later + 65, later), Use::First);
    assert_eq!(store.len(), 1);
    assert_eq!(ask(&MemoryReplay::new(0), 1, START, START), Use::Full);
}

#[test]
fn a_large_store_holds_exactly_what_was_said() {
    let store = MemoryReplay::new(40_000);
    assert!(store.shards.len() > 4);
    let first = (0..50_000).filter(|id| ask(&store, *id, START + u64::from(id % 60), START) == Use::First);
    assert_eq!(first.count(), 40_000);
    assert_eq!(ask(&store, 50_000, START + 65, START), Use::Full);
    // The eight seconds after the start hold about an eighth, whichever part they are in.
    assert_eq!(ask(&store, 50_000, START + 73, START + 8), Use::First);
    assert!((30_000..39_000).contains(&store.len()));
}

#[test]
fn one_client_gets_its_share_and_no_more() {
    let store = MemoryReplay::new(1_600);
    let ask = |id, share, now| store.first_use_now(&key(id, share), now + 65, now).expect("an answer");
    assert!((0..100).all(|id| ask(id, 7, START) == Use::First));
    assert_eq!(ask(100, 7, START), Use::OverShare);
    assert_eq!(ask(100, 8, START), Use::First, "another client");
    assert_eq!(ask(99, 7, START), Use::Again);
    assert_eq!(store.len(), 101, "what was refused takes no room");
    assert_eq!(ask(101, 7, START + 65 + BUCKET_SECONDS), Use::First, "the counts end with what they count");
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_new() {
    let store = MemoryReplay::new(100);
    assert_eq!(ask(&store, 1, START + 65, START), Use::First);
    // An hour passes, or so the clock says.
    assert_eq!(ask(&store, 2, START + 3_665, START + 3_600), Use::First);
    assert_eq!(ask(&store, 1, START + 65, START), Use::Unavailable);
    assert_eq!(ask(&store, 3, START + 65, START), Use::Unavailable, "it may have been used, too");
    assert_eq!(ask(&store, 3, START + 165, START + 100), Use::First, "and what ends later was never dropped");
    assert_eq!(ask(&store, 2, START + 3_665, START + 100), Use::Again);
}

#[test]
fn a_bounded_number_of_ends_is_kept_apart() {
    let store = MemoryReplay::new(10_000);
    let ends = |number: u32| START + u64::from(number) * BUCKET_SECONDS;
    for number in 0..128 {
        assert_eq!(ask(&store, number, ends(number), START), Use::First);
    }
    assert_eq!(ask(&store, 128, ends(128), START), Use::Full);
}

#[test]
fn one_call_moves_at_most_one_page() {
    let store = MemoryReplay::new(60_000);
    let moved = || store.shards.iter().map(|shard| lock(shard).moved()).sum::<usize>();
    let mut before = 0;
    for id in 0..50_000 {
        ask(&store, id, START + 65, START);
        if id % 64 == 0 {
            assert!(moved() - before <= 64 * super::super::table::PAGE_ENTRIES);
            before = moved();
        }
    }
    assert!(before > 10_000, "something was moved, and counted");
}

#[test]
fn of_many_threads_one_is_the_first() {
    let store = MemoryReplay::new(20_000).with_entries_of_a_share(20_000);
    let first = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for id in 0..10_000 {
                    let now = START + u64::from(id / 100);
                    if ask(&store, id, now + 65, now) == Use::First {
                        first.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // A thread that lags by more than the others is told that its proofs have ended, and never that they are the first.
    assert_eq!(first.into_inner(), 10_000);
}

/// One thing that happens: the clock is moved, or a proof is used.
#[derive(Clone, Debug)]
enum Event {
    Clock(i64),
    Proof { id: u32, share: u32, life: u64 },
}

fn events(steps: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Event>> {
    let proof = (0..40_u32, 0..4_u32, 0..90_u64);
    let proof = proof.prop_map(|(id, share, life)| Event::Proof { id, share, life });
    proptest::collection::vec(prop_oneof![1 => steps.prop_map(Event::Clock), 4 => proof], 1..300)
}

/// What a store of 20 with 10 for each share has to say, by the shortest means.
#[derive(Default)]
struct Model(HashMap<(u32, u64), (u64, u32)>);

impl Model {
    fn ask(&mut self, id: u32, share: u32, until: u64, now: u64) -> Use {
        let bucket = |time: u64| time / BUCKET_SECONDS;
        self.0.retain(|_, (until, _)| bucket(*until) >= bucket(now));
        if self.0.contains_key(&(id, bucket(until))) {
            Use::Again
        } else if self.0.len() == 20 {
            Use::Full
        } else if self.0.values().filter(|(_, other)| *other == share).count() == 10 {
            Use::OverShare
        } else {
            self.0.insert((id, bucket(until)), (until, share));
            Use::First
        }
    }
}

proptest! {
    #[test]
    fn it_is_a_map_that_forgets_in_time(events in events(0..40_i64)) {
        let store = MemoryReplay::new(20).with_entries_of_a_share(10);
        let (mut model, mut now) = (Model::default(), START);
        for event in events {
            match event {
                Event::Clock(step) => now = now.saturating_add_signed(step),
                Event::Proof { id, share, life } => {
                    let said = store.first_use_now(&key(id, share), now + life, now);
                    prop_assert_eq!(said, Some(model.ask(id, share, now + life, now)));
                    prop_assert_eq!(store.len(), model.0.len());
                }
            }
        }
    }

    #[test]
    fn no_proof_is_the_first_twice_whatever_the_clock_does(events in events(-600..600_i64)) {
        let store = MemoryReplay::new(1_000).with_entries_of_a_share(1_000);
        let (mut seen, mut newest, mut now) = (HashSet::new(), 0, START);
        for event in events {
            match event {
                Event::Clock(step) => now = now.saturating_add_signed(step),
                Event::Proof { id, share, life } => {
                    // Few ends, so that the same proof is sent again after the clock was set back.
                    let until = (now + life).next_multiple_of(50);
                    newest = newest.max(now / BUCKET_SECONDS);
                    match store.first_use_now(&key(id, share), until, now).expect("an answer") {
                        Use::First => prop_assert!(seen.insert((id, until))),
                        Use::Again => {
                            let same = |end: &u64| end / BUCKET_SECONDS == until / BUCKET_SECONDS;
                            prop_assert!(seen.iter().any(|(other, end)| *other == id && same(end)));
                        }
                        Use::Unavailable => prop_assert!(until / BUCKET_SECONDS < newest),
                        other => prop_assert!(false, "{:?} with room enough", other),
                    }
                }
            }
        }
    }
}
