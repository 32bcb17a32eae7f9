//! The authorization servers that the document names: whether clients find their metadata, and can log in there.

use std::collections::BTreeSet;

use reqwest::Url;

use super::super::finding::Finding;
use super::checks;
use super::client::Client;
use super::documents::Published;
use super::fetch::{Document, Fetched, fetch};

/// How many are looked at; clients take the first, or try a few.
const MAX_ISSUERS: usize = 5;

/// Looks at each issuer; `challenged` are the scopes of the challenge.
pub(super) async fn run(
    client: &Client<'_>,
    published: &Published,
    challenged: &[String],
    findings: &mut Vec<Finding>,
) {
    for issuer in published.issuers.iter().take(MAX_ISSUERS) {
        let Some(url) = url(client, issuer, findings) else { continue };
        let Some(metadata) = metadata(client, issuer, &url, findings).await else { continue };
        findings.push(endpoints(client, issuer, &metadata));
        findings.push(pkce(issuer, &metadata));
        findings.push(public_clients(issuer, &metadata));
        findings.push(registration(issuer, &metadata));
        let wanted = published.scopes.iter().chain(challenged);
        findings.extend(scopes(issuer, &metadata, wanted));
        findings.extend(resources(client, issuer, &metadata));
    }
    let left = published.issuers.len().saturating_sub(MAX_ISSUERS);
    if left > 0 {
        let what = format!("{left} more issuers are not looked at");
        findings.push(checks::ISSUER_METADATA.skip(published.url.as_str(), what));
    }
}

fn url(client: &Client<'_>, issuer: &str, findings: &mut Vec<Finding>) -> Option<Url> {
    let check = &checks::ISSUER_URL;
    let Ok(url) = Url::parse(issuer) else {
        findings.push(check.fail(issuer, "it is not a URL"));
        return None;
    };
    if !client.server().may_fetch(&url) || url.query().is_some() || url.fragment().is_some() {
        findings.push(check.fail(issuer, "it is not a public https URL without query and fragment"));
        return None;
    }
    Some(url)
}

