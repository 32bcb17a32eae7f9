//! What the page asks: a token, and the request that it comes with.

use requires_auth::client_certificate::{ClientCertificate, HeaderFormat};
use serde::Deserialize;

use crate::token_argument::split_scheme;
use crate::verdict::origin_and_target;

/// What stands in the fields of the page. None of it is ever printed, so it has no `Debug`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    token: String,
    method: String,
    url: String,
    issuer: String,
    proof: String,
    certificate: String,
}

/// A question that can be judged.
pub(super) struct Question {
    pub(super) token: String,
    pub(super) method: String,
    /// Scheme, host and port, where the whole URL was given.
    pub(super) origin: Option<String>,
    /// Path and query; `None` asks about the token alone.
    pub(super) target: Option<String>,
    /// Our name for the issuer that the token has to be of.
    pub(super) issuer: Option<String>,
    /// The value of the header `DPoP`.
    pub(super) proof: Option<String>,
    pub(super) certificate: Option<ClientCertificate>,
}

/// What is wrong with a field, for whoever has typed it. Nothing of the field is in it.
pub(super) type Wrong = &'static str;

impl Question {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// It is not the JSON of the page, or a field cannot be used.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Wrong> {
        // What serde says of it could show what was typed. It would take a list of values for the fields, too.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let fields: Option<Fields> = serde_json::from_slice(body).ok().filter(|_| is_object);
        let fields = fields.ok_or("the body is not what the page sends")?;
        let token = token(&fields.token);
        if token.is_empty() {
            return Err("paste a token first");
        }
        let method = Some(fields.method.trim()).filter(|method| !method.is_empty()).unwrap_or("GET");
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !method.bytes().all(is_token) {
            return Err("the method is one word, such as GET");
        }
        let (origin, target) = place(fields.url.trim())?;
        let proof = filled(&fields.proof);
        if proof.as_deref().is_some_and(|proof| !proof.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err("the proof has a space, a line break or another character that stands in no proof");
        }
        Ok(Self {
            token: token.to_owned(),
            method: method.to_owned(),
            origin,
            target,
            issuer: filled(&fields.issuer),
            proof,
            certificate: certificate(fields.certificate.trim())?,
        })
    }
}

/// A token as it is copied: with white space around it, and with the scheme or the name of its header before it.
fn token(text: &str) -> &str {
    let text = text.trim();
    let name = "authorization:";
    let rest =
        text.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &text[name.len()..]);
    let text = rest.unwrap_or(text).trim();
    split_scheme(text).map_or(text, |(_, token)| token)
}

fn filled(text: &str) -> Option<String> {
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

fn certificate(text: &str) -> Result<Option<ClientCertificate>, Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = HeaderFormat::EscapedPem.read(text.as_bytes()).ok().flatten();
    read.map(Some)
        .ok_or("the certificate is not one in PEM: -----BEGIN CERTIFICATE----- and so on, without its chain")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(fields: &serde_json::Value) -> Result<Question, Wrong> {
        Question::parse(fields.to_string().as_bytes())
    }

    #[test]
    fn a_token_is_taken_as_it_is_copied() {
        for copied in [
            "abc.def",
            " abc.def\n",
            "Bearer abc.def",
            "authorization: dpop  abc.def",
            "Authorization:abc.def",
        ] {
            assert_eq!(
                parse(&json!({ "token": copied })).ok().map(|asked| asked.token).as_deref(),
                Some("abc.def")
            );
        }
        assert!(parse(&json!({ "token": " " })).is_err());
        assert!(parse(&json!({})).is_err());
    }

    #[test]
    fn a_request_is_a_url_or_a_path() {
        let of =
            |url: &str| parse(&json!({ "token": "a", "url": url })).map(|asked| (asked.origin, asked.target));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of(""), Ok((None, None)));
        assert_eq!(of("/a?b#c"), Ok((None, some("/a?b"))));
        assert_eq!(of("https://a.example:8443/b"), Ok((some("https://a.example:8443"), some("/b"))));
        assert_eq!(of("https://a.example?b"), Ok((some("https://a.example"), some("/?b"))));
        for wrong in ["a", "ftp://a.example/", "/a b", "/é", "//a\u{7f}"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_what_was_typed() {
        let secret = "s3cr3t.s3cr3t.s3cr3t";
        for fields in [
            json!({ "token": { "a": secret } }),
            json!({ secret: "a" }),
            json!({ "token": "a", "method": format!("{secret} b") }),
            json!({ "token": "a", "proof": format!("{secret} b") }),
            json!({ "token": "a", "certificate": secret }),
            json!({ "token": "a", "url": secret }),
            json!(secret),
            json!([secret]),
        ] {
            let wrong = parse(&fields).err().unwrap_or_else(|| panic!("{fields}"));
            assert!(!wrong.contains("s3cr3t"), "{wrong}");
        }
        assert!(Question::parse(b"{\"token\": \"s3cr3t").is_err());
    }

    #[test]
    fn a_certificate_is_one_in_pem() {
        let der =
            rcgen::generate_simple_self_signed(["client.example".to_owned()]).expect("a certificate").cert;
        let pem = format!("\n{}\n", der.pem());
        let read =
            parse(&json!({ "token": "a", "certificate": pem })).ok().and_then(|asked| asked.certificate);
        assert_eq!(read, Some(ClientCertificate::from_der(der.der())));
        assert!(parse(&json!({ "token": "a", "certificate": format!("{pem}{pem}") })).is_err());
    }
}
