//! What a second thread brings, for each verifier.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use requires_auth_testkit::Algorithm;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::Serialize;

use super::Effort;
use crate::fixture::{self, Keys, Token};
use crate::subject::{ENTRIES, Setup, Sha256, Subject};
use crate::timing::median;

/// How long one turn takes.
const TURN: Duration = Duration::from_millis(40);

/// The tokens of each thread.
const TOKENS: usize = 50;

/// A round in which two threads that only hash do less than this many times the work of one says nothing: something
/// else was using the second core.
pub(crate) const CONTROL: f64 = 1.9;

/// One verifier.
#[derive(Serialize)]
pub(crate) struct Scaling {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) rounds: usize,
    /// In how many rounds the control had a core for each of its threads.
    pub(crate) rounds_that_count: usize,
    /// Nothing if no round counts.
    pub(crate) rates: Option<Rates>,
}

/// Medians of the rounds that count.
#[derive(Serialize)]
pub(crate) struct Rates {
    /// Calls per second on one thread.
    pub(crate) one: f64,
    /// Times the calls per second on two threads.
    pub(crate) ratio: f64,
    /// The same for the control, which was measured just before.
    pub(crate) control: f64,
}

struct Runner {
    id: &'static str,
    name: &'static str,
    subject: Box<dyn Subject>,
    /// Whether both threads have the same token.
    shared_token: bool,
    measured: Vec<Rates>,
}

/// Measures with ES384. It must be called within a tokio runtime.
pub(crate) fn measure(effort: Effort) -> Vec<Scaling> {
    eprintln!("two threads beside one");
    let keys = Keys::generate(Algorithm::Es384);
    let jwks = keys.jwks();
    let setup = Setup { algorithm: Algorithm::Es384, keys: &keys, jwks: &jwks, filling: &[] };
    let tokens = [fixture::mint(&keys.signing, TOKENS), fixture::mint(&keys.signing, TOKENS)];
    let mut runners = runners(&setup);
    let rounds = effort.choose(25, 3);
    for _ in 0..rounds {
        for runner in &mut runners {
            let second = if runner.shared_token { &tokens[0] } else { &tokens[1] };
            let one_and_ratio = |subject: &dyn Subject| {
                let one = rate(subject, &[&tokens[0]]);
                (one, rate(subject, &[&tokens[0], second]) / one)
            };
            let (_, control) = one_and_ratio(&Sha256);
            let (one, ratio) = one_and_ratio(&*runner.subject);
            runner.measured.push(Rates { one, ratio, control });
        }
    }
    runners.into_iter().map(|runner| runner.scaling(rounds)).collect()
}

impl Runner {
    fn scaling(self, rounds: usize) -> Scaling {
        let counting: Vec<_> = self.measured.iter().filter(|rates| rates.control >= CONTROL).collect();
        let middle = |of: fn(&Rates) -> f64| median(counting.iter().map(|rates| of(rates)));
        let rates = || Rates {
            one: middle(|rates| rates.one),
            ratio: middle(|rates| rates.ratio),
            control: middle(|rates| rates.control),
        };
        Scaling {
            id: self.id,
            name: self.name,
            rounds,
            rounds_that_count: counting.len(),
            rates: (!counting.is_empty()).then(rates),
        }
    }
}

fn runners(setup: &Setup<'_>) -> Vec<Runner> {
    let mut runners = Vec::new();
    for entry in ENTRIES.iter().filter(|entry| entry.id != "raw" && !entry.id.starts_with("first_sight")) {
        let mut add = |id, name, shared_token| {
            let subject = (entry.make)(setup).ok();
            let runner = |subject| Runner { id, name, subject, shared_token, measured: Vec::new() };
            runners.extend(subject.map(runner));
        };
        add(entry.id, entry.name, false);
        if entry.id == "warm" {
            add("warm_shared", "requires-auth, both the same token", true);
        }
    }
    runners
}

/// Calls per second, all threads together. Each thread stays on a core of its own.
fn rate(subject: &dyn Subject, tokens_of_threads: &[&Vec<Token>]) -> f64 {
    let start = Barrier::new(tokens_of_threads.len());
    let cores = cores();
    let thread = |place: usize, tokens: &[Token]| {
        if let Some(&core) = cores.get(place) {
            stay_on(core);
        }
        // Warm-up: what is to be remembered is remembered.
        subject.pass(tokens);
        start.wait();
        let (started, mut calls) = (Instant::now(), 0);
        while started.elapsed() < TURN {
            subject.pass(tokens);
            calls += tokens.len() * subject.repeats();
        }
        calls as f64 / started.elapsed().as_secs_f64()
    };
    thread::scope(|scope| {
        let thread = &thread;
        let places = tokens_of_threads.iter().enumerate();
        let threads: Vec<_> =
            places.map(|(place, tokens)| scope.spawn(move || thread(place, tokens))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread")).sum()
    })
}

/// The cores that this process may use.
fn cores() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_default();
    (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect()
}

/// Keeps the calling thread on one core. Where that is not allowed, the control tells how far threads were apart.
fn stay_on(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    if let Err(error) = sched_setaffinity(None, &only) {
        eprintln!("a thread cannot be kept on core {core}: {error}");
    }
}