/// Where clients look for metadata, in their order: RFC 8414 §3.1, and OpenID Connect with the path inserted and appended.
fn places(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let paths = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    let mut places = Vec::new();
    for path in paths {
        let mut place = issuer.clone();
        place.set_path(&path);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The metadata that clients find first.
async fn metadata(
    client: &Client<'_>,
    issuer: &str,
    url: &Url,
    findings: &mut Vec<Finding>,
) -> Option<Document> {
    let (mut first, mut told, mut is_ended, mut identities) = (None, Vec::new(), false, Vec::new());
    for place in places(url) {
        let found = fetch(client, &place).await;
        told.push(format!("{}: {}", place.path(), found.told()));
        match found {
            Fetched::Document(document) => {
                identities.push(identity(issuer, &place, &document));
                first = first.or(Some(document));
            }
            Fetched::Ends(_) | Fetched::Redirect(..) => is_ended |= first.is_none(),
            Fetched::Absent(_) => {}
        }
    }
    let (check, told) = (&checks::ISSUER_METADATA, told.join("; "));
    findings.push(match (&first, is_ended) {
        (None, _) => check
            .fail(issuer, told)
            .hint("no place has metadata: is the issuer right, with its path, and can it be reached?"),
        (Some(_), true) => check.fail(issuer, told),
        (Some(_), false) => check.ok(issuer, told),
    });
    findings.extend(identities);
    first
}

/// RFC 8414 §3.3, and OpenID Connect Discovery 1.0 §4.3: identical, else it must not be used.
fn identity(issuer: &str, place: &Url, document: &Document) -> Finding {
    let check = &checks::ISSUER_SAME;
    match document.text("issuer") {
        Some(own) if own == issuer => {
            check.ok(issuer, format!("the same, byte for byte, in {}", place.path()))
        }
        Some(own) if own.trim_end_matches('/') == issuer.trim_end_matches('/') => {
            check.fail(issuer, format!("{} has `{own}`", place.path())).hint(
                "only the last slash differs: some libraries add one to a URL, so write the issuer as text",
            )
        }
        Some(own) => check.fail(issuer, format!("{} has `{own}`", place.path())),
        None => check.fail(issuer, format!("{} has no `issuer`", place.path())),
    }
}

fn endpoints(client: &Client<'_>, issuer: &str, metadata: &Document) -> Finding {
    let check = &checks::ENDPOINTS;
    for name in ["authorization_endpoint", "token_endpoint"] {
        let Some(endpoint) = metadata.text(name) else {
            return check.fail(issuer, format!("there is no {name}"));
        };
        if !Url::parse(endpoint).is_ok_and(|url| client.server().may_fetch(&url)) {
            return check.fail(issuer, format!("{name} is not a public https URL"));
        }
    }
    check.ok(issuer, "authorization_endpoint and token_endpoint")
}

fn pkce(issuer: &str, metadata: &Document) -> Finding {
    let check = &checks::PKCE;
    match metadata.list("code_challenge_methods_supported") {
        Some(methods) if methods.iter().any(|method| method == "S256") => check.ok(issuer, "S256"),
        Some(methods) => check.fail(issuer, format!("S256 is not among: {}", methods.join(", "))),
        None => check.fail(issuer, "there is no code_challenge_methods_supported"),
    }
}

fn public_clients(issuer: &str, metadata: &Document) -> Finding {
    let check = &checks::PUBLIC_CLIENTS;
    match metadata.list("token_endpoint_auth_methods_supported") {
        Some(methods) if methods.iter().any(|method| method == "none") => check.ok(issuer, "`none` is taken"),
        Some(methods) => check.warn(issuer, format!("`none` is not among: {}", methods.join(", "))),
        None => check.warn(issuer, "not said, which means client_secret_basic alone"),
    }
}

fn registration(issuer: &str, metadata: &Document) -> Finding {
    let check = &checks::REGISTRATION;
    let by_document =
        metadata.members.get("client_id_metadata_document_supported").is_some_and(|value| value == true);
    match (by_document, metadata.text("registration_endpoint").is_some()) {
        (true, true) => check.ok(issuer, "client ID metadata documents, and dynamic registration"),
        (true, false) => check.ok(issuer, "client ID metadata documents"),
        (false, true) => check.ok(issuer, "dynamic registration, which MCP has deprecated"),
        (false, false) => check.warn(issuer, "neither client ID metadata documents nor dynamic registration"),
    }
}

/// RFC 8414 §2: an issuer need not announce all of its scopes, but some refuse others.
fn scopes<'s>(
    issuer: &str,
    metadata: &Document,
    wanted: impl Iterator<Item = &'s String>,
) -> Option<Finding> {
    let check = &checks::ISSUER_SCOPES;
    // A set, as both lists come from servers and may be long.
    let announced: BTreeSet<_> = metadata.list("scopes_supported")?.into_iter().collect();
    let mut missing: Vec<_> =
        wanted.filter(|scope| !scope.is_empty() && !announced.contains(*scope)).map(String::as_str).collect();
    missing.sort_unstable();
    missing.dedup();
    Some(if missing.is_empty() {
        check.ok(issuer, "every scope of this resource is announced")
    } else {
        check.warn(issuer, format!("not announced: {}", missing.join(" ")))
    })
}

/// RFC 9728 §4: an issuer may list its resources.
fn resources(client: &Client<'_>, issuer: &str, metadata: &Document) -> Option<Finding> {
    let (check, listed) = (&checks::RESOURCES, metadata.list("protected_resources")?);
    Some(if listed.iter().any(|resource| client.server().compare(resource).is_ok()) {
        check.ok(issuer, "it lists this resource")
    } else {
        check.warn(issuer, "it lists resources, and not this one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_are_looked_for_where_clients_do() {
        let places = |issuer: &str| {
            let url = Url::parse(issuer).expect(issuer);
            places(&url).iter().map(|url| url.path().to_owned()).collect::<Vec<_>>()
        };
        let (oauth, oidc) = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration");
        for bare in ["https://id.example", "https://id.example/"] {
            assert_eq!(places(bare), [oauth, oidc], "{bare}");
        }
        for path in ["https://id.example/oidc", "https://id.example/oidc/"] {
            assert_eq!(
                places(path),
                [format!("{oauth}/oidc"), format!("{oidc}/oidc"), format!("/oidc{oidc}")]
            );
        }
    }
}
