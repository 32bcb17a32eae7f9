//! Issuers that are not configured by name: patterns with tenants, and a resolver.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use requires_auth::credential::TokenPlace;
use requires_auth::fetch::{Fetch, FetchError, FetchFuture, FetchRequest, FetchResponse};
use requires_auth::guard::{Builder, Issuer, KeyState};
use requires_auth::introspect::Introspection;
use requires_auth::settings;
use requires_auth::settings::{INTROSPECTION, Table, Value as SettingValue, introspection};
use requires_auth::{Denial, ErrorCode, Policy, Reason, Request, RequiresAuth, danger};
use requires_auth_testkit::{Algorithm, Forge, SigningKey, TokenBuilder, jwk_set};
use serde_json::{Value, json};

use crate::support::{AUDIENCE, ManualClock};

#[path = "support/mod.rs"]
mod support;

const PATTERN: &str = "https://login.example/{tenant}/v2.0";

/// A provider with many tenants, each with a key of its own.
#[derive(Clone, Default)]
struct Provider(Arc<State>);

#[derive(Default)]
struct State {
    keys: Mutex<HashMap<String, SigningKey>>,
    /// A member that is added to every key.
    key_issuer: Mutex<Option<String>>,
    fetched: Mutex<Vec<String>>,
    is_down: AtomicBool,
}

impl Provider {
    fn with(tenants: &[&str]) -> Self {
        let provider = Self::default();
        for tenant in tenants {
            let key = SigningKey::generate(Algorithm::Es256);
            provider.0.keys.lock().expect("no panic").insert((*tenant).to_owned(), key);
        }
        provider
    }

    fn key(&self, tenant: &str) -> SigningKey {
        self.0.keys.lock().expect("no panic")[tenant].clone()
    }

    fn fetched(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.fetched.lock().expect("no panic"))
    }

    /// A token of a tenant that one of the keys has signed.
    fn token_of(&self, tenant: &str, key: &str, clock: &ManualClock) -> TokenBuilder {
        let issuer = PATTERN.replace("{tenant}", tenant);
        let forge = Forge::new(issuer, AUDIENCE, self.key(key));
        forge.token().issued_at(clock.unix()).lifetime(86_400)
    }

    fn token(&self, tenant: &str, clock: &ManualClock) -> String {
        self.token_of(tenant, tenant, clock).mint()
    }

    fn answer(&self, url: &url::Url) -> Result<FetchResponse, FetchError> {
        self.0.fetched.lock().expect("no panic").push(url.path().to_owned());
        if self.0.is_down.load(Ordering::SeqCst) {
            return Err(FetchError::Timeout);
        }
        let origin = url.origin().ascii_serialization();
        let path: Vec<_> = url.path().trim_matches('/').split('/').collect();
        let keys = self.0.keys.lock().expect("no panic");
        let set = |keys: &[&SigningKey]| {
            let mut set = jwk_set(keys.iter().copied());
            if let Some(issuer) = &*self.0.key_issuer.lock().expect("no panic") {
                for key in set["keys"].as_array_mut().expect("keys") {
                    key["issuer"] = json!(issuer);
                }
            }
            FetchResponse::new(200, set.to_string())
        };
        Ok(match path.as_slice() {
            [tenant, "v2.0", ".well-known", "openid-configuration"] if keys.contains_key(*tenant) => {
                let document = json!({
                    "issuer": format!("{origin}/{tenant}/v2.0"),
                    "jwks_uri": format!("{origin}/{tenant}/keys"),
                });
                FetchResponse::new(200, document.to_string())
            }
            ["common", "keys"] => set(&keys.values().collect::<Vec<_>>()),
            [tenant, "keys"] if keys.contains_key(*tenant) => set(&[&keys[*tenant]]),
            _ => FetchResponse::new(404, ""),
        })
    }
}

impl Fetch for Provider {
    fn fetch(&self, request: FetchRequest) -> FetchFuture {
        Box::pin(std::future::ready(self.answer(request.url())))
    }
}

fn pattern(provider: &Provider, clock: &ManualClock) -> Builder {
    RequiresAuth::builder(PATTERN, AUDIENCE).with_fetch(provider.clone()).with_clock(clock.clone())
}

async fn verdict(auth: &RequiresAuth, token: &str) -> Result<Option<String>, Denial> {
    let token = auth.verify(token, &Policy::default()).await?;
    Ok(token.tenant().map(ToOwned::to_owned))
}

