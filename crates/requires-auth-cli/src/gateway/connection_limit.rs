//! How many connections there may be at a time, and how many of them one peer may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Whose share a permit counts to: one address of version 4, or one network of 64 bits of version 6, which is what a
/// single client is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Share(u128);

impl Share {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }
}

/// A number of permits.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_per_peer: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_peer: HashMap<Share, usize>,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPermit {
    /// All are taken.
    Full,
    /// This peer has as many as one may have.
    Share,
}

impl ConnectionLimit {
    /// A limit of `most`; one peer gets `per_peer` of them, or half if that is not said.
    pub(crate) fn new(most: usize, per_peer: Option<usize>) -> Self {
        let most_per_peer = per_peer.unwrap_or(most / 2).max(1);
        Self(Arc::new(Inner { most, most_per_peer, taken: Mutex::default(), freed: Notify::new() }))
    }

    /// Takes a permit. Without a share it counts to nobody's.
    pub(crate) fn take(&self, share: Option<Share>) -> Result<Permit, NoPermit> {
        let mut taken = self.0.taken();
        let own = share.and_then(|share| taken.by_peer.get(&share)).copied().unwrap_or_default();
        if share.is_some() && own >= self.0.most_per_peer {
            return Err(NoPermit::Share);
        }
        if taken.all >= self.0.most {
            return Err(NoPermit::Full);
        }
        taken.all += 1;
        if let Some(share) = share {
            taken.by_peer.insert(share, own + 1);
        }
        drop(taken);
        Ok(Permit(Arc::new(Held { limit: Arc::clone(&self.0), share })))
    }

    /// Waits for a permit.
    pub(crate) async fn wait(&self, share: Option<Share>) -> Permit {
        loop {
            // Listened for before it is looked, so that a permit that is freed in between is not missed.
            let mut freed = std::pin::pin!(self.0.freed.notified());
            freed.as_mut().enable();
            match self.take(share) {
                Ok(permit) => return permit,
                Err(_) => freed.await,
            }
        }
    }
}

impl Inner {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit for one connection or request, which is free again once nobody has it any more.
#[derive(Clone, Debug)]
pub(crate) struct Permit(#[expect(dead_code, reason = "it is held, and nothing else")] Arc<Held>);

#[derive(Debug)]
struct Held {
    limit: Arc<Inner>,
    share: Option<Share>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.limit.taken();
        taken.all = taken.all.saturating_sub(1);
        if let Some(share) = self.share
            && let Some(own) = taken.by_peer.get_mut(&share)
        {
            *own = own.saturating_sub(1);
            // What is kept grows with those who are here, and not with those who have been.
            if *own == 0 {
                taken.by_peer.remove(&share);
            }
        }
        drop(taken);
        self.limit.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as a limit takes it")]
    fn share(address: &str) -> Option<Share> {
        Some(Share::of(address.parse().expect("an address")))
    }

    #[tokio::test]
    async fn whoever_is_beyond_the_limit_waits_until_one_leaves() {
        let limit = ConnectionLimit::new(1, None);
        let first = limit.take(share("192.0.2.1")).expect("one is free");
        assert_eq!(limit.take(None).expect_err("there is none"), NoPermit::Full);
        let mut second = std::pin::pin!(limit.wait(None));
        tokio::select! {
            biased;
            _ = &mut second => panic!("none is free"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        second.await;
    }

    #[test]
    fn one_peer_gets_half_and_another_the_rest() {
        let limit = ConnectionLimit::new(4, None);
        let first = [limit.take(share("192.0.2.1")), limit.take(share("::ffff:192.0.2.1"))];
        assert!(first.iter().all(Result::is_ok));
        assert_eq!(limit.take(share("192.0.2.1")).expect_err("that is its share"), NoPermit::Share);
        let other = limit.take(share("192.0.2.2")).expect("it has a share of its own");
        let exempt = limit.take(None).expect("it counts to nobody's share");
        assert_eq!(limit.take(share("192.0.2.2")).expect_err("all are taken"), NoPermit::Full);
        drop(first);
        assert!(limit.take(share("192.0.2.1")).is_ok());
        drop((other, exempt));
        assert!(limit.0.taken().by_peer.is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_network_of_64_bits_is_one_peer() {
        assert_eq!(share("2001:db8::1"), share("2001:db8::ffff:0:0:1"));
        assert_ne!(share("2001:db8::1"), share("2001:db8:0:1::1"));
        assert_eq!(share("192.0.2.1"), share("::ffff:192.0.2.1"));
        assert_ne!(share("192.0.2.1"), share("192.0.2.2"));
    }

    #[test]
    fn a_share_can_be_set_and_is_never_nothing() {
        let limit = ConnectionLimit::new(8, Some(6));
        let permits: Vec<_> = (0..8).map(|_| limit.take(share("192.0.2.1"))).collect();
        assert_eq!(permits.iter().filter(|permit| permit.is_ok()).count(), 6);
        assert!(ConnectionLimit::new(1, None).take(share("192.0.2.1")).is_ok());
    }
}
