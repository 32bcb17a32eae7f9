//! What is asked about a token: the request that it comes with.

use requires_auth::client_certificate::ClientCertificate;

use crate::error::Failure;
use crate::verdict::{RequestArgs, origin_and_target};

/// A question that can be judged.
pub(in crate::commands) struct Question {
    pub(in crate::commands) token: String,
    pub(in crate::commands) method: String,
    /// Scheme, host and port, where the whole URL was given.
    pub(in crate::commands) origin: Option<String>,
    /// Path and query; `None` asks about the token alone.
    pub(in crate::commands) target: Option<String>,
    /// Our name for the issuer that the token has to be of.
    pub(in crate::commands) issuer: Option<String>,
    /// The value of the header `DPoP`.
    pub(in crate::commands) proof: Option<String>,
    pub(in crate::commands) certificate: Option<ClientCertificate>,
}

/// What is wrong with a field, for whoever has typed it. Nothing of the field is in it.
pub(in crate::commands) type Wrong = &'static str;

impl Question {
    /// A question of the command line.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(in crate::commands) fn of_flags(token: String, request: &RequestArgs) -> Result<Self, Failure> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Self::new(token, &request.method, &text(&request.url), &text(&request.proof)).map_err(Failure::new)
    }

    /// A question about a token in a request; an empty text is nothing, and no method is `GET`.
    ///
    /// # Errors
    ///
    /// What cannot be a method, a URL or a proof.
    pub(in crate::commands) fn new(
        token: String,
        method: &str,
        url: &str,
        proof: &str,
    ) -> Result<Self, Wrong> {
        let method = filled(method).unwrap_or_else(|| "GET".to_owned());
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !method.bytes().all(is_token) {
            return Err("the method is one word, such as GET");
        }
        let (origin, target) = place(url.trim())?;
        let proof = filled(proof);
        if proof.as_deref().is_some_and(|proof| !proof.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err("the proof has a space, a line break or another character that stands in no proof");
        }
        Ok(Self { token, method, origin, target, issuer: None, proof, certificate: None })
    }
}

/// A text without the white space around it, if there is any.
pub(in crate::commands) fn filled(text: &str) -> Option<String> {
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The origin and the target of a URL, or the target alone of a path.
fn place(url: &str) -> Result<(Option<String>, Option<String>), Wrong> {
    if url.is_empty() {
        return Ok((None, None));
    }
    // What a client leaves out when it sends a request.
    let url = url.split('#').next().unwrap_or_default();
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "the URL has a space or a letter that stands in no URL: write it as the client sends it, with %20",
        );
    }
    let (origin, target) = match origin_and_target(url) {
        Some((origin, target)) => (Some(origin.to_owned()), target),
        None if url.starts_with('/') => (None, url),
        None => return Err("the URL begins with https://, or is a path that begins with /"),
    };
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    Ok((origin, Some(target)))
}
