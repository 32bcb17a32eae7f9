//! The development issuer as a client sees it: over HTTP, on loopback.

mod support;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use requires_auth_testkit::issuer::{Builder, DevelopmentIssuer, Discovery, Endpoint, Lie};
use requires_auth_testkit::{Algorithm, Defect, SigningKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{client, get, get_json, header, part, post};
use tokio::time::timeout;

/// Long enough for loopback, short enough for a test that expects silence.
const SILENCE: Duration = Duration::from_millis(150);

/// Waits for what must happen, so that a test fails instead of hanging.
async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.expect("an end within seconds")
}

async fn start() -> DevelopmentIssuer {
    started(DevelopmentIssuer::builder()).await
}

async fn started(builder: Builder) -> DevelopmentIssuer {
    builder.start().await.expect("loopback has a free port")
}

async fn get_text(url: &str) -> String {
    let response = get(url).await;
    assert_eq!(response.status(), StatusCode::OK, "{url}");
    response.text().await.expect("text")
}

fn kids(set: &Value) -> Vec<&str> {
    set["keys"].as_array().expect("keys").iter().map(|jwk| jwk["kid"].as_str().expect("kid")).collect()
}

/// Verifies an ES384 token with the published key that its header names.
async fn signature_matches(token: &str, jwks_uri: &str) -> bool {
    let set = get_json(jwks_uri).await;
    let kid = &part(token, 0)["kid"];
    let Some(jwk) = set["keys"].as_array().expect("keys").iter().find(|jwk| &jwk["kid"] == kid) else {
        return false;
    };
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let coordinate = |name: &str| decoded(jwk[name].as_str().expect("a coordinate"));
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
    key.verify(message.as_bytes(), &decoded(signature)).is_ok()
}

#[tokio::test]
async fn both_metadata_documents_name_the_issuer_byte_for_byte() {
    for (path, expected) in [("/oidc", "/oidc"), ("/", ""), ("tenants/a", "/tenants/a")] {
        let issuer = started(DevelopmentIssuer::builder().path(path)).await;
        let origin = format!("http://{}", issuer.address());
        assert_eq!(issuer.issuer(), format!("{origin}{expected}"));
        let oauth = format!("{origin}/.well-known/oauth-authorization-server{expected}");
        assert_eq!(issuer.oauth_metadata_url(), oauth);
        for url in [&format!("{}/.well-known/openid-configuration", issuer.issuer()), &oauth] {
            let document = get_json(url).await;
            assert_eq!(document["issuer"], issuer.issuer());
            assert_eq!(document["jwks_uri"], issuer.jwks_uri());
            assert_eq!(document["token_endpoint"], issuer.token_endpoint());
            assert_eq!(document["introspection_endpoint"], issuer.introspection_endpoint());
        }
        let openid = get_json(issuer.discovery_url()).await;
        assert_eq!(openid["id_token_signing_alg_values_supported"], json!(["ES384"]));
    }
}

#[tokio::test]
async fn one_of_the_two_metadata_documents_can_be_absent() {
    for (discovery, openid, oauth) in
        [(Discovery::Both, 200, 200), (Discovery::OAuth, 404, 200), (Discovery::OpenId, 200, 404)]
    {
        let issuer = started(DevelopmentIssuer::builder().discovery(discovery)).await;
        assert_eq!(get(issuer.discovery_url()).await.status(), openid, "{discovery:?}");
        assert_eq!(get(issuer.oauth_metadata_url()).await.status(), oauth, "{discovery:?}");
        assert_eq!(issuer.requests(Endpoint::Discovery), 1);
        assert_eq!(issuer.requests(Endpoint::OAuthMetadata), 1);
    }
}

