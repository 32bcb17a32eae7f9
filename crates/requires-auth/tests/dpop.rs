//! Proofs of possession, from the request to the answer: who passes, what the others are told, and what is recorded.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use requires_auth::dpop::{Dpop, DpopMode};
use requires_auth::explain::Outcome;
use requires_auth::guard::{Admission, Builder};
use requires_auth::policy::Requirement;
use requires_auth::replay::{ReplayKey, ReplayStore, Use, UseFuture};
use requires_auth::{Denial, Policy, Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, Forge, ProofBuilder, ProofDefect, SigningKey, TokenBuilder, jwk_set};
use support::{AUDIENCE, ManualClock};

const ISSUER: &str = "https://issuer.example/oidc";
const URL: &str = "https://api.example.com/v1";
const SECRET: &str = "a secret of nonces that nobody can guess";

struct World {
    clock: ManualClock,
    forge: Forge,
    jwks: String,
    client: SigningKey,
}

impl World {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519);
        let jwks = jwk_set([&key]).to_string();
        let client = SigningKey::generate(Algorithm::Es256);
        Self { clock: ManualClock::new(), forge: Forge::new(ISSUER, AUDIENCE, key), jwks, client }
    }

    fn builder(&self) -> Builder {
        let builder = RequiresAuth::builder(ISSUER, AUDIENCE).with_jwks(self.jwks.clone());
        builder.with_public_url(URL).with_clock(self.clock.clone())
    }

    fn guard(&self, dpop: Dpop) -> RequiresAuth {
        self.builder().with_dpop(dpop).build().expect("a guard")
    }

    fn token(&self) -> TokenBuilder {
        self.forge.token().issued_at(self.clock.unix()).scope("read:orders")
    }

    fn bound(&self) -> String {
        self.token().bound_to(&self.client).mint()
    }

    fn proof(&self, token: &str) -> ProofBuilder {
        let proof = ProofBuilder::new(&self.client, "GET", format!("{URL}/orders"));
        proof.token(token).issued_at(self.clock.unix())
    }
}

/// A request for `GET /orders`, as often as somebody sends it.
struct Sent {
    headers: Vec<(&'static str, String)>,
}

impl Sent {
    fn new(scheme: &str, token: &str, proofs: Vec<String>) -> Self {
        let proofs = proofs.into_iter().map(|line| ("DPoP", line));
        let own = [("Authorization", format!("{scheme} {token}"))];
        Self { headers: own.into_iter().chain(proofs).collect() }
    }

    fn request(&self) -> Request<'_> {
        Request::new("GET", "/orders?page=2", &self.headers)
    }

    fn admit(&self, guard: &RequiresAuth, policy: Policy) -> Result<Admission, Denial> {
        guard.admit_now(&self.request(), &Requirement::token(policy)).expect("nothing is waited for")
    }

    /// `passed`, or the code and, where there is one, the reason.
    fn verdict(&self, guard: &RequiresAuth) -> String {
        told(&self.admit(guard, Policy::all_of(["read:orders"])))
    }

    fn challenges(&self, guard: &RequiresAuth) -> Vec<String> {
        let denial = self.admit(guard, Policy::all_of(["read:orders"])).expect_err("a refusal");
        guard.challenge(&self.request(), &denial).www_authenticate().to_vec()
    }
}

fn told(verdict: &Result<Admission, Denial>) -> String {
    match verdict {
        Ok(_) => "passed".to_owned(),
        Err(denial) => match denial.reason() {
            Some(reason) => format!("{} {reason}", denial.code()),
            None => denial.code().to_string(),
        },
    }
}

/// As it is told by default.
fn algs() -> String {
    let names = ["ES256", "ES384", "ES512", "Ed25519", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];
    format!("algs=\"{}\"", names.join(" "))
}

#[test]
fn a_token_passes_with_its_proof_and_that_counts_once() {
    let world = World::new();
    for dpop in [Dpop::allowed(), Dpop::required()] {
        let (guard, token) = (world.guard(dpop), world.bound());
        let sent = Sent::new("DPoP", &token, world.proof(&token).lines());
        assert_eq!(sent.verdict(&guard), "passed");
        assert_eq!(sent.verdict(&guard), "invalid_dpop_proof proof_reused");
        // The token is remembered by now, and so is the header of its proofs.
        let next = Sent::new("dpop", &token, world.proof(&token).lines());
        assert_eq!((next.verdict(&guard), guard.health().remembered_tokens()), ("passed".to_owned(), 1));
        assert_eq!(next.verdict(&guard), "invalid_dpop_proof proof_reused");
    }
}

