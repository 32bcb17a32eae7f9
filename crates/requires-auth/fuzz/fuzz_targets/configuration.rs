//! The builder: what it builds can work, and what it refuses cannot.
//!
//! Input: lines of a setting, a space and its value. `issuer` starts the next issuer, and the `audience` lines after
//! it are its own.

#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use requires_auth::RequiresAuth;
use requires_auth::error::{ConfigError, ConfigProblem};
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest};
use requires_auth_fuzz::safe_url::is_safe;
use url::Url;

const ALGORITHMS: [&str; 15] = [
    "EdDSA",
    "Ed25519",
    "ES256",
    "ES256K",
    "ES384",
    "ES512",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "PS256",
    "PS384",
    "PS512",
    "RS256",
    "RS384",
    "RS512",
];

fuzz_target!(|text: &str| {
    let settings = Settings::read(text);
    let expected = settings.expected_problems();
    match settings.build() {
        Ok(_) => assert!(expected.is_empty(), "built in spite of {expected:?}"),
        Err(error) => {
            let found: BTreeSet<_> = error.problems().iter().map(ConfigProblem::field).collect();
            assert_eq!(found, expected, "{error}");
            assert!(
                error
                    .problems()
                    .iter()
                    .all(|problem| !problem.hint().is_empty() && !problem.expected().is_empty())
            );
        }
    }
});

struct Settings<'a> {
    issuers: Vec<(&'a str, Vec<&'a str>)>,
    algorithms: Vec<&'a str>,
    scope_claims: Vec<&'a str>,
    implied: Vec<(&'a str, Vec<&'a str>)>,
    leeway: Option<u64>,
    max_token_bytes: Option<usize>,
}

/// Fetches nothing: building does no IO, and making a real client takes longer than all the rest.
struct Offline;

impl Fetch for Offline {
    fn fetch(&self, _: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(Err(FetchError::Timeout)))
    }
}

impl<'a> Settings<'a> {
    fn read(text: &'a str) -> Self {
        let mut settings = Self {
            issuers: Vec::new(),
            algorithms: Vec::new(),
            scope_claims: Vec::new(),
            implied: Vec::new(),
            leeway: None,
            max_token_bytes: None,
        };
        for line in text.split('\n') {
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            match name {
                "issuer" => settings.issuers.push((value, Vec::new())),
                "audience" => {
                    settings.issuers.last_mut().into_iter().for_each(|(_, audiences)| audiences.push(value));
                }
                "algorithm" => settings.algorithms.push(value),
                "scope_claim" => settings.scope_claims.push(value),
                "implied" => {
                    let (scope, implied) = value.split_once(' ').unwrap_or((value, ""));
                    let implied = implied.split_ascii_whitespace().collect();
                    settings.implied.push((scope, implied));
                }
                "leeway" => settings.leeway = value.parse().ok(),
                "max_token_bytes" => settings.max_token_bytes = value.parse().ok(),
                _ => {}
            }
        }
        settings
    }

    fn build(&self) -> Result<RequiresAuth, ConfigError> {
        let (first, more) =
            self.issuers.split_first().map_or((("", Vec::new()), &[][..]), |(one, more)| (one.clone(), more));
        let mut builder = RequiresAuth::builder(first.0, first.1).with_fetch(Offline);
        for (issuer, audiences) in more {
            builder = builder.with_issuer(issuer, audiences.clone());
        }
        if !self.algorithms.is_empty() {
            builder = builder.with_algorithms(&self.algorithms);
        }
        for (scope, implied) in &self.implied {
            builder = builder.with_implied_scopes(scope, &implied.join(" "));
        }
        if let Some(seconds) = self.leeway {
            builder = builder.with_leeway(Duration::from_secs(seconds));
        }
        if let Some(bytes) = self.max_token_bytes {
            builder = builder.with_max_token_bytes(bytes);
        }
        builder.with_scope_claims(self.scope_claims.iter().copied()).build()
    }

    /// The settings that have a problem.
    fn expected_problems(&self) -> BTreeSet<&'static str> {
        let names: BTreeSet<_> = self.issuers.iter().map(|(issuer, _)| issuer).collect();
        let is_audience = |audience: &&str| !audience.trim().is_empty() && is_plain(audience);
        let has_audience = |audiences: &Vec<&str>| !audiences.is_empty() && audiences.iter().all(is_audience);
        let has_issuers = !self.issuers.is_empty() && names.len() == self.issuers.len();
        [
            ("issuer", !has_issuers || !self.issuers.iter().all(|(issuer, _)| is_issuer(issuer))),
            (
                "audience",
                self.issuers.is_empty() || !self.issuers.iter().all(|(_, audiences)| has_audience(audiences)),
            ),
            ("algorithms", !self.algorithms.iter().all(|name| ALGORITHMS.contains(name))),
            ("leeway", self.leeway.is_some_and(|seconds| seconds > 300)),
            ("max_token_bytes", self.max_token_bytes == Some(0)),
            ("scope_claims", self.scope_claims.iter().any(|path| path.is_empty() || !is_plain(path))),
            ("implied_scopes", self.has_cycle() || !self.implied.iter().all(|(scope, _)| is_plain(scope))),
        ]
        .into_iter()
        .filter_map(|(field, is_wrong)| is_wrong.then_some(field))
        .collect()
    }

    /// Whether a scope implies itself: scopes that imply nothing more are taken away until none is left, or none can be.
    fn has_cycle(&self) -> bool {
        let edges =
            self.implied.iter().flat_map(|(scope, implied)| implied.iter().map(|implied| (*scope, *implied)));
        let mut edges: Vec<_> = edges.collect();
        loop {
            let sources: BTreeSet<_> = edges.iter().map(|(scope, _)| *scope).collect();
            let count = edges.len();
            edges.retain(|(_, implied)| sources.contains(implied));
            if edges.len() == count {
                return count > 0;
            }
        }
    }
}

/// Without white space around it, and without anything that nobody sees: by number.
fn is_plain(text: &str) -> bool {
    const UNSEEN: [std::ops::RangeInclusive<u32>; 9] = [
        0..=0x1F,
        0x7F..=0x9F,
        0xAD..=0xAD,
        0x61C..=0x61C,
        0x180E..=0x180E,
        0x200B..=0x200F,
        0x2028..=0x202E,
        0x2060..=0x206F,
        0xFEFF..=0xFEFF,
    ];
    let is_around = text.trim() != text && !text.trim().is_empty();
    !is_around && !text.chars().any(|c| UNSEEN.iter().any(|range| range.contains(&u32::from(c))))
}

/// A safe URL of nothing but host, port and path, and not the address of metadata.
fn is_issuer(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_metadata = url.path().contains("/.well-known/");
    is_plain(text)
        && !is_metadata
        && is_safe(&url)
        && !has_user
        && url.query().is_none()
        && url.fragment().is_none()
}
