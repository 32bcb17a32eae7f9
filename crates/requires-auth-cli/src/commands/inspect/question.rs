//! The fields of the page: a token, and the request that it comes with.

use requires_auth::client_certificate::{ClientCertificate, HeaderFormat};
use serde::Deserialize;

use crate::commands::explain::question::{Question, Wrong, filled};
use crate::token_argument::as_copied;

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

/// Reads the body of a request of the page.
///
/// # Errors
///
/// It is not the JSON of the page, or a field cannot be used.
pub(super) fn parse(body: &[u8]) -> Result<Question, Wrong> {
    // What serde says of it could show what was typed. It would take a list of values for the fields, too.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let fields: Option<Fields> = serde_json::from_slice(body).ok().filter(|_| is_object);
    let fields = fields.ok_or("the body is not what the page sends")?;
    let token = as_copied(&fields.token).token;
    if token.is_empty() {
        return Err("paste a token first");
    }
    Ok(Question {
        issuer: filled(&fields.issuer),
        certificate: certificate(fields.certificate.trim())?,
        ..Question::new(token.to_owned(), &fields.method, &fields.url, &fields.proof)?
    })
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
        super::parse(fields.to_string().as_bytes())
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
        assert!(super::parse(b"{\"token\": \"s3cr3t").is_err());
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