async fn reason(auth: &RequiresAuth, token: &str) -> Option<Reason> {
    verdict(auth, token).await.expect_err("a refusal").reason()
}

async fn is_undecided(auth: &RequiresAuth, token: &str) -> bool {
    let denial = verdict(auth, token).await.expect_err("a refusal");
    denial.code() == ErrorCode::IssuerUnavailable && denial.is_undecided()
}

#[tokio::test]
async fn listed_tenants_pass_with_their_own_keys_and_nobody_else_does() {
    let (provider, clock) = (Provider::with(&["contoso", "fabrikam", "stranger"]), ManualClock::new());
    let auth = pattern(&provider, &clock).with_tenants(["contoso", "fabrikam"]).build().expect("a guard");
    assert!(auth.health().is_ready() && provider.fetched().is_empty(), "nothing is fetched ahead of need");

    assert_eq!(reason(&auth, &provider.token("stranger", &clock)).await, Some(Reason::IssuerMismatch));
    let nobody = provider.token_of("contoso/v2.0/..", "contoso", &clock).mint();
    assert_eq!(reason(&auth, &nobody).await, Some(Reason::IssuerMismatch));
    assert_eq!(provider.fetched(), [""; 0], "never a fetch for an issuer that is not ours");

    for tenant in ["contoso", "fabrikam"] {
        let token = provider.token(tenant, &clock);
        for _ in 0..2 {
            assert_eq!(verdict(&auth, &token).await.expect("a good token").as_deref(), Some(tenant));
        }
        let expected =
            [format!("/{tenant}/v2.0/.well-known/openid-configuration"), format!("/{tenant}/keys")];
        assert_eq!(provider.fetched(), expected);
    }
    let crossed = provider.token_of("contoso", "fabrikam", &clock).mint();
    assert_eq!(reason(&auth, &crossed).await, Some(Reason::KeyUnknown));

    let health = auth.health();
    let told: Vec<_> = health.issuers().iter().map(|i| (i.issuer(), i.state(), i.is_tenant())).collect();
    let contoso = PATTERN.replace("{tenant}", "contoso");
    assert_eq!(told[0], (PATTERN, KeyState::OnDemand, false));
    assert_eq!(told[1], (&*contoso, KeyState::Fresh, true));
    assert_eq!(told.len(), 3);
}

#[tokio::test]
async fn a_fixed_issuer_beside_a_pattern_has_no_tenant() {
    let (provider, clock) = (Provider::with(&["contoso", "own"]), ManualClock::new());
    let auth = pattern(&provider, &clock)
        .with_tenants(["contoso"])
        .with_issuer("https://login.example/own/v2.0", AUDIENCE)
        .build()
        .expect("a guard");
    assert_eq!(verdict(&auth, &provider.token("own", &clock)).await.expect("a good token"), None);
    let contoso = verdict(&auth, &provider.token("contoso", &clock)).await.expect("a good token");
    assert_eq!(contoso.as_deref(), Some("contoso"));
    let without = Forge::new("x", AUDIENCE, provider.key("own")).token().without_claim("iss").mint();
    assert!(verdict(&auth, &without).await.is_err());
}

#[tokio::test]
async fn a_fixed_issuer_that_a_pattern_fits_too_is_the_fixed_one() {
    let (provider, clock) = (Provider::with(&["contoso", "own"]), ManualClock::new());
    let builder = danger::any_tenant(pattern(&provider, &clock));
    let auth = builder.with_issuer("https://login.example/own/v2.0", "https://other.example");
    let auth = auth.build().expect("a guard");
    assert_eq!(reason(&auth, &provider.token("own", &clock)).await, Some(Reason::AudienceMismatch));
    let contoso = verdict(&auth, &provider.token("contoso", &clock)).await.expect("a good token");
    assert_eq!(contoso.as_deref(), Some("contoso"));
}