#[tokio::test]
async fn client_credentials_give_a_token_for_the_resource() {
    let issuer = started(DevelopmentIssuer::builder().now(|| 1_800_000_000).lifetime(60)).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("resource", "https://orders.example.com"),
        ("scope", "read:orders  write:orders"),
    ];
    let response = post(issuer.token_endpoint(), Some(("machine", "any")), &form).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "cache-control"), "no-store");
    let answer: Value = response.json().await.expect("JSON");
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 60);
    assert_eq!(answer["scope"], "read:orders write:orders");

    let token = answer["access_token"].as_str().expect("a token");
    assert!(signature_matches(token, issuer.jwks_uri()).await);
    assert_eq!(part(token, 0)["typ"], "at+jwt");
    let claims = part(token, 1);
    assert_eq!(claims["iss"], issuer.issuer());
    assert_eq!(claims["aud"], "https://orders.example.com");
    assert_eq!(claims["sub"], "machine");
    assert_eq!(claims["client_id"], "machine");
    assert_eq!(claims["scope"], "read:orders write:orders");
    assert_eq!(claims["iat"], 1_800_000_000);
    assert_eq!(claims["exp"], 1_800_000_060);
}

#[tokio::test]
async fn the_grant_takes_credentials_in_the_form_and_several_audiences() {
    let issuer = start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "machine"),
        ("client_secret", "any"),
        ("resource", "https://a.example.com"),
        ("audience", "https://b.example.com"),
        ("sub", "alice"),
        ("scope", ""),
    ];
    let answer: Value = post(issuer.token_endpoint(), None, &form).await.json().await.expect("JSON");
    assert_eq!(answer.get("scope"), None);
    let claims = part(answer["access_token"].as_str().expect("a token"), 1);
    assert_eq!(claims["aud"], json!(["https://a.example.com", "https://b.example.com"]));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("alice"), &json!("machine")));
    assert_eq!(claims.get("scope"), None);
}

#[tokio::test]
async fn a_wrong_grant_is_refused_as_oauth_says() {
    let issuer = started(DevelopmentIssuer::builder().client("machine", "s+e:c%ret")).await;
    let url = issuer.token_endpoint();
    let good = Some(("machine", "s+e:c%ret"));
    let grant = ("grant_type", "client_credentials");
    let cases: [(_, &[(&str, &str)], _, _); 11] = [
        (good, &[("grant_type", "password")], 400, "unsupported_grant_type"),
        (good, &[("scope", "a")], 400, "invalid_request"),
        (good, &[grant, grant], 400, "invalid_request"),
        (good, &[grant, ("scope", "a"), ("scope", "b")], 400, "invalid_request"),
        (good, &[grant, ("scope", "a\"b")], 400, "invalid_scope"),
        (good, &[grant, ("client_secret", "s+e:c%ret")], 400, "invalid_request"),
        (good, &[grant, ("client_id", "another")], 400, "invalid_request"),
        (Some(("machine", "wrong")), &[grant], 401, "invalid_client"),
        (Some(("another", "s+e:c%ret")), &[grant], 401, "invalid_client"),
        (None, &[grant, ("client_id", "machine"), ("client_secret", "wrong")], 401, "invalid_client"),
        (None, &[grant], 401, "invalid_client"),
    ];
    for (credentials, form, status, error) in cases {
        let response = post(url, credentials, form).await;
        assert_eq!(response.status(), status, "{form:?}");
        assert_eq!(header(&response, "cache-control"), "no-store", "{form:?}");
        assert_eq!(header(&response, "www-authenticate").starts_with("Basic"), status == 401, "{form:?}");
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer["error"], error, "{form:?}");
    }
    assert_eq!(post(url, good, &[grant]).await.status(), StatusCode::OK);
    let in_form = [grant, ("client_id", "machine"), ("client_secret", "s+e:c%ret")];
    assert_eq!(post(url, None, &in_form).await.status(), StatusCode::OK);
    let json = client().post(url).json(&json!({ "grant_type": "client_credentials" })).send().await;
    assert_eq!(json.expect("an answer").status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn one_line_gives_a_token_and_nothing_else() {
    let issuer = started(DevelopmentIssuer::builder().now(|| 1_800_000_000)).await;
    let response = get(issuer.token_endpoint()).await;
    assert!(header(&response, "content-type").starts_with("text/plain"));
    let token = response.text().await.expect("text");
    assert!(signature_matches(&token, issuer.jwks_uri()).await, "{token:?}");
    assert_eq!(part(&token, 1)["aud"], "https://api.example.com");
    assert_eq!(part(&token, 1)["exp"], 1_800_003_600);

    let query = "?scope=read:items+write:items&sub=bob&aud=urn:a&aud=urn:b&client_id=web&lifetime=-20";
    let claims = part(&get_text(&format!("{}{query}", issuer.token_endpoint())).await, 1);
    assert_eq!(claims["scope"], "read:items write:items");
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("bob"), &json!("web")));
    assert_eq!(claims["aud"], json!(["urn:a", "urn:b"]));
    assert_eq!(claims["exp"], 1_799_999_980);
}

