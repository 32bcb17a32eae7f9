//! Scopes that include others. Everything here takes time in proportion to the size of what is given: the
//! token is hostile, and a configuration may be long.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// A scope, and what it implies.
pub(crate) type Implication = (Box<str>, Vec<Box<str>>);

/// What each scope implies, to be looked up.
#[derive(Clone, Debug, Default)]
pub(crate) struct ImpliedScopes {
    by_scope: HashMap<Box<str>, Vec<Box<str>>>,
}

impl ImpliedScopes {
    pub(crate) fn new(implications: Vec<Implication>) -> Self {
        let mut by_scope: HashMap<_, Vec<_>> = HashMap::new();
        for (scope, implied) in implications {
            by_scope.entry(scope).or_default().extend(implied);
        }
        Self { by_scope }
    }

    /// What these scopes imply, by whatever detour, without these themselves. Each scope is looked up once.
    pub(crate) fn of<'t>(&'t self, own: &[Cow<'t, str>]) -> Vec<&'t str> {
        if !own.iter().any(|scope| self.by_scope.contains_key(&**scope)) {
            return Vec::new();
        }
        let mut known: HashSet<&str> = HashSet::with_capacity(own.len());
        let distinct: Vec<&str> =
            own.iter().map(|scope| &**scope).filter(|scope| known.insert(scope)).collect();
        let mut found = Vec::new();
        for scope in distinct {
            found.extend(self.direct(scope).filter(|implied| known.insert(implied)));
        }
        let mut next = 0;
        while let Some(&scope) = found.get(next) {
            found.extend(self.direct(scope).filter(|implied| known.insert(implied)));
            next += 1;
        }
        found
    }

    fn direct(&self, scope: &str) -> impl Iterator<Item = &str> {
        self.by_scope.get(scope).into_iter().flatten().map(|implied| &**implied)
    }
}

/// The scopes that imply themselves, each once, in the order in which they are configured.
///
/// They are the groups whose members all imply each other. The method is that of Kosaraju: what is finished last
/// is begun with, along the implications turned round.
pub(crate) fn in_a_cycle(implications: &[Implication]) -> Vec<&str> {
    let graph = Graph::new(implications);
    let finished = trees(&graph.edges, 0..graph.names.len()).concat();
    let groups = trees(&graph.reversed(), finished.into_iter().rev());
    let is_cycle = |group: &Vec<usize>| match group.as_slice() {
        [alone] => graph.edges[*alone].contains(alone),
        _ => true,
    };
    let mut members: Vec<_> = groups.into_iter().filter(is_cycle).flatten().collect();
    members.sort_unstable();
    members.into_iter().map(|scope| graph.names[scope]).collect()
}

/// Scopes by number, and the numbers of those that each implies.
struct Graph<'c> {
    names: Vec<&'c str>,
    edges: Vec<Vec<usize>>,
}

impl<'c> Graph<'c> {
    fn new(implications: &'c [Implication]) -> Self {
        let mut graph = Self { names: Vec::new(), edges: Vec::new() };
        let mut numbers = HashMap::new();
        for (scope, implied) in implications {
            let scope = graph.number(&mut numbers, scope);
            for implied in implied {
                let implied = graph.number(&mut numbers, implied);
                graph.edges[scope].push(implied);
            }
        }
        graph
    }

    fn number(&mut self, numbers: &mut HashMap<&'c str, usize>, name: &'c str) -> usize {
        *numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.edges.push(Vec::new());
            self.names.len() - 1
        })
    }

    fn reversed(&self) -> Vec<Vec<usize>> {
        let mut reversed = vec![Vec::new(); self.edges.len()];
        for (from, to) in self.edges.iter().enumerate() {
            for &to in to {
                reversed[to].push(from);
            }
        }
        reversed
    }
}

/// What can be reached from each root and from none before it, in the order in which it is finished. Without
/// recursion, as a chain may be long.
fn trees(edges: &[Vec<usize>], roots: impl Iterator<Item = usize>) -> Vec<Vec<usize>> {
    let mut visited = vec![false; edges.len()];
    let mut trees = Vec::new();
    for root in roots {
        let mut tree = Vec::new();
        let mut open = Vec::new();
        if !std::mem::replace(&mut visited[root], true) {
            open.push((root, edges[root].iter()));
        }
        while let Some((node, ahead)) = open.last_mut() {
            match ahead.next() {
                Some(&next) if std::mem::replace(&mut visited[next], true) => {}
                Some(&next) => open.push((next, edges[next].iter())),
                None => {
                    tree.push(*node);
                    open.pop();
                }
            }
        }
        trees.push(tree);
    }
    trees.retain(|tree| !tree.is_empty());
    trees
}