#[tokio::test]
async fn any_tenant_passes_where_that_is_said_within_one_allowance() {
    let (provider, clock) = (Provider::with(&["contoso", "late", "later"]), ManualClock::new());
    let auth = danger::any_tenant(pattern(&provider, &clock)).build().expect("a guard");
    let contoso = provider.token("contoso", &clock);
    assert!(verdict(&auth, &contoso).await.is_ok());
    provider.fetched();

    // A stranger names tenants that are not there.
    for number in 0..300 {
        let token = provider.token_of(&format!("t{number}"), "contoso", &clock).mint();
        assert!(is_undecided(&auth, &token).await);
    }
    let fetched = provider.fetched();
    let asked = fetched.iter().filter(|path| path.ends_with("openid-configuration"));
    assert_eq!(asked.count(), 19, "of 20, one was for contoso");

    assert!(is_undecided(&auth, &provider.token("late", &clock)).await, "held back");
    let another = provider.token_of("contoso", "contoso", &clock).claim("jti", "another").mint();
    assert!(verdict(&auth, &another).await.is_ok(), "a tenant that has verified a token is served");
    assert_eq!(provider.fetched(), [""; 0]);
    clock.advance(1);
    assert!(verdict(&auth, &provider.token("late", &clock)).await.is_ok());
    assert!(verdict(&auth, &provider.token("later", &clock)).await.is_ok());
    assert_eq!(auth.health().issuers().len(), 4, "the pattern, and who has verified a token");
}

#[tokio::test]
async fn a_tenant_that_has_verified_a_token_keeps_its_place_and_its_remembered_tokens() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let auth = danger::any_tenant(pattern(&provider, &clock)).build().expect("a guard");
    let contoso = provider.token("contoso", &clock);
    assert!(verdict(&auth, &contoso).await.is_ok());
    for number in 0..500 {
        clock.advance(1);
        let token = provider.token_of(&format!("t{number}"), "contoso", &clock).mint();
        assert!(is_undecided(&auth, &token).await);
        provider.fetched();
    }
    assert!(auth.verify_now(&contoso, &Policy::default()).expect("no fetch is needed").is_ok());
    // An outage of one tenant is a 503 for its unknown tokens alone.
    provider.0.is_down.store(true, Ordering::SeqCst);
    clock.advance(5000);
    let denial = verdict(&auth, &provider.token("contoso", &clock)).await.expect_err("no keys");
    assert_eq!((denial.status(), denial.is_undecided()), (503, false));
    assert!(auth.health().is_ready());
}

#[tokio::test]
async fn a_key_and_a_claim_that_are_for_another_tenant_refuse() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let auth = || pattern(&provider, &clock).with_tenants(["contoso"]).build().expect("a guard");
    let token = |claims: Value| {
        let builder = provider.token_of("contoso", "contoso", &clock);
        let members = claims.as_object().expect("claims").clone();
        members.into_iter().fold(builder, |builder, (name, value)| builder.claim(name, value)).mint()
    };
    assert!(verdict(&auth(), &token(json!({}))).await.is_ok(), "no key says that it is for many");

    *provider.0.key_issuer.lock().expect("no panic") =
        Some("https://login.example/{tenantid}/v2.0".to_owned());
    let shared = auth();
    assert!(verdict(&shared, &token(json!({ "tid": "contoso" }))).await.is_ok());
    assert_eq!(reason(&shared, &token(json!({ "tid": "fabrikam" }))).await, Some(Reason::IssuerMismatch));
    assert_eq!(reason(&shared, &token(json!({}))).await, Some(Reason::ClaimMissing));
    assert_eq!(reason(&shared, &token(json!({ "tid": 7 }))).await, Some(Reason::ClaimMalformed));

    *provider.0.key_issuer.lock().expect("no panic") = Some("https://login.example/fabrikam/v2.0".to_owned());
    let other = token(json!({ "tid": "contoso" }));
    assert_eq!(reason(&auth(), &other).await, Some(Reason::IssuerMismatch), "the key is another tenant's");

    *provider.0.key_issuer.lock().expect("no panic") = None;
    let named = pattern(&provider, &clock).with_tenants(["contoso"]).with_tenant_claims(["org"]);
    let named = named.build().expect("a guard");
    assert!(verdict(&named, &token(json!({ "org": "contoso" }))).await.is_ok());
    assert_eq!(reason(&named, &token(json!({ "org": "fabrikam" }))).await, Some(Reason::IssuerMismatch));
    assert_eq!(reason(&named, &token(json!({}))).await, Some(Reason::ClaimMissing));
}

