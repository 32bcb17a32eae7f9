//! Answers that are signed: RFC 9701, and the flat shape of its drafts.

use std::borrow::Cow;

use super::answer::{Answer, AnswerFault};
use crate::credential::Bearer;
use crate::jose::alg::AlgorithmSet;
use crate::jose::compact::{Token, Unverified};
use crate::jose::json::{Object, Raw};
use crate::jose::key_set::{Found, KeySet};
use crate::jose::signature::Verified;

/// Who must have signed an answer, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Expected<'e> {
    /// Compared with `iss` byte for byte.
    pub(crate) issuer: &'e str,
    /// Must be named in `aud`.
    pub(crate) client_id: &'e str,
    /// Only these; `None` is each key's own.
    pub(crate) algorithms: Option<AlgorithmSet>,
}

/// A signed answer that was not read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UnreadAnswer {
    /// It tells nothing.
    Fault(AnswerFault),
    /// The keys at hand do not settle it; others may.
    OtherKeys {
        /// The `kid` that the set does not have.
        kid: Option<Box<str>>,
    },
}

impl From<AnswerFault> for UnreadAnswer {
    fn from(fault: AnswerFault) -> Self {
        Self::Fault(fault)
    }
}

/// Reads a signed answer by the keys at hand.
///
/// The nested shape (RFC 9701 §5) has the answer in the member `token_introspection`, and this client in `aud`. In the flat
/// shape the answer is the claims, and `aud` is that of the token, which is checked later as such. Neither needs `exp`.
pub(crate) fn read_signed(
    body: &[u8],
    expected: Expected<'_>,
    keys: &KeySet,
) -> Result<Answer, UnreadAnswer> {
    let text = std::str::from_utf8(body).map_err(|_| AnswerFault::NotSigned)?;
    let bearer = Bearer::parse(text).map_err(|_| AnswerFault::NotSigned)?;
    let Ok(Token::Signed(token)) = Token::parse(bearer, None) else {
        return Err(AnswerFault::NotSigned.into());
    };
    let payload = verified(&token, expected, keys)?;
    Ok(read_claims(payload, expected)?)
}

/// The payload, if the header is that of an answer and a key of the issuer has signed it.
fn verified<'t>(
    token: &'t Unverified<'_>,
    expected: Expected<'_>,
    keys: &KeySet,
) -> Result<&'t [u8], UnreadAnswer> {
    let header = token.header().map_err(|_| AnswerFault::OtherType)?;
    if header.is_critical() || header.is_nested() || !header.is_type("token-introspection+jwt") {
        return Err(AnswerFault::OtherType.into());
    }
    let allowed = |algorithm: &_| expected.algorithms.is_none_or(|list| list.contains(*algorithm));
    let algorithm = header.algorithm().filter(allowed).ok_or(AnswerFault::Algorithm)?;
    let candidates = match keys.find(algorithm, header.kid()) {
        Found::Keys(candidates) => candidates,
        Found::OtherAlgorithm => return Err(AnswerFault::Algorithm.into()),
        Found::Unknown => return Err(UnreadAnswer::OtherKeys { kid: header.kid().map(Into::into) }),
    };
    let verified = candidates.iter().find_map(|key| key.public().verify(algorithm, token));
    verified.map(Verified::payload).ok_or(UnreadAnswer::OtherKeys { kid: None })
}

fn read_claims(payload: &[u8], expected: Expected<'_>) -> Result<Answer, AnswerFault> {
    let claims = Object::parse(payload).map_err(|_| AnswerFault::NotJson)?;
    let iss = claims.get("iss").and_then(Raw::as_str);
    if iss.as_deref() != Some(expected.issuer) {
        return Err(AnswerFault::OtherIssuer);
    }
    let Some(nested) = claims.get("token_introspection") else {
        return Answer::of(claims.text().to_owned());
    };
    if !names(claims.get("aud"), expected.client_id) {
        return Err(AnswerFault::OtherClient);
    }
    let inner = nested.as_object().ok_or(AnswerFault::NotJson)?;
    if contradict(&claims, &inner) {
        return Err(AnswerFault::Contradiction);
    }
    Answer::of(nested.text().to_owned())
}

/// Whether `aud` is a client, or a list with it.
fn names(aud: Option<Raw<'_>>, client_id: &str) -> bool {
    let Some(aud) = aud else { return false };
    let is_client = |name: Option<Cow<'_, str>>| name.as_deref() == Some(client_id);
    match aud.as_array() {
        Some(list) => list.into_iter().any(|name| is_client(name.as_str())),
        None => is_client(aud.as_str()),
    }
}

/// Whether a member stands both in the JWT and in the answer within it, with two values. `aud` and `iat` are about the
/// JWT outside and about the token inside, so that they differ.
fn contradict(outer: &Object<'_>, inner: &Object<'_>) -> bool {
    let of_the_jwt = ["aud", "iat", "jti"];
    let differs = |(name, value): (&str, Raw<'_>)| {
        !of_the_jwt.contains(&name) && inner.get(name).is_some_and(|other| !is_same(value, other))
    };
    outer.iter().any(differs)
}

