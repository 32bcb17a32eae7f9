//! Which provider an issuer is, and what everybody should know who takes its tokens.

use requires_auth::guard::Examination;
use requires_auth::providers::{self, Provider, recognise, recognise_metadata};
use serde_json::Value;

use super::configured::Configured;
use super::finding::{Finding, Level};

const CODE: &str = "provider";

/// Tells the provider that is named, or the one that the metadata or the URL of the issuer show.
pub(super) fn tell(configured: &Configured, found: &Examination) -> Vec<Finding> {
    let name = &configured.issuer;
    let seen = of_metadata(found);
    if let Some(named) = configured.provider.and_then(providers::find) {
        let other = seen.filter(|seen| seen.name != named.name);
        let finding = match other {
            Some(other) => Finding::new(
                Level::Warn,
                CODE,
                name,
                format!("named {}, and looks like {}", named.title, other.title),
            )
            .hint(format!("see {} for what `provider = \"{}\"` means", other.page(), other.name)),
            None => Finding::new(
                Level::Ok,
                CODE,
                name,
                format!("{}, as its setting says: {}", named.title, named.page()),
            ),
        };
        return [finding].into_iter().chain(warnings(name, named)).collect();
    }
    let by_url = || recognise(name).filter(|found| found.is_certain).map(|found| found.provider);
    let Some(provider) = seen.or_else(by_url) else { return Vec::new() };
    let what = format!(
        "{}: `provider = \"{}\"` tells the guard what its tokens look like ({})",
        provider.title,
        provider.name,
        provider.page()
    );
    [Finding::new(Level::Ok, CODE, name, what)].into_iter().chain(warnings(name, provider)).collect()
}

/// What nobody can see from here, and everybody should know.
fn warnings(name: &str, provider: &'static Provider) -> impl Iterator<Item = Finding> {
    provider.warnings.iter().map(move |warning| {
        Finding::new(Level::Skip, CODE, name, *warning).hint(format!("{} says more", provider.page()))
    })
}

fn of_metadata(found: &Examination) -> Option<&'static Provider> {
    let document = found.metadata().iter().rev().find(|document| document.status() == Ok(200))?;
    let metadata: Value = serde_json::from_slice(document.body()).ok()?;
    recognise_metadata(|member| texts(metadata.get(member)))
}

/// The texts of a member: itself, or those in its list.
fn texts(member: Option<&Value>) -> Vec<&str> {
    match member {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