#[tokio::test]
async fn tenants_may_share_their_keys() {
    let (provider, clock) = (Provider::with(&["contoso", "fabrikam"]), ManualClock::new());
    let builder = danger::any_tenant(pattern(&provider, &clock));
    let auth = builder.with_jwks_uri("https://login.example/common/keys").build().expect("a guard");
    assert!(!auth.health().is_ready(), "there is something to fetch ahead of need");
    auth.warm().await.expect("keys");
    assert!(auth.health().is_ready());
    for tenant in ["contoso", "fabrikam", "newcomer"] {
        let token = provider.token_of(tenant, "contoso", &clock).mint();
        assert_eq!(verdict(&auth, &token).await.expect("a good token").as_deref(), Some(tenant));
    }
    assert_eq!(provider.fetched(), ["/common/keys"]);

    let own = pattern(&provider, &clock).with_tenants(["contoso"]);
    let own = own.with_jwks_uri("https://login.example/{tenant}/keys").build().expect("a guard");
    assert!(verdict(&own, &provider.token("contoso", &clock)).await.is_ok());
    assert_eq!(provider.fetched(), ["/contoso/keys"]);
}

#[tokio::test]
async fn another_configuration_takes_over_the_tenants_that_are_still_ours() {
    let (provider, clock) = (Provider::with(&["contoso", "fabrikam"]), ManualClock::new());
    let before = pattern(&provider, &clock).with_tenants(["contoso", "fabrikam"]).build().expect("a guard");
    for tenant in ["contoso", "fabrikam"] {
        assert!(verdict(&before, &provider.token(tenant, &clock)).await.is_ok());
    }
    provider.fetched();
    let after = pattern(&provider, &clock).with_tenants(["contoso"]).with_keys_of(&before);
    let after = after.build().expect("a guard");
    assert!(verdict(&after, &provider.token("contoso", &clock)).await.is_ok());
    assert_eq!(reason(&after, &provider.token("fabrikam", &clock)).await, Some(Reason::IssuerMismatch));
    assert_eq!(provider.fetched(), [""; 0]);
}

#[tokio::test]
async fn an_issuer_of_a_resolver_whose_tokens_nobody_looks_for_is_an_outage_and_not_a_refusal() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let (header, cookie) = ("X-Token", TokenPlace::cookie("token").expect("a cookie"));
    let place = || TokenPlace::header(header).expect("a header");
    let resolver = async move |_: String| {
        let places = SettingValue::Places(vec![TokenPlace::header(header)?]);
        Ok(Some(Issuer::new(AUDIENCE).with_setting(settings::TOKEN_FROM.setting, places)))
    };
    let guard = |places: Vec<TokenPlace>| {
        let builder =
            RequiresAuth::resolving(resolver).with_fetch(provider.clone()).with_clock(clock.clone());
        builder.with_token_from(places).build().expect("a guard")
    };
    let token = provider.token("contoso", &clock);
    let ask = async |auth: RequiresAuth| {
        let headers = [("X-Token", token.clone()), ("Cookie", format!("token={token}"))];
        auth.authenticate(&Request::new("GET", "/", &headers))
            .await
            .map_err(|denial| denial.status())
            .map(drop)
    };
    // The resolver's mistake is in the log; before, every token of this issuer was refused without a word.
    assert_eq!(ask(guard(vec![cookie.clone()])).await, Err(503));
    assert_eq!(ask(guard(vec![cookie, place()])).await, Ok(()));
}

#[tokio::test]
async fn explain_and_examine_know_the_tenants() {
    let (provider, clock) = (Provider::with(&["contoso", "stranger"]), ManualClock::new());
    let auth = pattern(&provider, &clock).with_tenants(["contoso", "gone"]).build().expect("a guard");
    let report = support::explain(&auth, &provider.token("contoso", &clock), &Policy::default()).await;
    assert!(report.verdict().is_ok(), "{report:?}");
    let report = support::explain(&auth, &provider.token("stranger", &clock), &Policy::default()).await;
    let failed = report.checks().iter().find(|check| check.expected().contains(PATTERN));
    assert!(failed.is_some(), "{report:?}");
    let examined = auth.examine().await;
    let told: Vec<_> = examined.iter().map(|found| (found.issuer(), found.failure().is_none())).collect();
    let issuer = |tenant| PATTERN.replace("{tenant}", tenant);
    assert_eq!(told, [(&*issuer("contoso"), true), (&*issuer("gone"), false)]);
}

/// A resolver that knows some issuers, and counts.
#[derive(Clone, Default)]
struct Customers {
    known: Arc<Mutex<Vec<String>>>,
    calls: Arc<AtomicUsize>,
    is_broken: Arc<AtomicBool>,
}