#[test]
fn a_stolen_token_is_worthless() {
    let world = World::new();
    let (guard, token) = (world.guard(Dpop::allowed()), world.bound());
    let thief = SigningKey::generate(Algorithm::Es256);
    for _ in 0..2 {
        assert_eq!(Sent::new("Bearer", &token, vec![]).verdict(&guard), "invalid_token binding_mismatch");
        let with_proof = Sent::new("Bearer", &token, world.proof(&token).lines());
        assert_eq!(with_proof.verdict(&guard), "invalid_token binding_mismatch", "RFC 9449 §7.2");
        assert_eq!(Sent::new("DPoP", &token, vec![]).verdict(&guard), "invalid_dpop_proof proof_missing");
        let own = ProofBuilder::new(&thief, "GET", format!("{URL}/orders"));
        let own = own.token(&token).issued_at(world.clock.unix()).lines();
        assert_eq!(Sent::new("DPoP", &token, own).verdict(&guard), "invalid_token binding_mismatch");
    }
    let verdict = guard.verify_now(&token, &Policy::default()).expect("keys");
    assert_eq!(
        verdict.expect_err("no request, no proof").reason().map(requires_auth::Reason::as_str),
        Some("binding_mismatch")
    );
}

#[test]
fn every_defect_of_a_proof_has_its_reason_through_a_guard() {
    let world = World::new();
    for is_remembered in [false, true] {
        let (guard, token) = (world.guard(Dpop::allowed()), world.bound());
        if is_remembered {
            assert_eq!(Sent::new("DPoP", &token, world.proof(&token).lines()).verdict(&guard), "passed");
        }
        for defect in ProofDefect::ALL {
            let sent = Sent::new("DPoP", &token, world.proof(&token).defect(defect).lines());
            for _ in 1..defect.times() {
                assert_eq!(sent.verdict(&guard), "passed", "{}", defect.name());
            }
            let verdict = sent.verdict(&guard);
            assert!(verdict.ends_with(&format!(" {}", defect.reason())), "{}: {verdict}", defect.name());
        }
    }
}

#[test]
fn a_mode_says_which_tokens_need_a_proof() {
    let world = World::new();
    let (bound, plain) = (world.bound(), world.token().mint());
    for (mode, bearer, unbound_by_dpop, proven) in [
        (
            DpopMode::Off,
            "passed",
            "auth.authorization_token_type_not_supported",
            "auth.authorization_token_type_not_supported",
        ),
        (DpopMode::Allowed, "passed", "invalid_token binding_mismatch", "passed"),
        (DpopMode::Required, "invalid_token binding_mismatch", "invalid_token binding_mismatch", "passed"),
        (DpopMode::Pass, "passed", "invalid_token binding_mismatch", "passed"),
    ] {
        let guard = world.guard(Dpop::new(mode));
        for _ in 0..2 {
            assert_eq!(Sent::new("Bearer", &plain, vec![]).verdict(&guard), bearer, "{mode:?}");
            let beside = Sent::new("Bearer", &plain, vec!["a.b.c".to_owned()]);
            assert_eq!(beside.verdict(&guard), bearer, "a proof beside a Bearer token does not matter");
            let unbound = Sent::new("DPoP", &plain, world.proof(&plain).lines());
            assert_eq!(unbound.verdict(&guard), unbound_by_dpop, "{mode:?}");
            assert_eq!(
                Sent::new("DPoP", &bound, world.proof(&bound).lines()).verdict(&guard),
                proven,
                "{mode:?}"
            );
        }
    }
}

#[test]
fn a_route_may_need_a_proof_where_others_do_not() {
    let world = World::new();
    let (guard, bound, plain) = (world.guard(Dpop::allowed()), world.bound(), world.token().mint());
    let payments = || Policy::default().with_dpop_required();
    let bearer = Sent::new("Bearer", &plain, vec![]);
    assert_eq!(told(&bearer.admit(&guard, Policy::default())), "passed");
    assert_eq!(told(&bearer.admit(&guard, payments())), "invalid_token binding_mismatch");
    let proven = Sent::new("DPoP", &bound, world.proof(&bound).lines());
    assert_eq!(told(&proven.admit(&guard, payments())), "passed");
    let off = world.guard(Dpop::new(DpopMode::Off));
    assert_eq!(told(&bearer.admit(&off, payments())), "invalid_token binding_mismatch");
}

