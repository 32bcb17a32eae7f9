//! The setting `shared_state`, read and checked.

use std::sync::Arc;
use std::time::Duration;

use super::target::{Login, Node, Target};
use crate::error::ConfigProblem;
use crate::file::{MAX_GIVEN_BYTES, RegularFile};
use crate::secret_places::SecretPlaces;
use crate::settings::shared_state::{self as members, MEMBERS};
use crate::settings::{Document, Table};

/// The setting that problems are told of.
const FIELD: &str = "shared_state";

const WRONG_URL: &str = "a URL that is not one of Redis";

const PASSWORD: SecretPlaces = SecretPlaces {
    field: FIELD,
    what: "password",
    itself: members::PASSWORD,
    variable: members::PASSWORD_ENV,
    file: members::PASSWORD_FILE,
};

/// What is chosen about the server, once it is known to fit together.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(super) target: Target,
    pub(super) namespace: Arc<str>,
    pub(super) timeout: Duration,
    /// Whether used proofs are remembered in memory while the server does not answer.
    pub(super) falls_back: bool,
    /// Whether revocations are told to all instances.
    pub(super) has_revocations: bool,
    /// How old revocations may be.
    pub(super) max_lag: Duration,
}

impl Options {
    /// Reads the table; files that it names are read now, and nothing is connected.
    ///
    /// # Errors
    ///
    /// All mistakes at once.
    pub(crate) fn read(table: &Table) -> Result<Self, Vec<ConfigProblem>> {
        let mut problems = table.check_limits(FIELD, MEMBERS);
        let nodes = nodes(table, &mut problems);
        let namespace = namespace(table).map_err(|problem| problems.push(problem)).ok();
        let password = PASSWORD.read(table).map_err(|problem| problems.push(problem)).ok().flatten();
        let login = Login { username: table.get(members::USERNAME), password };
        let ca = ca(table).map_err(|problem| problems.push(problem)).ok().flatten();
        if ca.is_some() && !nodes.iter().any(Node::is_tls) {
            let hint = "write rediss://, or leave `ca` out";
            problems.push(problem("`ca` for a server without TLS", "rediss:// beside `ca`", hint));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let is_cluster = table.get(members::CLUSTER).is_some();
        let target = Target::new(nodes, is_cluster, &login, ca).map_err(|cause| {
            vec![problem(cause.to_string(), "a server", "look at `ca` and at the nodes of the cluster")]
        })?;
        let timeout = Duration::from_millis(table.count(members::TIMEOUT_MS) as u64);
        let falls_back = table.get(members::ON_OUTAGE) == Some("memory");
        Ok(Self {
            target,
            namespace: namespace.unwrap_or_default(),
            timeout,
            falls_back,
            has_revocations: table.is_on(members::REVOCATIONS),
            max_lag: table.duration(members::MAX_LAG),
        })
    }
}

/// The nodes that are named; none if that is a problem.
fn nodes(table: &Table, problems: &mut Vec<ConfigProblem>) -> Vec<Node> {
    let given = match (table.get(members::URL), table.get(members::CLUSTER)) {
        (Some(url), None) => vec![url],
        (None, Some(nodes)) if !nodes.is_empty() => nodes,
        (None, _) => {
            let hint = "write shared_state = \"rediss://redis.internal:6379\"";
            problems.push(problem("no server", "`url`, or `cluster` with a node", hint));
            return Vec::new();
        }
        (Some(_), Some(_)) => {
            let hint = "keep `cluster` for a cluster, and `url` for a server";
            problems.push(problem("`url` beside `cluster`", "one of the two", hint));
            return Vec::new();
        }
    };
    // The URL is not shown: it may have a password.
    let mut parse = |url: &String| {
        let unseen = ConfigProblem::of_unseen(FIELD, url).map(|problem| problem.with_found(WRONG_URL));
        let parsed = Node::parse(url).map_err(|expected| problem(WRONG_URL, expected, ""));
        match unseen.map_or(parsed, Err) {
            Ok(node) => Some(node),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    };
    let nodes: Vec<_> = given.iter().filter_map(&mut parse).collect();
    if nodes.iter().any(Node::is_tls) && !nodes.iter().all(Node::is_tls) {
        problems.push(problem("nodes with and without TLS", "rediss:// for each node", "use TLS for all"));
    }
    nodes
}

fn namespace(table: &Table) -> Result<Arc<str>, ConfigProblem> {
    let name = table.get(members::NAMESPACE).unwrap_or_else(|| "api".to_owned());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_plain) {
        let hint = "name it after the API: `orders`";
        return Err(problem("another namespace", "1 to 64 letters, digits, `.`, `_` and `-`", hint));
    }
    Ok(name.into())
}

fn ca(table: &Table) -> Result<Option<Vec<u8>>, ConfigProblem> {
    let pem = match table.get(members::CA) {
        None => return Ok(None),
        Some(Document::Bytes(pem)) => pem,
        Some(Document::File(path)) => {
            let read = RegularFile::open(&path).and_then(|file| file.read(MAX_GIVEN_BYTES));
            read.map_err(|cause| {
                let hint = "a path in a configuration file is relative to its folder";
                problem(format!("ca {}: {cause}", path.display()), "a readable file of certificates", hint)
            })?
        }
    };
    if memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----").is_none() {
        let hint = "start each with -----BEGIN CERTIFICATE-----";
        return Err(problem("ca without a certificate", "certificates in PEM", hint));
    }
    Ok(Some(pem))
}

