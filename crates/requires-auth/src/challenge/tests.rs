use super::*;
use crate::error::{ErrorCode, Reason};
use crate::jose::alg::Algorithm;

fn answer(denial: &Denial, format: &BodyFormat) -> (Vec<(&'static str, String)>, String) {
    let headers = [("origin", "https://app.example")];
    let challenge = Challenge::new(denial, &Request::new("GET", "/", &headers), format);
    let headers = challenge.headers().map(|(name, value)| (name, value.to_owned())).collect();
    (headers, String::from_utf8(challenge.into_body()).expect("UTF-8"))
}

#[test]
fn an_invalid_token_is_told_why() {
    let (headers, body) = answer(&Denial::invalid_token(Reason::Expired), &BodyFormat::Json);
    assert_eq!(
        body,
        r#"{"code":"invalid_token","status":401,"message":"the token has expired","reason":"expired"}"#
    );
    let challenge = r#"Bearer error="invalid_token", error_description="the token has expired""#;
    assert_eq!(
        headers,
        [
            ("content-type", "application/json".to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("access-control-expose-headers", "WWW-Authenticate".to_owned()),
            ("www-authenticate", challenge.to_owned()),
        ]
    );
}

#[test]
fn every_status_has_its_phrase_and_every_challenge_is_told() {
    let no_headers: [(&str, &str); 0] = [];
    let request = Request::new("GET", "/", &no_headers);
    for (code, title) in [
        (ErrorCode::InvalidRequest, "Bad Request"),
        (ErrorCode::InvalidToken, "Unauthorized"),
        (ErrorCode::AccessDenied, "Forbidden"),
        (ErrorCode::TooManyProofs, "Too Many Requests"),
        (ErrorCode::IssuerUnavailable, "Service Unavailable"),
    ] {
        let denial = Denial::new(code);
        let challenge = Challenge::new(&denial, &request, &BodyFormat::ProblemDetails);
        assert!(!challenge.is_json_rpc());
        assert_eq!(challenge.www_authenticate(), www_authenticate(&denial), "{code}");
        assert_eq!(challenge.status(), code.status());
        let body = String::from_utf8(challenge.into_body()).expect("UTF-8");
        assert!(body.contains(&format!("\"title\":\"{title}\"")), "{body}");
    }
}

#[test]
fn an_outage_says_when_to_come_back_and_challenges_nobody() {
    let (headers, body) = answer(&Denial::issuer_unavailable(7), &BodyFormat::Json);
    assert!(headers.contains(&("retry-after", "7".to_owned())));
    assert!(!headers.iter().any(|(name, _)| matches!(*name, "www-authenticate" | "cache-control")));
    assert!(!body.contains("reason"), "{body}");
}

#[test]
fn a_login_challenge_has_the_parameters_of_rfc_9470() {
    let denial = Denial::insufficient_user_authentication(Some("gold silver".into()), Some(300));
    let expected = "Bearer error=\"insufficient_user_authentication\", error_description=\"a stronger or more \
                    recent login is required\", acr_values=\"gold silver\", max_age=\"300\"";
    assert_eq!(www_authenticate(&denial), [expected]);
}

fn with_dpop(takes_bearer: bool) -> Style {
    let algorithms = [Algorithm::Ed25519, Algorithm::Es256].into_iter().collect();
    Style::default().with_schemes(Schemes::with_dpop(takes_bearer, algorithms))
}

/// RFC 9449 §7.1, §7.2: figures 16 to 19.
#[test]
fn each_scheme_has_its_challenge_and_the_tried_one_says_what_is_wrong() {
    let (allowed, required) = (with_dpop(true), with_dpop(false));
    let nothing = Denial::new(ErrorCode::AuthorizationHeaderMissing);
    let algs = "algs=\"ES256 Ed25519\"";
    assert_eq!(allowed.www_authenticate(&nothing), ["Bearer".to_owned(), format!("DPoP {algs}")]);
    assert_eq!(required.www_authenticate(&nothing), [format!("DPoP {algs}")]);
    assert_eq!(Style::default().www_authenticate(&nothing), ["Bearer"]);

    let expired = || Denial::invalid_token(Reason::Expired);
    let told = "error=\"invalid_token\", error_description=\"the token has expired\"";
    let by_bearer = [format!("Bearer {told}"), format!("DPoP {algs}")];
    assert_eq!(allowed.www_authenticate(&expired()), by_bearer);
    let by_dpop = ["Bearer".to_owned(), format!("DPoP {told}, {algs}")];
    assert_eq!(allowed.www_authenticate(&expired().by_dpop(true)), by_dpop);
    assert_eq!(required.www_authenticate(&expired()), by_dpop[1..]);
    assert!(allowed.www_authenticate(&Denial::new(ErrorCode::AccessDenied)).is_empty());

    let proof = Denial::invalid_proof(Reason::ProofReused).by_dpop(true);
    let told = "DPoP error=\"invalid_dpop_proof\", error_description=\"the DPoP proof was used before\", algs=\"ES256 Ed25519\"";
    assert_eq!(allowed.www_authenticate(&proof), [told]);
    assert_eq!(required.www_authenticate(&proof), [told]);
}

#[test]
fn the_tried_scheme_says_which_scopes_or_login_are_needed() {
    let scope = || Denial::insufficient_scope("read:orders".into());
    let of_scope = |denial| with_dpop(true).www_authenticate(&denial);
    assert!(
        of_scope(scope())[0].ends_with(", scope=\"read:orders\"")
            && of_scope(scope())[1].starts_with("DPoP algs")
    );
    let by_dpop = of_scope(scope().by_dpop(true));
    assert_eq!(by_dpop[0], "Bearer");
    assert!(by_dpop[1].ends_with(", scope=\"read:orders\", algs=\"ES256 Ed25519\""), "{by_dpop:?}");
    let login = Denial::insufficient_user_authentication(Some("gold".into()), Some(300)).by_dpop(true);
    let login = with_dpop(true).www_authenticate(&login);
    assert!(login[1].contains("acr_values=\"gold\", max_age=\"300\", algs="), "{login:?}");
}

/// RFC 9449 §8.1, §9: one header, which scripts of other origins can read.
#[test]
fn a_nonce_goes_with_the_answer() {
    let headers = [("origin", "https://app.example")];
    let request = Request::new("GET", "/", &headers);
    let denial = Denial::use_dpop_nonce("one".into()).by_dpop(true);
    let challenge = with_dpop(true).challenge(&denial, &request);
    let all: Vec<_> = challenge.headers().collect();
    assert!(all.contains(&("dpop-nonce", "one")) && all.contains(&("cache-control", "no-store")));
    assert!(all.contains(&("access-control-expose-headers", "WWW-Authenticate, DPoP-Nonce")));
    assert_eq!(challenge.www_authenticate().len(), 1);
    assert!(challenge.www_authenticate()[0].starts_with("DPoP error=\"use_dpop_nonce\", "));
    let other = with_dpop(true).challenge(&Denial::invalid_token(Reason::Expired), &request);
    assert!(other.headers().all(|(name, _)| name != "dpop-nonce"));
    assert!(!format!("{denial:?}").contains("one"), "{denial:?}");
}

#[test]
fn a_message_of_mcp_is_answered_with_an_error_of_json_rpc_in_every_format() {
    let own = BodyFormat::custom(|_| Body::new("text/plain", "no"));
    let denial = Denial::new(ErrorCode::McpHeaderMismatch);
    let expected = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32020,\"message\":\"Mcp-Method or Mcp-Name does \
                    not agree with the body of the message\",\"data\":{\"code\":\"auth.mcp_header_mismatch\",\"status\":400,\
                    \"message\":\"Mcp-Method or Mcp-Name does not agree with the body of the message\"}}}";
    for format in [BodyFormat::Json, BodyFormat::ProblemDetails, own] {
        let (headers, body) = answer(&denial, &format);
        assert_eq!((&*headers[0].1, &*body), ("application/json", expected));
    }
    for (code, number) in [
        (ErrorCode::McpBodyNotJson, -32_700),
        (ErrorCode::McpMessageInvalid, -32_600),
        (ErrorCode::McpBodyTooLarge, -32_600),
        (ErrorCode::McpBodyEncoded, -32_600),
    ] {
        let body = answer(&Denial::new(code), &BodyFormat::Json).1;
        assert!(body.contains(&format!("\"error\":{{\"code\":{number},")), "{body}");
    }
    // A refusal for want of a rule is one of the guard, and has the format of the guard.
    let body = answer(&Denial::new(ErrorCode::McpOperationUnknown), &BodyFormat::Json).1;
    assert!(body.starts_with("{\"code\":\"auth.mcp_operation_unknown\""), "{body}");
}

#[test]
fn problem_details_and_own_bodies() {
    let denial = Denial::new(ErrorCode::AccessDenied);
    let (headers, body) = answer(&denial, &BodyFormat::ProblemDetails);
    assert_eq!(headers[0].1, "application/problem+json");
    assert_eq!(
        body,
        r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"the claims of the token do not allow this request","code":"access_denied"}"#
    );
    let own = BodyFormat::custom(|denial| Body::new("text/plain", format!("no: {}", denial.code())));
    assert_eq!(answer(&denial, &own).1, "no: access_denied");
}
