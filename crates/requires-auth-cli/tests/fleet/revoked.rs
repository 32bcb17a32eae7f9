//! A token that is revoked at one gateway while it is used at all of them.

use std::time::{Duration, Instant};

use super::gateways::{Fleet, GATEWAYS, Holder};
use super::support::gateway::PATIENCE;

pub(crate) struct Revoked {
    holder: Holder,
    known_after: Duration,
}

impl Revoked {
    /// Revokes a new token at the gateway with this number, and waits until all refuse it.
    pub(crate) fn at(fleet: &Fleet, number: usize) -> Self {
        let begun = Instant::now();
        let (holder, told) = loop {
            assert!(begun.elapsed() < PATIENCE, "nothing can be revoked");
            let subject = format!("mallory-{number}-{}", begun.elapsed().as_nanos());
            let holder = Holder::new(&fleet.stage, &subject);
            for gateway in &fleet.gateways {
                let answer = gateway.ask(&holder.sign("/orders/before"));
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            let told = Instant::now();
            // For a moment after Redis has started again, it is not connected yet.
            if fleet.gateways[number % GATEWAYS].revoke(&subject) {
                break (holder, told);
            }
        };
        for gateway in &fleet.gateways {
            loop {
                let answer = gateway.ask(&holder.sign("/orders/after"));
                if answer.is_refused_as("revoked") {
                    break;
                }
                assert!(answer.status == 200 && told.elapsed() < PATIENCE, "{answer:?}");
            }
        }
        Self { holder, known_after: told.elapsed() }
    }

    /// How long after the operator has asked all gateways refused it.
    pub(crate) fn known_after(&self) -> Duration {
        self.known_after
    }

    /// How many gateways take it, which none must.
    pub(crate) fn accepted_at(&self, fleet: &Fleet) -> usize {
        let asked = fleet.gateways.iter().map(|gateway| gateway.ask(&self.holder.sign("/orders/end")));
        asked.filter(|answer| !answer.is_refused_as("revoked")).count()
    }
}
