//! The metadata documents of OIDC Discovery and RFC 8414.
//!
//! Both say the same. OIDC has its document behind the path of the issuer, and RFC 8414 §3.1 in front of it; clients of MCP try
//! one after the other. What is announced is what the endpoints do: `code_challenge_methods_supported` has `S256` alone, since
//! clients of MCP go away where it is missing, and `none` among the methods of authentication is for programs without a secret.

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::clients::GrantType;
use super::knobs::Lie;
use super::registration::METHODS;
use super::state::Shared;
use super::{pkce, state};
use crate::keys::VERIFIED_ALGORITHMS;

/// `GET {issuer}/.well-known/openid-configuration` (OIDC Discovery §4).
pub(super) async fn openid_configuration(State(state): State<Shared>, lie: Extension<Lie>) -> Response {
    let mut document = metadata(&state);
    document["subject_types_supported"] = json!(["public"]);
    document["id_token_signing_alg_values_supported"] = json!([state.ring().current().algorithm().name()]);
    lie.bend(&mut document);
    json_response(&document)
}

/// `GET /.well-known/oauth-authorization-server{path}` (RFC 8414 §3).
pub(super) async fn oauth_metadata(State(state): State<Shared>, lie: Extension<Lie>) -> Response {
    let mut document = metadata(&state);
    lie.bend(&mut document);
    json_response(&document)
}

fn metadata(state: &state::State) -> Value {
    let urls = &state.urls;
    let mut document = json!({
        "issuer": urls.issuer,
        "jwks_uri": urls.jwks,
        "authorization_endpoint": urls.authorization,
        "token_endpoint": urls.token,
        "registration_endpoint": urls.registration,
        "introspection_endpoint": urls.introspection,
        "revocation_endpoint": urls.revocation,
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        // A client that follows OAuth 2.1 or MCP ends its login where this is missing.
        "code_challenge_methods_supported": [pkce::METHOD],
        "authorization_response_iss_parameter_supported": true,
    });
    for endpoint in ["token", "revocation", "introspection"] {
        // A public client cannot ask about tokens.
        let methods = if endpoint == "introspection" { &METHODS[1..] } else { &METHODS[..] };
        document[format!("{endpoint}_endpoint_auth_methods_supported")] = json!(methods);
        document[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")] =
            json!(VERIFIED_ALGORITHMS);
    }
    document["dpop_signing_alg_values_supported"] = json!(VERIFIED_ALGORITHMS);
    if !state.settings.scopes.is_empty() {
        document["scopes_supported"] = json!(state.settings.scopes);
    }
    document
}

fn json_response(document: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}
