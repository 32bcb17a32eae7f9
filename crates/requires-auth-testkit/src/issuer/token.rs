//! The token endpoint of OAuth: `POST {issuer}/token` with the client credentials grant.

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use serde_json::json;

use super::authentication::authenticate;
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::state::{Order, Shared};

/// Answers RFC 6749 §4.4; `resource` (RFC 8707) or `audience` names the API, and `sub` anyone.
pub(super) async fn grant(
    State(state): State<Shared>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, OAuthError> {
    let form = Parameters::from_form(form)?;
    let client_id = authenticate(&state, &headers, &form)?.id;
    if form.required("grant_type")? != "client_credentials" {
        return Err(OAuthError::unsupported_grant_type());
    }
    let scope = form.one("scope")?.map(normal_scope).transpose()?;
    let subject = form.one("sub")?.unwrap_or(&client_id).to_owned();
    let audience = form.all("resource").chain(form.all("audience")).map(str::to_owned).collect();
    let token = state.mint(Order {
        subject: Some(subject),
        client_id: Some(client_id),
        audience,
        scope: scope.clone(),
        ..Order::default()
    });
    let mut answer =
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": state.settings.lifetime });
    if let Some(scope) = scope {
        answer["scope"] = json!(scope);
    }
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// The scopes with one space between them; RFC 6749 §3.3 leaves out quotes and backslashes.
fn normal_scope(scope: &str) -> Result<String, OAuthError> {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    if !scope.chars().all(allowed) {
        return Err(OAuthError::invalid_scope("a scope has a character that scopes cannot have"));
    }
    Ok(scope.split(' ').filter(|scope| !scope.is_empty()).collect::<Vec<_>>().join(" "))
}
