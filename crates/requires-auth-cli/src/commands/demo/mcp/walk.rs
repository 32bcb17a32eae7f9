//! The way of a client, step by step, as the authorization of MCP describes it (revision 2026-07-28).

use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::borrow::Cow;

use super::pkce::{Pkce, random};
use super::server::{CREATE, LIST};
use super::session::{Answer, Session, Step};
use crate::error::Failure;
use crate::http::url;

/// Where the browser would be sent; nothing listens there, as the client reads the redirect itself.
const REDIRECT_URI: &str = "http://127.0.0.1/callback";

/// What the base of the server is, as its first challenge says.
const BASE: &str = "read:items";

/// What a client knows after the first steps.
struct Found {
    issuer: String,
    metadata: Value,
    client_id: String,
    resource: String,
}

/// All steps up to the first whose answer is not the right one.
pub(super) async fn steps(client: Client, server: &str) -> Result<Vec<Step>, Failure> {
    let mut walk = Walk { session: Session::new(client), steps: Vec::new() };
    walk.all(server).await?;
    Ok(walk.steps)
}

struct Walk {
    session: Session,
    steps: Vec<Step>,
}

impl Walk {
    /// `None` where the way ends early.
    async fn all(&mut self, server: &str) -> Result<Option<()>, Failure> {
        let refused = self.session.post_json(server, &message("tools/list", None), None).await?;
        let pointer = refused.parameter("resource_metadata").map(str::to_owned);
        let is_right = refused.status == 401 && refused.parameter("scope") == Some(BASE);
        let shown = format!("WWW-Authenticate: {}", refused.challenge);
        self.note("no token: the challenge points to the document", &refused, shown, is_right);
        let Some(pointer) = pointer.filter(|_| is_right) else { return Ok(None) };
        let Some(found) = self.find(server, &pointer).await? else { return Ok(None) };

        let Some(token) = self.log_in(&found, BASE).await? else { return Ok(None) };
        if !self.call(server, LIST, &token).await? {
            return Ok(None);
        }
        let lacking =
            self.session.post_json(server, &message("tools/call", Some(CREATE)), Some(&token)).await?;
        let wanted = lacking.parameter("scope").unwrap_or_default().to_owned();
        let is_right = lacking.status == 403 && wanted == format!("{BASE} write:items");
        let shown = format!("WWW-Authenticate: {}", lacking.challenge);
        self.note("a tool that needs more: the challenge names all scopes", &lacking, shown, is_right);
        if !is_right {
            return Ok(None);
        }
        let Some(token) = self.log_in(&found, &wanted).await? else { return Ok(None) };
        // The tool of before still works: the second login has both scopes.
        let both = self.call(server, CREATE, &token).await? && self.call(server, LIST, &token).await?;
        Ok(both.then_some(()))
    }

    /// From the document to the issuer, and to a client that is registered there.
    async fn find(&mut self, server: &str, pointer: &str) -> Result<Option<Found>, Failure> {
        let document = self.session.get(pointer).await?;
        let resource = document.text("resource").unwrap_or_default().to_owned();
        let issuer = document.body["authorization_servers"][0].as_str().unwrap_or_default().to_owned();
        let is_right = document.status == 200 && resource == server && !issuer.is_empty();
        self.note("the document: where to log in (RFC 9728)", &document, document.body.to_string(), is_right);
        if !is_right {
            return Ok(None);
        }
        let well_known = well_known(&issuer)?;
        let metadata = self.session.get(&well_known).await?;
        let methods = &metadata.body["code_challenge_methods_supported"];
        let is_right = metadata.text("issuer") == Some(&issuer) && *methods == json!(["S256"]);
        let shown = ["issuer", "registration_endpoint", "authorization_endpoint", "token_endpoint"]
            .map(|name| format!("{name} {}", metadata.text(name).unwrap_or("-")))
            .join(", ");
        self.note("the metadata of the issuer (RFC 8414)", &metadata, shown, is_right);
        if !is_right {
            return Ok(None);
        }
        let wanted = json!({
            "client_name": "requires-auth demo", "redirect_uris": [REDIRECT_URI], "application_type": "native",
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"],
        });
        let endpoint = metadata.text("registration_endpoint").unwrap_or_default();
        let registered = self.session.post_json(endpoint, &wanted, None).await?;
        let client_id = registered.text("client_id").unwrap_or_default().to_owned();
        let is_right = registered.status == 201 && !client_id.is_empty();
        self.note("registration (RFC 7591)", &registered, format!("client_id {client_id}"), is_right);
        Ok(is_right.then(|| Found { issuer, metadata: metadata.body, client_id, resource }))
    }

