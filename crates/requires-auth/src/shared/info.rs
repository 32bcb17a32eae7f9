//! What a server says about itself, and what of that an operator has to know.

/// Streams are cut by age from this version on.
const OLDEST: (u32, u32) = (6, 2);

/// What a server says: one, or all nodes of a cluster together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// What is wrong with how it is set up, a sentence each. What it does not say is not wrong.
    pub(super) warnings: Vec<String>,
    /// For how many seconds all of it has been running; `None` if it does not say.
    pub(super) uptime: Option<u64>,
}

impl Info {
    /// Reads the answer to `INFO`.
    pub(super) fn read(text: &str) -> Self {
        let uptimes = text.lines().filter_map(|line| line.trim_end().strip_prefix("uptime_in_seconds:"));
        // One that cannot be read is one that has just begun.
        let uptime = uptimes.map(|seconds| seconds.parse().unwrap_or(0)).min();
        Self { warnings: findings(text), uptime }
    }
}

fn findings(info: &str) -> Vec<String> {
    let value = |name: &str| {
        info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let mut findings = Vec::new();
    if let Some(policy) = value("maxmemory_policy").filter(|policy| *policy != "noeviction") {
        findings.push(format!(
            "maxmemory-policy is `{}`: the server may forget a proof before its end, and a copied request would pass then; set \
             it to noeviction",
            shown(policy)
        ));
    }
    if let Some(found) = value("redis_version").filter(|found| version(found).is_some_and(|own| own < OLDEST))
    {
        findings.push(format!("version {} is older than 6.2, which revocations need", shown(found)));
    }
    findings
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A word of the server that is short and plain.
fn shown(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, policy: &str) -> String {
        format!("# Server\r\nredis_version:{version}\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n")
    }

    #[test]
    fn a_server_that_keeps_what_it_is_given_is_right() {
        for version in ["6.2.0", "7.0.15", "8.1", "10.0.0"] {
            assert_eq!(findings(&info(version, "noeviction")), [""; 0], "{version}");
        }
        assert_eq!(findings(""), [""; 0], "who may not ask knows nothing");
    }

    #[test]
    fn one_that_evicts_or_is_old_is_told() {
        for policy in ["allkeys-lru", "volatile-ttl", "allkeys-random"] {
            let found = findings(&info("7.0.15", policy));
            assert!(found.len() == 1 && found[0].contains(policy), "{found:?}");
        }
        for version in ["6.0.16", "5.0.7", "6.1.9"] {
            let found = findings(&info(version, "noeviction"));
            assert!(found.len() == 1 && found[0].contains(version), "{found:?}");
        }
        assert_eq!(findings(&info("5.0", "allkeys-lru")).len(), 2);
    }

    #[test]
    fn a_cluster_is_as_old_as_its_youngest_node() {
        let uptime = |text| Info::read(text).uptime;
        assert_eq!(uptime("uptime_in_seconds:70\r\nuptime_in_days:0\r\n"), Some(70));
        assert_eq!(uptime("uptime_in_seconds:70\nuptime_in_seconds:3\nuptime_in_seconds:900\n"), Some(3));
        assert_eq!(uptime("uptime_in_seconds:soon"), Some(0));
        assert_eq!(uptime("maxmemory_policy:noeviction"), None);
    }

    #[test]
    fn nothing_but_a_short_word_is_repeated() {
        let found = findings(&info("7.0", &format!("\u{1b}[31m`{}", "x".repeat(1_000))));
        assert!(found[0].len() < 250 && !found[0].contains('\u{1b}'));
    }
}
