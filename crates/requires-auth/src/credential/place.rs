//! A place where a request may have its token, as it is chosen and written.

use std::fmt;

use super::is_tchar;
use crate::request::has_a_meaning;

/// Where a request may have its token. Settings name it (`token_from`); the query is never one.
///
/// ```
/// use requires_auth::credential::TokenPlace;
///
/// let place = TokenPlace::header("Cf-Access-Jwt-Assertion")?;
/// assert_eq!(place.to_string(), "header=Cf-Access-Jwt-Assertion");
/// assert_eq!("header=Cf-Access-Jwt-Assertion".parse(), Ok(place));
///
/// // What cannot be the name of a header, or belongs to something else, is not a place.
/// assert!(TokenPlace::header("my header").is_err());
/// assert!(TokenPlace::header("Host").is_err() && TokenPlace::header("X-Request-Id").is_err());
/// # Ok::<(), requires_auth::credential::InvalidPlace>(())
/// ```
/// | place | in a file | in the environment | specification |
/// | --- | --- | --- | --- |
/// | [`authorization`](Self::authorization) | `"authorization"` | `authorization` | RFC 6750 §2.1 |
/// | [`header`](Self::header) | `{ header = "NAME" }` | `header=NAME` | none |
/// | [`cookie`](Self::cookie) | `{ cookie = "NAME" }` | `cookie=NAME` | RFC 6265 |
/// | [`subprotocol_prefix`](Self::subprotocol_prefix) | `{ subprotocol = { prefix = "PREFIX" } }` | `subprotocol.prefix=PREFIX` | RFC 6455 §1.9 |
/// | [`subprotocol_after`](Self::subprotocol_after) | `{ subprotocol = { after = "NAME" } }` | `subprotocol.after=NAME` | RFC 6455 §1.9 |
///
/// A name has at most 256 characters, and those of a token of RFC 9110 §5.6.2. A token in the query (RFC 6750 §2.3) is never
/// read: URLs end in logs and in histories.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenPlace(Kind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Authorization,
    /// In lower case, and as it was written.
    Header(Box<str>, Box<str>),
    Cookie(Box<str>),
    SubprotocolPrefix(Box<str>),
    SubprotocolAfter(Box<str>),
}

/// What is not a place: a name with other characters than a token of RFC 9110 §5.6.2, or a header that belongs to
/// something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected}")]
pub struct InvalidPlace {
    expected: &'static str,
}

impl InvalidPlace {
    /// What would be a place.
    pub const fn expected(&self) -> &'static str {
        self.expected
    }
}

impl TokenPlace {
    /// `Authorization: Bearer TOKEN` (RFC 6750 §2.1): what a guard reads unless it is told otherwise.
    pub const fn authorization() -> Self {
        Self(Kind::Authorization)
    }

    /// A header of this name with the token alone, or with `Bearer` before it.
    ///
    /// # Errors
    ///
    /// It is not the name of a header, or it is one that means something else.
    /// The name is compared without regard to case (RFC 9110 §5.1). For proxies that authenticate the user and put a token of
    /// their own into a header. Only a proxy that removes the header from what clients send may be trusted to have written it;
    /// the signature of the token is checked in any case.
    pub fn header(name: &str) -> Result<Self, InvalidPlace> {
        let lower = word(name, "the name of a header")?.to_ascii_lowercase();
        if has_a_meaning(&lower) {
            return Err(InvalidPlace { expected: "a header that means nothing else" });
        }
        Ok(Self(Kind::Header(lower.into(), name.into())))
    }

    /// A cookie of this name; case counts (RFC 6265 §5.3).
    ///
    /// # Errors
    ///
    /// It is not the name of a cookie.
    /// A browser sends a cookie with requests that another site has caused. A token in a cookie therefore counts on a request
    /// that may change something, and on the opening of a WebSocket, only if the request comes from a page of this site: see
    /// [`with_cookie_origins`](crate::guard::Builder::with_cookie_origins).
    ///
    /// ```
    /// use requires_auth::credential::TokenPlace;
    ///
    /// let place = TokenPlace::cookie("__Host-token")?;
    /// assert_eq!((place.header_name(), place.cookie_name()), ("cookie", Some("__Host-token")));
    /// assert!(TokenPlace::cookie("a;b").is_err());
    /// # Ok::<(), requires_auth::credential::InvalidPlace>(())
    /// ```
    pub fn cookie(name: &str) -> Result<Self, InvalidPlace> {
        Ok(Self(Kind::Cookie(word(name, "the name of a cookie")?.into())))
    }

    /// What follows this prefix in one of the subprotocols that a WebSocket offers (RFC 6455 §1.9). After a prefix that begins
    /// with `base64url.` it is the token in base64url, as Kubernetes has it.
    ///
    /// # Errors
    ///
    /// It is not the beginning of a subprotocol.
    pub fn subprotocol_prefix(prefix: &str) -> Result<Self, InvalidPlace> {
        Ok(Self(Kind::SubprotocolPrefix(word(prefix, "the beginning of a subprotocol")?.into())))
    }