fn is_same(one: Raw<'_>, other: Raw<'_>) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.text() == other.text(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use requires_auth_testkit::{Algorithm, Forge, SigningKey, jwk_set};
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://issuer.example";

    fn expected() -> Expected<'static> {
        Expected { issuer: ISSUER, client_id: "api", algorithms: None }
    }

    struct Issuer {
        key: SigningKey,
        keys: KeySet,
    }

    impl Issuer {
        fn new() -> Self {
            let key = SigningKey::generate(Algorithm::Es256);
            let keys = KeySet::parse(jwk_set([&key]).to_string()).expect("a key set");
            Self { key, keys }
        }

        fn answer(&self, typ: &str, claims: &Value) -> String {
            let forge = Forge::new(ISSUER, "api", self.key.clone());
            forge.token().header("typ", typ).raw_claims(claims.to_string()).mint()
        }

        fn read(&self, claims: &Value) -> Result<bool, UnreadAnswer> {
            let answer = self.answer("token-introspection+jwt", claims);
            read_signed(answer.as_bytes(), expected(), &self.keys).map(|answer| answer.active().is_some())
        }
    }

    fn nested() -> Value {
        json!({ "iss": ISSUER, "aud": "api", "iat": 1, "token_introspection": { "active": true, "sub": "alice" } })
    }

    #[test]
    fn both_shapes_are_read() {
        let issuer = Issuer::new();
        assert_eq!(issuer.read(&nested()), Ok(true));
        let mut listed = nested();
        listed["aud"] = json!(["other", "api"]);
        assert_eq!(issuer.read(&listed), Ok(true));
        assert_eq!(
            issuer.read(&json!({ "iss": ISSUER, "active": true, "aud": "https://api.example" })),
            Ok(true)
        );
        let mut inactive = nested();
        inactive["token_introspection"] = json!({ "active": false });
        assert_eq!(issuer.read(&inactive), Ok(false));
    }

    #[test]
    fn an_answer_of_another_issuer_or_for_another_client_says_nothing() {
        let issuer = Issuer::new();
        let fault = |name: &str, value: Value| {
            let mut claims = nested();
            claims[name] = value;
            issuer.read(&claims)
        };
        let refused = |fault| Err(UnreadAnswer::Fault(fault));
        assert_eq!(fault("iss", json!("https://issuer.example/")), refused(AnswerFault::OtherIssuer));
        assert_eq!(fault("iss", Value::Null), refused(AnswerFault::OtherIssuer));
        assert_eq!(fault("aud", json!("other")), refused(AnswerFault::OtherClient));
        assert_eq!(fault("aud", json!(["API"])), refused(AnswerFault::OtherClient));
        assert_eq!(fault("aud", Value::Null), refused(AnswerFault::OtherClient));
        assert_eq!(fault("token_introspection", json!("active")), refused(AnswerFault::NotJson));
    }

    #[test]
    fn what_stands_inside_and_outside_must_be_the_same() {
        let issuer = Issuer::new();
        let mut claims = nested();
        claims["sub"] = json!("alice");
        assert_eq!(issuer.read(&claims), Ok(true));
        claims["sub"] = json!("bob");
        assert_eq!(issuer.read(&claims), Err(UnreadAnswer::Fault(AnswerFault::Contradiction)));
        let mut claims = nested();
        claims["token_introspection"]["iss"] = json!("https://other.example");
        assert_eq!(issuer.read(&claims), Err(UnreadAnswer::Fault(AnswerFault::Contradiction)));
        let mut claims = nested();
        claims["token_introspection"]["aud"] = json!("https://api.example");
        claims["token_introspection"]["iat"] = json!(0);
        assert_eq!(issuer.read(&claims), Ok(true));
    }

    #[test]
    fn type_algorithm_and_signature_are_checked() {
        let issuer = Issuer::new();
        let read = |answer: &str, expected| read_signed(answer.as_bytes(), expected, &issuer.keys).map(drop);
        for typ in ["at+jwt", "JWT", "introspection+jwt"] {
            let answer = issuer.answer(typ, &nested());
            assert_eq!(read(&answer, expected()), Err(AnswerFault::OtherType.into()), "{typ}");
        }
        let good = issuer.answer("application/token-introspection+jwt", &nested());
        assert_eq!(read(&good, expected()), Ok(()));
        let other_list = Some([crate::jose::alg::Algorithm::Rs256].into_iter().collect());
        let narrow = Expected { algorithms: other_list, ..expected() };
        assert_eq!(read(&good, narrow), Err(AnswerFault::Algorithm.into()));
        let stranger = Issuer::new();
        let forged = stranger.answer("token-introspection+jwt", &nested());
        assert!(matches!(read(&forged, expected()), Err(UnreadAnswer::OtherKeys { .. })), "another key");
        for body in ["", r#"{"active":true}"#, "a.b", &format!("{good}\n")] {
            assert_eq!(read(body, expected()), Err(AnswerFault::NotSigned.into()), "{body}");
        }
    }
}
