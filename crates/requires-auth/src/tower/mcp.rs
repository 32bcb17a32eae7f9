//! A layer for an MCP server: the token first, then the messages, then the server.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::request::{Added, mark, seen_by, token_of, view};
use super::response::{append_to_answer, metadata, refusal};
use crate::error::{ConfigError, Denial};
use crate::guard::RequiresAuth;
use crate::mcp::{self, Builder, Scopes};

impl RequiresAuth {
    /// Begins a layer for an MCP server (Model Context Protocol), in which tools, prompts and resources need scopes of their
    /// own.
    ///
    /// ```
    /// use axum::{Router, body::Body, routing::post};
    /// use http::Request;
    /// use requires_auth::{AccessToken, RequiresAuth};
    /// # use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    /// use tower::ServiceExt;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::Es256);
    /// # let jwks = jwk_set([&key]).to_string();
    /// # let forge = Forge::new("https://issuer.example", "https://api.example.com/mcp", key);
    /// # let issuer = "https://issuer.example";
    /// # let auth = RequiresAuth::resource_builder(issuer, "https://api.example.com/mcp").with_jwks(jwks).build()?;
    /// // In a server: `let auth = RequiresAuth::for_resource(issuer, "https://api.example.com/mcp")?;`
    /// # let mcp_service = post(async |token: AccessToken| token.subject().unwrap_or("nobody").to_owned());
    /// let app: Router = Router::new()
    ///     .route_service("/mcp", mcp_service)
    ///     .layer(auth.mcp().scopes("read:orders").tool("create_order", "write:orders").layer());
    ///
    /// let call = |scope: &str| {
    ///     let token = forge.token().scope(scope).mint();
    ///     let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"create_order"}}"#;
    ///     Request::post("/mcp").header("authorization", format!("Bearer {token}")).body(Body::from(body)).unwrap()
    /// };
    /// assert_eq!(app.clone().oneshot(call("read:orders write:orders")).await?.status(), 200);
    /// let refusal = app.oneshot(call("read:orders")).await?;
    /// assert_eq!(refusal.status(), 403);
    /// let challenge = refusal.headers()["www-authenticate"].to_str()?;
    /// assert!(challenge.contains(r#"scope="read:orders write:orders""#), "{challenge}");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The handler of a tool finds the [`AccessToken`](crate::AccessToken) in the extensions of the request. In rmcp that is
    /// `Extension<http::request::Parts>`:
    ///
    /// ```
    /// # use requires_auth::AccessToken;
    /// fn subject(parts: &http::request::Parts) -> Option<&str> {
    ///     parts.extensions.get::<AccessToken>()?.subject()
    /// }
    /// # let _ = subject;
    /// ```
    pub fn mcp(&self) -> McpLayerBuilder {
        McpLayerBuilder { auth: self.clone(), scopes: Scopes::builder() }
    }

    /// A layer with a table that is made elsewhere, such as one whose names come from a file.
    pub fn mcp_layer(&self, scopes: Scopes) -> McpLayer {
        McpLayer { guarded: Arc::new(Guarded { auth: self.clone(), scopes }) }
    }
}

/// A layer for an MCP server in the making: see [`RequiresAuth::mcp`], and [`mcp::Builder`] for what each method says.
#[derive(Clone, Debug)]
#[must_use]
pub struct McpLayerBuilder {
    auth: RequiresAuth,
    scopes: Builder,
}

impl McpLayerBuilder {
    /// The base: what every request needs, beside the base scopes of the guard. Each 401 names it.
    ///
    /// [`with_base_scopes`](crate::guard::Builder::with_base_scopes) says the same for the whole guard, and the document of
    /// the resource then names them, too.
    pub fn scopes(self, scopes: &str) -> Self {
        Self { scopes: self.scopes.scopes(scopes), ..self }
    }

    /// What a call of this tool needs beside the base: see [`mcp::Builder::tool`].
    pub fn tool(self, name: &str, scopes: &str) -> Self {
        Self { scopes: self.scopes.tool(name, scopes), ..self }
    }

    /// What a call of any tool needs that is not named.
    pub fn any_tool(self, scopes: &str) -> Self {
        Self { scopes: self.scopes.any_tool(scopes), ..self }
    }

    /// What getting this prompt needs beside the base: see [`mcp::Builder::prompt`].
    pub fn prompt(self, name: &str, scopes: &str) -> Self {
        Self { scopes: self.scopes.prompt(name, scopes), ..self }
    }

    /// What getting any prompt needs that is not named.
    pub fn any_prompt(self, scopes: &str) -> Self {
        Self { scopes: self.scopes.any_prompt(scopes), ..self }
    }

    /// What reading a resource needs beside the base, by a pattern of its URI: see [`mcp::Builder::resource`].
    pub fn resource(self, pattern: &str, scopes: &str) -> Self {
        Self { scopes: self.scopes.resource(pattern, scopes), ..self }
    }

    /// What reading any resource needs that no other pattern fits.
    pub fn any_resource(self, scopes: &str) -> Self {
        Self { scopes: self.scopes.any_resource(scopes), ..self }
    }

    /// How long the body of a message may be, in bytes. Default: 4 MiB.
    pub fn max_body(self, bytes: usize) -> Self {
        Self { scopes: self.scopes.max_body(bytes), ..self }
    }

    /// The layer.
    ///
    /// # Panics
    ///
    /// If the table cannot be meant: a mistake in a route shows when the route is built. For names that come from
    /// elsewhere, see [`try_layer`](Self::try_layer).
    #[track_caller]
    pub fn layer(self) -> McpLayer {
        match self.try_layer() {
            Ok(layer) => layer,
            Err(error) => panic!("{error}"),
        }
    }

