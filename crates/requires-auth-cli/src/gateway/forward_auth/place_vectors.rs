//! The shared vectors about places of a token: what Envoy takes away from the application.

use envoy_types::ext_authz::v3::pb::HttpResponse;
use envoy_types::pb::envoy::config::core::v3::HeaderValueOption;
use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use requires_auth_testkit::vectors::request_cases;

use super::request_vectors::{gateway, grpc_as_sent, question};
use super::vectors::{LOOPBACK, check_over_grpc, grpc_question};
use super::*;

/// Envoy takes the token away, and a header that is left with something else is overwritten.
#[tokio::test]
async fn envoy_passes_no_token_on_that_was_read() {
    let cases = request_cases();
    let case = |id: &str| cases.iter().find(|case| case.id == id).expect("a case");
    for (id, removed, set) in [
        ("place-header", "cf-access-jwt-assertion", None),
        ("place-cookie", "", Some(("cookie", "a=b; c=d"))),
        ("place-protocol-after", "", Some(("sec-websocket-protocol", "chat, v2"))),
        ("place-protocol-prefix", "", Some(("sec-websocket-protocol", "chat"))),
        ("cookie-get", "cookie", None),
    ] {
        let case = case(id);
        let gateway = gateway(case);
        let envoy = dialect::named("envoy").expect("a dialect");
        let question = question(envoy, case, &case.headers).expect("a question");
        let response = answer(&gateway, &question, LOOPBACK).await;
        assert_eq!(response.status(), 200, "{id}");
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(header("x-envoy-auth-headers-to-remove").unwrap_or_default(), removed, "{id}");
        assert_eq!(set.and_then(|(name, _)| header(name)), set.map(|(_, value)| value), "{id}");

        let told =
            check_over_grpc(&gateway, &grpc_question(grpc_as_sent(case)), LOOPBACK).await.expect("an answer");
        let Some(HttpResponse::OkResponse(allowed)) = told.http_response else { panic!("{id}") };
        assert_eq!(allowed.headers_to_remove.join(","), removed, "{id}");
        let headers = allowed.headers.iter().filter_map(|option| option.header.as_ref());
        let found =
            headers.filter(|own| set.is_some_and(|(name, _)| own.key == name)).map(|own| own.value.as_str());
        assert_eq!(
            found.collect::<Vec<_>>(),
            set.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
            "{id}"
        );
        // The answer is private where the application does not say otherwise.
        let added = allowed.response_headers_to_add.iter();
        let private = added.filter(|own| own.header.as_ref().is_some_and(|own| own.value == "private"));
        let actions: Vec<_> = private.map(HeaderValueOption::append_action).collect();
        assert_eq!(actions, [HeaderAppendAction::AddIfAbsent], "{id}");
    }
}
