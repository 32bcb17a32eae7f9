//! The path of a request as its client wrote it: the URL in a proof of possession is compared with it (RFC 9449 §4.3).
//!
//! Servers hand applications a decoded path, in which `%2F` cannot be told from `/`. Most also tell the path as it came,
//! some with the path that the application is mounted at in it, and some without.

use std::borrow::Cow;
use std::fmt::Write;

/// What servers, and the frameworks behind them, say of a path.
pub(crate) struct ToldPath<'p> {
    /// As it came, where the server tells: with a query or without, and perhaps with scheme and host before it.
    raw: Option<&'p [u8]>,
    /// What the application is mounted at, decoded and without a slash at its end.
    mount: &'p [u8],
    /// The path below the mount, decoded.
    below: &'p [u8],
}

impl<'p> ToldPath<'p> {
    /// By WSGI: `SCRIPT_NAME` and `PATH_INFO` (PEP 3333), as bytes.
    pub(crate) fn of_wsgi(raw: Option<&'p [u8]>, script_name: &'p [u8], path_info: &'p [u8]) -> Self {
        Self { raw, mount: without_last_slash(script_name), below: path_info }
    }

    /// By ASGI: in `path` is `root_path`, but some servers and older frameworks leave it out.
    pub(crate) fn of_asgi(raw: Option<&'p [u8]>, root_path: &'p [u8], path: &'p [u8]) -> Self {
        let mount = without_last_slash(root_path);
        let below = if begins_with(path, mount) { &path[mount.len()..] } else { path };
        Self { raw, mount, below }
    }

    /// Adds the whole path, percent-encoded. Returns whether it is as the client wrote it, and was not encoded anew.
    pub(crate) fn push_to(&self, url: &mut String) -> bool {
        let Some(raw) = self.raw.and_then(path_of) else {
            self.push_decoded_to(url);
            return false;
        };
        if self.is_without_mount(raw) {
            push_decoded(url, self.mount);
        }
        push_raw(url, raw);
        true
    }

    /// Adds the path as the server has decoded it, encoded anew.
    fn push_decoded_to(&self, url: &mut String) {
        push_decoded(url, self.mount);
        push_decoded(url, self.below);
    }

    /// Whether the server has seen the path without the mount, as a proxy in front of it takes that away.
    fn is_without_mount(&self, raw: &[u8]) -> bool {
        if self.mount.is_empty() {
            return false;
        }
        let seen = percent_decoded(raw);
        // What is below the mount may begin with the same name once more.
        *seen == *self.below || !begins_with(&seen, self.mount)
    }
}

fn without_last_slash(path: &[u8]) -> &[u8] {
    path.strip_suffix(b"/").unwrap_or(path)
}

/// Whether a path is `mount`, or below it.
fn begins_with(path: &[u8], mount: &[u8]) -> bool {
    path.strip_prefix(mount).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

/// The path of a request's target: also of a whole URL (RFC 9112 §3.2.2). `None` if it has none.
fn path_of(target: &[u8]) -> Option<&[u8]> {
    let path = target.split(|&byte| byte == b'?').next()?;
    if path.first() == Some(&b'/') {
        return Some(path);
    }
    let host = path.windows(3).position(|three| three == b"://")? + 3;
    let slash = path[host..].iter().position(|&byte| byte == b'/')?;
    Some(&path[host + slash..])
}

/// What no path has in it is encoded: a client that sends it names it so in a URL.
fn push_raw(url: &mut String, path: &[u8]) {
    for &byte in path {
        if byte.is_ascii_graphic() && byte != b'#' {
            url.push(char::from(byte));
        } else {
            push_escape(url, byte);
        }
    }
}

/// A `?` in it must not begin the query, nor a line feed end a line.
fn push_decoded(url: &mut String, path: &[u8]) {
    for &byte in path {
        // RFC 3986 §3.3: what may stand in a path as it is.
        if byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte) {
            url.push(char::from(byte));
        } else {
            push_escape(url, byte);
        }
    }
}

fn push_escape(url: &mut String, byte: u8) {
    write!(url, "%{byte:02X}").expect("a string takes anything");
}

/// A percent sign that is no escape stays, as servers leave it.
fn percent_decoded(path: &[u8]) -> Cow<'_, [u8]> {
    if !path.contains(&b'%') {
        return path.into();
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped =
            (byte == b'%').then(|| after.first_chunk().and_then(|digits| byte_of(*digits))).flatten();
        decoded.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    decoded.into()
}

fn byte_of([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
