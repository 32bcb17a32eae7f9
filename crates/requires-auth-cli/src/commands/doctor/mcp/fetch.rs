//! A JSON document that clients look for, and what they find in its place.

use reqwest::{Method, Url};
use serde_json::{Map, Value};

use super::client::{Client, Question};

/// What was found in a place.
pub(super) enum Fetched {
    /// An object, with what its headers say.
    Document(Document),
    /// A status of 4xx: clients go on to the next place.
    Absent(u16),
    /// A redirect, which is not followed.
    Redirect(u16, String),
    /// 429, 5xx, or an answer that is not a JSON object: clients end here.
    Ends(String),
}

/// A document, as clients read it.
pub(super) struct Document {
    pub(super) members: Map<String, Value>,
    /// Its `Content-Type`.
    pub(super) content_type: String,
}

impl Document {
    /// The text of a member.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// The texts in an array; `None` if there is no such array.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let values = self.members.get(name)?.as_array()?;
        Some(values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
    }

    /// Whether it is sent as JSON.
    pub(super) fn is_json(&self) -> bool {
        let media_type = self.content_type.split(';').next().unwrap_or_default().trim_ascii();
        media_type.eq_ignore_ascii_case("application/json")
    }
}

impl Fetched {
    /// In a few words.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Document(_) => "200".to_owned(),
            Self::Absent(status) => status.to_string(),
            Self::Redirect(status, place) => format!("{status}, a redirect to {place}"),
            Self::Ends(what) => what.clone(),
        }
    }

    pub(super) fn document(&self) -> Option<&Document> {
        match self {
            Self::Document(document) => Some(document),
            _ => None,
        }
    }
}

/// Looks for a document, without credentials.
pub(super) async fn fetch(client: &Client<'_>, url: &Url) -> Fetched {
    let question = Question::new(Method::GET).with("accept", "application/json");
    let answer = match client.fetch(url, question).await {
        Ok(answer) => answer,
        Err(error) => return Fetched::Ends(format!("no answer: {error}")),
    };
    let status = answer.status;
    match status {
        200 => {}
        300..=399 => {
            return Fetched::Redirect(status, answer.header("location").unwrap_or("nowhere").to_owned());
        }
        429 => return Fetched::Ends("429".to_owned()),
        400..=499 => return Fetched::Absent(status),
        _ => return Fetched::Ends(status.to_string()),
    }
    let content_type = answer.header("content-type").unwrap_or_default().to_owned();
    let is_html = answer.is("text/html");
    match answer.whole().await {
        Err(error) => Fetched::Ends(format!("200, but {error}")),
        Ok(body) => match serde_json::from_slice(&body) {
            Ok(members) => Fetched::Document(Document { members, content_type }),
            Err(_) if is_html => Fetched::Ends("200 with a page of HTML".to_owned()),
            Err(_) => Fetched::Ends("200, but not a JSON object".to_owned()),
        },
    }
}
