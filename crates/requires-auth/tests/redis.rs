//! Used proofs in a real Redis: that all instances know them, and what is said where the server cannot tell.

#[path = "support/redis.rs"]
mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use requires_auth::replay::{ReplayKey, ReplayStore as _, Use};
use requires_auth::shared::{RedisReplay, SharedState, SharedStatus};
use server::{Redis, SlowProxy};

/// No test waits for anything longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

const START: u64 = 1_800_000_000;

fn key(id: u32) -> ReplayKey {
    let bytes = |number: u32| u128::from(number).to_le_bytes();
    ReplayKey { id: bytes(id), share: bytes(id) }
}

/// A store with a clock that stands, which takes a server that has just started for an old one.
fn store(state: SharedState, now: u64) -> RedisReplay {
    store_with_clock(state, &Arc::new(AtomicU64::new(now)))
}

fn store_with_clock(state: SharedState, clock: &Arc<AtomicU64>) -> RedisReplay {
    let clock = Arc::clone(clock);
    let now = move || UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
    // Slow machines are no outage.
    let store = state.with_timeout(Duration::from_secs(5)).replay().expect("a store");
    store.with_clock(now).with_longest_use(0)
}

/// Asks until the server has been found again.
async fn ask_until(store: &RedisReplay, mut id: u32, until: u64, wanted: Use) -> u32 {
    let begun = Instant::now();
    loop {
        let said = store.first_use(key(id), until).await;
        if said == wanted {
            return id;
        }
        assert_eq!(said, Use::Unavailable);
        assert!(begun.elapsed() < PATIENCE, "never {wanted:?}: {:?}", store.health());
        tokio::time::sleep(Duration::from_millis(20)).await;
        id += 1;
    }
}

#[tokio::test]
async fn what_one_instance_has_seen_all_know() {
    let Some(redis) = Redis::start(&[]) else { return };
    let [one, other] = [0, 1].map(|_| store(SharedState::at(&redis.url()), START));
    assert_eq!(one.health().status(), SharedStatus::Idle, "nothing connects before the first need");
    assert_eq!(one.first_use_now(&key(1), START + 65, START), None, "it has to wait");
    assert_eq!(one.first_use(key(1), START + 65).await, Use::First);
    assert_eq!(one.first_use(key(1), START + 65).await, Use::Again);
    assert_eq!(other.first_use(key(1), START + 65).await, Use::Again);
    assert_eq!(other.first_use(key(2), START + 65).await, Use::First);
    assert_eq!(one.health().status(), SharedStatus::Up);
    assert_eq!(one.health().warnings(), [""; 0], "this server is as it should be");

    let gateway = store(SharedState::at(&redis.url()).with_namespace("gateway"), START);
    assert_eq!(gateway.first_use(key(1), START + 65).await, Use::First, "another namespace is another API");
    assert_eq!(redis.command(&["DBSIZE"]), ":3");
}

#[tokio::test]
async fn to_look_a_proof_up_uses_up_nothing() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let [one, other] = [0, 1].map(|_| store(SharedState::at(&redis.url()), START));
    assert_eq!(one.look_up(key(1), START + 65).await, Use::First);
    assert_eq!(redis.command(&["DBSIZE"]), ":0");
    assert_eq!(other.first_use(key(1), START + 65).await, Use::First);
    assert_eq!(one.look_up(key(1), START + 65).await, Use::Again);
    redis.kill();
    assert_eq!(one.look_up(key(1), START + 65).await, Use::Unavailable);
}

#[tokio::test]
async fn a_proof_is_kept_until_no_clock_takes_it_any_more() {
    let Some(redis) = Redis::start(&[]) else { return };
    // The clock of the first is ahead by five seconds.
    let [ahead, behind] = [5, 0].map(|ahead| store(SharedState::at(&redis.url()), START + ahead));
    assert_eq!(ahead.first_use(key(1), START + 65).await, Use::First);
    assert_eq!(behind.first_use(key(1), START + 65).await, Use::Again);
    let name = "ra:api:j:AQAAAAAAAAAAAAAAAAAAAA";
    let milliseconds: u64 = redis
        .command(&["PTTL", name])
        .strip_prefix(':')
        .and_then(|number| number.parse().ok())
        .expect("a time");
    // By the clock behind it can be accepted for 65 seconds more.
    assert!((70_000..=90_000).contains(&milliseconds), "{milliseconds}");
    assert_eq!(redis.command(&["GET", name]), "1", "and nothing of it is kept but its name");
}

