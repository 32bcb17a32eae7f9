//! Who may change something on the admin pages: whoever shows the secret of `admin_token`, or an access token with the
//! scopes of `admin_scopes`. Where neither is set, nobody may, also on loopback: every program of the machine reaches it,
//! and a page in a browser, too.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use requires_auth::{Bearer, Policy, RequiresAuth};

use super::config::{OperatorsConfig, SecretPlace};
use super::refused::Refused;
use crate::error::Failure;

/// A shorter secret could be guessed.
const SHORTEST_SECRET: usize = 16;

/// A longer file is not one with a secret.
const LONGEST_FILE: u64 = 64 * 1024;

/// Who may change something.
#[derive(Clone)]
pub(crate) struct Operators {
    /// The SHA-256 of the secret: two of them are as long, whatever was sent.
    secret: Option<Digest>,
    policy: Option<Policy>,
}

impl Operators {
    /// Reads the secret from its place.
    ///
    /// # Errors
    ///
    /// It is not there, or is too short.
    pub(crate) fn new(config: &OperatorsConfig) -> Result<Self, Failure> {
        let secret = config.token.as_ref().map(secret).transpose()?;
        let secret = secret.map(|secret| digest(&SHA256, secret.as_bytes()));
        Ok(Self { secret, policy: config.policy.clone() })
    }

    /// Whether anybody may.
    pub(crate) fn are_any(&self) -> bool {
        self.secret.is_some() || self.policy.is_some()
    }

    /// Whether there is a secret to show.
    pub(crate) const fn have_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Whether a request shows the secret.
    pub(crate) fn show_secret(&self, headers: &HeaderMap) -> bool {
        self.secret.as_ref().is_some_and(|secret| shows(headers, secret))
    }

    /// Lets an operator in.
    ///
    /// # Errors
    ///
    /// The answer to whoever is none.
    pub(crate) async fn admit<B>(
        &self,
        auth: &RequiresAuth,
        request: &Request<B>,
    ) -> Result<(), Response<Full<Bytes>>> {
        if self.show_secret(request.headers()) {
            return Ok(());
        }
        let Some(policy) = &self.policy else {
            let mut response =
                Response::new(Full::from("the secret of admin_token is needed, as a Bearer token\n"));
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            return Err(response);
        };
        let (method, path) = (request.method().as_str(), request.uri().path());
        let asked = requires_auth::Request::new(method, path, request.headers());
        let judged = auth.authorize(&asked, policy).await;
        judged.map(drop).map_err(|denial| Refused::of(auth, &asked, &denial).into_response())
    }
}

/// Whether the one `Authorization` header has the secret, found out in the same time for every secret.
fn shows(headers: &HeaderMap, secret: &Digest) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let shown = value.to_str().ok().and_then(|value| value.split_once(' '));
    let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    shown.is_some_and(|(_, shown)| {
        verify_slices_are_equal(digest(&SHA256, shown.as_bytes()).as_ref(), secret.as_ref()).is_ok()
    })
}

fn secret(place: &SecretPlace) -> Result<String, Failure> {
    let (name, text) = match place {
        SecretPlace::Variable(name) => {
            let text = std::env::var(name).map_err(|_| {
                Failure::new(format!("admin_token: the variable {name} is not set"))
                    .hint("set it to a secret of at least 16 characters: openssl rand -hex 32")
            })?;
            (name.clone(), text)
        }
        SecretPlace::File(path) => {
            let read = read(path).map_err(|error| {
                let failure =
                    Failure::new(format!("admin_token: {} cannot be read: {error}", path.display()));
                match error.kind() {
                    io::ErrorKind::NotFound => {
                        failure.hint(format!("make it with: openssl rand -hex 32 > {}", path.display()))
                    }
                    _ => failure,
                }
            })?;
            (path.display().to_string(), read)
        }
    };
    // The rule of what can stand behind the word Bearer: without it, nobody could show the secret.
    let text = text.lines().next().unwrap_or_default().trim_ascii().to_owned();
    if text.len() < SHORTEST_SECRET || Bearer::parse(&text).is_err() {
        let problem = "is not a secret of at least 16 characters out of letters, digits and -._~+/";
        return Err(Failure::new(format!("admin_token: what {name} has {problem}"))
            .hint("make one with: openssl rand -hex 32"));
    }
    Ok(text)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST_FILE).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};

    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn operators(policy: Option<Policy>) -> Operators {
        Operators { secret: Some(digest(&SHA256, SECRET.as_bytes())), policy }
    }

    async fn status(operators: &Operators, auth: &RequiresAuth, authorization: &[&str]) -> u16 {
        let mut request = Request::post("/revocations");
        for value in authorization {
            request = request.header("authorization", *value);
        }
        let admitted = operators.admit(auth, &request.body(()).expect("a request")).await;
        admitted.map_or_else(|refused| refused.status().as_u16(), |()| 200)
    }

    #[tokio::test]
    async fn the_secret_lets_in_and_so_does_a_token_with_the_scopes() {
        let key = SigningKey::generate(Algorithm::Es256);
        let auth = RequiresAuth::builder("https://i.example", "https://a.example")
            .with_jwks(jwk_set([&key]).to_string())
            .build()
            .expect("a guard");
        let forge = Forge::new("https://i.example", "https://a.example", key);
        let bearer = |token: &str| format!("Bearer {token}");
        let token = bearer(&forge.token().scope("revoke:tokens").mint());
        let own = bearer(SECRET);

        let by_secret = operators(None);
        assert_eq!(status(&by_secret, &auth, &[&own]).await, 200);
        assert_eq!(status(&by_secret, &auth, &[&format!("bearer {SECRET}")]).await, 200);
        for refused in [
            vec![],
            vec!["Bearer 0123456789abcdeg"],
            vec![SECRET],
            vec![&own, &own],
            vec![&token],
            vec!["Bearer "],
        ] {
            assert_eq!(status(&by_secret, &auth, &refused).await, 401, "{refused:?}");
        }

        let by_both = operators(Some(Policy::all_of(["revoke:tokens"])));
        assert_eq!(status(&by_both, &auth, &[&own]).await, 200);
        assert_eq!(status(&by_both, &auth, &[&token]).await, 200);
        assert_eq!(status(&by_both, &auth, &[&bearer(&forge.token().scope("read").mint())]).await, 403);
        assert_eq!(status(&by_both, &auth, &[]).await, 401);
    }

    #[test]
    fn a_secret_that_could_be_guessed_is_none() {
        let folder = std::env::temp_dir().join(format!("requires-auth-operators-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("secret");
        let of = |text: &str| {
            std::fs::write(&path, text).expect("a file");
            secret(&SecretPlace::File(path.clone()))
        };
        assert_eq!(of(&format!("{SECRET}\n")).ok().as_deref(), Some(SECRET));
        for refused in ["", "\n", "0123456789abcde", "0123456789 abcdef", "0123456789abcdéf"] {
            assert!(of(refused).is_err(), "{refused}");
        }
        std::fs::remove_dir_all(&folder).expect("a folder");
        assert!(secret(&SecretPlace::File(path)).is_err());
        let unset = SecretPlace::Variable("REQUIRES_AUTH_TEST_NOT_SET".to_owned());
        assert!(secret(&unset).is_err_and(|failure| failure.to_string().contains("is not set")));
        let nobody = Operators::new(&OperatorsConfig::default()).expect("nothing to read");
        assert!(!nobody.are_any());
    }
}