impl Customers {
    fn guard(&self, provider: &Provider, clock: &ManualClock) -> RequiresAuth {
        let customers = self.clone();
        let resolver = move |issuer: String| {
            customers.calls.fetch_add(1, Ordering::SeqCst);
            let is_known = customers.known.lock().expect("no panic").contains(&issuer);
            let is_broken = customers.is_broken.load(Ordering::SeqCst);
            async move {
                tokio::task::yield_now().await;
                if is_broken {
                    return Err("the database is away".into());
                }
                Ok(is_known.then(|| Issuer::new(AUDIENCE).with_tenant("customer")))
            }
        };
        let builder = RequiresAuth::resolving(resolver);
        builder.with_fetch(provider.clone()).with_clock(clock.clone()).build().expect("a guard")
    }

    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_resolver_says_which_issuers_are_ours() {
    let (provider, clock) = (Provider::with(&["contoso", "stranger"]), ManualClock::new());
    let customers = Customers::default();
    customers.known.lock().expect("no panic").push("https://login.example/contoso/v2.0".to_owned());
    let auth = customers.guard(&provider, &clock);
    let contoso = provider.token("contoso", &clock);
    assert!(auth.verify_now(&contoso, &Policy::default()).is_none(), "the resolver has to be asked");
    for _ in 0..3 {
        assert_eq!(verdict(&auth, &contoso).await.expect("a good token").as_deref(), Some("customer"));
    }
    assert_eq!(customers.calls(), 1);
    provider.fetched();

    for _ in 0..3 {
        let stranger = provider.token("stranger", &clock);
        assert_eq!(reason(&auth, &stranger).await, Some(Reason::IssuerMismatch));
    }
    assert_eq!((customers.calls(), provider.fetched()), (1, Vec::new()), "a refusal is remembered");
    clock.advance(61);
    assert_eq!(reason(&auth, &provider.token("stranger", &clock)).await, Some(Reason::IssuerMismatch));
    assert_eq!(customers.calls(), 1, "for a minute");

    clock.advance(301);
    customers.known.lock().expect("no panic").clear();
    assert_eq!(reason(&auth, &contoso).await, Some(Reason::IssuerMismatch), "the customer has left");
    assert_eq!(customers.calls(), 1);
}

#[tokio::test]
async fn a_key_for_many_tenants_wants_the_tenant_of_the_issuer_whatever_a_resolver_calls_it() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    *provider.0.key_issuer.lock().expect("no panic") =
        Some("https://login.example/{tenantid}/v2.0".to_owned());
    let customers = Customers::default();
    customers.known.lock().expect("no panic").push(PATTERN.replace("{tenant}", "contoso"));
    let auth = customers.guard(&provider, &clock);
    let token = |tid: &str| provider.token_of("contoso", "contoso", &clock).claim("tid", tid).mint();
    assert_eq!(verdict(&auth, &token("contoso")).await.expect("a good token").as_deref(), Some("customer"));
    assert_eq!(reason(&auth, &token("fabrikam")).await, Some(Reason::IssuerMismatch));
    assert_eq!(reason(&auth, &token("customer")).await, Some(Reason::IssuerMismatch));
}

#[tokio::test]
async fn a_resolver_that_fails_is_an_outage_and_those_who_are_known_still_pass() {
    let (provider, clock) = (Provider::with(&["contoso", "fabrikam"]), ManualClock::new());
    let customers = Customers::default();
    for tenant in ["contoso", "fabrikam"] {
        customers.known.lock().expect("no panic").push(PATTERN.replace("{tenant}", tenant));
    }
    let auth = customers.guard(&provider, &clock);
    let contoso = provider.token("contoso", &clock);
    assert!(verdict(&auth, &contoso).await.is_ok());
    customers.is_broken.store(true, Ordering::SeqCst);
    assert!(is_undecided(&auth, &provider.token("fabrikam", &clock)).await);
    clock.advance(301);
    assert!(verdict(&auth, &contoso).await.is_ok(), "the earlier answer still holds");
    customers.is_broken.store(false, Ordering::SeqCst);
    assert!(verdict(&auth, &provider.token("fabrikam", &clock)).await.is_ok());
}

