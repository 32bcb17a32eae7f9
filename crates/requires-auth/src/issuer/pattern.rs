//! Issuers with a tenant in them: `https://login.microsoftonline.com/{tenant}/v2.0`.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{ConfigProblem, quoted};

/// A longer name is nobody's.
const LONGEST_NAME: usize = 64;

/// The form of the issuers of many tenants. What stands for the placeholder is one whole segment of the path, or one whole
/// label of the host, of 1 to 64 letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuerPattern {
    text: Arc<str>,
    placeholder: Box<str>,
    before: Box<str>,
    after: Box<str>,
    tenants: Tenants,
}

/// Which tenants are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tenants {
    /// Whoever has an account at the provider.
    Any,
    /// These, byte for byte.
    These(HashSet<Box<str>>),
}

impl IssuerPattern {
    /// Whether a text is meant as a pattern. A variable that nothing has filled in is not.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.contains(['{', '}']) && !text.starts_with("${")
    }

    /// Reads a pattern.
    pub(crate) fn parse(text: &str, tenants: Tenants) -> Result<Self, ConfigProblem> {
        let problem = |expected, hint: &str| ConfigProblem::new("issuer", quoted(text), expected, hint);
        let parts = text.split_once('{').and_then(|(before, rest)| {
            let (name, after) = rest.split_once('}')?;
            Some((before, name, after))
        });
        let is_one = |(before, name, after): &(&str, &str, &str)| {
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            is_name && !Self::is_meant(before) && !Self::is_meant(after)
        };
        let Some((before, name, after)) = parts.filter(is_one) else {
            return Err(problem(
                "one placeholder at most",
                "write one {tenant} for the part in which the issuers differ, and a resolver where they differ in more",
            ));
        };
        let host_ends = before.find("://").and_then(|scheme| before[scheme + 3..].find('/'));
        let is_in_host = host_ends.is_none();
        let is_whole = if is_in_host {
            (before.ends_with("://") || before.ends_with('.')) && after.starts_with('.') && after.len() > 1
        } else {
            before.ends_with('/') && (after.is_empty() || after.starts_with('/'))
        };
        if !is_whole {
            let hint =
                "let {tenant} stand for everything between two slashes, or between the dots of the host";
            return Err(problem("a placeholder for one whole segment", hint));
        }
        if is_in_host && tenants == Tenants::Any {
            let hint =
                "name the tenants with `tenants`: whoever has a name below this host could be one otherwise";
            return Err(problem("a list of tenants for a placeholder in the host", hint));
        }
        Ok(Self {
            text: text.into(),
            placeholder: format!("{{{name}}}").into(),
            before: before.into(),
            after: after.into(),
            tenants,
        })
    }

    /// The pattern, as it is configured.
    pub(crate) const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The tenants that are named; `None` if any will do.
    pub(crate) const fn listed(&self) -> Option<&HashSet<Box<str>>> {
        match &self.tenants {
            Tenants::These(listed) => Some(listed),
            Tenants::Any => None,
        }
    }

    /// The tenant of an issuer, if the issuer fits and the tenant is one of ours.
    pub(crate) fn tenant<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let name = issuer.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        let is_ours = match &self.tenants {
            Tenants::Any => true,
            Tenants::These(listed) => listed.contains(name),
        };
        (is_ours && is_tenant(name)).then_some(name)
    }

    /// The issuer of a tenant.
    pub(crate) fn issuer(&self, tenant: &str) -> String {
        [&self.before, tenant, &self.after].concat()
    }

    /// A URL of a tenant, which has the same placeholder or none.
    pub(crate) fn fill(&self, url: &str, tenant: &str) -> String {
        url.replace(&*self.placeholder, tenant)
    }

    /// Whether a URL is another one for each tenant.
    pub(crate) fn is_in(&self, url: &str) -> bool {
        url.contains(&*self.placeholder)
    }
}

