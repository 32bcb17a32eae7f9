//! Used proofs in a cluster of Redis, through the failover of a node. `scripts/redis.sh` starts the cluster and runs this.

use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

use requires_auth::replay::{ReplayKey, ReplayStore as _, Use};
use requires_auth::shared::{RedisReplay, SharedState};

const START: u64 = 1_800_000_000;

/// A failover takes about two seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn key(id: u32) -> ReplayKey {
    let bytes = |number: u32| {
        u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_0C90_2F1B_7A35).to_le_bytes()
    };
    ReplayKey { id: bytes(id), share: bytes(id) }
}

fn store() -> RedisReplay {
    let nodes = std::env::var("TEST_REDIS_CLUSTER").expect("run by scripts/redis.sh");
    let state = SharedState::cluster(nodes.split(' ')).with_timeout(Duration::from_secs(1));
    let now = || UNIX_EPOCH + Duration::from_secs(START);
    state.replay().expect("a store").with_clock(now).with_longest_use(0)
}

/// Asks about a proof until the cluster has an answer.
async fn ask(store: &RedisReplay, id: u32) -> Use {
    let begun = Instant::now();
    loop {
        match store.first_use(key(id), START + 65).await {
            Use::Unavailable if begun.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            said => return said,
        }
    }
}

#[tokio::test]
async fn a_cluster_knows_each_proof_once_also_after_a_node_is_gone() {
    let [one, other] = [store(), store()];
    for id in 0..300 {
        assert_eq!(ask(&one, id).await, Use::First, "{id}");
        assert_eq!(ask(&other, id).await, Use::Again, "{id}");
    }
    assert!(one.health().warnings().is_empty(), "{:?}", one.health());
    // Replicas have what was written before, since that is a while ago.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let node = std::env::var("TEST_REDIS_CLUSTER_NODE").expect("a process");
    assert!(Command::new("kill").args(["-9", &node]).status().expect("kill").success());
    let begun = Instant::now();
    for id in 0..300 {
        assert_eq!(ask(&one, id).await, Use::Again, "{id} after the failover: {:?}", one.health());
    }
    println!("all slots answer again after {:?}", begun.elapsed());
    for id in 1_000..1_300 {
        // What was not answered in time may have been recorded: it counts as used then, and never twice.
        let first = ask(&one, id).await;
        assert!(matches!(first, Use::First | Use::Again), "{first:?}");
        assert_eq!(ask(&other, id).await, Use::Again, "{id}");
    }
}
