//! The requests of the client, and what it keeps of each.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::error::Failure;
use crate::http::cause;

/// One request, and what came back.
pub(super) struct Step {
    pub(super) about: &'static str,
    /// Method and URL.
    pub(super) request: String,
    pub(super) status: u16,
    /// The part of the answer that the client goes on with.
    pub(super) shown: String,
    pub(super) is_right: bool,
}

impl Step {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "about": self.about, "request": self.request, "status": self.status, "answer": self.shown,
            "ok": self.is_right,
        })
    }
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) request: String,
    pub(super) status: u16,
    /// `WWW-Authenticate`.
    pub(super) challenge: String,
    pub(super) location: String,
    /// The body, if it is JSON.
    pub(super) body: Value,
}

impl Answer {
    /// A parameter of the challenge, as simple clients find it.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.challenge.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value)
    }

    /// A text of the body.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }
}

/// The requests of one client.
pub(super) struct Session {
    client: Client,
}

impl Session {
    pub(super) const fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) async fn get(&self, url: &str) -> Result<Answer, Failure> {
        // A query is long, and says little to a reader.
        let shown = format!("GET {}", url.split('?').next().unwrap_or(url));
        answer(shown, self.client.get(url)).await
    }

    pub(super) async fn post_json(
        &self,
        url: &str,
        body: &Value,
        token: Option<&str>,
    ) -> Result<Answer, Failure> {
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json");
        request = request.header(ACCEPT, "application/json, text/event-stream").body(body.to_string());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let what = match (&body["method"], &body["params"]["name"]) {
            (Value::String(method), Value::String(name)) => format!(" {method} {name}"),
            (Value::String(method), _) => format!(" {method}"),
            _ => String::new(),
        };
        answer(format!("POST {url}{what}"), request).await
    }

    pub(super) async fn post_form(&self, url: &str, pairs: &[(&str, &str)]) -> Result<Answer, Failure> {
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request =
            self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        answer(format!("POST {url}"), request).await
    }
}

async fn answer(request: String, builder: RequestBuilder) -> Result<Answer, Failure> {
    let failed =
        |error: reqwest::Error| Failure::new(format!("a request of the demo failed: {}", cause(&error)));
    let response = builder.send().await.map_err(failed)?;
    let header = |name| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (challenge, location) = (header(WWW_AUTHENTICATE), header(LOCATION));
    let status = response.status().as_u16();
    let body = serde_json::from_slice(&response.bytes().await.map_err(failed)?).unwrap_or_default();
    Ok(Answer { request, status, challenge, location, body })
}

#[cfg(test)]
mod tests {
    use super::Answer;

    #[test]
    fn a_parameter_is_found_by_its_name() {
        let challenge = r#"Bearer error="insufficient_scope", scope="a b", resource_metadata="https://a/x""#;
        let answer = Answer {
            request: String::new(),
            status: 403,
            challenge: challenge.to_owned(),
            location: String::new(),
            body: serde_json::Value::Null,
        };
        assert_eq!(answer.parameter("scope"), Some("a b"));
        assert_eq!(answer.parameter("resource_metadata"), Some("https://a/x"));
        assert_eq!(answer.parameter("realm"), None);
    }
}
