//! The document of the resource: where it is found, and what it says (RFC 9728).

use reqwest::Url;
use serde_json::Value;

use super::super::finding::Finding;
use super::checks;
use super::client::Client;
use super::fetch::{Document, Fetched, fetch};
use super::refusal::NOT_OF_A_RESOURCE;
use super::target::{Difference, McpUrl};

/// What the document says that later checks need.
pub(super) struct Published {
    pub(super) url: Url,
    pub(super) issuers: Vec<String>,
    pub(super) scopes: Vec<String>,
}

/// A place in which clients look.
struct Place {
    url: Url,
    found: Fetched,
}

/// Looks in all places, in the order of clients: the one that the challenge names, and the well-known ones.
pub(super) async fn run(
    client: &Client<'_>,
    pointer: Option<&Url>,
    findings: &mut Vec<Finding>,
) -> Option<Published> {
    let server = client.server();
    let mut urls: Vec<_> = pointer.into_iter().cloned().collect();
    urls.extend(server.documents().into_iter().filter(|url| Some(url) != pointer));
    let mut places = Vec::new();
    for url in urls {
        let found = fetch(client, &url).await;
        let has_one = places.iter().any(|place: &Place| place.found.document().is_some());
        findings.push(answered(&url, &found, Some(&url) == pointer, has_one));
        places.push(Place { url, found });
    }
    findings.extend(other_slash(client).await);
    let documents: Vec<_> =
        places.iter().filter_map(|place| Some((&place.url, place.found.document()?))).collect();
    let Some(((url, first), others)) = documents.split_first() else {
        findings.push(checks::DOCUMENT.fail(client.subject(), "there is no document in any place"));
        return None;
    };
    findings.push(resource(server, url, first));
    contents(url, first, findings);
    for (other, document) in others {
        // The root may have the document of the whole host beside that of this path.
        let is_same = document.members.get("resource") == first.members.get("resource");
        if **other == server.root_document() && !is_same {
            continue;
        }
        if !is_same {
            findings.push(resource(server, other, document));
        } else if document.members != first.members {
            findings.push(
                checks::SAME_DOCUMENT.warn(other.as_str(), format!("it says something else than {url}")),
            );
        }
    }
    let list = |name| first.list(name).unwrap_or_default();
    Some(Published {
        url: (*url).clone(),
        issuers: list("authorization_servers"),
        scopes: list("scopes_supported"),
    })
}

/// What one place answers. `has_one` says that clients have found a document before they come here.
fn answered(url: &Url, found: &Fetched, is_named: bool, has_one: bool) -> Finding {
    let (check, subject, what) = (&checks::DOCUMENT, url.as_str(), found.told());
    match found {
        Fetched::Document(_) => check.ok(subject, what),
        _ if is_named => {
            check.fail(subject, what).hint("the challenge names this place: the document must be there")
        }
        Fetched::Absent(404 | 410) => check.ok(subject, format!("{what}: clients go on to the next place")),
        Fetched::Absent(_) if has_one => check.ok(subject, what),
        Fetched::Absent(_) => check.warn(subject, format!("{what}, where the document or 404 is expected")),
        Fetched::Redirect(..) => check.warn(subject, what),
        Fetched::Ends(_) if has_one => {
            check.warn(subject, format!("{what}: a client that begins here ends here"))
        }
        Fetched::Ends(_) => check.fail(subject, format!("{what}: clients end here")),
    }
}

/// The identity of the resource (RFC 9728 §3.3).
fn resource(server: &McpUrl, url: &Url, document: &Document) -> Finding {
    let (check, subject) = (&checks::RESOURCE, url.as_str());
    let Some(resource) = document.text("resource") else {
        return check.fail(subject, "there is no `resource`");
    };
    let Err(difference) = server.compare(resource) else { return check.ok(subject, resource) };
    let hint = match difference {
        Difference::Slash => "only the last slash differs: give clients the URL that the document has",
        Difference::Scheme => {
            "only http and https differ: the server does not know that it is behind TLS, tell it its public URL"
        }
        Difference::Spelling => {
            "both mean the same, but clients compare bytes: lower-case host, and no default port"
        }
        Difference::Above => {
            "some clients accept a path above their own, others do not: give each resource its own document"
        }
        Difference::Other => checks::RESOURCE.hint,
    };
    check.fail(subject, format!("it is for `{resource}`, not for {}", server.typed())).hint(hint)
}

fn contents(url: &Url, document: &Document, findings: &mut Vec<Finding>) {
    let subject = url.as_str();
    findings.push(if document.is_json() {
        checks::CONTENT_TYPE.ok(subject, "application/json")
    } else {
        checks::CONTENT_TYPE.fail(subject, format!("it is sent as `{}`", document.content_type))
    });
    findings.push(servers(subject, document));
    let scopes = document.list("scopes_supported").unwrap_or_default();
    findings.push(match scopes.iter().find(|scope| NOT_OF_A_RESOURCE.contains(&scope.as_str())) {
        Some(scope) => checks::DOCUMENT_SCOPES.warn(subject, format!("it names {scope}")),
        None => checks::DOCUMENT_SCOPES.ok(subject, scopes.join(" ")),
    });
    findings.push(methods(subject, document));
    let is_empty =
        |value: &Value| value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
    // An empty list of methods has a meaning of its own, and an empty list of servers has been told.
    let counts = |name: &str| !["bearer_methods_supported", "authorization_servers"].contains(&name);
    let empty = document.members.iter().filter(|(name, value)| counts(name) && is_empty(value));
    let empty: Vec<_> = empty.map(|(name, _)| name.as_str()).collect();
    findings.push(if empty.is_empty() {
        checks::EMPTY.ok(subject, "every member has a value")
    } else {
        checks::EMPTY.warn(subject, format!("without a value: {}", empty.join(", ")))
    });
}

fn servers(subject: &str, document: &Document) -> Finding {
    let check = &checks::SERVERS;
    let Some(issuers) = document.list("authorization_servers") else {
        return check.fail(subject, "there is no list `authorization_servers`");
    };
    match &*issuers {
        [] => check.fail(subject, "`authorization_servers` names nobody"),
        [one] => check.ok(subject, one),
        [first, ..] => {
            check.ok(subject, format!("{}: many clients take only the first, {first}", issuers.len()))
        }
    }
}

fn methods(subject: &str, document: &Document) -> Finding {
    let check = &checks::METHODS;
    let Some(value) = document.members.get("bearer_methods_supported") else {
        return check.ok(subject, "not said, so clients use the header");
    };
    let has = |name: &str| value.as_array().is_some_and(|own| own.iter().any(|own| own == name));
    if !has("header") {
        return check.fail(subject, "`header` is not among them");
    }
    if has("query") {
        return check.fail(subject, "`query` is among them");
    }
    check.ok(subject, "header")
}

/// The document of the other spelling of the URL, if there is one, is for that spelling.
async fn other_slash(client: &Client<'_>) -> Option<Finding> {
    let variant = client.server().slash_variant()?;
    let url = variant.documents().into_iter().next()?;
    let found = fetch(client, &url).await;
    let (check, subject) = (&checks::SLASH_DOCUMENT, url.as_str());
    Some(match found.document().map(|document| document.text("resource").unwrap_or_default()) {
        Some(resource) if variant.compare(resource).is_err() => {
            check.warn(subject, format!("it is for `{resource}`, not for {}", variant.typed()))
        }
        Some(_) => check.ok(subject, "it is for this spelling"),
        None => check.ok(subject, found.told()),
    })
}
