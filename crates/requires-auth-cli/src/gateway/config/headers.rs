//! `[headers]`: what the application is told about a token, and how it is written.

use http::HeaderName;
use requires_auth::config::{Entry, Reader};
use requires_auth::settings::shown_value;
use toml::de::DeValue;

use super::model::{Encoding, IdentityHeader, IdentitySource};

const KEYS: [&str; 2] = ["claim", "encoding"];

/// What no application could tell from what a client or the proxy has sent.
const NOT_FOR_IDENTITY: [&str; 7] =
    ["authorization", "connection", "content-length", "cookie", "host", "te", "transfer-encoding"];

pub(super) fn headers(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<IdentityHeader> {
    let Some(table) = reader.table("headers", entry) else { return Vec::new() };
    let mut headers: Vec<IdentityHeader> = Vec::new();
    for entry in reader.entries(table, entry.path()) {
        let Some(name) = name(reader, &entry) else { continue };
        if headers.iter().any(|other| other.name == name) {
            let hint = "names of headers do not differ in case";
            reader.report("headers", entry.path(), "the same header again", "different headers", hint);
        }
        if let Some((source, encoding)) = value(reader, &entry) {
            headers.push(IdentityHeader { name, source, encoding });
        }
    }
    headers
}

/// The name of a header that only the gateway sets.
fn name(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<HeaderName> {
    let name = entry.key().parse::<HeaderName>().ok().filter(|name| {
        let name = name.as_str();
        // An application cannot tell `X_A` from `X-A`, nor ours from a client's: in ours no other letter may be.
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !NOT_FOR_IDENTITY.contains(&name)
            && !name.starts_with("x-forwarded-")
            && !name.starts_with("x-original-")
    });
    if name.is_none() {
        let hint = "use letters, digits and `-`: \"X-Auth-Subject\"";
        let expected = "a header that only the gateway sets";
        reader.report("headers", entry.path(), shown_value(entry.key()), expected, hint);
    }
    name
}

/// What the header says, and how: the path of a claim alone, or a table with both.
fn value(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<(IdentitySource, Encoding)> {
    if !matches!(entry.value(), DeValue::Table(_)) {
        return Some((source(reader, entry)?, Encoding::default()));
    }
    let table = reader.table("headers", entry)?;
    let (mut told, mut encoding) = (None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "claim" => told = source(reader, &entry),
            "encoding" => {
                let expected = "\"percent\", \"utf8\" or \"base64\"";
                encoding = reader.one_of("headers", &entry, expected, Encoding::ALL);
            }
            _ => reader.unknown("headers", &entry, &KEYS),
        }
    }
    if !table.contains_key("claim") {
        let hint = "write { claim = \"name\", encoding = \"base64\" }";
        reader.report("headers", &format!("{}.claim", entry.path()), "nothing", "the path of a claim", hint);
    }
    Some((told?, encoding.unwrap_or_default()))
}

fn source(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<IdentitySource> {
    let text = reader.text("headers", entry)?;
    match text.as_str() {
        "@issuer" => Some(IdentitySource::IssuerName),
        "@tenant" => Some(IdentitySource::Tenant),
        path if path.is_empty() || path.starts_with('@') => {
            let hint = "write a claim, such as \"sub\" or \"org.plan\", \"@issuer\" or \"@tenant\"";
            reader.report(
                "headers",
                entry.path(),
                shown_value(path),
                "the path of a claim, @issuer or @tenant",
                hint,
            );
            None
        }
        path => Some(IdentitySource::Claim(path.to_owned())),
    }
}