/// Whether this may be the name of a tenant.
pub(crate) fn is_tenant(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(names: &[&str]) -> Tenants {
        Tenants::These(names.iter().map(|name| (*name).into()).collect())
    }

    fn pattern(text: &str, tenants: Tenants) -> IssuerPattern {
        IssuerPattern::parse(text, tenants).unwrap_or_else(|problem| panic!("{problem}"))
    }

    #[test]
    fn a_tenant_is_one_whole_segment() {
        let any = pattern("https://login.example/{tenant}/v2.0", Tenants::Any);
        let long = "a".repeat(65);
        for (issuer, tenant) in [
            ("https://login.example/contoso/v2.0", Some("contoso")),
            ("https://login.example/9188040d-6c67/v2.0", Some("9188040d-6c67")),
            (&format!("https://login.example/{}/v2.0", &long[..64]), Some(&long[..64])),
            (&format!("https://login.example/{long}/v2.0"), None),
            ("https://login.example//v2.0", None),
            ("https://login.example/v2.0", None),
            ("https://login.example/a/b/v2.0", None),
            ("https://login.example/a%2Fb/v2.0", None),
            ("https://login.example/../v2.0", None),
            ("https://login.example/a.b/v2.0", None),
            ("https://login.example/a@b/v2.0", None),
            ("https://login.example/a\u{e9}/v2.0", None),
            ("https://login.example/a\0/v2.0", None),
            ("https://login.example/{tenant}/v2.0", None),
            ("https://login.example/a/v2.0/", None),
            ("https://login.example.evil/a/v2.0", None),
            ("http://login.example/a/v2.0", None),
        ] {
            assert_eq!(any.tenant(issuer), tenant, "{issuer}");
        }
        assert_eq!(any.issuer("contoso"), "https://login.example/contoso/v2.0");
        let at_the_end = pattern("https://login.example/{t}", Tenants::Any);
        assert_eq!(at_the_end.tenant("https://login.example/a"), Some("a"));
        assert_eq!(at_the_end.tenant("https://login.example/a/"), None);
    }

    #[test]
    fn a_list_of_tenants_is_exact() {
        let listed = pattern("https://{org}.login.example/", these(&["contoso", "fabrikam"]));
        assert_eq!(listed.tenant("https://contoso.login.example/"), Some("contoso"));
        for other in
            ["https://Contoso.login.example/", "https://contos.login.example/", "https://.login.example/"]
        {
            assert_eq!(listed.tenant(other), None, "{other}");
        }
    }

    #[test]
    fn what_cannot_work_as_a_pattern_is_told() {
        let listed = || these(&["a"]);
        for (text, tenants, expected) in [
            ("https://a.example/{a}/{b}", listed(), "one placeholder at most"),
            ("https://a.example/{a}{a}", listed(), "one placeholder at most"),
            ("https://a.example/{", listed(), "one placeholder at most"),
            ("https://a.example/}", listed(), "one placeholder at most"),
            ("https://a.example/}{", listed(), "one placeholder at most"),
            ("https://a.example/{}", listed(), "one placeholder at most"),
            ("https://a.example/{a b}", listed(), "one placeholder at most"),
            ("https://a.example/x{a}", listed(), "a placeholder for one whole segment"),
            ("https://a.example/{a}x/", listed(), "a placeholder for one whole segment"),
            ("https://a.example/{a}?x", listed(), "a placeholder for one whole segment"),
            ("https://{a}", listed(), "a placeholder for one whole segment"),
            ("https://x-{a}.example", listed(), "a placeholder for one whole segment"),
            ("https://{a}:1/", listed(), "a placeholder for one whole segment"),
            ("{a}", listed(), "a placeholder for one whole segment"),
            ("https://{a}.example/", Tenants::Any, "a list of tenants for a placeholder in the host"),
        ] {
            let problem = IssuerPattern::parse(text, tenants).expect_err(text);
            assert_eq!((problem.field(), problem.expected()), ("issuer", expected), "{text}");
        }
    }
}
