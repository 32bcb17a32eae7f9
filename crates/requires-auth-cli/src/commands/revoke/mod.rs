//! `requires-auth revoke`: refuses tokens before they expire, by a line in a file or by a request to a gateway.

mod moment;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{ArgGroup, Args};
use requires_auth::revocation::{Revocation, RevocationKind};
use requires_auth::revocations::append_to_file;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use self::moment::Moment;
use crate::context::{Context, Format, Outcome};
use crate::error::Failure;
use crate::http::{cause, client, url_like};
use crate::output::{print_json, printable, say, warn};
use crate::runtime::block_on;
use crate::token_argument::read_token;

const EXAMPLES: &str = "\
Examples:
  requires-auth revoke --subject u-17 --file revoked.jsonl
  requires-auth revoke --session 8f2c --until +12h --file revoked.jsonl
  requires-auth revoke --client old-app --and-later --file revoked.jsonl
  requires-auth revoke --subject u-17 --before 2026-12-01T10:00:00Z \\
    --admin http://127.0.0.1:9181
  requires-auth revoke --file revoked.jsonl < token.txt

A guard whose setting `revocations` names the file refuses the tokens within a second. The file must be there: make an empty one.
With --admin, the gateway writes the file that its own setting names; the secret is that of `admin_token`.";

/// The flags of `revoke`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("what").args(["jti", "subject", "session", "client", "token"])))]
#[command(group(ArgGroup::new("place").args(["file", "admin"]).required(true)))]
pub(crate) struct RevokeArgs {
    /// A token, which is revoked by its own `jti`; `-` reads it from stdin, as does nothing where stdin is piped
    #[arg(value_name = "TOKEN")]
    token: Option<String>,

    /// The token with this `jti`
    #[arg(long, value_name = "JTI")]
    jti: Option<String>,

    /// The tokens of this subject (`sub`) that were issued before now
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,

    /// The tokens of this session (`sid`)
    #[arg(long, value_name = "SID")]
    session: Option<String>,

    /// The tokens of this client that were issued before now
    #[arg(long, value_name = "CLIENT")]
    client: Option<String>,

    /// Only tokens of this issuer [default: of every issuer]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,

    /// Only tokens that were issued before this moment [default: now, for --subject and --client]
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, allow_hyphen_values = true, conflicts_with = "jti")]
    before: Option<Moment>,

    /// Also tokens that are issued from now on
    #[arg(long, conflicts_with = "before")]
    and_later: bool,

    /// When the last of the tokens expires [default: in 30 days]
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, allow_hyphen_values = true)]
    until: Option<Moment>,

    /// The file of revocations
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// The admin listener of a gateway
    #[arg(long, value_name = "URL")]
    admin: Option<String>,

    /// The variable of the environment that has the gateway's `admin_token`
    #[arg(long, value_name = "NAME", default_value = "REQUIRES_AUTH_ADMIN_TOKEN", requires = "admin")]
    admin_token_env: String,
}

impl RevokeArgs {
    /// Runs `revoke`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        let entry = self.entry(SystemTime::now())?;
        if entry.issuer().is_none() {
            say("note: it holds for every issuer; --issuer names one");
        }
        match (&self.file, &self.admin) {
            (Some(file), _) => append(file, &entry)?,
            (None, Some(admin)) => block_on(send(admin, &self.admin_token_env, &entry))??,
            (None, None) => return Err(Failure::new("there is no --file and no --admin")),
        }
        let line = entry.to_json();
        match context.format {
            Format::Json => {
                let line = RawValue::from_string(line).map_err(|error| Failure::new(error.to_string()))?;
                print_json(&json!({ "revoked": line }))?;
            }
            Format::Text => writeln!(io::stdout(), "revoked {}", printable(&line))?,
        }
        Ok(Outcome::Allow)
    }

    /// What is to be revoked.
    fn entry(&self, now: SystemTime) -> Result<Revocation, Failure> {
        let too_far = || Failure::new("there is no such moment: it is too far away");
        let seen = |moment: Option<Moment>| {
            moment.map(|moment| moment.seen_from(now).ok_or_else(too_far)).transpose()
        };
        let named = [
            (RevocationKind::Token, &self.jti),
            (RevocationKind::Subject, &self.subject),
            (RevocationKind::Session, &self.session),
            (RevocationKind::Client, &self.client),
        ];
        let until = seen(self.until)?;
        let named = named.into_iter().find_map(|(kind, value)| Some((kind, value.as_deref()?)));
        let entry = if let Some((kind, value)) = named {
            Revocation::of(kind, value, until.unwrap_or(now + Revocation::DEFAULT_LIFE))
        } else {
            if self.before.is_some() || self.and_later {
                return Err(Failure::new("--before and --and-later have no meaning for one token")
                    .hint("name its subject: --subject SUB"));
            }
            of_token(&read_token(self.token.clone())?, until)?
        };
        let entry = match &self.issuer {
            Some(issuer) => entry.at_issuer(issuer),
            None => entry,
        };
        let is_by_time = matches!(entry.kind(), RevocationKind::Subject | RevocationKind::Client);
        let before = match seen(self.before)? {
            None if is_by_time && !self.and_later => Some(now),
            before => before,
        };
        let entry = match before {
            Some(before) => entry.issued_before(before),
            None => entry,
        };
        // As whoever gets it reads it.
        Revocation::parse(&entry.to_json())
            .map_err(|error| Failure::new(format!("it cannot be revoked: {error}")))?;
        if entry.until() < now {
            warn("its --until has passed: it refuses tokens for five minutes after that at most");
        }
        Ok(entry)
    }
}

