//! Why a request is refused: the verifier run once more, with a trace that records each check.
//!
//! There is no second verifier here: the steps are those that [`judge`] and [`Policy::decide`] make, in their order.

use std::sync::Arc;
use std::time::SystemTime;

use crate::binding::Proofs;
use crate::credential::Credential;
use crate::error::{Denial, Reason};
use crate::jose::key_set::KeySet;
use crate::policy::Policy;
use crate::providers::{self, Provider};
use crate::request::Request;
use crate::revocation::Sets;
use crate::verify::{
    AccessToken, Evidence, Finding, IssuerRules, Need, Rules, Step, Stop, Trace, Tried, check_place,
    check_revoked, judge,
};

mod hints;
mod marks;

use hints::Known;

/// What became of each check of a token: from [`RequiresAuth::explain`](crate::RequiresAuth::explain), or from
/// [`Rules::explain`] without a guard.
///
/// It is for a console or a page for developers, and it holds what the token says, so it belongs neither into a log nor
/// into an answer to a stranger. The verdict is that of a request, as the checks are made by the same code.
///
/// ```
/// # use requires_auth_testkit::{Algorithm, Defect, Forge, SigningKey, jwk_set};
/// use requires_auth::explain::Outcome;
/// use requires_auth::{Policy, Request, RequiresAuth};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256);
/// # let jwks = jwk_set([&key]).to_string();
/// # let auth = RequiresAuth::builder("https://issuer.example", "https://api.example").with_jwks(jwks).build()?;
/// # let forge = Forge::new("https://issuer.example", "https://api.example", key);
/// # let token = forge.token().defect(Defect::AudienceMismatch).mint();
/// let headers = [("authorization", format!("Bearer {token}"))];
/// let report = auth.explain(&Request::new("GET", "/orders", &headers), &Policy::default()).await;
/// assert_eq!(report.verdict().unwrap_err().message(), "the token is meant for another audience");
///
/// // The first check that fails names the reason; those after it were not reached.
/// let failed = report.checks().iter().find(|check| check.outcome() == Outcome::Failed).expect("a failed check");
/// println!("{}: found {}, expected {}", failed.step().as_str(), failed.found(), failed.expected());
/// assert_eq!(failed.step().as_str(), "aud");
/// assert!(failed.expected().contains("https://api.example"));
/// assert!(report.hint().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Report {
    checks: Vec<Check>,
    verdict: Result<AccessToken, Denial>,
    hint: Option<String>,
    from_table: Vec<FromTable>,
}

/// What the table of providers has chosen for an issuer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FromTable {
    /// The issuer.
    pub issuer: String,
    /// Its row.
    pub provider: &'static Provider,
    /// The settings that nobody has given, and that the row has chosen: `profile`, `scope_claims`.
    pub settings: Vec<&'static str>,
}

impl Report {
    /// Every check in order, also those that were not reached. [`Step::Introspection`] is among them only where the issuer is
    /// asked about the token, and [`Step::Revocation`] where the guard is told of revocations; the checks of a JWT are not, where the token is opaque.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The verdict, the same that a request with this token gets.
    ///
    /// # Errors
    ///
    /// The token was refused.
    pub const fn verdict(&self) -> Result<&AccessToken, &Denial> {
        self.verdict.as_ref()
    }

    /// What to do about a refusal, in the terms of the provider where its make can be told by its issuer. Of a token that was
    /// accepted, a warning if nothing marks it as an access token; else `None`.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What the [table of providers](crate::providers) has chosen for each issuer whose provider is named.
    pub fn chosen_by_table(&self) -> &[FromTable] {
        &self.from_table
    }
}

/// One check and what became of it.
///
/// It shows what the token says, so show it only to the holder of the token, and never write it to a log.
#[derive(Clone, Debug)]
pub struct Check {
    step: Step,
    outcome: Outcome,
    found: String,
    expected: String,
}

impl Check {
    /// Which check.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// What became of it.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// What the check looked at, for people to read; empty if it was not reached.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What would have passed, for people to read; empty if it was not reached.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It failed, and the token was refused for it.
    Failed,
    /// An earlier check failed.
    NotReached,
    /// It passed.
    Passed,
}

impl Outcome {
    /// `failed`, `not reached` or `passed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotReached => "not reached",
            Self::Passed => "passed",
        }
    }
}

/// What is known of revocations.
#[derive(Clone, Copy)]
pub(crate) enum Revoked<'a> {
    /// The guard is told of none.
    None,
    Known(&'a Sets),
    /// They come from a server that has not answered for a while: ask again after so many seconds.
    Unknown(u32),
}

impl Revoked<'_> {
    fn check(self, token: &AccessToken, trace: &mut impl Trace) -> Result<(), Denial> {
        match self {
            Self::None => Ok(()),
            Self::Known(sets) => check_revoked(token, sets, trace),
            Self::Unknown(retry_after) => Err(Denial::state_unavailable(retry_after)),
        }
    }
}

/// What is asked of a token beside being good.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) policy: &'a Policy,
    /// What proofs are measured by, with the request.
    pub(crate) proofs: &'a Proofs<'a>,
    /// What every request of the guard needs.
    pub(crate) base: Option<&'a Policy>,
    /// Which tokens are refused before they expire.
    pub(crate) revoked: Revoked<'a>,
    /// What the guard adds to a refusal.
    pub(crate) finish: &'a dyn Fn(&AccessToken, Denial) -> Denial,
}