#[tokio::test]
async fn a_resolver_that_fails_for_ever_keeps_an_answer_for_an_hour_and_no_longer() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let customers = Customers::default();
    customers.known.lock().expect("no panic").push(PATTERN.replace("{tenant}", "contoso"));
    let auth = customers.guard(&provider, &clock);
    let contoso = provider.token("contoso", &clock);
    assert!(verdict(&auth, &contoso).await.is_ok());
    clock.advance(301);
    assert!(verdict(&auth, &contoso).await.is_ok(), "the resolver says it again, and the hour begins");
    customers.is_broken.store(true, Ordering::SeqCst);
    for second in (0..3_600).step_by(60) {
        assert!(verdict(&auth, &contoso).await.is_ok(), "after {second} s");
        clock.advance(60);
    }
    for _ in 0..3 {
        assert!(is_undecided(&auth, &contoso).await, "the last good answer is an hour old");
        clock.advance(60);
    }
    customers.is_broken.store(false, Ordering::SeqCst);
    assert!(verdict(&auth, &contoso).await.is_ok(), "and it works again");
}

#[tokio::test]
async fn many_first_uses_ask_the_resolver_once_and_many_issuers_within_the_allowance() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let customers = Customers::default();
    customers.known.lock().expect("no panic").push(PATTERN.replace("{tenant}", "contoso"));
    let auth = customers.guard(&provider, &clock);
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (auth, token) = (auth.clone(), provider.token("contoso", &clock));
        requests.spawn(async move { auth.verify(&token, &Policy::default()).await.is_ok() });
    }
    assert!(requests.join_all().await.into_iter().all(|passed| passed));
    assert_eq!(customers.calls(), 1);
    for number in 0..300 {
        let token = provider.token_of(&format!("t{number}"), "contoso", &clock).mint();
        assert!(verdict(&auth, &token).await.is_err());
    }
    assert_eq!(customers.calls(), 18, "of 20, one call and one fetch were for contoso");
    assert!(verdict(&auth, &provider.token("contoso", &clock)).await.is_ok());
    // Once the answer has to be asked for anew, strangers hold up nobody who has verified a token.
    clock.advance(301);
    for number in 300..600 {
        let token = provider.token_of(&format!("t{number}"), "contoso", &clock).mint();
        assert!(verdict(&auth, &token).await.is_err());
    }
    assert!(verdict(&auth, &provider.token("contoso", &clock)).await.is_ok());
}

/// A guard whose resolver says this of every issuer, for five minutes each time.
fn changing(
    said: &Arc<Mutex<(&'static str, &'static str)>>,
    provider: &Provider,
    clock: &ManualClock,
) -> RequiresAuth {
    let said = Arc::clone(said);
    let resolver = move |_: String| {
        let (audience, name) = *said.lock().expect("no panic");
        async move { Ok(Some(Issuer::new(audience).with_tenant(name))) }
    };
    let builder = RequiresAuth::resolving(resolver).with_fetch(provider.clone());
    builder.with_clock(clock.clone()).build().expect("a guard")
}

#[tokio::test]
async fn a_resolver_may_call_a_tenant_otherwise_later() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let said = Arc::new(Mutex::new((AUDIENCE, "before")));
    let auth = changing(&said, &provider, &clock);
    let token = provider.token("contoso", &clock);
    assert_eq!(verdict(&auth, &token).await.expect("a good token").as_deref(), Some("before"));
    *said.lock().expect("no panic") = (AUDIENCE, "after");
    assert_eq!(verdict(&auth, &token).await.expect("a good token").as_deref(), Some("before"));
    clock.advance(301);
    // Another token makes it known, and what is remembered of the first does not count any more.
    let another = provider.token_of("contoso", "contoso", &clock).claim("jti", "another").mint();
    for token in [&another, &token] {
        assert_eq!(verdict(&auth, token).await.expect("a good token").as_deref(), Some("after"));
    }
}

#[tokio::test]
async fn a_resolver_may_name_another_audience_later() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let said = Arc::new(Mutex::new((AUDIENCE, "contoso")));
    let auth = changing(&said, &provider, &clock);
    let token = provider.token("contoso", &clock);
    assert!(verdict(&auth, &token).await.is_ok());
    clock.advance(301);
    assert!(verdict(&auth, &token).await.is_ok(), "it says the same");
    *said.lock().expect("no panic") = ("https://other.example", "contoso");
    clock.advance(301);
    assert_eq!(reason(&auth, &token).await, Some(Reason::AudienceMismatch));
}