#[test]
fn an_issuer_may_have_a_mode_of_its_own() {
    let world = World::new();
    let other = Forge::new("https://old.example", AUDIENCE, SigningKey::generate(Algorithm::Ed25519));
    let builder = |mode, of_other| {
        world
            .builder()
            .with_issuer("https://old.example", AUDIENCE)
            .with_jwks(jwk_set([other.key()]).to_string())
            .with_issuer_dpop(of_other)
            .with_dpop(Dpop::new(mode))
    };
    let of_other = || other.token().issued_at(world.clock.unix()).scope("read:orders");
    let (plain, bound) = (of_other().mint(), of_other().bound_to(&world.client).mint());
    let proven = |token: &str| Sent::new("DPoP", token, world.proof(token).lines());
    let own = world.bound();

    let guard = builder(DpopMode::Required, DpopMode::Off).build().expect("a guard");
    assert_eq!(proven(&own).verdict(&guard), "passed");
    assert_eq!(Sent::new("Bearer", &plain, vec![]).verdict(&guard), "passed");
    assert_eq!(proven(&bound).verdict(&guard), "invalid_token binding_mismatch", "its mode is off");
    assert_eq!(Sent::new("Bearer", &bound, vec![]).verdict(&guard), "invalid_token binding_mismatch");

    let guard = builder(DpopMode::Off, DpopMode::Required).build().expect("a guard");
    assert_eq!(proven(&bound).verdict(&guard), "passed");
    assert_eq!(Sent::new("Bearer", &plain, vec![]).verdict(&guard), "invalid_token binding_mismatch");
    assert_eq!(proven(&own).verdict(&guard), "invalid_token binding_mismatch");
}

/// RFC 9449 §7.1, §7.2.
#[test]
fn the_challenge_is_that_of_the_scheme_that_was_tried() {
    let world = World::new();
    let (allowed, required) = (world.guard(Dpop::allowed()), world.guard(Dpop::required()));
    let (bound, algs) = (world.bound(), algs());
    let binding = "error=\"invalid_token\", error_description=\"the token is bound to a key or certificate that was not shown\"";
    let by_bearer = Sent::new("Bearer", &bound, vec![]);
    assert_eq!(by_bearer.challenges(&allowed), [format!("Bearer {binding}"), format!("DPoP {algs}")]);
    assert_eq!(by_bearer.challenges(&required), [format!("DPoP {binding}, {algs}")]);
    let unbound = Sent::new("DPoP", &world.token().mint(), vec![]);
    assert_eq!(unbound.challenges(&allowed), ["Bearer".to_owned(), format!("DPoP {binding}, {algs}")]);
    let missing = Sent::new("DPoP", &bound, vec![]);
    let proof = "error=\"invalid_dpop_proof\", error_description=\"the request has no DPoP proof\"";
    assert_eq!(missing.challenges(&allowed), [format!("DPoP {proof}, {algs}")]);
    let nothing = Sent { headers: Vec::new() };
    assert_eq!(nothing.challenges(&allowed), ["Bearer".to_owned(), format!("DPoP {algs}")]);
    assert_eq!(nothing.challenges(&required), [format!("DPoP {algs}")]);
    let expired = world.token().bound_to(&world.client).lifetime(-3600).mint();
    let expired = Sent::new("DPoP", &expired, vec![]).challenges(&allowed);
    assert!(
        expired[0] == "Bearer" && expired[1].starts_with("DPoP error=\"invalid_token\", "),
        "{expired:?}"
    );
    let scope = world.token().scope("other").bound_to(&world.client).mint();
    let scope = Sent::new("DPoP", &scope, world.proof(&scope).lines()).challenges(&allowed);
    assert_eq!(scope[0], "Bearer");
    assert!(scope[1].starts_with("DPoP error=\"insufficient_scope\", "), "{scope:?}");
    assert!(scope[1].ends_with(&format!("scope=\"read:orders\", {algs}")), "{scope:?}");
    let two = [("Authorization", format!("DPoP {bound}")), ("Authorization", format!("Bearer {bound}"))];
    let denial =
        allowed.authenticate_now(&Request::new("GET", "/orders", &two)).expect("keys").expect_err("two");
    assert_eq!((denial.status(), denial.code().as_str()), (400, "invalid_request"));
}

