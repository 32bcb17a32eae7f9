//! `requires-auth proof`: a DPoP proof for one request, by the key of a client (RFC 9449 §4).

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::Args;
use requires_auth_testkit::{Algorithm, ProofBuilder, ProofDefect};
use reqwest::Url;
use serde_json::json;

use crate::client_key;
use crate::context::{Context, Format, Outcome};
use crate::curl;
use crate::defect_argument::{self, Defects, Wanted, defect};
use crate::error::Failure;
use crate::output::print_json;
use crate::token_argument::read_token;

const EXAMPLES: &str = "\
Examples:
  requires-auth token --dpop client.pem --new-key > token.txt
  requires-auth proof --key client.pem GET http://127.0.0.1:8000/items \\
    --token - < token.txt
  requires-auth proof --key client.pem --curl GET http://127.0.0.1:8000/items \\
    --token - < token.txt
  requires-auth proof --key client.pem POST https://id.example.com/token

The first makes a key and a token that is bound to it; the last is a proof for a token request.
A proof is for one request, and counts once: make a new one for each.";

/// The flags of `proof`.
#[derive(Args, Debug)]
#[command(after_help = examples_and_defects())]
pub(crate) struct ProofArgs {
    /// The method of the request; case counts
    #[arg(required_unless_present = "defect")]
    method: Option<String>,

    /// The URL of the request, as the client sends it
    #[arg(required_unless_present = "defect")]
    url: Option<String>,

    /// The private key of the client, a file in PEM (PKCS#8)
    #[arg(long, value_name = "FILE", required_unless_present = "defect")]
    key: Option<PathBuf>,

    /// The token that is sent beside the proof; `-` is stdin. A request for a token has none
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// The nonce that the server gave in a header DPoP-Nonce
    #[arg(long, value_name = "NONCE")]
    nonce: Option<String>,

    /// The algorithm of the signature [default: that of the key; RS256 for RSA]
    #[arg(long, value_name = "ALG")]
    alg: Option<Algorithm>,

    /// What is wrong with it; the name begins with the reason of the refusal; `list` tells them all
    #[arg(long, value_name = "NAME", value_parser = defect::<ProofDefect>)]
    defect: Option<Wanted<ProofDefect>>,

    /// Print a command of curl that sends the request, with the token in it
    #[arg(long)]
    curl: bool,
}

impl ProofArgs {
    /// Runs `proof`.
    pub(crate) fn run(self, context: &Context) -> Result<Outcome, Failure> {
        if self.defect == Some(Wanted::List) {
            defect_argument::print(&defects(), context.format)?;
            return Ok(Outcome::Allow);
        }
        // Only where a defect is named may one of them be left out.
        let (Some(method), Some(url), Some(key)) = (&self.method, &self.url, &self.key) else {
            return Err(Failure::new("a proof is for one request, and by the key of a client")
                .hint("name them: requires-auth proof --key FILE METHOD URL"));
        };
        check_request(method, url)?;
        let key = client_key::read(key, self.alg)?;
        let token = self.token.map(|token| read_token(Some(token))).transpose()?;
        if token
            .as_ref()
            .is_some_and(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Failure::new("the token has characters that no token has"));
        }
        let mut proof = ProofBuilder::new(&key, method, url);
        if let Some(token) = &token {
            proof = proof.token(token);
        }
        if let Some(nonce) = self.nonce {
            proof = proof.nonce(nonce);
        }
        let lines = self.defect.and_then(Wanted::one).into_iter().fold(proof, ProofBuilder::defect).lines();
        match context.format {
            Format::Json => print_json(&json!({ "proof": lines.join(", "), "jkt": key.thumbprint() }))?,
            Format::Text if self.curl => {
                writeln!(io::stdout(), "{}", command(method, url, token.as_deref(), &lines))?;
            }
            Format::Text => lines.iter().try_for_each(|line| writeln!(io::stdout(), "{line}"))?,
        }
        Ok(Outcome::Allow)
    }
}

/// A slip here would be a proof for nothing, which a guard refuses without saying whose slip it was.
fn check_request(method: &str, url: &str) -> Result<(), Failure> {
    if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-') {
        return Err(Failure::new(format!("`{method}` is not a method")).hint("write GET, then the URL"));
    }
    let is_sent = url.bytes().all(|byte| byte.is_ascii_graphic());
    let parsed = Url::parse(url).ok().filter(|url| is_sent && url.has_host());
    if parsed.is_none_or(|url| !["http", "https"].contains(&url.scheme())) {
        return Err(Failure::new(format!("`{url}` is not a URL as a client sends it"))
            .hint("write scheme, host and path, such as https://api.example.com/items"));
    }
    Ok(())
}

/// A command that sends the request. With a token it is as secret as the token.
fn command(method: &str, url: &str, token: Option<&str>, lines: &[String]) -> String {
    let mut words = vec![curl::begin(method)];
    words.extend(token.map(|token| format!("-H {}", curl::quoted(&format!("Authorization: DPoP {token}")))));
    words.extend(lines.iter().map(|line| format!("-H {}", curl::quoted(&format!("DPoP: {line}")))));
    words.push(curl::quoted(url));
    words.join(" ")
}

fn defects() -> Defects {
    ProofDefect::ALL.map(|defect| (defect.name(), defect.about())).to_vec()
}

fn examples_and_defects() -> String {
    format!("{EXAMPLES}\n\nDefects:\n{}", defect_argument::lines(&defects()))
}

#[cfg(test)]
mod tests {
    use super::command as sent;

    #[test]
    fn a_command_of_curl_cannot_be_left_by_a_quote() {
        let command =
            super::command("POST", "http://a/'; rm -r /'", Some("t"), &["p".to_owned(), "q".to_owned()]);
        assert_eq!(
            command,
            r"curl -i -X POST -H 'Authorization: DPoP t' -H 'DPoP: p' -H 'DPoP: q' 'http://a/'\''; rm -r /'\'''"
        );
        assert_eq!(sent("GET", "http://a/", None, &[]), "curl -i 'http://a/'");
    }
}
