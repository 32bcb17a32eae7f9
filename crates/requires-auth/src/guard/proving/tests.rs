//! To whose share of the store a proof counts, and what a guard without proofs says of itself.

use std::sync::{Arc, Mutex};

use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};

use super::RequiresAuth;
use crate::dpop::Dpop;
use crate::error::{Denial, Reason};
use crate::policy::Policy;
use crate::replay::{ReplayKey, ReplayStore, Use, UseFuture};
use crate::request::Request;

const ISSUER: &str = "https://issuer.example";
const API: &str = "https://api.example";

/// A store that keeps the last key that it was asked about.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Option<ReplayKey>>>);

impl ReplayStore for Last {
    fn first_use_now(&self, key: &ReplayKey, _: u64, _: u64) -> Option<Use> {
        *self.0.lock().expect("a lock") = Some(*key);
        Some(Use::First)
    }

    fn first_use(&self, _: ReplayKey, _: u64) -> UseFuture<'_> {
        unreachable!("the answer is there at once")
    }
}

/// What becomes of a token that is bound to this key, and the key of its proof that the store was asked about.
fn asked(forge: &Forge, client: &SigningKey, token: TokenBuilder) -> Result<ReplayKey, Denial> {
    let store = Last::default();
    let guard = RequiresAuth::builder(ISSUER, API)
        .with_jwks(jwk_set([forge.key()]).to_string())
        .with_public_url(API)
        .with_dpop(Dpop::allowed().with_replay(store.clone()))
        .build()
        .expect("a guard");
    let token = token.bound_to(client).mint();
    let proof = forge.proof(client).url(format!("{API}/orders")).token(&token).mint();
    let headers = [("authorization", format!("DPoP {token}")), ("dpop", proof)];
    let request = Request::new("GET", "/orders", &headers);
    guard.authorize_now(&request, &Policy::default()).expect("no wait")?;
    let key = *store.0.lock().expect("a lock");
    Ok(key.expect("a proof was recorded"))
}

#[test]
fn a_share_is_that_of_a_key_and_a_client_or_a_subject() {
    let forge = Forge::new(ISSUER, API, SigningKey::generate(Algorithm::Ed25519));
    let (one, other) = (SigningKey::generate(Algorithm::Es256), SigningKey::generate(Algorithm::Es256));
    let of_client = |client: &str, sub: &str| forge.token().claim("client_id", client).subject(sub);
    let of_subject = |sub: &str| forge.token().without_claim("client_id").subject(sub);
    let share = |key, token| asked(&forge, key, token).expect("a good request").share;
    let own = share(&one, of_client("web", "alice"));
    assert_eq!(
        share(&one, of_client("web", "bob")),
        own,
        "where there is a client, the subject does not count"
    );
    assert_ne!(share(&one, of_client("app", "alice")), own);
    assert_ne!(share(&other, of_client("web", "alice")), own);
    let own = share(&one, of_subject("alice"));
    assert_eq!(share(&one, of_subject("alice")), own);
    assert_ne!(share(&one, of_subject("bob")), own);
}

/// Anyone could sign with it: the private half is in this repository.
#[test]
fn a_published_key_proves_nothing_at_a_guard() {
    let forge = Forge::new(ISSUER, API, SigningKey::generate(Algorithm::Ed25519));
    let denial = asked(&forge, SigningKey::fixed(Algorithm::Es256), forge.token()).expect_err("a refusal");
    assert_eq!(denial.reason(), Some(Reason::ProofKey));
}

#[test]
fn a_guard_says_whether_it_takes_proofs() {
    let builder = || RequiresAuth::builder(ISSUER, API).with_public_url(API);
    assert!(!builder().build().expect("a guard").takes_dpop());
    assert!(builder().with_dpop(Dpop::allowed()).build().expect("a guard").takes_dpop());
}