    /// A login without a browser; the access token.
    async fn log_in(&mut self, found: &Found, scope: &str) -> Result<Option<String>, Failure> {
        let (pkce, state) = (Pkce::new()?, random()?);
        let endpoint = |name: &str| found.metadata[name].as_str().unwrap_or_default();
        let query = [
            ("response_type", "code"),
            ("client_id", &found.client_id),
            ("redirect_uri", REDIRECT_URI),
            ("code_challenge", &pkce.challenge),
            ("code_challenge_method", "S256"),
            ("state", &state),
            ("scope", scope),
            ("resource", &found.resource),
        ];
        let asked = self.session.get(url(endpoint("authorization_endpoint"), "", &query)?.as_str()).await?;
        let code = code_of(&asked, &state, &found.issuer);
        let shown = format!("a code for {REDIRECT_URI}, scope {scope}");
        self.note("the login, which the development issuer grants at once", &asked, shown, code.is_some());
        let Some(code) = code else { return Ok(None) };
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("code_verifier", &pkce.verifier),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &found.client_id),
            ("resource", &found.resource),
        ];
        let tokens = self.session.post_form(endpoint("token_endpoint"), &form).await?;
        let token = tokens.text("access_token").map(str::to_owned);
        let granted = tokens.text("scope").unwrap_or_default();
        let shown = format!("access_token .., scope {granted}");
        let is_right = tokens.status == 200 && granted == scope;
        self.note("the tokens for this server alone (RFC 8707)", &tokens, shown, is_right);
        Ok(token.filter(|_| is_right))
    }

    async fn call(&mut self, server: &str, tool: &str, token: &str) -> Result<bool, Failure> {
        let called = self.session.post_json(server, &message("tools/call", Some(tool)), Some(token)).await?;
        let text = called.body["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        let is_right = called.status == 200 && !text.is_empty();
        self.note("a tool that the scopes suffice for", &called, text, is_right);
        Ok(is_right)
    }

    fn note(&mut self, about: &'static str, answer: &Answer, shown: String, is_right: bool) {
        let (request, status) = (answer.request.clone(), answer.status);
        self.steps.push(Step { about, request, status, shown, is_right });
    }
}

/// The code of a redirect to this client, if state and issuer are those of this login (RFC 9207).
fn code_of(answer: &Answer, state: &str, issuer: &str) -> Option<String> {
    let location = Url::parse(&answer.location).ok().filter(|_| answer.location.starts_with(REDIRECT_URI))?;
    let parameter =
        |name: &str| location.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value);
    let is_ours = parameter("state")? == state && parameter("iss")? == issuer;
    parameter("code").filter(|_| is_ours && answer.status == 302).map(Cow::into_owned)
}

/// RFC 8414 §3.1: the path of the issuer comes after the well-known part.
fn well_known(issuer: &str) -> Result<String, Failure> {
    let mut url = url(issuer, "", &[])?;
    let path = format!("/.well-known/oauth-authorization-server{}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url.into())
}

fn message(method: &str, tool: Option<&str>) -> Value {
    let params = tool.map_or_else(|| json!({}), |tool| json!({ "name": tool, "arguments": {} }));
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}
