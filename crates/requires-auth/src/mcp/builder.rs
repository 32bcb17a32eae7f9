//! From names and lists of scopes to a checked table.

use std::cmp::Reverse;
use std::sync::Arc;

use super::Scopes;
use super::table::{Matched, Named, Table};
use super::uri::Pattern;
use crate::error::{ConfigError, ConfigProblem};
use crate::metadata::check_scopes;
use crate::policy::Policy;

/// What stands for all names that are not given.
const OTHERS: &str = "*";

/// How long a body may be by default: 4 MiB.
const DEFAULT_MAX_BODY: usize = 4 << 20;

/// The largest limit that can be set: 64 MiB.
const LARGEST_MAX_BODY: usize = 64 << 20;

/// Makes [`Scopes`]. Lists of scopes are separated by spaces; an empty one needs no more than the base.
///
/// What is wrong is kept until [`build`](Self::build), which tells all of it.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    base: String,
    prompts: Vec<(String, String)>,
    resources: Vec<(String, String)>,
    tools: Vec<(String, String)>,
    max_body: Option<usize>,
}

impl Builder {
    /// The base: what every request needs, whatever it asks for. Default: any valid token.
    pub fn scopes(mut self, scopes: &str) -> Self {
        scopes.clone_into(&mut self.base);
        self
    }

    /// What a call of this tool needs beside the base. A name of `*` stands for all tools that are not named.
    ///
    /// As soon as one tool is named, a call of any other is refused, unless `*` is there.
    pub fn tool(mut self, name: &str, scopes: &str) -> Self {
        self.tools.push((name.to_owned(), scopes.to_owned()));
        self
    }

    /// What a call of any tool needs that is not named: [`tool`](Self::tool) with `*`.
    pub fn any_tool(self, scopes: &str) -> Self {
        self.tool(OTHERS, scopes)
    }

    /// What getting this prompt needs beside the base. A name of `*` stands for all prompts that are not named.
    pub fn prompt(mut self, name: &str, scopes: &str) -> Self {
        self.prompts.push((name.to_owned(), scopes.to_owned()));
        self
    }

    /// What getting any prompt needs that is not named: [`prompt`](Self::prompt) with `*`.
    pub fn any_prompt(self, scopes: &str) -> Self {
        self.prompt(OTHERS, scopes)
    }

    /// What reading a resource, or subscribing to it, needs beside the base. The pattern is a URI, or the beginning of one
    /// with a `*` behind it; of several that fit, the longest counts.
    ///
    /// A URI that a server may read in several ways, because it has escapes, dot segments or capitals in its host, needs
    /// what all of these readings need together.
    pub fn resource(mut self, pattern: &str, scopes: &str) -> Self {
        self.resources.push((pattern.to_owned(), scopes.to_owned()));
        self
    }

    /// What reading any resource needs that no other pattern fits: [`resource`](Self::resource) with `*`.
    pub fn any_resource(self, scopes: &str) -> Self {
        self.resource(OTHERS, scopes)
    }

    /// How long the body of a message may be, in bytes. Default: 4 MiB; at most 64 MiB. It is held in memory while it is
    /// judged, which takes several times its length for a moment.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// The checked table.
    ///
    /// # Errors
    ///
    /// A text that is not a list of scopes, a name that is empty or stands twice, a pattern that cannot be one, or a limit
    /// out of range. All of them are told at once.
    pub fn build(self) -> Result<Scopes, ConfigError> {
        let mut problems = Vec::new();
        let base = needed(&Policy::default(), "scopes", &self.base, &mut problems);
        let table = Table {
            prompts: named(&base, "prompts", &self.prompts, &mut problems),
            resources: matched(&base, &self.resources, &mut problems),
            tools: named(&base, "tools", &self.tools, &mut problems),
        };
        let max_body = self.max_body.unwrap_or(DEFAULT_MAX_BODY);
        if !(1..=LARGEST_MAX_BODY).contains(&max_body) {
            let hint = "write a number of bytes; messages with files in them may need more than the default of 4 MiB";
            problems.push(ConfigProblem::new(
                "max_body",
                format!("`{max_body}`"),
                "1 to 67108864 bytes",
                hint,
            ));
        }
        ConfigError::unless_empty(problems)?;
        Ok(Scopes { base, table: Arc::new(table), max_body })
    }
}

/// The base with these scopes beside it.
fn needed(base: &Policy, field: &'static str, scopes: &str, problems: &mut Vec<ConfigProblem>) -> Policy {
    let listed: Vec<String> = scopes.split_ascii_whitespace().map(str::to_owned).collect();
    check_scopes(field, &listed, problems);
    match Policy::parse(scopes) {
        Ok(policy) => base.clone().with_scopes_of(&policy),
        // Told already, or an empty list.
        Err(_) => base.clone(),
    }
}

fn named(
    base: &Policy,
    field: &'static str,
    given: &[(String, String)],
    problems: &mut Vec<ConfigProblem>,
) -> Named {
    let mut named = Named::default();
    for (name, scopes) in given {
        let is_pattern = name != OTHERS && name.contains('*');
        if name.is_empty()
            || is_pattern
            || name.chars().any(|letter| letter.is_control() || (letter == ' ' && field == "tools"))
        {
            let hint = "write the name as the server lists it; patterns are for resources alone";
            problems.push(ConfigProblem::new(field, format!("`{}`", name.escape_debug()), "a name", hint));
        }
        let policy = needed(base, field, scopes, problems);
        let earlier = match name.as_str() {
            OTHERS => named.others.replace(policy),
            name => named.insert(name, policy),
        };
        if earlier.is_some() {
            problems.push(twice(field, name));
        }
    }
    named
}

fn matched(base: &Policy, given: &[(String, String)], problems: &mut Vec<ConfigProblem>) -> Matched {
    let field = "resources";
    let mut needs: Vec<(Pattern, Policy)> = Vec::new();
    for (text, scopes) in given {
        let policy = needed(base, field, scopes, problems);
        match Pattern::parse(text) {
            None => {
                let hint = "write a URI, or its beginning with a `*` as the last character: `orders://*`";
                let found = format!("`{}`", text.escape_debug());
                problems.push(ConfigProblem::new(field, found, "a URI or the beginning of one", hint));
            }
            Some(pattern) if needs.iter().any(|(own, _)| *own == pattern) => {
                problems.push(twice(field, text));
            }
            Some(pattern) => needs.push((pattern, policy)),
        }
    }
    needs.sort_by_key(|(pattern, _)| Reverse(pattern.rank()));
    Matched { needs }
}

fn twice(field: &'static str, name: &str) -> ConfigProblem {
    let hint = "leave one of the two out";
    ConfigProblem::new(field, format!("`{name}` twice"), "each name once", hint)
}