    /// The subprotocol that a WebSocket offers after this one: `new WebSocket(url, ["bearer", token])`.
    ///
    /// # Errors
    ///
    /// It is not a subprotocol.
    /// A page in a browser cannot give a WebSocket an `Authorization` header, and this is the usual way around. The marker is
    /// what a server may answer with; the token is never sent back.
    ///
    /// ```
    /// use requires_auth::credential::TokenPlace;
    ///
    /// let place = TokenPlace::subprotocol_after("bearer")?;
    /// assert_eq!(place.header_name(), "sec-websocket-protocol");
    /// assert_eq!(place.to_string(), "subprotocol.after=bearer");
    /// # Ok::<(), requires_auth::credential::InvalidPlace>(())
    /// ```
    pub fn subprotocol_after(marker: &str) -> Result<Self, InvalidPlace> {
        Ok(Self(Kind::SubprotocolAfter(word(marker, "a subprotocol")?.into())))
    }

    pub(super) const fn kind(&self) -> &Kind {
        &self.0
    }

    /// The header that it is in, in lower case.
    pub fn header_name(&self) -> &str {
        match &self.0 {
            Kind::Authorization => "authorization",
            Kind::Header(name, _) => name,
            Kind::Cookie(_) => "cookie",
            Kind::SubprotocolPrefix(_) | Kind::SubprotocolAfter(_) => "sec-websocket-protocol",
        }
    }

    /// The cookie that it is.
    /// `None` for every other place. A name is compared byte for byte.
    pub const fn cookie_name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Cookie(name) => Some(name),
            _ => None,
        }
    }

    /// Its parts as settings write them: what it is, and which one.
    /// The kinds are `authorization`, `header`, `cookie`, `subprotocol.prefix` and `subprotocol.after`; the first has no name.
    /// [`from_parts`](Self::from_parts) reads them again.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match &self.0 {
            Kind::Authorization => ("authorization", None),
            Kind::Header(_, written) => ("header", Some(written)),
            Kind::Cookie(name) => ("cookie", Some(name)),
            Kind::SubprotocolPrefix(prefix) => ("subprotocol.prefix", Some(prefix)),
            Kind::SubprotocolAfter(marker) => ("subprotocol.after", Some(marker)),
        }
    }

    /// The place that these parts name; `None` if there is no such kind of place.
    /// The inner error is that of a kind that exists with a name that it cannot have:
    ///
    /// ```
    /// use requires_auth::credential::TokenPlace;
    ///
    /// assert_eq!(TokenPlace::from_parts("authorization", None), Some(Ok(TokenPlace::authorization())));
    /// assert!(TokenPlace::from_parts("cookie", Some("a;b")).is_some_and(|place| place.is_err()));
    /// assert!(TokenPlace::from_parts("query", Some("access_token")).is_none());
    /// ```
    pub fn from_parts(kind: &str, name: Option<&str>) -> Option<Result<Self, InvalidPlace>> {
        Some(match (kind, name) {
            ("authorization", None) => Ok(Self::authorization()),
            ("header", Some(name)) => Self::header(name),
            ("cookie", Some(name)) => Self::cookie(name),
            ("subprotocol.prefix", Some(name)) => Self::subprotocol_prefix(name),
            ("subprotocol.after", Some(name)) => Self::subprotocol_after(name),
            _ => return None,
        })
    }
}

fn word<'t>(text: &'t str, expected: &'static str) -> Result<&'t str, InvalidPlace> {
    // A limit, as the name is looked for in every request.
    let is_word = !text.is_empty() && text.len() <= 256 && text.bytes().all(is_tchar);
    if is_word { Ok(text) } else { Err(InvalidPlace { expected }) }
}

/// As a variable of the environment has it: `authorization`, `header=NAME`, `cookie=NAME`, `subprotocol.prefix=PREFIX`,
/// `subprotocol.after=NAME`.
impl fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (kind, Some(name)) => write!(f, "{kind}={name}"),
            (kind, None) => f.write_str(kind),
        }
    }
}

impl std::str::FromStr for TokenPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (kind, name) = text.split_once('=').map_or((text, None), |(kind, name)| (kind, Some(name)));
        Self::from_parts(kind, name).unwrap_or(Err(InvalidPlace { expected: "a place of a token" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_read_as_it_is_written() {
        for text in [
            "authorization",
            "header=Cf-Access-Jwt-Assertion",
            "cookie=__Host-token",
            "subprotocol.prefix=base64url.bearer.authorization.k8s.io.",
            "subprotocol.after=bearer",
        ] {
            assert_eq!(text.parse::<TokenPlace>().map(|place| place.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_is_not_a_place_is_refused() {
        for text in [
            "",
            "query",
            "query=access_token",
            "header",
            "header=",
            "header=a b",
            "header=Authorization",
            "header=Cookie",
            "cookie=a;b",
            "cookie=a=b",
            "cookie=",
            "subprotocol=bearer",
            "subprotocol.after=a,b",
            "subprotocol.prefix=",
            "authorization=Bearer",
            "Authorization",
        ] {
            assert!(text.parse::<TokenPlace>().is_err(), "{text}");
        }
        assert!(TokenPlace::header(&"a".repeat(256)).is_ok());
        assert!(TokenPlace::header(&"a".repeat(257)).is_err());
    }
}
