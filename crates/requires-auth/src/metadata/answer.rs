//! The answer to a request for the document.

/// The answer to a request for the metadata document: what an adapter turns into a response of its framework, as it is.
///
/// `GET` and `HEAD` get the document, `OPTIONS` the CORS headers of a preflight, and every other method 405. It is the same for
/// every client, needs no token, and no key of an issuer.
///
/// ```
/// use requires_auth::{Request, RequiresAuth};
///
/// let auth = RequiresAuth::for_resource("https://issuer.example", "https://api.example/mcp")?;
/// let no_headers: [(&str, &str); 0] = [];
/// let at = |method, path| auth.metadata(&Request::new(method, path, &no_headers));
///
/// let path = "/.well-known/oauth-protected-resource/mcp";
/// let answer = at("GET", path).expect("the document");
/// assert_eq!(answer.status(), 200);
/// assert!(answer.headers().any(|header| header == ("content-type", "application/json")));
/// assert_eq!(at("DELETE", path).expect("an answer").status(), 405);
///
/// // Any other request is the application's.
/// assert!(at("GET", "/mcp").is_none());
/// # Ok::<(), requires_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataAnswer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// Pages of any origin may read the document, as it holds no secret and depends on no cookie.
const ANY_ORIGIN: (&str, &str) = ("access-control-allow-origin", "*");
const METHODS: &str = "GET, HEAD, OPTIONS";
/// RFC 9728 §7.10: a client may keep the document for five minutes.
const CACHED: (&str, &str) = ("cache-control", "public, max-age=300");

impl MetadataAnswer {
    pub(super) fn of(method: &str, document: &[u8]) -> Self {
        match method {
            "GET" => Self::new(200, &DOCUMENT, document.to_vec()),
            "HEAD" => {
                let mut answer = Self::new(200, &DOCUMENT, Vec::new());
                // RFC 9110 §8.6: the length is that of the answer to a GET.
                answer.headers.push(("content-length", document.len().to_string()));
                answer
            }
            "OPTIONS" => {
                let allowed =
                    [("access-control-allow-methods", METHODS), ("access-control-allow-headers", "*")];
                let cached = ("access-control-max-age", "300");
                let headers = [&[("allow", METHODS), ANY_ORIGIN][..], &allowed, &[cached]].concat();
                Self::new(204, &headers, Vec::new())
            }
            _ => Self::new(405, &[("allow", METHODS), ANY_ORIGIN], Vec::new()),
        }
    }

    fn new(status: u16, headers: &[(&'static str, &str)], body: Vec<u8>) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { status, headers, body }
    }

    /// The HTTP status: 200, 204 or 405.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// All headers of the answer, names in lower case. The length of the body is left to the framework, but for `HEAD`.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.headers.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The body; empty unless the method is `GET`.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, without a copy.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

const DOCUMENT: [(&str, &str); 3] = [("content-type", "application/json"), CACHED, ANY_ORIGIN];
