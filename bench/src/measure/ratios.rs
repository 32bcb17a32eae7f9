//! One verification by each verifier, for each algorithm, beside the signature alone.

use std::hint::black_box;

use aws_lc_rs::digest::{SHA256, digest};
use requires_auth::Request;
use requires_auth_testkit::Algorithm;
use serde::Serialize;

use super::Effort;
use crate::fixture::{self, Keys, Token};
use crate::subject::{self, ENTRIES, Entry, Made, Setup};
use crate::timing::{median, micros, time};

/// What is measured, in the order of the table, with the number of verifications of one turn: some milliseconds.
const ALGORITHMS: [(Algorithm, usize); 4] =
    [(Algorithm::Es384, 20), (Algorithm::Es256, 60), (Algorithm::Rs256, 150), (Algorithm::Ed25519, 80)];

/// All that was measured for one algorithm.
#[derive(Serialize)]
pub(crate) struct Ratios {
    pub(crate) algorithm: &'static str,
    pub(crate) token_bytes: usize,
    pub(crate) rounds: usize,
    pub(crate) cells: Vec<Cell>,
    /// A remembered token beside its SHA-256.
    pub(crate) remembered: Remembered,
}

/// One verifier.
#[derive(Serialize)]
pub(crate) struct Cell {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// Microseconds and multiples of the raw signature; or why there are none.
    pub(crate) result: Result<Timing, String>,
}

/// Medians over the rounds.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Timing {
    pub(crate) micros: f64,
    /// The median of the ratios of the rounds, which is not quite the ratio of the medians.
    pub(crate) to_raw: f64,
}

/// Medians over the rounds.
#[derive(Serialize)]
pub(crate) struct Remembered {
    pub(crate) micros: f64,
    pub(crate) sha256_micros: f64,
    pub(crate) to_sha256: f64,
}

impl Ratios {
    pub(crate) fn cell(&self, id: &str) -> Option<Timing> {
        self.cells.iter().find(|cell| cell.id == id)?.result.as_ref().ok().copied()
    }
}

/// Measures all algorithms. It must be called within a tokio runtime.
pub(crate) fn measure(effort: Effort) -> Vec<Ratios> {
    ALGORITHMS.map(|(algorithm, turn)| measure_one(algorithm, turn, effort.choose(61, 11))).into()
}

fn measure_one(algorithm: Algorithm, turn: usize, rounds: usize) -> Ratios {
    eprintln!("verifications, {algorithm}");
    let keys = Keys::generate(algorithm);
    let jwks = keys.jwks();
    let tokens = fixture::mint(&keys.signing, turn * rounds);
    let filling = fixture::mint(&keys.filling, 12_000);
    let setup = Setup { algorithm, keys: &keys, jwks: &jwks, filling: &filling };
    let subjects: Vec<_> = ENTRIES.iter().map(|entry| (entry, (entry.make)(&setup))).collect();

    let mut times = vec![Vec::new(); subjects.len()];
    for (round, tokens) in tokens.chunks_exact(turn).enumerate() {
        for step in 0..subjects.len() {
            // Each round starts with another one.
            let place = (round + step) % subjects.len();
            if let Ok(subject) = &subjects[place].1 {
                // A server has just read them from a socket, so each verifier finds them at hand.
                let at_hand = tokens.to_vec();
                times[place].push(micros(subject.pass(&at_hand), turn));
            }
        }
    }
    let cells = subjects.iter().zip(&times).map(|((entry, made), own)| cell(entry, made, own, &times[0]));
    Ratios {
        algorithm: algorithm.name(),
        token_bytes: tokens[0].text().len(),
        rounds,
        cells: cells.collect(),
        remembered: remembered(&jwks, &tokens[0], rounds),
    }
}

fn cell(entry: &Entry, made: &Made, own: &[f64], raw: &[f64]) -> Cell {
    let timing = || Timing {
        micros: median(own.iter().copied()),
        to_raw: median(own.iter().zip(raw).map(|(own, raw)| own / raw)),
    };
    Cell { id: entry.id, name: entry.name, result: made.as_ref().map(|_| timing()).map_err(Clone::clone) }
}

fn remembered(jwks: &str, token: &Token, rounds: usize) -> Remembered {
    const TURN: usize = 2_000;
    let guard = subject::remembering(jwks);
    let request = Request::new("GET", "/orders", token.headers());
    let warm = || drop(black_box(guard.authenticate_now(&request).expect("keys").expect("a good token")));
    let hash = || {
        black_box(digest(&SHA256, black_box(token.text().as_bytes())));
    };
    warm();
    let turn = |call: &dyn Fn()| micros(time(|| (0..TURN).for_each(|_| call())), TURN);
    let rounds: Vec<_> = (0..rounds).map(|_| (turn(&hash), turn(&warm))).collect();
    Remembered {
        micros: median(rounds.iter().map(|(_, warm)| *warm)),
        sha256_micros: median(rounds.iter().map(|(sha256, _)| *sha256)),
        to_sha256: median(rounds.iter().map(|(sha256, warm)| warm / sha256)),
    }
}
