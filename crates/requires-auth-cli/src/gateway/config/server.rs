//! `[server]`: where the gateway listens.

use std::num::NonZeroUsize;

use requires_auth::config::{Entry, Reader};
use requires_auth::settings::shown_value;
use url::Url;

use super::model::{ClientCertificates, Listen, ServerConfig, TlsConfig};
use super::operators::{self, OperatorsConfig};

const SERVER: [&str; 7] =
    ["listen", "admin", "admin_token", "admin_scopes", "public_url", "tls", "connections_per_peer"];
const TLS: [&str; 4] = ["certificate", "key", "client_certificates", "client_ca"];
const NEEDED_FOR_TLS: [&str; 2] = ["certificate", "key"];

/// Where it listens, and who may change something on the admin pages.
pub(super) fn server(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    operators: &mut OperatorsConfig,
) -> Option<ServerConfig> {
    let table = reader.table("server", entry)?;
    let (mut listen_at, mut admin, mut tls_files, mut connections_per_peer) = (None, None, None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "listen" => listen_at = listen(reader, "server", &entry),
            "admin" => admin = listen(reader, "server", &entry),
            "admin_token" => operators.token = operators::token(reader, &entry),
            "admin_scopes" => operators.policy = operators::policy(reader, &entry),
            "public_url" => check_public_url(reader, &entry),
            "tls" => tls_files = tls(reader, &entry),
            "connections_per_peer" => connections_per_peer = share(reader, &entry),
            _ => reader.unknown("server", &entry, &SERVER),
        }
    }
    if !table.contains_key("listen") {
        let hint = "write listen = \"127.0.0.1:9180\"";
        reader.report(
            "server",
            &format!("{}.listen", entry.path()),
            "nothing",
            "an address and a port",
            hint,
        );
    }
    if let (Some(admin), Some(listen)) = (&admin, &listen_at)
        && admin.is_taken_by(listen)
    {
        let hint = "give it a port of its own, which the outside cannot reach";
        reader.report(
            "server",
            &format!("{}.admin", entry.path()),
            "that of `listen`",
            "another place",
            hint,
        );
    }
    Some(ServerConfig { listen: listen_at?, admin, tls: tls_files, connections_per_peer })
}

/// How many connections a peer may have: one at least.
fn share(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<NonZeroUsize> {
    let count = reader.count("server", entry)?;
    let share = NonZeroUsize::new(usize::try_from(count).unwrap_or(usize::MAX));
    if share.is_none() {
        let hint = "leave it out: one peer then has half of all connections";
        reader.report("server", entry.path(), "0, which serves nobody", "at least 1", hint);
    }
    share
}

fn listen(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<Listen> {
    let text = reader.text(field, entry)?;
    let found = Listen::parse(&text).map(|place| match place {
        Listen::Unix(path) => Listen::Unix(reader.beside(&path.to_string_lossy())),
        place @ Listen::Tcp(_) => place,
    });
    if found.is_none() {
        let hint = "write \"127.0.0.1:9180\", \"[::1]:9180\" or \"unix:/run/requires-auth.sock\"";
        reader.report(
            field,
            entry.path(),
            shown_value(&text),
            "an address and a port, or a unix socket",
            hint,
        );
    }
    found
}

fn tls(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<TlsConfig> {
    let table = reader.table("server", entry)?;
    let (mut certificate, mut key) = (None, None);
    let (mut asked, mut ca) = (None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "certificate" => certificate = reader.path("server", &entry),
            "key" => key = reader.path("server", &entry),
            "client_certificates" => {
                let choices =
                    [("any", Asked::Any), ("optional", Asked::Optional), ("required", Asked::Required)];
                let expected = "\"optional\", \"required\" or \"any\"";
                asked = reader.one_of("server", &entry, expected, choices);
            }
            "client_ca" => ca = reader.path("server", &entry),
            _ => reader.unknown("server", &entry, &TLS),
        }
    }
    for name in NEEDED_FOR_TLS.into_iter().filter(|name| !table.contains_key(*name)) {
        let hint = "write tls = { certificate = \"cert.pem\", key = \"key.pem\" }";
        reader.report("server", &format!("{}.{name}", entry.path()), "nothing", "a file in PEM", hint);
    }
    let setting = |name| format!("{}.{name}", entry.path());
    let client_certificates = match (asked, ca) {
        (None, None) => None,
        (Some(Asked::Any), None) => Some(ClientCertificates::Any),
        (Some(Asked::Optional), Some(ca)) => Some(ClientCertificates::Optional { ca }),
        (Some(Asked::Required), Some(ca)) => Some(ClientCertificates::Required { ca }),
        (Some(Asked::Optional | Asked::Required), None) => {
            // A path that cannot be read has been reported.
            if !table.contains_key("client_ca") {
                let hint = "name the certificates that clients' own have to lead to: client_ca = \"clients.pem\"; with \
                            client_certificates = \"any\" nobody has to have issued them";
                reader.report("server", &setting("client_ca"), "nothing", "a file in PEM", hint);
            }
            None
        }
        (asked @ (Some(Asked::Any) | None), Some(_)) => {
            let hint = "`client_ca` is for \"optional\" and \"required\": write one of them, or leave it out";
            let found =
                if asked.is_some() { "\"any\" beside `client_ca`" } else { "nothing beside `client_ca`" };
            let expected = "\"optional\" or \"required\"";
            reader.report("server", &setting("client_certificates"), found, expected, hint);
            None
        }
    };
    Some(TlsConfig { certificate: certificate?, key: key?, client_certificates })
}

/// `client_certificates`.
#[derive(Clone, Copy)]
enum Asked {
    Any,
    Optional,
    Required,
}

/// `public_url`, the URL of the API as its clients know it: scheme, host and port alone. It is the guard's setting of that name
/// where the file has no other.
fn check_public_url(reader: &mut Reader<'_>, entry: &Entry<'_>) {
    let Some(text) = reader.text("server", entry) else { return };
    let is_base = Url::parse(&text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if !is_base {
        let hint = "write scheme, host and port alone: public_url = \"https://api.example.com\"";
        reader.report("server", entry.path(), "another text", "a URL without user, path and query", hint);
    }
}
