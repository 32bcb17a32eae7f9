//! What the issuers of a provider look like: from a short name to a URL, and which URLs cannot be right.

use super::Provider;

/// What the issuers of a provider look like.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a row of the table writes it out")]
pub struct Form {
    /// How a short name becomes an issuer.
    pub shape: Shape,
    /// What the short name is, for messages: `the tenant id`. Empty if there is none.
    pub short: &'static str,
    /// Other names that the issuer has in `iss`; `{}` is the short name.
    pub aliases: &'static [&'static str],
    /// Hosts that are this provider's alone: `*.logto.app`, `accounts.google.com`.
    pub hosts: &'static [&'static str],
    /// Beginnings and parts of the path where people run it themselves: `/realms/*`, `/oidc`. A star at the end stands for
    /// anything that is not empty.
    pub paths: &'static [&'static str],
    /// What its metadata have, wherever it runs: a member, and a part of its text or of a text in its list. All must be
    /// there; none listed tell nothing.
    pub metadata: &'static [(&'static str, &'static str)],
    /// What an issuer must be to work, each with a sentence about one that is not.
    pub rules: &'static [(IssuerRule, &'static str)],
}

/// How a short name becomes an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has its own way to an issuer")]
pub enum Shape {
    /// There is one issuer for everybody.
    Fixed(&'static str),
    /// `{}` is the short name.
    Template(&'static str),
    /// Everybody has a URL of their own; this is what one looks like.
    Url(&'static str),
    /// A user pool of Cognito, `eu-west-1_AbCdEfGhI`, whose region stands before the underscore.
    CognitoPool,
}

/// What an issuer must be to work.
/// A rule looks at the text of the issuer, which is compared byte for byte with `iss` later (RFC 9068 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each is checked in its own way")]
pub enum IssuerRule {
    /// It ends so.
    EndsWith(&'static str),
    /// It has this part.
    Has(&'static str),
    /// It does not have this part.
    HasNot(&'static str),
    /// It has a path.
    HasPath,
}

/// Why a text is not an issuer of a provider.
/// It is a problem of the setting `issuer`, or of the variable or the key in the file where that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongIssuer {
    /// What is expected.
    pub expected: &'static str,
    /// What to do.
    pub hint: String,
}

impl Form {
    pub(super) const PLAIN: Self = Self {
        shape: Shape::Url(""),
        short: "",
        aliases: &[],
        hosts: &[],
        paths: &[],
        metadata: &[],
        rules: &[],
    };
}

impl Provider {
    /// The issuer that a text stands for: its short name, such as a tenant, or its URL. An empty text stands for the
    /// issuer of a provider that has only one.
    ///
    /// # Errors
    ///
    /// The text is neither, or no token of this provider has such an issuer.
    /// ```
    /// use requires_auth::providers;
    ///
    /// let auth0 = providers::find("auth0").ok_or("there is such a row")?;
    /// assert_eq!(auth0.issuer("acme.eu").as_deref(), Ok("https://acme.eu.auth0.com/"));
    /// assert_eq!(auth0.issuer("https://login.example.com/").as_deref(), Ok("https://login.example.com/"));
    /// // The slash at the end is part of the issuer.
    /// let wrong = auth0.issuer("https://login.example.com").expect_err("no slash");
    /// assert!(wrong.hint.contains("slash"));
    /// # Ok::<(), &str>(())
    /// ```
    pub fn issuer(&self, text: &str) -> Result<String, WrongIssuer> {
        let issuer = self.written_out(text)?;
        let broken = self.form.rules.iter().find(|(rule, _)| !rule.holds(&issuer));
        match broken {
            Some((_, hint)) => {
                Err(WrongIssuer { expected: "an issuer of this provider", hint: (*hint).to_owned() })
            }
            None => Ok(issuer),
        }
    }

    /// Why no token can have this issuer, whatever is configured beside it.
    pub(crate) fn never_matches(&self, issuer: &str) -> Option<WrongIssuer> {
        let is_final = |rule: &&(IssuerRule, &str)| matches!(rule.0, IssuerRule::HasNot(_));
        let broken = self.form.rules.iter().filter(is_final).find(|(rule, _)| !rule.holds(issuer))?;
        Some(WrongIssuer { expected: "an issuer that tokens have", hint: broken.1.to_owned() })
    }

    /// The other names that an issuer has in `iss`.
    /// A token under one of them counts as one of this issuer, and [`AccessToken::issuer`](crate::AccessToken::issuer) returns
    /// the name that is configured, so that a user has one name.
    ///
    /// ```
    /// use requires_auth::providers;
    ///
    /// let google = providers::find("google").ok_or("there is such a row")?;
    /// assert_eq!(google.aliases("https://accounts.google.com"), ["accounts.google.com"]);
    /// # Ok::<(), &str>(())
    /// ```
    pub fn aliases(&self, issuer: &str) -> Vec<String> {
        let short = self.short_of(issuer);
        let aliases = self.form.aliases.iter();
        aliases
            .filter_map(|alias| match (alias.contains("{}"), short) {
                (true, Some(short)) => Some(alias.replace("{}", short)),
                (true, None) => None,
                (false, _) => Some((*alias).to_owned()),
            })
            .filter(|alias| alias != issuer)
            .collect()
    }

    /// The pattern of its issuers, with a placeholder for the tenant; `None` if they have no short name.
    pub(crate) fn pattern(&self) -> Option<String> {
        match self.form.shape {
            Shape::Template(template) => Some(template.replace("{}", "{tenant}")),
            _ => None,
        }
    }

    /// The other patterns of issuers, where the short name is a placeholder.
    pub(crate) fn other_patterns(&self, issuer: &str) -> Vec<String> {
        let Shape::Template(template) = self.form.shape else { return Vec::new() };
        let placeholder = template
            .split_once("{}")
            .and_then(|(before, after)| issuer.strip_prefix(before)?.strip_suffix(after))
            .filter(|name| name.starts_with('{') && name.ends_with('}'));
        let fill =
            |placeholder| self.form.aliases.iter().map(|alias| alias.replace("{}", placeholder)).collect();
        placeholder.map(fill).unwrap_or_default()
    }

    /// A text of the row with the short name of the issuer in it; `None` if the issuer has no short name.
    pub fn filled(&self, text: &str, issuer: &str) -> Option<String> {
        if !text.contains("{}") {
            return Some(text.to_owned());
        }
        self.short_of(issuer).map(|short| text.replace("{}", short))
    }

    /// The short name of an issuer, if it has the form of this provider's own.
    fn short_of<'i>(&self, issuer: &'i str) -> Option<&'i str> {
        let Shape::Template(template) = self.form.shape else { return None };
        let (before, after) = template.split_once("{}")?;
        let short = issuer.strip_prefix(before)?.strip_suffix(after)?;
        is_short(short).then_some(short)
    }

    fn written_out(&self, text: &str) -> Result<String, WrongIssuer> {
        let is_url = text.contains("://");
        match self.form.shape {
            Shape::Fixed(issuer) if text.is_empty() || self.form.aliases.contains(&text) => {
                Ok(issuer.to_owned())
            }
            _ if is_url => Ok(text.to_owned()),
            Shape::Template(template) => {
                let short = without_suffix(text, template);
                let is_right = is_short(short);
                is_right.then(|| template.replace("{}", short)).ok_or_else(|| self.neither())
            }
            Shape::CognitoPool => {
                let region = text.split_once('_').map(|(region, _)| region);
                let region = region.filter(|region| is_short(region) && is_short(&text[region.len() + 1..]));
                region
                    .map(|region| format!("https://cognito-idp.{region}.amazonaws.com/{text}"))
                    .ok_or_else(|| self.neither())
            }
            Shape::Fixed(issuer) => Err(WrongIssuer {
                expected: "the issuer of this provider",
                hint: format!("leave it out: it is always {issuer}"),
            }),
            Shape::Url(_) => Err(WrongIssuer { expected: "the URL of the issuer", ..self.neither() }),
        }
    }

    fn neither(&self) -> WrongIssuer {
        let hint = format!("write {}", self.issuer_to_write());
        WrongIssuer { expected: "the short name of an issuer, or its URL", hint }
    }
}

impl IssuerRule {
    fn holds(self, issuer: &str) -> bool {
        match self {
            Self::EndsWith(end) => issuer.ends_with(end),
            Self::Has(part) => issuer.contains(part),
            Self::HasNot(part) => !issuer.contains(part),
            Self::HasPath => {
                let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
                rest.split_once('/').is_some_and(|(_, path)| !path.is_empty())
            }
        }
    }
}

/// A short name that is written with the host around it: `acme.eu.auth0.com`.
fn without_suffix<'t>(text: &'t str, template: &str) -> &'t str {
    let host_end =
        template.split_once("{}").map_or("", |(_, after)| after.split('/').next().unwrap_or_default());
    if host_end.is_empty() { text } else { text.strip_suffix(host_end).unwrap_or(text) }
}

/// Letters, digits, hyphens and dots: what may stand in a host or in one segment of a path.
fn is_short(text: &str) -> bool {
    let is_word = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= 128 && text.split('.').all(is_word)
}