/// RFC 9449 §8, §9, §11.3.
#[test]
fn nonces_are_told_and_demanded() {
    let world = World::new();
    let guard = world.guard(Dpop::allowed().with_nonce_secret(SECRET));
    let another = world.guard(Dpop::allowed().with_nonce_secret(SECRET));
    let token = world.bound();
    let first = Sent::new("DPoP", &token, world.proof(&token).lines());
    let nonce = |sent: &Sent| {
        let denial = sent.admit(&guard, Policy::default()).expect_err("no nonce");
        assert_eq!((denial.status(), denial.code().as_str()), (401, "use_dpop_nonce"));
        let challenge = guard.challenge(&sent.request(), &denial);
        let nonces: Vec<_> = challenge.headers().filter(|(name, _)| *name == "dpop-nonce").collect();
        assert_eq!((nonces.len(), challenge.www_authenticate().len()), (1, 1));
        assert!(challenge.www_authenticate()[0].starts_with("DPoP error=\"use_dpop_nonce\""));
        nonces[0].1.to_owned()
    };
    let with = |nonce: &str| Sent::new("DPoP", &token, world.proof(&token).nonce(nonce).lines());
    let told_first = nonce(&first);
    assert_eq!(nonce(&with("another")), told_first);
    let passed = with(&told_first).admit(&guard, Policy::default()).expect("a good nonce");
    assert_eq!(passed.headers().count(), 0);
    assert_eq!(with(&told_first).verdict(&another), "passed", "a server with the same secret");

    world.clock.advance(60);
    let next = with(&told_first).admit(&guard, Policy::default()).expect("the previous nonce");
    let headers: Vec<_> = next.headers().collect();
    assert_eq!((headers[0].0, headers[1]), ("dpop-nonce", ("cache-control", "no-store")));
    assert_ne!(headers[0].1, told_first);
    assert_eq!(with(headers[0].1).verdict(&guard), "passed");
    world.clock.advance(60);
    assert_ne!(nonce(&with(&told_first)), told_first, "two steps are over");
}

/// A store that answers as it is told to, and counts how often it was asked.
#[derive(Clone)]
struct Told {
    now: Option<Use>,
    later: Use,
    asked: Arc<AtomicUsize>,
    tried: Arc<AtomicUsize>,
}

impl Told {
    fn new(now: Option<Use>, later: Use) -> Self {
        Self { now, later, asked: Arc::default(), tried: Arc::default() }
    }

    fn times(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ReplayStore for Told {
    fn first_use_now(&self, _: &ReplayKey, _: u64, _: u64) -> Option<Use> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        if self.now.is_some() {
            self.asked.fetch_add(1, Ordering::Relaxed);
        }
        self.now
    }

    fn first_use(&self, _: ReplayKey, _: u64) -> UseFuture<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(self.later))
    }
}

#[tokio::test]
async fn what_the_store_says_is_the_last_word() {
    let world = World::new();
    for (used, status, verdict, retry) in [
        (Use::First, 200, "passed", None),
        (Use::Again, 401, "invalid_dpop_proof proof_reused", None),
        (Use::Full, 503, "auth.state_unavailable", Some(1)),
        (Use::Unavailable, 503, "auth.state_unavailable", Some(1)),
        (Use::OverShare, 429, "auth.too_many_proofs", Some(1)),
    ] {
        for store in [Told::new(Some(used), Use::Again), Told::new(None, used)] {
            let guard = world.guard(Dpop::allowed().with_replay(store.clone()));
            let token = world.bound();
            let sent = Sent::new("DPoP", &token, world.proof(&token).lines());
            let requirement = Requirement::default();
            for times in 1..3 {
                let judged = match guard.admit_now(&sent.request(), &requirement) {
                    Some(judged) => judged,
                    None => guard.admit(&sent.request(), &requirement).await,
                };
                assert_eq!((told(&judged).as_str(), store.times()), (verdict, times));
                if let Err(denial) = judged {
                    assert_eq!((denial.status(), denial.retry_after()), (status, retry));
                    assert_eq!(denial.is_undecided(), status == 503, "no proxy may let it pass");
                    let challenge = guard.challenge(&sent.request(), &denial);
                    assert_eq!(challenge.www_authenticate().is_empty(), status != 401);
                }
            }
        }
    }
}

