//! Dynamic client registration: `POST {issuer}/register` (RFC 7591).
//!
//! - A client chooses how it proves who it is: `none` for a program that keeps no secret, a secret in the header or in the form,
//!   or a key of its own whose public half it sends as `jwks`.
//! - It names its redirect URIs, of which each request for a login must name one; without a login it needs none.
//! - A member that this server does not know is left out of the answer (§2), and so is `scope`: a client that registers with the
//!   scopes of its first challenge could never ask for another one.
//! - Registrations are kept in memory, the newest of them; nobody has to be allowed to register.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::clients::{Client, Credential, GrantType};
use super::oauth_error::{ErrorCode, OAuthError};
use super::random::{fingerprint, random_name};
use super::redirect_uri::RedirectUri;
use super::state::Shared;
use crate::keys::VerifyingKey;

/// The ways to authenticate that a client may register for.
pub(super) const METHODS: [&str; 4] =
    ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/// How many redirect URIs or keys a client may have.
const MAX_LIST: usize = 20;

/// Whether a client gets no token without a proof (RFC 9449 §5.2).
const BINDS_TOKENS: &str = "dpop_bound_access_tokens";

/// The members that say nothing to this issuer, and are repeated if they are texts.
const REPEATED: [&str; 6] = ["client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "software_id"];

/// Remembers a client. The answer says how it is registered: what this issuer does not know is left out, and so is
/// `scope`, as a client may ask for more scopes later.
pub(super) async fn register(
    State(state): State<Shared>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, OAuthError> {
    let body = match body {
        Ok(Json(Value::Object(members))) => members,
        Ok(_) => return Err(invalid("the body is not a JSON object")),
        Err(rejection) => return Err(invalid(rejection.body_text())),
    };
    let mut registration = Registration::read(&body)?;
    let secret =
        matches!(registration.method, "client_secret_basic" | "client_secret_post").then(random_name);
    if let Some(secret) = secret.as_deref().map(fingerprint) {
        registration.client.credentials.push(match registration.method {
            "client_secret_post" => Credential::Post(secret),
            _ => Credential::Basic(secret),
        });
    }
    let mut answer = registration.answer(&body, state.now());
    if let Some(secret) = secret {
        // RFC 7591 §3.2.1: zero says that it does not expire.
        answer["client_secret"] = json!(secret);
        answer["client_secret_expires_at"] = json!(0);
    }
    state.settings.clients.register(registration.client);
    let headers = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    Ok((StatusCode::CREATED, headers, Json(answer)).into_response())
}

/// A registration whose metadata fit together.
struct Registration {
    client: Client,
    method: &'static str,
    application_type: Option<String>,
}

impl Registration {
    fn read(body: &Map<String, Value>) -> Result<Self, OAuthError> {
        let method = match text(body, "token_endpoint_auth_method")? {
            None => "client_secret_basic",
            Some(name) => METHODS.into_iter().find(|method| *method == name).ok_or_else(|| {
                invalid(format!("token_endpoint_auth_method has to be one of {}", METHODS.join(", ")))
            })?,
        };
        let application_type = text(body, "application_type")?.map(str::to_owned);
        if application_type.as_deref().is_some_and(|kind| kind != "web" && kind != "native") {
            return Err(invalid("application_type has to be web or native"));
        }
        let grants = grants(body)?;
        let redirect_uris = redirect_uris(body)?;
        if grants.contains(&GrantType::AuthorizationCode) {
            if redirect_uris.is_empty() {
                let wanted = "redirect_uris are missing, and authorization_code needs one";
                return Err(OAuthError::new(ErrorCode::InvalidRedirectUri, wanted));
            }
            let types = texts(body, "response_types")?;
            if types.is_some_and(|types| !types.contains(&"code")) {
                return Err(invalid("response_types has to contain code"));
            }
        }
        if grants.contains(&GrantType::ClientCredentials) && method == "none" {
            return Err(invalid("client_credentials is for clients that authenticate"));
        }
        let client = Client {
            id: random_name(),
            credentials: if method == "private_key_jwt" { vec![keys(body)?] } else { Vec::new() },
            redirect_uris,
            // An application on the web knows its port (RFC 8252 §7.3 is about native ones).
            is_port_free: application_type.as_deref() != Some("web"),
            grants,
            binds_tokens: body.get(BINDS_TOKENS) == Some(&json!(true)),
        };
        Ok(Self { client, method, application_type })
    }

    fn answer(&self, body: &Map<String, Value>, now: i64) -> Value {
        let client = &self.client;
        let mut answer = json!({
            "client_id": client.id,
            "client_id_issued_at": now,
            "redirect_uris": client.redirect_uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>(),
            "token_endpoint_auth_method": self.method,
            "grant_types": client.grants.iter().map(|grant| grant.name()).collect::<Vec<_>>(),
            "response_types": if client.may(GrantType::AuthorizationCode) { vec!["code"] } else { Vec::new() },
        });
        if let Some(kind) = &self.application_type {
            answer["application_type"] = json!(kind);
        }
        if client.binds_tokens {
            answer[BINDS_TOKENS] = json!(true);
        }
        for name in REPEATED {
            if let Some(Value::String(value)) = body.get(name) {
                answer[name] = json!(value);
            }
        }
        if self.method == "private_key_jwt" {
            answer["jwks"] = body["jwks"].clone();
        }
        answer
    }
}

/// The grants that are known here; RFC 7591 §2 lets a server leave out the others.
fn grants(body: &Map<String, Value>) -> Result<Vec<GrantType>, OAuthError> {
    let names = texts(body, "grant_types")?.unwrap_or_else(|| vec![GrantType::AuthorizationCode.name()]);
    let grants: Vec<GrantType> =
        GrantType::ALL.into_iter().filter(|grant| names.contains(&grant.name())).collect();
    if grants.is_empty() {
        return Err(invalid("grant_types has none that is supported here"));
    }
    Ok(grants)
}

fn redirect_uris(body: &Map<String, Value>) -> Result<Vec<RedirectUri>, OAuthError> {
    let wrong = |mistake: &str| OAuthError::new(ErrorCode::InvalidRedirectUri, mistake);
    let texts = texts(body, "redirect_uris").map_err(|error| wrong(error.description()))?.unwrap_or_default();
    texts.into_iter().map(|text| RedirectUri::parse(text).map_err(wrong)).collect()
}

/// The keys of `jwks`; `jwks_uri` is not fetched here.
fn keys(body: &Map<String, Value>) -> Result<Credential, OAuthError> {
    let keys = body.get("jwks").and_then(|set| set.get("keys")).and_then(Value::as_array);
    let keys: Option<Vec<VerifyingKey>> = keys
        .filter(|keys| (1..=MAX_LIST).contains(&keys.len()))
        .and_then(|keys| keys.iter().map(VerifyingKey::of_jwk).collect());
    keys.map(Credential::Keys)
        .ok_or_else(|| invalid("private_key_jwt needs jwks with public keys for signatures"))
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, OAuthError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is not a text"))),
    }
}

fn texts<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<Vec<&'a str>>, OAuthError> {
    let wrong = || invalid(format!("{name} is not a list of at most {MAX_LIST} texts"));
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) if list.len() <= MAX_LIST => {
            list.iter().map(Value::as_str).collect::<Option<_>>().map(Some).ok_or_else(wrong)
        }
        Some(_) => Err(wrong()),
    }
}

fn invalid(description: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidClientMetadata, description)
}
