//! Seats: how many connections there may be at a time, and how many of them one peer may have.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Whose share a seat counts to: one address of version 4, or one network of 64 bits of version 6, which is what a
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

/// A number of seats.
#[derive(Clone, Debug)]
pub(crate) struct Room(Arc<Inner>);

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

/// Why there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSeat {
    /// All are taken.
    Full,
    /// This peer has as many as one may have.
    Share,
}

impl Room {
    /// Room for `most`; one peer gets `per_peer` of them, or half if that is not said.
    pub(crate) fn new(most: usize, per_peer: Option<usize>) -> Self {
        let most_per_peer = per_peer.unwrap_or(most / 2).max(1);
        Self(Arc::new(Inner { most, most_per_peer, taken: Mutex::default(), freed: Notify::new() }))
    }

    /// Takes a seat. Without a share it counts to nobody's.
    pub(crate) fn take(&self, share: Option<Share>) -> Result<Seat, NoSeat> {
        let mut taken = self.0.taken();
        let own = share.and_then(|share| taken.by_peer.get(&share)).copied().unwrap_or_default();
        if share.is_some() && own >= self.0.most_per_peer {
            return Err(NoSeat::Share);
        }
        if taken.all >= self.0.most {
            return Err(NoSeat::Full);
        }
        taken.all += 1;
        if let Some(share) = share {
            taken.by_peer.insert(share, own + 1);
        }
        drop(taken);
        Ok(Seat(Arc::new(Held { room: Arc::clone(&self.0), share })))
    }

    /// Waits for a seat.
    pub(crate) async fn wait(&self, share: Option<Share>) -> Seat {
        loop {
            // Listened for before it is looked, so that a seat that is freed in between is not missed.
            let mut freed = std::pin::pin!(self.0.freed.notified());
            freed.as_mut().enable();
            match self.take(share) {
                Ok(seat) => return seat,
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

/// A seat, which is free again once nobody has it any more.
#[derive(Clone, Debug)]
pub(crate) struct Seat(#[expect(dead_code, reason = "it is held, and nothing else")] Arc<Held>);

#[derive(Debug)]
struct Held {
    room: Arc<Inner>,
    share: Option<Share>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
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
        self.room.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as a room takes it")]
    fn share(address: &str) -> Option<Share> {
        Some(Share::of(address.parse().expect("an address")))
    }

    #[tokio::test]
    async fn whoever_is_beyond_the_limit_waits_until_one_leaves() {
        let room = Room::new(1, None);
        let first = room.take(share("192.0.2.1")).expect("there is room");
        assert_eq!(room.take(None).expect_err("there is none"), NoSeat::Full);
        let mut second = std::pin::pin!(room.wait(None));
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        second.await;
    }

    #[test]
    fn one_peer_gets_half_and_another_the_rest() {
        let room = Room::new(4, None);
        let first = [room.take(share("192.0.2.1")), room.take(share("::ffff:192.0.2.1"))];
        assert!(first.iter().all(Result::is_ok));
        assert_eq!(room.take(share("192.0.2.1")).expect_err("that is its share"), NoSeat::Share);
        let other = room.take(share("192.0.2.2")).expect("it has a share of its own");
        let exempt = room.take(None).expect("it counts to nobody's share");
        assert_eq!(room.take(share("192.0.2.2")).expect_err("all are taken"), NoSeat::Full);
        drop(first);
        assert!(room.take(share("192.0.2.1")).is_ok());
        drop((other, exempt));
        assert!(room.0.taken().by_peer.is_empty(), "nobody is remembered");
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
        let room = Room::new(8, Some(6));
        let seats: Vec<_> = (0..8).map(|_| room.take(share("192.0.2.1"))).collect();
        assert_eq!(seats.iter().filter(|seat| seat.is_ok()).count(), 6);
        assert!(Room::new(1, None).take(share("192.0.2.1")).is_ok());
    }
}
