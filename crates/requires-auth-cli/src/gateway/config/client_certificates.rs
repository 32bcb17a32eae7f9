//! `client_certificate` of `[forward_auth]` and `[reverse_proxy]`: the header in which a proxy tells the certificate of a
//! client.

use http::HeaderName;
use requires_auth::client_certificate::{CertificateHeader, HeaderFormat};
use requires_auth::config::{Entry, Reader};
use requires_auth::settings::shown_value;

const KEYS: [&str; 2] = ["header", "format"];

/// A header, as far as it is said.
pub(super) struct Written {
    header: HeaderName,
    format: Option<HeaderFormat>,
    /// Where the format is to stand.
    path: String,
}

impl Written {
    /// The header, with the format that all of these `usual` ones are if none is said.
    pub(super) fn with(
        self,
        reader: &mut Reader<'_>,
        field: &'static str,
        usual: impl IntoIterator<Item = HeaderFormat>,
    ) -> Option<CertificateHeader> {
        let mut usual = usual.into_iter();
        // Without a dialect there is a mistake that has been told.
        let first = usual.next()?;
        let only = usual.all(|other| other == first).then_some(first);
        let Some(format) = self.format.or(only) else {
            let hint =
                "the dialects write it in different ways: name the one of this header, such as \"rfc9440\"";
            reader.report(field, &self.path, "nothing", "a format", hint);
            return None;
        };
        Some(CertificateHeader::new(self.header.as_str(), format))
    }
}

/// The table with a header and its format.
pub(super) fn written(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<Written> {
    let table = reader.table(field, entry)?;
    let (mut named, mut chosen) = (None, None);
    for entry in reader.entries(table, entry.path()) {
        match entry.key() {
            "header" => named = name(reader, field, &entry),
            "format" => chosen = format(reader, field, &entry),
            _ => reader.unknown(field, &entry, &KEYS),
        }
    }
    if !table.contains_key("header") {
        let hint = "write { header = \"Client-Cert\", format = \"rfc9440\" }";
        let path = format!("{}.header", entry.path());
        reader.report(field, &path, "nothing", "the header that the proxy sets", hint);
    }
    if table.contains_key("format") && chosen.is_none() {
        return None;
    }
    Some(Written { header: named?, format: chosen, path: format!("{}.format", entry.path()) })
}

fn name(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<HeaderName> {
    let text = reader.text(field, entry)?;
    let name = text.parse::<HeaderName>().ok().filter(|_| CertificateHeader::is_possible(&text));
    if name.is_none() {
        let hint = "use letters, digits and `-`: \"Client-Cert\"";
        reader.report(field, entry.path(), shown_value(&text), "a header that only the proxy sets", hint);
    }
    name
}

fn format(reader: &mut Reader<'_>, field: &'static str, entry: &Entry<'_>) -> Option<HeaderFormat> {
    let text = reader.text(field, entry)?;
    let format = HeaderFormat::named(&text);
    if format.is_none() {
        let names: Vec<_> = HeaderFormat::ALL.iter().map(|format| format.as_str()).collect();
        let hint = format!("the formats are {}", names.join(", "));
        reader.report(field, entry.path(), shown_value(&text), "how the certificate stands there", hint);
    }
    format
}
