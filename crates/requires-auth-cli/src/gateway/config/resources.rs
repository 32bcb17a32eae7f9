//! `[[resources]]`: protected resources with an audience of their own (RFC 9728), among them MCP servers.

use requires_auth::config::{Entry, IssuerConfig, Reader};
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use requires_auth::mcp;
use requires_auth::metadata::{ChallengeScopes, Resource};
use requires_auth::{ConfigError, RequiresAuth};
use toml::de::DeTable;

use super::common::{needs_dpop, unknown_issuer};
use crate::gateway::routes::Below;

const FIELD: &str = "resources";

const KEYS: [&str; 14] = [
    "resource",
    "audience",
    "issuers",
    "scopes",
    "challenge_scopes",
    "dpop",
    "name",
    "metadata_url",
    "mcp",
    "tools",
    "prompts",
    "reads",
    "max_body",
    "mcp_headers",
];

/// What tells the operations of an MCP server apart.
const OF_OPERATIONS: [&str; 3] = ["tools", "prompts", "reads"];

/// One of `[[resources]]`.
#[derive(Clone, Debug)]
pub(crate) struct ResourceConfig {
    /// Its URL, byte for byte.
    pub(crate) url: Resource,
    /// What its tokens are for; its URL without any.
    pub(crate) audience: Vec<String>,
    /// The names of its issuers in the order in which clients are told of them.
    pub(crate) issuers: Vec<String>,
    /// What every request for it needs.
    pub(crate) scopes: Vec<String>,
    /// Which scopes the challenge of a request names that lacks one.
    pub(crate) challenge_scopes: ChallengeScopes,
    /// Whether every request for it needs a proof of the key that its token is bound to.
    pub(crate) needs_dpop: bool,
    /// What people call it.
    pub(crate) name: Option<String>,
    /// Where clients find its document, if that is not where RFC 9728 §3.1 says.
    pub(crate) metadata_url: Option<String>,
    /// Whether it is an MCP server: then everything below its path passes with the base scopes.
    pub(crate) is_mcp: bool,
    /// What each operation of the MCP server needs, where they are told apart.
    pub(crate) operations: Option<mcp::Scopes>,
    /// Whether a proxy that shows no body may ask: the application compares the headers with the body.
    pub(crate) trusts_headers: bool,
    /// The paths that are its own.
    pub(crate) below: Below,
    /// The path of its table: `resources.1`.
    pub(super) within: String,
}

/// What a table says, key by key.
#[derive(Default)]
struct Keys {
    url: Option<Resource>,
    audience: Vec<String>,
    issuers: Vec<String>,
    scopes: Vec<String>,
    challenge_scopes: ChallengeScopes,
    needs_dpop: bool,
    name: Option<String>,
    metadata_url: Option<String>,
    is_mcp: bool,
    operations: mcp::Builder,
    trusts_headers: bool,
}

/// One of `[[resources]]`; `None` if it has no URL that can be used.
pub(super) fn resource(
    reader: &mut Reader<'_>,
    entry: &Entry<'_>,
    table: &DeTable<'_>,
    issuers: &[IssuerConfig],
) -> Option<ResourceConfig> {
    let within = entry.path();
    let mut keys = Keys::default();
    for entry in reader.entries(table, within) {
        keys.read(reader, &entry, issuers);
    }
    for key in ["resource", "issuers"].into_iter().filter(|key| !table.contains_key(*key)) {
        let hint = match key {
            "resource" => "write the URL that clients use: resource = \"https://api.example.com/mcp\"",
            _ => {
                "write issuers = [\"main\"], with the names of tables [issuers.NAME]; clients log in at the first"
            }
        };
        reader.report(FIELD, &format!("{within}.{key}"), "nothing", "what belongs to a resource", hint);
    }
    if !keys.is_mcp {
        let others = OF_OPERATIONS.into_iter().chain(["max_body", "mcp_headers"]);
        for key in others.filter(|key| table.contains_key(*key)) {
            let found = format!("nothing beside `{key}`");
            let hint = "write mcp = true, if there is an MCP server at this resource";
            reader.report(FIELD, &format!("{within}.mcp"), found, "true", hint);
        }
    }
    let tells_apart = OF_OPERATIONS.iter().any(|key| table.contains_key(*key));
    keys.into_resource(reader, within, tells_apart)
}

impl Keys {
    fn read(&mut self, reader: &mut Reader<'_>, entry: &Entry<'_>, issuers: &[IssuerConfig]) {
        match entry.key() {
            "resource" => self.url = url(reader, entry),
            "audience" => self.audience = audience(reader, entry),
            "issuers" => self.issuers = names_of_issuers(reader, entry, issuers),
            "scopes" => self.scopes = reader.texts(FIELD, entry).unwrap_or_default(),
            "challenge_scopes" => {
                let choices =
                    [ChallengeScopes::Keep, ChallengeScopes::Needed].map(|chosen| (chosen.as_str(), chosen));
                let chosen = reader.one_of(FIELD, entry, "\"keep\" or \"needed\"", choices);
                self.challenge_scopes = chosen.unwrap_or_default();
            }
            "dpop" => self.needs_dpop = needs_dpop(reader, FIELD, entry),
            "name" => self.name = reader.text(FIELD, entry),
            "metadata_url" => self.metadata_url = reader.text(FIELD, entry),
            "mcp" => self.is_mcp = reader.switch(FIELD, entry).unwrap_or(false),
            "tools" => self.operations(reader, entry, mcp::Builder::tool),
            "prompts" => self.operations(reader, entry, mcp::Builder::prompt),
            "reads" => self.operations(reader, entry, mcp::Builder::resource),
            "max_body" => {
                let bytes = reader.count(FIELD, entry).and_then(|bytes| usize::try_from(bytes).ok());
                if let Some(bytes) = bytes {
                    self.operations = std::mem::take(&mut self.operations).max_body(bytes);
                }
            }
            "mcp_headers" => {
                let choices = [("server-validates", true)];
                let chosen = reader.one_of(FIELD, entry, "\"server-validates\"", choices);
                self.trusts_headers = chosen.unwrap_or(false);
            }
            _ => reader.unknown(FIELD, entry, &KEYS),
        }
    }

