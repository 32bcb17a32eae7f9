//! To whose share a call counts.

use std::collections::HashMap;
use std::net::IpAddr;

/// A client that brings about calls: one address of version 4, or one network of 56 bits of version 6, which is what a
/// single household is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Share(u128);

impl Share {
    pub(crate) fn of(client: IpAddr) -> Self {
        match client.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 72 << 72),
        }
    }
}

/// How many calls each client has on their way. It holds only those that have one.
#[derive(Debug, Default)]
pub(super) struct UnderWay(HashMap<Share, usize>);

impl UnderWay {
    /// Whether a client has fewer on their way than its part of `room`, where one more part is left for who comes next.
    pub(super) fn is_below_share(&self, client: Share, room: usize) -> bool {
        let own = self.0.get(&client).copied().unwrap_or_default();
        own == 0 || own < room / (self.0.len() + 1)
    }

    pub(super) fn begin(&mut self, client: Option<Share>) {
        if let Some(client) = client {
            *self.0.entry(client).or_default() += 1;
        }
    }

    pub(super) fn end(&mut self, client: Option<Share>) {
        let Some(client) = client else { return };
        if let Some(own) = self.0.get_mut(&client) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.0.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(address: &str) -> Share {
        Share::of(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_of_56_bits_is_one_client() {
        assert_eq!(share("2001:db8::1"), share("2001:db8:0:ff:ffff:0:0:1"));
        assert_ne!(share("2001:db8::1"), share("2001:db8:0:100::1"));
        assert_eq!(share("192.0.2.1"), share("::ffff:192.0.2.1"));
        assert_ne!(share("192.0.2.1"), share("192.0.2.2"));
    }

    #[test]
    fn a_client_alone_gets_half_and_two_a_third_each() {
        let (one, two, three) = (share("192.0.2.1"), share("192.0.2.2"), share("192.0.2.3"));
        let mut calls = UnderWay::default();
        for _ in 0..6 {
            assert!(calls.is_below_share(one, 12));
            calls.begin(Some(one));
        }
        assert!(!calls.is_below_share(one, 12));
        for _ in 0..4 {
            assert!(calls.is_below_share(two, 12));
            calls.begin(Some(two));
        }
        assert!(!calls.is_below_share(two, 12));
        assert!(calls.is_below_share(three, 12));
        for _ in 0..4 {
            calls.end(Some(one));
            calls.end(Some(two));
        }
        assert!(calls.is_below_share(one, 12), "two of it are left, and two clients are there no more");
        calls.end(Some(one));
        calls.end(Some(one));
        calls.end(None);
        assert!(calls.0.is_empty(), "nobody is remembered");
    }
}