#[tokio::test]
async fn one_line_gives_every_defect_by_name() {
    let now = 1_800_000_000;
    let issuer = started(DevelopmentIssuer::builder().now(move || now)).await;
    for defect in Defect::ALL {
        let url = format!("{}?sub=alice&defect={defect}", issuer.token_endpoint());
        let token = get_text(&url).await;
        let parts = token.split('.').count();
        let claims = || part(&token, 1);
        let good = match defect {
            Defect::AlgorithmNotAllowed => part(&token, 0)["alg"] == "ES384",
            Defect::AudienceMismatch => claims()["aud"] == issuer.audience(),
            Defect::BindingMismatch => claims().get("cnf").is_none(),
            Defect::ClaimMalformed => claims()["exp"].is_i64(),
            Defect::ClaimMissing => claims().get("exp").is_some(),
            Defect::CriticalHeader => part(&token, 0).get("crit").is_none(),
            Defect::Encrypted | Defect::Malformed | Defect::Opaque => parts == 3,
            Defect::Expired => claims()["exp"].as_i64() > Some(now),
            Defect::IssuerMismatch => claims()["iss"] == issuer.issuer(),
            Defect::KeyUnknown => part(&token, 0)["kid"] == issuer.current_key().kid(),
            Defect::NotYetValid => claims()["nbf"].as_i64() <= Some(now),
            Defect::SignatureMismatch => signature_matches(&token, issuer.jwks_uri()).await,
            Defect::TooLarge => token.len() <= 16 * 1024,
            Defect::TypeNotAllowed => part(&token, 0)["typ"] == "at+jwt",
            other => panic!("{other} is not covered here"),
        };
        assert!(!good, "{defect}: {token}");
    }
}

#[tokio::test]
async fn the_one_line_sets_any_claim() {
    let issuer = start().await;
    let query = "claim=permissions=%5B%22read:items%22%5D&claim=tier=gold&claim=sub=null&claim=org.id=7";
    let token = get(&format!("{}?{query}", issuer.token_endpoint())).await.text().await.expect("text");
    let claims = part(&token, 1);
    assert_eq!(claims["permissions"], serde_json::json!(["read:items"]));
    assert_eq!(claims["tier"], "gold");
    assert!(claims["sub"].is_null() && claims.get("sub").is_some());
    assert_eq!(claims["org.id"], 7);
}

#[tokio::test]
async fn a_mistake_in_the_one_line_is_answered_with_what_is_right() {
    let issuer = start().await;
    for (query, expected) in [
        (
            "scopes=a",
            "unknown parameter \"scopes\": expected one of scope, sub, aud, client_id, claim, lifetime, opaque, jkt, x5t, defect",
        ),
        (
            "defect=revoked",
            "unknown defect \"revoked\": expected one of algorithm_not_allowed, audience_mismatch",
        ),
        ("claim=permissions", "the claim \"permissions\" is not NAME=VALUE"),
        ("claim=a=%5B1", "the claim \"a=[1\" is not NAME=VALUE"),
        ("lifetime=1h", "the lifetime \"1h\" is not a whole number of seconds"),
        ("sub=a&sub=b", "the parameter sub comes more than once"),
    ] {
        let response = get(&format!("{}?{query}", issuer.token_endpoint())).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{query}");
        let text = response.text().await.expect("text");
        assert!(text.starts_with(expected), "{text}");
    }
}