    /// A table of names, each with its scopes.
    fn operations(
        &mut self,
        reader: &mut Reader<'_>,
        entry: &Entry<'_>,
        add: fn(mcp::Builder, &str, &str) -> mcp::Builder,
    ) {
        let Some(table) = reader.table(FIELD, entry) else { return };
        for entry in reader.entries(table, entry.path()) {
            let scopes = reader.texts(FIELD, &entry).unwrap_or_default().join(" ");
            self.operations = add(std::mem::take(&mut self.operations), entry.key(), &scopes);
        }
    }

    /// Notes what the guard of the resource could not be built of, whoever its issuers are.
    fn check(&self, reader: &mut Reader<'_>, within: &str, url: &Resource) {
        let builder =
            RequiresAuth::resource_builder("https://issuer.example", url.as_str()).with_fetch(Nothing);
        let builder = builder.with_base_scopes(&self.scopes);
        let builder = match &self.name {
            Some(name) => builder.with_resource_name(name),
            None => builder,
        };
        let builder = match &self.metadata_url {
            Some(url) => builder.with_metadata_url(url),
            None => builder,
        };
        if let Err(error) = builder.build() {
            tell(reader, &error, |field| match field {
                "base_scopes" => format!("{within}.scopes"),
                "resource_name" => format!("{within}.name"),
                field => format!("{within}.{field}"),
            });
        }
    }

    fn into_resource(
        self,
        reader: &mut Reader<'_>,
        within: &str,
        tells_apart: bool,
    ) -> Option<ResourceConfig> {
        if let Some(url) = &self.url {
            self.check(reader, within, url);
        }
        let operations = self.operations.build();
        if let Err(error) = &operations {
            tell(reader, error, |field| match field {
                "resources" => format!("{within}.reads"),
                field => format!("{within}.{field}"),
            });
        }
        let url = self.url?;
        let Some(below) = Below::parse(url.path()) else {
            let hint =
                "name a path without empty segments, `;` and encoded separators: https://api.example.com/mcp";
            let expected = "a path that every server reads in the same way";
            reader.report(
                FIELD,
                &format!("{within}.resource"),
                format!("`{}`", url.as_str()),
                expected,
                hint,
            );
            return None;
        };
        Some(ResourceConfig {
            url,
            audience: self.audience,
            issuers: self.issuers,
            scopes: self.scopes,
            challenge_scopes: self.challenge_scopes,
            needs_dpop: self.needs_dpop,
            name: self.name,
            metadata_url: self.metadata_url,
            is_mcp: self.is_mcp,
            operations: operations.ok().filter(|_| self.is_mcp && tells_apart),
            trusts_headers: self.trusts_headers,
            below,
            within: within.to_owned(),
        })
    }
}

/// Notes what the library says of a value, at the path of the setting that holds it.
fn tell(reader: &mut Reader<'_>, error: &ConfigError, path: impl Fn(&str) -> String) {
    for problem in error.problems() {
        reader.report(FIELD, &path(problem.field()), problem.found(), problem.expected(), problem.hint());
    }
}

fn url(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Resource> {
    let text = reader.text(FIELD, entry)?;
    Resource::new(&text).map_err(|error| tell(reader, &error, |_| entry.path().to_owned())).ok()
}

fn names_of_issuers(reader: &mut Reader<'_>, entry: &Entry<'_>, issuers: &[IssuerConfig]) -> Vec<String> {
    let names = reader.texts(FIELD, entry).unwrap_or_default();
    if names.is_empty() {
        let hint = "write issuers = [\"main\"], with the names of tables [issuers.NAME]";
        reader.report(FIELD, entry.path(), "an empty list", "at least one issuer", hint);
    }
    for (place, name) in names.iter().enumerate() {
        if !issuers.iter().any(|issuer| issuer.name() == name) {
            unknown_issuer(reader, FIELD, entry.path(), name, issuers);
        }
        if names.iter().take(place).any(|other| other == name) {
            reader.report(FIELD, entry.path(), "the same issuer twice", "each once", "leave one out");
        }
    }
    names
}

fn audience(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<String> {
    let names = reader.texts(FIELD, entry).unwrap_or_default();
    let is_name =
        |name: &String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    if names.is_empty() || !names.iter().all(is_name) {
        let hint = "write what the issuer puts into `aud`, such as \"api://orders\", or leave this out: it is `resource` then";
        reader.report(FIELD, entry.path(), "nothing, or white space", "an audience", hint);
    }
    names
}

/// Fetches nothing, for a guard that is never asked.
struct Nothing;

impl Fetch for Nothing {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(Err(FetchError::Timeout)))
    }
}
