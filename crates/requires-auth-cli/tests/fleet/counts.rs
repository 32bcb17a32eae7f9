//! What a run has counted, and which rules it must not break.

use std::fmt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::clients::{Done, Phase};
use super::connection::Answer;
use super::gateways::GATEWAYS;

/// What one gateway has answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    requests: u64,
    /// Accepted before Redis was killed, and after it has started again.
    accepted: u64,
    accepted_again: u64,
    accepted_while_away: u64,
    reused: u64,
    too_old: u64,
    /// Not decided (503), by how Redis was doing.
    undecided_before: u64,
    undecided_at_changes: u64,
    undecided_while_away: u64,
    undecided_afterwards: u64,
    /// What none of these is.
    others: Vec<String>,
}

impl Counts {
    pub(crate) fn note(&mut self, answer: &Answer, phase: Phase) {
        self.requests += 1;
        let is_away = phase == Phase::Away;
        let place = match (answer.status, phase) {
            (200, Phase::Away) => &mut self.accepted_while_away,
            (200, Phase::Back) => &mut self.accepted_again,
            (200, Phase::First | Phase::Changing) => &mut self.accepted,
            _ if answer.is_undecided() => match phase {
                Phase::Away => &mut self.undecided_while_away,
                Phase::Back => &mut self.undecided_afterwards,
                Phase::First => &mut self.undecided_before,
                Phase::Changing => &mut self.undecided_at_changes,
            },
            _ if answer.is_refused_as("proof_reused") && !is_away => &mut self.reused,
            _ if answer.is_refused_as("proof_time") => &mut self.too_old,
            _ => return self.others.push(format!("{phase:?}: {answer:?}")),
        };
        *place += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.accepted += other.accepted;
        self.accepted_again += other.accepted_again;
        self.accepted_while_away += other.accepted_while_away;
        self.reused += other.reused;
        self.too_old += other.too_old;
        self.undecided_before += other.undecided_before;
        self.undecided_at_changes += other.undecided_at_changes;
        self.undecided_while_away += other.undecided_while_away;
        self.undecided_afterwards += other.undecided_afterwards;
        self.others.extend(other.others.iter().take(3).cloned());
    }
}

/// What is printed at the end.
#[derive(Debug)]
pub(crate) struct Report {
    length: Duration,
    away: Duration,
    counts: [Counts; GATEWAYS],
    signed: usize,
    accepted_twice: usize,
    /// Requests that were refused wherever they were sent, though each answer was certain.
    never_accepted: usize,
    pub(crate) revoked: usize,
    pub(crate) slowest_revocation: Duration,
    pub(crate) accepted_after_revocation: usize,
}

impl Report {
    pub(crate) fn of(done: &Done, length: Duration, away: Duration) -> Self {
        let count = |is_meant: fn(u32, u32) -> bool| {
            let sent = done.sent.iter();
            let outcomes = sent
                .map(|sent| (sent.accepted.load(Ordering::Relaxed), sent.undecided.load(Ordering::Relaxed)));
            outcomes.filter(|(accepted, undecided)| is_meant(*accepted, *undecided)).count()
        };
        Self {
            length,
            away,
            counts: done.counts.clone(),
            signed: done.sent.len(),
            accepted_twice: count(|accepted, _| accepted > 1),
            never_accepted: count(|accepted, undecided| accepted == 0 && undecided == 0),
            revoked: 0,
            slowest_revocation: Duration::ZERO,
            accepted_after_revocation: 0,
        }
    }

    /// Each rule that was broken, as a sentence.
    pub(crate) fn broken_rules(&self, slowest: Option<Duration>) -> Vec<String> {
        let all = self.total();
        let mut rules = vec![
            (self.accepted_twice == 0, "a request was accepted twice"),
            (self.never_accepted == 0, "a request was accepted nowhere"),
            (all.accepted_while_away == 0, "a request was accepted while Redis was away"),
            (all.undecided_while_away > 0, "nobody asked while Redis was away"),
            (all.undecided_before == 0, "a request was not decided though Redis was there"),
            (all.reused > 0, "no copy was refused"),
            (all.others.is_empty(), "there was an answer that nobody expects"),
            (self.accepted_after_revocation == 0, "a token that is revoked was not refused"),
            (slowest.is_none_or(|slowest| self.slowest_revocation <= slowest), "a revocation was known late"),
        ];
        for own in &self.counts {
            rules.push((own.accepted > 0, "a gateway accepted nothing at first"));
            rules.push((own.accepted_again > 0, "a gateway accepted nothing after Redis had started again"));
        }
        let broken = rules.into_iter().filter(|(holds, _)| !holds);
        let broken = broken.map(|(_, rule)| rule.to_owned());
        broken.chain(all.others.into_iter().take(3)).collect()
    }

    fn total(&self) -> Counts {
        let mut all = Counts::default();
        for own in &self.counts {
            all.add(own);
        }
        all
    }
}

/// One of the counts.
type Number = fn(&Counts) -> u64;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: [(&str, Number); 10] = [
            ("requests", |own| own.requests),
            ("accepted before Redis was killed", |own| own.accepted),
            ("accepted after it had started again", |own| own.accepted_again),
            ("accepted while it was away", |own| own.accepted_while_away),
            ("copies that were refused (proof_reused)", |own| own.reused),
            ("copies that were refused as old (proof_time)", |own| own.too_old),
            ("503 before Redis was killed", |own| own.undecided_before),
            ("503 while Redis was away", |own| own.undecided_while_away),
            ("503 after it had started again", |own| own.undecided_afterwards),
            ("503 while it was being killed or started", |own| own.undecided_at_changes),
        ];
        writeln!(f, "{:46}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "1", "2", "3", "4", "all")?;
        let all = self.total();
        for (name, number) in rows {
            write!(f, "{name:46}")?;
            for own in &self.counts {
                write!(f, "{:9}", number(own))?;
            }
            writeln!(f, "{:9}", number(&all))?;
        }
        for (name, number) in [
            ("requests that were signed", self.signed),
            ("of these accepted twice", self.accepted_twice),
            ("of these refused everywhere, with certainty", self.never_accepted),
            ("tokens that were revoked", self.revoked),
            ("of these accepted anywhere afterwards", self.accepted_after_revocation),
        ] {
            writeln!(f, "{name:46}{number:45}")?;
        }
        let slowest = format!("{:.1?}", self.slowest_revocation);
        writeln!(f, "{:46}{slowest:>45}", "longest time until all refused a revoked token")?;
        let time = format!("{:.1?}, {:.1?} of it without Redis", self.length, self.away);
        writeln!(f, "{:46}{time:>45}", "time")
    }
}
