//! Clients that sign requests, and send copies of each other's: of those that are on their way, and of older ones.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::connection::{Answer, Connection};
use super::counts::Counts;
use super::gateways::{Fleet, GATEWAYS, Holder, Signed};

pub(crate) const CLIENTS: usize = 8;

/// Every so many requests of a client are new ones; the others are copies.
const ONE_NEW_IN: usize = 4;

/// So many requests may be on their way at the same time, about.
const RECENT: usize = 16;

/// How Redis is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// As it was started first.
    First = 0,
    /// Nobody knows: it is being killed, or started.
    Changing = 1,
    Away = 2,
    /// Started again, with nothing of what it knew.
    Back = 3,
}

/// A request, and what came of it and of its copies.
pub(crate) struct Sent {
    request: Signed,
    pub(crate) accepted: AtomicU32,
    pub(crate) undecided: AtomicU32,
}

/// What all clients share.
struct World {
    sent: RwLock<Vec<Arc<Sent>>>,
    phase: AtomicU8,
    is_over: AtomicBool,
}

pub(crate) struct Clients {
    world: Arc<World>,
    threads: Vec<JoinHandle<[Counts; GATEWAYS]>>,
}

/// What is left when they have stopped.
pub(crate) struct Done {
    pub(crate) sent: Vec<Arc<Sent>>,
    pub(crate) counts: [Counts; GATEWAYS],
}

impl Clients {
    pub(crate) fn start(fleet: &Fleet) -> Self {
        let world = Arc::new(World {
            sent: RwLock::default(),
            phase: AtomicU8::new(Phase::First as u8),
            is_over: AtomicBool::new(false),
        });
        let threads = (0..CLIENTS).map(|number| {
            let client = Client {
                world: Arc::clone(&world),
                holder: Holder::new(&fleet.stage, &format!("client-{number}")),
                connections: fleet.gateways.iter().map(Connection::to).collect(),
                dice: Dice(0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1)),
            };
            thread::spawn(move || client.run())
        });
        let threads = threads.collect();
        Self { world, threads }
    }

    /// Brings a change about; returns when it was done.
    pub(crate) fn change_to(&self, phase: Phase, change: impl FnOnce()) -> Instant {
        self.world.phase.store(Phase::Changing as u8, Ordering::SeqCst);
        change();
        self.world.phase.store(phase as u8, Ordering::SeqCst);
        Instant::now()
    }

    /// Lets them end, and collects what they have counted.
    pub(crate) fn stop(self) -> Done {
        self.world.is_over.store(true, Ordering::SeqCst);
        let mut counts: [Counts; GATEWAYS] = Default::default();
        for thread in self.threads {
            for (all, own) in counts.iter_mut().zip(thread.join().expect("a client")) {
                all.add(&own);
            }
        }
        let sent = self.world.sent.read().unwrap_or_else(PoisonError::into_inner).clone();
        Done { sent, counts }
    }
}

impl World {
    fn phase(&self) -> Phase {
        let phases = [Phase::First, Phase::Changing, Phase::Away, Phase::Back];
        phases[usize::from(self.phase.load(Ordering::SeqCst))]
    }
}

struct Client {
    world: Arc<World>,
    holder: Holder,
    connections: Vec<Connection>,
    dice: Dice,
}

impl Client {
    fn run(mut self) -> [Counts; GATEWAYS] {
        let mut counts: [Counts; GATEWAYS] = Default::default();
        while !self.world.is_over.load(Ordering::SeqCst) {
            let sent = self.copied().unwrap_or_else(|| self.signed());
            let gateway = self.dice.below(GATEWAYS);
            let before = self.world.phase();
            let answer = self.connections[gateway].ask(&sent.request);
            let phase = if self.world.phase() == before { before } else { Phase::Changing };
            sent.note(&answer);
            counts[gateway].note(&answer, phase);
        }
        counts
    }

    /// A request of somebody, which others may have sent, or send at the same time.
    fn copied(&mut self) -> Option<Arc<Sent>> {
        let sent = self.world.sent.read().unwrap_or_else(PoisonError::into_inner);
        let is_new = self.dice.below(ONE_NEW_IN) == 0;
        if is_new || sent.is_empty() {
            return None;
        }
        let among = if self.dice.below(2) == 0 { RECENT.min(sent.len()) } else { sent.len() };
        let place = sent.len() - 1 - self.dice.below(among);
        Some(Arc::clone(&sent[place]))
    }

    /// A request of one's own, which the others know before it is sent.
    fn signed(&self) -> Arc<Sent> {
        let mut all = self.world.sent.write().unwrap_or_else(PoisonError::into_inner);
        let request = self.holder.sign(&format!("/orders/{}", all.len()));
        let sent = Arc::new(Sent { request, accepted: AtomicU32::new(0), undecided: AtomicU32::new(0) });
        all.push(Arc::clone(&sent));
        sent
    }
}

impl Sent {
    fn note(&self, answer: &Answer) {
        if answer.status == 200 {
            self.accepted.fetch_add(1, Ordering::Relaxed);
        } else if answer.status == 503 {
            self.undecided.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Numbers that nobody has to guess (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}
