//! A request that may pass, and what its answer is to carry.

use crate::verify::AccessToken;

/// A request that may pass.
///
/// ```
/// # async fn adapter(auth: requires_auth::RequiresAuth) -> Result<(), requires_auth::Denial> {
/// use requires_auth::Request;
/// use requires_auth::guard::Passed;
/// use requires_auth::policy::Requirement;
///
/// let headers = [("authorization", "Bearer eyJhbGciOi...")];
/// let admission = auth.admit(&Request::new("GET", "/", &headers), &Requirement::default()).await?;
/// for (name, value) in admission.headers() {
///     // Add it to the answer of the handler.
///     println!("{name}: {value}");
/// }
/// match admission.into_passed() {
///     Passed::Token(token) => println!("hello {}", token.subject().unwrap_or("nobody")),
///     _ => println!("hello"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Admission {
    passed: Passed,
    headers: Vec<(&'static str, String)>,
}

/// How a request passes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Passed {
    /// Without a token, as it needs none.
    Anonymous,
    /// As a CORS preflight, which never has a token.
    Preflight,
    /// With this valid token.
    Token(AccessToken),
}

impl Admission {
    /// How the request passes.
    pub const fn passed(&self) -> &Passed {
        &self.passed
    }

    /// How the request passes, to keep.
    pub fn into_passed(self) -> Passed {
        self.passed
    }

    /// The token, if the request has passed with one.
    pub const fn token(&self) -> Option<&AccessToken> {
        match &self.passed {
            Passed::Token(token) => Some(token),
            Passed::Anonymous | Passed::Preflight => None,
        }
    }

    /// Headers that the answer to this request must carry, as name and value, names in lower case.
    ///
    /// An adapter adds them to every answer of the handler. A Bearer token in `Authorization` needs none. `cache-control` is for
    /// answers that have none: after a token from another place it is `private`, as caches do not know that there was one.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// How the request passes, and the headers of its answer.
    pub fn into_parts(self) -> (Passed, Vec<(&'static str, String)>) {
        (self.passed, self.headers)
    }
}

impl Admission {
    /// With this token; the answer has this header unless the application gives it another value.
    pub(super) fn with_default(token: AccessToken, (name, value): (&'static str, &str)) -> Self {
        Self { passed: Passed::Token(token), headers: vec![(name, value.to_owned())] }
    }

    /// With this token, which is bound to a certificate: no cache is to hand the answer to another client. Where a proxy tells
    /// the certificate in `header`, a cache behind it can tell by that (RFC 9440 §2.4).
    pub(super) fn of_certificate(token: AccessToken, header: Option<&str>) -> Self {
        let mut headers = vec![("cache-control", "no-store".to_owned())];
        headers.extend(header.map(|name| ("vary", name.to_owned())));
        Self { passed: Passed::Token(token), headers }
    }

    /// With this token; its client is to use this nonce from now on, and no cache is to hand it to another (RFC 9449 §8.2).
    /// For a request of another origin, its script may read the nonce.
    pub(super) fn with_nonce(token: AccessToken, nonce: &str, is_of_other_origin: bool) -> Self {
        let mut headers = vec![("dpop-nonce", nonce.to_owned()), ("cache-control", "no-store".to_owned())];
        if is_of_other_origin {
            headers.push(("access-control-expose-headers", "DPoP-Nonce".to_owned()));
        }
        Self { passed: Passed::Token(token), headers }
    }
}

/// The answer needs nothing more.
impl From<Passed> for Admission {
    fn from(passed: Passed) -> Self {
        Self { passed, headers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admission_has_the_headers_of_its_answer() {
        let headers = vec![("dpop-nonce", "one".to_owned())];
        let admission = Admission { passed: Passed::Anonymous, headers: headers.clone() };
        assert_eq!(admission.headers().collect::<Vec<_>>(), [("dpop-nonce", "one")]);
        assert!(admission.token().is_none());
        let (passed, kept) = admission.into_parts();
        assert!(matches!(passed, Passed::Anonymous));
        assert_eq!(kept, headers);
        assert_eq!(Admission::from(Passed::Preflight).headers().count(), 0);
    }
}
