//! The verdict on one token, for people to read.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::time::SystemTime;

use requires_auth::{AccessToken, Denial};

use super::answer::challenge;
use crate::output::{BAD, GOOD, print_fields, printable, relative, say};

/// Prints a refusal to stdout, and where to go from there to stderr.
pub(crate) fn print_refusal(denial: &Denial, hint: &str) -> io::Result<()> {
    print_denial(denial, hint)?;
    say("run `requires-auth explain` with the same arguments to see each check");
    Ok(())
}

/// Prints what is to be known of a token that is allowed at this moment.
pub(crate) fn print_token(token: &AccessToken, now: SystemTime) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "{GOOD}allowed{GOOD:#}: the token is valid")?;
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let audience = or_none(token.audience().collect::<Vec<_>>().join(" "));
    let scopes = or_none(token.scopes().collect::<Vec<_>>().join(" "));
    let tenant = token.tenant().map(|tenant| ("tenant", printable(tenant)));
    let fields = [
        ("subject", printable(token.subject().unwrap_or("none"))),
        ("client", printable(token.client_id().unwrap_or("none"))),
        ("audience", printable(&audience)),
        ("scopes", printable(&scopes)),
        ("expires", relative(token.expires_at(), now).into()),
    ];
    let issuer = [("issuer", printable(token.issuer()))];
    print_fields(&issuer.into_iter().chain(tenant).chain(fields).collect::<Vec<_>>())
}

/// Prints a refusal with what to do about it.
pub(crate) fn print_denial(denial: &Denial, hint: &str) -> io::Result<()> {
    let reason = denial.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    writeln!(
        anstream::stdout().lock(),
        "{BAD}refused{BAD:#}: {} {}{reason}",
        denial.status(),
        denial.code()
    )?;
    let challenge = challenge(denial).map_or(Cow::Borrowed("none"), Cow::Owned);
    print_fields(&[("message", denial.message().into()), ("challenge", challenge), ("hint", hint.into())])
}