#[cfg(test)]
mod tests {
    use super::*;

    fn implications(text: &str) -> Vec<Implication> {
        let line = |line: &str| {
            let (scope, implied) = line.split_once(':').expect("a colon");
            (scope.into(), implied.split_ascii_whitespace().map(Into::into).collect())
        };
        text.split(';').map(line).collect()
    }

    fn cycle(text: &str) -> Vec<String> {
        in_a_cycle(&implications(text)).into_iter().map(ToOwned::to_owned).collect()
    }

    fn implied(text: &str, own: &str) -> String {
        let scopes = ImpliedScopes::new(implications(text));
        let own: Vec<_> = own.split_ascii_whitespace().map(Cow::Borrowed).collect();
        scopes.of(&own).join(" ")
    }

    #[test]
    fn what_a_scope_implies_may_imply_more() {
        assert_eq!(implied("a:b c;c:d;x:y", "a"), "b c d");
        assert_eq!(implied("a:b c;c:d;x:y", "d b c"), "");
        assert_eq!(implied("a:b;a:c", "a"), "b c", "two lines for one scope");
        assert_eq!(implied("a:b;b:a", "a a"), "b", "a cycle ends too");
        assert_eq!(implied("a:b", "b"), "");
    }

    #[test]
    fn exactly_the_members_of_a_cycle_imply_themselves() {
        assert!(cycle("a:b c;b:d;c:d").is_empty(), "two ways to the same scope are not a cycle");
        assert_eq!(cycle("a:a"), ["a"]);
        assert_eq!(cycle("a:b;b:a"), ["a", "b"]);
        assert_eq!(cycle("x:a;a:b c;c:d a;d:y"), ["a", "c"], "not what leads there or away");
        assert_eq!(cycle("a:b;b:a m;m:c;c:d;d:c"), ["a", "b", "c", "d"], "not what lies between two");
    }

    /// Compared with following every path.
    #[test]
    fn cycles_are_those_that_a_search_from_each_scope_finds() {
        let names = ["a", "b", "c", "d", "e"];
        for case in 0..2_000_u64 {
            // A number decides about each of the 25 possible implications, about a third of them.
            let mut bits = case.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mut lines = Vec::new();
            for scope in names {
                let chosen = names.iter().filter(|_| {
                    bits = bits.rotate_left(7).wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
                    bits >> 62 == 0
                });
                let implied: Vec<Box<str>> = chosen.map(|name| (*name).into()).collect();
                lines.push((scope.into(), implied));
            }
            let scopes = ImpliedScopes::new(lines.clone());
            let reaches_itself = |scope: &&str| {
                let direct: Vec<_> = scopes.direct(scope).map(Cow::Borrowed).collect();
                direct.iter().any(|found| found == scope) || scopes.of(&direct).contains(scope)
            };
            let mut expected: Vec<_> = names.into_iter().filter(reaches_itself).collect();
            let mut found = in_a_cycle(&lines);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{lines:?}");
        }
    }

    #[test]
    fn long_lists_take_time_in_proportion() {
        // In the square of it, each of these would take minutes.
        let chain: Vec<Implication> =
            (0..200_000).map(|i| (format!("s{i}").into(), vec![format!("s{}", i + 1).into()])).collect();
        assert!(in_a_cycle(&chain).is_empty());
        let scopes = ImpliedScopes::new(chain);
        let own: Vec<Cow<'_, str>> = (0..100_000).map(|i| Cow::Owned(format!("s{i}"))).collect();
        assert_eq!(scopes.of(&own).len(), 100_001);
        let wide =
            ImpliedScopes::new(vec![("a".into(), (0..100_000).map(|i| format!("w{i}").into()).collect())]);
        let repeated = vec![Cow::Borrowed("a"); 100_000];
        assert_eq!(wide.of(&repeated).len(), 100_000);
    }
}