#[tokio::test]
async fn a_server_that_is_down_is_told_at_once_and_found_again() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    redis.kill();
    let store = store(SharedState::at(&redis.url()), START);
    assert_eq!(store.first_use(key(1), START + 65).await, Use::Unavailable);
    let begun = Instant::now();
    for id in 2..1_000 {
        assert_eq!(store.first_use(key(id), START + 65).await, Use::Unavailable);
    }
    assert!(begun.elapsed() < PATIENCE, "each asks a server that is down");
    let health = store.health();
    assert_eq!(health.status(), SharedStatus::Down);
    assert!(health.last_error().is_some());
    assert!(redis.run());
    let id = ask_until(&store, 1_000, START + 65, Use::First).await;
    assert_eq!(store.first_use(key(id), START + 65).await, Use::Again);
    assert_eq!(store.health().status(), SharedStatus::Up);
    assert_eq!(store.health().last_error(), None);
}

#[tokio::test]
async fn a_server_that_starts_again_calls_nothing_new_that_is_older_than_it() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let clock = Arc::new(AtomicU64::new(START));
    let state = SharedState::at(&redis.url()).with_timeout(Duration::from_secs(5));
    let own = Arc::clone(&clock);
    let now = move || UNIX_EPOCH + Duration::from_secs(own.load(Ordering::Relaxed));
    let store = state.replay().expect("a store").with_clock(now).with_longest_use(65);
    // Signed a minute after the server has started, as far as anybody can tell.
    assert_eq!(store.first_use(key(1), START + 120).await, Use::First);
    clock.store(START + 1_000, Ordering::Relaxed);
    redis.kill();
    assert_eq!(store.first_use(key(2), START + 1_120).await, Use::Unavailable);
    assert!(redis.run());
    ask_until(&store, 10, START + 1_120, Use::First).await;
    for id in 2_000..2_010 {
        assert_eq!(store.first_use(key(id), START + 1_060).await, Use::Unavailable, "it may be older");
    }
    assert_eq!(store.first_use(key(3), START + 1_120).await, Use::First, "it is not older");
}

#[tokio::test]
async fn a_server_that_is_slow_is_not_waited_for_and_not_asked_twice() {
    let Some(redis) = Redis::start(&[]) else { return };
    let proxy = SlowProxy::to(redis.port());
    let state = SharedState::at(&proxy.url()).with_timeout(Duration::from_millis(300));
    let now = || UNIX_EPOCH + Duration::from_secs(START);
    let slow = state.replay().expect("a store").with_clock(now).with_longest_use(0);
    ask_until(&slow, 1, START + 65, Use::First).await;
    proxy.delay(Duration::from_millis(1_500));
    assert_eq!(slow.first_use(key(5_000), START + 65).await, Use::Unavailable);
    assert_eq!(slow.health().status(), SharedStatus::Down);
    // It was recorded all the same, once, and is a copy from now on: whoever sent it signs another.
    let other = store(SharedState::at(&redis.url()), START);
    assert_eq!(other.first_use(key(5_000), START + 65).await, Use::Again);
    proxy.delay(Duration::ZERO);
    ask_until(&slow, 6_000, START + 65, Use::First).await;
    assert_eq!(slow.health().status(), SharedStatus::Up);
}

#[tokio::test]
async fn a_server_that_is_full_says_so_and_forgets_nothing() {
    let Some(redis) = Redis::start(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]) else {
        return;
    };
    let store = store(SharedState::at(&redis.url()), START);
    assert_eq!(store.first_use(key(1), START + 65).await, Use::First);
    let mut said = Use::First;
    for id in 2..100_000 {
        said = store.first_use(key(id), START + 65).await;
        if said != Use::First {
            break;
        }
    }
    assert_eq!(said, Use::Full);
    assert_eq!(store.first_use(key(1), START + 65).await, Use::Full, "it says so of what it knows, too");
    assert_eq!(redis.command(&["CONFIG", "SET", "maxmemory", "0"]), "+OK");
    assert_eq!(store.first_use(key(1), START + 65).await, Use::Again);
    assert_eq!(store.first_use(key(200_000), START + 65).await, Use::First);
    assert_eq!(store.health().warnings(), [""; 0]);
}