    /// The layer, or all mistakes of the table.
    ///
    /// # Errors
    ///
    /// Those of [`mcp::Builder::build`].
    pub fn try_layer(self) -> Result<McpLayer, ConfigError> {
        Ok(self.auth.mcp_layer(self.scopes.build()?))
    }
}

/// Puts a guard around an MCP server. Made by [`RequiresAuth::mcp`].
///
/// The body of the request must be one that can be made of its bytes (`From<Bytes>`), such as `axum::body::Body`. A server on
/// hyper alone maps its bodies first, for example with `tower_http::map_request_body`.
#[derive(Clone, Debug)]
#[must_use = "a layer guards nothing until it is put around a service"]
pub struct McpLayer {
    guarded: Arc<Guarded>,
}

#[derive(Debug)]
struct Guarded {
    auth: RequiresAuth,
    scopes: Scopes,
}

impl<S> Layer<S> for McpLayer {
    type Service = McpService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        McpService { guarded: Arc::clone(&self.guarded), inner }
    }
}

/// An MCP server with a guard around it. Made by [`McpLayer`].
///
/// A request that passes has its token in its extensions, and the headers in which tokens may stand have been taken out of it,
/// as a server must not pass on the token that it was sent. Its answer is not touched, so that events stream through.
#[derive(Clone, Debug)]
pub struct McpService<S> {
    guarded: Arc<Guarded>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for McpService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body + From<Bytes> + Send + 'static,
    B::Data: Send,
    R: From<Vec<u8>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that is ready goes with the request; a clone takes its place.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        let guarded = Arc::clone(&self.guarded);
        Box::pin(async move { guarded.answer(request, inner).await })
    }
}

impl Guarded {
    async fn answer<S, B, R>(&self, request: Request<B>, mut inner: S) -> Result<Response<R>, S::Error>
    where
        S: Service<Request<B>, Response = Response<R>>,
        B: Body + From<Bytes>,
        R: From<Vec<u8>>,
    {
        if let Some(document) = metadata(&self.auth, &request) {
            return Ok(document);
        }
        let (mut parts, body) = request.into_parts();
        let passed = match self.admit(&mut parts).await {
            Ok(added) => self.read(&parts, body).await.map(|body| (added, body)),
            Err(denial) => Err(denial),
        };
        match passed {
            Ok((added, body)) => {
                self.take_tokens(&mut parts.headers);
                let mut response = inner.call(Request::from_parts(parts, body)).await?;
                let added = added.iter().map(|(name, value)| (*name, value.as_str()));
                append_to_answer(response.headers_mut(), added);
                Ok(response)
            }
            Err(denial) => {
                // What the server has reserved when it became ready is given back.
                drop(inner);
                let denial = self.scopes.told_by(denial);
                Ok(refusal(&self.auth, &view(&parts.method, &parts.uri, &parts.headers), denial))
            }
        }
    }

    /// Asks for the token alone, unless an outer layer of the same guard has. The headers are those of the answer.
    async fn admit(&self, parts: &mut Parts) -> Result<Added, Denial> {
        if token_of(&self.auth, &parts.extensions).is_some() {
            return Ok(Added::new());
        }
        let seen = seen_by(&self.auth, &parts.method, &parts.uri, &parts.headers, &parts.extensions);
        let (passed, added) = self.auth.admit(&seen, &Scopes::admission()).await?.into_parts();
        mark(&self.auth, passed, &mut parts.extensions);
        Ok(added)
    }

    /// Reads the body of a request that has shown its token, as far as its messages decide, and asks for their scopes. The
    /// body is handed on with the bytes that were judged.
    async fn read<B: Body + From<Bytes>>(&self, parts: &Parts, body: B) -> Result<B, Denial> {
        // A preflight has no token, and no server runs a tool for it.
        let Some(token) = token_of(&self.auth, &parts.extensions) else { return Ok(body) };
        let seen = view(&parts.method, &parts.uri, &parts.headers);
        let check = |read| self.auth.check_mcp(&seen, token, &self.scopes, read);
        let Some(limit) = self.scopes.body_limit(&seen) else {
            check(mcp::Body::Bytes(&[]))?;
            return Ok(body);
        };
        let collected = collect(body, limit).await;
        check(collected.as_deref().map_or_else(|unread| *unread, mcp::Body::Bytes))?;
        // What could not be read was refused.
        Ok(collected.unwrap_or_default().into())
    }

    /// Takes away the headers in which the guard looks for tokens.
    fn take_tokens(&self, headers: &mut HeaderMap) {
        headers.remove(AUTHORIZATION);
        headers.remove("dpop");
        for name in self.auth.token_headers() {
            // Both hold other things as well, and a server may need them.
            if !["cookie", "sec-websocket-protocol"].contains(&&**name) {
                headers.remove(&**name);
            }
        }
    }
}

/// The bytes of a body, of which there may be at most so many.
async fn collect<B: Body>(body: B, limit: usize) -> Result<Bytes, mcp::Body<'static>> {
    let mut body = pin!(body);
    if usize::try_from(body.size_hint().lower()).map_or(true, |length| length > limit) {
        return Err(mcp::Body::TooLarge);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(frame) = frame else { return Err(mcp::Body::Broken) };
        // What is not data is trailers, which no message has.
        if let Ok(data) = frame.into_data() {
            if data.remaining() > limit - bytes.len() {
                return Err(mcp::Body::TooLarge);
            }
            bytes.put(data);
        }
    }
    Ok(bytes.freeze())
}