#[tokio::test]
async fn settings_of_a_resolver_that_cannot_work_are_an_outage() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let resolver = async |_: String| Ok(Some(Issuer::new("")));
    let builder = RequiresAuth::resolving(resolver).with_fetch(provider.clone());
    let auth = builder.with_clock(clock.clone()).build().expect("a guard");
    assert!(is_undecided(&auth, &provider.token("contoso", &clock)).await);
    let opaque = async |_: String| {
        let (setting, tokens) = (settings::ACCEPT_TOKENS.setting, settings::Value::Choice("opaque"));
        Ok(Some(Issuer::new(AUDIENCE).with_setting(setting, tokens)))
    };
    let builder = RequiresAuth::resolving(opaque).with_fetch(provider.clone());
    let auth = builder.with_clock(clock.clone()).build().expect("a guard");
    assert!(is_undecided(&auth, &provider.token("contoso", &clock)).await);
    assert_eq!(provider.fetched(), [""; 0]);
}

#[tokio::test]
async fn an_issuer_that_a_resolver_names_is_not_introspected_and_says_so() {
    let (provider, clock) = (Provider::with(&["contoso"]), ManualClock::new());
    let resolver = async |_: String| {
        let mut table = Table::default();
        table.set(introspection::ALWAYS, true);
        Ok(Some(Issuer::new(AUDIENCE).with_setting(INTROSPECTION.setting, SettingValue::Table(table))))
    };
    let builder = RequiresAuth::resolving(resolver).with_fetch(provider.clone());
    let auth = builder.with_clock(clock.clone()).build().expect("a guard");
    let token = provider.token("contoso", &clock);
    assert!(is_undecided(&auth, &token).await, "nobody confirms it");
    assert_eq!(provider.fetched(), [""; 0], "it is a mistake before anything is fetched");
    let headers = [("authorization", format!("Bearer {token}"))];
    let report = auth.explain(&Request::new("GET", "/", &headers), &Policy::default()).await;
    assert_eq!(report.verdict().expect_err("refused").status(), 503);
}

#[test]
fn what_cannot_work_as_a_pattern_is_a_configuration_error() {
    let problem = |builder: Builder| {
        let error = builder.build().expect_err("a mistake");
        let [problem] = error.problems() else { panic!("one problem expected: {error}") };
        (problem.field(), problem.expected(), error.to_string())
    };
    let of = |issuer: &str| RequiresAuth::builder(issuer, AUDIENCE);
    for issuer in [PATTERN, "https://login.microsoftonline.com/{tenantid}/v2.0"] {
        let (field, expected, text) = problem(of(issuer));
        assert_eq!((field, expected), ("issuer", "the tenants of a pattern"));
        assert!(text.contains("`tenants`") && text.contains("`dangerously_any_tenant`"), "{text}");
    }
    for (builder, field) in [
        (of("https://a.example/{x}/{y}").with_tenants(["a"]), "issuer"),
        (of("http://a.example/{x}").with_tenants(["a"]), "issuer"),
        (danger::any_tenant(of("https://{x}.example/")), "issuer"),
        (of("https://a.example/common").with_tenants(["a"]), "tenants"),
        (danger::any_tenant(of("https://a.example/common")), "dangerously_any_tenant"),
        (danger::any_tenant(of(PATTERN).with_tenants(["a"])), "tenants"),
        (of(PATTERN).with_tenants(["*"]), "tenants"),
        (of(PATTERN).with_tenants(["a b"]), "tenants"),
        (of(PATTERN).with_tenants(["a\n"]), "tenants"),
        (of(PATTERN).with_tenants([""; 0]), "tenants"),
        (of(PATTERN).with_tenants(["a"]).with_discovery_url("https://a.example/metadata"), "discovery_url"),
        (of(PATTERN).with_tenants(["a"]).with_jwks_uri("http://a.example/{tenant}/keys"), "jwks_uri"),
        (
            of(PATTERN).with_tenants(["a"]).with_introspection(
                Introspection::at("https://a.example/i").with_client_secret("api", "secret"),
            ),
            "introspection",
        ),
    ] {
        assert_eq!(problem(builder).0, field);
    }
    let hint = problem(of(PATTERN).with_tenants(["*"])).2;
    assert!(hint.contains("dangerously_any_tenant"), "{hint}");
}
