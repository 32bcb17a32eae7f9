//! One event per decision. Of the token it holds 8 hex digits of its SHA-256, and nothing else.

use std::borrow::Cow;
use std::fmt;

use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::credential::Credential;
use crate::error::{Denial, ErrorCode, Reason, escaped};
use crate::jose::digest::sha256;
use crate::request::Request;

/// A request that passes. The level is nearly always off, so what the event needs is gathered out of line.
#[inline]
pub(super) fn allowed(request: &Request<'_>, credential: &Credential<'_>, issuer: Option<&str>) {
    if tells_allowed() {
        tell_allowed(request, credential, issuer);
    }
}

/// Whether anybody wants to know of requests that pass.
#[inline]
pub(super) fn tells_allowed() -> bool {
    // Not `enabled!`: it asks a subscriber about something else than an event.
    Level::DEBUG <= LevelFilter::current()
}

#[cold]
#[inline(never)]
fn tell_allowed(request: &Request<'_>, credential: &Credential<'_>, issuer: Option<&str>) {
    let (method, path) = (shown(request.method()), shown(request.path()));
    tracing::debug!(
        issuer,
        method = &*method,
        path = &*path,
        request_id = request.id(),
        token = fingerprint(credential).map(tracing::field::display),
        "allowed"
    );
}

/// A request that is refused. `operation` is what its message asks for, in the client's words.
pub(super) fn refused(
    denial: &Denial,
    hint: &'static str,
    request: &Request<'_>,
    credential: Option<&Credential<'_>>,
    issuer: Option<&str>,
    operation: Option<&str>,
) {
    let (method, path) = (shown(request.method()), shown(request.path()));
    let operation = operation.map(shown);
    // The two macros differ only in their level, which tracing wants as a constant.
    macro_rules! event {
        ($level:expr) => {
            tracing::event!(
                $level,
                code = denial.code().as_str(),
                reason = denial.reason().map(Reason::as_str),
                issuer,
                method = &*method,
                path = &*path,
                operation = operation.as_deref(),
                request_id = request.id(),
                token = credential.and_then(fingerprint).map(tracing::field::display),
                hint,
                "refused"
            )
        };
    }
    if is_suspicious(denial) { event!(Level::WARN) } else { event!(Level::INFO) }
}

/// What happens every day is `info`; what points to an attack or a wrong configuration is `warn`.
fn is_suspicious(denial: &Denial) -> bool {
    match denial.reason() {
        Some(reason) => !matches!(reason, Reason::Expired),
        None => matches!(denial.code(), ErrorCode::IssuerUnavailable | ErrorCode::StateUnavailable),
    }
}

/// How many bytes of a text whose length a client chooses an event has.
const LONGEST: usize = 512;

/// A text that a client chooses, as it stands in one line of a log.
fn shown(text: &str) -> Cow<'_, str> {
    escaped(short(text))
}

/// The beginning of a long text.
fn short(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

/// The first 8 hex digits of the token's SHA-256: enough to find it again, too little to do harm.
fn fingerprint(credential: &Credential<'_>) -> Option<Fingerprint> {
    let bearer = credential.bearer().ok()?;
    let [a, b, c, d, ..] = sha256(bearer.token().as_bytes());
    Some(Fingerprint([a, b, c, d]))
}

struct Fingerprint([u8; 4]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Counts events, and wants nothing else.
    struct Events(Arc<AtomicUsize>);

    impl Subscriber for Events {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.is_event()
        }

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_subscriber_that_takes_events_alone_hears_of_an_allowed_request() {
        let headers = [("authorization", "Bearer abc")];
        let request = Request::new("GET", "/", &headers);
        let credential = Credential::from_request(&request).expect("a credential");
        let heard = Arc::new(AtomicUsize::new(0));
        tracing::subscriber::with_default(Events(Arc::clone(&heard)), || {
            allowed(&request, &credential, None);
        });
        assert_eq!(heard.load(Ordering::Relaxed), 1);
        allowed(&request, &credential, None);
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_text_of_a_client_begins_no_line_and_commands_no_terminal() {
        assert!(matches!(shown("/orders/é"), Cow::Borrowed("/orders/é")));
        let told = shown("/\nforged\u{1b}[31m\u{2028}\u{202e}");
        assert_eq!(told, "/\\nforged\\u{1b}[31m\\u{2028}\\u{202e}");
    }

    #[test]
    fn a_long_path_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!((short("/orders"), short(&long).len()), ("/orders", LONGEST));
        assert_eq!(short(&format!("/{long}")).len(), LONGEST - 1);
    }
}
