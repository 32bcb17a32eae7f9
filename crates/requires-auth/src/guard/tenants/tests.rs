//! How many tenants are kept, and which make room.

use std::time::Duration;

use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};

use super::table::{MOST, MOST_UNPROVEN};
use super::*;
use crate::danger;
use crate::guard::RequiresAuth;

const AUDIENCE: &str = "https://api.example";

fn issuer(name: &str) -> String {
    format!("https://login.example/{name}/v2.0")
}

fn keys() -> String {
    jwk_set([&SigningKey::generate(Algorithm::Es256)]).to_string()
}

/// A guard for any tenant, whose keys are given.
fn any_tenant() -> RequiresAuth {
    let builder = RequiresAuth::builder(&issuer("{tenant}"), AUDIENCE).with_jwks(keys());
    danger::any_tenant(builder).build().expect("a guard")
}

fn tenants(auth: &RequiresAuth) -> &Tenants {
    auth.inner.tenants.as_ref().expect("tenants")
}

fn at(seconds: usize) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds as u64)
}

/// Names a tenant, as a token does.
fn name(auth: &RequiresAuth, tenant: &str, now: SystemTime) -> Arc<Tenant> {
    match tenants(auth).route(&auth.inner.rules.issuers, &issuer(tenant), now) {
        Route::Tenant(tenant) => tenant,
        Route::Fixed | Route::Ask => panic!("{tenant} is not a tenant"),
    }
}

fn is_kept(auth: &RequiresAuth, tenant: &str) -> bool {
    tenants(auth).table.get(&issuer(tenant)).is_some()
}

#[test]
fn strangers_make_room_for_each_other_and_nobody_else_does() {
    let auth = any_tenant();
    tenants(&auth).prove(&name(&auth, "proven", at(0)));
    for number in 0..MOST_UNPROVEN {
        name(&auth, &format!("t{number}"), at(number + 1));
    }
    assert!(
        (0..MOST_UNPROVEN).all(|number| is_kept(&auth, &format!("t{number}"))),
        "as many as there may be"
    );
    // One that is used again is not the one that was not used for longest.
    name(&auth, "t0", at(1000));
    name(&auth, "another", at(1001));
    assert!(is_kept(&auth, "t0") && is_kept(&auth, "another") && !is_kept(&auth, "t1"));
    for number in 0..500 {
        name(&auth, &format!("more{number}"), at(2000 + number));
    }
    let kept = (0..500).filter(|number| is_kept(&auth, &format!("more{number}"))).count();
    assert_eq!((kept, is_kept(&auth, "t0"), is_kept(&auth, "proven")), (MOST_UNPROVEN, false, true));
}

#[test]
fn those_that_have_verified_a_token_are_bounded_too() {
    let auth = any_tenant();
    for number in 0..=MOST {
        let tenant = name(&auth, &format!("t{number}"), at(number));
        assert!(!tenant.is_trusted());
        tenants(&auth).prove(&tenant);
        assert!(tenant.is_trusted());
    }
    assert_eq!(tenants(&auth).known().len(), MOST);
    assert!(!is_kept(&auth, "t0") && is_kept(&auth, "t1") && is_kept(&auth, &format!("t{MOST}")));
}

#[test]
fn those_that_are_listed_all_stay() {
    let names: Vec<_> = (0..2 * MOST_UNPROVEN).map(|number| format!("t{number}")).collect();
    let builder = RequiresAuth::builder(&issuer("{tenant}"), AUDIENCE).with_jwks(keys());
    let auth = builder.with_tenants(names.iter().map(String::as_str)).build().expect("a guard");
    for tenant in &names {
        assert!(name(&auth, tenant, at(0)).is_trusted());
    }
    assert!(names.iter().all(|tenant| is_kept(&auth, tenant)));
}

#[test]
fn a_tenant_that_was_made_anew_is_not_put_back() {
    let auth = any_tenant();
    let old = name(&auth, "x", at(0));
    tenants(&auth).table.remove(&old.issuer);
    assert!(!is_kept(&auth, "x"));
    let new = name(&auth, "x", at(0));
    tenants(&auth).prove(&new);
    tenants(&auth).prove(&old);
    let kept = tenants(&auth).table.get(&new.issuer).expect("it is there");
    assert!(Arc::ptr_eq(&kept, &new) && !Arc::ptr_eq(&kept, &old));
}

#[test]
fn what_is_too_long_for_an_issuer_is_not_asked_about() {
    let auth = RequiresAuth::resolving(|_: String| async { Ok(None) }).build().expect("a guard");
    let route = |length: usize| {
        let issuer = format!("https://{}", "a".repeat(length - 8));
        tenants(&auth).route(&auth.inner.rules.issuers, &issuer, at(0))
    };
    assert!(matches!(route(LONGEST_ISSUER), Route::Ask));
    assert!(matches!(route(LONGEST_ISSUER + 1), Route::Fixed));
}
