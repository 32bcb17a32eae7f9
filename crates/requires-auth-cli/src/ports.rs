//! Ports that commands share, and what to say when one of them is taken.

use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::error::Failure;

/// Where the development issuer listens, if the port is free.
pub(crate) const ISSUER_PORT: u16 = 9100;

/// A port, as an argument; 0 is any free one.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    // `parse` would take a plus sign.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or_else(|| {
        "expected a port alone, a number up to 65535 such as 8000, without an address before it".to_owned()
    })
}

/// A port that is one, as an argument.
pub(crate) fn real_port(text: &str) -> Result<u16, String> {
    port(text).and_then(|number| {
        if number == 0 { Err("expected a port from 1 to 65535".to_owned()) } else { Ok(number) }
    })
}

/// No socket to listen on.
pub(crate) fn cannot_listen(host: IpAddr, port: u16, error: &io::Error) -> Failure {
    Failure::new(format!("cannot listen on {}: {error}", SocketAddr::new(host, port)))
        .hint("choose another port with --port; 0 is any free one")
}

/// What to say when another port is used than the one that was wanted.
pub(crate) fn taken(wanted: u16, used: u16) -> Option<String> {
    (wanted != 0 && wanted != used).then(|| format!("port {wanted} is taken, {used} is the next free one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_number_alone() {
        assert_eq!((port("8000"), port("0"), real_port("65535")), (Ok(8000), Ok(0), Ok(65535)));
        for wrong in ["0.0.0.0:80", ":80", "+80", "-1", "65536", "", "http"] {
            assert!(port(wrong).is_err_and(|told| told.contains("such as 8000")), "{wrong}");
        }
        assert!(real_port("0").is_err());
    }
}
