//! Who asks: the client that this API is at the issuer, and how it says so (RFC 6749 §2.3.1, RFC 7523 §2.2).

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::IntrospectionRequest;
use super::secret_key::{PrivateKey, random_name};
use crate::settings::Secret;

/// What says that an assertion is a JWT (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// For how many seconds an assertion counts: long enough for a slow connection and two clocks.
const ASSERTION_LIFE: u64 = 60;

/// The client, with its credentials.
pub(crate) struct Client {
    pub(super) id: String,
    pub(super) method: Method,
}

pub(super) enum Method {
    /// `client_secret_basic`.
    Basic(Secret),
    /// `client_secret_post`.
    Post(Secret),
    /// `private_key_jwt`.
    PrivateKey(PrivateKey),
}

impl Client {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// A question about a token. The token stands in the body alone. `None` if an assertion cannot be signed, as the
    /// operating system has no randomness.
    pub(super) fn request(
        &self,
        url: Url,
        issuer: &str,
        token: &str,
        accept: &'static str,
        now: SystemTime,
    ) -> Option<IntrospectionRequest> {
        let mut form = Serializer::new(String::new());
        form.append_pair("token", token);
        let authorization = match &self.method {
            Method::Basic(secret) => Some(basic(&self.id, secret.text())),
            Method::Post(secret) => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret.text());
                None
            }
            Method::PrivateKey(key) => {
                let assertion = assertion(key, &self.id, issuer, now)?;
                form.append_pair("client_id", &self.id)
                    .append_pair("client_assertion_type", ASSERTION_TYPE)
                    .append_pair("client_assertion", &assertion);
                None
            }
        };
        Some(IntrospectionRequest::new(url, accept, authorization, form.finish()))
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}

/// RFC 7523 §3: this client says it itself, to this issuer alone, once, for a minute.
fn assertion(key: &PrivateKey, id: &str, issuer: &str, now: SystemTime) -> Option<String> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = serde_json::json!({
        "iss": id, "sub": id, "aud": issuer, "jti": random_name()?, "iat": now, "exp": now + ASSERTION_LIFE,
    });
    key.sign(&claims.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use requires_auth_testkit::{Algorithm, SigningKey, jwk_set};

    use super::*;
    use crate::credential::Bearer;
    use crate::verify::{KeySet, Rules};

    fn ask(method: Method) -> IntrospectionRequest {
        let client = Client { id: "api:1 ü".to_owned(), method };
        let url = Url::parse("https://issuer.example/introspect").expect("a URL");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        client.request(url, "https://issuer.example", "a+b/c=", "application/json", now).expect("a request")
    }

    #[test]
    fn the_token_stands_in_the_body_and_the_secret_where_the_method_says() {
        let basic = ask(Method::Basic(Secret::new("p:w d%&+")));
        assert_eq!(basic.body(), "token=a%2Bb%2Fc%3D");
        let decoded =
            STANDARD.decode(basic.authorization().expect("Basic").strip_prefix("Basic ").expect("Basic"));
        let decoded = String::from_utf8(decoded.expect("base64")).expect("text");
        assert_eq!(decoded, "api%3A1+%C3%BC:p%3Aw+d%25%26%2B");
        let post = ask(Method::Post(Secret::new("p:w d%&+")));
        assert_eq!(post.authorization(), None);
        assert_eq!(post.body(), "token=a%2Bb%2Fc%3D&client_id=api%3A1+%C3%BC&client_secret=p%3Aw+d%25%26%2B");
        for request in [&basic, &post] {
            assert_eq!(request.url().as_str(), "https://issuer.example/introspect");
        }
    }

    /// A key pair as PEM, and as the testkit's key of the same private half.
    fn generated(algorithm: Algorithm) -> (String, SigningKey) {
        let der = crate::introspect::secret_key::tests::pkcs8(algorithm.name());
        let encoded = STANDARD.encode(&der);
        let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        (pem, SigningKey::from_pkcs8(algorithm, &der).expect("a key"))
    }

    #[test]
    fn an_assertion_is_signed_by_each_kind_of_key() {
        for algorithm in
            [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::Ed25519, Algorithm::Rs256]
        {
            let (pem, key) = generated(algorithm);
            let read = PrivateKey::parse(pem.as_bytes()).unwrap_or_else(|| panic!("{algorithm} in PEM"));
            let request = ask(Method::PrivateKey(read));
            let form: Vec<_> = url::form_urlencoded::parse(request.body().as_bytes()).collect();
            let value =
                |name: &str| form.iter().find(|(own, _)| own == name).map(|(_, value)| value.to_string());
            assert_eq!(value("client_assertion_type").as_deref(), Some(ASSERTION_TYPE));
            let keys = Arc::new(KeySet::parse(jwk_set([&key]).to_string()).expect("a key set"));
            let rules = Rules::new(Some("api:1 ü"), "https://issuer.example");
            let assertion = value("client_assertion").expect("an assertion");
            let bearer = Bearer::parse(&assertion).expect("a JWT");
            let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
            let token = rules
                .verify(bearer, &keys, at(1_800_000_000))
                .unwrap_or_else(|error| panic!("{algorithm}: {error}"));
            assert_eq!(token.subject(), Some("api:1 ü"));
            assert!(token.claim::<String>("jti").is_some_and(|jti| jti.len() == 22));
            assert!(rules.verify(bearer, &keys, at(1_800_000_000 + 60 + 31)).is_err(), "it ends");
        }
    }

    #[test]
    fn what_is_not_a_private_key_is_refused() {
        let (pem, key) = generated(Algorithm::Es256);
        let public = jwk_set([&key]).to_string();
        let jwk = key.public_jwk().to_string();
        for text in [
            "",
            "{}",
            "secret",
            &public,
            &jwk,
            &pem[..pem.len() - 30],
            &pem.replace("PRIVATE KEY", "PUBLIC KEY"),
        ] {
            assert!(PrivateKey::parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(PrivateKey::parse(&[0xFF, 0xFE]).is_none());
    }
}
