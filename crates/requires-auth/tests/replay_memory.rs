//! What a million used proofs cost in memory.

use std::time::Instant;

use requires_auth::replay::{MemoryReplay, ReplayKey, ReplayStore, Use};

const ENTRIES: u32 = 1_000_000;
const START: u64 = 1_800_000_000;

/// Identifiers that look like those of SHA-256.
fn key(number: u32) -> ReplayKey {
    let spread = |number: u128| number.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).to_be_bytes();
    ReplayKey { id: spread(u128::from(number) + 1), share: spread(u128::from(number % 1_000) + 1) }
}

/// Fills a store, and returns the mean of its bytes for each entry: of 1,000 moments, and of all bytes over all entries.
fn fill(seconds: u64) -> (f64, f64) {
    let store = MemoryReplay::new(ENTRIES as usize);
    let (mut bytes, mut of_moments, mut all_bytes, mut all_entries) = (0_i64, 0.0, 0.0, 0.0);
    let step = ENTRIES / 1_000;
    for moment in 0..1_000 {
        let info = allocation_counter::measure(|| {
            for number in moment * step..(moment + 1) * step {
                // All are alive at the same time, with ends that are spread over so many seconds.
                let until = START + u64::from(number) % seconds;
                assert_eq!(store.first_use_now(&key(number), until, START), Some(Use::First));
            }
        });
        bytes += info.bytes_current;
        #[expect(clippy::cast_precision_loss, reason = "bytes of a store")]
        let (bytes, entries) = (bytes as f64, f64::from((moment + 1) * step));
        of_moments += bytes / entries / 1_000.0;
        all_bytes += bytes;
        all_entries += entries;
    }
    (of_moments, all_bytes / all_entries)
}

#[test]
fn an_entry_takes_at_most_32_bytes_in_the_mean() {
    for seconds in [1, 65, 300] {
        let begun = Instant::now();
        let (of_moments, of_all) = fill(seconds);
        let each = begun.elapsed() / ENTRIES;
        println!(
            "ends within {seconds} s: {of_moments:.1} bytes each in the mean of 1,000 moments, {of_all:.1} of all; {each:?} each with the measurement"
        );
        // With ends that are spread over five minutes, a store that is nearly empty has many pages with little in them.
        assert!(seconds > 65 || of_moments <= 32.0, "{of_moments}");
        assert!(of_all <= 32.0, "{of_all}");
    }
}
