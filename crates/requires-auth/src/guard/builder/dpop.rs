//! Proofs of possession: from the setting `dpop` to the rules of proofs, and to what a guard has beside them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Builder, IssuerSettings};
use crate::binding::proof::ProofRules;
use crate::binding::{DpopMode, Methods, public_base};
use crate::challenge::Schemes;
use crate::dpop::{Dpop, NonceSource, Replay};
use crate::error::ConfigProblem;
use crate::guard::proving::Proving;
use crate::guard::sharing::Sharing;
use crate::jose::alg::{Algorithm, AlgorithmSet};
use crate::replay::{MemoryReplay, ReplayStore};
use crate::secret_places::SecretPlaces;
use crate::settings::dpop::{self as members, MEMBERS};
use crate::settings::{self, Table, shown_value};

const FIELD: &str = "dpop";

/// A shorter secret can be guessed.
const LEAST_SECRET_BYTES: usize = 32;

const NONCE_SECRET: SecretPlaces = SecretPlaces {
    field: FIELD,
    what: "nonce_secret",
    itself: members::NONCE_SECRET,
    variable: members::NONCE_SECRET_ENV,
    file: members::NONCE_SECRET_FILE,
};

/// What a guard needs to take proofs, if any issuer of it does.
#[derive(Default)]
pub(super) struct Proofs {
    pub(super) rules: Option<Arc<ProofRules>>,
    pub(super) proving: Option<Box<Proving>>,
    pub(super) schemes: Schemes,
}

impl Builder {
    /// Whether tokens come with a proof of the key that they are bound to (DPoP, RFC 9449), of all issuers that have no mode of
    /// their own. Default: they do not, and a token that is bound to a key is refused.
    ///
    /// It needs [`with_public_url`](Self::with_public_url), as the URL of a request stands in its proof. See
    /// [`dpop`](crate::dpop).
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::dpop::Dpop;
    ///
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_public_url("https://api.example.com")
    ///     .with_dpop(Dpop::required())
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_dpop(mut self, dpop: Dpop) -> Self {
        let (table, replay) = dpop.into_parts();
        self.replay = replay;
        self.set(settings::DPOP, table)
    }

    /// Whether tokens of the issuer named last come with a proof of their key, if that differs from the other issuers. Default:
    /// as [`with_dpop`](Self::with_dpop) says.
    ///
    /// ```
    /// use requires_auth::RequiresAuth;
    /// use requires_auth::dpop::{Dpop, DpopMode};
    ///
    /// let auth = RequiresAuth::builder("https://issuer.example", "https://api.example.com")
    ///     .with_issuer("https://old.example", "https://api.example.com")
    ///     .with_issuer_dpop(DpopMode::Off)
    ///     .with_public_url("https://api.example.com")
    ///     .with_dpop(Dpop::required())
    ///     .build()?;
    /// # let _ = auth;
    /// # Ok::<(), requires_auth::ConfigError>(())
    /// ```
    pub fn with_issuer_dpop(self, mode: DpopMode) -> Self {
        let mut table = Table::default();
        table.set(members::MODE, mode);
        self.set_for_issuer(settings::DPOP, table)
    }

    /// The mode of issuers that have none of their own.
    pub(super) fn dpop_mode(&self) -> DpopMode {
        self.given.get(settings::DPOP).as_ref().map_or(DpopMode::Off, mode_of)
    }

    /// What the guard needs to take proofs.
    pub(super) fn proofs(&self, sharing: &Sharing, problems: &mut Vec<ConfigProblem>) -> Proofs {
        let for_all = self.dpop_mode();
        let of_named = self.issuers.iter().map(|settings| settings.methods(for_all).dpop);
        let modes: Vec<_> = of_named.chain(self.resolver.iter().map(|_| for_all)).collect();
        problems.extend(self.issuers.iter().filter_map(IssuerSettings::check_dpop));
        let table = self.given.get(settings::DPOP).unwrap_or_default();
        problems.extend(table.check_limits(FIELD, MEMBERS));
        if !modes.iter().any(|mode| mode.is_on()) {
            return Proofs::default();
        }
        let algorithms = algorithms(&table, problems).unwrap_or_else(ProofRules::default_algorithms);
        let takes_bearer = modes.iter().any(|mode| *mode != DpopMode::Required);
        let schemes = Schemes::with_dpop(takes_bearer, algorithms);
        let Some(public_url) = self.base_of_proofs(problems) else { return Proofs::default() };
        let nonces = nonce_source(&table, &public_url).map_err(|problem| problems.push(problem));
        let rules = ProofRules {
            max_age: table.duration(members::MAX_AGE),
            future: table.duration(members::FUTURE),
            algorithms,
            max_bytes: table.count(members::MAX_PROOF_BYTES),
            public_url: public_url.into(),
            public_test_keys: self.given.is_on(settings::DANGEROUSLY_ALLOW_PUBLIC_TEST_KEYS),
        };
        let proving = Proving {
            replay: self.replay_store(&table, sharing),
            nonces: nonces.ok().flatten(),
            waits: AtomicBool::new(false),
        };
        Proofs { rules: Some(Arc::new(rules)), proving: Some(Box::new(proving)), schemes }
    }