impl Rules {
    /// Judges the token of a request like [`Rules::verify`], then its binding and the policy, and tells of every check.
    ///
    /// `keys` is the key set of each issuer, in the order of the rules. A request without a credential that can be read
    /// is refused before the first check.
    pub fn explain(
        &self,
        request: &Request<'_>,
        keys: &[Option<Arc<KeySet>>],
        policy: &Policy,
        now: SystemTime,
    ) -> Report {
        match self.credential(request) {
            Ok(credential) => {
                let key_set = |issuer: usize| keys.get(issuer).cloned().flatten();
                let evidence =
                    Evidence { known_header: None, is_of_tenant: false, keys: &key_set, answers: &|_| None };
                let proofs = Proofs {
                    rules: self.proofs.as_deref(),
                    request: Some(request),
                    token_hash: None,
                    nonces: &|| None,
                };
                let asked = Asked {
                    policy,
                    proofs: &proofs,
                    base: None,
                    revoked: Revoked::None,
                    finish: &|_, denial| denial,
                };
                self.explain_settled(&credential, &evidence, asked, now, None)
            }
            Err(denial) => self.explain_unread(request, denial),
        }
    }

    /// As [`explain`](Self::explain), where the issuer was asked about the token, and where a token that the keys do not
    /// settle was refused with `unsettled`.
    pub(crate) fn explain_settled(
        &self,
        credential: &Credential<'_>,
        evidence: &Evidence<'_>,
        asked: Asked<'_>,
        now: SystemTime,
        unsettled: Option<Denial>,
    ) -> Report {
        let mut recorder = Recorder::default();
        let verdict = match judge(self, credential, evidence, now.into(), &mut recorder) {
            Ok(token) => {
                let placed = check_place(&token, credential);
                placed
                    .and_then(|()| asked.revoked.check(&token, &mut recorder))
                    .and_then(|()| {
                        let Asked { policy, proofs, base, .. } = asked;
                        policy.decide(&token, credential, proofs, base, &mut recorder)
                    })
                    .map_err(|denial| (asked.finish)(&token, denial))
                    .map(|_| token)
            }
            // Nobody could tell whether the issuer is one of ours.
            Err(Stop::Deny(denial)) if denial.reason() == Some(Reason::IssuerMismatch) => {
                Err(unsettled.filter(Denial::is_undecided).unwrap_or(denial))
            }
            Err(Stop::Deny(denial)) => Err(denial),
            Err(Stop::Need(Need::Keys { tried, .. })) => Err(unsettled.unwrap_or_else(|| match tried {
                Some(Tried { reason, .. }) => Denial::invalid_token(reason),
                None => Denial::issuer_unavailable(1),
            })),
            Err(stop @ Stop::Need(Need::Answer { .. })) => Err(stop.into_denial()),
            Err(Stop::Need(Need::Issuer { .. })) => {
                Err(unsettled.unwrap_or_else(|| Denial::invalid_token(Reason::IssuerMismatch)))
            }
        };
        self.report(recorder, verdict)
    }

    /// A request whose credential cannot be read.
    pub(crate) fn explain_unread(&self, request: &Request<'_>, denial: Denial) -> Report {
        let hint = self.hint_of(request, &denial);
        let is_general = hint == denial.hint();
        let report = self.report(Recorder::default(), Err(denial));
        if is_general { report } else { Report { hint: Some(hint.to_owned()), ..report } }
    }

    fn chosen_by_table(&self) -> Vec<FromTable> {
        let of = |issuer: &IssuerRules| {
            let row = issuer.provider.as_ref()?;
            let name = issuer.issuer.as_deref().unwrap_or_default().to_owned();
            Some(FromTable {
                issuer: name,
                provider: providers::find(row.name)?,
                settings: row.settings.clone(),
            })
        };
        self.issuers.iter().filter_map(of).collect()
    }

    fn report(&self, recorder: Recorder, verdict: Result<AccessToken, Denial>) -> Report {
        let hint = match &verdict {
            Ok(token) => marks::warning(token, &recorder.made).map(ToOwned::to_owned),
            Err(denial) => {
                let failed = recorder.made.iter().find(|check| check.outcome == Outcome::Failed);
                let issuers: Vec<_> = self.issuers.iter().filter_map(Known::of).collect();
                Some(hints::hint(denial, failed, &issuers))
            }
        };
        Report { checks: recorder.into_checks(), verdict, hint, from_table: self.chosen_by_table() }
    }
}

#[derive(Default)]
struct Recorder {
    made: Vec<Check>,
}

impl Recorder {
    fn into_checks(self) -> Vec<Check> {
        let not_reached = |step| Check {
            step,
            outcome: Outcome::NotReached,
            found: String::new(),
            expected: String::new(),
        };
        // A step that looks at two things has failed if one of them has.
        let made = |step| {
            let of_step = || self.made.iter().filter(|check| check.step == step);
            of_step().find(|check| check.outcome == Outcome::Failed).or_else(|| of_step().next()).cloned()
        };
        let is_asked = made(Step::Introspection).is_some();
        let is_proven = made(Step::Proof).is_some();
        let is_opaque = is_asked && made(Step::Signature).is_none();
        let belongs = |step: &Step| match step {
            Step::Introspection => is_asked,
            Step::ProofNonce => made(Step::ProofNonce).is_some(),
            step if step.is_of_a_proof() => is_proven,
            Step::Revocation => made(Step::Revocation).is_some(),
            step => !(is_opaque && step.is_of_a_jwt()),
        };
        let steps = Step::ALL.iter().copied().filter(belongs);
        steps.map(|step| made(step).unwrap_or_else(|| not_reached(step))).collect()
    }
}

impl Trace for Recorder {
    fn record(&mut self, step: Step, passed: bool, finding: impl FnOnce() -> Finding) {
        let Finding { found, expected } = finding();
        let outcome = if passed { Outcome::Passed } else { Outcome::Failed };
        self.made.push(Check { step, outcome, found, expected });
    }
}
