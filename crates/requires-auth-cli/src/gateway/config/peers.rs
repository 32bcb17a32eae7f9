//! Networks: who may ask.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use requires_auth::config::{Entry, Reader};
use requires_auth::settings::shown_value;

/// A network in CIDR notation (RFC 4632 §3.1): `10.0.0.0/8`, `::1/128`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// As bits of version 6; version 4 is mapped into it, so that a peer is the same on either kind of socket.
    bits: u128,
    prefix: u32,
}

impl Network {
    /// `127.0.0.0/8` and `::1`.
    pub(crate) const LOOPBACK: [Self; 2] = [
        Self { bits: Ipv4Addr::new(127, 0, 0, 0).to_ipv6_mapped().to_bits(), prefix: 96 + 8 },
        Self { bits: Ipv6Addr::LOCALHOST.to_bits(), prefix: 128 },
    ];

    /// Whether an address is in it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        (bits(address) ^ self.bits).checked_shr(128 - self.prefix).unwrap_or_default() == 0
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// A list of networks.
pub(super) fn networks(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Vec<Network> {
    let texts = reader.texts(field, entry).unwrap_or_default();
    texts.iter().filter_map(|text| network(reader, field, entry, text)).collect()
}

fn network(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>, text: &str) -> Option<Network> {
    let found = text.parse().ok();
    if found.is_none() {
        let hint = "write \"10.0.0.0/8\", \"::1/128\" or one address";
        reader.report(field, entry.path(), shown_value(text), "networks", hint);
    }
    found
}

/// The text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NetworkError;

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a network: write 10.0.0.0/8, ::1/128 or one address")
    }
}

impl std::error::Error for NetworkError {}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let (width, before) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let prefix = match prefix {
            None => width,
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().ok().filter(|own| *own <= width).ok_or(NetworkError)?
            }
            Some(_) => return Err(NetworkError),
        };
        Ok(Self { bits: bits(address), prefix: before + prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_these_addresses() {
        for (network, address, expected) in [
            ("127.0.0.1/32", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "8.8.8.8", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "127.0.0.1", false),
        ] {
            let network: Network = network.parse().expect("a network");
            assert_eq!(
                network.contains(address.parse().expect("an address")),
                expected,
                "{network:?} {address}"
            );
        }
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let address = address.parse().expect("an address");
            assert!(Network::LOOPBACK.iter().any(|own| own.contains(address)), "{address}");
        }
    }

    #[test]
    fn what_is_no_network() {
        for text in
            ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0/8"]
        {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
    }
}
