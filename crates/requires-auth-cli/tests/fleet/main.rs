//! A fleet as real processes: four gateways on one Redis, and clients that send copies of each other's requests to all of
//! them, while Redis is killed and starts again and tokens are revoked.
//!
//! `scripts/fleet.sh` runs the same for a minute, prints what was counted, and holds the fleet to the second within which
//! a revocation has to be known everywhere.
#![cfg(unix)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "the library's tests of Redis need more of it")]
#[path = "../../../requires-auth/tests/support/redis.rs"]
mod server;

mod clients;
mod connection;
mod counts;
mod gateways;
mod revoked;

use std::thread;
use std::time::{Duration, Instant};

use self::clients::{CLIENTS, Clients, Phase};
use self::counts::Report;
use self::gateways::Fleet;
use self::revoked::Revoked;

/// How long a run takes, beside what the servers need to start.
struct Plan {
    length: Duration,
    /// How long until a revocation holds at each gateway, at most. A busy machine may need longer: `None` does not ask.
    slowest_revocation: Option<Duration>,
    /// What the configuration of each gateway says about proofs.
    dpop: &'static str,
}

impl Plan {
    /// A few seconds, or what `scripts/fleet.sh` asks for.
    fn chosen() -> Self {
        match std::env::var("FLEET_SECONDS") {
            Ok(seconds) => Self {
                length: Duration::from_secs(seconds.parse().expect("FLEET_SECONDS is a number of seconds")),
                slowest_revocation: Some(Duration::from_secs(1)),
                dpop: "mode = \"required\"",
            },
            // A server that has just started may have forgotten the proofs of so many seconds, which have to pass first.
            Err(_) => Self {
                length: Duration::from_secs(4),
                slowest_revocation: None,
                dpop: "mode = \"required\", future = \"1s\"",
            },
        }
    }
}

#[test]
fn no_gateway_takes_what_another_has_taken() {
    let plan = Plan::chosen();
    let Some(mut fleet) = Fleet::start(plan.dpop) else { return };
    fleet.wait_until_all_accept();
    let begun = Instant::now();
    let at = |hundredths: u32| begun + plan.length * hundredths / 100;

    let clients = Clients::start(&fleet);
    let mut revoked = revoke_until(&fleet, at(40));
    sleep_until(at(40));
    let away = clients.change_to(Phase::Away, || fleet.redis.kill());
    fleet.wait_until_all_say("down");
    sleep_until(at(60));
    clients.change_to(Phase::Back, || assert!(fleet.redis.run(), "it starts again, and knows nothing"));
    let away = away.elapsed();
    fleet.wait_until_all_accept();
    fleet.wait_until_all_say("up");
    revoked.extend(revoke_until(&fleet, at(100)));
    sleep_until(at(100));

    let mut report = Report::of(&clients.stop(), begun.elapsed(), away);
    report.slowest_revocation = revoked.iter().map(Revoked::known_after).max().unwrap_or_default();
    report.revoked = revoked.len();
    report.accepted_after_revocation = revoked.iter().map(|token| token.accepted_at(&fleet)).sum();
    println!("four gateways on one Redis, {CLIENTS} clients\n{report}");
    assert_eq!(report.broken_rules(plan.slowest_revocation), [""; 0]);
}

/// Revokes one token after the other, each at the next gateway, until the moment has come; one at least.
fn revoke_until(fleet: &Fleet, end: Instant) -> Vec<Revoked> {
    let mut revoked = Vec::new();
    while revoked.is_empty() || Instant::now() < end {
        revoked.push(Revoked::at(fleet, revoked.len()));
        thread::sleep(Duration::from_millis(200));
    }
    revoked
}

fn sleep_until(moment: Instant) {
    thread::sleep(moment.saturating_duration_since(Instant::now()));
}
