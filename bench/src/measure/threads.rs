//! What a second thread brings, for each verifier.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use requires_auth_testkit::Algorithm;
use serde::Serialize;

use super::Effort;
use crate::fixture::{self, Keys, Token};
use crate::subject::{ENTRIES, Setup, Sha256, Subject};
use crate::timing::median;

/// How long one turn takes.
const TURN: Duration = Duration::from_millis(20);

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
    /// Calls per second on one thread, in the rounds that count.
    pub(crate) one: f64,
    /// Times the calls per second on two threads; the median of the rounds that count.
    pub(crate) ratio: f64,
}

/// All of them.
#[derive(Serialize)]
pub(crate) struct Threads {
    pub(crate) rounds: usize,
    /// In how many rounds the control had a core for each of its threads.
    pub(crate) rounds_that_count: usize,
    /// The control first. Nothing if no round counts.
    pub(crate) scaling: Vec<Scaling>,
}

struct Runner {
    id: &'static str,
    name: &'static str,
    subject: Box<dyn Subject>,
    /// Whether both threads have the same token.
    shared_token: bool,
}

impl Threads {
    pub(crate) fn ratio(&self, id: &str) -> Option<f64> {
        self.scaling.iter().find(|scaling| scaling.id == id).map(|scaling| scaling.ratio)
    }
}

/// Measures with ES384. It must be called within a tokio runtime.
pub(crate) fn measure(effort: Effort) -> Threads {
    eprintln!("two threads beside one");
    let rounds = effort.choose(61, 5);
    let keys = Keys::generate(Algorithm::Es384);
    let jwks = keys.jwks();
    let setup = Setup { algorithm: Algorithm::Es384, keys: &keys, jwks: &jwks, filling: &[] };
    let tokens = [fixture::mint(&keys.signing, TOKENS), fixture::mint(&keys.signing, TOKENS)];
    let runners = runners(&setup);

    let round = |_| {
        let both = |runner: &Runner| {
            let second = if runner.shared_token { &tokens[0] } else { &tokens[1] };
            let one = rate(&*runner.subject, &[&tokens[0]]);
            Pair { one, ratio: rate(&*runner.subject, &[&tokens[0], second]) / one }
        };
        runners.iter().map(both).collect()
    };
    let measured: Vec<Vec<Pair>> = (0..rounds).map(round).collect();
    let counting: Vec<_> = measured.iter().filter(|round| round[0].ratio >= CONTROL).collect();
    let scaling = |(place, runner): (usize, &Runner)| Scaling {
        id: runner.id,
        name: runner.name,
        one: median(counting.iter().map(|round| round[place].one)),
        ratio: median(counting.iter().map(|round| round[place].ratio)),
    };
    // Without a round that counts there is no median.
    let judged = if counting.is_empty() { &[] } else { &runners[..] };
    let scaling = judged.iter().enumerate().map(scaling).collect();
    Threads { rounds, rounds_that_count: counting.len(), scaling }
}

/// One round of one verifier.
struct Pair {
    one: f64,
    ratio: f64,
}

/// The control first.
fn runners(setup: &Setup<'_>) -> Vec<Runner> {
    let control =
        Runner { id: "sha256", name: "SHA-256, the control", subject: Box::new(Sha256), shared_token: false };
    let mut runners = vec![control];
    for entry in ENTRIES.iter().filter(|entry| !["raw", "first_sight"].contains(&entry.id)) {
        let mut add = |id, name, shared_token| {
            let subject = (entry.make)(setup).ok();
            runners.extend(subject.map(|subject| Runner { id, name, subject, shared_token }));
        };
        add(entry.id, entry.name, false);
        if entry.id == "warm" {
            add("warm_shared", "requires-auth, both the same token", true);
        }
    }
    runners
}

/// Calls per second, all threads together.
fn rate(subject: &dyn Subject, tokens_of_threads: &[&Vec<Token>]) -> f64 {
    let start = Barrier::new(tokens_of_threads.len());
    let thread = |tokens: &[Token]| {
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
        let threads: Vec<_> =
            tokens_of_threads.iter().map(|tokens| scope.spawn(move || thread(tokens))).collect();
        threads.into_iter().map(|thread| thread.join().expect("the thread")).sum()
    })
}