/// A store in the network is waited for: whoever cannot wait is told so before anything is judged.
#[tokio::test]
async fn a_request_that_has_to_wait_for_the_store_is_judged_once() {
    let world = World::new();
    let store = Told::new(None, Use::First);
    let guard = world.guard(Dpop::allowed().with_replay(store.clone()));
    let token = world.bound();
    for _ in 0..3 {
        let sent = Sent::new("DPoP", &token, world.proof(&token).lines());
        assert!(guard.authorize_now(&sent.request(), &Policy::default()).is_none());
        assert!(guard.authorize(&sent.request(), &Policy::default()).await.is_ok());
    }
    assert_eq!(store.times(), 3);
    // Without a wait it was tried once more, by the first request.
    assert_eq!(store.tried.load(Ordering::Relaxed), 4);
    let plain = world.token().mint();
    assert_eq!(
        Sent::new("Bearer", &plain, vec![]).verdict(&guard),
        "passed",
        "a Bearer token waits for nothing"
    );
}

#[tokio::test]
async fn a_trial_records_nothing_and_knows_what_was_used() {
    let world = World::new();
    let guard = world.guard(Dpop::allowed());
    let token = world.bound();
    let sent = Sent::new("DPoP", &token, vec![world.proof(&token).mint()]);
    let anything = Requirement::token(Policy::default());
    let trial = sent.request().as_trial();
    for _ in 0..2 {
        assert_eq!(told(&guard.admit(&trial, &anything).await), "passed");
    }
    assert!(guard.admit_now(&trial, &anything).is_none(), "it may have to wait");
    assert_eq!(sent.verdict(&guard), "passed");
    assert_eq!(told(&guard.admit(&trial, &anything).await), "invalid_dpop_proof proof_reused");
    // What is wrong with a trial is told as of any request.
    let other = Sent::new("DPoP", &token, vec![world.proof(&token).method("POST").mint()]);
    let told = told(&guard.admit(&other.request().as_trial(), &anything).await);
    assert_eq!(told, "invalid_dpop_proof proof_method");
}

#[tokio::test]
async fn a_refusal_records_nothing() {
    let world = World::new();
    let store = Told::new(Some(Use::First), Use::First);
    let guard = world.guard(Dpop::allowed().with_replay(store.clone()));
    let token = world.bound();
    let sent = Sent::new("DPoP", &token, world.proof(&token).lines());
    let more = Policy::all_of(["write:orders"]);
    assert_eq!(told(&sent.admit(&guard, more)), "insufficient_scope", "a 403 does not burn the proof");
    for defect in ProofDefect::ALL.into_iter().filter(|defect| defect.times() == 1) {
        let bad = Sent::new("DPoP", &token, world.proof(&token).defect(defect).lines());
        assert_ne!(bad.verdict(&guard), "passed");
    }
    let report = guard.explain(&sent.request(), &Policy::default()).await;
    assert!(report.verdict().is_ok());
    let mut preflight = Sent::new("DPoP", &token, world.proof(&token).lines());
    preflight.headers.push(("Origin", "https://app.example".to_owned()));
    preflight.headers.push(("Access-Control-Request-Method", "GET".to_owned()));
    let preflight = Request::new("OPTIONS", "/orders", &preflight.headers);
    assert!(guard.admit_now(&preflight, &Requirement::default()).expect("at once").is_ok());
    let admitted = guard.admit_now(&sent.request(), &Requirement::none()).expect("at once");
    assert!(admitted.is_ok_and(|admission| admission.token().is_none()));
    assert_eq!(store.times(), 0);
    let token = sent.admit(&guard, Policy::default()).expect("the first use").into_passed();
    assert_eq!(store.times(), 1);
    let requires_auth::guard::Passed::Token(token) = token else { panic!("a token") };
    guard.check(&sent.request(), &token, &Policy::all_of(["read:orders"])).expect("a second policy");
    assert_eq!(store.times(), 1);
}

#[test]
fn an_application_that_checks_proofs_itself_is_left_the_first_use() {
    let world = World::new();
    let store = Told::new(Some(Use::Again), Use::Again);
    let guard = world.guard(Dpop::new(DpopMode::Pass).with_replay(store.clone()));
    let token = world.bound();
    let sent = Sent::new("DPoP", &token, world.proof(&token).lines());
    for _ in 0..2 {
        assert_eq!((sent.verdict(&guard), store.times()), ("passed".to_owned(), 0));
    }
    let bad = Sent::new("DPoP", &token, world.proof(&token).defect(ProofDefect::Url).lines());
    assert_eq!(bad.verdict(&guard), "invalid_dpop_proof proof_url");
    let twice = world.guard(danger::without_replay_check(Dpop::allowed()));
    for _ in 0..2 {
        assert_eq!(sent.verdict(&twice), "passed");
    }
}

