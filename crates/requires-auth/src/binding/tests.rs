//! What has to be proven, by what a token is bound to and what is switched on.

use super::*;
use crate::jose::digest::sha256;
use crate::request::Certificate;

const DER: &[u8] = b"a certificate";
const KEY: [u8; 32] = [7; 32];

const OFF: Methods = Methods { dpop: DpopMode::Off, certificate: false, needs_key: false, needs_any: false };
const BY_KEY: Methods = Methods { dpop: DpopMode::Allowed, ..OFF };
const REQUIRED: Methods = Methods { dpop: DpopMode::Required, ..OFF };
const BY_CERTIFICATE: Methods = Methods { certificate: true, ..OFF };
const BOTH: Methods = Methods { certificate: true, ..BY_KEY };

fn by_key() -> Confirmation {
    Confirmation { key: Some(KEY), ..Confirmation::default() }
}

fn by_certificate() -> Confirmation {
    Confirmation { certificate: Some(sha256(DER)), ..Confirmation::default() }
}

fn by_both() -> Confirmation {
    Confirmation { key: Some(KEY), ..by_certificate() }
}

/// What has to be proven of a token with this binding, sent by this scheme beside the certificate.
fn asked(
    bound: Option<&Confirmation>,
    scheme: &str,
    methods: Methods,
    needs_key: bool,
) -> Result<bool, Reason> {
    let headers = [("authorization", format!("{scheme} abc")), ("dpop", "a.b.c".to_owned())];
    let request = Request::new("GET", "/", &headers).with_certificate(Certificate::Der(DER));
    let credential = Credential::read(&request, true).expect("a credential");
    Binding::new(bound, &credential, methods.with_key_needed(needs_key)).check().map(|key| key.is_some())
}

const MISMATCH: Result<bool, Reason> = Err(Reason::BindingMismatch);

#[test]
fn while_nothing_is_switched_on_only_a_token_that_is_not_bound_passes() {
    assert_eq!(asked(None, "Bearer", OFF, false), Ok(false));
    let others = Confirmation { has_others: true, ..Confirmation::default() };
    let unprovable = Confirmation { is_unprovable: true, ..Confirmation::default() };
    for bound in [Confirmation::default(), by_key(), by_certificate(), by_both(), others, unprovable] {
        for scheme in ["Bearer", "DPoP"] {
            assert_eq!(asked(Some(&bound), scheme, OFF, false), MISMATCH, "{bound:?}");
        }
    }
}

#[test]
fn a_key_is_asked_for_where_it_is_switched_on_and_by_its_scheme_alone() {
    assert_eq!(asked(Some(&by_key()), "DPoP", BY_KEY, false), Ok(true));
    assert_eq!(asked(Some(&by_key()), "DPoP", REQUIRED, false), Ok(true));
    assert_eq!(asked(Some(&by_key()), "DPoP", BY_KEY, true), Ok(true));
    assert_eq!(asked(Some(&by_key()), "Bearer", BY_KEY, false), MISMATCH, "RFC 9449 §7.2");
    assert_eq!(asked(Some(&by_key()), "DPoP", BY_CERTIFICATE, false), MISMATCH);
    assert_eq!(asked(None, "DPoP", BY_KEY, false), MISMATCH, "RFC 9449 §7.1");
    assert_eq!(asked(None, "Bearer", BY_KEY, false), Ok(false));
    assert_eq!(asked(None, "Bearer", REQUIRED, false), MISMATCH);
    assert_eq!(asked(None, "Bearer", BY_KEY, true), MISMATCH, "the route needs one");
    assert_eq!(asked(None, "Bearer", OFF, true), MISMATCH, "the route needs one");
}