#[tokio::test]
async fn the_previous_key_stays_for_one_rotation() {
    let issuer = start().await;
    let first = issuer.current_key();
    let token = issuer.token("read:items", "alice");
    assert_eq!(kids(&get_json(issuer.jwks_uri()).await), [first.kid()]);

    issuer.rotate();
    let second = issuer.current_key();
    assert_eq!(kids(&get_json(issuer.jwks_uri()).await), [second.kid(), first.kid()]);
    assert_eq!(part(&issuer.token("", "alice"), 0)["kid"], second.kid());
    assert!(signature_matches(&token, issuer.jwks_uri()).await);

    issuer.rotate_to(SigningKey::generate(Algorithm::Ed25519));
    let third = issuer.current_key();
    assert_eq!(kids(&get_json(issuer.jwks_uri()).await), [third.kid(), second.kid()]);
    assert_eq!(part(&issuer.token("", "alice"), 0)["alg"], "EdDSA");
    assert!(!signature_matches(&token, issuer.jwks_uri()).await);

    issuer.publish(json!({ "kty": "oct", "kid": "bad" }));
    assert_eq!(kids(&get_json(issuer.jwks_uri()).await), [third.kid(), second.kid(), "bad"]);
    issuer.withdraw_previous();
    assert_eq!(kids(&get_json(issuer.jwks_uri()).await), [third.kid(), "bad"]);
    issuer.withdraw_published();
    assert_eq!(kids(&get_json(issuer.jwks_uri()).await), [third.kid()]);
}

