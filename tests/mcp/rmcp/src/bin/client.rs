//! The client of rmcp: it reads commands on stdin and answers each with a line of JSON on stdout, as `clients/driver.py`
//! describes.
//!
//!     client URL

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use reqwest::{Client, Url, header, redirect::Policy};
use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{AuthClient, AuthorizationCallback, AuthorizationRequest, OAuthState};
use rmcp::transport::streamable_http_client::{InsufficientScopeError, StreamableHttpClientTransportConfig};
use rmcp::{ErrorData, ServiceExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Never asked: the browser's last redirect is read instead.
const CALLBACK: &str = "http://127.0.0.1:9/callback";
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_STEPS: usize = 10;

#[tokio::main]
async fn main() -> Fallible<()> {
    let url = std::env::args().nth(1).ok_or("usage: client URL")?;
    let mut player = Player { url, login: None, session: None, logins: 0 };
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let mut answer = match tokio::time::timeout(PATIENCE, player.obey(&line)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => json!({"ok": false, "error": describe(&*error)}),
            Err(_) => json!({"ok": false, "error": "timeout"}),
        };
        answer["logins"] = player.logins.into();
        println!("{answer}");
    }
    Ok(())
}

struct Player {
    url: String,
    /// What an application keeps between sessions.
    login: Option<AuthClient<Client>>,
    session: Option<RunningService<RoleClient, ()>>,
    logins: u32,
}

impl Player {
    async fn obey(&mut self, line: &str) -> Fallible<Value> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["open"] => self.open().await,
            ["call", tool] => self.call(tool).await,
            ["close"] => {
                if let Some(session) = self.session.take() {
                    session.cancel().await?;
                }
                Ok(json!({"ok": true}))
            }
            ["store"] => self.store().await,
            _ => Err(format!("no such command: {line}").into()),
        }
    }

    async fn open(&mut self) -> Fallible<Value> {
        if self.login.is_none() {
            self.login = Some(self.log_in().await?);
        }
        let login = self.login.clone().ok_or("not logged in")?;
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        let transport = StreamableHttpClientTransport::with_client(login, config);
        let session = ().serve(transport).await?;
        let protocol = session.peer_info().map(|info| info.protocol_version.to_string());
        self.session = Some(session);
        Ok(json!({"ok": true, "protocol": protocol}))
    }

    async fn log_in(&mut self) -> Fallible<AuthClient<Client>> {
        let mut state = OAuthState::new(self.url.as_str(), None).await?;
        let request =
            AuthorizationRequest::new(CALLBACK).with_client_name("rmcp").with_initial_scope_selection();
        state.start_authorization(request).await?;
        self.logins += 1;
        let callback = walk(&state.get_authorization_url().await?).await?;
        state.handle_callback_url(callback.as_str()).await?;
        let manager = state.into_authorization_manager().ok_or("the login is not complete")?;
        Ok(AuthClient::new(Client::new(), manager))
    }

    /// Calls a tool; if the server asks for more scopes, the user logs in for them, and the call is made once more.
    async fn call(&mut self, tool: &str) -> Fallible<Value> {
        let refused = match self.call_once(tool).await {
            Ok(text) => return Ok(json!({"ok": true, "text": text})),
            Err(error) => error,
        };
        let Some(scope) = needed_scope(&refused) else {
            return Err(refused.into());
        };
        self.step_up(&scope).await?;
        let text = self.call_once(tool).await?;
        Ok(json!({"ok": true, "text": text}))
    }

    async fn call_once(&self, tool: &str) -> Result<String, ServiceError> {
        let session = self.session.as_ref().ok_or(ServiceError::TransportClosed)?;
        let result = session.call_tool(CallToolRequestParams::new(tool.to_owned())).await?;
        let text = serde_json::to_value(&result.content[0]).unwrap_or_default()["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if result.is_error == Some(true) {
            return Err(ServiceError::McpError(ErrorData::internal_error(text, None)));
        }
        Ok(text)
    }

    async fn step_up(&mut self, scope: &str) -> Fallible<()> {
        let login = self.login.clone().ok_or("not logged in")?;
        let manager = login.auth_manager.lock().await;
        let url = manager.request_scope_upgrade(scope).await?;
        self.logins += 1;
        let callback = AuthorizationCallback::from_redirect_url(walk(&url).await?.as_str())?;
        manager
            .exchange_code_for_token_with_issuer(
                &callback.code,
                &callback.csrf_token,
                callback.issuer.as_deref(),
            )
            .await?;
        manager.reset_scope_upgrade_attempts().await;
        Ok(())
    }

    async fn store(&self) -> Fallible<Value> {
        let Some(login) = &self.login else {
            return Ok(json!({"ok": true, "tokens": false, "scope": null}));
        };
        let manager = login.auth_manager.lock().await;
        let (_, tokens) = manager.get_credentials().await?;
        let scope = manager.get_current_scopes().await.join(" ");
        Ok(json!({"ok": true, "tokens": tokens.is_some(), "scope": scope}))
    }
}

/// The scope of a 403, wherever in the chain of errors it is.
fn needed_scope(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refused) = error.downcast_ref::<InsufficientScopeError>() {
            return refused.required_scope.clone();
        }
        if let Some(dynamic) = error.downcast_ref::<rmcp::transport::DynamicTransportError>() {
            if let Some(found) = needed_scope(&*dynamic.error) {
                return Some(found);
            }
        }
        next = error.source();
    }
    None
}

/// An error with the errors inside it.
fn describe(error: &(dyn Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", describe(source)),
        None => error.to_string(),
    }
}

/// Stands in for the browser: follows redirects with cookies, up to the client's callback.
async fn walk(start: &str) -> Fallible<Url> {
    let browser = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(15)).build()?;
    let mut cookies = BTreeMap::new();
    let mut url = Url::parse(start)?;
    for _ in 0..MOST_STEPS {
        let cookie =
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let response = browser.get(url.clone()).header(header::COOKIE, cookie).send().await?;
        for line in response.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let Some(location) = response.headers().get(header::LOCATION) else {
            return Err(format!("no redirect from {}: {}", url.path(), response.status()).into());
        };
        url = url.join(location.to_str()?)?;
        if url.as_str().starts_with(CALLBACK) {
            return Ok(url);
        }
    }
    Err("too many redirects".into())
}