#[tokio::test]
async fn a_server_that_may_forget_is_warned_of() {
    let Some(redis) = Redis::start(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]) else {
        return;
    };
    let store = store(SharedState::at(&redis.url()), START);
    assert_eq!(store.first_use(key(1), START + 65).await, Use::First);
    let health = store.health();
    assert!(health.warnings().len() == 1 && health.warnings()[0].contains("allkeys-lru"), "{health:?}");
}

#[tokio::test]
async fn a_password_is_needed_and_not_shown() {
    let Some(redis) = Redis::start(&["--requirepass", "secret-of-redis"]) else { return };
    let with = store(SharedState::at(&redis.url()).with_password("secret-of-redis"), START);
    assert_eq!(with.first_use(key(1), START + 65).await, Use::First);
    for state in
        [SharedState::at(&redis.url()), SharedState::at(&redis.url()).with_password("a-wrong-secret")]
    {
        let without = store(state, START);
        assert_eq!(without.first_use(key(2), START + 65).await, Use::Unavailable);
        let shown = format!("{:?} {without:?}", without.health());
        assert!(!shown.contains("secret"), "{shown}");
    }
}

/// What docs/several-machines.md says that a user needs.
const RIGHTS: &str = "+set +xadd +xrange +xread +info +client +select ~ra:*";

#[tokio::test]
async fn a_user_needs_few_rights() {
    let Some(redis) = Redis::start(&[]) else { return };
    let mut rights = vec!["ACL", "SETUSER", "orders-api", "on", ">secret-of-redis"];
    rights.extend(RIGHTS.split(' '));
    assert_eq!(redis.command(&rights), "+OK");
    assert!(include_str!("../../../docs/several-machines.md").contains(RIGHTS));
    let state = SharedState::at(&redis.url()).with_username("orders-api").with_password("secret-of-redis");
    let store = store(state.clone(), START);
    assert_eq!(store.first_use(key(1), START + 65).await, Use::First);
    assert_eq!(store.first_use(key(1), START + 65).await, Use::Again);
    let other = self::store(state.with_namespace("x"), START);
    assert_eq!(other.first_use(key(1), START + 65).await, Use::First, "other namespaces begin so, too");
    assert_eq!(redis.command(&["ACL", "SETUSER", "orders-api", "-set"]), "+OK");
    assert_eq!(store.first_use(key(2), START + 65).await, Use::Unavailable);
    assert!(
        store
            .health()
            .last_error()
            .is_some_and(|cause| cause.contains("NOPERM") || cause.contains("permission"))
    );
}

#[tokio::test]
async fn an_outage_in_memory_is_what_was_asked_for() {
    let Some(mut redis) = Redis::start(&[]) else { return };
    let [one, other] = [0, 1].map(|_| store(SharedState::at(&redis.url()).or_memory(), START));
    assert_eq!(one.first_use(key(1), START + 65).await, Use::First);
    redis.kill();
    assert_eq!(one.first_use(key(1), START + 65).await, Use::Again, "it has seen this one itself");
    assert_eq!(one.first_use(key(2), START + 65).await, Use::First);
    assert_eq!(one.first_use(key(2), START + 65).await, Use::Again);
    assert_eq!(other.first_use(key(2), START + 65).await, Use::First, "once at each instance");
    assert_eq!(one.health().status(), SharedStatus::Down);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_instances_and_clients_one_is_the_first() {
    let Some(redis) = Redis::start(&[]) else { return };
    let stores: Arc<[_]> = (0..4).map(|_| store(SharedState::at(&redis.url()), START)).collect();
    let first = Arc::new(AtomicU64::new(0));
    let clients = (0..8).map(|client| {
        let (stores, first) = (Arc::clone(&stores), Arc::clone(&first));
        tokio::spawn(async move {
            for id in 0..2_000 {
                match stores[(client + id as usize) % 4].first_use(key(id), START + 65).await {
                    Use::First => drop(first.fetch_add(1, Ordering::Relaxed)),
                    said => assert_eq!(said, Use::Again),
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.expect("a client");
    }
    assert_eq!(first.load(Ordering::Relaxed), 2_000);
}
