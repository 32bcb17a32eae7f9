//! A guard that takes proofs of keys, and what is sent to it: shared by the targets `proof` and `confirmation`.

use std::sync::LazyLock;
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth::dpop::Dpop;
use requires_auth::{Denial, Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, Forge, ProofBuilder, SigningKey, jwk_set};

/// When everything is sent.
pub const NOW: i64 = 1_800_000_000;

/// Where it is sent to, in its one spelling.
pub const URL: &str = "https://api.example.com/v1/orders";

const ISSUER: &str = "https://issuer.example.test/oidc";
const AUDIENCE: &str = "https://api.example.com";

/// The key of the client.
pub static CLIENT: LazyLock<&SigningKey> = LazyLock::new(|| SigningKey::fixed(Algorithm::Es256));

static FORGE: LazyLock<Forge> =
    LazyLock::new(|| Forge::new(ISSUER, AUDIENCE, SigningKey::fixed(Algorithm::Ed25519).clone()));

/// It remembers no used proof: each input is judged by itself.
static GUARD: LazyLock<RequiresAuth> = LazyLock::new(|| {
    let now = UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs());
    let builder = RequiresAuth::builder(ISSUER, AUDIENCE)
        .with_jwks(jwk_set([FORGE.key()]).to_string())
        .with_public_url("https://api.example.com/v1")
        .with_dpop(danger::without_replay_check(Dpop::allowed()))
        .with_clock(move || now);
    danger::allow_public_test_keys(builder).build().expect("a guard")
});

/// A token that is bound to the key of the client.
pub static TOKEN: LazyLock<String> =
    LazyLock::new(|| FORGE.token().issued_at(NOW).bound_to(&CLIENT).mint());

/// A token whose claim `cnf` is this text.
pub fn token_with_cnf(cnf: &str) -> String {
    let claims = format!(
        r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"a","client_id":"a","scope":"read","exp":{},"iat":{NOW},"cnf":{cnf}}}"#,
        NOW + 3600
    );
    FORGE.token().raw_claims(claims).mint()
}

/// A good proof for a token.
pub fn proof(token: &str) -> ProofBuilder {
    ProofBuilder::new(&CLIENT, "GET", URL).token(token).issued_at(NOW)
}

/// The verdict on a request with a token and a header `DPoP`, on its first use and on a later one, which are the same.
///
/// # Errors
///
/// The request is refused.
///
/// # Panics
///
/// If both uses have different verdicts.
pub fn judge(token: &str, proof: &[u8]) -> Result<(), Denial> {
    let authorization = format!("DPoP {token}");
    let headers = [("authorization", authorization.as_bytes()), ("dpop", proof)];
    let request = Request::new("GET", "/orders?page=2", &headers);
    let once = || GUARD.authenticate_now(&request).expect("at once").map(|_| ());
    let (first, later) = (once(), once());
    assert_eq!(first, later, "a remembered token or header changes the verdict");
    first
}

/// What stands as `ath` in a proof for a token.
pub fn hash_of(token: &str) -> String {
    let proof = proof(token).mint();
    let claims = URL_SAFE_NO_PAD.decode(proof.split('.').nth(1).expect("three parts")).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
    claims["ath"].as_str().expect("a string").to_owned()
}