    /// The URL before the paths of requests.
    fn base_of_proofs(&self, problems: &mut Vec<ConfigProblem>) -> Option<String> {
        let given = self.given.get(settings::PUBLIC_URL);
        let Some(given) = given else {
            let hint = "a proof is for one URL: say which scheme, host and port clients use, since `Host` is what a client \
                        chooses: write it as `public_url`, such as https://api.example.com, or set REQUIRES_AUTH_PUBLIC_URL";
            problems.push(ConfigProblem::new(
                "public_url",
                "nothing",
                "the URL of this API, where `dpop` is on",
                hint,
            ));
            return None;
        };
        let base = public_base(&given);
        // What is wrong with it is told already.
        if base.is_none() && problems.iter().all(|problem| problem.field() != "public_url") {
            let hint = "write it as clients send it, in ASCII: https://api.example.com";
            problems.push(ConfigProblem::new("public_url", shown_value(&given), "the URL of this API", hint));
        }
        base
    }

    /// Where used proofs are recorded. A guard that takes the place of another goes on with its store: a proof that was used
    /// there must not count again.
    fn replay_store(&self, table: &Table, sharing: &Sharing) -> Option<Arc<dyn ReplayStore>> {
        // A proof may be ahead of our clock, and is kept as long again after its time.
        let longest_use = table.duration(members::MAX_AGE) + 2 * table.duration(members::FUTURE);
        match &self.replay {
            Replay::Nowhere => None,
            Replay::Store(store) => Some(Arc::clone(store)),
            Replay::Default => {
                if let Some(shared) = sharing.replay(longest_use) {
                    return Some(shared);
                }
                let earlier = self.keys_of.as_ref().filter(|guard| !guard.inner.sharing.is_on());
                let earlier = earlier.and_then(|guard| guard.inner.proving.as_ref());
                let kept = earlier.and_then(|proving| proving.replay.clone());
                Some(kept.unwrap_or_else(|| Arc::new(MemoryReplay::new(table.count(members::MAX_ENTRIES)))))
            }
        }
    }
}

impl IssuerSettings {
    /// Which bindings of its tokens a request may prove; `for_all` is the mode of the guard.
    pub(super) fn methods(&self, for_all: DpopMode) -> Methods {
        let dpop = self.given.get(settings::DPOP).as_ref().map_or(for_all, mode_of);
        Methods { dpop, ..Methods::default() }
    }

    /// An issuer has a mode, and nothing else of its own.
    fn check_dpop(&self) -> Option<ConfigProblem> {
        let table = self.given.get(settings::DPOP)?;
        let (member, _) = table.iter().find(|(member, _)| *member != members::MODE.setting.key)?;
        let hint =
            "write `dpop = \"required\"` for the issuer, and all else in the table `dpop` of the guard";
        Some(ConfigProblem::new(FIELD, format!("{member} of one issuer"), "a mode alone", hint))
    }
}

/// A table without a mode is there since somebody wants proofs.
fn mode_of(table: &Table) -> DpopMode {
    table.get(members::MODE).unwrap_or(DpopMode::Allowed)
}

fn algorithms(table: &Table, problems: &mut Vec<ConfigProblem>) -> Option<AlgorithmSet> {
    let names = table.get(members::ALGORITHMS)?;
    let problem = |found: String, hint: String| {
        ConfigProblem::new(FIELD, format!("algorithms {found}"), "signature algorithms", hint)
    };
    if names.is_empty() {
        let hint = "leave them out to take those that clients use";
        problems.push(problem("an empty list".to_owned(), hint.to_owned()));
    }
    let mut algorithms: Vec<Algorithm> = Vec::new();
    for name in &names {
        match name.parse() {
            Ok(algorithm) => algorithms.push(algorithm),
            Err(unknown) => problems.push(problem(
                shown_value(name),
                format!("{unknown}; names are case-sensitive, and none and HS256 are never allowed"),
            )),
        }
    }
    Some(algorithms.into_iter().collect())
}

