//! Tokens among the subprotocols that a WebSocket offers (RFC 6455 §4.1): a browser has no other place for one.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::place::{Kind, TokenPlace};
use super::{Shown, invalid_format, trim_whitespace};
use crate::error::{Denial, ErrorCode};
use crate::request::{Headers, Request};

const HEADER: &str = "sec-websocket-protocol";

/// What begins a prefix after which the token stands in base64url.
const ENCODED: &str = "base64url.";

/// What follows the prefix in the one subprotocol that has it.
pub(super) fn with_prefix<'a>(request: &Request<'a>, prefix: &str) -> Result<Shown<Cow<'a, [u8]>>, Denial> {
    let mut found = None;
    for offered in offered(request.headers()) {
        let Some(rest) = offered.strip_prefix(prefix.as_bytes()) else { continue };
        if found.replace(rest).is_some() {
            return Err(Denial::new(ErrorCode::InvalidRequest));
        }
    }
    let Some(token) = found else { return Ok(Shown::Nothing) };
    if !prefix.starts_with(ENCODED) {
        return Ok(Shown::Token(token.into()));
    }
    URL_SAFE_NO_PAD.decode(token).map(|token| Shown::Token(token.into())).map_err(|_| invalid_format())
}

/// The subprotocol after the one that announces it.
pub(super) fn after<'a>(request: &Request<'a>, marker: &str) -> Result<Shown<Cow<'a, [u8]>>, Denial> {
    let offered = offered(request.headers());
    let mut markers = offered.iter().enumerate().filter(|(_, offered)| **offered == marker.as_bytes());
    match (markers.next(), markers.next()) {
        (None, _) => Ok(Shown::Nothing),
        (Some((place, _)), None) => match offered.get(place + 1) {
            Some(&token) => Ok(Shown::Token(token.into())),
            None => Err(invalid_format()),
        },
        (Some(_), Some(_)) => Err(Denial::new(ErrorCode::InvalidRequest)),
    }
}

/// Every subprotocol that is offered, in order; the header may have several lines (RFC 6455 §11.3.4).
fn offered(headers: &dyn Headers) -> Vec<&[u8]> {
    let mut offered = Vec::new();
    headers.visit(HEADER, &mut |line| {
        offered.extend(line.split(|&byte| byte == b',').map(trim_whitespace).filter(|word| !word.is_empty()));
    });
    offered
}

/// The subprotocols that a WebSocket offers, told apart: those that hold a token, what announces one, and all others.
///
/// The answer of a server repeats the one that it chooses, and a token must not stand there. What announces a token may be
/// chosen: a browser that offers nothing else fails a connection that is answered with none.
///
/// ```
/// use requires_auth::credential::{Protocols, TokenPlace};
///
/// let places = [TokenPlace::subprotocol_after("bearer")?];
/// let protocols = Protocols::of(&places, &["chat", "bearer", "eyJhbGciOi..", "v2"]);
/// assert_eq!(protocols.rest(), ["chat", "bearer", "v2"]);
/// assert_eq!(protocols.others().collect::<Vec<_>>(), ["chat", "v2"]);
/// assert_eq!(protocols.announcement(), Some("bearer"));
/// # Ok::<(), requires_auth::credential::InvalidPlace>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Protocols<'p> {
    rest: Vec<&'p str>,
    announcement: Option<&'p str>,
}

impl<'p> Protocols<'p> {
    /// Of what is offered, in its order. An empty one is left out.
    pub fn of(places: &[TokenPlace], offered: &[&'p str]) -> Self {
        let announces = |protocol: &str| {
            places
                .iter()
                .any(|place| matches!(place.kind(), Kind::SubprotocolAfter(own) if **own == *protocol))
        };
        let holds = |protocol: &str| {
            let prefixes = places.iter().filter_map(|place| match place.kind() {
                Kind::SubprotocolPrefix(prefix) => Some(prefix),
                _ => None,
            });
            prefixes.into_iter().any(|prefix| protocol.starts_with(&**prefix))
        };
        let (mut rest, mut announcement) = (Vec::with_capacity(offered.len()), None);
        let mut is_announced = false;
        // What is empty is no subprotocol, and the guard does not count it: a token may stand behind it.
        for protocol in offered.iter().map(|protocol| protocol.trim()).filter(|protocol| !protocol.is_empty())
        {
            let is_token = std::mem::take(&mut is_announced) || holds(protocol);
            if !is_token {
                rest.push(protocol);
                if announces(protocol) {
                    (announcement, is_announced) = (Some(protocol), true);
                }
            }
        }
        Self { rest, announcement }
    }

    /// What an application may choose from: all that hold no token.
    pub fn rest(&self) -> &[&'p str] {
        &self.rest
    }

    /// The rest without what announces a token: for an application that knows nothing of tokens.
    pub fn others(&self) -> impl Iterator<Item = &'p str> {
        self.rest.iter().copied().filter(|protocol| Some(*protocol) != self.announcement)
    }

    /// What announces a token.
    pub const fn announcement(&self) -> Option<&'p str> {
        self.announcement
    }
}

impl fmt::Debug for Protocols<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocols").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_token_is_told_from_what_announces_one() {
        let after = TokenPlace::subprotocol_after("bearer").expect("a place");
        let prefix = TokenPlace::subprotocol_prefix("token.").expect("a place");
        for (places, offered, rest, others) in [
            (vec![after.clone()], "chat bearer a.b.c v2", "chat bearer v2", "chat v2"),
            (vec![prefix.clone()], "chat token.a.b.c v2", "chat v2", "chat v2"),
            (vec![prefix, after], "token.a.b.c bearer d.e.f", "bearer", ""),
            (vec![], "bearer a.b.c", "bearer a.b.c", "bearer a.b.c"),
        ] {
            let offered: Vec<_> = offered.split(' ').collect();
            let protocols = Protocols::of(&places, &offered);
            let of_others: Vec<_> = protocols.others().collect();
            assert_eq!((protocols.rest().join(" "), of_others.join(" ")), (rest.into(), others.into()));
            assert_eq!(protocols.announcement(), (rest != others).then_some("bearer"), "{offered:?}");
        }
    }

    #[test]
    fn a_token_is_found_where_the_guard_finds_it() {
        let places = [TokenPlace::subprotocol_after("bearer").expect("a place")];
        // A server that splits a header at its commas may tell the application of empty ones.
        for list in ["bearer, a.b.c", "bearer,, a.b.c", "bearer, ,a.b.c", ",bearer,\t, a.b.c,"] {
            let headers = [(HEADER, list)];
            let shown = after(&Request::new("GET", "/", &headers), "bearer").ok();
            let token =
                shown.and_then(|shown| if let Shown::Token(token) = shown { Some(token) } else { None });
            assert_eq!(token.as_deref(), Some(&b"a.b.c"[..]), "{list}");
            let offered: Vec<_> = list.split(',').collect();
            let protocols = Protocols::of(&places, &offered);
            assert_eq!(
                (protocols.rest(), protocols.announcement()),
                (&["bearer"][..], Some("bearer")),
                "{list}"
            );
        }
    }
}
