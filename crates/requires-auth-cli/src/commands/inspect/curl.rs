//! The request as a line for a shell. The token is a variable there, so that it stands in no history.

use std::fmt::Write as _;

use requires_auth::credential::TokenPlace;

use crate::curl;

/// What a line is made of.
pub(super) struct Curl<'a> {
    pub(super) method: &'a str,
    /// Scheme and host; without them a variable stands there.
    pub(super) origin: Option<&'a str>,
    pub(super) target: &'a str,
    pub(super) place: &'a TokenPlace,
    pub(super) has_proof: bool,
    pub(super) has_certificate: bool,
}

impl Curl<'_> {
    /// The line.
    pub(super) fn line(&self) -> String {
        let mut line = curl::begin(self.method);
        let header = match self.place.parts() {
            ("authorization", _) if self.has_proof => "Authorization: DPoP $TOKEN".to_owned(),
            ("authorization", _) => "Authorization: Bearer $TOKEN".to_owned(),
            ("cookie", Some(name)) => format!("Cookie: {}=$TOKEN", inner(name)),
            ("subprotocol.after", Some(name)) => format!("Sec-WebSocket-Protocol: {}, $TOKEN", inner(name)),
            ("subprotocol.prefix", Some(prefix)) => {
                format!("Sec-WebSocket-Protocol: {}$TOKEN", inner(prefix))
            }
            _ => format!("{}: $TOKEN", inner(self.place.header_name())),
        };
        // A text takes all that is written to it.
        write!(line, " -H \"{header}\"").unwrap_or_default();
        if self.has_proof {
            line.push_str(" -H \"DPoP: $PROOF\"");
        }
        if self.has_certificate {
            line.push_str(" --cert client.pem --key client.key");
        }
        match self.origin {
            Some(origin) => write!(line, " {}", curl::word(&format!("{origin}{}", self.target))),
            None => write!(line, " \"$API\"{}", curl::word(self.target)),
        }
        .unwrap_or_default();
        line
    }
}

/// A text between double quotes of a shell: a name may have each of these characters (RFC 9110 §5.6.2).
fn inner(text: &str) -> String {
    text.replace('\\', r"\\").replace('$', r"\$").replace('`', r"\`").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(method: &str, origin: Option<&str>, target: &str, place: &TokenPlace, has_proof: bool) -> String {
        Curl { method, origin, target, place, has_proof, has_certificate: false }.line()
    }

    #[test]
    fn a_request_is_one_line_for_a_shell() {
        let header = TokenPlace::authorization();
        let api = Some("https://api.example.com");
        assert_eq!(
            line("GET", api, "/orders", &header, false),
            "curl -i -H \"Authorization: Bearer $TOKEN\" https://api.example.com/orders"
        );
        assert_eq!(
            line("POST", None, "/a?b=c&d", &header, true),
            "curl -i -X POST -H \"Authorization: DPoP $TOKEN\" -H \"DPoP: $PROOF\" \"$API\"'/a?b=c&d'"
        );
        let cookie = TokenPlace::cookie("t").expect("a place");
        assert_eq!(
            line("HEAD", api, "/", &cookie, false),
            "curl -i --head -H \"Cookie: t=$TOKEN\" https://api.example.com/"
        );
        let certificate = Curl {
            method: "GET",
            origin: None,
            target: "/",
            place: &header,
            has_proof: false,
            has_certificate: true,
        };
        assert!(certificate.line().contains(" --cert client.pem --key client.key "));
    }

    #[test]
    fn a_name_runs_nothing() {
        let cookie = TokenPlace::cookie("$a`b`").expect("a place");
        assert!(line("GET", None, "/", &cookie, false).contains(r#" -H "Cookie: \$a\`b\`=$TOKEN" "#));
    }
}
