//! Which URLs may be fetched, told by the bytes of the address.

use url::{Host, Url};

/// Whether a URL is https, or http on loopback, and never a link-local address.
pub fn is_safe(url: &Url) -> bool {
    let (is_loopback, is_link_local) = match url.host() {
        None => return false,
        Some(Host::Domain(name)) => (name == "localhost", false),
        Some(Host::Ipv4(address)) => (address.octets()[0] == 127, address.octets()[..2] == [169, 254]),
        Some(Host::Ipv6(address)) => match address.octets() {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, ..] => (true, false),
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 169, 254, ..] => (false, true),
            [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0, 169, 254, ..] => (false, true),
            [0xFE, second, ..] => (false, second & 0xC0 == 0x80),
            octets => (u128::from_be_bytes(octets) == 1, false),
        },
    };
    !is_link_local && (url.scheme() == "https" || url.scheme() == "http" && is_loopback)
}
