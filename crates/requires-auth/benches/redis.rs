//! What a proof costs whose use is recorded in Redis: `cargo bench -p requires-auth --features redis --bench redis`.
//! Starts Debian's `redis-server` on loopback, and needs it.
//!
//! The yardstick is the signature of the proof alone. The time of the processor is that of all threads of this process, with
//! 64 requests at a time, as a server has them. The wait is that of one request after the other, beside one round trip:
//! the same command on a connection that does nothing else.

mod bound;
#[path = "../tests/support/redis.rs"]
#[expect(dead_code, reason = "the tests of Redis need more of it")]
mod server;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use futures_util::stream;
use requires_auth::RequiresAuth;
use requires_auth::dpop::Dpop;
use requires_auth::replay::MemoryReplay;
use requires_auth::shared::SharedState;
use requires_auth_testkit::Algorithm;
use rustix::time::{ClockId, clock_gettime};

use self::bound::Bound;
use self::server::Redis;

/// More than are used.
const PROOFS: usize = 16_000;
const ROUNDS: usize = 21;
const AT_A_TIME: usize = 64;
/// Requests of one turn.
const TURN: u32 = 320;
/// A server that has just started may have forgotten what is older, and by so much a proof may be ahead of its clock.
const AGE: Duration = Duration::from_secs(12);

/// The time that the processor spent on this process, in microseconds for each of a turn's requests.
fn processor(turn: impl FnOnce()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.try_into().expect("seconds"), time.tv_nsec.try_into().expect("nanoseconds"))
    };
    let begun = now();
    turn();
    now().saturating_sub(begun).as_secs_f64() * 1e6 / f64::from(TURN)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Each ratio is of one round.
fn median_ratio(values: &[f64], yardstick: &[f64]) -> f64 {
    median(values.iter().zip(yardstick).map(|(value, one)| value / one).collect())
}

/// As a server has them: many requests at a time.
async fn turn(bound: &Bound, guard: &RequiresAuth) {
    let requests: Vec<_> = (0..TURN).map(|_| bound.request()).collect();
    let answers = stream::iter(&requests).map(|request| guard.authenticate(request));
    answers
        .for_each_concurrent(AT_A_TIME, |answer| async { drop(answer.await.expect("a valid proof")) })
        .await;
}

/// The command of a proof's first use, on a connection of its own.
struct RoundTrip {
    stream: TcpStream,
    number: u32,
}

impl RoundTrip {
    fn to(redis: &Redis) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, redis.port())).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, number: 0 }
    }

    fn once(&mut self) {
        self.number += 1;
        let key = format!("ra:other:j:{:022}", self.number);
        let words = ["SET", &key, "1", "NX", "PX", "65000"];
        let command = words.iter().fold(format!("*{}\r\n", words.len()), |command, word| {
            format!("{command}${}\r\n{word}\r\n", word.len())
        });
        self.stream.write_all(command.as_bytes()).expect("a server");
        let mut answer = [0; 5];
        self.stream.read_exact(&mut answer).expect("a server");
        assert_eq!(&answer, b"+OK\r\n");
    }
}

fn compare(algorithm: Algorithm, redis: &Redis, round_trip: &mut RoundTrip) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let state = SharedState::at(&redis.url()).with_timeout(Duration::from_secs(5));
    let shared = Bound::new(algorithm, PROOFS, now, |builder| {
        builder.with_dpop(Dpop::allowed()).with_shared_state(state)
    });
    let store = MemoryReplay::new(1_000_000).with_entries_of_a_share(u32::MAX);
    let memory =
        Bound::new(algorithm, PROOFS, now, |builder| builder.with_dpop(Dpop::allowed().with_replay(store)));

    let (mut raw, mut in_memory, mut in_redis) = (Vec::new(), Vec::new(), Vec::new());
    let (mut alone, mut waits, mut trips) = (Vec::new(), Vec::new(), Vec::new());
    let timed = |call: &mut dyn FnMut()| {
        let begun = Instant::now();
        call();
        begun.elapsed().as_secs_f64() * 1e6
    };
    for _ in 0..ROUNDS {
        raw.push(processor(|| (0..TURN).for_each(|_| shared.raw())));
        in_memory.push(processor(|| runtime.block_on(turn(&memory, &memory.guard))));
        in_redis.push(processor(|| runtime.block_on(turn(&shared, &shared.guard))));
        for _ in 0..100 {
            alone.push(timed(&mut || shared.raw()));
            trips.push(timed(&mut || round_trip.once()));
            waits.push(timed(&mut || {
                runtime.block_on(shared.guard.authenticate(&shared.request())).expect("a valid proof");
            }));
        }
    }
    let (memory_ratio, redis_ratio) = (median_ratio(&in_memory, &raw), median_ratio(&in_redis, &raw));
    println!(
        "{:<9} {:>9.2} {memory_ratio:>9.3} {redis_ratio:>9.3} {:>11.1} {:>11.1} {:>11.1}",
        algorithm.name(),
        median(raw),
        median(waits),
        median(alone),
        median(trips),
    );
}

fn main() {
    let Some(redis) = Redis::start(&[]) else { return };
    thread::sleep(AGE);
    let mut round_trip = RoundTrip::to(&redis);
    println!(
        "proofs of a remembered token's key, each used once; microseconds, and ratios to the signature alone"
    );
    println!(
        "{:<9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>11}",
        "algorithm", "signature", "memory", "Redis", "one request", "signature", "round trip"
    );
    for algorithm in [Algorithm::Es256, Algorithm::Ed25519] {
        compare(algorithm, &redis, &mut round_trip);
    }
}