#[test]
fn an_optional_guard_refuses_a_token_whose_proof_is_bad() {
    let world = World::new();
    let (guard, token) = (world.guard(Dpop::allowed()), world.bound());
    let optional = Requirement::optional(Policy::default());
    let admit = |sent: &Sent| guard.admit_now(&sent.request(), &optional).expect("at once");
    assert_eq!(told(&admit(&Sent::new("DPoP", &token, vec![]))), "invalid_dpop_proof proof_missing");
    assert_eq!(told(&admit(&Sent::new("DPoP", &token, world.proof(&token).lines()))), "passed");
    let alone = Sent { headers: vec![("DPoP", "a.b.c".to_owned())] };
    assert!(admit(&alone).is_ok_and(|admission| admission.token().is_none()), "a proof is no token");
    let basic = Sent { headers: vec![("Authorization", "Basic YTpi".to_owned())] };
    assert!(admit(&basic).is_ok_and(|admission| admission.token().is_none()));
}

#[tokio::test]
async fn explain_has_a_line_for_each_check_of_a_proof() {
    let world = World::new();
    let (guard, token) = (world.guard(Dpop::allowed().with_nonce_secret(SECRET)), world.bound());
    let lines = |report: &requires_auth::explain::Report| -> Vec<(&str, Outcome)> {
        let checks = report.checks().iter().map(|check| (check.step().as_str(), check.outcome()));
        checks.filter(|(name, _)| name.starts_with("dpop")).collect()
    };
    let sent = Sent::new("DPoP", &token, world.proof(&token).defect(ProofDefect::Url).lines());
    let report = guard.explain(&sent.request(), &Policy::default()).await;
    let lines = lines(&report);
    assert_eq!(lines.len(), 11, "the one of the nonce is there once it is made");
    assert_eq!(
        lines[..3].iter().map(|line| line.0).collect::<Vec<_>>(),
        ["dpop_proof", "dpop_typ", "dpop_alg"]
    );
    let failed = lines.iter().position(|line| line.1 == Outcome::Failed).expect("a failed check");
    assert_eq!(lines[failed].0, "dpop_htu");
    assert!(lines[..failed].iter().all(|line| line.1 == Outcome::Passed));
    assert!(lines[failed + 1..].iter().all(|line| line.1 == Outcome::NotReached));
    let plain = Sent::new("Bearer", &world.token().mint(), vec![]);
    let report = guard.explain(&plain.request(), &Policy::default()).await;
    assert!(report.checks().iter().all(|check| !check.step().as_str().starts_with("dpop")));
}

/// Eight clients send copies of each other's requests, all at the same time: each counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_copies_one_passes() {
    let world = World::new();
    let (guard, token) = (world.guard(Dpop::allowed()), world.bound());
    let requests: Arc<Vec<Sent>> =
        Arc::new((0..25).map(|_| Sent::new("DPoP", &token, world.proof(&token).lines())).collect());
    let clients = (0..8).map(|client| {
        let (guard, requests) = (guard.clone(), Arc::clone(&requests));
        tokio::spawn(async move {
            let mut passed = 0;
            for place in 0..requests.len() {
                let sent = &requests[(place + client * 3) % requests.len()];
                passed += usize::from(guard.authorize(&sent.request(), &Policy::default()).await.is_ok());
                tokio::task::yield_now().await;
            }
            passed
        })
    });
    let mut passed = 0;
    for client in clients.collect::<Vec<_>>() {
        passed += client.await.expect("a client");
    }
    assert_eq!(passed, requests.len());
}

/// A proof is remembered for as long as it could pass, also one from the future.
#[test]
fn a_used_proof_is_remembered_until_it_is_too_old() {
    let world = World::new();
    let (guard, token) = (world.guard(Dpop::allowed()), world.bound());
    let ahead = world.proof(&token).issued_at(world.clock.unix() + 5).lines();
    let sent = Sent::new("DPoP", &token, ahead);
    assert_eq!(sent.verdict(&guard), "passed");
    for _ in 0..65 {
        world.clock.advance(1);
        assert_eq!(sent.verdict(&guard), "invalid_dpop_proof proof_reused");
    }
    world.clock.advance(1);
    assert_eq!(sent.verdict(&guard), "invalid_dpop_proof proof_time");
}