/// What a token says of itself. Nobody has verified it: what is revoked by mistake is a token that nobody has.
#[derive(Deserialize)]
struct Claims {
    jti: Option<String>,
    iss: Option<String>,
    exp: Option<f64>,
}

fn of_token(token: &str, until: Option<SystemTime>) -> Result<Revocation, Failure> {
    let parts: Vec<_> = token.split('.').collect();
    let payload = match parts.as_slice() {
        [_, payload, _] => URL_SAFE_NO_PAD.decode(payload).ok(),
        _ => None,
    };
    let claims: Option<Claims> = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    let claims = claims.ok_or_else(|| {
        Failure::new("the token is not a JWT whose claims can be read")
            .hint("name what it says to its issuer instead: --jti, --subject, --session or --client")
    })?;
    let jti = claims.jti.ok_or_else(|| {
        Failure::new("the token has no `jti` by which it could be revoked alone")
            .hint("revoke all tokens of its subject or its session: --subject SUB or --session SID")
    })?;
    let expires = claims.exp.and_then(|exp| {
        std::time::Duration::try_from_secs_f64(exp)
            .ok()
            .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
    });
    let until = until
        .or(expires)
        .ok_or_else(|| Failure::new("the token does not say when it expires").hint("say it: --until +1d"))?;
    let entry = Revocation::of_token(&jti, until);
    Ok(match claims.iss {
        Some(iss) => entry.at_issuer(&iss),
        None => entry,
    })
}

fn append(file: &Path, entry: &Revocation) -> Result<(), Failure> {
    append_to_file(file, entry).map_err(|error| {
        let failure =
            Failure::new(format!("nothing was revoked: {} cannot be written: {error}", file.display()));
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hint("make an empty file where the guard looks for it, by its setting `revocations`")
            }
            _ => failure,
        }
    })
}

/// Asks a gateway to revoke.
async fn send(admin: &str, variable: &str, entry: &Revocation) -> Result<(), Failure> {
    let url = url_like("http://127.0.0.1:9181", admin, "/revocations", &[])?;
    let secret = std::env::var(variable).ok().filter(|secret| !secret.is_empty()).ok_or_else(|| {
        Failure::new(format!("the variable {variable} is not set"))
            .hint("set it to the secret of `admin_token` of the gateway")
    })?;
    let place = url.origin().ascii_serialization();
    let request = client()?.post(url).bearer_auth(secret.trim_ascii());
    let request = request.header("content-type", "application/json").body(entry.to_json());
    let answer = request.send().await.map_err(|error| {
        Failure::new(format!("nothing was revoked: no answer of {place}: {}", cause(&error)))
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let text = answer.text().await.unwrap_or_default();
    let told = text.lines().next().unwrap_or_default();
    let failure =
        Failure::new(format!("nothing was revoked: {place} says {status} {}", printable(told).trim_end()));
    Err(match status.as_u16() {
        401 | 403 => failure.hint(format!("the variable {variable} has another secret than `admin_token`")),
        404 => failure.hint("is it the admin listener, and are `revocations` and `admin_token` set there?"),
        _ => failure,
    })
}
