//! The development issuer as an authorization server: a whole login over HTTP, and everything that must not become one.

mod support;

use std::sync::atomic::Ordering;

use requires_auth_testkit::issuer::{DevelopmentIssuer, Endpoint, Lie};
use reqwest::{Method, StatusCode};
use serde_json::json;
use support::server::{CALLBACK, CHALLENGE, NOW, RESOURCE, Server, VERIFIER, answer_of, text};
use support::{client, get, get_json, header, part, post};

/// Parameters of a request.
type Pairs<'a> = &'a [(&'a str, &'a str)];

#[tokio::test]
async fn a_client_discovers_registers_logs_in_and_refreshes() {
    let server = Server::start(DevelopmentIssuer::builder().lifetime(300)).await;
    let (issuer, metadata) = (server.issuer.issuer(), &server.metadata);
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(metadata["response_types_supported"], json!(["code"]));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    let grants = json!(["authorization_code", "refresh_token", "client_credentials"]);
    assert_eq!(metadata["grant_types_supported"], grants);
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().expect("a list");
    assert!(methods.contains(&json!("none")));
    assert_eq!(metadata.get("scopes_supported"), None);
    let openid = get_json(server.issuer.discovery_url()).await;
    for name in ["authorization_endpoint", "registration_endpoint", "code_challenge_methods_supported"] {
        assert_eq!(openid[name], metadata[name], "{name}");
    }

    let id = server.public_client().await;
    let answer = answer_of(&server.authorize(&id, &[]).await);
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("a state & more", issuer));
    let (status, first) = server.redeem(&id, &answer["code"]).await;
    assert_eq!((status, &first["token_type"], &first["expires_in"]), (200, &json!("Bearer"), &json!(300)));
    assert_eq!(first["scope"], "read:items openid offline_access");
    let claims = part(text(&first["access_token"]), 1);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(issuer), &json!(RESOURCE)));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!("bob"), &json!(id)));
    assert_eq!(claims["scope"], "read:items openid offline_access");
    let identity = part(text(&first["id_token"]), 1);
    assert_eq!((&identity["aud"], &identity["sub"]), (&json!(id), &json!("bob")));
    assert_eq!(identity["nonce"], "n");

    let refresh_token = text(&first["refresh_token"]);
    let (status, second) = server.refresh(&id, refresh_token, &[("scope", "read:items")]).await;
    assert_eq!((status, &second["scope"], second.get("id_token")), (200, &json!("read:items"), None));
    assert_eq!(part(text(&second["access_token"]), 1)["scope"], "read:items");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    for answer in [&first, &second] {
        assert!(server.is_active(text(&answer["access_token"])).await);
    }

    // Whoever has the first refresh token is not the one who has the second: both end.
    let (status, reused) = server.refresh(&id, refresh_token, &[]).await;
    assert_eq!((status, &reused["error"]), (400, &json!("invalid_grant")));
    let (status, ended) = server.refresh(&id, text(&second["refresh_token"]), &[]).await;
    assert_eq!((status, &ended["error"]), (400, &json!("invalid_grant")));
    for answer in [&first, &second] {
        assert!(!server.is_active(text(&answer["access_token"])).await);
    }
}

#[tokio::test]
async fn a_code_counts_once_and_for_a_minute() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let id = server.public_client().await;
    let code = server.code(&id).await;
    let (status, tokens) = server.redeem(&id, &code).await;
    assert_eq!(status, 200);
    let (status, replayed) = server.redeem(&id, &code).await;
    assert_eq!((status, &replayed["error"]), (400, &json!("invalid_grant")));
    // The replay ends what the code was good for.
    assert!(!server.is_active(text(&tokens["access_token"])).await);
    assert_eq!(server.refresh(&id, text(&tokens["refresh_token"]), &[]).await.0, 400);

    let code = server.code(&id).await;
    server.clock.store(NOW + 59, Ordering::Relaxed);
    assert_eq!(server.redeem(&id, &code).await.0, 200);
    let code = server.code(&id).await;
    server.clock.store(NOW + 59 + 60, Ordering::Relaxed);
    assert_eq!(server.redeem(&id, &code).await.0, 400);

    // Of many requests with one code, one wins at most.
    let code = server.code(&id).await;
    let all = tokio::join!(
        server.redeem(&id, &code),
        server.redeem(&id, &code),
        server.redeem(&id, &code),
        server.redeem(&id, &code)
    );
    let good = [all.0.0, all.1.0, all.2.0, all.3.0].into_iter().filter(|status| *status == 200);
    assert_eq!(good.count(), 1);
}

