//! What the 401 says: the challenge from which clients learn where the document is, and what to ask for.

use reqwest::Url;

use super::super::finding::Finding;
use super::challenge::Challenge;
use super::checks;
use super::endpoint::Refusals;
use super::target::McpUrl;

/// What clients look for, wherever in the header it stands.
const WORDS: [&str; 3] = ["scope=", "error=", "resource_metadata="];

/// Scopes that are between a client and its provider.
pub(super) const NOT_OF_A_RESOURCE: [&str; 2] = ["offline_access", "openid"];

/// What a challenge says that later checks need.
#[derive(Default)]
pub(super) struct Said {
    /// Where the document is, if it may be fetched from there.
    pub(super) pointer: Option<Url>,
    /// The scopes, if `scope` is there.
    pub(super) scopes: Option<Vec<String>>,
    /// The error, if there is one.
    pub(super) error: Option<String>,
}

/// Looks at the challenges of a POST and of a GET.
pub(super) fn run(server: &McpUrl, refusals: &Refusals, findings: &mut Vec<Finding>) -> Said {
    let Some(values) = refusals.post.as_ref().or(refusals.get.as_ref()) else { return Said::default() };
    let subject = server.typed();
    findings.push(header(subject, values));
    let Some(challenge) = bearer(values) else { return Said::default() };
    findings.push(match challenge.get("error") {
        Some(error) => {
            checks::NO_ERROR.warn(subject, format!("no token was sent, and it says error=\"{error}\""))
        }
        None => checks::NO_ERROR.ok(subject, "no `error` where no token was sent"),
    });
    let (finding, pointer) = pointer(server, challenge.get("resource_metadata"));
    findings.push(finding);
    findings.extend(words(subject, &challenge));
    let other = refusals.get.as_ref().filter(|_| refusals.post.is_some()).map(|values| bearer(values));
    if let Some(other) = other {
        let told =
            |challenge: Option<&Challenge>, name| challenge.and_then(|own| own.get(name)).map(str::to_owned);
        let differs = |name| told(Some(&challenge), name) != told(other.as_ref(), name);
        findings.push(match ["resource_metadata", "scope"].into_iter().find(|name| differs(name)) {
            Some(name) => {
                checks::SAME_CHALLENGE.warn(subject, format!("a GET has another `{name}` than a POST"))
            }
            None => checks::SAME_CHALLENGE.ok(subject, "the same for GET and POST"),
        });
    }
    let scopes = challenge.get("scope").map(|scope| scope.split(' ').map(str::to_owned).collect());
    Said { pointer, scopes, error: challenge.get("error").map(str::to_owned) }
}

/// The first challenge for Bearer tokens.
pub(super) fn bearer(values: &[String]) -> Option<Challenge> {
    values.iter().flat_map(|value| Challenge::parse(value)).find(Challenge::is_bearer)
}

/// Whether clients find the challenge.
fn header(subject: &str, values: &[String]) -> Finding {
    let check = &checks::BEARER;
    let Some(challenge) = bearer(values) else {
        let what =
            if values.is_empty() { "401 without WWW-Authenticate" } else { "401 without a Bearer challenge" };
        return check.fail(subject, what);
    };
    if challenge.is_bare() {
        return check.fail(subject, "nothing follows `Bearer`");
    }
    if !values.first().is_some_and(|value| value.starts_with("Bearer ")) {
        return check.fail(subject, "it does not begin with `Bearer `");
    }
    if values.len() > 1 {
        return check.warn(subject, format!("there are {} WWW-Authenticate", values.len()));
    }
    check.ok(subject, "it begins with `Bearer `, and parameters follow")
}

/// Whether the document can be found by it (RFC 9728 §5.1).
fn pointer(server: &McpUrl, value: Option<&str>) -> (Finding, Option<Url>) {
    let (check, subject) = (&checks::POINTER, server.typed());
    let Some(value) = value else {
        let what = "there is no `resource_metadata`: clients must guess where the document is";
        return (check.warn(subject, what), None);
    };
    let Ok(url) = Url::parse(value) else {
        return (check.fail(subject, format!("`{value}` is not an absolute URL")), None);
    };
    if !server.may_fetch(&url) {
        return (check.fail(subject, format!("`{value}` is not a public https URL")), None);
    }
    if url.origin() != server.url().origin() {
        let finding = check
            .fail(subject, format!("`{value}` is on another host, port or scheme"))
            .hint("behind a proxy tell the server its public URL");
        return (finding, Some(url));
    }
    (check.ok(subject, value), Some(url))
}

/// Clients look for a word rather than for a parameter.
fn words(subject: &str, challenge: &Challenge) -> Option<Finding> {
    let (name, word) = challenge.parameters().iter().find_map(|(name, value)| {
        let word = WORDS.into_iter().find(|word| value.contains(word))?;
        Some((name, word))
    })?;
    Some(checks::WORDS.warn(subject, format!("`{word}` stands within `{name}`")))
}

/// Whether the challenge says what to ask for; `published` are the scopes of the document.
pub(super) fn scope(server: &McpUrl, said: &Said, published: &[String]) -> Finding {
    let (check, subject) = (&checks::SCOPE, server.typed());
    let Some(scopes) = &said.scopes else {
        return if published.is_empty() {
            check.ok(subject, "no `scope`, and the document names none")
        } else {
            check.warn(subject, "there is no `scope`: clients ask for all that the document names")
        };
    };
    if scopes.iter().any(String::is_empty) {
        return check.fail(subject, "`scope` is empty, or has a space too many").hint(
            "names with one space between them; leave `scope` out where none is needed (RFC 6750 section 3)",
        );
    }
    match scopes.iter().find(|scope| NOT_OF_A_RESOURCE.contains(&scope.as_str())) {
        Some(scope) => check.warn(subject, format!("it asks for {scope}")),
        None => check.ok(subject, scopes.join(" ")),
    }
}