#[tokio::test]
async fn rotation_over_http_tells_the_new_key_and_all_published_ones() {
    let issuer = start().await;
    let first = issuer.current_key();
    let answer = client().post(issuer.rotation_endpoint()).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let second = issuer.current_key();
    assert_ne!(first.kid(), second.kid());
    assert_eq!(answer, json!({ "kid": second.kid(), "published": [second.kid(), first.kid()] }));

    let by_query = format!("{}?alg=ES256", issuer.rotation_endpoint());
    assert_eq!(client().post(by_query).send().await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(issuer.current_key().algorithm(), Algorithm::Es256);
    post(issuer.rotation_endpoint(), None, &[("alg", "PS256")]).await;
    assert_eq!(issuer.current_key().algorithm(), Algorithm::Ps256);

    for form in [[("alg", "HS256")], [("algorithm", "ES256")]] {
        let refused = post(issuer.rotation_endpoint(), None, &form).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{form:?}");
    }
    assert_eq!(issuer.current_key().algorithm(), Algorithm::Ps256);
}

#[tokio::test]
async fn an_unchanged_key_set_is_not_sent_again() {
    let issuer = start().await;
    issuer.cache_control(Some("max-age=60"));
    let response = get(issuer.jwks_uri()).await;
    assert_eq!(header(&response, "content-type"), "application/jwk-set+json");
    assert_eq!(header(&response, "cache-control"), "max-age=60");
    let tag = header(&response, "etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");

    let again = || client().get(issuer.jwks_uri()).header("If-None-Match", &tag).send();
    let unchanged = again().await.expect("an answer");
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(header(&unchanged, "etag"), tag);
    assert_eq!(header(&unchanged, "cache-control"), "max-age=60");
    assert_eq!(unchanged.text().await.expect("no body"), "");

    issuer.rotate();
    issuer.cache_control(None);
    let changed = again().await.expect("an answer");
    assert_eq!(changed.status(), StatusCode::OK);
    assert_ne!(header(&changed, "etag"), tag);
    assert_eq!(header(&changed, "cache-control"), "");
}

#[tokio::test]
async fn a_lie_bends_the_document_and_ends_with_nothing() {
    let issuer = start().await;
    let other = "http://127.0.0.1:1/other";
    for (endpoint, url) in [
        (Endpoint::Discovery, issuer.discovery_url()),
        (Endpoint::OAuthMetadata, issuer.oauth_metadata_url()),
    ] {
        issuer.lie(endpoint, Lie::WrongIssuer(other.to_owned()));
        let document = get_json(url).await;
        assert_eq!((&document["issuer"], &document["jwks_uri"]), (&json!(other), &json!(issuer.jwks_uri())));
        issuer.lie(endpoint, Lie::JwksUri(other.to_owned()));
        let document = get_json(url).await;
        assert_eq!((&document["issuer"], &document["jwks_uri"]), (&json!(issuer.issuer()), &json!(other)));
        issuer.lie(endpoint, Lie::Nothing);
        assert_eq!(get_json(url).await["jwks_uri"], issuer.jwks_uri());
    }

    let truth = get_json(issuer.jwks_uri()).await;
    issuer.lie(Endpoint::Jwks, Lie::EmptyKeySet);
    assert_eq!(get_json(issuer.jwks_uri()).await, json!({ "keys": [] }));
    issuer.lie(Endpoint::Jwks, Lie::ManyKeys(101));
    let many = get_json(issuer.jwks_uri()).await;
    assert_eq!(kids(&many).len(), 101);
    assert_eq!(many["keys"][0], truth["keys"][0]);
    issuer.lie(Endpoint::Jwks, Lie::Oversized(300_000));
    let large = get_text(issuer.jwks_uri()).await;
    assert!(large.len() > 300_000);
    let large: Value = serde_json::from_str(&large).expect("JSON");
    assert_eq!(large["keys"], truth["keys"]);
    issuer.lie(Endpoint::Jwks, Lie::WrongIssuer(other.to_owned()));
    assert_eq!(get_json(issuer.jwks_uri()).await, truth);
}

#[tokio::test]
async fn a_lie_replaces_the_answer() {
    let issuer = start().await;
    for (endpoint, url) in [
        (Endpoint::Discovery, issuer.discovery_url()),
        (Endpoint::Jwks, issuer.jwks_uri()),
        (Endpoint::Token, issuer.token_endpoint()),
    ] {
        issuer.lie(endpoint, Lie::Html);
        let page = get(url).await;
        assert_eq!(page.status(), StatusCode::OK);
        assert!(header(&page, "content-type").starts_with("text/html"));
        assert!(page.text().await.expect("text").starts_with("<!doctype html>"));

        issuer.lie(endpoint, Lie::Garbage);
        let garbage = get(url).await;
        assert_eq!(
            (garbage.status(), header(&garbage, "content-type")),
            (StatusCode::OK, "application/json")
        );
        assert!(garbage.json::<Value>().await.is_err());

        issuer.lie(endpoint, Lie::Redirect("http://127.0.0.1:1/".to_owned()));
        let redirect = get(url).await;
        assert_eq!(
            (redirect.status(), header(&redirect, "location")),
            (StatusCode::FOUND, "http://127.0.0.1:1/")
        );
    }
}

#[tokio::test]
async fn a_hanging_answer_has_a_head_and_no_body() {
    let issuer = start().await;
    issuer.lie(Endpoint::Jwks, Lie::Hang);
    let mut response = get(issuer.jwks_uri()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.content_length() > Some(100));
    assert!(timeout(SILENCE, response.chunk()).await.is_err());
    // Others are served meanwhile, and a dead provider lets go of the one who waits.
    get_json(issuer.discovery_url()).await;
    issuer.stop_listening().await;
    assert!(in_time(response.chunk()).await.is_err());
}

#[tokio::test]
async fn a_trickling_answer_comes_byte_by_byte_and_the_connection_recovers() {
    let issuer = start().await;
    issuer.lie(Endpoint::Token, Lie::Trickle);
    let mut response = get(&format!("{}?defect=opaque", issuer.token_endpoint())).await;
    assert_eq!(response.status(), StatusCode::OK);
    let first = response.chunk().await.expect("a byte").expect("no end yet");
    assert_eq!(first.len(), 1);
    assert!(timeout(SILENCE, response.chunk()).await.is_err());

    // An answer without a body leaves the connection for the next one, which is not slow.
    let client = client();
    issuer.lie(Endpoint::Token, Lie::Hang);
    let head = client.head(issuer.token_endpoint()).send().await.expect("a head");
    assert_eq!(head.status(), StatusCode::OK);
    let page = in_time(client.get(issuer.issuer()).send()).await.expect("an answer");
    assert!(in_time(page.text()).await.is_ok());
}

#[tokio::test]
async fn an_endpoint_can_wait_and_fail_alone() {
    let issuer = start().await;
    issuer.delay(Endpoint::Jwks, Duration::from_secs(3600));
    assert!(timeout(SILENCE, get(issuer.jwks_uri())).await.is_err());
    issuer.delay(Endpoint::Jwks, SILENCE);
    issuer.fail(Endpoint::Jwks, Some(503));
    let before = Instant::now();
    assert_eq!(get(issuer.jwks_uri()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(before.elapsed() >= SILENCE);
    assert_eq!(get(issuer.discovery_url()).await.status(), StatusCode::OK);

    issuer.delay(Endpoint::Jwks, Duration::ZERO);
    issuer.fail(Endpoint::Jwks, Some(7));
    assert_eq!(get(issuer.jwks_uri()).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    issuer.fail(Endpoint::Jwks, None);
    assert_eq!(get(issuer.jwks_uri()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_request_is_counted_where_it_arrives() {
    let issuer = start().await;
    get(issuer.discovery_url()).await;
    get(issuer.oauth_metadata_url()).await;
    get(issuer.jwks_uri()).await;
    issuer.fail(Endpoint::Jwks, Some(500));
    get(issuer.jwks_uri()).await;
    get(issuer.token_endpoint()).await;
    post(issuer.token_endpoint(), None, &[]).await;
    post(issuer.introspection_endpoint(), None, &[]).await;
    client().request(Method::OPTIONS, issuer.jwks_uri()).send().await.expect("an answer");
    get(issuer.issuer()).await;
    let counts = Endpoint::ALL.map(|endpoint| (endpoint, issuer.requests(endpoint)));
    let expected = [
        (Endpoint::Authorization, 0),
        (Endpoint::Discovery, 1),
        (Endpoint::Introspection, 1),
        (Endpoint::Jwks, 2),
        (Endpoint::OAuthMetadata, 1),
        (Endpoint::Registration, 0),
        (Endpoint::Token, 2),
    ];
    assert_eq!(counts, expected);
    issuer.reset_requests();
    assert!(Endpoint::ALL.iter().all(|endpoint| issuer.requests(*endpoint) == 0));
}

#[tokio::test]
async fn a_dead_issuer_refuses_connections_and_comes_back_on_the_same_port() {
    let issuer = start().await;
    let client = client();
    let ask = || client.get(issuer.jwks_uri()).send();
    let before: Value = ask().await.expect("alive").json().await.expect("JSON");
    for _ in 0..3 {
        issuer.stop_listening().await;
        issuer.stop_listening().await;
        assert!(ask().await.expect_err("dead").is_connect());
        TcpListener::bind(issuer.address()).expect_err("the port stays reserved");
        issuer.resume().await.expect("the same port");
        issuer.resume().await.expect("still listening");
        let after: Value = ask().await.expect("alive again").json().await.expect("JSON");
        assert_eq!(before, after);
    }
    assert_eq!(issuer.requests(Endpoint::Jwks), 4);
}

#[tokio::test]
async fn an_issuer_that_is_shut_down_or_dropped_is_gone() {
    let issuer = start().await;
    let address = issuer.address();
    issuer.shutdown().await;
    TcpListener::bind(address).expect("the port is free");

    let issuer = start().await;
    issuer.lie(Endpoint::Jwks, Lie::Hang);
    let mut waiting = get(issuer.jwks_uri()).await;
    drop(issuer);
    assert!(in_time(waiting.chunk()).await.is_err());
}

#[tokio::test]
async fn a_taken_port_gives_way_to_the_next_free_one() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("a bound socket");
    let port = address.port();
    let issuer = started(DevelopmentIssuer::builder().port_or_next(port)).await;
    assert!(issuer.address().port() > port && issuer.address().port() <= port.saturating_add(100));
    assert_eq!(get_json(issuer.discovery_url()).await["issuer"], issuer.issuer());

    let refused = DevelopmentIssuer::builder().bind(address).start().await.expect_err("taken");
    assert_eq!(refused.kind(), std::io::ErrorKind::AddrInUse);
    let invalid = DevelopmentIssuer::builder().path("/{id}").start().await.expect_err("a bad path");
    assert_eq!(invalid.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn pages_of_any_origin_may_call_every_endpoint() {
    let issuer = start().await;
    for url in [
        issuer.discovery_url(),
        issuer.oauth_metadata_url(),
        issuer.jwks_uri(),
        issuer.registration_endpoint(),
        issuer.token_endpoint(),
        issuer.introspection_endpoint(),
    ] {
        let preflight = client()
            .request(Method::OPTIONS, url)
            .header("Origin", "https://app.example.com")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization")
            .send()
            .await
            .expect("an answer");
        assert_eq!(preflight.status(), StatusCode::NO_CONTENT, "{url}");
        assert_eq!(header(&preflight, "access-control-allow-origin"), "*");
        assert_eq!(
            header(&preflight, "access-control-allow-headers"),
            "Authorization, Content-Type, DPoP, MCP-Protocol-Version"
        );
    }
    let refused = post(issuer.token_endpoint(), None, &[]).await;
    issuer.fail(Endpoint::Jwks, Some(500));
    let unknown = format!("{}/nothing", issuer.issuer());
    for response in
        [refused, get(issuer.jwks_uri()).await, get(&unknown).await, get(issuer.discovery_url()).await]
    {
        assert_eq!(header(&response, "access-control-allow-origin"), "*", "{}", response.url());
        assert_eq!(header(&response, "access-control-expose-headers"), "WWW-Authenticate, DPoP-Nonce");
    }
}

#[tokio::test]
async fn introspection_knows_the_good_tokens_until_they_expire() {
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let clock = Arc::clone(&now);
    let builder = DevelopmentIssuer::builder().now(move || clock.load(Ordering::Relaxed));
    let issuer = started(builder.client("api", "secret")).await;
    let introspect = async |token: &str| -> Value {
        let url = issuer.introspection_endpoint();
        let response = post(url, Some(("api", "secret")), &[("token", token)]).await;
        assert_eq!(header(&response, "cache-control"), "no-store");
        response.json().await.expect("JSON")
    };
    let minted = issuer.token("read:items", "alice");
    let by_line = get_text(&format!("{}?sub=bob", issuer.token_endpoint())).await;
    let answer = introspect(&minted).await;
    assert_eq!(answer["active"], true);
    for name in ["iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti"] {
        assert_eq!(answer[name], part(&minted, 1)[name], "{name}");
    }
    assert_eq!(introspect(&by_line).await["sub"], "bob");
    issuer.lie(Endpoint::Introspection, Lie::WrongIssuer("https://other".to_owned()));
    assert_eq!(introspect(&minted).await["iss"], "https://other");
    issuer.lie(Endpoint::Introspection, Lie::Nothing);

    let bad = get_text(&format!("{}?defect=audience_mismatch", issuer.token_endpoint())).await;
    for unknown in [&bad, &issuer.forge().token().mint(), &format!("{minted}A"), "opaque"] {
        assert_eq!(introspect(unknown).await, json!({ "active": false }));
    }
    now.store(1_800_003_599, Ordering::Relaxed);
    assert_eq!(introspect(&minted).await["active"], true);
    now.store(1_800_003_600, Ordering::Relaxed);
    assert_eq!(introspect(&minted).await, json!({ "active": false }));

    let url = issuer.introspection_endpoint();
    for (credentials, form, status) in [
        (None, [("token", minted.as_str())], 401),
        (Some(("api", "wrong")), [("token", minted.as_str())], 401),
        (Some(("api", "secret")), [("other", "x")], 400),
    ] {
        assert_eq!(post(url, credentials, &form).await.status(), status, "{credentials:?}");
    }
}

#[tokio::test]
async fn the_front_page_says_what_this_is_and_its_lines_name_real_endpoints() {
    let issuer = start().await;
    let page = get_text(issuer.issuer()).await;
    assert_eq!(page, get_text(&format!("http://{}/", issuer.address())).await);
    for url in [
        issuer.discovery_url(),
        issuer.oauth_metadata_url(),
        issuer.jwks_uri(),
        issuer.token_endpoint(),
        issuer.introspection_endpoint(),
        issuer.registration_endpoint(),
        issuer.authorization_endpoint(),
        issuer.rotation_endpoint(),
    ] {
        assert!(page.contains(url), "{url}");
    }
}