#[tokio::test]
async fn a_bad_client_or_redirect_uri_is_a_page_and_never_a_redirect() {
    let server = Server::start(
        DevelopmentIssuer::builder().redirect_uri("two", "app:/a").redirect_uri("two", "app:/b"),
    );
    let server = server.await;
    let id = server.public_client().await;
    let cases: [(&str, Pairs<'_>); 15] = [
        ("", &[]),
        ("unknown", &[]),
        (&id, &[("client_id", &id), ("client_id", &id)]),
        (&id, &[("redirect_uri", "http://127.0.0.1:4711/other")]),
        (&id, &[("redirect_uri", "http://127.0.0.1:4711/callback?app=1&x=1")]),
        (&id, &[("redirect_uri", "http://localhost:4711/callback?app=1")]),
        (&id, &[("redirect_uri", "https://127.0.0.1:4711/callback?app=1")]),
        (&id, &[("redirect_uri", "http://127.0.0.1:4711/callback?app=1#x")]),
        (&id, &[("redirect_uri", "http://evil.example/callback?app=1")]),
        (&id, &[("redirect_uri", "http://127.0.0.1:4711@evil.example/callback?app=1")]),
        (&id, &[("redirect_uri", "http://127.0.0.1:4711/../callback?app=1")]),
        (&id, &[("redirect_uri", "javascript:alert(1)")]),
        (&id, &[("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)]),
        ("two", &[("redirect_uri", "")]),
        ("two", &[("redirect_uri", "app:/c")]),
    ];
    for (client_id, changes) in cases {
        let answer = server.authorize(client_id, changes).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{changes:?}");
        assert_eq!(answer.headers().get("location"), None, "{changes:?}");
        assert!(header(&answer, "content-type").starts_with("text/plain"), "{changes:?}");
        assert!(!answer.text().await.expect("text").contains("evil"), "{changes:?}");
    }
    // The one that is registered may be left out.
    let answer = server.authorize(&id, &[("redirect_uri", "")]).await;
    assert!(header(&answer, "location").starts_with("http://127.0.0.1:3000/callback?app=1&code="));
    let post = client().post(server.endpoint("authorization")).send().await.expect("an answer");
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn every_other_mistake_is_told_to_the_client() {
    let builder = DevelopmentIssuer::builder().scopes(["read:items", "openid", "offline_access"]);
    let server = Server::start(builder).await;
    assert_eq!(server.metadata["scopes_supported"], json!(["read:items", "openid", "offline_access"]));
    let id = server.public_client().await;
    let challenge = |value| ("code_challenge", value);
    let cases: [(Pairs<'_>, &str); 19] = [
        (&[("response_type", "")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "code id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[challenge("")], "invalid_request"),
        (&[challenge("short")], "invalid_request"),
        (&[challenge(CHALLENGE), challenge(CHALLENGE)], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("resource", "api")], "invalid_target"),
        (&[("resource", "https://api.example.com/#x")], "invalid_target"),
        (&[("resource", RESOURCE), ("resource", "/mcp")], "invalid_target"),
        (&[("resource", "https://a.example"); 11], "invalid_target"),
        (&[("scope", "a\"b")], "invalid_scope"),
        (&[("scope", "read:items write:items")], "invalid_scope"),
        (&[("scope", "openid"), ("scope", "openid")], "invalid_request"),
        (&[("request", "e30.e30.")], "request_not_supported"),
        (&[("request_uri", "https://a.example")], "request_uri_not_supported"),
        (&[("login_hint", "a"), ("login_hint", "b")], "invalid_request"),
    ];
    for (changes, error) in cases {
        let answer = answer_of(&server.authorize(&id, changes).await);
        assert_eq!(answer["error"], error, "{changes:?}");
        assert!(!answer.contains_key("code"), "{changes:?}");
        assert_eq!(answer["state"], "a state & more", "{changes:?}");
        assert_eq!(answer["iss"], server.issuer.issuer(), "{changes:?}");
    }
    let twice = answer_of(&server.authorize(&id, &[("state", "a"), ("state", "b")]).await);
    assert_eq!((twice["error"].as_str(), twice.get("state")), ("invalid_request", None));
    let without = answer_of(&server.authorize(&id, &[("state", ""), ("resource", ""), ("scope", "")]).await);
    assert_eq!(without.get("state"), None);
    let (_, tokens) = server.redeem(&id, &without["code"]).await;
    let claims = part(text(&tokens["access_token"]), 1);
    assert_eq!((&claims["aud"], claims.get("scope")), (&json!(server.issuer.audience()), None));
    for name in ["scope", "id_token", "refresh_token"] {
        assert_eq!(tokens.get(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_token_request_that_does_not_fit_the_login_is_refused() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let (id, other) = (server.public_client().await, server.public_client().await);
    let grant = ("grant_type", "authorization_code");
    let verifier = ("code_verifier", VERIFIER);
    let cases: [(&str, Pairs<'_>, &str); 9] = [
        (&id, &[grant], "invalid_request"),
        (&id, &[grant, ("code_verifier", &VERIFIER[1..])], "invalid_grant"),
        (&id, &[grant, ("code_verifier", CHALLENGE)], "invalid_grant"),
        (&id, &[grant, verifier, ("redirect_uri", "http://127.0.0.1:3000/callback?app=1")], "invalid_grant"),
        (&id, &[grant, verifier, ("resource", "https://other.example")], "invalid_target"),
        (&id, &[grant, verifier, ("resource", "#")], "invalid_target"),
        (&other, &[grant, verifier], "invalid_grant"),
        ("unknown", &[grant, verifier], "invalid_grant"),
        (&id, &[("grant_type", "implicit")], "unsupported_grant_type"),
    ];
    for (client_id, form, error) in cases {
        let code = server.code(&id).await;
        let form = [form, &[("client_id", client_id), ("code", &code)]].concat();
        let (status, answer) = server.token(&form).await;
        assert_eq!((status, &answer["error"]), (400, &json!(error)), "{form:?}");
    }
    let code = server.code(&id).await;
    let resource = ("resource", RESOURCE);
    let form = [grant, verifier, resource, ("client_id", id.as_str()), ("code", code.as_str())];
    let (status, tokens) = server.token(&form).await;
    assert_eq!(status, 200);

    let refresh_token = text(&tokens["refresh_token"]);
    for (more, error) in [
        (("scope", "read:items write:items"), "invalid_scope"),
        (("resource", "https://other.example"), "invalid_target"),
    ] {
        let (status, answer) = server.refresh(&id, refresh_token, &[more]).await;
        assert_eq!((status, &answer["error"]), (400, &json!(error)));
    }
    // Such a mistake does not cost the login; another client does.
    let (status, tokens) = server.refresh(&id, refresh_token, &[resource]).await;
    assert_eq!(status, 200);
    let refresh_token = text(&tokens["refresh_token"]);
    assert_eq!(server.refresh(&other, refresh_token, &[]).await.0, 400);
    assert_eq!(server.refresh(&id, refresh_token, &[]).await.0, 400);
}

#[tokio::test]
async fn a_public_client_asks_for_nothing_but_logins() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let id = server.public_client().await;
    let (status, answer) = server.token(&[("grant_type", "client_credentials"), ("client_id", &id)]).await;
    assert_eq!((status, &answer["error"]), (400, &json!("unauthorized_client")));
    let form = [("client_id", id.as_str()), ("token", "x")];
    let asked = post(server.endpoint("introspection"), None, &form).await;
    assert_eq!(asked.status(), StatusCode::UNAUTHORIZED);
    // A secret that it does not have says that somebody is mistaken.
    let with_secret =
        post(server.endpoint("token"), Some((&id, "secret")), &[("grant_type", "refresh_token")]).await;
    assert_eq!(with_secret.status(), StatusCode::UNAUTHORIZED);

    let (_, tokens) = server.redeem(&id, &server.code(&id).await).await;
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    assert!(server.is_active(access).await && !server.is_active(refresh).await);
    let form = [("client_id", id.as_str()), ("token", refresh)];
    assert_eq!(post(server.endpoint("revocation"), None, &form).await.status(), StatusCode::OK);
    assert!(!server.is_active(access).await);
    assert_eq!(server.refresh(&id, refresh, &[]).await.0, 400);
}

#[tokio::test]
async fn what_a_login_remembers_is_short() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let id = server.public_client().await;
    let longest = "x".repeat(2048);
    let longer = format!("{longest}x");
    for name in ["scope", "login_hint", "nonce"] {
        assert!(answer_of(&server.authorize(&id, &[(name, &longest)]).await).contains_key("code"), "{name}");
        let answer = answer_of(&server.authorize(&id, &[(name, &longer)]).await);
        assert_eq!((answer["error"].as_str(), answer.get("code")), ("invalid_request", None), "{name}");
    }
}

#[tokio::test]
async fn a_client_does_not_revoke_what_another_one_was_given() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let (id, other) = (server.public_client().await, server.public_client().await);
    let (_, tokens) = server.redeem(&id, &server.code(&id).await).await;
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let revoke = async |client_id: &str, token: &str| {
        let form = [("client_id", client_id), ("token", token)];
        let answer = post(server.endpoint("revocation"), None, &form).await;
        (answer.status().as_u16(), answer.text().await.expect("text").contains("invalid_grant"))
    };
    for token in [access, refresh] {
        assert_eq!(revoke(&other, token).await, (400, true));
        assert!(server.is_active(access).await);
    }
    assert_eq!(revoke(&id, access).await, (200, false));
    assert!(!server.is_active(access).await);
    let (status, tokens) = server.refresh(&id, refresh, &[]).await;
    assert_eq!(status, 200, "only the access token has ended");

    // A token that no client asked for is anybody's, and one that is not known is no mistake.
    let nobodys = server.issuer.opaque_token("", "alice");
    for token in [nobodys.as_str(), "unknown"] {
        assert_eq!(revoke(&other, token).await, (200, false));
        assert!(!server.is_active(token).await);
    }
    assert!(server.is_active(text(&tokens["access_token"])).await);
}

#[tokio::test]
async fn the_authorization_endpoint_can_lie_fail_and_be_counted_and_no_page_calls_it() {
    let server = Server::start(DevelopmentIssuer::builder()).await;
    let id = server.public_client().await;
    let answer = server.authorize(&id, &[]).await;
    assert_eq!(answer.headers().get("access-control-allow-origin"), None);
    let url = server.endpoint("authorization");
    let preflight = client().request(Method::OPTIONS, url).send().await.expect("an answer");
    assert_eq!(preflight.headers().get("access-control-allow-origin"), None);

    server.issuer.lie(Endpoint::Authorization, Lie::WrongIssuer("https://attacker.example".to_owned()));
    assert_eq!(answer_of(&server.authorize(&id, &[]).await)["iss"], "https://attacker.example");
    server.issuer.fail(Endpoint::Authorization, Some(503));
    assert_eq!(get(url).await.status(), 503);
    assert_eq!(server.issuer.requests(Endpoint::Authorization), 3);
    assert_eq!(server.issuer.requests(Endpoint::Registration), 1);
}