mod in_axum {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http::{Request, Response, StatusCode};
    use requires_auth::AccessToken;
    use tower::ServiceExt;

    use super::*;

    async fn whoami(token: AccessToken) -> String {
        token.subject().unwrap_or_default().to_owned()
    }

    async fn ask(app: &Router, path: &str, scheme: &str, token: &str, proof: &str) -> Response<Body> {
        let request = Request::builder()
            .uri(path)
            .header("host", "evil.example")
            .header("authorization", format!("{scheme} {token}"))
            .header("dpop", proof);
        app.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")
    }

    /// The URL that counts is the one that the client has asked for: also in a nested router, with its escapes, and whatever
    /// `Host` says.
    #[tokio::test]
    async fn a_nested_router_sees_the_whole_url() {
        let world = World::new();
        for is_slow in [false, true] {
            let dpop = if is_slow {
                Dpop::allowed().with_replay(Told::new(None, Use::First))
            } else {
                Dpop::allowed()
            };
            let guard = world.builder().with_public_url("https://api.example.com").with_dpop(dpop).build();
            let guard = guard.expect("a guard");
            let nested = Router::new().route("/orders/{id}", get(whoami)).layer(guard.layer());
            let app = Router::new().nest("/v1", nested);
            let token = world.bound();
            let proof = |url: &str| world.proof(&token).claim("htu", url).mint();
            for (path, htu, status) in [
                ("/v1/orders/7?x=1", "https://api.example.com/v1/orders/7", 200),
                ("/v1/orders/a%2Fb", "https://api.example.com/v1/orders/a%2fb", 200),
                ("/v1/orders/7", "https://api.example.com/orders/7", 401),
                ("/v1/orders/7", "https://evil.example/v1/orders/7", 401),
                ("/v1/orders/a%2Fb", "https://api.example.com/v1/orders/a/b", 401),
            ] {
                let response = ask(&app, path, "DPoP", &token, &proof(htu)).await;
                assert_eq!(response.status().as_u16(), status, "{path} {htu}");
            }
        }
    }

    #[tokio::test]
    async fn the_answer_has_the_headers_of_the_guard() {
        let world = World::new();
        let guard = world.guard(Dpop::allowed().with_nonce_secret(SECRET));
        let app = Router::new().route("/orders", get(whoami)).layer(guard.layer());
        let token = world.bound();
        let refused = ask(&app, "/orders", "DPoP", &token, &world.proof(&token).mint()).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        let nonce = refused.headers()["dpop-nonce"].to_str().expect("ASCII").to_owned();
        let passed = ask(&app, "/orders", "DPoP", &token, &world.proof(&token).nonce(&nonce).mint()).await;
        assert_eq!((passed.status(), passed.headers().contains_key("dpop-nonce")), (StatusCode::OK, false));
        world.clock.advance(60);
        let passed = ask(&app, "/orders", "DPoP", &token, &world.proof(&token).nonce(&nonce).mint()).await;
        assert_eq!(passed.status(), StatusCode::OK);
        assert_ne!(passed.headers()["dpop-nonce"], nonce.as_str());
        assert_eq!(passed.headers()["cache-control"], "no-store");
        let wrong = ask(&app, "/orders", "Bearer", &token, "a.b.c").await;
        let challenges: Vec<_> = wrong.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(challenges.len(), 2);
    }

    /// The layer around the application has judged the token; the one around the route needs its proof.
    #[tokio::test]
    async fn a_route_needs_a_proof_behind_a_layer_that_does_not() {
        let world = World::new();
        let guard = world.guard(Dpop::allowed());
        let payments = guard.require_policy(Policy::default().with_dpop_required());
        let app = Router::new().route("/orders", get(whoami).layer(payments)).layer(guard.layer());
        let (plain, token) = (world.token().mint(), world.bound());
        assert_eq!(ask(&app, "/orders", "Bearer", &plain, "").await.status(), StatusCode::UNAUTHORIZED);
        let proof = world.proof(&token).mint();
        assert_eq!(ask(&app, "/orders", "DPoP", &token, &proof).await.status(), StatusCode::OK);
        assert_eq!(ask(&app, "/orders", "DPoP", &token, &proof).await.status(), StatusCode::UNAUTHORIZED);
    }
}
