//! Tokens and key sets that other software made, kept in `recorded/`.

use std::sync::LazyLock;

use serde_json::Value;

use crate::key_sets::KeySet;

/// One file of recorded answers.
pub struct Recorded(LazyLock<Value>);

/// Logto and oidc-provider.
pub static PROVIDERS: Recorded = Recorded(LazyLock::new(|| parse(include_str!("recorded/providers.json"))));
/// Examples printed in RFCs.
pub static STANDARDS: Recorded = Recorded(LazyLock::new(|| parse(include_str!("recorded/standards.json"))));
/// Tokens that aws-lc-rs refuses to sign.
pub static FOREIGN: Recorded = Recorded(LazyLock::new(|| parse(include_str!("recorded/foreign.json"))));

impl Recorded {
    pub fn token(&self, name: &str) -> &str {
        self.0["tokens"][name].as_str().unwrap_or_else(|| panic!("no recorded token {name}"))
    }

    pub fn key_set(&self, name: &str) -> KeySet {
        let set = &self.0["key_sets"][name];
        assert!(set.is_object(), "no recorded key set {name}");
        KeySet::new(name, set.clone())
    }
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("a recorded file is JSON")
}