fn problem(found: impl Into<String>, expected: &'static str, hint: &str) -> ConfigProblem {
    ConfigProblem::new(FIELD, found, expected, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;

    fn table(change: impl FnOnce(&mut Table)) -> Table {
        let mut table = Table::default();
        table.set(members::URL, "redis://localhost".to_owned());
        change(&mut table);
        table
    }

    #[test]
    fn a_url_is_enough() {
        let options = Options::read(&table(|_| {})).expect("options");
        assert_eq!((&*options.namespace, options.timeout), ("api", Duration::from_millis(150)));
        assert!(!options.falls_back);
    }

    #[test]
    fn every_mistake_is_told_and_no_secret() {
        let wrong: [fn(&mut Table); 10] = [
            |table| table.set(members::URL, "redis://:secret-of-redis@localhost".to_owned()),
            |table| table.set(members::URL, "redis://localhost\n".to_owned()),
            |table| table.set(members::CLUSTER, vec!["redis://localhost".to_owned()]),
            |table| table.set(members::NAMESPACE, "a{b}".to_owned()),
            |table| table.set(members::NAMESPACE, String::new()),
            |table| table.set(members::TIMEOUT_MS, 9),
            |table| table.set(members::CA, Document::Bytes(b"-----BEGIN CERTIFICATE-----".to_vec())),
            |table| {
                table.set(members::URL, "rediss://localhost".to_owned());
                table.set(members::CA, Document::Bytes(b"no certificate".to_vec()));
            },
            |table| {
                table.set(members::PASSWORD, Secret::new("secret-of-redis"));
                table.set(members::PASSWORD_FILE, "/nowhere".into());
            },
            |table| table.set(members::PASSWORD_ENV, "REQUIRES_AUTH_NO_SUCH_VARIABLE".to_owned()),
        ];
        for (number, change) in wrong.into_iter().enumerate() {
            let problems = Options::read(&table(change)).expect_err(&format!("mistake {number}"));
            assert_eq!(problems.len(), 1, "{number}: {problems:?}");
            assert!(!format!("{problems:?}").contains("secret-of-redis"));
        }
        assert!(Options::read(&Table::default()).is_err(), "no server at all");
    }

    #[test]
    fn a_cluster_has_tls_everywhere_or_nowhere() {
        let cluster = |nodes: &[&str]| {
            let mut table = Table::default();
            table.set(members::CLUSTER, nodes.iter().map(|node| (*node).to_owned()).collect());
            Options::read(&table).is_ok()
        };
        assert!(cluster(&["redis://one:1", "redis://two:2"]));
        assert!(cluster(&["rediss://one:1"]));
        assert!(!cluster(&["redis://one:1", "rediss://two:2"]));
        assert!(!cluster(&[]));
    }
}
