//! Requests to the API, and what is kept of its answers.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use serde_json::Value;

use super::mint::Attempt;
use crate::error::Failure;
use crate::http::cause;

/// A metadata document may be this long, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;

/// What is kept of a refusal's body, in bytes.
const MAX_BODY: usize = 4 * 1024;

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Each line of `WWW-Authenticate`.
    pub(super) challenges: Vec<String>,
    /// What later proofs have to carry.
    pub(super) nonce: Option<String>,
    /// The beginning of the body of a refusal, if the request asks for it. It may repeat the token.
    pub(super) body: String,
}

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn of(answer: &Response) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            status: answer.status().as_u16(),
            challenges: answer.headers().get_all(WWW_AUTHENTICATE).iter().map(text).collect(),
            nonce: answer.headers().get("dpop-nonce").map(text),
            body: String::new(),
        }
    }
}

/// A client for one API. It follows no redirect and uses no proxy, so that nothing reaches another server.
#[derive(Clone)]
pub(super) struct Sender {
    client: Client,
}

impl Sender {
    /// `timeout` is for each request, connection included.
    pub(super) fn new(timeout: Duration) -> Result<Self, Failure> {
        // A connection of its own for each request: some servers answer a bad request by closing it.
        let builder = Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0);
        let client = builder.timeout(timeout).build();
        let client = client
            .map_err(|error| Failure::new(format!("the HTTP client does not start: {}", cause(&error))))?;
        Ok(Self { client })
    }

    /// Sends a request as often as it says, and gives the last answer.
    ///
    /// # Errors
    ///
    /// No answer, and why.
    pub(super) async fn send(&self, attempt: &Attempt) -> Result<Answer, String> {
        let mut answer = Answer::default();
        for _ in 0..attempt.times.max(1) {
            answer = self.once(attempt).await?;
        }
        Ok(answer)
    }

    async fn once(&self, attempt: &Attempt) -> Result<Answer, String> {
        let method = Method::from_bytes(attempt.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        for (name, value) in &attempt.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            headers.append(name, HeaderValue::from_bytes(value).map_err(|error| error.to_string())?);
        }
        let request = self.client.request(method, attempt.url.clone()).headers(headers);
        let request = match &attempt.body {
            Some(body) => request.body(body.clone()),
            None => request,
        };
        let response = request.send().await.map_err(|error| cause(&error))?;
        let mut answer = Answer::of(&response);
        if attempt.keeps_body && !answer.is_success() {
            answer.body = beginning(response).await;
        }
        Ok(answer)
    }

    /// The JSON at a URL of the API.
    ///
    /// # Errors
    ///
    /// No answer, another status than 200, too much of it, or no JSON.
    pub(super) async fn document(&self, url: Url) -> Result<Value, String> {
        let mut answer = self.client.get(url).send().await.map_err(|error| cause(&error))?;
        if answer.status().as_u16() != 200 {
            return Err(format!("the metadata are answered with {}", answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| cause(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_DOCUMENT {
                return Err("the metadata are longer than 64 KiB".to_owned());
            }
        }
        serde_json::from_slice(&body).map_err(|_| "the metadata are not JSON".to_owned())
    }
}

/// The beginning of a body; what cannot be read of it is left out.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= MAX_BODY {
            body.truncate(MAX_BODY);
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}