fn nonce_source(table: &Table, public_url: &str) -> Result<Option<NonceSource>, ConfigProblem> {
    let Some(secret) = NONCE_SECRET.read(table)? else { return Ok(None) };
    let bytes = secret.text().as_bytes();
    if bytes.len() < LEAST_SECRET_BYTES {
        let hint = "make one with `openssl rand -base64 32`; whoever guesses it can make nonces";
        let found = format!("a nonce_secret of {} bytes", bytes.len());
        return Err(ConfigProblem::new(FIELD, found, "at least 32 bytes", hint));
    }
    Ok(Some(NonceSource::new(bytes, public_url)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigError, Denial, ErrorCode, RequiresAuth};

    fn builder() -> Builder {
        RequiresAuth::builder("https://issuer.example", "https://api.example")
    }

    fn fields(builder: Builder) -> Vec<(&'static str, String)> {
        let problems = builder.build().err();
        let told = |problem: &ConfigProblem| (problem.field(), problem.found().to_owned());
        problems.iter().flat_map(ConfigError::problems).map(told).collect()
    }

    #[test]
    fn the_url_of_the_api_is_needed_where_proofs_are_taken() {
        assert_eq!(fields(builder().with_dpop(Dpop::allowed())), [("public_url", "nothing".to_owned())]);
        assert_eq!(fields(builder().with_dpop(Dpop::new(DpopMode::Off))), []);
        assert_eq!(fields(builder().with_issuer_dpop(DpopMode::Required)).len(), 1);
        let with_url = |url| builder().with_dpop(Dpop::allowed()).with_public_url(url);
        assert_eq!(fields(with_url("https://api.example/v1")), []);
        assert_eq!(fields(with_url("https://user@api.example")).len(), 1);
        assert_eq!(fields(with_url("https://api.example/?x")).len(), 1);
        assert_eq!(fields(with_url("https://b\u{fc}cher.example")).len(), 1, "a host that is not ASCII");
    }

    #[test]
    fn bearer_is_named_as_long_as_one_issuer_takes_it() {
        let challenges = |of_other| {
            let other = builder().with_issuer("https://other.example", "https://api.example");
            let guard = other.with_issuer_dpop(of_other).with_public_url("https://api.example");
            let guard = guard.with_dpop(Dpop::required()).build().expect("a guard");
            guard.www_authenticate(&Denial::new(ErrorCode::AuthorizationHeaderMissing)).len()
        };
        assert_eq!(challenges(DpopMode::Allowed), 2);
        assert_eq!(challenges(DpopMode::Required), 1);
    }

    #[test]
    fn what_cannot_work_is_told() {
        let with = |dpop: Dpop| fields(builder().with_public_url("https://api.example").with_dpop(dpop));
        let seconds = std::time::Duration::from_secs;
        assert_eq!(with(Dpop::allowed().with_max_age(seconds(300)).with_nonce_secret("s".repeat(32))), []);
        assert_eq!(with(Dpop::allowed().with_max_age(seconds(301))), [(FIELD, "max_age 301 s".to_owned())]);
        assert_eq!(with(Dpop::allowed().with_max_age(seconds(0))), [(FIELD, "max_age 0 s".to_owned())]);
        assert_eq!(with(Dpop::allowed().with_future(seconds(301))), [(FIELD, "future 301 s".to_owned())]);
        assert_eq!(with(Dpop::allowed().with_max_entries(999)), [(FIELD, "max_entries 999".to_owned())]);
        let short = Dpop::allowed().with_max_proof_bytes(255);
        assert_eq!(with(short), [(FIELD, "max_proof_bytes 255".to_owned())]);
        assert_eq!(with(Dpop::allowed().with_nonce_secret_file("/nowhere/secret")).len(), 1);
        assert_eq!(
            with(Dpop::allowed().with_algorithms(["HS256"])),
            [(FIELD, "algorithms `HS256`".to_owned())]
        );
        assert_eq!(with(Dpop::allowed().with_algorithms([""; 0])).len(), 1);
        let short = with(Dpop::allowed().with_nonce_secret("secret-that-is-not-shown"));
        assert_eq!(short, [(FIELD, "a nonce_secret of 24 bytes".to_owned())]);
        assert_eq!(with(Dpop::allowed().with_nonce_secret("s".repeat(31))).len(), 1);
    }

    #[test]
    fn an_issuer_has_a_mode_alone() {
        let mut table = Table::default();
        table.set(members::MODE, DpopMode::Required);
        table.set(members::MAX_AGE, std::time::Duration::from_secs(30));
        let of_issuer =
            builder().with_public_url("https://api.example").set_for_issuer(settings::DPOP, table);
        assert_eq!(fields(of_issuer), [(FIELD, "max_age of one issuer".to_owned())]);
    }

    #[test]
    fn a_guard_that_takes_the_place_of_another_goes_on_with_its_store() {
        let store = |guard: &RequiresAuth| {
            Arc::as_ptr(guard.inner.proving.as_ref().expect("proofs").replay.as_ref().expect("a store"))
                .cast::<()>()
        };
        let with_dpop = || builder().with_public_url("https://api.example").with_dpop(Dpop::allowed());
        let first = with_dpop().build().expect("a guard");
        let next = with_dpop().with_keys_of(&first).build().expect("a guard");
        let another = with_dpop().build().expect("a guard");
        assert_eq!(store(&first), store(&next));
        assert_ne!(store(&first), store(&another));
    }
}