#[test]
fn a_certificate_is_compared_where_it_is_switched_on() {
    assert_eq!(asked(Some(&by_certificate()), "Bearer", BY_CERTIFICATE, false), Ok(false));
    assert_eq!(asked(Some(&by_certificate()), "Bearer", BY_KEY, false), MISMATCH);
    assert_eq!(asked(Some(&by_certificate()), "DPoP", BOTH, false), MISMATCH, "it has no key");
    assert_eq!(asked(Some(&by_certificate()), "Bearer", BOTH, true), MISMATCH, "the route needs a key");
    let other = Confirmation { certificate: Some([0; 32]), ..Confirmation::default() };
    assert_eq!(asked(Some(&other), "Bearer", BY_CERTIFICATE, false), MISMATCH);
}

#[test]
fn every_known_method_has_to_be_proven() {
    assert_eq!(asked(Some(&by_both()), "DPoP", BOTH, false), Ok(true));
    assert_eq!(asked(Some(&by_both()), "Bearer", BOTH, false), MISMATCH);
    assert_eq!(asked(Some(&by_both()), "DPoP", BY_KEY, false), MISMATCH, "its certificate is not looked at");
    assert_eq!(asked(Some(&by_both()), "DPoP", BY_CERTIFICATE, false), MISMATCH);
    let other = Confirmation { certificate: Some([0; 32]), ..by_key() };
    assert_eq!(asked(Some(&other), "DPoP", BOTH, false), MISMATCH, "another certificate");
}

#[test]
fn unknown_members_are_ignored_beside_a_known_one() {
    let beside = Confirmation { has_others: true, ..by_key() };
    assert_eq!(asked(Some(&beside), "DPoP", BOTH, false), Ok(true));
    let alone = Confirmation { has_others: true, ..Confirmation::default() };
    let unprovable = Confirmation { is_unprovable: true, ..by_key() };
    for bound in [alone, unprovable, Confirmation::default()] {
        for scheme in ["Bearer", "DPoP"] {
            assert_eq!(asked(Some(&bound), scheme, BOTH, false), MISMATCH, "{bound:?}");
        }
    }
}

#[test]
fn the_text_says_what_the_request_shows() {
    let headers = [("authorization", "Bearer abc")];
    let request = Request::new("GET", "/", &headers);
    let told = |request: &Request<'_>, bound: &Confirmation, methods| {
        let credential = Credential::from_request(request).expect("a credential");
        Binding::new(Some(bound), &credential, methods).expected()
    };
    let bound = by_certificate();
    assert!(told(&request, &bound, OFF).ends_with("the request shows no DPoP proof and no certificate"));
    let same = request.with_certificate(Certificate::Sha256(sha256(DER)));
    assert!(told(&same, &bound, OFF).ends_with("and that certificate"));
    let other = request.with_certificate(Certificate::Der(b"another"));
    assert!(told(&other, &bound, OFF).ends_with("and another certificate"));
    assert!(
        told(&other, &by_key(), OFF).starts_with("no cnf: the token is bound to a key (jkt), which is not")
    );
    assert!(told(&other, &by_key(), OFF).ends_with("and a certificate"));
    assert!(told(&other, &by_key(), BY_KEY).contains("came by the scheme Bearer; the request shows no DPoP"));
    let headers = [("authorization", "Bearer abc"), ("dpop", "a.b.c")];
    let proven = Request::new("GET", "/", &headers);
    assert!(told(&proven, &by_key(), OFF).ends_with("the request shows a DPoP proof and no certificate"));
    assert!(told(&request, &Confirmation::default(), OFF).contains("bound to nothing, which"));
    let others = Confirmation { has_others: true, ..Confirmation::default() };
    let unprovable = Confirmation { is_unprovable: true, ..by_key() };
    assert!(told(&request, &others, OFF).contains("bound to something else, which"));
    assert!(told(&request, &unprovable, OFF).contains("bound to a key (jkt) and something else, which"));
    assert!(told(&request, &bound, BY_CERTIFICATE).starts_with("proof of that: "));
    let credential = Credential::from_request(&request).expect("a credential");
    let needs = |methods| Binding::new(None, &credential, methods).expected();
    assert!(
        needs(OFF).starts_with("no cnf") && needs(REQUIRED).starts_with("a token that is bound to a key")
    );
}
